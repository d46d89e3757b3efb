/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/config.h"
#include "core/config_text.h"

#define MAIN "origin: here\n"
#define HEAD                                      \
	"site: a\n"                               \
	"links:\n"                                \
	"  - {name: l, tcp: \"127.0.0.1:502\"}\n" \
	"units:\n"                                \
	"  - {name: u, link: l, id: 1}\n"         \
	"sources:\n"                              \
	"  - name: s\n"                           \
	"    kind: liquid\n"                      \
	"    channels:\n"
#define CHANNEL \
	"      - {name: c, from: u, address: 0, type: float32, range: [0, 10]}\n" /* line 10 */
#define SITE   HEAD CHANNEL
#define LIMITS SITE "    limits:\n" /* line 11 */

struct directory {
	char path[64];
	char *said;
	size_t n_said;
	size_t n_errors;
	struct config *config;
	int result;
};

static void write_file(const struct directory *d, const char *name, const char *text, size_t n)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fchmod(fileno(file), 0644), 0);
	assert_int_equal(fclose(file), 0);
}

static void open_directory(struct directory *d)
{
	char path[128];

	*d = (struct directory){.path = "/tmp/wastewatch-config-XXXXXX"};
	assert_non_null(mkdtemp(d->path));
	(void)snprintf(path, sizeof(path), "%s/sites.d", d->path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void forget(struct directory *d)
{
	d->config = config_free(d->config);
	free(d->said);
	d->said = NULL;
}

static void load(struct directory *d)
{
	FILE *errors;

	forget(d);
	errors = open_memstream(&d->said, &d->n_said);
	assert_non_null(errors);
	d->result = config_load(&d->config, d->path, errors, &d->n_errors);
	assert_int_equal(fclose(errors), 0);
	assert_true((d->result == 0) == (d->n_errors == 0));
	assert_true((d->result == 0) == (d->config != NULL));
}

static void load_texts(struct directory *d, const char *main_text, const char *site_text)
{
	write_file(d, "wastewatch.yaml", main_text, strlen(main_text));
	write_file(d, "sites.d/a.yaml", site_text, strlen(site_text));
	load(d);
}

static void close_directory(struct directory *d)
{
	static const char *const names[] = {"sites.d/a.yaml",  "sites.d/b.yaml", "sites.d/c.yml",
					    "wastewatch.yaml", "sites.d",	 ""};
	char path[128];

	forget(d);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", d->path, names[i]);
		(void)remove(path);
	}
}

/** says() - one line with "FILE:PLACE: ", and @text and "; allowed" or "must say" behind it */
static bool says(const struct directory *d, const char *file, const char *place, const char *text)
{
	char start[200];
	const char *line, *end;
	size_t n = strlen(text);

	(void)snprintf(start, sizeof(start), "%s/%s:%s: ", d->path, file, place);
	for (line = d->said; (line = strstr(line, start)); line++) {
		end = line + strcspn(line, "\n");
		for (const char *c = line; c + n <= end; c++)
			if (strncmp(c, text, n) == 0)
				return true;
	}
	return false;
}

struct bad {
	const char *text;
	const char *place;
	const char *says;
};

static void check_rows(const struct bad *rows, size_t n, bool main)
{
	struct directory d;

	open_directory(&d);
	for (size_t i = 0; i < n; i++) {
		load_texts(&d, main ? rows[i].text : MAIN, main ? SITE : rows[i].text);
		if (d.result != -EINVAL || d.n_errors != 1 ||
		    !says(&d, main ? "wastewatch.yaml" : "sites.d/a.yaml", rows[i].place,
			  rows[i].says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", rows[i].place,
				 rows[i].says, rows[i].text, d.result, d.n_errors, d.said);
		assert_non_null(strchr(d.said, ';'));
	}
	close_directory(&d);
}

#define DESTINATION(text) MAIN "destinations:\n  - {name: d, " text "}\n"

static void test_bad_main(void **state)
{
	static const struct bad rows[] = {
		{"", "1:1", "empty"},
		{"# only a comment\n", "1:1", "empty"},
		{"- a\n", "1:1", "a configuration must stand here"},
		{"hello\n", "1:1", "a configuration must stand here"},
		{"grid: 10ms\n", "1:1", "no \"origin\""},
		{"origin:\n", "1:8", "no value"},
		{"origin: \"\"\n", "1:9", "not a name"},
		{"origin: 9x\n", "1:9", "not a name"},
		{"origin: [a]\n", "1:9", "it is a list"},
		{"origin: {a: b}\n", "1:9", "it is a mapping"},
		{MAIN "orign: x\n", "2:1", "did you mean \"origin\"?"},
		{MAIN "zzz: x\n", "2:1", "allowed: origin, timezone, grid"},
		{MAIN "origin: there\n", "2:1", "repeated key \"origin\", it stands in line 1"},
		{MAIN "[a]: b\n", "2:1", "a key is a list"},
		{MAIN "timezone: UTC\n", "2:11", "offset from UTC"},
		{MAIN "timezone: +14:01\n", "2:11", "offset from UTC"},
		{MAIN "grid: 10\n", "2:7", "no unit"},
		{MAIN "grid: 10 ms\n", "2:7", "not a duration"},
		{MAIN "grid: -1ms\n", "2:7", "not a duration"},
		{MAIN "grid: 999us\n", "2:7", "too short; allowed: a duration from 1ms to 1s"},
		{MAIN "grid: 1500us\n", "2:7", "whole number of milliseconds"},
		{MAIN "grid: 1001ms\n", "2:7", "too long"},
		{MAIN "grid: \"10ms\"\n", "2:7", "in quotes"},
		{MAIN "capture: 0\n", "2:10", "from 1 to 100"},
		{MAIN "capture: 101\n", "2:10", "from 1 to 100"},
		{MAIN "capture: 7.5\n", "2:10", "not a whole number"},
		{MAIN "capture: 075\n", "2:10", "leading zero"},
		{MAIN "capture: 99999999999999999999\n", "2:10", "out of range"},
		{MAIN "incident-clear: 8d\n", "2:17", "too long"},
		{MAIN "report-interval: 0s\n", "2:18", "too short"},
		{MAIN "minute-retention: 59d\n", "2:19", "from 60d to 36500d"},
		{MAIN "minute-retention: 1441h\n", "2:19", "whole number of days"},
		{MAIN "destinations: x\n", "2:15", "not a list"},
		{MAIN "destinations: [x]\n", "2:16", "a destination must stand here"},
		{DESTINATION(""), "3:5", "no \"url\""},
		{DESTINATION("url: gopher://x/"), "3:20", "neither https nor http"},
		{DESTINATION("url: http://example.com/"), "3:20", "neither https nor on this"},
		{DESTINATION("url: http://127.evil.com/"), "3:20", "neither https nor on this"},
		{DESTINATION("url: http://128.0.0.1/"), "3:20", "neither https nor on this"},
		{DESTINATION("url: \"http://[::2]/\""), "3:20", "neither https nor on this"},
		{DESTINATION("url: http://localhost.evil.com/"), "3:20", "neither https"},
		{DESTINATION("url: https://u:p@x/"), "3:20", "user or password"},
		{DESTINATION("url: \"https://x/a b\""), "3:20", "a space"},
		{DESTINATION("url: \"https://x/\\r\\nX: y\""), "3:20", "control character"},
		{DESTINATION("url: https://x:0/"), "3:20", "host or port"},
		{DESTINATION("url: https://x:65536/"), "3:20", "host or port"},
		{DESTINATION("url: \"https://x:/\""), "3:20", "host or port"},
		{DESTINATION("url: https:///"), "3:20", "host or port"},
		{DESTINATION("url: https://x_y/"), "3:20", "neither a name nor an address"},
		{DESTINATION("url: \"https://x/#a\""), "3:20", "fragment"},
		{DESTINATION("url: https://x/, hmac-secret: .x"), "3:45", "credential"},
		{DESTINATION("url: https://x/, ca: a/b"), "3:36", "credential"},
		{DESTINATION("url: https://x/, key: k"), "3:37", "go together"},
		{DESTINATION("url: https://x/, certificate: k"), "3:45", "go together"},
		{DESTINATION("url: https://x/, min-class: bad"), "3:43",
		 "warning, limit or emergency"},
		{DESTINATION("url: https://x/") "  - {name: d, url: https://x/}\n", "4:12",
		 "a second destination is called \"d\""},
		/* YAML itself */
		{MAIN "\tgrid: 1ms\n", "2:1", "tab"},
		{MAIN "grid: {\n", "3:1", "allowed: YAML"},
		{MAIN "grid: \"x\n", "3:1", "allowed: YAML"},
		{MAIN "---\nb: c\n", "2:1", "second document"},
		{"origin: &x here\n", "1:9", "anchor"},
		{"origin: *x\n", "1:9", "alias"},
		{"origin: !!str here\n", "1:9", "a tag"},
		{"# \xc3\xa9\norigin: x\xff\n", "2:10", "UTF-8"},
		{"origin: \"a\\0b\"\n", "1:9", "NUL"},
		{"origin: a\x01\n", "1:10", "control characters"},
		{MAIN "grid: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "2:22", "too deeply"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), true);
}

#define LINK(text) "site: a\nlinks:\n  - {name: l, " text "}\n"
#define REST                                                                            \
	"units: [{name: u, link: l, id: 1}]\nsources: [{name: s, kind: gas, channels: " \
	"[{name: c, from: u, address: 0, type: int16, range: [0, 1]}]}]\n"
#define UNIT(text)                                                                               \
	"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n  - {name: u, " text "}\n" \
	"sources: [{name: s, kind: gas, channels: "                                              \
	"[{name: c, from: u, address: 0, type: int16, range: [0, 1], lost-after: 1d}]}]\n"
#define TCP(text)  LINK("tcp: \"" text "\"") REST
#define MORE(text) SITE "      - {name: d, " text "}\n" /* line 11, text from column 19 */
#define ODD(address_, type_, text) \
	MORE("from: u, range: [0, 1], address: " address_ ", type: " type_ text)
#define MINUTES(interval)                                                                 \
	"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n"                   \
	"  - {name: u, link: l, id: 1, interval: " interval "}\nsources:\n"               \
	"  - name: s\n    kind: gas\n    channels:\n"                                     \
	"      - {name: c, from: u, address: 0, type: int16, range: [0, 9], lost-after: " \
	"1d}\n    limits:\n"                                                              \
	"      - {channel: c, class: warning, high: 1, on: mean-1min}\n"
#define LIMIT(text) LIMITS "      - {channel: c, " text "}\n" /* line 12, text from column 22 */

static void test_bad_devices(void **state)
{
	static const struct bad rows[] = {
		{"site: a\n" REST, "1:1", "no link"},
		{TCP("plc:502"), "3:20", "a name server must not"},
		{TCP("127.0.0.1"), "3:20", "not an address"},
		{TCP("127.0.0.1:"), "3:20", "not an address"},
		{TCP("127.0.0.1:0"), "3:20", "not an address"},
		{TCP("127.0.0.1:65536"), "3:20", "not an address"},
		{TCP("127.0.0.1:5o2"), "3:20", "not an address"},
		{TCP("127.0.0.256:502"), "3:20", "not an address"},
		{TCP("127.1:502"), "3:20", "not an address"},
		{TCP("0.0.0.0:502"), "3:20", "not an address"},
		{TCP("224.0.0.1:502"), "3:20", "not an address"},
		{TCP("::1:502"), "3:20", "not an address"},
		{TCP("[::1]"), "3:20", "not an address"},
		{TCP("[::1:502"), "3:20", "not an address"},
		{TCP("[fe80::1%eth0]:502"), "3:20", "not an address"},
		{TCP("[ff02::1]:502"), "3:20", "not an address"},
		{LINK("tcp: \"127.0.0.1:502\", backoff: 1s") REST, "3:46", "not a list"},
		{LINK("tcp: \"127.0.0.1:502\", backoff: [1s]") REST, "3:46", "too short"},
		{LINK("tcp: \"127.0.0.1:502\", backoff: [1s, 2s, 3s]") REST, "3:46", "too long"},
		{LINK("tcp: \"127.0.0.1:502\", backoff: [1s, 2]") REST, "3:51", "no unit"},
		{LINK("tcp: \"127.0.0.1:502\", backoff: [2s, 1s]") REST, "3:46", "longer than"},
		{LINK("tcp: \"127.0.0.1:502\"}\n  - {name: l, tcp: \"127.0.0.1:503\"") REST, "4:12",
		 "a second link is called \"l\""},
		{UNIT("link: l, id: 248"), "4:28", "reserved"},
		{UNIT("link: l, id: 256"), "4:28", "out of range"},
		{UNIT("link: l, id: -1"), "4:28", "not a whole number"},
		{UNIT("link: l"), "4:5", "no \"id\""},
		{UNIT("link: m, id: 1"), "4:21", "did you mean \"l\"?; allowed: l"},
		{UNIT("link: l, id: 1, interval: 19ms"), "4:41", "too short"},
		{UNIT("link: l, id: 1, interval: 1015ms"), "4:41", "multiples of 10 ms"},
		{UNIT("link: l, id: 1, interval: 490ms"), "4:41", "timeout of 500 ms"},
		{UNIT("link: l, id: 1, timeout: 1001ms"), "4:40", "up to 1000 ms"},
		{UNIT("link: l, id: 1, max-registers: 126"), "4:46", "out of range"},
		{UNIT("link: l, id: 1, max-gap: 125"), "4:40", "out of range"},
		{UNIT("link: l, id: 1, baud: 9600"), "4:31", "unknown key \"baud\""},
		{UNIT("link: l, id: 1}\n  - {name: u, link: l, id: 2"), "5:12",
		 "a second unit is called \"u\""},
		{SITE "position: [90.1, 0]\n", "11:11", "latitude -90 to 90"},
		{SITE "position: [0, nan]\n", "11:15", "not a number"},
		{SITE "position: [0, 1e999]\n", "11:15", "too large"},
		{SITE "title: \"a\\tb\"\n", "11:8", "control character"},
		{SITE "  - {name: s, kind: gas, channels: [{name: c, from: u, address: 0, type: "
		      "int16, range: [0, 1]}]}\n",
		 "11:12", "a second source is called \"s\""},
		{SITE "  - {name: t, kind: fluid, channels: [{name: c, from: u, address: 0, type: "
		      "int16, range: [0, 1]}]}\n",
		 "11:21", "liquid, gas or solid"},
		{SITE "  - {name: t, kind: gas}\n", "11:5", "no channel"},
		{SITE "  - {name: t, kind: gas, channels: []}\n", "11:36", "no channel"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

static void test_bad_channels(void **state)
{
	static const struct bad rows[] = {
		{SITE CHANNEL, "11:16", "a second channel is called \"c\", the first is at "},
		{MORE("from: u, address: 0, range: [0, 1]"), "11:9", "no \"type\""},
		{MORE("from: u, address: 0, type: int16"), "11:9", "no \"range\""},
		{MORE("from: v, address: 0, type: int16, range: [0, 1]"), "11:25",
		 "no unit \"v\", did you mean \"u\"?; allowed: u"},
		{ODD("65536", "int16", ""), "11:52", "from 0 to 65535"},
		{ODD("65535", "float32", ""), "11:52", "up to 65534"},
		{ODD("65533", "float64", ""), "11:52", "up to 65532"},
		{ODD("0x10000", "int16", ""), "11:52", "out of range"},
		{ODD("0", "float16", ""), "11:61", "no such word; allowed: int16, uint16"},
		{ODD("0", "int16", ", order: ABCD"), "11:75",
		 "allowed: AB (high byte first) or BA"},
		{ODD("0", "int32", ", order: ACBD"), "11:75", "CDAB"},
		{ODD("0", "int64", ", order: ABCD"), "11:75", "ABCDEFGH"},
		{ODD("0", "bit", ", order: AB"), "11:73", "no byte order"},
		{ODD("0", "bit", ", bit: 16"), "11:71", "from 0 to 15"},
		{ODD("0", "int16", ", bit: 1"), "11:73", "only the type bit"},
		{ODD("0", "bit", ", table: coil, bit: 1"), "11:84", "only a register"},
		{ODD("0", "int16", ", table: discrete"), "11:61", "is a bit"},
		{ODD("0", "int16", ", table: registers"), "11:75",
		 "holding, input, coil or discrete"},
		{ODD("0", "int16", ", invalid: [0x10000]"), "11:77", "does not fit a int16"},
		{ODD("0", "int16", ", invalid: [-1]"), "11:78", "not a whole number"},
		{ODD("0", "int16", ", invalid: 0x7fff"), "11:77", "not a list"},
		{ODD("0", "int16", ", invalid: [1, 2, 3, 4, 5]"), "11:90", "too many"},
		{ODD("0", "bit", ", invalid: [1]"), "11:75", "no invalid codes"},
		{ODD("0", "int16", ", scale: 0"), "11:75", "scale of 0"},
		{ODD("0", "int16", ", scale: 1,5"), "11:77", "unknown key \"5\""},
		{ODD("0", "int16", ", scale: 0x10"), "11:75", "not a number"},
		{ODD("0", "int16", ", scale: inf"), "11:75", "not a number"},
		{ODD("0", "int16", ", lost-after: 1999ms"), "11:80", "2000 ms or more"},
		{MORE("from: u, address: 0, type: int16, range: [1, 1]"), "11:60", "empty"},
		{MORE("from: u, address: 0, type: int16, range: [2, 1]"), "11:60", "empty"},
		{MORE("from: u, address: 0, type: int16, range: 1"), "11:60", "not a list"},
		{MORE("from: u, address: 0, type: int16, range: [0, x]"), "11:64",
		 "\"range\" cannot be \"x\""},
		{"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
		 "units: [{name: u, link: l, id: 1, max-registers: 3}]\n"
		 "sources: [{name: s, kind: gas, channels: [\n"
		 "  {name: c, from: u, address: 0, type: float64, range: [0, 1]}]}]\n",
		 "5:31", "max-registers of 4 or more"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

static void test_bad_limits(void **state)
{
	static const struct bad rows[] = {
		{LIMITS "      - {class: warning, high: 1}\n", "12:9", "no \"channel\""},
		{LIMITS "      - {channel: d, class: warning, high: 1}\n", "12:19",
		 "no channel \"d\", did you mean \"c\"?; allowed: c"},
		{LIMIT("high: 1"), "12:9", "no \"class\""},
		{LIMIT("class: bad, high: 1"), "12:29", "warning, limit or emergency"},
		{LIMIT("class: limit, high: 1"), "12:9", "no \"origin\""},
		{LIMIT("class: emergency, high: 1"), "12:9", "no \"origin\""},
		{LIMIT("class: warning"), "12:9", "exactly one bound"},
		{LIMIT("class: warning, high: 2, low: 1"), "12:52", "exactly one bound"},
		{LIMIT("class: warning, high: 10.1"), "12:44", "0 to 10"},
		{LIMIT("class: warning, low: -0.1"), "12:43", "0 to 10"},
		{LIMIT("class: warning, high: x"), "12:44", "not a number"},
		{LIMIT("class: warning, high: 1, deadband: -1"), "12:57", "0 or more"},
		{LIMIT("class: warning, high: 1, deadband: 1.5"), "12:57", "deadband up to 1"},
		{LIMIT("class: warning, low: 9, deadband: 1.5"), "12:56", "deadband up to 1"},
		{LIMIT("class: warning, high: 1, on: mean"), "12:51",
		 "value, mean-1min, mean-5min, mean-1h or mean-24h"},
		{LIMIT("class: warning, high: 1, raise-delay: 25h"), "12:60", "too long"},
		{LIMIT("class: warning, high: 1}\n      - {channel: c, class: warning, high: 2"),
		 "13:9", "a second limit is called \"warning-high\""},
		{LIMIT("class: warning, high: 1, name: x}\n"
		       "      - {channel: c, class: limit, high: 2, origin: o, name: x"),
		 "13:62", "a second limit is called \"x\""},
		{MINUTES("60010ms"), "11:51", "less than once a minute"},
		{MINUTES("2min"), "11:51", "less than once a minute"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

static void test_minutes(void **state)
{
	struct directory d;

	(void)state;
	open_directory(&d);
	load_texts(&d, MAIN, MINUTES("1min"));
	assert_int_equal(d.result, 0);
	close_directory(&d);
}

/* an incident remembers who knows of it, in a table of fixed size */
static void test_destinations_at_most(void **state)
{
	char text[4096] = MAIN "destinations:\n";
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 1; i <= CONFIG_DESTINATIONS_MAX + 1; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "  - {name: d%zu, url: https://x/}\n",
			       i);
		load_texts(&d, text, SITE);
		assert_int_equal(d.result, i <= 16 ? 0 : -EINVAL);
	}
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "wastewatch.yaml", "19:12", "too many; allowed: 16"));
	close_directory(&d);
}

/* an error hides none of the others, and what depends on a bad thing is not an error too */
static void test_all_errors(void **state)
{
	static const char site[] =
		"site: a\n"
		"links:\n"
		"  - {name: l, tcp: plc}\n"
		"units:\n"
		"  - {name: u, link: l, id: 300}\n"
		"sources:\n"
		"  - name: s\n"
		"    kind: fluid\n"
		"    channels:\n"
		"      - {name: c, from: u, address: x, type: float32, range: [0, 10], foo: 1}\n"
		"    limits:\n"
		"      - {channel: c, class: limit, high: 3, origin: o, on: x}\n"
		"      - {channel: d, class: limit, high: 3, origin: o}\n";
	struct directory d;

	(void)state;
	open_directory(&d);
	write_file(&d, "sites.d/b.yaml", "site: {\n", 8);
	load_texts(&d, MAIN "grid: 0ms\n", site);
	assert_int_equal(d.result, -EINVAL);
	assert_int_equal(d.n_errors, 9);
	assert_true(says(&d, "wastewatch.yaml", "2:7", "grid"));
	assert_true(says(&d, "sites.d/a.yaml", "3:20", "tcp"));
	assert_true(says(&d, "sites.d/a.yaml", "5:28", "id"));
	assert_true(says(&d, "sites.d/a.yaml", "8:11", "kind"));
	assert_true(says(&d, "sites.d/a.yaml", "10:37", "address"));
	assert_true(says(&d, "sites.d/a.yaml", "10:71", "foo"));
	assert_true(says(&d, "sites.d/a.yaml", "12:60", "\"on\""));
	assert_true(says(&d, "sites.d/a.yaml", "13:19", "no channel \"d\""));
	assert_true(says(&d, "sites.d/b.yaml", "2:1", "YAML"));
	close_directory(&d);
}

static void test_files(void **state)
{
	struct directory d;
	char path[128], *big = malloc(1024 * 1024 + 1);

	(void)state;
	open_directory(&d);
	load(&d);
	assert_int_equal(d.result, -ENOENT);
	assert_true(says(&d, "wastewatch.yaml", "1:1", "No such file"));
	assert_true(says(&d, "sites.d", "1:1", "there is no site"));

	load_texts(&d, MAIN, SITE);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.n_said, 0);

	write_file(&d, "sites.d/c.yml", "x", 1);
	load(&d);
	assert_int_equal(d.result, 0);
	assert_true(says(&d, "sites.d", "1:1", "warning: c.yml is not read"));

	(void)snprintf(path, sizeof(path), "%s/sites.d/a.yaml", d.path);
	assert_int_equal(chmod(path, 0646), 0);
	load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/a.yaml", "1:1", "everybody on this machine may write"));
	assert_int_equal(chmod(path, 0644), 0);

	(void)snprintf(path, sizeof(path), "%s/sites.d", d.path);
	assert_int_equal(chmod(path, 01777), 0);
	load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d", "1:1", "everybody on this machine may write"));
	assert_int_equal(chmod(path, 0755), 0);

	(void)snprintf(path, sizeof(path), "%s/sites.d/b.yaml", d.path);
	assert_int_equal(mkfifo(path, 0644), 0);
	load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "not a regular file"));
	assert_int_equal(remove(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	load(&d);
	assert_int_equal(d.result, -EINVAL);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "No such file"));
	assert_int_equal(remove(path), 0);

	assert_non_null(big);
	memset(big, '#', 1024 * 1024 + 1);
	write_file(&d, "sites.d/b.yaml", big, 1024 * 1024 + 1);
	load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "over 1 MiB"));
	write_file(&d, "sites.d/b.yaml", SITE, strlen(SITE));
	load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:7", "a second site is called \"a\""));
	assert_true(says(&d, "sites.d/b.yaml", "3:20", "warning: a second link goes to"));
	free(big);
	close_directory(&d);
	assert_int_equal(config_load(&d.config, d.path, NULL, NULL), -ENOENT);
	assert_null(d.config);
}

static bool same(double a, double b)
{
	return a >= b && a <= b;
}

static void test_defaults(void **state)
{
	struct directory d;
	const struct config *c;

	(void)state;
	open_directory(&d);
	load_texts(&d, MAIN, LIMIT("class: warning, low: 1"));
	assert_int_equal(d.result, 0);
	c = d.config;
	assert_string_equal(c->directory, d.path);
	assert_string_equal(c->origin, "here");
	assert_int_equal(c->zone_min, 420);
	assert_int_equal(c->grid_ms, 10);
	assert_int_equal(c->capture_percent, 75);
	assert_int_equal(c->incident_clear_ms, 600000);
	assert_int_equal(c->report_interval_ms, 60000);
	assert_int_equal(c->minute_retention_days, 60);
	assert_int_equal(c->n_destinations, 0);
	assert_string_equal(c->sites[0].title, "a");
	assert_string_equal(c->sites[0].cluster, "");
	assert_true(isnan(c->sites[0].latitude) && isnan(c->sites[0].longitude));
	assert_string_equal(c->links[0].host, "127.0.0.1");
	assert_int_equal(c->links[0].port, 502);
	assert_int_equal(c->links[0].connect_timeout_ms, 3000);
	assert_int_equal(c->links[0].backoff_min_ms, 1000);
	assert_int_equal(c->links[0].backoff_max_ms, 60000);
	assert_int_equal(c->units[0].interval_ms, 1000);
	assert_int_equal(c->units[0].timeout_ms, 500);
	assert_int_equal(c->units[0].max_registers, 125);
	assert_int_equal(c->units[0].max_gap, 0);
	assert_string_equal(c->channels[0].title, "c");
	assert_string_equal(c->channels[0].measure, "");
	assert_int_equal(c->channels[0].function, 3);
	assert_memory_equal(c->channels[0].decode.order, ((uint8_t[]){0, 1, 2, 3}), 4);
	assert_true(same(c->channels[0].decode.scale, 1) && same(c->channels[0].decode.offset, 0));
	assert_int_equal(c->channels[0].decode.n_invalid, 0);
	assert_int_equal(c->channels[0].lost_after_ms, 60000);
	assert_string_equal(c->limits[0].name, "warning-low");
	assert_string_equal(c->limits[0].path, "a/s/c/warning-low");
	assert_int_equal(c->limits[0].on, LIMIT_ON_VALUE);
	assert_false(c->limits[0].high);
	assert_true(same(c->limits[0].bound, 1) && same(c->limits[0].deadband, 0));
	assert_int_equal(c->limits[0].raise_delay_ms, 0);
	assert_int_equal(c->limits[0].clear_delay_ms, 60000);
	assert_string_equal(c->limits[0].origin, "");
	close_directory(&d);
}

/* keys in any order, references forward in the file, words that YAML 1.1 takes for others */
static void test_values(void **state)
{
	static const char main_text[] =
		"timezone: -03:30\ngrid: 20ms\ncapture: 100\nminute-retention: 1826d\n"
		"incident-clear: 1.5min\norigin: no\n"
		"destinations:\n"
		"  - {name: d, url: \"http://[::1]:80/x\", hmac-secret: s.1, ca: , key: k, "
		"certificate: c, min-class: emergency}\n"
		"  - {name: e, url: https://dep.example:8443/a?b=c, ca: ~}\n"
		"  - {name: f, url: http://127.9.9.9}\n"
		"  - {name: g, url: \"https://[2001:db8::1]\"}\n";
	static const char site[] =
		"sources:\n"
		"  - kind: solid\n"
		"    limits:\n"
		"      - {channel: NO, class: emergency, high: 5, origin: o, raise-delay: 5s}\n"
		"      - {channel: X, class: limit, high: 5, origin: o, on: mean-1min}\n"
		"      - {channel: NO, class: warning, high: 4.5, name: early, deadband: 0.5}\n"
		"    channels:\n"
		"      - {range: [0, 100], type: uint64, order: GHEFCDAB, address: 0x10, from: u, "
		"name: X, unit: mg/l, title: \"Ô xy\", scale: -1e-3, offset: +2}\n"
		"      - {name: NO, from: u, address: 65535, table: input, type: int16, range: "
		"[-5.5, 100], invalid: [0x7fff, 32768], order: BA}\n"
		"      - {name: on, from: u, address: 65535, table: coil, range: [0, 1]}\n"
		"      - {name: d, from: u, address: 3, table: discrete, type: bit, range: [0, "
		"1]}\n"
		"      - {name: b, from: u, address: 3, type: bit, bit: 15, range: [0, 1]}\n"
		"    name: heap\n"
		"units: [{name: u, link: l, id: 255, interval: 20ms, timeout: 20ms}]\n"
		"links: [{name: l, tcp: \"[0:0::0:1]:502\", backoff: [10ms, 10ms]}]\n"
		"position: [-90, 180]\n"
		"site: yes\n";
	struct directory d;
	const struct config *c;
	size_t i, first;

	(void)state;
	open_directory(&d);
	load_texts(&d, main_text, site);
	if (d.result)
		fail_msg("%s", d.said);
	c = d.config;
	assert_string_equal(c->origin, "no");
	assert_int_equal(c->zone_min, -210);
	assert_int_equal(c->incident_clear_ms, 90000);
	assert_int_equal(c->minute_retention_days, 1826);
	assert_int_equal(c->n_destinations, 4);
	assert_string_equal(c->destinations[0].hmac_secret, "s.1");
	assert_string_equal(c->destinations[0].ca, "");
	assert_int_equal(c->destinations[0].min_class, CLASS_EMERGENCY);
	assert_int_equal(c->destinations[1].min_class, CLASS_LIMIT);
	assert_string_equal(c->destinations[1].ca, "");
	assert_string_equal(c->sites[0].name, "yes");
	assert_true(same(c->sites[0].latitude, -90) && same(c->sites[0].longitude, 180));
	assert_string_equal(c->links[0].host, "::1");
	assert_int_equal(c->units[0].id, 255);
	assert_int_equal(c->sources[0].kind, WASTE_SOLID);
	assert_int_equal(c->n_channels, 5);
	assert_string_equal(c->channels[0].path, "yes/heap/X");
	assert_string_equal(c->channels[0].title, "Ô xy");
	assert_int_equal(c->channels[0].address, 16);
	assert_memory_equal(c->channels[0].decode.order, ((uint8_t[]){6, 7, 4, 5, 2, 3, 0, 1}), 8);
	assert_true(same(c->channels[0].decode.scale, -1e-3));
	assert_true(same(c->channels[0].decode.offset, 2));
	assert_int_equal(c->channels[1].function, 4);
	assert_int_equal(c->channels[1].decode.n_invalid, 2);
	assert_int_equal(c->channels[1].decode.invalid[1], 0x8000);
	assert_true(same(c->channels[1].decode.min, -5.5));
	assert_int_equal(c->channels[2].function, 1);
	assert_int_equal(c->channels[2].decode.type, DECODE_BIT);
	assert_int_equal(c->channels[3].function, 2);
	assert_int_equal(c->channels[4].decode.bit, 15);

	/* limits stand by channel, else in the order of the file */
	assert_int_equal(config_limits_of(c, 0, &first), 1);
	assert_int_equal(first, 0);
	assert_string_equal(c->limits[0].path, "yes/heap/X/limit-high");
	assert_int_equal(config_limits_of(c, 1, &first), 2);
	assert_int_equal(first, 1);
	assert_string_equal(c->limits[1].name, "emergency-high");
	assert_string_equal(c->limits[2].name, "early");
	assert_int_equal(config_limits_of(c, 2, &first), 0);

	for (i = 0; i < c->n_channels; i++) {
		size_t found;

		assert_int_equal(config_channel_find(c, c->channels[i].path, &found), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(config_channel_find(c, "yes/heap/Y", &i), -ENOENT);
	assert_int_equal(config_channel_find(c, "", &i), -ENOENT);
	assert_int_equal(d.n_said, 0);
	close_directory(&d);
}

/* Circular 10/2021 Art. 35: three times the limit, exactly three times is enough */
static void test_margin(void **state)
{
	static const struct {
		const char *limit;
		bool warned;
	} rows[] = {
		{"unit: mg/l, range: [0, 29.9]", true},
		{"unit: mg/l, range: [0, 30]", false},
		{"unit: µg/m3, range: [0, 29.9]", true},
		{"unit: °C, range: [0, 29.9]", false},
		{"range: [0, 29.9]", false},
	};
	char site[1000];
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(site, sizeof(site),
			       HEAD
			       "      - {name: c, from: u, address: 0, type: float32, %s}\n"
			       "    limits: [{channel: c, class: limit, high: 10, origin: o}]\n",
			       rows[i].limit);
		load_texts(&d, MAIN, site);
		assert_int_equal(d.result, 0);
		assert_int_equal(says(&d, "sites.d/a.yaml", "11:47", "warning: the range"),
				 rows[i].warned);
		assert_true(rows[i].warned || d.n_said == 0);
	}
	close_directory(&d);
}

static void test_hash(void **state)
{
	struct directory d;
	uint8_t first[32];
	char from[128], to[128];

	(void)state;
	open_directory(&d);
	load_texts(&d, MAIN, SITE);
	memcpy(first, d.config->digest, sizeof(first));
	load(&d);
	assert_memory_equal(d.config->digest, first, sizeof(first));
	load_texts(&d, MAIN, SITE "\n");
	assert_memory_not_equal(d.config->digest, first, sizeof(first));
	load_texts(&d, MAIN, SITE);
	assert_memory_equal(d.config->digest, first, sizeof(first));
	(void)snprintf(from, sizeof(from), "%s/sites.d/a.yaml", d.path);
	(void)snprintf(to, sizeof(to), "%s/sites.d/b.yaml", d.path);
	assert_int_equal(rename(from, to), 0);
	load(&d);
	assert_memory_not_equal(d.config->digest, first, sizeof(first));
	close_directory(&d);
}

/* 10,000 channels: a quadratic search would take minutes under the sanitizers */
static void test_large(void **state)
{
	struct directory d;
	char name[40], path[128];
	size_t found;

	(void)state;
	open_directory(&d);
	write_file(&d, "wastewatch.yaml", MAIN, strlen(MAIN));
	for (unsigned int s = 0; s < 100; s++) {
		char *text = NULL;
		size_t n = 0;
		FILE *file = open_memstream(&text, &n);

		assert_non_null(file);
		(void)fprintf(file, "site: s%u\nlinks:\n", s);
		for (unsigned int i = 0; i < 40; i++)
			(void)fprintf(file, "  - {name: l%u, tcp: \"127.%u.%u.1:502\"}\n", i, s + 1,
				      i);
		(void)fprintf(file, "units:\n");
		for (unsigned int i = 0; i < 40; i++)
			(void)fprintf(file, "  - {name: u%u, link: l%u, id: 1}\n", i, i);
		(void)fprintf(file, "sources:\n  - name: o\n    kind: gas\n    channels:\n");
		for (unsigned int i = 0; i < 100; i++)
			(void)fprintf(file,
				      "      - {name: c%u, from: u%u, address: %u, type: float32, "
				      "range: [0, 1]}\n",
				      i, i % 40, i);
		assert_int_equal(fclose(file), 0);
		(void)snprintf(name, sizeof(name), "sites.d/%u.yaml", s);
		write_file(&d, name, text, n);
		free(text);
	}
	load(&d);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.config->n_links, 4000);
	assert_int_equal(d.config->n_channels, 10000);
	assert_int_equal(config_channel_find(d.config, "s99/o/c99", &found), 0);
	for (unsigned int s = 0; s < 100; s++) {
		(void)snprintf(path, sizeof(path), "%s/sites.d/%u.yaml", d.path, s);
		(void)remove(path);
	}
	close_directory(&d);
}

static void test_example(void **state)
{
	const char *source = getenv("WASTEWATCH_SOURCE");
	struct directory d = {.path = "conf"};
	char path[4096];
	FILE *errors = open_memstream(&d.said, &d.n_said);
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s%sconf", source ? source : "", source ? "/" : "");
	assert_non_null(errors);
	d.result = config_load(&d.config, path, errors, &d.n_errors);
	assert_int_equal(fclose(errors), 0);
	if (d.result || d.n_said)
		fail_msg("%d\n%s", d.result, d.said);
	assert_int_equal(d.config->n_sites, 1);
	assert_int_equal(d.config->n_channels, 14);
	assert_int_equal(config_channel_find(d.config, "hop-thanh/outfall-1/COD", &i), 0);
	assert_int_equal(config_channel_find(d.config, "hop-thanh/stack-1/PM", &i), 0);
	for (i = 0; i < d.config->n_limits; i++) {
		assert_true(d.config->limits[i].origin[0] != '\0');
		assert_true(d.config->limits[i].advice[0] != '\0');
	}
	forget(&d);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t us;
	} rows[] = {
		{"0s", 0, 0},
		{"1us", 0, 1},
		{"10ms", 0, 10000},
		{"1.5s", 0, 1500000},
		{"10min", 0, 600000000},
		{"1h", 0, 3600000000},
		{"7d", 0, 604800000000},
		{"0.5us", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5", -EDOM, 0},
		{"5m", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"1e3s", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"1.2.3s", -EINVAL, 0},
		{"5S", -EINVAL, 0},
		{"99999d", -ERANGE, 0},
		{"0x5s", -EINVAL, 0},
	};
	char text[CONFIG_DURATION_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t us = -7, again = -7;

		assert_int_equal(config_duration_parse(rows[i].text, &us), rows[i].result);
		assert_int_equal(us, rows[i].result ? -7 : rows[i].us);
		if (rows[i].result)
			continue;
		config_duration_format(us, text);
		assert_int_equal(config_duration_parse(text, &again), 0);
		assert_int_equal(again, us);
	}
	config_duration_format(600000000, text);
	assert_string_equal(text, "10min");
}

static void test_distance_and_quote(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		size_t n;
	} rows[] = {
		{"", "", 0},
		{"a", "", 1},
		{"", "ab", 2},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "abd", 1},
		{"adress", "address", 1},
		{"kitten", "sitting", 3},
	};
	char quoted[CONFIG_QUOTE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(config_distance(rows[i].a, rows[i].b), rows[i].n);
	assert_string_equal(config_quote("a\x1b[31m", quoted), "a?[31m");
	config_quote("ééééééééééééééééééééééééééééééééééééééééééééééééééééé", quoted);
	assert_string_equal(quoted, "éééééééééééééééééééééééééééééééé…");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_main),     cmocka_unit_test(test_bad_devices),
		cmocka_unit_test(test_bad_channels), cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_all_errors),   cmocka_unit_test(test_files),
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_values),
		cmocka_unit_test(test_margin),	     cmocka_unit_test(test_hash),
		cmocka_unit_test(test_large),	     cmocka_unit_test(test_example),
		cmocka_unit_test(test_durations),    cmocka_unit_test(test_distance_and_quote),
		cmocka_unit_test(test_minutes),	     cmocka_unit_test(test_destinations_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
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
#include "core/config_text.h"
#include "load.h"

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

static void load_texts(struct directory *d, const char *main_text, const char *site_text)
{
	directory_write(d, "wastewatch.yaml", main_text);
	directory_write(d, "sites.d/a.yaml", site_text);
	directory_load(d);
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

/** struct bad - @place NULL: a "^" in the text stands where the error is reported */
struct bad {
	const char *text;
	const char *place;
	const char *says;
};

/** take_mark() - copy a text without its "^", whose place becomes "LINE:COLUMN" */
static void take_mark(const char *text, char copy[static 4096], char place[static 32])
{
	const char *mark = strchr(text, '^');
	unsigned int line = 1, column = 1;

	if (!mark)
		fail_msg("no mark in:\n%s", text);
	for (const char *c = text; c < mark; c++) {
		line += *c == '\n';
		column = *c == '\n' ? 1 : column + (((unsigned char)*c & 0xc0) != 0x80);
	}
	(void)snprintf(place, 32, "%u:%u", line, column);
	(void)snprintf(copy, 4096, "%.*s%s", (int)(mark - text), text, mark + 1);
}

static void check_rows(const struct bad *rows, size_t n, bool main)
{
	char text[4096], place[32];
	struct directory d;

	directory_open(&d);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].place) {
			(void)snprintf(text, sizeof(text), "%s", rows[i].text);
			(void)snprintf(place, sizeof(place), "%s", rows[i].place);
		} else {
			take_mark(rows[i].text, text, place);
		}
		load_texts(&d, main ? text : MAIN, main ? SITE : text);
		if (d.result != -EINVAL || d.n_errors != 1 ||
		    !says(&d, main ? "wastewatch.yaml" : "sites.d/a.yaml", place, rows[i].says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", place,
				 rows[i].says, text, d.result, d.n_errors, d.said);
		assert_non_null(strchr(d.said, ';'));
	}
	directory_close(&d);
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
		{MAIN "storage-ballast: 3\n", "2:18", "from 4 to 4096"},
		{MAIN "storage-low: 0\n", "2:14", "from 1 to"},
		{MAIN "storage-critical: 257\n", "2:19", "at most storage-low"},
		{MAIN "storage-low: 31\n", "2:14", "at most storage-low"},
		{MAIN "storage-critical-inodes: 1001\n", "2:26", "at most storage-low-inodes"},
		{MAIN "storage-low-inodes: 99\n", "2:21", "at most storage-low-inodes"},
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
		{DESTINATION("url: https://x/, min-level: bad"), "3:43", "province or national"},
		{DESTINATION("url: https://x/, min-verdict: bad"), "3:45", "likely or observed"},
		{DESTINATION("url: https://x/, format: xml"), "3:40", "json or cap"},
		{DESTINATION("url: https://x/, format: cap, language: fr"), "3:55", "vi or en"},
		{DESTINATION("url: https://x/, language: vi"), "3:42", "with format: cap"},
		{DESTINATION("url: https://x/, kinds: [gas, wet]"), "3:45",
		 "no kind of waste \"wet\""},
		{DESTINATION("url: https://x/, kinds: gas"), "3:39", "not a list"},
		{DESTINATION("url: https://x/, sites: [1]"), "3:40", "letter"},
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
		{LIMIT("class: warning, high: 1, count: 3"), "12:54",
		 "does not say within what time"},
		{LIMIT("class: warning, high: 1, count: 11, within: 1h"), "12:54", "from 1 to 10"},
		{LIMIT("class: warning, high: 1, within: 1h"), "12:55", "how many times"},
		{LIMIT("class: warning, high: 1, count: 2, within: 999ms"), "12:65", "too short"},
		{LIMIT("class: warning, high: 1, on: mean-1h, count: 3, within: 2h"), "12:78",
		 "180 min or more"},
		{LIMIT("class: warning, high: 1, latch: maybe"), "12:54", "no or yes"},
		{LIMIT("class: warning, high: 1, re-alarm: 59s"), "12:57", "too short"},
		{LIMIT("class: warning, high: 1, shelve-max: 8d"), "12:59", "too long"},
		{LIMIT("class: warning, high: 1, enabled-above: 1"), "12:62", "with enabled-by"},
		{LIMIT("class: warning, high: 1, enabled-by: c"), "12:59", "exactly one bound"},
		{LIMIT("class: warning, high: 1, enabled-by: d, enabled-above: 1"), "12:59",
		 "no channel \"d\", did you mean \"c\"?; allowed: c"},
		{LIMIT("class: warning, high: 1, enabled-by: c, enabled-above: 10"), "12:77",
		 "never hold"},
		{LIMIT("class: warning, high: 1, suppressed-by: me"), "12:62",
		 "no limit of this source stands before"},
		{LIMIT("class: warning, high: 1, suppressed-by: warning-high"), "12:62",
		 "no limit of this source stands before"}, /* not itself */
		{LIMIT("class: warning, high: 1, name: x}\n      - {channel: c, class: warning, "
		       "high: 2, suppressed-by: c/y"),
		 "13:62", "allowed: a/s/c/x"},
		{LIMIT("class: warning, high: 1, name: x}\n      - {channel: c, class: warning, "
		       "high: 2, suppressed-by: s/c/x"),
		 "13:62", "no limit before this one"},
		{LIMIT("class: warning, high: 1, name: x}\n      - {channel: c, class: limit, "
		       "origin: o, high: 2, suppressed-by: x"),
		 "13:71",
		 "\"x\" is of class warning, and would hide one of class limit; allowed: a limit "
		 "of class limit or worse"},
		{LIMIT("class: limit, origin: o, high: 1, name: x}\n      - {channel: c, "
		       "class: emergency, origin: o, high: 2, suppressed-by: x"),
		 "13:75", "allowed: a limit of class emergency"},
		{LIMIT("class: limit, high: 1, origin: \"  \""), "12:53", "it is blank"},
		{LIMIT("class: limit, high: 1, origin: \"\""), "12:53", "has no \"origin\""},
		{LIMIT("class: warning, high: 2, name: x}\n      - {channel: c, class: warning, "
		       "low: 2"),
		 "13:43", "with \"a/s/c/x\" the channel may not be below 2 nor above 2"},
		{LIMIT("class: warning, low: 2, name: x}\n      - {channel: c, class: limit, "
		       "origin: o, high: 1"),
		 "13:53", "a low bound below the high one"},
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

#define FILES(text) MAIN "destinations:\n  - " text "\n"

static void test_bad_destinations(void **state)
{
	static const struct bad rows[] = {
		{FILES("^{name: d, url: \"sftp://h/x\", host-key: k, password: p}"), NULL,
		 "no \"user\"; it must say the name"},
		{FILES("^{name: d, url: \"sftp://h/x\", user: u, password: p}"), NULL,
		 "no \"host-key\"; it must say"},
		{FILES("^{name: d, url: \"sftp://h/x\", user: u, host-key: k}"), NULL,
		 "nothing to log in with; allowed: password, key or both"},
		{FILES("^{name: d, url: \"ftpes://h/x\", user: u}"), NULL, "no \"password\""},
		{FILES("^{name: d, url: \"ftp://127.0.0.1/x\", user: u}"), NULL, "no \"password\""},
		{FILES("{name: d, url: \"sftp://h/x\", user: u, host-key: k, password: p, ca: ^c}"),
		 NULL, "\"ca\" means nothing for this URL; allowed: with https or ftpes"},
		{FILES("{name: d, url: \"ftpes://h/x\", user: u, password: p, host-key: ^k}"), NULL,
		 "means nothing for this URL; allowed: with sftp"},
		{FILES("{name: d, url: \"ftpes://h/x\", user: u, password: p, key: ^k}"), NULL,
		 "means nothing for this URL; allowed: with https (and certificate) or sftp"},
		{FILES("{name: d, url: \"sftp://h/x\", user: u, host-key: k, key: k, certificate: "
		       "^c}"),
		 NULL, "means nothing for this URL; allowed: with https"},
		{FILES("{name: d, url: \"sftp://h/x\", user: u, host-key: k, key: k, min-class: "
		       "^limit}"),
		 NULL, "files hold all that was measured"},
		{FILES("{name: d, url: \"sftp://h/x\", user: u, host-key: k, key: k, hmac-secret: "
		       "^s}"),
		 NULL, "reports are signed and files are not"},
		{FILES("{name: d, url: https://h/x, user: ^u}"), NULL,
		 "means nothing for this URL; allowed: with sftp, ftpes or ftp"},
		{FILES("{name: d, url: https://h/x, password: ^p}"), NULL, "means nothing"},
		{FILES("{name: d, url: https://h/x, host-key: ^p}"), NULL, "means nothing"},
		{FILES("{name: d, url: \"sftp://h/x\", user: ^\"a:b\", host-key: k, key: k}"), NULL,
		 "no name to log in with"},
		{FILES("{name: d, url: \"sftp://h/x\", user: u, host-key: ^a/b, key: k}"), NULL,
		 "not the name of a credential"},
		{FILES("{name: d, url: ^\"sftp://u:p@h/x\", user: u, host-key: k, key: k}"), NULL,
		 "for files user and password of their own"},
		{FILES("{name: d, url: ^\"ftp://127.0.0.1/x;type=a\", user: u, password: p}"), NULL,
		 "no \"?\" and no \";\""},
		{FILES("{name: d, url: ^\"ftpes://h/x?y\", user: u, password: p}"), NULL,
		 "no \"?\" and no \";\""},
		{FILES("{name: d, url: ^\"ftps://h/x\", user: u, password: p}"), NULL,
		 "for files sftp://, ftpes:// or ftp://"},
		{FILES("{name: d, url: ^\"sftp://h:0/x\", user: u, host-key: k, key: k}"), NULL,
		 "host or port"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), true);
}

#define LINE(text) "site: a\nlinks:\n  - " text "\n" REST
#define RTU(text)  LINE("{name: l, rtu: /dev/serial/by-id/x, baud: 9600, " text "}")

static void test_bad_links(void **state)
{
	static const struct bad rows[] = {
		{LINE("^{name: l}"), NULL, "goes nowhere; it must say where its devices are"},
		{LINE("{name: l, tcp: \"127.0.0.1:1\", rtu: ^/dev/x, baud: 9600}"), NULL,
		 "one place, this one has \"tcp\" already; allowed: exactly one"},
		{LINE("{name: l, rtu: /dev/x, baud: 9600, rtu-tcp: ^\"127.0.0.1:1\"}"), NULL,
		 "this one has \"rtu\" already"},
		{LINE("{name: l, rtu: ^ttyS0, baud: 9600}"), NULL, "allowed: an absolute path"},
		{LINE("{name: l, rtu: ^/dev/../x, baud: 9600}"), NULL, "without \".\" and \"..\""},
		{LINE("{name: l, rtu: ^/dev/x/, baud: 9600}"), NULL, "allowed: an absolute path"},
		{LINE("{name: l, rtu: ^/, baud: 9600}"), NULL, "allowed: an absolute path"},
		{LINE("{name: l, rtu-tcp: ^plc, baud: 9600}"), NULL, "not an address"},
		{LINE("^{name: l, rtu: /dev/x}"), NULL, "no \"baud\"; it must say bits per second"},
		{LINE("{name: l, rtu: /dev/x, baud: ^14400}"), NULL,
		 "none of these numbers; allowed: 110, 300, 600, 1200, 2400, 4800, 9600, 19200, "
		 "38400, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, "
		 "1500000, 2500000, 3000000, 3500000 or 4000000"},
		{LINE("{name: l, rtu: /dev/x, baud: ^2000000}"), NULL, "none of these numbers"},
		{LINE("{name: l, rtu: /dev/x, baud: ^50}"), NULL, "none of these numbers"},
		{RTU("parity: ^mark"), NULL, "allowed: none, even or odd"},
		{RTU("stop-bits: ^3"), NULL, "none of these numbers; allowed: 1 or 2"},
		{RTU("rs485: ^true"), NULL, "no such word; allowed: no or yes"},
		{RTU("rts-before: ^1ms"), NULL, "with rs485: yes"},
		{RTU("rs485: no, rts-after: ^1ms"), NULL, "with rs485: yes"},
		{RTU("rts-low-on-send: ^yes"), NULL, "with rs485: yes"},
		{RTU("rx-during-tx: ^yes"), NULL, "with rs485: yes"},
		{RTU("rs485: yes, rts-before: ^101ms"), NULL,
		 "too long; allowed: a duration from "},
		{RTU("rs485: yes, rts-after: ^1500us"), NULL, "whole number of milliseconds"},
		{RTU("single: ^yes"), NULL, "one user anyway; allowed: with tcp or rtu-tcp"},
		{RTU("first-delay: ^61s"), NULL, "too long; allowed: a duration from 0s to 1min"},
		{LINE("{name: l, tcp: \"127.0.0.1:1\", baud: ^9600}"), NULL, "no bit rate"},
		{LINE("{name: l, tcp: \"127.0.0.1:1\", parity: ^even}"), NULL, "no parity"},
		{LINE("{name: l, tcp: \"127.0.0.1:1\", stop-bits: ^1}"), NULL, "no stop bits"},
		{LINE("{name: l, tcp: \"127.0.0.1:1\", rs485: ^no}"), NULL, "allowed: with rtu"},
		{LINE("{name: l, rtu-tcp: \"127.0.0.1:1\", rs485: ^yes}"), NULL,
		 "allowed: with rtu"},
		{LINE("{name: l, rtu-tcp: \"127.0.0.1:1\", rts-after: ^0ms}"), NULL,
		 "allowed: with rtu"},
		{LINE("{name: l, rtu: /dev/x, baud: 9600}\n  - {name: m, rtu: ^/dev/x, baud: "
		      "9600}"),
		 NULL, "one link per serial line"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

/* a unit on a serial line; another one with holes and states on Modbus TCP */
#define ON_LINE(text)                                                                        \
	"site: a\nlinks: [{name: l, rtu: /dev/x, baud: 9600}]\nunits:\n  - {name: u, link: " \
	"l, " text "}\n"                                                                     \
	"sources: [{name: s, kind: gas, channels: "                                          \
	"[{name: c, from: u, address: 0, type: int16, range: [0, 1], lost-after: 1d}]}]\n"
#define PARTS(text) UNIT("link: l, id: 1, " text)
#define STATE(text) PARTS("states: [" text "]")
#define RULE(text)  STATE("{name: x, address: 9, type: uint16, rules: [{" text "}]}")

static void test_bad_units(void **state)
{
	static const struct bad rows[] = {
		{ON_LINE("id: ^0"), NULL, "everybody, and nobody answers; allowed: 1 to 247"},
		{ON_LINE("id: ^248"), NULL, "is reserved; allowed: 1 to 247"},
		{ON_LINE("id: ^255"), NULL, "is reserved; allowed: 1 to 247"},
		{ON_LINE("id: 1, quiet: ^499ms"), NULL,
		 "shorter than the timeout; allowed: 500 ms or more"},
		{ON_LINE("id: 1, quiet: ^61s"), NULL, "too long; allowed: a duration from 10ms to"},
		{ON_LINE("id: 1, turnaround: ^11s"), NULL, "too long; allowed: a duration from 0s"},
		{PARTS("quiet: ^1s"), NULL, "allowed: on links with rtu or rtu-tcp"},
		{PARTS("holes: [^{from: 1}]"), NULL, "no \"to\"; it must say the last address"},
		{PARTS("holes: [^{to: 1}]"), NULL, "no \"from\"; it must say the first address"},
		{PARTS("holes: [{from: 2, to: ^1}]"), NULL, "before it begins; allowed: 2 or more"},
		{PARTS("holes: [{from: 2, to: ^65536}]"), NULL, "out of range"},
		{PARTS("holes: [{table: ^x, from: 2, to: 3}]"), NULL, "no such word"},
		/* line 6 holds the channel at address 0 of holding */
		{PARTS("holes: [{from: 0, to: 0}]"), "5:71",
		 "address 0 lies in the unit's hole from 0 to 0"},
		{STATE("^{name: x, address: 9, type: uint16}"), NULL, "no rule; it must say"},
		{STATE("^{address: 9, type: uint16, rules: [{quality: fault}]}"), NULL,
		 "no \"name\""},
		{STATE("^{name: x, type: uint16, rules: [{quality: fault}]}"), NULL,
		 "no \"address\""},
		{STATE("^{name: x, address: 9, rules: [{quality: fault}]}"), NULL,
		 "this state has no \"type\"; it must say uint8, uint16, uint32 or bit"},
		{STATE("{name: x, address: 9, type: ^int16, rules: [{quality: fault}]}"), NULL,
		 "allowed: uint8, uint16, uint32 or bit"},
		{STATE("{name: x, address: 9, type: uint16, byte: ^low, rules: [{quality: "
		       "fault}]}"),
		 NULL, "only an int8 or uint8"},
		{STATE("{name: x, address: 9, type: uint8, bit: ^1, rules: [{quality: fault}]}"),
		 NULL, "only the type bit"},
		{STATE("{name: x, address: 9, type: uint8, order: ^AB, rules: [{quality: fault}]}"),
		 NULL, "a single byte has no byte order"},
		{STATE("{name: x, address: 9, type: uint32, order: ^AB, rules: [{quality: "
		       "fault}]}"),
		 NULL, "not an order of the 4 bytes"},
		{STATE("{name: x, address: ^65535, type: uint32, rules: [{quality: fault}]}"), NULL,
		 "leaves no room"},
		{STATE("{name: x, address: 9, type: uint16, otherwise: ^bad, rules: [{quality: "
		       "fault}]}"),
		 NULL, "allowed: good, calibrating, maintenance, fault or not-in-operation"},
		{STATE("{name: x, address: 9, type: uint16, rules: [{quality: fault}]}, {name: ^x, "
		       "address: 9, type: uint16, rules: [{quality: fault}]}"),
		 NULL, "a second state is called \"x\""},
		{PARTS("holes: [{from: 10, to: 12}], states: [{name: x, address: ^9, type: uint32, "
		       "rules: [{quality: fault}]}]"),
		 NULL, "9 to 10 lie in the unit's hole from 10 to 12"},
		{PARTS("max-registers: 1, states: [{name: x, address: ^9, type: uint32, rules: "
		       "[{quality: fault}]}]"),
		 NULL, "max-registers of 2 or more"},
		{RULE("quality: ^frozen"), NULL, "allowed: good, calibrating, maintenance, fault"},
		{STATE("{name: x, address: 9, type: uint16, rules: [^{mask: 1}]}"), NULL,
		 "no \"quality\""},
		{RULE("mask: ^0, quality: fault"), NULL, "out of range"},
		{RULE("mask: ^0x10000, quality: fault"), NULL,
		 "of 16 bits has not; allowed: 0x1 to"},
		{RULE("mask: ^0x100000000, quality: fault"), NULL, "out of range"},
		{RULE("mask: 3, is: ^4, quality: fault"), NULL, "outside the mask 0x3"},
		{RULE("is: ^0x10000, quality: fault"), NULL, "outside the mask 0xFFFF"},
		{STATE("{name: x, table: coil, address: 9, rules: [{is: ^2, quality: fault}]}"),
		 NULL, "outside the mask 0x1"},
		{STATE("{name: x, address: 9, type: uint8, rules: [{mask: ^0x100, quality: "
		       "fault}]}"),
		 NULL, "0x1 to 0xFF"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

/* each unit's holes are found among those of all, and none of another's */
static void test_holes_of_many(void **state)
{
	struct directory d;

	(void)state;
	directory_open(&d);
	for (unsigned int n = 1; n <= 7; n++) {
		char *text = NULL;
		size_t n_text = 0;
		FILE *file = open_memstream(&text, &n_text);

		assert_non_null(file);
		(void)fprintf(file,
			      "site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n");
		for (unsigned int i = 0; i < n; i++)
			(void)fprintf(file,
				      "  - {name: u%u, link: l, id: %u, holes: [{from: %u, to: "
				      "%u}, {from: 100, to: 100}]}\n",
				      i, i, i * 2, i * 2);
		(void)fprintf(file, "sources:\n  - name: s\n    kind: gas\n    channels:\n");
		for (unsigned int i = 0; i < n; i++)
			(void)fprintf(file,
				      "      - {name: a%u, from: u%u, address: %u, type: int16, "
				      "range: [0, 1]}\n"
				      "      - {name: b%u, from: u%u, address: %u, type: int16, "
				      "range: [0, 1]}\n"
				      "      - {name: c%u, from: u%u, address: 100, type: int16, "
				      "range: [0, 1]}\n",
				      i, i, i * 2, i, i, i * 2 + 1, i, i);
		assert_int_equal(fclose(file), 0);
		load_texts(&d, MAIN, text);
		free(text);
		assert_int_equal(d.n_errors, 2 * n);
	}
	directory_close(&d);
}

/* twelve rules are enough for any state */
static void test_rules_at_most(void **state)
{
	char text[2048] = "";
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 1; i <= CONFIG_RULES_MAX + 1; i++) {
		char site[4096];
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "%s{is: %zu, quality: fault}",
			       i > 1 ? ", " : "", i);
		(void)snprintf(
			site, sizeof(site),
			RULE("quality: fault}], otherwise: good}, {name: y, address: 9, "
			     "type: uint16, rules: [%s]}]}\n  - {name: w, link: l, id: 1, "
			     "states: [{name: x, type: uint16, address: 3, rules: [{quality: "
			     "good"),
			text);
		load_texts(&d, MAIN, site);
		assert_int_equal(d.result, i <= 12 ? 0 : -EINVAL);
	}
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(d.said, "one rule too many; allowed: 12"));
	directory_close(&d);
}

#define CHANNELS(text)                                                                            \
	"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n"                           \
	"  - {name: u, link: l, id: 1, states: [{name: x, address: 9, type: uint16, rules: "      \
	"[{quality: fault}]}, {name: y, address: 9, type: uint16, rules: [{quality: fault}]}]}\n" \
	"  - {name: v, link: l, id: 2, interval: 6min}\n"                                         \
	"sources:\n  - name: s\n    kind: gas\n    channels:\n"                                   \
	"      - {name: c, from: u, address: 0, type: int16, unit: \"%\", range: [0, 9]}\n"       \
	"      - {name: e, from: v, address: 0, type: int16, range: [0, 9], lost-after: "         \
	"1d}\n" text
#define CHANNEL_OF(text) \
	CHANNELS("      - {name: d, from: u, address: 5, range: [0, 9], " text "}\n")

static void test_bad_judgement(void **state)
{
	static const struct bad rows[] = {
		{CHANNEL_OF("type: int16, byte: ^high"), NULL, "only an int8 or uint8"},
		{CHANNEL_OF("type: int8, byte: ^middle"), NULL, "allowed: low or high"},
		{CHANNEL_OF("type: int8, order: ^AB"), NULL, "a single byte has no byte order"},
		{CHANNEL_OF("type: uint8, invalid: ^[0x100]"), NULL, "bit patterns of 8 bits"},
		{CHANNEL_OF("type: uint8, states: ^x"), NULL, "not a list"},
		{CHANNEL_OF("type: uint8, states: [x, ^z]"), NULL,
		 "no state of this unit \"z\", did you mean \"x\"?; allowed: x, y"},
		{CHANNEL_OF("type: uint8, states: [^9]"), NULL, "not a name"},
		{CHANNEL_OF("type: uint8, states: [x, y, x, y, x, y, x, y, ^x]"), NULL,
		 "one name too many; allowed: a list of up to 8 names"},
		{CHANNELS("      - {name: d, from: v, address: 1, type: int16, range: [0, 9], "
			  "lost-after: 1d, states: [^x]}\n"),
		 NULL, "the unit has no states; allowed"},
		{CHANNEL_OF("type: uint8, frozen-after: ^999ms"), NULL, "too short; allowed: a "},
		{CHANNEL_OF("type: uint8, frozen-after: ^1s"), NULL,
		 "two intervals of the unit \"u\", so there is nothing to compare; allowed: 2000"},
		{CHANNEL_OF("type: uint8, frozen-after: ^8d"), NULL, "too long"},
		{CHANNEL_OF("type: uint8, frozen-change: ^1"), NULL, "without \"frozen-after\""},
		{CHANNEL_OF("type: uint8, frozen-after: 1h, frozen-change: ^-1"), NULL,
		 "no change is that small"},
		{CHANNEL_OF("type: uint8, frozen-after: 1h, frozen-change: ^9"), NULL,
		 "less than the range is wide"},
		{CHANNEL_OF("type: uint8, max-rate: ^0"), NULL, "allowed: more than 0, per minute"},
		{CHANNEL_OF("type: uint8, max-rate: ^-1"), NULL, "more than 0"},
		{CHANNEL_OF("type: uint8, enabled-above: ^1"), NULL, "with enabled-by"},
		{CHANNEL_OF("type: uint8, enabled-below: ^1"), NULL, "with enabled-by"},
		{CHANNEL_OF("type: uint8, enabled-by: ^c"), NULL, "exactly one bound"},
		{CHANNEL_OF("type: uint8, enabled-by: c, enabled-above: 1, enabled-below: ^2"),
		 NULL, "exactly one bound"},
		{CHANNEL_OF("type: uint8, enabled-by: c, enabled-above: ^9"), NULL,
		 "\"c\" ranges from 0 to 9, so the condition would never hold; allowed"},
		{CHANNEL_OF("type: uint8, enabled-by: c, enabled-above: ^-1"), NULL, "always hold"},
		{CHANNEL_OF("type: uint8, enabled-by: c, enabled-below: ^0"), NULL, "never hold"},
		{CHANNEL_OF("type: uint8, enabled-by: c, enabled-below: ^10"), NULL, "always hold"},
		{CHANNEL_OF("type: uint8, enabled-by: ^z, enabled-above: 1"), NULL,
		 "no channel before this one \"z\""},
		{CHANNEL_OF("type: uint8, enabled-by: ^d, enabled-above: 1"), NULL,
		 "no channel before this one \"d\", did you mean \"c\"?; allowed: c, e"},
		{HEAD "      - {name: c, from: u, address: 0, type: int16, range: [0, 1], "
		      "enabled-by: ^d, enabled-above: 1}\n",
		 NULL, "no channel stands before this one; allowed"},
		{CHANNEL_OF("type: uint8, signal: ^x"), NULL,
		 "the unit \"u\" has no profile and so no signals; allowed: a \"profile\""},
		{CHANNELS("      - ^{name: d, from: u, type: int16, range: [0, 9]}\n"), NULL,
		 "no \"address\"; it must say where its value is, or name with \"signal\""},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

#define DERIVED(text) CHANNELS("    derived:\n      - " text "\n")
#define OF(text)      DERIVED("{name: r, range: [0, 9], lost-after: 1d, " text "}")

static void test_bad_derived(void **state)
{
	static const struct bad rows[] = {
		{DERIVED("^{formula: load, inputs: [c, c], range: [0, 1]}"), NULL, "no \"name\""},
		{DERIVED("^{name: r, formula: load, inputs: [c, c]}"), NULL, "no \"range\""},
		{DERIVED("^{name: r, inputs: [c, c], range: [0, 1]}"), NULL,
		 "no \"formula\"; it must say oxygen, load, sum, difference or ratio"},
		{DERIVED("^{name: r, formula: load, range: [0, 1]}"), NULL, "no \"inputs\""},
		{OF("formula: ^mean, inputs: [c, c]"), NULL, "allowed: oxygen, load, sum"},
		{OF("formula: load, inputs: ^c"), NULL, "not a list"},
		{OF("formula: load, inputs: ^[c]"), NULL,
		 "load cannot be made of 1 inputs; allowed: [the concentration, the flow]"},
		{OF("formula: load, inputs: ^[c, c, c]"), NULL, "made of 3 inputs"},
		{OF("formula: difference, inputs: ^[]"), NULL, "made of 0 inputs"},
		{OF("formula: ratio, least: 1, inputs: ^[c, c, c]"), NULL, "[A, B] for A / B"},
		{OF("formula: oxygen, reference: 7, inputs: ^[c]"), NULL, "made of 1 inputs"},
		{OF("formula: sum, inputs: ^[c]"), NULL, "allowed: 2 to 8 channels"},
		{OF("formula: sum, inputs: [c, c, c, c, c, c, c, c, ^c]"), NULL,
		 "one name too many; allowed: a list of up to 8 names"},
		{OF("formula: sum, inputs: [c, ^f]"), NULL,
		 "no channel before this one \"f\", did you mean \"c\"?; allowed: c, e"},
		{OF("formula: sum, inputs: [c, ^r]"), NULL, "no channel before this one \"r\""},
		{OF("formula: sum, inputs: [c, c], reference: ^7"), NULL,
		 "formula: sum has no \"reference\"; allowed: with formula: oxygen"},
		{OF("formula: sum, inputs: [c, c], least: ^7"), NULL, "with formula: ratio"},
		{OF("formula: oxygen, reference: 7, inputs: [e, c], factor: ^7"), NULL,
		 "has no \"factor\"; allowed: with every other formula"},
		{OF("formula: load, inputs: [c, c], factor: ^0"), NULL, "makes every value 0"},
		{DERIVED("^{name: r, range: [0, 9], formula: oxygen, inputs: [c, c]}"), NULL,
		 "no \"reference\"; it must say reference oxygen"},
		{OF("formula: oxygen, reference: ^20.9, inputs: [c, c]"), NULL,
		 "allowed: 0 to below 20.9"},
		{OF("formula: oxygen, reference: ^-0.1, inputs: [c, c]"), NULL, "to below 20.9"},
		{DERIVED("^{name: r, range: [0, 9], formula: ratio, inputs: [c, c]}"), NULL,
		 "no \"least\"; it must say"},
		{OF("formula: ratio, least: ^0, inputs: [c, c]"), NULL, "allowed: more than 0"},
		{OF("formula: ratio, least: ^-1, inputs: [c, c]"), NULL, "allowed: more than 0"},
		{DERIVED("{name: r, formula: sum, inputs: [c, c], range: ^[1, 1]}"), NULL, "empty"},
		{OF("formula: sum, inputs: [c, c], ^frozen-after: 1h"), NULL, "unknown key"},
		{OF("formula: sum, inputs: [c, c], ^max-rate: 1"), NULL, "unknown key"},
		{OF("formula: sum, inputs: [c, c], enabled-by: ^c"), NULL, "exactly one bound"},
		{OF("formula: sum, inputs: [c, c], enabled-by: ^q, enabled-above: 1"), NULL,
		 "no channel before this one \"q\""},
		{DERIVED("{name: ^c, formula: sum, inputs: [c, c], range: [0, 1]}"), NULL,
		 "a second derived channel is called \"c\""},
		/* the slower input counts */
		{DERIVED("{name: r, formula: sum, inputs: [c, e], range: [0, 1], lost-after: "
			 "^719s}"),
		 NULL, "two intervals of its slowest input, so one"},
		{DERIVED("{name: r, formula: sum, inputs: [c, e], range: [0, 1], lost-after: "
			 "12min}\n"
			 "      - {name: t, formula: sum, inputs: [c, r], range: [0, 1], "
			 "lost-after: "
			 "^719s}"),
		 NULL, "720000 ms or more"},
		{OF("formula: sum, inputs: [c, e]") "    limits:\n      - {channel: r, class: "
						    "warning, high: 1, on: ^mean-5min}\n",
		 NULL, "less than once in five minutes, so a window of 5min has no mean"},
		{OF("formula: sum, inputs: [c, c]") "    limits:\n      - {channel: r, class: "
						    "warning, high: ^10}\n",
		 NULL, "outside the channel's range; allowed: 0 to 9"},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
}

#define DATA                                                                                    \
	MAIN "destinations:\n  - {name: data, url: \"sftp://h/x\", user: u, key: k, host-key: " \
	     "h}\n"
#define STATION(text) CHANNELS("stations:\n  - " text "\n")
#define WITH(text)                                                \
	STATION("{name: t, file: A_B_C, destination: data, " text \
		"parameters: [{channel: s/c, symbol: COD}]}")
#define PARAMETER(text) STATION("{name: t, file: A_B_C, destination: data, parameters: [" text "]}")

static void test_bad_stations(void **state)
{
	static const struct bad rows[] = {
		{STATION("^{file: A_B_C, destination: data, parameters: [{channel: s/c, symbol: "
			 "x}]}"),
		 NULL, "no \"name\""},
		{STATION("^{name: t, destination: data, parameters: [{channel: s/c, symbol: x}]}"),
		 NULL, "no \"file\"; it must say how file names begin"},
		{STATION("^{name: t, file: A_B_C, parameters: [{channel: s/c, symbol: x}]}"), NULL,
		 "no \"destination\""},
		{STATION("^{name: t, file: A_B_C, destination: data}"), NULL, "no parameter"},
		{STATION("{name: t, file: ^A-B_C, destination: data, parameters: [{channel: s/c, "
			 "symbol: x}]}"),
		 NULL, "allowed: letters A-Z and a-z, digits and \"_\""},
		{STATION("{name: t, file: ^../A_B, destination: data, parameters: [{channel: s/c, "
			 "symbol: x}]}"),
		 NULL, "as in TenTinh_TenCoSo_TenTram"},
		{STATION("{name: t, file: A_B_C, destination: ^date, parameters: [{channel: s/c, "
			 "symbol: x}]}"),
		 NULL, "no destination for files \"date\", did you mean \"data\"?; allowed: data"},
		{WITH("directory: ^/x, "), NULL, "not in front, no \"..\""},
		{WITH("directory: ^a/../b, "), NULL, "no \"..\""},
		{WITH("directory: ^\"%H\", "), NULL, "%Y, %m and %d become the date"},
		{WITH("directory: ^\"x%\", "), NULL, "%Y, %m and %d become the date"},
		{WITH("directory: ^\"a b\", "), NULL, "not a directory below"},
		{WITH("form: ^columns, "), NULL, "allowed: lines or one-line"},
		{WITH("line-end: ^cr, "), NULL, "allowed: lf or crlf"},
		{WITH("decimals: ^10, "), NULL, "from 0 to 9"},
		{WITH("missing: ^\"a\\tb\", "), NULL, "control character"},
		{WITH("missing: ^\"-----------------\", "), NULL, "up to 16 bytes"},
		{WITH("missing: ^\"0\", "), NULL, "never measured"},
		{WITH("missing: ^\"7.2\", "), NULL, "never measured"},
		{WITH("time: ^middle, "), NULL, "allowed: end or start"},
		{PARAMETER("^{symbol: x}"), NULL, "no \"channel\""},
		{PARAMETER("^{channel: s/c}"), NULL, "no \"symbol\""},
		{PARAMETER("{channel: ^c, symbol: x}"), NULL,
		 "no channel \"c\", did you mean \"s/c\"?; allowed: s/c, s/e"},
		{PARAMETER("{channel: ^t/c, symbol: x}"), NULL, "no channel \"t/c\""},
		{PARAMETER("{channel: ^s/d, symbol: x}"), NULL, "no channel \"s/d\""},
		{PARAMETER("{channel: ^s/, symbol: x}"), NULL, "no channel \"s/\""},
		{PARAMETER("{channel: ^s/e, symbol: x}"), NULL, "less than once in five minutes"},
		{PARAMETER("{channel: s/c, symbol: ^\"\"}"), NULL, "it is empty"},
		{PARAMETER("{channel: s/c, symbol: ^\"a\\tb\"}"), NULL, "control character"},
		{PARAMETER("{channel: s/c, symbol: ^123456789012345678901234567890123}"), NULL,
		 "up to 32 bytes"},
		{PARAMETER("{channel: s/c, symbol: x, unit: ^\"a\\tb\"}"), NULL, "control char"},
		{PARAMETER("{channel: s/c, symbol: x}, {channel: s/c, symbol: ^x}"), NULL,
		 "a second parameter is called \"x\""},
		{WITH("") "  - {name: ^t, file: A_B_D, destination: data, parameters: [{channel: "
			  "s/c, symbol: COD}]}\n",
		 NULL, "a second station is called \"t\""},
		{WITH("") "  - {name: w, file: ^A_B_C, destination: data, parameters: [{channel: "
			  "s/c, symbol: COD}]}\n",
		 NULL, "writes files of this name"},
	};
	char text[4096], place[32];
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		take_mark(rows[i].text, text, place);
		load_texts(&d, DATA, text);
		if (d.result != -EINVAL || d.n_errors != 1 ||
		    !says(&d, "sites.d/a.yaml", place, rows[i].says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", place,
				 rows[i].says, text, d.result, d.n_errors, d.said);
	}
	/* a destination of the wrong kind, none at all, and none because of another error */
	load_texts(&d, MAIN "destinations:\n  - {name: data, url: https://h/x}\n", WITH(""));
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(d.said, "takes reports, not files; allowed: one whose"));
	load_texts(&d, MAIN, WITH(""));
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(d.said, "no destination takes files; allowed: one in"));
	load_texts(&d, MAIN "destinations: x\n", WITH(""));
	assert_int_equal(d.n_errors, 1);
	assert_null(strstr(d.said, "takes files"));
	directory_close(&d);
}

/* profiles */

#define PROFILE                                                                                 \
	"profile: p\ntitle: Maker Model\ndocument: manual p. 1\nunverified: the order\n"        \
	"max-registers: 16\nmax-gap: 3\ntimeout: 300ms\nturnaround: 20ms\n"                     \
	"holes: [{table: input, from: 40, to: 49}]\n"                                           \
	"states:\n"                                                                             \
	"  - {name: st, table: input, address: 2, type: uint8, byte: high, otherwise: fault,\n" \
	"     rules: [{is: 0, quality: good}, {mask: 6, quality: calibrating}]}\n"              \
	"  - {name: wide, table: input, address: 4, type: uint32, rules: [{quality: fault}]}\n" \
	"signals:\n"                                                                            \
	"  - {name: cod, table: input, address: 10, type: float32, order: CDAB, unit: mg/l,\n"  \
	"     range: [0, 500], scale: 2, offset: 1, invalid: [0x7FA00000], states: [st],\n"     \
	"     frozen-after: 1h, frozen-change: 0.5, max-rate: 60, title: Demand}\n"             \
	"  - {name: on, table: discrete, address: 7}\n"
#define USING(unit, channel)                                                         \
	"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n"              \
	"  - {name: u, link: l, id: 1, profile: p" unit "}\nsources:\n  - name: s\n" \
	"    kind: gas\n    channels:\n      - {name: c, from: u, signal: cod" channel "}\n"

static void write_profile(struct directory *d, const char *file, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/profiles", d->path);
	(void)mkdir(path, 0755);
	directory_write(d, file, text);
}

static bool same(double a, double b)
{
	return a >= b && a <= b;
}

static void test_profile(void **state)
{
	static const char two[] = USING(
		"", "") "      - {name: k, from: w, signal: cod, title: T, unit: g/l, range: [0, "
			"9], scale: 1, invalid: [], states: [own, st], frozen-after: ~, "
			"order: ABCD, max-rate: 5}\n"
			"      - {name: on, from: w, signal: on, range: [0, 1]}\n"
			"site_rest: 1\n";
	char site[4096];
	struct directory d;
	const struct config *c;
	const struct config_channel *k;

	(void)state;
	directory_open(&d);
	write_profile(&d, "profiles/p.yaml", PROFILE);
	/* the second unit overrides, and has a state and a hole of its own */
	(void)snprintf(site, sizeof(site), "%s", two);
	*strstr(site, "site_rest") = '\0';
	{
		char *at = strstr(site, "sources:"), rest[4096];

		(void)snprintf(rest, sizeof(rest), "%s", at);
		(void)snprintf(at, sizeof(site) - (size_t)(at - site),
			       "  - {name: w, link: l, id: 2, profile: p, max-gap: 0, timeout: 1s, "
			       "holes: [{from: 1, to: 2}], states: [{name: own, address: 9, type: "
			       "bit, bit: 3, rules: [{quality: maintenance}]}]}\n%s",
			       rest);
	}
	load_texts(&d, MAIN, site);
	if (d.result || d.n_said)
		fail_msg("%s\n%s", d.said, site);
	c = d.config;
	assert_string_equal(c->units[0].profile, "p");
	assert_int_equal(c->units[0].max_registers, 16);
	assert_int_equal(c->units[0].max_gap, 3);
	assert_int_equal(c->units[0].timeout_ms, 300);
	assert_int_equal(c->units[0].turnaround_ms, 20);
	assert_int_equal(c->units[1].max_registers, 16);
	assert_int_equal(c->units[1].max_gap, 0);
	assert_int_equal(c->units[1].timeout_ms, 1000);

	assert_int_equal(c->n_holes, 3);
	assert_int_equal(c->holes[0].unit, 0);
	assert_int_equal(c->holes[0].function, 4);
	assert_int_equal(c->holes[0].first, 40);
	assert_int_equal(c->holes[0].last, 49);
	assert_int_equal(c->holes[1].unit, 1);
	assert_int_equal(c->holes[1].last, 49);
	assert_int_equal(c->holes[2].unit, 1);
	assert_int_equal(c->holes[2].function, 3);

	assert_int_equal(c->n_states, 5);
	assert_string_equal(c->states[0].path, "a/u/st");
	assert_string_equal(c->states[2].path, "a/w/st");
	assert_string_equal(c->states[4].path, "a/w/own");
	for (size_t i = 0; i <= 2; i += 2) {
		assert_int_equal(c->states[i].unit, i / 2);
		assert_int_equal(c->states[i].function, 4);
		assert_int_equal(c->states[i].address, 2);
		assert_int_equal(c->states[i].decode.type, DECODE_UINT8);
		assert_int_equal(c->states[i].decode.bit, 8);
		assert_int_equal(c->states[i].otherwise, QUALITY_DEVICE_FAULT);
		assert_int_equal(c->states[i].n_rules, 2);
		assert_int_equal(c->states[i].rules[0].mask, 0xff);
		assert_false(c->states[i].rules[0].any);
		assert_int_equal(c->states[i].rules[0].quality, QUALITY_GOOD);
		assert_int_equal(c->states[i].rules[1].mask, 6);
		assert_true(c->states[i].rules[1].any);
		assert_int_equal(c->states[i].rules[1].quality, QUALITY_CALIBRATING);
	}
	assert_int_equal(c->states[1].rules[0].mask, 0xffffffff);
	assert_int_equal(c->states[4].decode.bit, 3);
	assert_int_equal(c->states[4].rules[0].mask, 1);

	k = &c->channels[0];
	assert_string_equal(k->title, "Demand");
	assert_string_equal(k->measure, "mg/l");
	assert_int_equal(k->function, 4);
	assert_int_equal(k->address, 10);
	assert_int_equal(k->decode.type, DECODE_FLOAT32);
	assert_memory_equal(k->decode.order, ((uint8_t[]){2, 3, 0, 1}), 4);
	assert_true(same(k->decode.scale, 2) && same(k->decode.offset, 1));
	assert_true(same(k->decode.min, 0) && same(k->decode.max, 500));
	assert_int_equal(k->decode.n_invalid, 1);
	assert_int_equal(k->n_states, 1);
	assert_int_equal(k->states[0], 0);
	assert_int_equal(k->frozen_after_ms, 3600000);
	assert_true(same(k->frozen_change, 0.5) && same(k->max_rate, 60));
	assert_int_equal(k->interval_ms, 1000);

	k = &c->channels[1];
	assert_string_equal(k->title, "T");
	assert_string_equal(k->measure, "g/l");
	assert_memory_equal(k->decode.order, ((uint8_t[]){0, 1, 2, 3}), 4);
	assert_true(same(k->decode.scale, 1) && same(k->decode.offset, 1));
	assert_true(same(k->decode.max, 9) && same(k->max_rate, 5));
	assert_int_equal(k->decode.n_invalid, 0);
	assert_int_equal(k->n_states, 2);
	assert_int_equal(k->states[0], 4);
	assert_int_equal(k->states[1], 2);
	assert_int_equal(k->frozen_after_ms, 0);

	assert_int_equal(c->channels[2].function, 2);
	assert_int_equal(c->channels[2].decode.type, DECODE_BIT);
	directory_close(&d);
}

/* the digest covers the profiles that are used, and no others */
static void test_profile_digest(void **state)
{
	struct directory d;
	uint8_t first[32];

	(void)state;
	directory_open(&d);
	write_profile(&d, "profiles/p.yaml", PROFILE);
	load_texts(&d, MAIN, USING("", ""));
	assert_int_equal(d.result, 0);
	memcpy(first, d.config->digest, sizeof(first));
	write_profile(&d, "profiles/q.yaml", "not read");
	directory_load(&d);
	assert_memory_equal(d.config->digest, first, sizeof(first));
	write_profile(&d, "profiles/p.yaml", PROFILE "# more\n");
	directory_load(&d);
	assert_memory_not_equal(d.config->digest, first, sizeof(first));
	directory_close(&d);
}

static void test_bad_profile_use(void **state)
{
	static const struct bad uses[] = {
		{"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n  - {name: u, link: "
		 "l, id: 1, profile: ^pq}\nsources: [{name: s, kind: gas, channels: [{name: c, "
		 "from: "
		 "u, signal: cod}]}]\n",
		 NULL, "no profile \"pq\", did you mean \"p\"?; allowed: p, pp"},
		{"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n  - {name: u, link: "
		 "l, id: 1, profile: ^../p}\nsources: [{name: s, kind: gas, channels: [{name: c, "
		 "from: u, signal: cod}]}]\n",
		 NULL, "not a name"},
		{USING("", "}\n      - {name: d, from: u, signal: ^cd"), NULL,
		 "no signal in this profile \"cd\", did you mean \"cod\"?; allowed: cod, on"},
		{USING("", "}\n      - ^{name: d, from: u, signal: on"), NULL,
		 "this channel has no \"range\""},
		{USING(", states: [{name: ^st, address: 1, type: uint8, rules: [{quality: good}]}]",
		       ""),
		 NULL, "a second state is called \"st\""},
		/* the profile's own words are at fault only in this file's eyes */
		{USING("", "}\n      - {name: d, from: u, type: int16, signal: ^cod"), "10:49",
		 "\"order\" cannot be \"CDAB\""},
		{USING("", "}\n      - {name: d, from: u, range: [0, 0.4], signal: ^cod"), NULL,
		 "less than the range is wide"},
		{USING(", interval: ^200ms", ""), "4:40",
		 "so says the profile; the key here goes before it"},
		{USING(", max-registers: 1", "}\n      - {name: d, from: u, signal: ^cod"), "9:36",
		 "max-registers of 2 or more"},
		{USING(", max-registers: 1",
		       ", type: int16, order: AB, invalid: [], states: [^wide]"),
		 NULL, "max-registers of 2 or more"},
		{USING(", holes: [{table: input, from: 5, to: 5}]", ", states: [^wide]"), NULL,
		 "4 to 5 lie in the unit's hole from 5 to 5"},
		{USING(", holes: [{table: input, from: 2, to: 2}]",
		       ", states: [wide]}\n      - {name: d, from: u, signal: ^cod"),
		 NULL, "address 2 lies in the unit's hole from 2 to 2"},
		{USING("", ", address: ^45"), NULL,
		 "45 to 46 lie in the unit's hole from 40 to 49"},
		{USING("", ", address: ^39"), NULL, "39 to 40 lie in the unit's hole"},
	};
	char text[4096], place[32];
	struct directory d;

	(void)state;
	directory_open(&d);
	write_profile(&d, "profiles/p.yaml", PROFILE);
	write_profile(&d, "profiles/pp.yaml", PROFILE);
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		take_mark(uses[i].text, text, place);
		load_texts(&d, MAIN, text);
		if (d.result != -EINVAL || (!uses[i].place && d.n_errors != 1) ||
		    !says(&d, "sites.d/a.yaml", uses[i].place ? uses[i].place : place,
			  uses[i].says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", place,
				 uses[i].says, text, d.result, d.n_errors, d.said);
	}
	directory_close(&d);
}

/* what is wrong in a profile is said there, and once, whoever uses it */
static void test_bad_profiles(void **state)
{
#define HEADER "profile: p\ntitle: T\ndocument: D\n"
#define GOOD   "signals: [{name: cod, address: 1, type: uint16, range: [0, 1]}]\n"
	static const struct bad rows[] = {
		{"^x\n", NULL, "a profile must stand here"},
		{"^title: T\ndocument: D\n" GOOD, NULL, "no \"profile\""},
		{"profile: ^q\ntitle: T\ndocument: D\n" GOOD, NULL, "not the file's; allowed: p"},
		{"^profile: p\ntitle: T\n" GOOD, NULL, "no \"document\"; it must say where"},
		{"^profile: p\ndocument: D\n" GOOD, NULL, "no \"title\"; it must say maker"},
		{"^" HEADER, NULL, "no signal; it must say"},
		{HEADER "timeout: ^x\n" GOOD, NULL, "not a duration"},
		{HEADER "max-gap: ^125\n" GOOD, NULL, "out of range"},
		{HEADER "^interval: 1s\n" GOOD, NULL, "unknown key \"interval\" in a profile"},
		{HEADER "signals: [{name: cod, address: ^x, type: uint16, range: [0, 1]}]\n", NULL,
		 "not a whole number"},
		{HEADER "signals: [^{name: cod, type: uint16, range: [0, 1]}]\n", NULL,
		 "no \"address\""},
		{HEADER "signals: [^{name: cod, address: 1, range: [0, 1]}]\n", NULL,
		 "no \"type\""},
		{HEADER "signals: [{name: cod, address: 1, type: uint16, order: ^ABCD, range: [0, "
			"1]}]\n",
		 NULL, "AB (high byte first)"},
		{HEADER "signals: [{name: cod, address: 1, type: uint16, range: ^[1, 0]}]\n", NULL,
		 "the range is empty"},
		{HEADER "signals: [{name: cod, address: 1, type: uint16, range: [0, 1], states: "
			"[^x]}]\n",
		 NULL, "the unit has no states"},
		{HEADER "signals: [{name: cod, address: 1, type: uint16, range: [0, 1]}, {name: "
			"^cod, address: 2, type: uint16, range: [0, 1]}]\n",
		 NULL, "a second signal is called \"cod\""},
		{HEADER
		 "holes: [{from: 0, to: 3}]\nsignals: [{name: cod, address: ^1, type: uint16, "
		 "range: [0, 1]}]\n",
		 NULL, "lies in the unit's hole from 0 to 3"},
		{HEADER "signals: [{name: cod, address: 1, type: uint16, range: [0, 1], "
			"^enabled-by: c}]\n",
		 NULL, "unknown key"},
	};
	static const char site[] = "site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n"
				   "  - {name: u, link: l, id: 1, profile: p}\n"
				   "  - {name: v, link: l, id: 2, profile: p}\n"
				   "sources:\n  - name: s\n    kind: gas\n    channels:\n"
				   "      - {name: c, from: u, signal: cod}\n"
				   "      - {name: d, from: v, signal: cod}\n";
	char text[4096], place[32];
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		take_mark(rows[i].text, text, place);
		write_profile(&d, "profiles/p.yaml", text);
		load_texts(&d, MAIN, site);
		if (d.result != -EINVAL || d.n_errors != 1 ||
		    !says(&d, "profiles/p.yaml", place, rows[i].says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", place,
				 rows[i].says, text, d.result, d.n_errors, d.said);
	}
	directory_close(&d);
}

/* beside the configuration first, then where the environment says */
static void test_profile_folders(void **state)
{
	struct directory d, other;
	char path[128];

	(void)state;
	directory_open(&d);
	directory_open(&other);
	write_profile(&other, "profiles/p.yaml", PROFILE);
	(void)snprintf(path, sizeof(path), "%s/profiles", other.path);
	assert_int_equal(setenv("WASTEWATCH_PROFILES", path, 1), 0);
	load_texts(&d, MAIN, USING("", ""));
	if (d.result)
		fail_msg("%s", d.said);
	assert_int_equal(chmod(path, 01777), 0);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(d.said, "profiles:1:1: everybody on this machine may write"));
	assert_int_equal(chmod(path, 0755), 0);
	write_profile(&d, "profiles/p.yaml", "x");
	directory_load(&d);
	assert_true(says(&d, "profiles/p.yaml", "1:1", "a profile must stand here"));
	assert_int_equal(setenv("WASTEWATCH_PROFILES", "/nonexistent", 1), 0);
	(void)snprintf(path, sizeof(path), "%s/profiles/p.yaml", d.path);
	assert_int_equal(remove(path), 0);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(d.said, "no profile \"p\", nor any other; allowed: the name of"));
	assert_int_equal(unsetenv("WASTEWATCH_PROFILES"), 0);
	directory_close(&other);
	directory_close(&d);
}

/* all that may be left out, and all that may be said, of the newer kinds */
static void test_devices(void **state)
{
	static const char site[] =
		"site: a\nlinks:\n"
		"  - {name: t, tcp: \"127.0.0.1:502\", single: yes, first-delay: 60s}\n"
		"  - {name: r, rtu: /dev/ttyS1, baud: 110}\n"
		"  - {name: n, rtu: /dev/pts/3, baud: 4000000, parity: none, rs485: yes, "
		"rts-before: 100ms, rts-after: 0ms, rts-low-on-send: yes, rx-during-tx: yes}\n"
		"  - {name: o, rtu: /dev/x, baud: \"9600\", parity: odd, stop-bits: 2, rs485: yes, "
		"rts-low-on-send: no}\n"
		"  - {name: q, rtu-tcp: \"[::1]:4001\"}\n"
		"  - {name: p, rtu-tcp: \"127.0.0.1:4001\", baud: 19200, single: no}\n"
		"units:\n"
		"  - {name: u, link: r, id: 247, quiet: 500ms, turnaround: 10s}\n"
		"  - {name: v, link: q, id: 1, quiet: 60s, timeout: 1s, states: [\n"
		"      {name: coil, table: coil, address: 65535, rules: [{is: 0, quality: "
		"not-in-operation}]},\n"
		"      {name: wide, table: input, address: 65534, type: uint32, order: CDAB, "
		"otherwise: calibrating, rules: [{mask: 0xFFFFFFFF, is: 0xFFFFFFFF, quality: "
		"good}]},\n"
		"      {name: bit, address: 0, type: bit, bit: 15, rules: [{quality: "
		"maintenance}]}],\n"
		"     holes: [{from: 0x10, to: 0x10}, {table: discrete, from: 0, to: 65535}]}\n"
		"sources:\n  - name: s\n    kind: gas\n"
		"    derived:\n"
		"      - {name: r1, formula: oxygen, inputs: [hi, o2], reference: 0, range: [0, "
		"9]}\n"
		"      - {name: r2, title: T, unit: g/h, formula: load, inputs: [r1, lo], factor: "
		"-1.5, range: [-9, 9], enabled-by: r1, enabled-below: 9}\n"
		"      - {name: r3, formula: ratio, inputs: [r2, r2], least: 0.1, range: [0, 1]}\n"
		"      - {name: r4, formula: sum, inputs: [hi, hi, hi, hi, hi, hi, hi, r3], range: "
		"[0, 1]}\n"
		"      - {name: r5, formula: difference, inputs: [hi, lo], range: [0, 1]}\n"
		"    channels:\n"
		"      - {name: hi, from: v, address: 1, type: int8, byte: high, invalid: [0xFF], "
		"range: [0, 9], states: [wide, coil, bit, wide], frozen-after: 2s, max-rate: 0.1}\n"
		"      - {name: lo, from: v, address: 1, type: uint8, range: [0, 9], enabled-by: "
		"hi, "
		"enabled-above: 2.5}\n"
		"      - {name: o2, from: u, address: 15, type: uint16, unit: \"%\", range: [0, "
		"25], "
		"frozen-after: 7d, frozen-change: 0}\n"
		"    limits:\n"
		"      - {channel: r1, class: warning, high: 1, on: mean-5min}\n"
		"      - {channel: r1, class: warning, name: h, high: 1, on: mean-1h}\n"
		"      - {channel: r1, class: warning, name: d, high: 1, on: mean-24h}\n"
		"stations:\n"
		"  - {name: N, file: LS_HT_N1, destination: data, parameters: [{channel: s/hi, "
		"symbol: Nhiệtđộ}]}\n"
		"  - {name: K, file: LS_HT_K1, destination: data, directory: \"K/%Y/%m/%d\", form: "
		"one-line, line-end: crlf, decimals: 0, missing: \"\", time: start, parameters: "
		"[{channel: s/r2, symbol: PM, unit: kg/h}, {channel: s/o2, symbol: O2}, {channel: "
		"s/o2, symbol: O, unit: \"\"}]}\n";
	struct directory d;
	const struct config *c;

	(void)state;
	directory_open(&d);
	load_texts(&d,
		   MAIN "destinations:\n"
			"  - {name: data, url: \"sftp://h:22/x\", user: u, key: k, host-key: h}\n"
			"  - {name: b, url: \"ftpes://h/x\", user: u, password: w, ca: c}\n"
			"  - {name: f, url: \"ftp://localhost:21\", user: u, password: w}\n",
		   site);
	if (d.result || !strstr(d.said, "warning: the speed of the line behind") ||
	    strchr(d.said, 10) != d.said + d.n_said - 1)
		fail_msg("%s", d.said);
	c = d.config;
	assert_int_equal(c->destinations[0].kind, DESTINATION_FILES);
	assert_string_equal(c->destinations[0].user, "u");
	assert_string_equal(c->destinations[0].key, "k");
	assert_string_equal(c->destinations[0].host_key, "h");
	assert_string_equal(c->destinations[0].password, "");
	assert_string_equal(c->destinations[1].password, "w");
	assert_string_equal(c->destinations[1].ca, "c");
	assert_int_equal(c->destinations[2].kind, DESTINATION_FILES);

	assert_int_equal(c->links[0].kind, WIRE_LINK_TCP);
	assert_true(c->links[0].single);
	assert_int_equal(c->links[0].first_delay_ms, 60000);
	assert_int_equal(c->links[0].parity, 0);
	assert_int_equal(c->links[1].kind, WIRE_LINK_RTU);
	assert_string_equal(c->links[1].host, "/dev/ttyS1");
	assert_int_equal(c->links[1].port, 0);
	assert_int_equal(c->links[1].baud, 110);
	assert_int_equal(c->links[1].parity, WIRE_PARITY_EVEN);
	assert_int_equal(c->links[1].stop_bits, 1);
	assert_int_equal(c->links[1].rs485, 0);
	assert_int_equal(c->links[1].first_delay_ms, 0);
	assert_true(c->links[1].single);
	assert_int_equal(c->links[2].baud, 4000000);
	assert_int_equal(c->links[2].parity, WIRE_PARITY_NONE);
	assert_int_equal(c->links[2].stop_bits, 2);
	assert_int_equal(c->links[2].rs485, 7);
	assert_int_equal(c->links[2].rts_before_ms, 100);
	assert_int_equal(c->links[2].rts_after_ms, 0);
	assert_int_equal(c->links[3].baud, 9600);
	assert_int_equal(c->links[3].parity, WIRE_PARITY_ODD);
	assert_int_equal(c->links[3].stop_bits, 2);
	assert_int_equal(c->links[3].rs485, WIRE_RS485_ENABLED);
	assert_int_equal(c->links[4].kind, WIRE_LINK_RTU_TCP);
	assert_string_equal(c->links[4].host, "::1");
	assert_int_equal(c->links[4].port, 4001);
	assert_int_equal(c->links[4].baud, 0);
	assert_false(c->links[4].single);
	assert_int_equal(c->links[5].baud, 19200);

	assert_int_equal(c->units[0].id, 247);
	assert_int_equal(c->units[0].quiet_ms, 500);
	assert_int_equal(c->units[0].turnaround_ms, 10000);
	assert_string_equal(c->units[0].profile, "");
	assert_int_equal(c->units[1].quiet_ms, 60000);
	assert_int_equal(c->n_holes, 2);
	assert_int_equal(c->holes[1].function, 2);
	assert_int_equal(c->states[0].function, 1);
	assert_int_equal(c->states[0].decode.type, DECODE_BIT);
	assert_int_equal(c->states[0].rules[0].mask, 1);
	assert_false(c->states[0].rules[0].any);
	assert_int_equal(c->states[0].rules[0].quality, QUALITY_NOT_IN_OPERATION);
	assert_int_equal(c->states[0].otherwise, QUALITY_GOOD);
	assert_int_equal(c->states[1].rules[0].is, 0xffffffff);
	assert_int_equal(c->states[1].otherwise, QUALITY_CALIBRATING);
	assert_memory_equal(c->states[1].decode.order, ((uint8_t[]){2, 3, 0, 1}), 4);
	assert_true(same(c->states[1].decode.scale, 1));
	assert_int_equal(c->states[2].decode.bit, 15);

	/* measured ones stand before derived ones, whatever the order in the file */
	assert_string_equal(c->channels[0].name, "hi");
	assert_int_equal(c->channels[0].decode.bit, 8);
	assert_int_equal(c->channels[0].n_states, 4);
	assert_int_equal(c->channels[0].states[1], 0);
	assert_int_equal(c->channels[0].frozen_after_ms, 2000);
	assert_true(same(c->channels[0].frozen_change, 0));
	assert_int_equal(c->channels[1].decode.bit, 0);
	assert_true(c->channels[1].conditional && c->channels[1].enabled_above);
	assert_int_equal(c->channels[1].enabled_by, 0);
	assert_true(same(c->channels[1].enabled_bound, 2.5));
	assert_int_equal(c->channels[1].formula, FORMULA_NONE);
	assert_int_equal(c->channels[3].formula, FORMULA_OXYGEN);
	assert_int_equal(c->channels[3].function, 0);
	assert_int_equal(c->channels[3].unit, 1);
	assert_int_equal(c->channels[3].n_inputs, 2);
	assert_int_equal(c->channels[3].inputs[1], 2);
	assert_true(same(c->channels[3].reference, 0) && same(c->channels[3].factor, 1));
	assert_true(same(c->channels[3].decode.max, 9));
	assert_string_equal(c->channels[3].path, "a/s/r1");
	assert_int_equal(c->channels[4].inputs[0], 3);
	assert_true(same(c->channels[4].factor, -1.5));
	assert_true(c->channels[4].conditional && !c->channels[4].enabled_above);
	assert_true(same(c->channels[4].enabled_bound, 9));
	assert_int_equal(c->channels[4].unit, 1);
	assert_true(same(c->channels[5].least, 0.1));
	assert_int_equal(c->channels[6].n_inputs, 8);
	assert_int_equal(c->channels[6].inputs[7], 5);
	assert_int_equal(c->limits[0].on, LIMIT_ON_MEAN_5MIN);
	assert_int_equal(c->limits[1].on, LIMIT_ON_MEAN_1H);
	assert_int_equal(c->limits[2].on, LIMIT_ON_MEAN_24H);

	assert_int_equal(c->n_stations, 2);
	assert_string_equal(c->stations[0].file, "LS_HT_N1");
	assert_string_equal(c->stations[0].directory, "");
	assert_string_equal(c->stations[0].missing, "---");
	assert_int_equal(c->stations[0].decimals, 4);
	assert_false(c->stations[0].in_one_line || c->stations[0].crlf ||
		     c->stations[0].time_is_start);
	assert_int_equal(c->stations[0].n_parameters, 1);
	assert_string_equal(c->stations[1].directory, "K/%Y/%m/%d");
	assert_string_equal(c->stations[1].missing, "");
	assert_int_equal(c->stations[1].decimals, 0);
	assert_true(c->stations[1].in_one_line && c->stations[1].crlf &&
		    c->stations[1].time_is_start);
	assert_int_equal(c->stations[1].first_parameter, 1);
	assert_int_equal(c->stations[1].n_parameters, 3);
	assert_string_equal(c->parameters[0].symbol, "Nhiệtđộ");
	assert_string_equal(c->parameters[0].measure, "");
	assert_int_equal(c->parameters[1].channel, 4);
	assert_string_equal(c->parameters[1].measure, "kg/h");
	assert_string_equal(c->parameters[2].measure, "%");
	assert_string_equal(c->parameters[3].measure, "");
	directory_close(&d);
}

static void test_warnings(void **state)
{
	static const struct {
		const char *main;
		struct bad site;
	} rows[] = {
		{MAIN, {LINE("{name: l, rtu: ^/dev/ttyUSB0, baud: 9600}"), NULL, "by-id"}},
		{MAIN, {LINE("{name: l, rtu: ^/dev/ttyACM1, baud: 9600}"), NULL, "by-id"}},
		{MAIN,
		 {LINE("{name: l, rtu-tcp: ^\"127.0.0.1:1\"}"), NULL, "say it with \"baud\""}},
		{MAIN,
		 {LINE("{name: l, tcp: \"127.0.0.1:1\"}\n  - {name: m, baud: 9600, rtu-tcp: "
		       "^\"127.0.0.1:1\"}"),
		  NULL, "a second link goes to"}},
		{MAIN,
		 {OF("formula: oxygen, reference: 7, inputs: ^[c, e]"), NULL, "not in per cent"}},
		{MAIN,
		 {OF("formula: sum, unit: mg/l, inputs: [c, c]") "    limits:\n      - {channel: "
								 "r, "
								 "class: limit, origin: o, high: "
								 "^3.1}\n",
		  NULL, "three times the limit"}},
		{DATA,
		 {STATION("{name: t, file: ^A_B, destination: data, parameters: [{channel: s/c, "
			  "symbol: x}]}"),
		  NULL, "three parts"}},
	};
	char text[4096], place[32];
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		take_mark(rows[i].site.text, text, place);
		load_texts(&d, rows[i].main, text);
		if (d.result || !says(&d, "sites.d/a.yaml", place, "warning: ") ||
		    !says(&d, "sites.d/a.yaml", place, rows[i].site.says))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", place,
				 rows[i].site.says, text, d.result, d.n_errors, d.said);
	}
	take_mark(FILES("{name: d, url: ^\"ftp://192.0.2.1/x\", user: u, password: p}"), text,
		  place);
	load_texts(&d, text, SITE);
	assert_int_equal(d.result, 0);
	assert_true(says(&d, "wastewatch.yaml", place, "travel in clear"));
	directory_close(&d);
}

/* an instrument that is known: two lines, and its states come with it */
static void test_known_instrument(void **state)
{
	const char *source = getenv("WASTEWATCH_SOURCE");
	struct directory d;
	char path[4096];

	(void)state;
	directory_open(&d);
	(void)snprintf(path, sizeof(path), "%s%sconf/profiles", source ? source : "",
		       source ? "/" : "");
	assert_int_equal(setenv("WASTEWATCH_PROFILES", path, 1), 0);
	load_texts(&d, MAIN,
		   "site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits:\n"
		   "  - {name: u, link: l, id: 1, profile: endress-hauser-liquiline-cm44x}\n"
		   "sources:\n  - name: s\n    kind: liquid\n    channels:\n"
		   "      - {name: pH, from: u, signal: ain16, range: [0, 14]}\n");
	if (d.result || d.n_said)
		fail_msg("%s", d.said);
	assert_int_equal(d.config->channels[0].address, 60);
	assert_int_equal(d.config->channels[0].n_states, 1);
	assert_string_equal(d.config->states[d.config->channels[0].states[0]].name, "ain16-state");
	assert_int_equal(d.config->states[15].address, 62);
	assert_int_equal(unsetenv("WASTEWATCH_PROFILES"), 0);
	directory_close(&d);
}

static void test_minutes(void **state)
{
	struct directory d;

	(void)state;
	directory_open(&d);
	load_texts(&d, MAIN, MINUTES("1min"));
	assert_int_equal(d.result, 0);
	directory_close(&d);
}

/* an incident remembers who knows of it, in a table of fixed size */
static void test_destinations_at_most(void **state)
{
	char text[4096] = MAIN "destinations:\n";
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 1; i <= CONFIG_DESTINATIONS_MAX + 1; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "  - {name: d%zu, url: https://x/}\n",
			       i);
		load_texts(&d, text, SITE);
		assert_int_equal(d.result, i <= 16 ? 0 : -EINVAL);
	}
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "wastewatch.yaml", "19:12", "too many; allowed: 16"));
	directory_close(&d);
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
	directory_open(&d);
	directory_write_bytes(&d, "sites.d/b.yaml", "site: {\n", 8);
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
	directory_close(&d);
}

#define FLOW_SOURCE(unit, flow_unit, keys)                                                         \
	"site: a\n"                                                                                \
	"links:\n"                                                                                 \
	"  - {name: l, tcp: \"127.0.0.1:502\"}\n"                                                  \
	"units:\n"                                                                                 \
	"  - {name: u, link: l, id: 1}\n"                                                          \
	"sources:\n"                                                                               \
	"  - name: s\n"                                                                            \
	"    kind: liquid\n" keys "    channels:\n"                                                \
	"      - {name: c, from: u, address: 0, type: float32, range: [0, 900], unit: " unit "}\n" \
	"      - {name: q, from: u, address: 2, type: float32, range: [0, 9], unit: " flow_unit    \
	"}\n"                                                                                      \
	"      - {name: T, from: u, address: 4, type: float32, range: [0, 99], unit: °C}\n"       \
	"    limits:\n"                                                                            \
	"      - {channel: c, class: limit, origin: permit, high: 200}\n"

static void test_flow(void **state)
{
	static const struct bad rows[] = {
		{FLOW_SOURCE("mg/l", "m3/h", "    flow: ^x\n"), NULL, "no channel \"x\""},
		{FLOW_SOURCE("mg/l", "mg/l", "    flow: ^q\n"), NULL, "is no flow (mg/l)"},
		{FLOW_SOURCE("mg/l", "\"\"", "    flow: ^q\n"), NULL, "is no flow (none)"},
		{FLOW_SOURCE("mg/l", "m3/h", "    flow: ^T\n"), NULL, "is no flow (°C)"},
		{FLOW_SOURCE("mg/l", "Nm3/h", "    flow: ^q\n"), NULL, "make no mass flow"},
		{FLOW_SOURCE("mg/Nm3", "m3/h", "    flow: ^q\n"), NULL, "make no mass flow"},
		{FLOW_SOURCE("mg/l", "m3/h", "    level: ^district\n"), NULL, "level"},
	};
	struct directory d;

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
	directory_open(&d);
	load_texts(&d, MAIN, FLOW_SOURCE("mg/l", "l/s", "    flow: q\n    level: province\n"));
	assert_int_equal(d.result, 0);
	assert_int_equal(d.config->sources[0].flow, 1);
	assert_int_equal(d.config->sources[0].level, LEVEL_PROVINCE);
	assert_true(fabs(d.config->channels[0].mass_factor - 1e-6) < 1e-18);
	assert_true(d.config->channels[1].mass_factor <= 0);
	assert_true(d.config->channels[2].mass_factor <= 0);
	load_texts(&d, MAIN, FLOW_SOURCE("mg/l", "l/s", ""));
	assert_int_equal(d.result, 0);
	assert_true(d.config->sources[0].flow == CONFIG_NONE);
	assert_int_equal(d.config->sources[0].level, LEVEL_FACILITY);
	assert_true(d.config->channels[0].mass_factor <= 0);
	load_texts(&d, MAIN, FLOW_SOURCE("ppm", "Nm3/h", "    flow: q\n"));
	assert_int_equal(d.result, 0);
	assert_true(
		says(&d, "sites.d/a.yaml", "9:11", "warning: the mass of \"c\" is not reckoned"));
	directory_close(&d);
}

static void test_response(void **state)
{
	static const struct bad rows[] = {
		{"contact-phone: ^call me\n" SITE, NULL, "no phone number"},
		{"contact-phone: ^'1'\n" SITE, NULL, "no phone number"},
		{"contact-email: ^lan\n" SITE, NULL, "no e-mail address"},
		{"contact-email: ^'@x'\n" SITE, NULL, "no e-mail address"},
		{"contact-email: ^'a b@x'\n" SITE, NULL, "no e-mail address"},
		{"contact-email: ^'a@b@x'\n" SITE, NULL, "no e-mail address"},
		{"drill-interval: ^0d\n" SITE, NULL, "drill-interval"},
		{"drill-interval: ^3651d\n" SITE, NULL, "drill-interval"},
		{"drill-interval: ^5s\n" SITE, NULL, "drill-interval"},
	};
	struct directory d;

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), false);
	directory_open(&d);
	load_texts(&d, MAIN, SITE);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.config->sites[0].drill_interval_min, 0);
	assert_string_equal(d.config->sites[0].response.forces, "");
	load_texts(&d, MAIN,
		   "plan: 12/KH\ncommand: Lan\nforces: 6 people\nmeans: 2 pumps\n"
		   "supplies: 1 t of lime\ncontact-name: Minh\ncontact-phone: \"+84 205 1\"\n"
		   "contact-email: m@x.vn\ndrill-interval: 3650d\n" SITE);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.config->sites[0].drill_interval_min, 3650 * 24 * 60);
	assert_string_equal(d.config->sites[0].response.supplies, "1 t of lime");
	assert_string_equal(d.config->sites[0].response.contact_phone, "+84 205 1");
	directory_close(&d);
}

static void test_files(void **state)
{
	struct directory d;
	char path[128], *big = malloc(1024 * 1024 + 1);

	(void)state;
	directory_open(&d);
	directory_load(&d);
	assert_int_equal(d.result, -ENOENT);
	assert_true(says(&d, "wastewatch.yaml", "1:1", "No such file"));
	assert_true(says(&d, "sites.d", "1:1", "there is no site"));

	load_texts(&d, MAIN, SITE);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.n_said, 0);

	directory_write_bytes(&d, "sites.d/c.yml", "x", 1);
	directory_load(&d);
	assert_int_equal(d.result, 0);
	assert_true(says(&d, "sites.d", "1:1", "warning: c.yml is not read"));

	(void)snprintf(path, sizeof(path), "%s/sites.d/a.yaml", d.path);
	assert_int_equal(chmod(path, 0646), 0);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/a.yaml", "1:1", "everybody on this machine may write"));
	assert_int_equal(chmod(path, 0644), 0);

	(void)snprintf(path, sizeof(path), "%s/sites.d", d.path);
	assert_int_equal(chmod(path, 01777), 0);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d", "1:1", "everybody on this machine may write"));
	assert_int_equal(chmod(path, 0755), 0);
	if (geteuid() == 0) { /* only root can give things away */
		assert_int_equal(chown(path, 12345, 0), 0);
		directory_load(&d);
		assert_int_equal(d.result, 0);
		assert_true(says(&d, "sites.d", "1:1", "warning: it belongs to another user"));
		assert_int_equal(chown(path, 0, 12345), 0);
		assert_int_equal(chmod(path, 0775), 0);
		directory_load(&d);
		assert_int_equal(d.result, 0);
		assert_true(says(&d, "sites.d", "1:1", "warning: its group may write here"));
		assert_int_equal(chmod(path, 0755), 0);
		directory_load(&d);
		assert_false(says(&d, "sites.d", "1:1", "warning: its group"));
		assert_int_equal(chown(path, 0, 0), 0);
	}

	(void)snprintf(path, sizeof(path), "%s/sites.d/b.yaml", d.path);
	assert_int_equal(mkfifo(path, 0644), 0);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "not a regular file"));
	assert_int_equal(remove(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	directory_load(&d);
	assert_int_equal(d.result, -EINVAL);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "No such file"));
	assert_int_equal(remove(path), 0);

	assert_non_null(big);
	memset(big, '#', 1024 * 1024 + 1);
	directory_write_bytes(&d, "sites.d/b.yaml", big, 1024 * 1024 + 1);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:1", "over 1 MiB"));
	directory_write(&d, "sites.d/b.yaml", SITE);
	directory_load(&d);
	assert_int_equal(d.n_errors, 1);
	assert_true(says(&d, "sites.d/b.yaml", "1:7", "a second site is called \"a\""));
	assert_true(says(&d, "sites.d/b.yaml", "3:20", "warning: a second link goes to"));
	free(big);
	directory_close(&d);
	assert_int_equal(config_load(&d.config, d.path, NULL, NULL), -ENOENT);
	assert_null(d.config);
}

static void test_defaults(void **state)
{
	struct directory d;
	const struct config *c;

	(void)state;
	directory_open(&d);
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
	assert_int_equal(c->storage.ballast_mib, 8);
	assert_int_equal(c->storage.low_mib, 256);
	assert_int_equal(c->storage.critical_mib, 32);
	assert_int_equal(c->storage.low_inodes, 1000);
	assert_int_equal(c->storage.critical_inodes, 100);
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
	directory_close(&d);
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
	directory_open(&d);
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
	directory_close(&d);
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
	directory_open(&d);
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
	directory_close(&d);
}

static void test_hash(void **state)
{
	struct directory d;
	uint8_t first[32];
	char from[128], to[128];

	(void)state;
	directory_open(&d);
	load_texts(&d, MAIN, SITE);
	memcpy(first, d.config->digest, sizeof(first));
	directory_load(&d);
	assert_memory_equal(d.config->digest, first, sizeof(first));
	load_texts(&d, MAIN, SITE "\n");
	assert_memory_not_equal(d.config->digest, first, sizeof(first));
	load_texts(&d, MAIN, SITE);
	assert_memory_equal(d.config->digest, first, sizeof(first));
	(void)snprintf(from, sizeof(from), "%s/sites.d/a.yaml", d.path);
	(void)snprintf(to, sizeof(to), "%s/sites.d/b.yaml", d.path);
	assert_int_equal(rename(from, to), 0);
	directory_load(&d);
	assert_memory_not_equal(d.config->digest, first, sizeof(first));
	directory_close(&d);
}

/* 10,000 channels: a quadratic search would take minutes under the sanitizers */
static void test_large(void **state)
{
	struct directory d;
	char name[40], path[128];
	size_t found;

	(void)state;
	directory_open(&d);
	directory_write(&d, "wastewatch.yaml", MAIN);
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
		directory_write_bytes(&d, name, text, n);
		free(text);
	}
	directory_load(&d);
	assert_int_equal(d.result, 0);
	assert_int_equal(d.config->n_links, 4000);
	assert_int_equal(d.config->n_channels, 10000);
	assert_int_equal(config_channel_find(d.config, "s99/o/c99", &found), 0);
	for (unsigned int s = 0; s < 100; s++) {
		(void)snprintf(path, sizeof(path), "%s/sites.d/%u.yaml", d.path, s);
		(void)remove(path);
	}
	directory_close(&d);
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
	assert_int_equal(d.config->n_channels, 19);
	assert_int_equal(config_channel_find(d.config, "hop-thanh/outfall-1/COD", &i), 0);
	assert_int_equal(config_channel_find(d.config, "hop-thanh/stack-1/PM", &i), 0);
	for (i = 0; i < d.config->n_limits; i++) {
		assert_true(d.config->limits[i].origin[0] != '\0');
		assert_true(d.config->limits[i].advice[0] != '\0');
	}
	directory_forget(&d);
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
		cmocka_unit_test(test_bad_main),	cmocka_unit_test(test_bad_devices),
		cmocka_unit_test(test_bad_channels),	cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_all_errors),	cmocka_unit_test(test_flow),
		cmocka_unit_test(test_response),	cmocka_unit_test(test_files),
		cmocka_unit_test(test_defaults),	cmocka_unit_test(test_values),
		cmocka_unit_test(test_margin),		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_large),		cmocka_unit_test(test_example),
		cmocka_unit_test(test_durations),	cmocka_unit_test(test_distance_and_quote),
		cmocka_unit_test(test_minutes),		cmocka_unit_test(test_destinations_at_most),
		cmocka_unit_test(test_bad_links),	cmocka_unit_test(test_bad_destinations),
		cmocka_unit_test(test_bad_units),	cmocka_unit_test(test_rules_at_most),
		cmocka_unit_test(test_holes_of_many),	cmocka_unit_test(test_bad_judgement),
		cmocka_unit_test(test_bad_derived),	cmocka_unit_test(test_bad_stations),
		cmocka_unit_test(test_profile),		cmocka_unit_test(test_profile_digest),
		cmocka_unit_test(test_bad_profile_use), cmocka_unit_test(test_bad_profiles),
		cmocka_unit_test(test_profile_folders), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_warnings),	cmocka_unit_test(test_known_instrument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/receiver_options.h"

#define FILE_MAX  65536 /* bytes of a key or certificate file */
#define OVERDUE_S 90000 /* a heartbeat a day, and an hour */

static const char help[] =
	"wastewatch-receiver --listen ADDR:PORT --store DIR KEYS [OPTION]...\n"
	"The reference of an environment department's receiver: checks signatures and time stamp,\n"
	"knows each report once, keeps its bytes.\n"
	"\n"
	"  --listen ADDR:PORT    where to listen; port 0: a free one, printed on the first line\n"
	"  --store DIR           where bodies (ID.json, ID.xml) and index.jsonl go; made if "
	"missing\n"
	"  --secret FILE         file with a whsec_ secret: a good v1 signature is wanted\n"
	"  --public-key KEY      whpk_ key, or a file with one or with a PEM public key: a good "
	"v1a\n"
	"                        signature is wanted. At least one key; up to 4 of each, for "
	"rotation\n"
	"  --tolerance SECONDS   how old or new a time stamp may be (300)\n"
	"  --overdue SECONDS     who says nothing for so long is overdue, where his heartbeats "
	"say\n"
	"                        nothing else (90000: a day and an hour); also: GET /origins\n"
	"  --tls-cert FILE --tls-key FILE  serve https\n"
	"  --quiet               print conflicts and who is overdue only\n"
	"  --json                print JSON lines\n"
	"  --help, --version\n"
	"\n"
	"To misbehave; COUNT requests are hit, in this order, one fault after the other:\n"
	"  --fail STATUS:COUNT   answer with STATUS, store nothing\n"
	"  --hang COUNT          do not answer, store nothing\n"
	"  --reset COUNT         store, then reset the connection instead of the answer\n"
	"  --lose COUNT          answer as if stored, and do not\n"
	"  --redirect URL        answer 307 to every other request\n"
	"  --retry-after SECONDS with every answer of --fail\n"
	"  --delay DURATION      every answer is late: 500ms, 2s, 1m\n"
	"  --clock SECONDS       its clock is ahead by so much, or behind: -600\n";

/* a whole number within bounds; the text may end with @end only */
static int parse_number(const char *text, const char *end, long min, long max, long *ret)
{
	char *rest;
	long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtol(text, &rest, 10);
	if (errno || strcmp(rest, end) != 0 || value < min || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int read_text(const char *path, char **ret)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;

	if (file) {
		text = malloc(FILE_MAX + 1);
		n = text ? fread(text, 1, FILE_MAX + 1, file) : 0;
		(void)fclose(file);
	}
	if (text && n > 0 && n <= FILE_MAX && !memchr(text, '\0', n)) {
		text[n] = '\0';
		*ret = text;
		return 0;
	}
	free(text);
	return -EINVAL;
}

/* ---- one function per option; each returns 0 or -EINVAL ---- */

static int set_listen(struct receiver_options *options, const char *value)
{
	const char *colon = strrchr(value, ':');
	size_t n = colon ? (size_t)(colon - value) : 0;
	long port;

	if (n > 2 && value[0] == '[' && value[n - 1] == ']') {
		value++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(options->address) ||
	    parse_number(colon + 1, "", 0, 65535, &port) < 0)
		return -EINVAL;
	memcpy(options->address, value, n);
	options->address[n] = '\0';
	(void)snprintf(options->port, sizeof(options->port), "%ld", port);
	return 0;
}

static int set_store(struct receiver_options *options, const char *value)
{
	options->store = value;
	return value[0] ? 0 : -EINVAL;
}

static int add_key_file(struct receiver_options *options, const char *value)
{
	char *text = NULL;
	int r = read_text(value, &text);

	if (r == 0)
		r = receiver_keys_add(&options->settings.keys, text);
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	return r;
}

static int add_secret(struct receiver_options *options, const char *value)
{
	size_t n = options->settings.keys.n_secrets;
	int r = add_key_file(options, value);

	return r == 0 && options->settings.keys.n_secrets == n ? -EINVAL : r;
}

static int add_public(struct receiver_options *options, const char *value)
{
	size_t n = options->settings.keys.n_publics;
	int r;

	if (strncmp(value, "whpk_", 5) == 0)
		return receiver_keys_add(&options->settings.keys, value);
	r = add_key_file(options, value);
	return r == 0 && options->settings.keys.n_publics == n ? -EINVAL : r;
}

static int set_tolerance(struct receiver_options *options, const char *value)
{
	return parse_number(value, "", 0, 86400L * 366, &options->settings.tolerance_s);
}

static int set_fail(struct receiver_options *options, const char *value)
{
	const char *colon = strchr(value, ':');
	char status[4] = "";
	long code, count;

	if (!colon || colon - value != 3)
		return -EINVAL;
	memcpy(status, value, 3);
	if (parse_number(status, "", 200, 599, &code) < 0 ||
	    parse_number(colon + 1, "", 0, INT_MAX, &count) < 0)
		return -EINVAL;
	options->settings.faults.fail_status = (int)code;
	options->settings.faults.n_fail = (uint32_t)count;
	return 0;
}

static int set_count(uint32_t *ret, const char *value)
{
	long count;

	if (parse_number(value, "", 0, INT_MAX, &count) < 0)
		return -EINVAL;
	*ret = (uint32_t)count;
	return 0;
}

static int set_hang(struct receiver_options *options, const char *value)
{
	return set_count(&options->settings.faults.n_hang, value);
}

static int set_reset(struct receiver_options *options, const char *value)
{
	return set_count(&options->settings.faults.n_reset, value);
}

static int set_lose(struct receiver_options *options, const char *value)
{
	return set_count(&options->settings.faults.n_lose, value);
}

static int set_overdue(struct receiver_options *options, const char *value)
{
	return parse_number(value, "", 1, 86400L * 366, &options->overdue_s);
}

static int set_clock(struct receiver_options *options, const char *value)
{
	bool is_behind = *value == '-';
	long seconds;

	if (parse_number(value + is_behind, "", 0, 86400L * 366, &seconds) < 0)
		return -EINVAL;
	options->settings.faults.clock_s = is_behind ? -seconds : seconds;
	return 0;
}

static int set_redirect(struct receiver_options *options, const char *value)
{
	options->settings.faults.redirect = value;
	return value[0] ? 0 : -EINVAL;
}

static int set_retry_after(struct receiver_options *options, const char *value)
{
	return parse_number(value, "", 0, INT_MAX, &options->settings.faults.retry_after_s);
}

static int set_delay(struct receiver_options *options, const char *value)
{
	static const struct {
		const char *unit;
		long ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
	long number;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (parse_number(value, units[i].unit, 0, 3600000 / units[i].ms, &number) < 0)
			continue;
		options->settings.faults.delay_ms = (uint32_t)(number * units[i].ms);
		return 0;
	}
	return -EINVAL;
}

static int set_certificate(struct receiver_options *options, const char *value)
{
	free(options->certificate);
	options->certificate = NULL;
	return read_text(value, &options->certificate);
}

static int set_key(struct receiver_options *options, const char *value)
{
	free(options->key);
	options->key = NULL;
	return read_text(value, &options->key);
}

static int set_quiet(struct receiver_options *options, const char *value)
{
	(void)value;
	options->settings.quiet = true;
	return 0;
}

static int set_json(struct receiver_options *options, const char *value)
{
	(void)value;
	options->settings.json = true;
	return 0;
}

static const struct {
	const char *name;
	bool has_value;
	int (*set)(struct receiver_options *options, const char *value);
	const char *allowed;
} table[] = {
	{"listen", true, set_listen, "ADDR:PORT, an IPv6 address in brackets"},
	{"store", true, set_store, "a directory"},
	{"secret", true, add_secret, "a readable file with whsec_ and 24 to 64 bytes in base64"},
	{"public-key", true, add_public,
	 "whpk_ and 32 bytes in base64, or a file with it or in PEM"},
	{"tolerance", true, set_tolerance, "seconds, at most a year"},
	{"fail", true, set_fail, "STATUS:COUNT, such as 503:3"},
	{"hang", true, set_hang, "a number of requests"},
	{"reset", true, set_reset, "a number of requests"},
	{"lose", true, set_lose, "a number of requests"},
	{"clock", true, set_clock, "seconds, at most a year, with \"-\" in front: behind"},
	{"overdue", true, set_overdue, "seconds, at most a year"},
	{"redirect", true, set_redirect, "a URL"},
	{"retry-after", true, set_retry_after, "seconds"},
	{"delay", true, set_delay, "a duration such as 500ms, 2s or 1m, at most an hour"},
	{"tls-cert", true, set_certificate, "a readable file with a certificate in PEM"},
	{"tls-key", true, set_key, "a readable file with a private key in PEM"},
	{"quiet", false, set_quiet, ""},
	{"json", false, set_json, ""},
};

enum { OPTION_HELP = ARRAY_SIZE(table) + 1, OPTION_VERSION };

static int check_complete(const struct receiver_options *options)
{
	const struct receiver_settings *settings = &options->settings;
	const char *missing = !options->address[0] ? "--listen ADDR:PORT is missing"
			      : !options->store	   ? "--store DIR is missing"
			      : settings->keys.n_secrets + settings->keys.n_publics == 0
				      ? "no key; give --secret or --public-key"
			      : !options->certificate != !options->key
				      ? "--tls-cert and --tls-key go together"
				      : NULL;

	if (!missing)
		return 1;
	(void)fprintf(stderr, "wastewatch-receiver: %s; see --help\n", missing);
	return -EINVAL;
}

static int set_option(struct receiver_options *options, size_t which, const char *value)
{
	int r = table[which].set(options, value);

	if (r == 0)
		return 0;
	(void)fprintf(stderr, "wastewatch-receiver: --%s \"%s\": %s\n", table[which].name, value,
		      r == -ENOSPC ? "too many keys, 4 of a kind are allowed"
				   : table[which].allowed);
	return -EINVAL;
}

int receiver_options_parse(struct receiver_options *options, int argc, char **argv)
{
	struct option list[ARRAY_SIZE(table) + 3] = {0};
	int c;

	*options = (struct receiver_options){
		.overdue_s = OVERDUE_S,
		.settings = {.tolerance_s = 300, .faults = {.retry_after_s = -1}}};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		list[i] = (struct option){table[i].name, table[i].has_value, NULL, (int)i + 1};
	list[ARRAY_SIZE(table)] = (struct option){"help", 0, NULL, OPTION_HELP};
	list[ARRAY_SIZE(table) + 1] = (struct option){"version", 0, NULL, OPTION_VERSION};
	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (c == OPTION_HELP || c == OPTION_VERSION) {
			(void)fputs(c == OPTION_HELP ? help
						     : "wastewatch-receiver " WASTEWATCH_VERSION
						       "\n",
				    stdout);
			return 0;
		}
		if (c == '?' || set_option(options, (size_t)c - 1, optarg ? optarg : "") < 0)
			return -EINVAL;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "wastewatch-receiver: \"%s\" is not understood; see --help\n",
			      argv[optind]);
		return -EINVAL;
	}
	options->settings.certificate = options->certificate;
	options->settings.key = options->key;
	return check_complete(options);
}

void receiver_options_done(struct receiver_options *options)
{
	receiver_keys_done(&options->settings.keys);
	if (options->key)
		OPENSSL_cleanse(options->key, strlen(options->key));
	free(options->certificate);
	free(options->key);
	options->certificate = options->key = NULL;
}

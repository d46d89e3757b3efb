/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "tools/receiver_print.h"

enum { OK = 200, CONFLICT = 409 };

static void print_json(int status, const char *id, const char *type, const char *text)
{
	char when[CLOCK_TEXT_MAX];
	json_t *line;

	clock_format(clock_stamp().wall_ms, 0, when);
	line = json_pack("{ss si ss* ss* ss}", "time", when, "status", status, "id", id, "type",
			 type, "text", text);
	if (!line)
		return;
	(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
}

void receiver_print_line(const struct receiver_settings *settings, int status, const char *id,
			 const char *type, const char *text)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[16];

	if (settings->quiet && status != CONFLICT)
		return;
	if (settings->json) {
		print_json(status, id, type, text);
	} else {
		(void)localtime_r(&now, &tm);
		(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
		(void)printf("%s %s%s%s%s%s\n", when, text, type ? " " : "", type ? type : "",
			     id ? " " : "", id ? id : "");
	}
	(void)fflush(stdout);
}

static const char *good_signatures(const struct receiver_keys *keys)
{
	return keys->n_secrets && keys->n_publics ? "both signatures good"
	       : keys->n_secrets		  ? "v1 signature good"
						  : "v1a signature good";
}

void receiver_print_stored(const struct receiver_settings *settings, const char *id,
			   const char *type)
{
	char text[256];

	if (settings->json) {
		receiver_print_line(settings, OK, id, type, "received");
		return;
	}
	(void)snprintf(text, sizeof(text), "received %s %s, %s", type, id,
		       good_signatures(&settings->keys));
	receiver_print_line(settings, OK, NULL, NULL, text);
}

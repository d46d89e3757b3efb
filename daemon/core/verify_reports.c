/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which reports must wait in the outbox, as the entries say: those that "reports.fixed" has fixed
 * and that were neither delivered, nor abandoned, nor replaced since. Data files are left out:
 * that one was delivered makes no entry (files.h).
 *
 * A report is known by NUMBER-DESTINATION, the end of its id: the beginning may become another
 * one (anchor.h), the number is the record's. A line is canonical by now, so a text that is looked
 * for in it can be nothing but what it seems: within a text its quotes would be escaped.
 */
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/verify.h"

#define ROOM_LEAST  64
#define LOG_ID	    16	    /* characters */
#define FILE_PREFIX "file:" /* files.h */

/* NUMBER-DESTINATION, or all of it where it is of another form. Return: its bytes. */
static size_t name_of(const char **id, size_t n)
{
	if (n <= LOG_ID + 1 || (*id)[LOG_ID] != '-' || memchr(*id, '-', LOG_ID))
		return n;
	*id += LOG_ID + 1;
	return n - LOG_ID - 1;
}

static struct verify_open open_of(const char *id, size_t n, uint64_t entry)
{
	const char *dash;

	n = name_of(&id, n);
	dash = memchr(id, '-', n);
	return (struct verify_open){
		.name = hash64(HASH64_SEED, id, n) | 1, /* 0 is no place */
		.destination = dash ? hash64(HASH64_SEED, dash + 1, n - (size_t)(dash + 1 - id))
				    : 0,
		.entry = entry,
	};
}

/* where it is, or where it would be */
static size_t place_of(const struct verify_reports *reports, uint64_t name)
{
	size_t i = name % reports->room;

	while (reports->open[i].name != 0 && reports->open[i].name != name)
		i = (i + 1) % reports->room;
	return i;
}

static bool grow(struct verify_reports *reports)
{
	struct verify_reports more = {.room = MAX(reports->room * 2, (size_t)ROOM_LEAST)};

	more.open = calloc(more.room, sizeof(*more.open));
	if (!more.open)
		return false;
	for (size_t i = 0; i < reports->room; i++)
		if (reports->open[i].name != 0)
			more.open[place_of(&more, reports->open[i].name)] = reports->open[i];
	free(reports->open);
	reports->open = more.open;
	reports->room = more.room;
	return true;
}

static void add(struct verify_reports *reports, struct verify_open open)
{
	size_t i;

	if (reports->n * 2 >= reports->room && !grow(reports)) {
		reports->failed = true;
		return;
	}
	i = place_of(reports, open.name);
	reports->n += reports->open[i].name == 0;
	reports->open[i] = open;
}

/* and move up what stands behind it for want of its own place */
static void take_out(struct verify_reports *reports, size_t i)
{
	reports->open[i] = (struct verify_open){0};
	reports->n--;
	for (i = (i + 1) % reports->room; reports->open[i].name != 0; i = (i + 1) % reports->room) {
		struct verify_open open = reports->open[i];

		reports->open[i] = (struct verify_open){0};
		reports->open[place_of(reports, open.name)] = open;
	}
}

static void forget(struct verify_reports *reports, const char *id, size_t n)
{
	size_t i;

	if (reports->n == 0)
		return;
	i = place_of(reports, open_of(id, n, 0).name);
	if (reports->open[i].name != 0)
		take_out(reports, i);
}

static void forget_destination(struct verify_reports *reports, const char *name, size_t n)
{
	uint64_t destination = hash64(HASH64_SEED, name, n);

	for (size_t i = 0; i < reports->room;)
		if (reports->open[i].name != 0 && reports->open[i].destination == destination)
			take_out(reports, i); /* another one may have come here */
		else
			i++;
}

/* how long a text is that begins behind its quote */
static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n] != '"' && text[n] != '\0')
		n += text[n] == '\\' && text[n + 1] != '\0' ? 2 : 1;
	return n;
}

static bool is_type(const char *type, size_t n_type, const char *text)
{
	return n_type == strlen(text) && memcmp(type, text, n_type) == 0;
}

/* the number behind a key; -1 there is none */
static int64_t number(const char *line, const char *key)
{
	const char *at = strstr(line, key);
	char *end;
	long long value;

	if (!at)
		return -1;
	value = strtoll(at + strlen(key), &end, 10);
	return end > at + strlen(key) && value >= 0 ? value : -1;
}

/* 0.4.0 was the first version that fixes what it makes: "name":"0.4.0" */
static void take_start(struct verify_reports *reports, const char *line)
{
	static const char key[] = "\"name\":\"";
	const char *at = strstr(line, key);
	char *minor;
	unsigned long major;

	if (!at)
		return;
	major = strtoul(at + strlen(key), &minor, 10);
	if (major > 0 || (*minor == '.' && strtoul(minor + 1, NULL, 10) >= 4))
		reports->starts++;
}

/*
 * What was there before anything was fixed is taken over at the first start of a version that
 * fixes, and at no other: by then nothing that waits can be of an older one. Whoever hides what
 * the chain has fixed, so that it seems to begin anew, gains nothing by it.
 */
static void take_left(struct verify_reports *reports, const char *line)
{
	int64_t left = number(line, "\"left\":");

	if (!reports->any)
		reports->takes_over = strstr(line, "\"reason\":\"") &&
				      (left < 0 || reports->starts <= 1);
	if (!reports->any && reports->takes_over)
		reports->left = (uint64_t)MAX(left, INT64_C(0));
	else if (left >= 0)
		reports->left = MIN(reports->left, (uint64_t)left);
	reports->any = true;
}

static void take_fixed(struct verify_reports *reports, uint64_t seq, const char *line)
{
	static const char key[] = "\"report\":\"", list[] = "\"replaced\":[";
	const char *replaced = strstr(line, list), *at = line;

	take_left(reports, line);
	for (; (at = strstr(at, key)); at += length(at)) {
		at += strlen(key);
		if (strncmp(at, FILE_PREFIX, strlen(FILE_PREFIX)) != 0)
			add(reports, open_of(at, length(at), seq));
	}
	if (!replaced)
		return;
	for (at = replaced + strlen(list); *at == '"'; at += *at == ',') {
		size_t n = length(++at);

		forget(reports, at, n);
		at += n + (at[n] == '"');
	}
}

/* what has ended: one report, or all of a destination */
static void take_end(struct verify_reports *reports, const char *line)
{
	static const char report[] = "\"report\":\"", name[] = "\"name\":\"";
	const char *at = strstr(line, report);

	if (at) {
		at += strlen(report);
		forget(reports, at, length(at));
		return;
	}
	at = strstr(line, name);
	if (at) {
		at += strlen(name);
		forget_destination(reports, at, length(at));
	}
}

/* --- what is held ------------------------------------------------------------------ */

static void add_act(struct verify_reports *reports, struct verify_act act)
{
	struct verify_act *grown;

	if (reports->n_acts == reports->room_acts) {
		size_t room = MAX(reports->room_acts * 2, (size_t)16);

		grown = reallocarray(reports->acts, room, sizeof(*grown));
		if (!grown) {
			reports->failed = true;
			return;
		}
		reports->acts = grown;
		reports->room_acts = room;
	}
	reports->acts[reports->n_acts++] = act;
}

/* where a text begins behind its key; NULL it has none */
static const char *find_text(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? at + strlen(key) : NULL;
}

static void take_act(struct verify_reports *reports, uint64_t seq, const char *line, bool holds)
{
	const char *report = find_text(line, "\"report\":\"");
	const char *name = find_text(line, "\"name\":\"");

	if (report)
		add_act(reports, (struct verify_act){
					 .name = open_of(report, length(report), seq).name,
					 .entry = seq,
					 .holds = holds,
				 });
	else if (name)
		add_act(reports, (struct verify_act){
					 .destination = hash64(HASH64_SEED, name, length(name)),
					 .entry = seq,
					 .holds = holds,
				 });
}

bool verify_reports_holds(const struct verify_reports *reports, const char *report,
			  const char *destination, uint64_t fixed)
{
	uint64_t name = open_of(report, strlen(report), fixed).name;
	uint64_t of = hash64(HASH64_SEED, destination, strlen(destination));

	for (size_t i = reports->n_acts; i-- > 0;) {
		const struct verify_act *act = &reports->acts[i];

		if (act->name ? act->name == name : act->destination == of && act->entry > fixed)
			return act->holds;
	}
	return false;
}

void verify_reports_line(struct verify_reports *reports, uint64_t seq, const char *type,
			 size_t n_type, const char *line)
{
	if (is_type(type, n_type, "reports.fixed"))
		take_fixed(reports, seq, line);
	else if (!reports->any && is_type(type, n_type, "core.started"))
		take_start(reports, line);
	else if (is_type(type, n_type, "report.delivered") ||
		 is_type(type, n_type, "report.abandoned"))
		take_end(reports, line);
	else if (is_type(type, n_type, "report.stopped") || is_type(type, n_type, "report.altered"))
		take_act(reports, seq, line, true);
	else if (is_type(type, n_type, "report.released"))
		take_act(reports, seq, line, false);
}

void verify_reports_take(struct verify_reports *reports, const char *report)
{
	forget(reports, report, strlen(report));
}

uint64_t verify_reports_left(const struct verify_reports *reports)
{
	uint64_t entry = 0;

	for (size_t i = 0; i < reports->room; i++)
		if (reports->open[i].name != 0 && (entry == 0 || reports->open[i].entry < entry))
			entry = reports->open[i].entry;
	return entry;
}

void verify_reports_done(struct verify_reports *reports)
{
	free(reports->open);
	free(reports->acts);
	*reports = (struct verify_reports){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One line for each part of the whole; part of wastewatch status. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/catalogue.h"
#include "core/fields.h"
#include "tools/say.h"
#include "tools/status.h"
#include "tools/wrap.h"

#define COLUMN 11
#define GIB    (1024.0 * 1024 * 1024)

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void begin(const char *name)
{
	say_padded(*name ? tr(name) : "", COLUMN);
}

static void print_links(const struct picture *picture)
{
	const json_t *link, *links = json_object_get(picture->live, "links"), *busiest = NULL;
	size_t i;

	json_array_foreach (links, i, link) {
		if (!busiest || number(link, "busy_permille") > number(busiest, "busy_permille"))
			busiest = link;
	}
	if (!busiest)
		return;
	begin(N_("Links"));
	say("%lld of %lld up, the busiest %lld %% (%s/%s); wastewatch links\n",
	    number(picture->live, "links_up"), number(picture->live, "links_watched"),
	    number(busiest, "busy_permille") / 10, field_text(busiest, "site"),
	    field_text(busiest, "link"));
}

static void print_channels(const struct picture *picture)
{
	long long n = number(picture->live, "channels_watched"),
		  n_lost = number(picture->live, "channels_lost");
	size_t i, n_bad = 0;
	const json_t *channel;

	json_array_foreach (json_object_get(picture->live, "channels"), i, channel) {
		n_bad += strcmp(field_text(channel, "quality"), "good") != 0;
	}
	begin(N_("Channels"));
	say("%lld of %lld measured, not good at this moment: %zu; wastewatch channels\n",
	    n - n_lost, n, n_bad);
}

/* what calls nobody is not what needs attention, but nobody may forget it either */
static void print_alarms(const struct picture *picture)
{
	begin(N_("Alarms"));
	say("%zu limits broken, not acknowledged: %zu; wastewatch alarms\n",
	    json_array_size(picture->raised), picture->n_unseen);
	if (picture->n_shelved + picture->n_suppressed + picture->n_out == 0)
		return;
	begin("");
	say("call nobody: %zu shelved, %zu suppressed, %zu out of service\n", picture->n_shelved,
	    picture->n_suppressed, picture->n_out);
}

static void print_incidents(const struct picture *picture)
{
	begin(N_("Incidents"));
	if (picture->n_unclosed > 0)
		say("%zu running, %lld ended and not closed; wastewatch incidents\n",
		    json_array_size(picture->incidents), (long long)picture->n_unclosed);
	else
		say("%zu running, none waits to be closed\n", json_array_size(picture->incidents));
}

static void print_outbox(const struct picture *picture)
{
	const struct history_outbox *outbox = &picture->outbox;

	begin(N_("Outbox"));
	if (outbox->n_waiting + outbox->n_files + outbox->n_stopped == 0)
		say("all is delivered\n");
	else
		say("waiting: %lld reports, %lld data files, held back: %lld; wastewatch outbox "
		    "list\n",
		    (long long)outbox->n_waiting, (long long)outbox->n_files,
		    (long long)outbox->n_stopped);
}

bool status_clock(void)
{
	struct timex timex = {.modes = 0}; /* looks only */

	return adjtimex(&timex) != TIME_ERROR && !(timex.status & STA_UNSYNC);
}

/* what answers of destinations have told of their clocks: the largest difference */
static void print_clock(const struct picture *picture)
{
	const json_t *anchor, *worst = NULL;
	char span[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "anchors"), i, anchor) {
		if (json_object_get(anchor, "clock_ms") &&
		    (!worst ||
		     llabs(number(anchor, "clock_ms")) > llabs(number(worst, "clock_ms"))))
			worst = anchor;
	}
	begin(N_("Clock"));
	(void)fputs(status_clock() ? tr("synchronised") : tr("not synchronised: timedatectl"),
		    stdout);
	if (worst && llabs(number(worst, "clock_ms")) >= MS_PER_S)
		say("; %s differs by %s", field_text(worst, "destination"),
		    command_span(llabs(number(worst, "clock_ms")), span));
	(void)putchar('\n');
}

static void print_disk(const struct picture *picture)
{
	const json_t *storage = json_object_get(picture->live, "storage");
	double free_bytes = (double)number(storage, "free_bytes");
	struct statvfs room;

	if (!storage && statvfs(picture->options->state, &room) < 0)
		return;
	if (!storage)
		free_bytes = (double)room.f_bavail * (double)room.f_frsize;
	begin(N_("Disk"));
	say("%.1f GiB free for the record\n", free_bytes / GIB);
}

static void print_record(const struct picture *picture)
{
	const json_t *record = json_object_get(picture->live, "record");
	int64_t verified_ms = number(record, "verified_ms");
	char time[48];

	if (!picture->has_record)
		return;
	begin(N_("Record"));
	say("%lld entries", (long long)picture->head);
	if (verified_ms > 0)
		say("; verified %s up to entry %lld",
		    command_time(verified_ms, picture->zone_min, time), number(record, "entries"));
	(void)putchar('\n');
}

/* no line of what needs attention: measuring and reporting go on without a sandbox */
static void print_sandboxes(const struct picture *picture)
{
	const json_t *sandbox, *all = json_object_get(picture->live, "sandboxes");
	const char *name;
	size_t n_held = 0;
	char text[1024];

	json_object_foreach ((json_t *)(uintptr_t)all, name, sandbox) {
		const char *state = field_text(sandbox, "state");

		n_held += strcmp(state, "holds") == 0;
		if (strcmp(state, "open") != 0 && strcmp(state, "unknown") != 0 &&
		    strcmp(state, "partly") != 0)
			continue;
		begin(N_("Sandbox"));
		if (strcmp(state, "open") == 0)
			(void)snprintf(text, sizeof(text), tr("of %s is NOT IN FORCE: it %s"), name,
				       field_text(sandbox, "words"));
		else if (strcmp(state, "partly") == 0)
			(void)snprintf(text, sizeof(text),
				       tr("of %s holds as far as it was tried: it %s"), name,
				       field_text(sandbox, "words"));
		else
			(void)snprintf(text, sizeof(text), tr("of %s is not known: %s"), name,
				       field_text(sandbox, "words"));
		wrap_print(COLUMN, COLUMN, text);
	}
	if (n_held > 0 && n_held == json_object_size(all)) {
		begin(N_("Sandbox"));
		say("all three hold\n");
	}
}

static void print_drills(const struct picture *picture)
{
	const json_t *drill;
	char time[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "drills"), i, drill) {
		begin(N_("EXERCISE"));
		say("at %s until %.8s: %s (%s); to end it: wastewatch drill stop %s\n",
		    field_text(drill, "site"),
		    command_time(number(drill, "until_ms"), picture->zone_min, time) + 11,
		    field_text(drill, "scenario"), field_text(drill, "title"),
		    field_text(drill, "site"));
	}
}

void status_summary(const struct picture *picture)
{
	if (picture->live) {
		print_drills(picture);
		print_links(picture);
		print_channels(picture);
	}
	if (picture->has_record) {
		print_alarms(picture);
		print_incidents(picture);
		print_outbox(picture);
	}
	print_clock(picture);
	print_disk(picture);
	print_record(picture);
	print_sandboxes(picture);
}

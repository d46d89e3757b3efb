/* SPDX-License-Identifier: Apache-2.0 */
/* What of status.json concerns disk and journal; part of wastewatch status. */
#include <string.h>

#include "core/fields.h"
#include "tools/status.h"

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void look_at_room(struct picture *picture)
{
	const json_t *storage = json_object_get(picture->live, "storage");
	const char *level = field_text(storage, "level"), *words = field_text(storage, "words");

	if (storage && !json_is_true(json_object_get(storage, "storing")))
		attend(picture, RANK_BLIND, NULL,
		       "NOTHING CAN BE STORED (%s): %lld entries and %lld reports are in memory "
		       "only; make room on the disk of --state at once",
		       words, number(storage, "unstored_entries"),
		       number(storage, "unstored_reports"));
	else if (strcmp(level, "critical") == 0)
		attend(picture, RANK_BLIND, NULL,
		       "hardly any room for the record (%s): minute values are not stored, %lld so "
		       "far; make room on the disk of --state",
		       words, number(storage, "minutes_left_out"));
	else if (strcmp(level, "low") == 0)
		attend(picture, RANK_LATER, NULL,
		       "room for the record is getting short (%s): make room on the disk of "
		       "--state",
		       words);
}

static void look_at_journal(struct picture *picture)
{
	const char *words = field_text(picture->live, "journal_words");

	if (*words)
		attend(picture, RANK_LATER, NULL,
		       "%lld entries wait for the journal (the record has them): %s; systemctl "
		       "status systemd-journald",
		       number(picture->live, "journal_waiting"), words);
}

void status_look_storage(struct picture *picture)
{
	look_at_room(picture);
	look_at_journal(picture);
}

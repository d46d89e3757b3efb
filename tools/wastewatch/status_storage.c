/* SPDX-License-Identifier: Apache-2.0 */
/* What of status.json concerns disk and journal, in words; part of wastewatch status. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/fields.h"
#include "tools/command.h"
#include "tools/status_storage.h"

#define STATUS_LINE_MAX 512

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static bool look_at_room(const json_t *live, char text[static STATUS_LINE_MAX])
{
	const json_t *storage = json_object_get(live, "storage");
	const char *level = field_text(storage, "level"), *words = field_text(storage, "words");

	if (storage && !json_is_true(json_object_get(storage, "storing")))
		(void)snprintf(text, STATUS_LINE_MAX,
			       "NOTHING CAN BE STORED (%s): %lld entries and %lld reports are in "
			       "memory only; make room on the disk of --state at once",
			       words, number(storage, "unstored_entries"),
			       number(storage, "unstored_reports"));
	else if (strcmp(level, "critical") == 0)
		(void)snprintf(text, STATUS_LINE_MAX,
			       "hardly any room for the record (%s): minute values are not stored, "
			       "%lld so far; make room on the disk of --state",
			       words, number(storage, "minutes_left_out"));
	else if (strcmp(level, "low") == 0)
		(void)snprintf(
			text, STATUS_LINE_MAX,
			"room for the record is getting short (%s): make room on the disk of "
			"--state",
			words);
	else
		return false;
	return true;
}

static bool look_at_journal(const json_t *live, char text[static STATUS_LINE_MAX])
{
	const char *words = field_text(live, "journal_words");

	(void)snprintf(text, STATUS_LINE_MAX,
		       "%lld entries wait for the journal (the record has them): %s; systemctl "
		       "status systemd-journald",
		       number(live, "journal_waiting"), words);
	return *words;
}

void status_storage(const json_t *live, json_t *attention)
{
	char text[STATUS_LINE_MAX];

	if (look_at_journal(live, text))
		(void)json_array_append_new(attention, json_string(text));
	if (look_at_room(live, text))
		(void)json_array_append_new(attention, json_string(text));
}

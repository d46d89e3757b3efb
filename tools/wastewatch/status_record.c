/* SPDX-License-Identifier: Apache-2.0 */
/* What of status.json concerns the record, here and at the departments; part of wastewatch status.
 */
#include <stdlib.h>
#include <string.h>

#include "core/fields.h"
#include "tools/status.h"

static bool is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* is it damaged, and nobody has said that he knows? */
static void look_at_damage(struct picture *picture)
{
	const json_t *record = json_object_get(picture->live, "record");
	const char *damage = field_text(record, "damage"), *aside = field_text(record, "replaces");
	const char *altered = field_text(record, "altered"), *key = field_text(record, "key");

	if (!record || is(record, "seen"))
		return;
	if (*altered)
		attend(picture, RANK_BLIND, NULL,
		       "report %s is not what was made, and is not sent: wastewatch outbox "
		       "show %s; find out who altered it, keep a copy of the record, then: "
		       "wastewatch record seen",
		       altered, altered);
	else if (*key && !*damage && !*aside)
		attend(picture, RANK_BLIND, NULL,
		       "the record is signed by key %s, and the key before has not signed "
		       "that: nobody who holds the old one can verify it; give the "
		       "department the new one, then: wastewatch record seen",
		       key);
	else if (*damage)
		attend(picture, RANK_BLIND, NULL,
		       "the record is damaged: %s: journalctl WASTEWATCH_TYPE=record.damaged "
		       "WASTEWATCH_TYPE=record.replaced, then: wastewatch record seen",
		       damage);
	else if (*aside)
		attend(picture, RANK_BLIND, NULL,
		       "the record was damaged, and is set aside as %s: journalctl "
		       "WASTEWATCH_TYPE=record.damaged WASTEWATCH_TYPE=record.replaced, then: "
		       "wastewatch record seen",
		       aside);
	else
		attend(picture, RANK_BLIND, NULL,
		       "the record or its state was damaged: journalctl "
		       "WASTEWATCH_TYPE=record.damaged WASTEWATCH_TYPE=record.replaced, then: "
		       "wastewatch record seen");
}

static void look_at_clock(struct picture *picture, const json_t *anchor)
{
	int64_t apart_ms = field_number(anchor, "clock_ms");
	bool refuses = llabs(apart_ms) >= field_number(anchor, "clock_tolerance_ms");
	const char *name = field_text(anchor, "destination");
	char span[48];

	(void)command_span(llabs(apart_ms), span);
	if (apart_ms < 0 && refuses)
		attend(picture, RANK_FAULT, NULL,
		       "the clock of %s is %s behind this machine's, so it refuses reports: "
		       "timedatectl timesync-status",
		       name, span);
	else if (apart_ms < 0)
		attend(picture, RANK_LATER, NULL,
		       "the clock of %s is %s behind this machine's: timedatectl timesync-status",
		       name, span);
	else if (refuses)
		attend(picture, RANK_FAULT, NULL,
		       "the clock of %s is %s ahead of this machine's, so it refuses reports: "
		       "timedatectl timesync-status",
		       name, span);
	else
		attend(picture, RANK_LATER, NULL,
		       "the clock of %s is %s ahead of this machine's: timedatectl "
		       "timesync-status",
		       name, span);
}

static void look_at_anchor(struct picture *picture, const json_t *anchor)
{
	const char *name = field_text(anchor, "destination");

	if (is(anchor, "unseen"))
		attend(picture, RANK_BLIND, NULL,
		       "%s HOLDS ANOTHER RECORD THAN THIS MACHINE, which was set back, restored "
		       "from a backup, or changed: journalctl WASTEWATCH_TYPE=anchor.ahead "
		       "WASTEWATCH_TYPE=anchor.conflict; then: wastewatch record seen",
		       name);
	if (strcmp(field_text(anchor, "state"), "behind") == 0)
		attend(picture, RANK_LATER, NULL,
		       "%s has lost reports; they are sent again: journalctl "
		       "WASTEWATCH_TYPE=anchor.behind",
		       name);
	if (is(anchor, "clock_differs"))
		look_at_clock(picture, anchor);
}

void status_look_record(struct picture *picture)
{
	const json_t *anchor;
	size_t i;

	look_at_damage(picture);
	json_array_foreach (json_object_get(picture->live, "anchors"), i, anchor) {
		look_at_anchor(picture, anchor);
	}
}

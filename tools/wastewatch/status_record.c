/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "core/fields.h"
#include "tools/command.h"
#include "tools/status_record.h"

bool status_record_attention(const json_t *live, char text[static STATUS_RECORD_MAX])
{
	const json_t *record = json_object_get(live, "record");
	const char *damage = field_text(record, "damage"), *aside = field_text(record, "replaces");
	const char *altered = field_text(record, "altered"), *key = field_text(record, "key");

	if (!record || json_is_true(json_object_get(record, "seen")))
		return false;
	if (*altered) {
		(void)snprintf(text, STATUS_RECORD_MAX,
			       "report %s is not what was made, and is not sent: wastewatch outbox "
			       "show %s; find out who altered it, keep a copy of the record, then: "
			       "wastewatch record seen",
			       altered, altered);
		return true;
	}
	if (*key && !*damage && !*aside) {
		(void)snprintf(text, STATUS_RECORD_MAX,
			       "the record is signed by key %s, and the key before has not signed "
			       "that: nobody who holds the old one can verify it; give the "
			       "department the new one, then: wastewatch record seen",
			       key);
		return true;
	}
	(void)snprintf(text, STATUS_RECORD_MAX,
		       "the record %s%s: journalctl WASTEWATCH_TYPE=record.damaged "
		       "WASTEWATCH_TYPE=record.replaced, then: wastewatch record seen",
		       *damage	? "is damaged: "
		       : *aside ? "was damaged, and is set aside as "
				: "or its state was damaged",
		       *damage ? damage : aside);
	return true;
}

void status_record_print(const json_t *live, int zone_min)
{
	const json_t *record = json_object_get(live, "record");
	int64_t verified_ms = field_number(record, "verified_ms");
	char time[48];

	if (verified_ms > 0)
		(void)printf("Record verified: %s, %lld entries, %lld signed heads.\n",
			     command_time(verified_ms, zone_min, time),
			     (long long)field_number(record, "entries"),
			     (long long)field_number(record, "heads"));
}

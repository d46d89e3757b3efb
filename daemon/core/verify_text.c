/* SPDX-License-Identifier: Apache-2.0 */
/* what is wrong with a record, for people and for programs */
#include <inttypes.h>
#include <stdio.h>

#include "core/verify.h"

/* @before, the bad number, @after; then the other number and @end, where there is an end */
static const struct {
	const char *word;
	const char *before;
	const char *after;
	const char *end;
} faults[] = {
	[VERIFY_MISSING] = {"missing", "entry ", " is missing: the next that is there is ", ""},
	[VERIFY_TWICE] = {"twice", "entry ", " is there twice", NULL},
	[VERIFY_ORDER] = {"order", "entry ", " comes again, behind entry ", ""},
	[VERIFY_NOT_CANONICAL] = {"not-canonical", "entry ", " is not canonical JSON: ", NULL},
	[VERIFY_NUMBER] = {"number", "entry ", " calls itself number ", ""},
	[VERIFY_LINE] = {"line", "entry ",
			 " was changed: its line does not give the hash that the next goes on from",
			 NULL},
	[VERIFY_HASH] = {"hash", "entry ",
			 " has a wrong hash beside it; its line is the one that was chained", NULL},
	[VERIFY_KEPT] = {"kept", "entry ",
			 " is kept under another time, type or incident than its line says", NULL},
	[VERIFY_HEAD_FORM] = {"head-form", "the head behind entry ", " is no head of five lines",
			      NULL},
	[VERIFY_HEAD_NUMBER] = {"head-number", "the head behind entry ", " is that of entry ", ""},
	[VERIFY_HEAD_HASH] = {"head-hash", "the entries up to ",
			      " do not lead to the hash that the head signs: one of them was "
			      "changed, or the hash before the first",
			      NULL},
	[VERIFY_SIGNATURE] = {"signature", "the head behind entry ",
			      " was not signed by its key, or was changed since", NULL},
	[VERIFY_KEY_UNKNOWN] = {"key-unknown", "the head behind entry ",
				" is signed by a key that nobody vouches for: ", NULL},
	[VERIFY_KEY_RETIRED] = {"key-retired", "the head behind entry ",
				" is signed by a key that had been replaced before: ", NULL},
	[VERIFY_ROTATION] = {"rotation", "entry ",
			     " names a new key that the key before has not signed", NULL},
	[VERIFY_TRUNCATED] = {"truncated", "the end is missing from entry ",
			      " on: the head counts up to ", ""},
	[VERIFY_HEAD_MISSING] =
		{"head-missing", "a signed head is missing at or before entry ",
		 ": each commit leaves one, and the record has counted more, or has "
		 "none of its end",
		 NULL},
	[VERIFY_REPORT] = {"report", "what entry ",
			   " says of a report or data file is not what the outbox holds: ", NULL},
	[VERIFY_REPORT_GONE] = {"report-gone", "a report that entry ",
				" has fixed was never delivered, and does not wait in the outbox "
				"any more",
				NULL},
	[VERIFY_TURN] = {"turn", "the report or data file that entry ",
			 " fixes waits for another turn, or in another place, than is due: ", NULL},
	[VERIFY_STOPPED] = {"stopped", "the report or data file that entry ",
			    " fixes is held, and no entry says so: ", NULL},
	[VERIFY_INCIDENT] = {"incident", "what entry ",
			     " says of an incident, or who was told of it, is not what is kept: ",
			     NULL},
	[VERIFY_SHAPE] = {"shape",
			  "the tables that hold the entries are not those of a record: ", "", NULL},
	[VERIFY_UNSIGNED] = {"unsigned", "entries ", " to ", " at the end are signed by no head"},
	[VERIFY_FAILED] = {"failed", "entry ",
			   " could not be verified: out of memory, or too many keys", NULL},
};

const char *verify_fault_text(enum verify_fault fault)
{
	return fault ? faults[fault].word : "good";
}

void verify_text(const struct verify *v, char text[static VERIFY_TEXT_MAX])
{
	bool of_key = v->fault == VERIFY_KEY_UNKNOWN || v->fault == VERIFY_KEY_RETIRED;
	bool of_row = v->fault == VERIFY_REPORT || v->fault == VERIFY_TURN ||
		      v->fault == VERIFY_STOPPED || v->fault == VERIFY_INCIDENT;
	const char *last = of_key ? v->key_id : of_row ? v->report : "";
	char other[160] = "";

	if (!v->fault) {
		(void)snprintf(text, VERIFY_TEXT_MAX, "all of it is good");
		return;
	}
	if (v->fault == VERIFY_SHAPE) { /* no entry was looked at */
		(void)snprintf(text, VERIFY_TEXT_MAX, "%s%s", faults[v->fault].before, v->report);
		return;
	}
	if (faults[v->fault].end)
		(void)snprintf(other, sizeof(other), "%" PRIu64 "%s", v->other,
			       faults[v->fault].end);
	else if (v->fault == VERIFY_NOT_CANONICAL)
		(void)snprintf(other, sizeof(other), "%s, at byte %zu", v->what, v->at + 1);
	(void)snprintf(text, VERIFY_TEXT_MAX, "%s%" PRIu64 "%s%s%s", faults[v->fault].before,
		       v->bad, faults[v->fault].after, other, last);
}

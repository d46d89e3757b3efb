/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_rescue.h - what a new record takes over from one that was set aside
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "core/record_aside.h"

/**
 * struct record_rescued
 * @n_reports: that wait for a receiver; @n_others: rows of incidents, alarms, state, …
 * @n_altered: of the reports, those that the old chain does not vouch for: they are held
 * @reports_cut, @others_cut: there were more, which cannot be read
 */
struct record_rescued {
	uint64_t n_reports;
	uint64_t n_others;
	uint64_t n_altered;
	bool reports_cut;
	bool others_cut;
};

/**
 * record_rescue() - into a record that has no entry yet, in one transaction
 *
 * @trusted: begun, with the keys that have signed the old chain; NULL: nothing is held against it
 *
 * Its entries begin behind @aside->base_seq. Doing it again changes nothing.
 * Return: 0, whatever could be read; -errno the new record cannot be written.
 */
int record_rescue(struct record *record, const char *directory, const struct record_aside *aside,
		  const struct verify *trusted, struct record_rescued *ret);

/**
 * record_look_through() - does SQLite find each of its pages in order? Reads all of it.
 * Return: 0; -EBADMSG @text says what is wrong; -errno.
 */
int record_look_through(struct record *record, char text[static RECORD_ASIDE_REASON]);

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "core/record_statements.h"

#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

static int set_drill(struct record *record, const struct record_drill *drill, bool anew)
{
	int r;

	PREPARE(anew ? ADD_DRILL : SET_DRILL);
	(void)sqlite3_bind_text(s, 1, drill->site, -1, SQLITE_STATIC);
	if (anew)
		(void)sqlite3_bind_blob64(s, 2, drill->scenario, drill->n_scenario, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(s, 3, drill->state, drill->n_state, SQLITE_STATIC);
	if (drill->windows)
		(void)sqlite3_bind_blob64(s, 4, drill->windows, drill->n_windows, SQLITE_STATIC);
	r = record_run(record, s);
	(void)sqlite3_clear_bindings(s); /* what they point to goes after the commit */
	return r;
}

static int set_site(struct record *record, const struct record_drill_site *site)
{
	PREPARE(SET_DRILL_SITE);
	(void)sqlite3_bind_text(s, 1, site->site, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, site->counted_ms);
	(void)sqlite3_bind_int64(s, 3, site->said_ms);
	return record_run(record, s);
}

int record_set_drills(struct record *record, const struct record_commit *commit)
{
	int r = commit->drills_anew ? record_do(record, CLEAR_DRILLS) : 0;

	for (size_t i = 0; i < commit->n_drills && r == 0; i++)
		r = set_drill(record, &commit->drills[i], commit->drills_anew);
	for (size_t i = 0; i < commit->n_drill_sites && r == 0; i++)
		r = set_site(record, &commit->drill_sites[i]);
	return r;
}

int record_drills(struct record *record,
		  int (*each)(void *userdata, const struct record_drill *drill), void *userdata)
{
	int code = SQLITE_DONE, r = 0;

	PREPARE(DRILLS);
	while (r >= 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
		r = each(userdata, &(struct record_drill){
					   .site = sqlite_text(s, 0),
					   .scenario = sqlite3_column_blob(s, 1),
					   .n_scenario = (size_t)sqlite3_column_bytes(s, 1),
					   .state = sqlite3_column_blob(s, 2),
					   .n_state = (size_t)sqlite3_column_bytes(s, 2),
					   .windows = sqlite3_column_blob(s, 3),
					   .n_windows = (size_t)sqlite3_column_bytes(s, 3),
				   });
	(void)sqlite3_reset(s); /* read-only */
	if (r < 0)
		return r;
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}

int record_drill_sites(struct record *record,
		       void (*each)(void *userdata, const struct record_drill_site *site),
		       void *userdata)
{
	int code;

	PREPARE(DRILL_SITES);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		each(userdata, &(struct record_drill_site){
				       .site = sqlite_text(s, 0),
				       .counted_ms = sqlite3_column_int64(s, 1),
				       .said_ms = sqlite3_column_int64(s, 2),
			       });
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}

int record_drill_standing(struct record *record,
			  int (*each)(void *userdata, const char *id, const char *summary,
				      const char *told),
			  void *userdata)
{
	int code = SQLITE_DONE, r = 0;

	PREPARE(DRILL_STANDING);
	while (r >= 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
		r = each(userdata, sqlite_text(s, 0), sqlite_text(s, 1), sqlite_text(s, 2));
	(void)sqlite3_reset(s); /* read-only */
	if (r < 0)
		return r;
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/batch.h"
#include "core/files.h"

static void add_entries(struct batch *batch, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_non_null(batch_add(batch, entries));
}

static void add_report(struct batch *batch, const char *id, uint32_t lane)
{
	struct batch_report *report = batch_add(batch, reports);

	assert_non_null(report);
	report->webhook_id = strdup(id);
	report->lane = lane;
}

/* what is not kept has no bounds; what is has those of batch.h */
static void test_entries_are_bounded(void **state)
{
	struct batch batch = {0};

	(void)state;
	add_entries(&batch, BATCH_KEPT_ENTRIES);
	assert_true(batch_takes_entry(&batch, EVENT_DEVICE_STATE));
	batch.is_kept = true;
	assert_false(batch_takes_entry(&batch, EVENT_DEVICE_STATE));
	assert_true(batch_takes_entry(&batch, EVENT_INCIDENT_OPENED));
	assert_true(batch_takes_entry(&batch, EVENT_INCIDENT_ENDED));
	assert_true(batch_takes_entry(&batch, EVENT_STORAGE_RECOVERED));
	add_entries(&batch, BATCH_KEPT_ENTRIES);
	assert_false(batch_takes_entry(&batch, EVENT_INCIDENT_OPENED));
	assert_int_equal(batch.n_left_out_entries, 2);
	batch_done(&batch);
}

static void test_reports_are_bounded(void **state)
{
	struct batch batch = {.is_kept = true};

	(void)state;
	assert_false(batch_takes_report(&batch, true, false)); /* no files at all */
	for (size_t i = 0; i < BATCH_KEPT_REPORTS; i++) {
		assert_true(batch_takes_report(&batch, false, true));
		add_report(&batch, "x", 1);
	}
	assert_false(batch_takes_report(&batch, false, true));
	for (size_t i = 0; i < BATCH_KEPT_REPORTS; i++) {
		assert_true(batch_takes_report(&batch, false, false));
		add_report(&batch, "x", 1);
	}
	assert_false(batch_takes_report(&batch, false, false));
	assert_int_equal(batch.n_left_out_reports, 3);
	batch_done(&batch);
}

/* a report's id is the number of its entry: none without one, or two would have the same */
static void test_no_report_without_its_entry(void **state)
{
	struct batch batch = {.is_kept = true};

	(void)state;
	add_entries(&batch, BATCH_KEPT_ENTRIES);
	assert_true(batch_takes_report(&batch, false, true)); /* its entry was the last one taken */
	add_entries(&batch, 1);
	assert_false(batch_takes_report(&batch, false, true));
	assert_true(batch_takes_report(&batch, false, false));
	add_entries(&batch, BATCH_KEPT_ENTRIES);
	assert_false(batch_takes_report(&batch, false, false));
	batch_done(&batch);
}

static void test_files_are_dropped_and_reports_stay(void **state)
{
	struct batch batch = {0};

	(void)state;
	add_report(&batch, "a", FILES_LANE);
	add_report(&batch, "b", 0);
	add_report(&batch, "c", FILES_LANE);
	add_report(&batch, "d", 1);
	assert_int_equal(batch_drop_files(&batch, FILES_LANE), 2);
	assert_int_equal(batch.n_reports, 2);
	assert_string_equal(batch.reports[0].webhook_id, "b");
	assert_string_equal(batch.reports[1].webhook_id, "d");
	assert_int_equal(batch_drop_files(&batch, FILES_LANE), 0);
	batch_done(&batch);
}

static struct batch_alarm *add_alarm(struct batch *batch, size_t limit, int raised, bool judged)
{
	struct batch_alarm *alarm = batch_add(batch, alarms);

	assert_non_null(alarm);
	alarm->limit = limit;
	alarm->raised = raised;
	alarm->is_judged = judged;
	return alarm;
}

static void test_alarms_are_folded(void **state)
{
	struct batch batch = {0};
	struct batch_alarm *alarm;

	(void)state;
	alarm = add_alarm(&batch, 7, 1, true);
	alarm->value = 200;
	(void)strcpy(alarm->incident, "first");
	(void)add_alarm(&batch, 3, 1, false);
	(void)add_alarm(&batch, 7, 0, false); /* acknowledged: value and incident stay */
	batch_fold(&batch);
	assert_int_equal(batch.n_alarms, 2);
	assert_int_equal(batch.alarms[0].limit, 7);
	assert_int_equal(batch.alarms[0].raised, 0);
	assert_true(batch.alarms[0].is_judged);
	assert_true(batch.alarms[0].value == 200);
	assert_string_equal(batch.alarms[0].incident, "first");
	assert_int_equal(batch.alarms[1].limit, 3);
	assert_false(batch.alarms[1].is_judged);
	alarm = add_alarm(&batch, 7, 1, true); /* judged anew: that counts */
	alarm->value = 300;
	batch_fold(&batch);
	assert_int_equal(batch.n_alarms, 2);
	assert_true(batch.alarms[0].value == 300);
	assert_string_equal(batch.alarms[0].incident, "");
	batch_done(&batch);
}

static void add_incident(struct batch *batch, const char *id, size_t first_out, uint32_t n_updates)
{
	struct batch_incident *incident = batch_add(batch, incidents);

	assert_non_null(incident);
	(void)snprintf(incident->id, sizeof(incident->id), "%s", id);
	incident->first_out = first_out;
	incident->n_updates = n_updates;
	incident->summary = strdup("{}");
	incident->told = strdup("");
}

static void test_incidents_are_folded(void **state)
{
	struct batch batch = {0};

	(void)state;
	add_incident(&batch, "a", 5, 0);
	add_incident(&batch, "b", EVENT_NONE, 0);
	add_incident(&batch, "a", EVENT_NONE, 1); /* the first out is no longer configured */
	add_incident(&batch, "a", EVENT_NONE, 2);
	batch_fold(&batch);
	assert_int_equal(batch.n_incidents, 2);
	assert_string_equal(batch.incidents[0].id, "a");
	assert_int_equal(batch.incidents[0].n_updates, 2);
	assert_int_equal(batch.incidents[0].first_out, 5);
	assert_string_equal(batch.incidents[1].id, "b");
	batch_done(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_are_bounded),
		cmocka_unit_test(test_reports_are_bounded),
		cmocka_unit_test(test_no_report_without_its_entry),
		cmocka_unit_test(test_files_are_dropped_and_reports_stay),
		cmocka_unit_test(test_alarms_are_folded),
		cmocka_unit_test(test_incidents_are_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

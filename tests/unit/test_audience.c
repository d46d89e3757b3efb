/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/audience.h"

#define AT_MS INT64_C(1764255900000) /* 2025-11-27T22:05:00+07:00 */

/* a core with nothing but destinations, and an open incident of it */
struct rig {
	struct config_destination destinations[CONFIG_DESTINATIONS_MAX];
	struct config_target targets[2];
	struct config config;
	struct core_incident incident;
	struct batch batch;
	struct chain chain;
	struct core core;
};

static void set_up(struct rig *rig, size_t n)
{
	static char names[CONFIG_DESTINATIONS_MAX + 4][8], origin[] = "hop-thanh";
	static char other[] = "other", intake[] = "intake", title[] = "Trạm cấp nước";

	*rig = (struct rig){.chain = {.seq = 42}};
	rig->config = (struct config){
		.origin = origin,
		.zone_min = 420,
		.destinations = rig->destinations,
		.n_destinations = n,
		.crossing = {.targets = rig->targets, .n_targets = ARRAY_SIZE(rig->targets)},
	};
	rig->targets[0] = (struct config_target){.name = other, .title = other};
	rig->targets[1] = (struct config_target){.name = intake, .title = title};
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "d%zu", i);
		rig->destinations[i] = (struct config_destination){.name = names[i],
								   .min_class = CLASS_LIMIT};
	}
	rig->core = (struct core){.config = &rig->config,
				  .batch = &rig->batch,
				  .log = &rig->chain,
				  .incidents = &rig->incident,
				  .log_id = "0123456789abcdef"};
	rig->incident = (struct core_incident){.open = true,
					       .opened = {AT_MS - 60000, AT_MS - 60000}};
}

/* class, kind, level, verdict, site, and the paths of a crossing */
static const char *data_of(const char *class, const char *kind, const char *level,
			   const char *verdict, const char *site, const char *paths)
{
	static char data[2048];

	(void)snprintf(
		data, sizeof(data),
		"{\"origin\":\"hop-thanh\",\"incident\":{\"id\":\"mill-%s-20251127T150500Z\","
		"\"class\":\"%s\",\"kind\":\"%s\",\"level\":\"%s\",\"verdict\":\"%s\","
		"\"state\":\"open\",\"status\":\"actual\",\"update\":3},\"site\":{\"name\":\"%s\","
		"\"title\":\"Mill\"},\"crossing\":{\"paths\":[%s]}}",
		kind, class, kind, level, verdict, site, paths);
	return data;
}

static void tell(struct rig *rig, enum event_type type, const char *data)
{
	batch_clear(&rig->batch);
	audience_tell(&rig->core, &(struct audience_news){.type = type,
							  .at = {AT_MS, AT_MS},
							  .data = data,
							  .incident = &rig->incident});
	assert_false(rig->batch.out_of_memory);
	rig->incident.reported = (struct stamp){AT_MS, AT_MS};
	rig->incident.n_updates++;
}

#define PATH(target, verdict) "{\"target\":\"" target "\",\"verdict\":\"" verdict "\"}"

static void test_wants(void **state)
{
	const struct config_words mill = {.text = {(char[]){"mill"}}, .n = 1};
	const struct config_words intake = {.text = {(char[]){"intake"}}, .n = 1};
	const struct {
		struct config_destination wants;
		const char *class, *kind, *level, *verdict, *site, *paths;
		bool told;
	} rows[] = {
		{{0}, "limit", "liquid", "facility", "none", "mill", "", true},
		{{.kind = DESTINATION_FILES},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 "",
		 false},
		{{.min_class = CLASS_EMERGENCY},
		 "limit",
		 "liquid",
		 "national",
		 "observed",
		 "mill",
		 "",
		 false},
		{{.min_class = CLASS_EMERGENCY},
		 "emergency",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 "",
		 true},
		{{.kinds = 1U << WASTE_GAS},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 "",
		 false},
		{{.kinds = 1U << WASTE_GAS | 1U << WASTE_LIQUID},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 "",
		 true},
		{{.min_level = LEVEL_PROVINCE},
		 "limit",
		 "gas",
		 "commune",
		 "likely",
		 "mill",
		 "",
		 false},
		{{.min_level = LEVEL_PROVINCE},
		 "limit",
		 "gas",
		 "province",
		 "none",
		 "mill",
		 "",
		 true},
		{{.min_level = LEVEL_PROVINCE},
		 "limit",
		 "gas",
		 "national",
		 "none",
		 "mill",
		 "",
		 true},
		{{.min_verdict = VERDICT_LIKELY},
		 "limit",
		 "gas",
		 "national",
		 "possible",
		 "mill",
		 "",
		 false},
		{{.min_verdict = VERDICT_LIKELY},
		 "limit",
		 "gas",
		 "facility",
		 "likely",
		 "mill",
		 "",
		 true},
		{{.sites = mill}, "limit", "gas", "facility", "none", "mill", "", true},
		{{.sites = mill}, "limit", "gas", "facility", "none", "mills", "", false},
		/* receptors: what may reach one of them */
		{{.receptors = intake},
		 "limit",
		 "liquid",
		 "national",
		 "observed",
		 "mill",
		 "",
		 false},
		{{.receptors = intake},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 PATH("other", "observed"),
		 false},
		{{.receptors = intake},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 PATH("other", "none") "," PATH("Trạm cấp nước", "unlikely"),
		 false},
		{{.receptors = intake},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 PATH("other", "none") "," PATH("Trạm cấp nước", "possible"),
		 true},
		{{.receptors = intake, .min_verdict = VERDICT_LIKELY},
		 "limit",
		 "liquid",
		 "facility",
		 "observed",
		 "mill",
		 PATH("other", "observed") "," PATH("Trạm cấp nước", "possible"),
		 false},
		{{.receptors = intake, .min_verdict = VERDICT_LIKELY},
		 "limit",
		 "liquid",
		 "facility",
		 "none",
		 "mill",
		 PATH("Trạm cấp nước", "unlikely") "," PATH("Trạm cấp nước", "likely"),
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[] = "d0";
		struct rig rig;

		set_up(&rig, 1);
		rig.destinations[0] = rows[i].wants;
		rig.destinations[0].name = name;
		tell(&rig, EVENT_INCIDENT_OPENED,
		     data_of(rows[i].class, rows[i].kind, rows[i].level, rows[i].verdict,
			     rows[i].site, rows[i].paths));
		if ((rig.batch.n_reports == 1) != rows[i].told)
			fail_msg("row %zu", i);
		assert_int_equal(audience_knows(&rig.incident, &rig.destinations[0]), rows[i].told);
		batch_done(&rig.batch);
	}
}

/* opened late, then all that follows, whatever the incident has become */
static void test_once_told(void **state)
{
	struct rig rig;

	(void)state;
	set_up(&rig, 2);
	rig.destinations[1].min_verdict = VERDICT_LIKELY;
	tell(&rig, EVENT_INCIDENT_OPENED,
	     data_of("limit", "liquid", "facility", "none", "mill", ""));
	assert_int_equal(rig.batch.n_reports, 1);
	assert_int_equal(rig.incident.n_told_first, 1);
	tell(&rig, EVENT_INCIDENT_UPDATED,
	     data_of("limit", "liquid", "facility", "likely", "mill", ""));
	assert_int_equal(rig.batch.n_reports, 2);
	assert_string_equal(rig.batch.reports[0].type, "incident.updated");
	assert_string_equal(rig.batch.reports[1].type, "incident.opened");
	assert_non_null(strstr(rig.batch.reports[0].body, "\"notice\":\"information\""));
	assert_non_null(strstr(rig.batch.reports[1].body, "\"notice\":\"early-warning\""));
	assert_string_equal(rig.batch.reports[1].webhook_id, "0123456789abcdef-42-d1");
	tell(&rig, EVENT_INCIDENT_ENDED,
	     data_of("limit", "liquid", "facility", "unlikely", "mill", ""));
	assert_int_equal(rig.batch.n_reports, 2);
	assert_string_equal(rig.batch.reports[1].type, "incident.ended");
	assert_non_null(strstr(rig.batch.reports[1].body, "\"notice\":\"end-of-alert\""));
	assert_int_equal(rig.incident.n_told_first, 1);
	batch_done(&rig.batch);
}

/* not open any more: those who were told, by their names, and nobody else */
static void test_past(void **state)
{
	static const struct {
		const char *told;
		size_t n;
	} rows[] = {
		{"", 0}, {"d0 ", 1}, {"d1 d0 ", 2}, {"d00 d ", 0}, {"d1", 1}, {"d10 d0 ", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;

		set_up(&rig, 2);
		rig.destinations[1].format = FORMAT_CAP;
		audience_tell(
			&rig.core,
			&(struct audience_news){
				.type = EVENT_INCIDENT_CLOSED,
				.at = {AT_MS, AT_MS},
				.data = data_of("limit", "liquid", "facility", "none", "mill", ""),
				.before = "{\"incident\":{\"update\":2,\"reported\":"
					  "\"2025-11-27T22:00:00.000+07:00\"}}",
				.told = rows[i].told,
			});
		assert_int_equal(rig.batch.n_reports, rows[i].n);
		for (size_t j = 0; j < rig.batch.n_reports; j++)
			if (rig.batch.reports[j].destination == 1)
				assert_non_null(
					strstr(rig.batch.reports[j].body,
					       "<references>hop-thanh,mill-liquid-"
					       "20251127T150500Z.2.d1,2025-11-27T22:00:00+07:"
					       "00</references>"));
		batch_done(&rig.batch);
	}
}

/* an emergency goes ahead of other reports; the form is each destination's own */
static void test_lane_and_form(void **state)
{
	struct rig rig;

	(void)state;
	set_up(&rig, 2);
	rig.destinations[1].format = FORMAT_CAP;
	rig.destinations[1].language = CATALOGUE_EN;
	tell(&rig, EVENT_INCIDENT_OPENED,
	     data_of("emergency", "gas", "facility", "none", "mill", ""));
	assert_int_equal(rig.batch.n_reports, 2);
	assert_int_equal(rig.batch.reports[0].lane, 0);
	assert_int_equal(rig.batch.reports[0].body[0], '{');
	assert_memory_equal(rig.batch.reports[1].body, "<?xml version=\"1.0\"", 19);
	assert_non_null(strstr(rig.batch.reports[1].body, "<value>0123456789abcdef-42-d1</value>"));
	assert_null(strstr(rig.batch.reports[1].body, "<references>"));
	tell(&rig, EVENT_INCIDENT_UPDATED, data_of("limit", "gas", "facility", "none", "mill", ""));
	assert_int_equal(rig.batch.reports[1].lane, 1);
	assert_non_null(strstr(rig.batch.reports[1].body,
			       "<references>hop-thanh,mill-gas-20251127T150500Z.0.d1,"
			       "2025-11-27T22:04:00+07:00</references>"));
	batch_done(&rig.batch);
}

/* destinations that were exchanged again and again: the list is full, nobody is left out */
static void test_full_list(void **state)
{
	struct rig rig;

	(void)state;
	set_up(&rig, 1);
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++)
		rig.incident.told[i] = i + 1;
	rig.incident.n_updates = 5;
	tell(&rig, EVENT_INCIDENT_UPDATED,
	     data_of("limit", "liquid", "facility", "none", "mill", ""));
	assert_int_equal(rig.batch.n_reports, 1);
	assert_string_equal(rig.batch.reports[0].type, "incident.updated");
	batch_done(&rig.batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wants),	  cmocka_unit_test(test_once_told),
		cmocka_unit_test(test_past),	  cmocka_unit_test(test_lane_and_form),
		cmocka_unit_test(test_full_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

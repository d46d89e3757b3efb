/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/delivery_job.h"
#include "core/files.h"

#define START INT64_C(1774371300000) /* 2026-03-24T23:55:00+07:00 */
#define END   "20260325000000"

static char t_mill[] = "mill", t_town[] = "town", t_outfall[] = "outfall", t_origin[] = "lang-son",
	    t_empty[] = "", t_reports[] = "department", t_files[] = "data", t_other[] = "other",
	    t_dashes[] = "---", t_nuo[] = "NUOSXL", t_khi[] = "KHIAMO", t_raw[] = "NUORAW",
	    t_nuo_file[] = "TB_CAPH_NUOSXL", t_khi_file[] = "TB_NMAM_KHIAMO",
	    t_dated[] = "%Y/%m/%d", t_ph[] = "pH", t_cod[] = "COD", t_so2[] = "SO2",
	    t_mg[] = "mg/l", t_ftp[] = "ftpes://ftp.example.vn/in", t_user[] = "station",
	    t_password[] = "ftp-pw", t_https[] = "https://example.vn/hook";

static struct config_site sites[] = {{.name = t_mill}, {.name = t_town}};
static struct config_source sources[] = {{.name = t_outfall}};
static struct config_unit units[] = {{.interval_ms = 1000}};
static struct config_channel channels[] = {
	{.name = t_ph, .path = t_ph, .measure = t_empty},
	{.name = t_cod, .path = t_cod, .measure = t_mg},
	{.name = t_so2, .path = t_so2, .measure = t_mg},
};
static struct config_destination destinations[] = {
	{.name = t_reports,
	 .kind = DESTINATION_REPORTS,
	 .url = t_https,
	 .ca = t_empty,
	 .certificate = t_empty,
	 .key = t_empty,
	 .user = t_empty,
	 .password = t_empty,
	 .host_key = t_empty,
	 .hmac_secret = t_empty},
	{.name = t_files,
	 .kind = DESTINATION_FILES,
	 .url = t_ftp,
	 .ca = t_empty,
	 .certificate = t_empty,
	 .key = t_empty,
	 .user = t_user,
	 .password = t_password,
	 .host_key = t_empty,
	 .hmac_secret = t_empty},
	{.name = t_other, .kind = DESTINATION_FILES, .url = t_ftp},
};
static struct config_parameter parameters[] = {
	{.channel = 0, .symbol = t_ph, .measure = t_empty},
	{.channel = 1, .symbol = t_cod, .measure = t_mg},
	{.channel = 2, .symbol = t_so2, .measure = t_mg},
	{.channel = 1, .symbol = t_cod, .measure = t_mg},
};
static struct config_station stations[] = {
	{.name = t_nuo,
	 .site = 0,
	 .destination = 1,
	 .file = t_nuo_file,
	 .directory = t_dated,
	 .missing = t_dashes,
	 .decimals = 4,
	 .first_parameter = 0,
	 .n_parameters = 2},
	{.name = t_khi,
	 .site = 1,
	 .destination = 2,
	 .file = t_khi_file,
	 .directory = t_empty,
	 .missing = t_empty,
	 .decimals = 2,
	 .crlf = true,
	 .in_one_line = true,
	 .time_is_start = true,
	 .first_parameter = 2,
	 .n_parameters = 2},
	{.name = t_raw,
	 .site = 0,
	 .destination = 1,
	 .file = t_raw,
	 .directory = t_empty,
	 .missing = t_empty,
	 .first_parameter = 4,
	 .n_parameters = 0},
};
static const struct config config = {
	.origin = t_origin,
	.zone_min = 420,
	.sites = sites,
	.sources = sources,
	.units = units,
	.channels = channels,
	.destinations = destinations,
	.parameters = parameters,
	.stations = stations,
	.n_sites = 2,
	.n_sources = 1,
	.n_units = 1,
	.n_channels = 3,
	.n_destinations = 3,
	.n_parameters = 4,
	.n_stations = 3,
};
static const struct plan plan;

struct rig {
	struct core *core;
	struct batch batch;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(core_new(&rig->core, &config, &plan, &rig->batch), 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	(void)core_free(rig->core);
	batch_done(&rig->batch);
	free(rig);
	return 0;
}

static void set_row(struct rig *rig, size_t channel, int64_t start_ms, double mean,
		    enum quality worst)
{
	rig->core->windows[channel].last[WINDOW_5MIN] = (struct window_row){
		.start_ms = start_ms,
		.mean = mean,
		.n = 300,
		.capture = 100,
		.valid = true,
		.worst = worst,
	};
}

static void make(struct rig *rig, int64_t start_ms)
{
	batch_clear(&rig->batch);
	files_window(rig->core, 0, start_ms, (struct stamp){5, START + 300123});
	assert_false(rig->batch.out_of_memory);
}

static void test_files_of_a_window(void **state)
{
	struct rig *rig = *state;
	const struct batch_report *reports;

	set_row(rig, 0, START, 7.84851, QUALITY_GOOD);
	set_row(rig, 1, START, 16.2482, QUALITY_COMMUNICATION_LOST);
	set_row(rig, 2, START, 120, QUALITY_CALIBRATING);
	make(rig, START);
	assert_int_equal(rig->batch.n_reports, 2); /* one without a parameter says nothing */
	reports = rig->batch.reports;
	assert_string_equal(reports[0].webhook_id,
			    "file:data/2026/03/25/TB_CAPH_NUOSXL_20260325000000.txt");
	assert_string_equal(reports[0].incident, "file:mill/NUOSXL");
	assert_string_equal(reports[0].type, "file");
	assert_int_equal(reports[0].lane, 2);
	assert_int_equal(reports[0].destination, 1);
	assert_int_equal(reports[0].created_ms, START + 300123);
	assert_string_equal(reports[0].body, "pH\t7.8485\t\t" END "\t00\n"
					     "COD\t16.2482\tmg/l\t" END "\t00\n");
	assert_string_equal(reports[1].webhook_id, "file:other/TB_NMAM_KHIAMO_20260324235500.txt");
	assert_string_equal(reports[1].incident, "file:town/KHIAMO");
	assert_int_equal(reports[1].destination, 2);
	assert_string_equal(reports[1].body, "SO2\t120\tmg/l\t20260324235500\t01\t"
					     "COD\t16.25\tmg/l\t20260324235500\t00\r\n");
	assert_int_equal(rig->batch.n_entries, 0); /* no entry per file */
}

/* nothing of another window is ever shown as of this one */
static void test_other_windows_do_not_count(void **state)
{
	static const int64_t offsets[] = {300000, 600000, 1, 86400000};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		set_row(rig, 0, START + offsets[i], 7, QUALITY_GOOD);
		set_row(rig, 1, START, 16, QUALITY_GOOD);
		make(rig, START);
		assert_string_equal(rig->batch.reports[0].body,
				    "pH\t---\t\t" END "\t02\nCOD\t16\tmg/l\t" END "\t00\n");
	}
}

/* two pollers: the file comes when the slower one has closed the window; what the faster one has
 * closed since is not of it */
static void test_streams(void **state)
{
	static uint32_t slots[] = {0, 1, 1};
	static const struct plan two = {.n_slots = 2, .channel_slot = slots};
	struct rig *rig = *state;

	rig->core = core_free(rig->core);
	assert_int_equal(core_new(&rig->core, &config, &two, &rig->batch), 0);
	set_row(rig, 0, START, 7, QUALITY_GOOD);
	make(rig, START);
	assert_int_equal(rig->batch.n_reports, 0); /* COD is of the other stream */
	rig->core->windows[0].before[WINDOW_5MIN] = rig->core->windows[0].last[WINDOW_5MIN];
	set_row(rig, 0, START + 300000, 8, QUALITY_GOOD);
	set_row(rig, 1, START, 16, QUALITY_GOOD);
	make(rig, START + 300000);
	assert_int_equal(rig->batch.n_reports, 0);
	files_window(rig->core, 1, START, (struct stamp){5, START + 300123});
	assert_int_equal(rig->batch.n_reports, 1);
	assert_string_equal(rig->batch.reports[0].body,
			    "pH\t7\t\t" END "\t00\nCOD\t16\tmg/l\t" END "\t00\n");
	/* the third channel closes too: the other station, of stream 1 alone */
	set_row(rig, 2, START, 120, QUALITY_GOOD);
	make(rig, START);
	assert_int_equal(rig->batch.n_reports, 1); /* of stream 0: its own station only */
	batch_clear(&rig->batch);
	files_window(rig->core, 1, START, (struct stamp){5, START + 300123});
	assert_int_equal(rig->batch.n_reports, 2);
}

/* the service was down: a day of windows, each with its own name and no value */
static void test_skipped_windows_are_made_up(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 288; i++) {
		char name[64];
		int minutes = i * 5;

		for (size_t j = 0; j < 3; j++)
			rig->core->windows[j].last[WINDOW_5MIN] = (struct window_row){
				.start_ms = START + minutes * INT64_C(60000),
				.worst = QUALITY_STALE};
		make(rig, START + minutes * INT64_C(60000));
		(void)snprintf(name, sizeof(name),
			       "file:data/2026/03/25/TB_CAPH_NUOSXL_20260325%02d%02d00.txt",
			       minutes / 60, minutes % 60);
		assert_string_equal(rig->batch.reports[0].webhook_id, name);
		assert_non_null(strstr(rig->batch.reports[0].body, "pH\t---\t\t20260325"));
		assert_null(strstr(rig->batch.reports[0].body, "\t00\n"));
	}
}

static void test_idle_stations_get_none(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < 3; i++)
		set_row(rig, i, START, 7, QUALITY_GOOD);
	rig->core->channels[0].idle = rig->core->channels[1].idle = true;
	make(rig, START);
	assert_int_equal(rig->batch.n_reports, 1);
	assert_string_equal(rig->batch.reports[0].incident, "file:town/KHIAMO");
	rig->core->channels[2].idle = true;
	make(rig, START);
	assert_int_equal(rig->batch.n_reports, 0);
}

/* a text that would move the columns: no file, and the rest goes on */
static void test_bad_texts_make_no_file(void **state)
{
	static char bad[] = "p\tH";
	struct rig *rig = *state;

	for (size_t i = 0; i < 3; i++)
		set_row(rig, i, START, 7, QUALITY_GOOD);
	parameters[0].symbol = bad;
	make(rig, START);
	parameters[0].symbol = t_ph;
	assert_int_equal(rig->batch.n_reports, 1);
	assert_string_equal(rig->batch.reports[0].incident, "file:town/KHIAMO");
}

static void test_path(void **state)
{
	static const struct {
		const char *webhook_id;
		const char *path;
	} rows[] = {
		{"file:data/2026/03/25/A_20260325000000.txt", "2026/03/25/A_20260325000000.txt"},
		{"file:data/A.txt", "A.txt"},
		{"file:data", NULL},
		{"0123456789abcdef-7-department", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = files_path(rows[i].webhook_id);

		if (rows[i].path)
			assert_string_equal(got, rows[i].path);
		else
			assert_null(got);
	}
}

/* --- as the sender gets it ----------------------------------------------------------------- */

static void test_url(void **state)
{
	static const struct {
		const char *url;
		const char *path;
		const char *whole;
	} rows[] = {
		{"ftp://h", "A_1.txt", "ftp://h/A_1.txt"},
		{"ftp://h/", "A_1.txt", "ftp://h/A_1.txt"},
		{"sftp://h:22/in/x", "2026/03/A-b.txt", "sftp://h:22/in/x/2026/03/A-b.txt"},
		{"ftp://h", "a b%c#d?e;.txt", "ftp://h/a%20b%25c%23d%3Fe%3B.txt"},
		{"ftp://h", "Trạm.txt", "ftp://h/Tr%E1%BA%A1m.txt"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *got = delivery_job_url(rows[i].url, rows[i].path);

		assert_string_equal(got, rows[i].whole);
		free(got);
	}
}

/* the texts behind the job, joined by "|" */
static const char *texts_of(const uint8_t *packet, size_t n, char *text)
{
	struct wire_job job;
	size_t at = sizeof(job);
	char *to = text;

	memcpy(&job, packet, sizeof(job));
	const uint32_t lengths[] = {job.n_url,	job.n_headers,	job.n_body,
				    job.n_ca,	job.n_cert,	job.n_key,
				    job.n_user, job.n_password, job.n_host_key};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memcpy(to, packet + at, lengths[i]);
		to += lengths[i];
		*to++ = '|';
		at += lengths[i];
	}
	*to = '\0';
	assert_int_equal(at, n);
	return text;
}

static void test_job(void **state)
{
	static char id[] = "file:data/2026/03/25/A_20260325000000.txt", body[] = "pH\t7\n";
	static struct sign_key *none[3][2];
	const struct keys keys = {.destinations = none, .n_destinations = 3};
	const struct record_job job = {.id = 4, .lane = FILES_LANE, .webhook_id = id, .body = body};
	struct delivery_attempt attempt = {
		.config = &config, .keys = &keys, .destination = 1, .job = &job, .id = 77};
	uint8_t *packet = malloc(WIRE_PACKET_MAX);
	struct wire_job head;
	struct record_job long_job = job;
	char text[1024];
	size_t n = 0;

	(void)state;
	assert_non_null(packet);
	assert_int_equal(delivery_job_make(&attempt, packet, &n), 0);
	memcpy(&head, packet, sizeof(head));
	assert_int_equal(head.header.type, WIRE_JOB);
	assert_int_equal(head.kind, WIRE_JOB_UPLOAD);
	assert_int_equal(head.id, 77);
	assert_string_equal(texts_of(packet, n, text),
			    "ftpes://ftp.example.vn/in/2026/03/25/A_20260325000000.txt||pH\t7\n||||"
			    "station|ftp-pw||");
	/* what fills the packet to its last byte goes, one more does not */
	long_job.body = malloc(WIRE_PACKET_MAX);
	assert_non_null(long_job.body);
	memset(long_job.body, 'x', WIRE_PACKET_MAX);
	long_job.body[WIRE_PACKET_MAX - n + strlen(body)] = '\0';
	attempt.job = &long_job;
	assert_int_equal(delivery_job_make(&attempt, packet, &n), 0);
	assert_int_equal(n, WIRE_PACKET_MAX);
	long_job.body[strlen(long_job.body)] = 'x';
	long_job.body[WIRE_PACKET_MAX - 1] = '\0';
	assert_int_equal(delivery_job_make(&attempt, packet, &n), -EMSGSIZE);
	free(long_job.body);
	/* a report never takes a file's way */
	long_job = job;
	long_job.webhook_id = t_reports;
	assert_int_equal(delivery_job_make(&attempt, packet, &n), -EINVAL);
	free(packet);
}

/* through the core's time: a tick a second, values of 7 at channel 0 */
static void pass(struct rig *rig, struct stamp *at, int64_t n_s)
{
	for (int64_t i = 0; i < n_s; i++) {
		core_sample(rig->core, 0, *at, 7, QUALITY_GOOD, 0);
		core_tick(rig->core, 0, *at);
		at->mono_ms += 1000;
		at->wall_ms += 1000;
	}
}

static size_t n_named(const struct rig *rig, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->batch.n_reports; i++)
		n += strstr(rig->batch.reports[i].webhook_id, part) != NULL;
	return n;
}

/* one second into a window the clock is set back by five: the window before goes on, and the new
 * one has no file before it is over */
static void test_clock_set_back(void **state)
{
	struct rig *rig = *state;
	struct stamp at = {1000, START};

	pass(rig, &at, 301);
	assert_int_equal(n_named(rig, "NUOSXL_20260325000500"), 0);
	assert_int_equal(n_named(rig, END), 1);
	at.wall_ms -= 5000;
	batch_clear(&rig->batch);
	pass(rig, &at, 3);
	assert_int_equal(rig->batch.n_reports, 0);
	pass(rig, &at, 302);
	assert_int_equal(n_named(rig, "NUOSXL_20260325000500"), 1);
}

/* no time has passed in what the clock was set over */
static void test_clock_set_ahead(void **state)
{
	struct rig *rig = *state;
	struct stamp at = {1000, START};

	pass(rig, &at, 100);
	at.wall_ms += 1800000;
	pass(rig, &at, 2);
	assert_int_equal(n_named(rig, "NUOSXL"), 1); /* the one that it was set out of */
	at.mono_ms += 1200000;
	at.wall_ms += 1200000; /* but nothing came in these twenty minutes */
	batch_clear(&rig->batch);
	pass(rig, &at, 1);
	assert_int_equal(n_named(rig, "NUOSXL"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_of_a_window, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock_set_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock_set_ahead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_windows_do_not_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_streams, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_skipped_windows_are_made_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_idle_stations_get_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_texts_make_no_file, set_up, tear_down),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

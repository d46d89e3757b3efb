/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/circular.h"

#define ZONE	 420
#define MIDNIGHT INT64_C(1774371600000) /* 2026-03-25T00:00:00+07:00 */

static char t_dashes[] = "---", t_empty[] = "", t_none[] = "n/a", t_file[] = "TB_CAPH_NUOSXL",
	    t_ph[] = "pH", t_cod[] = "COD", t_mg[] = "mg/l";

static const struct config_station station = {
	.file = t_file, .directory = t_empty, .missing = t_dashes, .decimals = 4};

static void test_time(void **state)
{
	static const struct {
		int64_t ms;
		int zone_min;
		const char *text;
	} rows[] = {
		{MIDNIGHT, ZONE, "20260325000000"},
		{MIDNIGHT, 0, "20260324170000"},
		{MIDNIGHT - 1000, ZONE, "20260324235959"},
		{MIDNIGHT + 999, ZONE, "20260325000000"},
		{0, 0, "19700101000000"},
		{0, -60, "19700101000000"}, /* clamped */
		{MIDNIGHT, -570, "20260324073000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[CIRCULAR_TIME_MAX];

		circular_time(rows[i].ms, rows[i].zone_min, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_value(void **state)
{
	static const struct {
		double value;
		unsigned int decimals;
		const char *text;
	} rows[] = {
		{44.9342, 4, "44.9342"},
		{7.17, 4, "7.17"},
		{61617.0875, 4, "61617.0875"},
		{0, 4, "0"},
		{-0.0, 4, "0"},
		{-0.00001, 4, "0"},
		{-0.00006, 4, "-0.0001"},
		{0.00005, 4, "0.0001"}, /* the double is a little above */
		{100, 4, "100"},
		{100, 0, "100"},
		{99.5, 0, "100"},
		{-0.4, 0, "0"},
		{1200, 2, "1200"},
		{1.005, 2, "1"}, /* the double is a little below */
		{1e15, 3, "1000000000000000"},
		{1.6e-9, 9, "0.000000002"},
		{1.25, 99, "1.25"},
		{-273.15, 2, "-273.15"},
	};
	char text[CIRCULAR_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		circular_value(rows[i].value, rows[i].decimals, text);
		assert_string_equal(text, rows[i].text);
	}
	circular_value(-DBL_MAX, 9, text);
	assert_int_equal(strlen(text), 310);
	assert_null(strpbrk(text, "eE."));
}

/* --- what stands for a window ---------------------------------------------------------- */

static void test_row_of(void **state)
{
	static const struct {
		uint32_t n;
		bool valid;
		enum quality worst;
		bool has_value;
		const char *code;
	} rows[] = {
		/* enough good values */
		{300, true, QUALITY_GOOD, true, "00"},
		{299, true, QUALITY_COMMUNICATION_LOST, true, "00"}, /* one lost answer */
		{299, true, QUALITY_STALE, true, "00"},
		{240, true, QUALITY_NOT_IN_OPERATION, true, "00"}, /* the pump stood */
		{240, true, QUALITY_CALIBRATING, true, "01"},
		{240, true, QUALITY_MAINTENANCE, true, "01"},
		{299, true, QUALITY_DEVICE_FAULT, true, "02"},
		{299, true, QUALITY_OUT_OF_RANGE, true, "02"},
		{299, true, QUALITY_RATE, true, "02"},
		{299, true, QUALITY_FROZEN, true, "02"},
		{299, true, QUALITY_NOT_A_NUMBER, true, "02"},
		/* too few: never 00 */
		{100, false, QUALITY_GOOD, true, "02"},
		{100, false, QUALITY_CALIBRATING, true, "01"},
		{100, false, QUALITY_COMMUNICATION_LOST, true, "02"},
		{1, false, QUALITY_DEVICE_FAULT, true, "02"},
		/* none: no value, whatever is said */
		{0, false, QUALITY_STALE, false, "02"},
		{0, false, QUALITY_COMMUNICATION_LOST, false, "02"},
		{0, false, QUALITY_CALIBRATING, false, "01"},
		{0, false, QUALITY_NOT_IN_OPERATION, false, "02"},
		{0, true, QUALITY_GOOD, false, "02"}, /* cannot be */
	};
	const struct config_parameter parameter = {.symbol = t_ph, .measure = t_empty};
	struct circular_row got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct window_row row = {.mean = 7.1,
					 .n = rows[i].n,
					 .valid = rows[i].valid,
					 .worst = rows[i].worst};

		got = circular_row_of(&parameter, &row, MIDNIGHT);
		if (got.has_value != rows[i].has_value ||
		    strcmp(quality_circular(got.quality), rows[i].code) != 0)
			fail_msg("row %zu: %d %s", i, got.has_value, quality_circular(got.quality));
		assert_true(!got.has_value || got.value == 7.1);
		assert_string_equal(got.symbol, "pH");
		assert_int_equal(got.time_ms, MIDNIGHT);
	}
	/* a lost answer does not cover up that it was being calibrated */
	got = circular_row_of(&parameter,
			      &(struct window_row){.mean = 7,
						   .n = 240,
						   .valid = true,
						   .worst = QUALITY_COMMUNICATION_LOST,
						   .shown = QUALITY_CALIBRATING},
			      MIDNIGHT);
	assert_true(got.has_value);
	assert_string_equal(quality_circular(got.quality), "01");
	got = circular_row_of(&parameter, NULL, MIDNIGHT); /* no samples = 02 */
	assert_false(got.has_value);
	assert_string_equal(quality_circular(got.quality), "02");
	got = circular_row_of(&parameter,
			      &(struct window_row){.mean = (double)NAN, .n = 5, .valid = true}, 0);
	assert_false(got.has_value);
	assert_string_equal(quality_circular(got.quality), "02");
}

/* --- writing --------------------------------------------------------------------------- */

static const struct circular_row two[] = {
	{t_ph, t_empty, MIDNIGHT, 7.17, true, QUALITY_GOOD},
	{t_cod, t_mg, MIDNIGHT, 5, false, QUALITY_DEVICE_FAULT},
};

static void test_compose(void **state)
{
	static const struct {
		bool in_one_line;
		bool crlf;
		char *missing;
		size_t n;
		const char *text;
	} rows[] = {
		{false, false, t_dashes, 2,
		 "pH\t7.17\t\t20260325000000\t00\nCOD\t---\tmg/l\t20260325000000\t02\n"},
		{false, true, t_empty, 2,
		 "pH\t7.17\t\t20260325000000\t00\r\nCOD\t\tmg/l\t20260325000000\t02\r\n"},
		{true, false, t_none, 2,
		 "pH\t7.17\t\t20260325000000\t00\tCOD\tn/a\tmg/l\t20260325000000\t02\n"},
		{true, true, t_dashes, 1, "pH\t7.17\t\t20260325000000\t00\r\n"},
		{true, true, t_dashes, 0, ""},
		{false, false, t_dashes, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_station form = station;
		char *text = NULL;

		form.in_one_line = rows[i].in_one_line;
		form.crlf = rows[i].crlf;
		form.missing = rows[i].missing;
		assert_int_equal(circular_compose(&form, ZONE, two, rows[i].n, &text), 0);
		assert_string_equal(text, rows[i].text);
		free(text);
	}
}

/* no value is never "measuring", and what cannot be written is not written */
static void test_compose_invents_nothing(void **state)
{
	static char tab[] = "p\tH", newline[] = "pH\n", del[] = "p\x7fH";
	char *const bad[] = {tab, newline, del};
	struct circular_row row = two[0];
	struct config_station form = station;
	char *text = NULL;

	(void)state;
	row.value = (double)INFINITY;
	assert_int_equal(circular_compose(&station, ZONE, &row, 1, &text), 0);
	assert_string_equal(text, "pH\t---\t\t20260325000000\t02\n");
	free(text);
	row.has_value = false;
	assert_int_equal(circular_compose(&station, ZONE, &row, 1, &text), 0);
	assert_string_equal(text, "pH\t---\t\t20260325000000\t02\n");
	free(text);
	text = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		row = two[0];
		row.symbol = bad[i];
		assert_int_equal(circular_compose(&station, ZONE, &row, 1, &text), -EINVAL);
		row = two[0];
		row.unit = bad[i];
		assert_int_equal(circular_compose(&station, ZONE, &row, 1, &text), -EINVAL);
		form.missing = bad[i];
		assert_int_equal(circular_compose(&form, ZONE, two, 2, &text), -EINVAL);
	}
	row = two[0];
	row.symbol = t_empty;
	assert_int_equal(circular_compose(&station, ZONE, &row, 1, &text), -EINVAL);
	assert_null(text);
}

static void test_path(void **state)
{
	static char plain[] = "NUOSXL", dated[] = "/NUOSXL/%Y/%m/%d/", odd[] = "a%%b%x%",
		    root[] = "/", year[] = "%Y";
	static const struct {
		char *directory;
		const char *path;
	} rows[] = {
		{t_empty, "TB_CAPH_NUOSXL_20260325000000.txt"},
		{root, "TB_CAPH_NUOSXL_20260325000000.txt"},
		{plain, "NUOSXL/TB_CAPH_NUOSXL_20260325000000.txt"},
		{dated, "NUOSXL/2026/03/25/TB_CAPH_NUOSXL_20260325000000.txt"},
		{year, "2026/TB_CAPH_NUOSXL_20260325000000.txt"},
		{odd, "a%%b%x%/TB_CAPH_NUOSXL_20260325000000.txt"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_station form = station;
		char *path;

		form.directory = rows[i].directory;
		path = circular_path(&form, MIDNIGHT, ZONE);
		assert_string_equal(path, rows[i].path);
		free(path);
	}
}

/* --- reading --------------------------------------------------------------------------- */

static void parse(const char *text, size_t n, struct circular_file *ret)
{
	char error[CIRCULAR_ERROR_MAX] = "";

	if (circular_parse(ret, text, n, ZONE, "n/a", error) != 0)
		fail_msg("%s", error);
}

static void test_parse_tolerates(void **state)
{
	static const char *const rows[] = {
		"pH\t7.17\t\t20260325000000\t00\nCOD\t---\tmg/l\t20260325000000\t02\n",
		"pH\t7.17\t\t20260325000000\t00\nCOD\t---\tmg/l\t20260325000000\t02", /* no end */
		"pH\t7.17\t\t20260325000000\t00\r\nCOD\t\tmg/l\t20260325000000\t02\r\n",
		"pH\t7.17\t\t20260325000000\t00\tCOD\t-\tmg/l\t20260325000000\t02\r\n",
		"\xef\xbb\xbfpH\t7.17\t\t20260325000000\t00\n\nCOD\tn/a\tmg/"
		"l\t20260325000000\t02\n\n",
		"\n "
		"\r\n\t\npH\t7.17\t\t20260325000000\t00\t\t\nCOD\t--\tmg/l\t20260325000000\t02\t\n",
		" pH \t 7.17 \t  \t 20260325000000 \t 00 \nCOD\t---\t mg/l\t20260325000000\t02 \t "
		"\n",
		"pH\t+7.17\t\t20260325000000\t00\nCOD\t---\tmg/l\t20260325000000\t02\n",
		"pH\t717e-2\t\t20260325000000\t00\nCOD\t---\tmg/l\t20260325000000\t02\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct circular_file file;

		parse(rows[i], strlen(rows[i]), &file);
		assert_int_equal(file.n_rows, 2);
		assert_string_equal(file.rows[0].symbol, "pH");
		assert_string_equal(file.rows[0].unit, "");
		assert_true(file.rows[0].has_value);
		assert_true(file.rows[0].value == 7.17);
		assert_int_equal(file.rows[0].time_ms, MIDNIGHT);
		assert_int_equal(file.rows[0].quality, QUALITY_GOOD);
		assert_string_equal(file.rows[1].symbol, "COD");
		assert_string_equal(file.rows[1].unit, "mg/l");
		assert_false(file.rows[1].has_value);
		assert_int_equal(file.rows[1].quality, QUALITY_DEVICE_FAULT);
		circular_file_done(&file);
		assert_null(file.rows);
	}
}

static void test_parse_empty(void **state)
{
	static const char *const rows[] = {"", "\n", "\xef\xbb\xbf", "\r\n\r\n", "\t\t\t\t\n"};
	struct circular_file file;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		parse(rows[i], strlen(rows[i]), &file);
		assert_int_equal(file.n_rows, 0);
		circular_file_done(&file);
	}
	parse(NULL, 0, &file);
	assert_int_equal(file.n_rows, 0);
	circular_file_done(&file);
}

static void test_parse_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{"pH\t7.17\t\t20260325000000\n", "line 1: a row has five columns"},
		{"pH\t7.17\t\t20260325000000\t\n", "line 1: a row has five columns"},
		{"\npH 7.17 20260325000000 00\n", "line 2: a row has five columns"},
		{"pH\t7\t\t20260325000000\t00\tCOD\n", "line 1: a row has five columns"},
		{"\t7.17\t\t20260325000000\t00\n", "line 1: a row has no symbol"},
		{"\npH\t7,17\t\t20260325000000\t00\n",
		 "line 2: the value is no decimal number: 7,17"},
		{"pH\tnan\t\t20260325000000\t00\n", "line 1: the value is no decimal number: nan"},
		{"pH\tinf\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t0x10\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t7.1.7\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t7 17\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t.\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t1e\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t1e999\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t-+1\t\t20260325000000\t00\n", "line 1: the value"},
		{"pH\t7\x01\t\t20260325000000\t00\n", "line 1: the value is no decimal number: 7?"},
		{"pH\t7\t\t2026032500000\t00\n", "line 1: the time is not yyyyMMddHHmmss: 2026"},
		{"pH\t7\t\t202603250000000\t00\n", "line 1: the time"},
		{"pH\t7\t\t20260230000000\t00\n", "line 1: the time"},
		{"pH\t7\t\t20260325240000\t00\n", "line 1: the time"},
		{"pH\t7\t\t20260325006000\t00\n", "line 1: the time"},
		{"pH\t7\t\t2026032500000x\t00\n", "line 1: the time"},
		{"pH\t7\t\t\t00\n", "line 1: the time"},
		{"pH\t7\t\t20260325000000\t0\n", "line 1: the status is none of 00"},
		{"pH\t7\t\t20260325000000\t04\n", "line 1: the status"},
		{"pH\t7\t\t20260325000000\t000\n", "line 1: the status"},
		{"pH\t7\t\t20260325000000\tok\n",
		 "line 1: the status is none of 00, 01, 02, 03: ok"},
		{"pH\t7\t\t20260325000000\t00\nx\n", "line 2: a row has five columns"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct circular_file file = {.n_rows = 99};
		char error[CIRCULAR_ERROR_MAX] = "";

		assert_int_equal(circular_parse(&file, rows[i].text, strlen(rows[i].text), ZONE,
						NULL, error),
				 -EBADMSG);
		if (strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("row %zu: %s", i, error);
		assert_int_equal(file.n_rows, 99); /* untouched */
	}
}

static void test_parse_refuses_nul(void **state)
{
	static const char text[] = "pH\t7\t\t20260325000000\t00\nC\0D\t7\t\t20260325000000\t00\n";
	char error[CIRCULAR_ERROR_MAX] = "";
	struct circular_file file;

	(void)state;
	assert_int_equal(circular_parse(&file, text, sizeof(text) - 1, ZONE, NULL, error),
			 -EBADMSG);
	assert_string_equal(error, "line 2: there is a NUL byte in it");
}

/* nothing behind its end is looked at; run with the address sanitizer */
static void test_parse_stays_inside(void **state)
{
	static const char text[] =
		"pH\t7.17\t\t20260325000000\t00\tCOD\t1\tmg/l\t20260325000000\t01";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n + (n == 0)), error[CIRCULAR_ERROR_MAX] = "";
		struct circular_file file;

		assert_non_null(copy);
		memcpy(copy, text, n);
		if (circular_parse(&file, copy, n, ZONE, NULL, error) == 0)
			circular_file_done(&file);
		else
			assert_memory_equal(error, "line 1", 6);
		free(copy);
	}
}

static void test_statuses(void **state)
{
	static const struct {
		const char *code;
		enum quality quality;
		const char *written;
	} rows[] = {
		{"00", QUALITY_GOOD, "00"},
		{"01", QUALITY_CALIBRATING, "01"},
		{"02", QUALITY_DEVICE_FAULT, "02"},
		{"03", QUALITY_MAINTENANCE, "01"}, /* one logger's own */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct circular_file file;
		char line[64], *text = NULL;

		(void)snprintf(line, sizeof(line), "pH\t7\t\t20260325000000\t%s\n", rows[i].code);
		parse(line, strlen(line), &file);
		assert_int_equal(file.rows[0].quality, rows[i].quality);
		assert_int_equal(circular_compose(&station, ZONE, file.rows, 1, &text), 0);
		assert_memory_equal(text + strlen(text) - 3, rows[i].written, 2);
		free(text);
		circular_file_done(&file);
	}
}

static void test_name(void **state)
{
	static const struct {
		const char *name;
		size_t n_prefix; /* 0: refused */
	} rows[] = {
		{"TB_CAPH_NUOSXL_20260325000000.txt", 14},
		{"TB_CAPH_NUOSXL_20260325000000.TXT", 14},
		{"x_20260325000000.txt", 1},
		{"_20260325000000.txt", 0},
		{"20260325000000.txt", 0},
		{"x20260325000000.txt", 0},
		{"x_20260325000000", 0},
		{"x_20260325000000.csv", 0},
		{"x_20260332000000.txt", 0},
		{"x_2026032500000x.txt", 0},
		{"x_20260325000000.txt.part", 0},
		{"", 0},
		{".txt", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = 0;
		int64_t ms = 0;
		int r = circular_name_parse(rows[i].name, ZONE, &n, &ms);

		assert_int_equal(r, rows[i].n_prefix ? 0 : -EINVAL);
		assert_int_equal(n, rows[i].n_prefix);
		assert_int_equal(ms, rows[i].n_prefix ? MIDNIGHT : 0);
	}
}

/* --- the two real files ------------------------------------------------------------------ */

static void test_golden(void **state)
{
	static const struct {
		const char *path;
		size_t n_rows;
		const char *first;
		double last;
	} rows[] = {
		{"tests/data/circular10/TB_CAPH_NUOSXL_20260325000000.txt", 7, "Temp", 24.1999},
		{"tests/data/circular10/TB_NMAM_KHIAMO_20260325000000.txt", 5, "Nhiệtđộ", 7.17},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_station form = station;
		FILE *stream = fopen(rows[i].path, "re");
		char bytes[4096], *text = NULL;
		struct circular_file file;
		size_t n;

		assert_non_null(stream);
		n = fread(bytes, 1, sizeof(bytes) - 1, stream);
		bytes[n] = '\0';
		assert_int_equal(fclose(stream), 0);
		parse(bytes, n, &file);
		assert_int_equal(file.n_rows, rows[i].n_rows);
		assert_string_equal(file.rows[0].symbol, rows[i].first);
		assert_true(file.rows[file.n_rows - 1].value == rows[i].last);
		for (size_t j = 0; j < file.n_rows; j++) {
			assert_true(file.rows[j].has_value);
			assert_int_equal(file.rows[j].quality, QUALITY_GOOD);
			assert_int_equal(file.rows[j].time_ms, MIDNIGHT);
		}
		form.crlf = true;
		assert_int_equal(circular_compose(&form, ZONE, file.rows, file.n_rows, &text), 0);
		assert_string_equal(text, bytes);
		free(text);
		circular_file_done(&file);
	}
}

/* --- parse(compose(x)) == x ---------------------------------------------------------------- */

static uint64_t random_state = 1;

static uint64_t draw(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (random_state >> 33) % below;
}

static void check_round(const struct config_station *form, const struct circular_row *rows,
			size_t n)
{
	char *text = NULL, *again = NULL;
	struct circular_file file;

	assert_int_equal(circular_compose(form, ZONE, rows, n, &text), 0);
	parse(text, strlen(text), &file);
	assert_int_equal(file.n_rows, n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(file.rows[i].symbol, rows[i].symbol);
		assert_string_equal(file.rows[i].unit, rows[i].unit);
		assert_int_equal(file.rows[i].time_ms, rows[i].time_ms);
		assert_int_equal(file.rows[i].has_value, rows[i].has_value);
		assert_int_equal(file.rows[i].quality, rows[i].quality);
		if (rows[i].has_value)
			assert_true(fabs(file.rows[i].value - rows[i].value) <=
				    0.5000001 * pow(10, -form->decimals) +
					    fabs(rows[i].value) * DBL_EPSILON);
	}
	/* what was read is written again in the same bytes */
	assert_int_equal(circular_compose(form, ZONE, file.rows, n, &again), 0);
	assert_string_equal(again, text);
	circular_file_done(&file);
	free(text);
	free(again);
}

static void test_round_trip(void **state)
{
	static char symbols[][16] = {"pH", "PM2,5", "Flow_Out", "Ápsuất", "x y", "-", "00"};
	static char units[][16] = {"", "mg/l", "m3/h", "°C", "%"};
	char *const missing[] = {t_dashes, t_empty, t_none};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct config_station form = {
			.missing = missing[draw(3)],
			.in_one_line = draw(2) == 1,
			.crlf = draw(2) == 1,
			.decimals = (uint8_t)draw(CIRCULAR_DECIMALS_MAX + 1),
		};
		struct circular_row rows[8];
		size_t n = draw(ARRAY_SIZE(rows) + 1);

		for (size_t i = 0; i < n; i++) {
			rows[i] = (struct circular_row){
				.symbol = symbols[draw(ARRAY_SIZE(symbols))],
				.unit = units[draw(ARRAY_SIZE(units))],
				.time_ms = (int64_t)draw(UINT64_C(2000000000)) * MS_PER_S,
				.has_value = draw(4) > 0,
				.quality = (enum quality[]){QUALITY_GOOD, QUALITY_CALIBRATING,
							    QUALITY_DEVICE_FAULT}[draw(3)],
			};
			if (rows[i].has_value)
				rows[i].value = ((double)draw(1u << 30) - (1 << 29)) *
						pow(10, (double)draw(16) - 12);
			else if (rows[i].quality == QUALITY_GOOD)
				rows[i].quality = QUALITY_DEVICE_FAULT; /* as it is written */
		}
		check_round(&form, rows, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_row_of),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_compose_invents_nothing),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_parse_tolerates),
		cmocka_unit_test(test_parse_empty),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_refuses_nul),
		cmocka_unit_test(test_parse_stays_inside),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

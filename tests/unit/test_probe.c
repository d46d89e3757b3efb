/* SPDX-License-Identifier: Apache-2.0 */
/* What probe understands of its command line, and what it makes of registers. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "tools/probe_table.h"
#include "tools/probe_wire.h"

/* 0x42F6E979 is 123.456 as IEEE 754 single */
static void test_values(void **state)
{
	static const struct {
		enum decode_type type;
		const char *order;
		uint16_t words[4];
		const char *text;
	} rows[] = {
		{DECODE_FLOAT32, "ABCD", {0x42f6, 0xe979}, "123.456"},
		{DECODE_FLOAT32, "CDAB", {0xe979, 0x42f6}, "123.456"},
		{DECODE_FLOAT32, "BADC", {0xf642, 0x79e9}, "123.456"},
		{DECODE_FLOAT32, "DCBA", {0x79e9, 0xf642}, "123.456"},
		{DECODE_FLOAT32, "CDAB", {0x42f6, 0xe979}, "(-1.8834e+25)"},
		{DECODE_FLOAT32, "ABCD", {0x7fc0, 0}, "-"},
		{DECODE_FLOAT32, "ABCD", {0x7f80, 0}, "-"},
		{DECODE_FLOAT32, "ABCD", {0, 0}, "0"},
		{DECODE_FLOAT32, "ABCD", {0, 1}, "(1.4013e-45)"},
		{DECODE_INT32, "ABCD", {0xffff, 0xfffe}, "-2"},
		{DECODE_UINT32, "ABCD", {0xffff, 0xfffe}, "(4.295e+09)"},
		{DECODE_UINT32, "CDAB", {0x0001, 0x0002}, "131073"},
		{DECODE_INT64, "HGFEDCBA", {0xfeff, 0xffff, 0xffff, 0xffff}, "-2"},
		{DECODE_FLOAT64, "ABCDEFGH", {0x4009, 0x21fb, 0x5444, 0x2d18}, "3.14159265359"},
		{DECODE_FLOAT64, "GHEFCDAB", {0x2d18, 0x5444, 0x21fb, 0x4009}, "3.14159265359"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[PROBE_VALUE_MAX];

		probe_value_text(rows[i].type, rows[i].order, rows[i].words, text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("row %zu: %s", i, text);
	}
}

static void test_ranges(void **state)
{
	static const struct {
		const char *table, *address, *count;
		int result;
		enum probe_table ret_table;
		unsigned int ret_address, ret_count;
	} rows[] = {
		{NULL, "0", NULL, 0, PROBE_HOLDING, 0, 4},
		{NULL, "12", "2", 0, PROBE_HOLDING, 12, 2},
		{"input", "0x10", "125", 0, PROBE_INPUT, 16, 125},
		{"input", "0x10", "126", -EINVAL, 0, 0, 0},
		{"coil", "3", NULL, 0, PROBE_COIL, 3, 1},
		{"coil", "0", "2000", 0, PROBE_COIL, 0, 2000},
		{"coil", "0", "2001", -EINVAL, 0, 0, 0},
		{NULL, "65535", NULL, 0, PROBE_HOLDING, 65535, 1},
		{NULL, "65535", "2", -EINVAL, 0, 0, 0},
		{NULL, "65536", NULL, -EINVAL, 0, 0, 0},
		{NULL, "4x0013", "1", 0, PROBE_HOLDING, 12, 1},
		{NULL, "400013", "1", 0, PROBE_HOLDING, 12, 1},
		{NULL, "3x1", "1", 0, PROBE_INPUT, 0, 1},
		{NULL, "365536", "1", 0, PROBE_INPUT, 65535, 1},
		{NULL, "365537", "1", -EINVAL, 0, 0, 0},
		{NULL, "1x5", "1", 0, PROBE_DISCRETE, 4, 1},
		{NULL, "4x0", "1", -EINVAL, 0, 0, 0},
		{"input", "4x13", "1", -EINVAL, 0, 0, 0},
		{NULL, "40013", "1", 0, PROBE_HOLDING, 40013, 1}, /* taken as it is, and said */
		{"register", "1", NULL, -EINVAL, 0, 0, 0},
		{NULL, "x", NULL, -EINVAL, 0, 0, 0},
		{NULL, "-1", NULL, -EINVAL, 0, 0, 0},
		{NULL, "1.5", NULL, -EINVAL, 0, 0, 0},
		{NULL, "1", "0", -EINVAL, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_range range = {0};
		char why[PROBE_WHY_MAX] = "";
		int r = probe_range_parse(&range, rows[i].table, rows[i].address, rows[i].count,
					  why);

		if (r != rows[i].result || range.table != rows[i].ret_table ||
		    range.address != rows[i].ret_address || range.count != rows[i].ret_count ||
		    (r < 0) != (*why != '\0'))
			fail_msg("row %zu: %d, %u, %u: %s", i, r, range.address, range.count, why);
	}
}

static void test_manual_numbers(void **state)
{
	struct probe_range range = {PROBE_HOLDING, 40013, 1};
	char hint[PROBE_WHY_MAX];

	(void)state;
	assert_int_equal(probe_manual_number(PROBE_HOLDING, 0), 40001);
	assert_int_equal(probe_manual_number(PROBE_HOLDING, 9998), 49999);
	assert_int_equal(probe_manual_number(PROBE_HOLDING, 9999), 410000);
	assert_int_equal(probe_manual_number(PROBE_INPUT, 12), 30013);
	assert_int_equal(probe_manual_number(PROBE_DISCRETE, 0), 10001);
	assert_int_equal(probe_manual_number(PROBE_COIL, 4), 5);
	assert_true(probe_number_hint(&range, "40013", hint));
	assert_non_null(strstr(hint, "write 4x0013, which is --table holding 12"));
	range.address = 20013;
	assert_false(probe_number_hint(&range, "20013", hint));
	range.address = 13;
	assert_false(probe_number_hint(&range, "13", hint));
}

static struct config_site sites[] = {{.name = (char[]){"mill"}}, {.name = (char[]){"kiln"}}};
static struct config_link links[] = {
	{.name = (char[]){"plc"},
	 .kind = WIRE_LINK_TCP,
	 .host = (char[]){"192.0.2.1"},
	 .port = 502,
	 .single = true},
	{.name = (char[]){"line"},
	 .kind = WIRE_LINK_RTU,
	 .host = (char[]){"/dev/ttyUSB0"},
	 .baud = 19200,
	 .parity = 'N',
	 .stop_bits = 2},
	{.name = (char[]){"plc"},
	 .site = 1,
	 .kind = WIRE_LINK_TCP,
	 .host = (char[]){"192.0.2.2"},
	 .port = 502},
};
static struct config_unit units[] = {
	{.name = (char[]){"analyser"}, .link = 0, .id = 7, .timeout_ms = 300},
	{.name = (char[]){"meter"}, .link = 1, .id = 3, .timeout_ms = 400, .turnaround_ms = 20},
	{.name = (char[]){"probe"}, .link = 1, .id = 4, .timeout_ms = 400},
};
static const struct config config = {
	.sites = sites,
	.links = links,
	.units = units,
	.n_sites = 2,
	.n_links = 3,
	.n_units = 3,
};

static void test_targets(void **state)
{
	static const struct {
		const char *text;
		bool with_config;
		int kind;
		const char *host;
		unsigned int port, baud, parity, stop_bits, id;
		size_t link, unit;
		unsigned int timeout_ms;
	} rows[] = {
		{"tcp:192.0.2.9:502", false, WIRE_LINK_TCP, "192.0.2.9", 502, 0, 0, 0, 1,
		 PROBE_NONE, PROBE_NONE, 1000},
		{"tcp:192.0.2.9:502:0", false, WIRE_LINK_TCP, "192.0.2.9", 502, 0, 0, 0, 0,
		 PROBE_NONE, PROBE_NONE, 1000},
		{"tcp:[::1]:1502:255", false, WIRE_LINK_TCP, "::1", 1502, 0, 0, 0, 255, PROBE_NONE,
		 PROBE_NONE, 1000},
		{"rtu-tcp:192.0.2.9:4001:5", false, WIRE_LINK_RTU_TCP, "192.0.2.9", 4001, 0, 0, 0,
		 5, PROBE_NONE, PROBE_NONE, 1000},
		{"rtu:/dev/ttyS1:9600", false, WIRE_LINK_RTU, "/dev/ttyS1", 0, 9600, 'E', 1, 1,
		 PROBE_NONE, PROBE_NONE, 1000},
		{"rtu:/dev/ttyS1:9600:8N2:247", false, WIRE_LINK_RTU, "/dev/ttyS1", 0, 9600, 'N', 2,
		 247, PROBE_NONE, PROBE_NONE, 1000},
		{"rtu:/dev/ttyS1:9600:9", false, WIRE_LINK_RTU, "/dev/ttyS1", 0, 9600, 'E', 1, 9,
		 PROBE_NONE, PROBE_NONE, 1000},
		{"tcp:192.0.2.1:502:7", true, WIRE_LINK_TCP, "192.0.2.1", 502, 0, 0, 0, 7, 0, 0,
		 1000}, /* known: it is mill/plc:analyser */
		{"mill/plc", true, WIRE_LINK_TCP, "192.0.2.1", 502, 0, 0, 0, 7, 0, 0, 300},
		{"mill/plc:9", true, WIRE_LINK_TCP, "192.0.2.1", 502, 0, 0, 0, 9, 0, PROBE_NONE,
		 1000},
		{"line:meter", true, WIRE_LINK_RTU, "/dev/ttyUSB0", 0, 19200, 'N', 2, 3, 1, 1, 400},
		{"mill/line:4", true, WIRE_LINK_RTU, "/dev/ttyUSB0", 0, 19200, 'N', 2, 4, 1, 2,
		 400},
		{"kiln/plc:1", true, WIRE_LINK_TCP, "192.0.2.2", 502, 0, 0, 0, 1, 2, PROBE_NONE,
		 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_target t;
		char why[PROBE_WHY_MAX] = "";

		if (probe_target_parse(&t, rows[i].text, rows[i].with_config ? &config : NULL,
				       why) < 0)
			fail_msg("row %zu: %s", i, why);
		if (t.wire.kind != rows[i].kind || strcmp(t.wire.host, rows[i].host) != 0 ||
		    t.wire.port != rows[i].port || t.wire.baud != rows[i].baud ||
		    t.wire.parity != rows[i].parity || t.wire.stop_bits != rows[i].stop_bits ||
		    t.id != rows[i].id || t.link != rows[i].link || t.unit != rows[i].unit ||
		    t.timeout_ms != rows[i].timeout_ms || t.single != (t.link == 0))
			fail_msg("row %zu: %s", i, t.wire.host);
	}
}

static void test_wrong_targets(void **state)
{
	static const char *const rows[][2] = {
		{"plc", "2 sites have a link \"plc\"; write SITE/LINK"},
		{"line",
		 "mill/line has 2 units; write mill/line:UNIT, one of: meter (3), probe (4)"},
		{"kiln/plc", "kiln/plc has 0 units"},
		{"x", "no link \"x\""},
		{"mil/plc", "no link \"mil/plc\""},
		{"line:analyser", "has no unit \"analyser\"; allowed: a unit id, or one of: meter"},
		{"line:0", "\"0\" is no unit id; allowed: 1 to 247"},
		{"line:248", "\"248\" is no unit id"},
		{"tcp:", "has no port"},
		{"tcp:192.0.2.1", "has no port"},
		{"tcp:plc.example:502", "\"plc.example\" is no address"},
		{"tcp:192.0.2.1:0", "\"0\" is no port"},
		{"tcp:192.0.2.1:502:256", "\"256\" is no unit id; allowed: 0 to 255"},
		{"tcp:[::1:502", "has no port"},
		{"rtu-tcp:192.0.2.1:502:0", "\"0\" is no unit id; allowed: 1 to 247"},
		{"rtu:ttyS0:9600", "is no serial line"},
		{"rtu:/dev/ttyS0", "is no serial line"},
		{"rtu:/dev/ttyS0:9601", "\"9601\" is no baud rate"},
		{"rtu:/dev/ttyS0:9600:7E1:3", "\"7E1\" is no frame"},
		{"rtu:/dev/ttyS0:9600:8X1:3", "\"8X1\" is no frame"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_target t;
		char why[PROBE_WHY_MAX] = "";

		assert_int_equal(probe_target_parse(&t, rows[i][0], &config, why), -EINVAL);
		if (!strstr(why, rows[i][1]))
			fail_msg("\"%s\" says: %s", rows[i][0], why);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint32_t ms;
	} rows[] = {{"500ms", 0, 500},	{"2s", 0, 2000},      {"2", 0, 2000},
		    {"1min", 0, 60000}, {"0.1s", 0, 100},     {"99ms", -EINVAL, 7},
		    {"", -EINVAL, 7},	{"2min", -EINVAL, 7}, {"nan", -EINVAL, 7}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t ms = 7;

		assert_int_equal(probe_time_parse(rows[i].text, 100, 60000, &ms), rows[i].result);
		assert_int_equal(ms, rows[i].ms);
	}
}

/* every result has words of its own */
static void test_words(void **state)
{
	static const struct {
		struct probe_outcome outcome;
		const char *part;
	} rows[] = {
		{{PROBE_EXCEPTION, 2}, "exception 2, illegal data address: the device has no such"},
		{{PROBE_EXCEPTION, 7}, "exception 7, which the standard does not know"},
		{{PROBE_EXCEPTION, 255}, "exception 255, which"},
		{{PROBE_EXCEPTION, 0}, "exception 0, which"},
		{{PROBE_NO_CONNECT, ECONNREFUSED}, "refused"},
		{{PROBE_NO_CONNECT, EPERM}, "not permitted"},
		{{PROBE_CLOSED, ECONNRESET}, "closed the connection instead of answering"},
		{{PROBE_SILENT, 0}, "no answer within 250 ms"},
		{{PROBE_WRONG, 0}, "no right answer"},
		{{PROBE_FOREIGN, 0}, "another unit's"},
	};
	struct probe_target t = {.timeout_ms = 250, .wire = {.kind = WIRE_LINK_TCP}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[PROBE_WHY_MAX];

		if (!strstr(probe_outcome_text(&rows[i].outcome, &t, text), rows[i].part))
			fail_msg("row %zu: %s", i, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	       cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_manual_numbers), cmocka_unit_test(test_targets),
		cmocka_unit_test(test_wrong_targets),  cmocka_unit_test(test_times),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

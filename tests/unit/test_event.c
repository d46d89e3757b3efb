/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event.h"

#define AT_WALL INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00 */

static char t_site[] = "hop-thanh", t_source[] = "outfall-1", t_channel[] = "COD",
	    t_path[] = "hop-thanh/outfall-1/COD", t_measure[] = "mg/l", t_limit[] = "limit-high",
	    t_limit_path[] = "hop-thanh/outfall-1/COD/limit-high",
	    t_origin[] = "QCVN 40:2011/BTNMT, \"cột B\"", t_advice[] = "Đóng cửa xả",
	    t_empty[] = "";

static struct config_site site = {.name = t_site};
static struct config_source source = {.name = t_source, .kind = WASTE_LIQUID};
static struct config_channel channels[] = {
	{.name = t_channel, .path = t_path, .measure = t_measure},
	{.name = t_channel, .path = t_path, .measure = t_empty}};
static struct config_limit limits[] = {
	{.name = t_limit,
	 .path = t_limit_path,
	 .class = CLASS_LIMIT,
	 .on = LIMIT_ON_MEAN_1MIN,
	 .high = true,
	 .bound = 148.5,
	 .origin = t_origin,
	 .advice = t_advice},
	{.name = t_limit,
	 .path = t_limit_path,
	 .class = CLASS_EMERGENCY,
	 .high = false,
	 .bound = -3,
	 .origin = t_empty,
	 .advice = t_empty},
};
static const struct config config = {
	.zone_min = 420,
	.sites = &site,
	.sources = &source,
	.channels = channels,
	.limits = limits,
	.n_sites = 1,
	.n_sources = 1,
	.n_channels = 2,
	.n_limits = 2,
};

static const struct stamp at = {.mono_ms = 1000, .wall_ms = AT_WALL};

/* an event of @type with everything set that an event can have */
static struct event full(enum event_type type)
{
	struct event event = event_of_channel(&config, type, at, 0);

	event.limit = 0;
	event.has_value = true;
	event.value = 312.5;
	event.incident = "hop-thanh-liquid-20261124T140000Z";
	event.incident_class = CLASS_LIMIT;
	event.kind = WASTE_LIQUID;
	event.since_ms = AT_WALL - 61000;
	event.number = 7;
	event.reason = "a reason";
	event.name = "department";
	event.report = "0123456789abcdef-7-department";
	return event;
}

/* faults: D1 */
static void test_value_texts(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{0, "0"},
		{-0.0, "0"},
		{1, "1"},
		{-1, "-1"},
		{10, "10"},
		{100, "100"},
		{1000000, "1000000"},
		{0.1, "0.1"},
		{0.5, "0.5"},
		{148.5, "148.5"},
		{0.0001, "0.0001"},
		{-0.0001, "-0.0001"},
		{0.00004, "0.00004"},
		{-0.00004, "-0.00004"},
		{0.0123456789, "0.012346"},
		{(double)0.05F, "0.05"},
		{1e-13, "0"},
		{7.25, "7.25"},
		{1.00004, "1"},
		{9.99999, "10"},
		{-9.99999, "-10"},
		{1e15, "1000000000000000"},
		{1e-300, "0"},
		{123456.789, "123456.789"},
		/* no number at all: cannot come out of decode; never "nan" in the record */
		{(double)NAN, "0"},
		{(double)INFINITY, "0"},
		{-(double)INFINITY, "0"},
		{1e30, "1e+30"},
	};
	char text[EVENT_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		event_value_text(rows[i].value, text);
		assert_string_equal(text, rows[i].text);
	}
	event_value_text(-9.9e29, text); /* the longest fits */
	assert_true(strlen(text) < EVENT_VALUE_MAX - 1);
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i <= EVENT_TYPE_MAX; i++) {
		const char *id = event_message_id((enum event_type)i);
		const char *type = event_type_text((enum event_type)i);

		assert_int_equal(strlen(id), 32);
		assert_int_equal(strspn(id, "0123456789abcdef"), 32);
		assert_int_equal(strspn(type, "abcdefghijklmnopqrstuvwxyz._"), strlen(type));
		assert_non_null(strchr(type, '.'));
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(id, event_message_id((enum event_type)j));
			assert_string_not_equal(type, event_type_text((enum event_type)j));
		}
	}
}

static void test_priorities(void **state)
{
	struct event event = full(EVENT_ALARM_RAISED);

	(void)state;
	assert_int_equal(event_priority(&event, &config), 4);
	event.limit = 1; /* an emergency is critical */
	assert_int_equal(event_priority(&event, &config), 2);
	event.type = EVENT_ALARM_CLEARED;
	assert_int_equal(event_priority(&event, &config), 5);
	for (int i = 0; i <= EVENT_TYPE_MAX; i++) {
		event = event_plain((enum event_type)i, at);
		assert_in_range(event_priority(&event, &config), 2, 7);
	}
}

static void test_messages(void **state)
{
	char texts[EVENT_TYPE_MAX + 1][EVENT_MESSAGE_MAX];

	(void)state;
	for (int i = 0; i <= EVENT_TYPE_MAX; i++) {
		struct event event = full((enum event_type)i);

		memset(texts[i], 0, sizeof(texts[i]));
		event_message(&event, &config, texts[i]);
		assert_true(strlen(texts[i]) > 10);
		assert_true(isupper((unsigned char)texts[i][0]) ||
			    isdigit((unsigned char)texts[i][0]) ||
			    strncmp(texts[i], t_path, strlen(t_path)) == 0 ||
			    strncmp(texts[i], "wastewatchd ", 12) == 0);
		assert_true(texts[i][strlen(texts[i]) - 1] != '.');
		assert_null(strchr(texts[i], '\n'));
		assert_null(strstr(texts[i], "(null)"));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(texts[i], texts[j]);
	}
	assert_string_equal(
		texts[EVENT_ALARM_RAISED],
		"hop-thanh/outfall-1/COD is at 312.5 mg/l (1-min mean), above its limit "
		"of 148.5 mg/l, QCVN 40:2011/BTNMT, \"cột B\" (a reason). Đóng cửa xả");
	assert_string_equal(texts[EVENT_CLOCK_STEPPED], "The wall clock was set forward by 7 ms");
}

/* nothing set that may be left out: still a sentence, no crash */
static void test_messages_bare(void **state)
{
	char text[EVENT_MESSAGE_MAX];

	(void)state;
	for (int i = 0; i <= EVENT_TYPE_MAX; i++) {
		struct event event = event_of_channel(&config, (enum event_type)i, at, 1);

		event.limit = 1;
		event.incident = "id";
		event_message(&event, &config, text);
		assert_null(strstr(text, "(null)"));
	}
}

/* the longest texts that the configuration allows, of three-byte letters: nothing is cut */
static void test_message_long(void **state)
{
	static char origin[1000], advice[1000];
	char text[EVENT_MESSAGE_MAX];
	struct event event = full(EVENT_ALARM_RAISED);
	struct config_limit kept = limits[0];

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(origin); i += 3)
		memcpy(origin + i, "ề", 3);
	memcpy(advice, origin, sizeof(advice));
	limits[0].origin = origin;
	limits[0].advice = advice;
	event_message(&event, &config, text);
	limits[0] = kept;
	assert_true(strlen(text) > strlen(advice));
	assert_string_equal(text + strlen(text) - strlen(advice), advice);
}

/* --- lines ------------------------------------------------------------------------- */

static void check_canonical(const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	assert_false(json_is_real(value));
	assert_false(json_is_null(value));
	if (json_is_array(value))
		json_array_foreach (value, i, item)
			check_canonical(item);
	if (json_is_object(value))
		json_object_foreach ((json_t *)(uintptr_t)value, key, item)
			check_canonical(item);
}

/* keys ascend, and no space stands outside of texts: what RFC 8785 asks of flat objects */
static void check_text(const char *line)
{
	char previous[64] = "", key[64];
	bool in_text = false;

	for (const char *p = line; *p; p++) {
		assert_true((unsigned char)*p >= 0x20);
		if (*p == '\\' && in_text)
			p++;
		else if (*p == '"')
			in_text = !in_text;
		else if (!in_text)
			assert_true(*p != ' ');
		if (in_text && *p == '"' && (p[-1] == '{' || p[-1] == ',') &&
		    sscanf(p, "\"%63[a-z_0-9]\":", key) == 1) {
			assert_true(strcmp(previous, key) < 0);
			(void)strcpy(previous, key);
		}
	}
}

static void test_line_alarm(void **state)
{
	struct event event = full(EVENT_ALARM_RAISED);
	char *line;

	(void)state;
	event.reason = event.name = event.report = NULL;
	line = event_line(&event, &config, 12);
	assert_string_equal(
		line, "{\"bound\":\"148.5\",\"channel\":\"COD\",\"class\":\"limit\","
		      "\"incident\":\"hop-thanh-liquid-20261124T140000Z\",\"limit\":\"limit-high\","
		      "\"limit_origin\":\"QCVN 40:2011/BTNMT, \\\"cột B\\\"\",\"on\":\"mean-1min\","
		      "\"seq\":12,\"side\":\"high\",\"since\":\"2026-11-24T20:58:59.000+07:00\","
		      "\"site\":\"hop-thanh\",\"source\":\"outfall-1\","
		      "\"time\":\"2026-11-24T21:00:00.000+07:00\",\"type\":\"alarm.raised\","
		      "\"unit\":\"mg/l\",\"value\":\"312.5\"}");
	free(line);
}

static void test_line_plain(void **state)
{
	struct event event = event_plain(EVENT_CORE_STOPPED, at);
	char *line = event_line(&event, &config, 1);

	(void)state;
	assert_string_equal(line, "{\"seq\":1,\"time\":\"2026-11-24T21:00:00.000+07:00\","
				  "\"type\":\"core.stopped\"}");
	free(line);
	event = event_plain(EVENT_CLOCK_STEPPED, at);
	event.number = -3600000;
	line = event_line(&event, &config, UINT32_MAX);
	assert_string_equal(line, "{\"seq\":4294967295,\"step_ms\":-3600000,"
				  "\"time\":\"2026-11-24T21:00:00.000+07:00\","
				  "\"type\":\"clock.stepped\"}");
	free(line);
}

static void test_lines(void **state)
{
	(void)state;
	for (int i = 0; i <= EVENT_TYPE_MAX; i++) {
		struct event event = full((enum event_type)i);
		char *line = event_line(&event, &config, 3);
		json_t *object;

		assert_non_null(line);
		check_text(line);
		object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(object);
		check_canonical(object);
		assert_string_equal(json_string_value(json_object_get(object, "type")),
				    event_type_text((enum event_type)i));
		assert_int_equal(json_integer_value(json_object_get(object, "seq")), 3);
		assert_non_null(json_object_get(object, "time"));
		json_decref(object);
		free(line);
	}
}

/* an incident's class is the incident's, not that of the limit that opened it */
static void test_line_incident_class(void **state)
{
	struct event event = full(EVENT_INCIDENT_UPDATED);
	char *line;

	(void)state;
	event.incident_class = CLASS_EMERGENCY;
	line = event_line(&event, &config, 1);
	assert_non_null(strstr(line, "\"class\":\"emergency\""));
	assert_null(strstr(line, "\"class\":\"limit\""));
	free(line);
}

/* --- the chain --------------------------------------------------------------------- */

/*
 * Vectors of another implementation:
 *   printf 'wastewatch-log/1\n%064d\n%s' 0 '{"seq":1}' | sha256sum
 *   printf 'wastewatch-log/1\n%s\n%s' "$FIRST" '{"seq":2,"x":"ề"}' | sha256sum
 */
static void test_chain_vectors(void **state)
{
	static const uint8_t zeros[32] = {0};
	uint8_t first[32], second[32];
	char hex[CHAIN_HEX_MAX];

	(void)state;
	assert_int_equal(chain_next(zeros, "{\"seq\":1}", first), 0);
	chain_hex(first, hex);
	assert_string_equal(hex,
			    "48b8af530ec39a0d0dfac15488acdbcd9f030a9535f5ee896f012941b310f33a");
	assert_int_equal(chain_next(first, "{\"seq\":2,\"x\":\"ề\"}", second), 0);
	chain_hex(second, hex);
	assert_string_equal(hex,
			    "546b269074bd9a7d06b708794ee93d237aa02796bf3f2f6aec51a3d34e52c435");
}

static void test_chain_in_place(void **state)
{
	uint8_t hash[32] = {0}, other[32] = {0};

	(void)state;
	assert_int_equal(chain_next(hash, "{\"seq\":1}", hash), 0); /* result over the input */
	assert_int_equal(chain_next(other, "{\"seq\":1} ", other), 0);
	assert_memory_not_equal(hash, other, sizeof(hash)); /* every byte counts */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value_texts),   cmocka_unit_test(test_table),
		cmocka_unit_test(test_priorities),    cmocka_unit_test(test_messages),
		cmocka_unit_test(test_messages_bare), cmocka_unit_test(test_message_long),
		cmocka_unit_test(test_line_alarm),    cmocka_unit_test(test_line_plain),
		cmocka_unit_test(test_lines),	      cmocka_unit_test(test_line_incident_class),
		cmocka_unit_test(test_chain_vectors), cmocka_unit_test(test_chain_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

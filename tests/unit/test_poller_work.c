/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/work.h"

static uint8_t packet[WIRE_PACKET_MAX] __attribute__((aligned(8)));

/* a list packet around @n items, as wire_check() lets it pass */
static const void *list(enum wire_type type, const void *items, size_t size, size_t n)
{
	struct wire_header header = {.type = (uint16_t)type, .count = (uint16_t)n};

	header.length = (uint32_t)(sizeof(header) + size * n);
	memcpy(packet, &header, sizeof(header));
	memcpy(packet + sizeof(header), items, size * n);
	assert_int_equal(wire_check(packet, header.length), 0);
	return packet;
}

static struct wire_link good_link(uint64_t key)
{
	return (struct wire_link){.key = key,
				  .kind = WIRE_LINK_TCP,
				  .port = 502,
				  .connect_timeout_ms = 1,
				  .backoff_min_ms = 1,
				  .backoff_max_ms = 1,
				  .host = "::1"};
}

/* units come in any order and requests, too: sorted by link and unit, order kept within */
static void sorts(void **state)
{
	static const struct wire_plan_begin begin = {
		.plan = 5, .n_links = 3, .n_units = 4, .n_requests = 6, .grid_us = 1};
	const struct wire_link links[] = {good_link(1), good_link(2), good_link(3)};
	/* links 2, 0, 2, 0: link 1 has none */
	static const struct wire_unit units[] = {
		{.link = 2, .interval_ms = 1, .timeout_ms = 1, .id = 20},
		{.link = 0, .interval_ms = 1, .timeout_ms = 1, .id = 1},
		{.link = 2, .interval_ms = 1, .timeout_ms = 1, .id = 21},
		{.link = 0, .interval_ms = 1, .timeout_ms = 1, .id = 2},
	};
	static const struct wire_request requests[] = {
		{.key = 1, .unit = 2, .function = 4, .address = 65535, .count = 1},
		{.key = 2, .unit = 0, .function = 3, .address = 65411, .count = 125},
		{.key = 3, .unit = 3, .function = 1, .count = 2000},
		{.key = 4, .unit = 0, .function = 2, .count = 1},
		{.key = 5, .unit = 3, .function = 1, .count = 1},
		{.key = 6, .unit = 2, .function = 1, .count = 1},
	};
	static const struct wire_plan_end end = {.plan = 5};
	static const uint8_t ids[] = {1, 2, 20, 21};
	static const uint64_t keys[] = {3, 5, 2, 4, 1, 6};
	CLEANUP(work_free) struct work *work = NULL;
	const char *why = NULL;

	(void)state;
	assert_int_equal(work_begin(&work, &begin, &why), 0);
	assert_int_equal(work_add(work, list(WIRE_PLAN_LINKS, links, sizeof(*links), 3), &why), 0);
	assert_int_equal(work_add(work, list(WIRE_PLAN_UNITS, units, sizeof(*units), 1), &why), 0);
	assert_int_equal(work_add(work, list(WIRE_PLAN_UNITS, units + 1, sizeof(*units), 3), &why),
			 0);
	assert_int_equal(
		work_add(work, list(WIRE_PLAN_REQUESTS, requests, sizeof(*requests), 6), &why), 0);
	assert_int_equal(work_end(work, &end, &why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(work->units[i].id, ids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_int_equal(work->requests[i].key, keys[i]);
	assert_memory_equal(work->first_unit, ((uint32_t[]){0, 2, 2, 4}), 16);
	assert_memory_equal(work->first_request, ((uint32_t[]){0, 0, 2, 4, 6}), 20);
}

static void an_empty_plan_is_a_plan(void **state)
{
	static const struct wire_plan_begin begin = {.plan = 1, .grid_us = 1000000};
	static const struct wire_plan_end end = {.plan = 1};
	CLEANUP(work_free) struct work *work = NULL;
	const char *why = NULL;

	(void)state;
	assert_int_equal(work_begin(&work, &begin, &why), 0);
	assert_int_equal(work_end(work, &end, &why), 0);
	assert_int_equal(work->first_unit[0], 0);
	assert_int_equal(work->first_request[0], 0);
}

static void refuses_announcements(void **state)
{
	static const struct wire_plan_begin bad[] = {
		{.plan = 0, .grid_us = 1},
		{.plan = 1, .grid_us = 0},
		{.plan = 1, .grid_us = WORK_GRID_US_MAX + 1},
		{.plan = 1, .grid_us = 1, .n_links = WIRE_LINKS_PER_POLLER + 1},
		{.plan = 1, .grid_us = 1, .n_units = WORK_UNITS_MAX + 1},
		{.plan = 1, .grid_us = 1, .n_units = UINT32_MAX},
		{.plan = 1, .grid_us = 1, .n_requests = WORK_REQUESTS_MAX + 1},
		{.plan = 1, .grid_us = 1, .n_requests = UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct work *work = NULL;
		const char *why = NULL;

		assert_int_equal(work_begin(&work, &bad[i], &why), -EBADMSG);
		assert_non_null(why);
		assert_null(work);
	}
}

/* one link is spoilt at a time; that the unspoilt one passes shows that the rows are about it */
static void refuses_links(void **state)
{
	static const struct wire_plan_begin begin = {.plan = 1, .n_links = 1, .grid_us = 1};
	struct wire_link links[13];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		links[i] = good_link(1);
	links[1].kind = 4;
	links[2].port = 0;
	links[3].connect_timeout_ms = 0;
	links[4].backoff_min_ms = 0;
	links[5].backoff_min_ms = 2;
	links[6].backoff_max_ms = WORK_TIME_MS_MAX + 1;
	memset(links[7].host, '1', sizeof(links[7].host));
	memcpy(links[8].host, "1.2.3", 6);
	links[9].kind = 0;
	links[10].frame_gap_us = 1; /* frames of Modbus TCP have a length */
	links[11].rs485 = WIRE_RS485_ENABLED;
	links[12].first_delay_ms = WORK_TIME_MS_MAX + 1;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(work_free) struct work *work = NULL;
		const char *why = NULL;

		assert_int_equal(work_begin(&work, &begin, &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_LINKS, &links[i], sizeof(*links), 1), &why),
			i == 0 ? 0 : -EBADMSG);
		assert_int_equal(why == NULL, i == 0);
	}
}

/* maps that do not fit would part a request through a value, or into nothing */
static void refuses_maps(void **state)
{
	static const struct wire_plan_begin begin = {
		.plan = 1, .n_links = 1, .n_units = 1, .n_requests = 1, .grid_us = 1};
	static const struct wire_unit unit = {.interval_ms = 1, .timeout_ms = 1};
	static const struct {
		uint8_t function;
		uint16_t count;
		uint8_t used[2];
		uint8_t starts[2];
		bool good;
	} rows[] = {
		{3, 12, {0, 0}, {0, 0}, true}, /* not to be parted */
		{4, 12, {0xff, 0x0f}, {0x01, 0x00}, true},
		{4, 12, {0x03, 0x0c}, {0x01, 0x04}, true},
		{3, 12, {0xff, 0x1f}, {0x01, 0x00}, false}, /* used beyond the end */
		{3, 12, {0xff, 0x0f}, {0x01, 0x10}, false}, /* starts there */
		{3, 12, {0x03, 0x0c}, {0x01, 0x02}, false}, /* starts where nothing is used */
		{3, 12, {0xfe, 0x0f}, {0x02, 0x00}, false}, /* begins with a hole */
		{3, 12, {0xff, 0x0f}, {0x02, 0x00}, false}, /* begins inside a value */
		{3, 12, {0xff, 0x0f}, {0x00, 0x00}, false}, /* nothing starts */
		{3, 12, {0x00, 0x00}, {0x01, 0x00}, false},
		{1, 12, {0, 0}, {0, 0}, true},
		{1, 12, {0xff, 0x0f}, {0x01, 0x00}, false}, /* bits have none */
		{2, 12, {0x00, 0x00}, {0x01, 0x00}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(work_free) struct work *work = NULL;
		const struct wire_link link = good_link(1);
		struct wire_request request = {
			.key = 1, .function = rows[i].function, .count = rows[i].count};
		const char *why = NULL;
		int r;

		memcpy(request.used, rows[i].used, sizeof(rows[i].used));
		memcpy(request.starts, rows[i].starts, sizeof(rows[i].starts));
		assert_int_equal(work_begin(&work, &begin, &why), 0);
		(void)work_add(work, list(WIRE_PLAN_LINKS, &link, sizeof(link), 1), &why);
		(void)work_add(work, list(WIRE_PLAN_UNITS, &unit, sizeof(unit), 1), &why);
		r = work_add(work, list(WIRE_PLAN_REQUESTS, &request, sizeof(request), 1), &why);
		if (r != (rows[i].good ? 0 : -EBADMSG) || (why == NULL) != rows[i].good)
			fail_msg("row %zu: %d", i, r);
	}
}

static struct wire_link good_line(uint64_t key)
{
	struct wire_link line = good_link(key);

	line.kind = WIRE_LINK_RTU;
	line.port = 0;
	line.baud = 19200;
	line.frame_gap_us = WORK_GAP_US_MAX;
	line.first_delay_ms = WORK_TIME_MS_MAX;
	line.parity = WIRE_PARITY_EVEN;
	line.stop_bits = 1;
	line.rs485 = WIRE_RS485_ENABLED | WIRE_RS485_RTS_LOW_ON_SEND | WIRE_RS485_RX_DURING_TX;
	line.rts_before_ms = line.rts_after_ms = 100;
	memcpy(line.host, "/dev/ttyUSB0", 13);
	return line;
}

static void spoil_line(struct wire_link *line, size_t how)
{
	const struct wire_link good = *line;

	line->port = how == 1 ? 502 : good.port;
	line->baud = how == 2 ? 14400 : how == 3 ? 0 : how == 4 ? UINT32_MAX : good.baud;
	line->parity = how == 5 ? 'e' : how == 6 ? 0 : good.parity;
	line->stop_bits = how == 7 ? 0 : how == 8 ? 3 : good.stop_bits;
	line->rs485 = how == 9 ? 15 : how == 10 ? WIRE_RS485_RX_DURING_TX : good.rs485;
	line->rts_before_ms = how == 11 ? 101 : good.rts_before_ms;
	line->rts_after_ms = how == 12 ? 101 : good.rts_after_ms;
	line->frame_gap_us = how == 13 ? WORK_GAP_US_MAX + 1 : good.frame_gap_us;
	if (how == 14)
		memset(line->host, '/', sizeof(line->host));
	if (how == 15)
		memcpy(line->host, "ttyS0", 6);
	if (how == 16)
		line->host[0] = '\0';
}

static void refuses_lines(void **state)
{
	static const struct wire_plan_begin begin = {.plan = 1, .n_links = 1, .grid_us = 1};

	(void)state;
	for (size_t i = 0; i <= 16; i++) {
		CLEANUP(work_free) struct work *work = NULL;
		struct wire_link line = good_line(1);
		const char *why = NULL;

		spoil_line(&line, i);
		assert_int_equal(work_begin(&work, &begin, &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_LINKS, &line, sizeof(line), 1), &why),
			i == 0 ? 0 : -EBADMSG);
		assert_int_equal(why == NULL, i == 0);
	}
}

/* ids of units: on lines 1-247 only, whatever the frames travel through */
static void refuses_units_on_lines(void **state)
{
	static const struct wire_plan_begin begin = {
		.plan = 1, .n_links = 3, .n_units = 1, .grid_us = 1};
	static const struct {
		uint32_t link;
		uint8_t id;
		uint32_t turnaround_ms;
		uint32_t quiet_ms;
		int result;
	} cases[] = {
		{0, 0, 0, 0, 0},
		{0, 255, 0, 0, 0},
		{1, 0, 0, 0, -EBADMSG},
		{1, 1, WORK_TIME_MS_MAX, WORK_TIME_MS_MAX, 0},
		{1, 247, 0, 0, 0},
		{1, 248, 0, 0, -EBADMSG},
		{2, 0, 0, 0, -EBADMSG},
		{2, 247, 0, 0, 0},
		{2, 255, 0, 0, -EBADMSG},
		{0, 1, WORK_TIME_MS_MAX + 1, 0, -EBADMSG},
		{1, 1, 0, WORK_TIME_MS_MAX + 1, -EBADMSG},
		{3, 1, 0, 0, -EBADMSG},
	};
	struct wire_link links[] = {good_link(1), good_line(2), good_link(3)};

	(void)state;
	links[2].kind = WIRE_LINK_RTU_TCP;
	links[2].frame_gap_us = 1750;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(work_free) struct work *work = NULL;
		const struct wire_unit unit = {.link = cases[i].link,
					       .id = cases[i].id,
					       .interval_ms = 1,
					       .timeout_ms = 1,
					       .turnaround_ms = cases[i].turnaround_ms,
					       .quiet_ms = cases[i].quiet_ms};
		const char *why = NULL;

		assert_int_equal(work_begin(&work, &begin, &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_LINKS, links, sizeof(*links), 3), &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_UNITS, &unit, sizeof(unit), 1), &why),
			cases[i].result);
	}
}

/* something must be left to get in step by */
static void refuses_requests_without_another_form(void **state)
{
	static const struct wire_plan_begin begin = {
		.plan = 1, .n_links = 1, .n_units = 1, .n_requests = 1, .grid_us = 1};
	static const struct {
		uint8_t function;
		uint16_t address;
		uint8_t barred;
		int result;
	} cases[] = {
		{3, 0, 0, 0},
		{3, 0, 0x16, 0},
		{3, 0, WIRE_BARRED_ALL, -EBADMSG},
		{3, 0, 0x20, -EBADMSG},
		{3, 0, 0x01, -EBADMSG},
		{3, 65535, 0x16, -EBADMSG},
		{3, 65534, 0x16, 0},
		{1, 65528, 0x1c, -EBADMSG},
		{1, 65527, 0x1c, 0},
		{3, 65535, 0, 0},
	};
	static const struct wire_unit unit = {.id = 1, .interval_ms = 1, .timeout_ms = 1};
	struct wire_link line = good_line(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(work_free) struct work *work = NULL;
		const struct wire_request request = {.key = 1,
						     .function = cases[i].function,
						     .address = cases[i].address,
						     .count = 1,
						     .barred = cases[i].barred};
		const char *why = NULL;

		assert_int_equal(work_begin(&work, &begin, &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_LINKS, &line, sizeof(line), 1), &why), 0);
		assert_int_equal(
			work_add(work, list(WIRE_PLAN_UNITS, &unit, sizeof(unit), 1), &why), 0);
		assert_int_equal(work_add(work,
					  list(WIRE_PLAN_REQUESTS, &request, sizeof(request), 1),
					  &why),
				 cases[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts),
		cmocka_unit_test(an_empty_plan_is_a_plan),
		cmocka_unit_test(refuses_announcements),
		cmocka_unit_test(refuses_links),
		cmocka_unit_test(refuses_maps),
		cmocka_unit_test(refuses_lines),
		cmocka_unit_test(refuses_units_on_lines),
		cmocka_unit_test(refuses_requests_without_another_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/plan.h"

/* A configuration made by hand: one site, links with units that are all alike. */
struct made {
	struct config config;
	struct config_site site;
	struct config_source source;
	char text[8];
};

static void make(struct made *made, size_t n_links, size_t units_per_link, size_t n_channels)
{
	struct config *c = &made->config;

	*made = (struct made){.text = "s"};
	made->site.name = made->text;
	c->grid_ms = 10;
	c->sites = &made->site;
	c->n_sites = 1;
	c->sources = &made->source;
	c->n_sources = 1;
	c->n_links = n_links;
	c->n_units = n_links * units_per_link;
	c->n_channels = n_channels;
	c->links = calloc(n_links, sizeof(*c->links));
	c->units = calloc(c->n_units + 1, sizeof(*c->units));
	c->channels = calloc(n_channels + 1, sizeof(*c->channels));
	for (size_t i = 0; i < n_links; i++) {
		char host[40], name[40];

		(void)snprintf(host, sizeof(host), "127.0.%zu.%zu", i / 250, i % 250 + 1);
		(void)snprintf(name, sizeof(name), "l%zu", i);
		c->links[i] = (struct config_link){.name = strdup(name),
						   .kind = WIRE_LINK_TCP,
						   .host = strdup(host),
						   .port = 502};
	}
	for (size_t i = 0; i < c->n_units; i++)
		c->units[i] = (struct config_unit){
			.link = i % n_links, /* not grouped by link: the plan must do that */
			.id = (uint8_t)(i / n_links + 1),
			.interval_ms = 1000,
			.timeout_ms = 500,
			.max_registers = 10,
			.max_gap = 2,
		};
}

static void unmake(struct made *made)
{
	for (size_t i = 0; i < made->config.n_links; i++) {
		free(made->config.links[i].name);
		free(made->config.links[i].host);
	}
	free(made->config.links);
	free(made->config.units);
	free(made->config.channels);
}

struct wanted {
	uint16_t address;
	uint16_t count;
	uint8_t function;
};

struct want {
	uint8_t function;
	enum decode_type type;
	uint16_t address;
};

static void test_merge(void **state)
{
	static const struct {
		const char *why;
		struct want channels[6];
		struct wanted requests[4];
	} rows[] = {
		{"one", {{3, DECODE_FLOAT32, 7}}, {{7, 2, 3}}},
		{"neighbours, unsorted", {{3, DECODE_INT16, 2}, {3, DECODE_INT16, 1}}, {{1, 2, 3}}},
		{"gap of two", {{3, DECODE_INT16, 0}, {3, DECODE_INT16, 3}}, {{0, 4, 3}}},
		{"gap of three",
		 {{3, DECODE_INT16, 0}, {3, DECODE_INT16, 4}},
		 {{0, 1, 3}, {4, 1, 3}}},
		{"longest",
		 {{3, DECODE_FLOAT64, 0}, {3, DECODE_FLOAT64, 4}, {3, DECODE_FLOAT32, 8}},
		 {{0, 10, 3}}},
		{"never split: two too long by one word",
		 {{3, DECODE_FLOAT64, 0},
		  {3, DECODE_FLOAT32, 4},
		  {3, DECODE_INT16, 6},
		  {3, DECODE_FLOAT64, 7}},
		 {{0, 7, 3}, {7, 4, 3}}},
		{"functions apart",
		 {{3, DECODE_INT16, 0}, {4, DECODE_INT16, 1}},
		 {{0, 1, 3}, {1, 1, 4}}},
		{"overlap", {{3, DECODE_FLOAT32, 0}, {3, DECODE_INT16, 1}}, {{0, 2, 3}}},
		{"inside",
		 {{3, DECODE_FLOAT64, 0}, {3, DECODE_INT16, 0}, {3, DECODE_INT16, 3}},
		 {{0, 4, 3}}},
		{"inside, before the end",
		 {{3, DECODE_FLOAT64, 0}, {3, DECODE_INT16, 1}},
		 {{0, 4, 3}}},
		{"same twice", {{3, DECODE_INT16, 5}, {3, DECODE_INT16, 5}}, {{5, 1, 3}}},
		{"last address",
		 {{3, DECODE_FLOAT32, 65534}, {3, DECODE_INT16, 65533}},
		 {{65533, 3, 3}}},
		{"bits: gap of 32", {{1, DECODE_BIT, 0}, {1, DECODE_BIT, 33}}, {{0, 34, 1}}},
		{"bits: gap of 33",
		 {{2, DECODE_BIT, 0}, {2, DECODE_BIT, 34}},
		 {{0, 1, 2}, {34, 1, 2}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		struct made made;
		size_t n = 0, wanted = 0;

		while (n < 6 && rows[i].channels[n].function)
			n++;
		while (wanted < 4 && rows[i].requests[wanted].function)
			wanted++;
		make(&made, 1, 1, n);
		for (size_t k = 0; k < n; k++)
			made.config.channels[k] = (struct config_channel){
				.function = rows[i].channels[k].function,
				.address = rows[i].channels[k].address,
				.decode = {.type = rows[i].channels[k].type},
			};
		assert_int_equal(plan_new(&plan, &made.config), 0);
		if (plan->n_requests != wanted)
			fail_msg("%s: %zu requests", rows[i].why, plan->n_requests);
		for (size_t k = 0; k < wanted; k++) {
			assert_int_equal(plan->requests[k].address, rows[i].requests[k].address);
			assert_int_equal(plan->requests[k].count, rows[i].requests[k].count);
			assert_int_equal(plan->requests[k].function, rows[i].requests[k].function);
			assert_int_equal(plan->requests[k].unit, 0);
		}
		assert_int_equal(plan->n_parts, n);
		assert_int_equal(plan->first_part[wanted], n);
		for (size_t k = 0; k < n; k++) {
			const struct plan_part *part = &plan->parts[k];
			const struct wire_request *request = &plan->requests[part->request];
			const struct config_channel *channel = &made.config.channels[part->channel];
			unsigned int length = channel->function < 3
						      ? 1
						      : decode_words(channel->decode.type);

			assert_int_equal(request->address + part->offset, channel->address);
			assert_true(part->offset + length <= request->count);
			assert_true(k >= plan->first_part[part->request] &&
				    k < plan->first_part[part->request + 1]);
		}
		unmake(&made);
	}
}

static void test_long_bits(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct made made;

	(void)state;
	make(&made, 1, 1, 2100);
	made.config.units[0].max_registers = 125;
	for (size_t i = 0; i < 2100; i++)
		made.config.channels[i] = (struct config_channel){
			.function = 1, .address = (uint16_t)i, .decode = {.type = DECODE_BIT}};
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan->n_requests, 2);
	assert_int_equal(plan->requests[0].count, 2000);
	assert_int_equal(plan->requests[1].address, 2000);
	assert_int_equal(plan->requests[1].count, 100);
	unmake(&made);
}

/* a device with room for so many registers in an answer has room for their bits */
static void test_longest_of_bits(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct made made;

	(void)state;
	make(&made, 1, 1, 100);
	made.config.units[0].max_registers = 4;
	for (size_t i = 0; i < 100; i++)
		made.config.channels[i] = (struct config_channel){
			.function = 2, .address = (uint16_t)i, .decode = {.type = DECODE_BIT}};
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan->n_requests, 2);
	assert_int_equal(plan->requests[0].count, 64);
	assert_int_equal(plan->requests[1].address, 64);
	assert_int_equal(plan->requests[1].count, 36);
	unmake(&made);
}

/* what a request may be parted into: "v" a value starts and none before it reaches beyond, "-"
 * another register of a value, " " nobody uses it */
static void test_maps(void **state)
{
	static const struct {
		struct want channels[6];
		const char *map;
	} rows[] = {
		{{{3, DECODE_INT16, 7}}, "v"},
		{{{3, DECODE_FLOAT64, 7}}, "v---"},
		{{{4, DECODE_FLOAT32, 0}, {4, DECODE_INT16, 2}, {4, DECODE_INT16, 4}}, "v-v v"},
		/* values that overlap stay together */
		{{{3, DECODE_FLOAT32, 0}, {3, DECODE_FLOAT32, 1}, {3, DECODE_INT16, 3}}, "v--v"},
		{{{3, DECODE_FLOAT64, 0}, {3, DECODE_INT16, 1}, {3, DECODE_INT16, 4}}, "v---v"},
		{{{3, DECODE_FLOAT64, 0}, {3, DECODE_INT16, 0}, {3, DECODE_FLOAT32, 3}}, "v----"},
		{{{3, DECODE_INT16, 5}, {3, DECODE_INT16, 5}, {3, DECODE_INT16, 6}}, "vv"},
		{{{3, DECODE_INT16, 0}, {3, DECODE_FLOAT32, 0}, {3, DECODE_INT16, 3}}, "v- v"},
		{{{1, DECODE_BIT, 0}, {1, DECODE_BIT, 1}, {1, DECODE_BIT, 9}}, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		char map[129] = "";
		struct made made;
		size_t n = 0;

		while (n < 6 && rows[i].channels[n].function)
			n++;
		make(&made, 1, 1, n);
		for (size_t k = 0; k < n; k++)
			made.config.channels[k] = (struct config_channel){
				.function = rows[i].channels[k].function,
				.address = rows[i].channels[k].address,
				.decode = {.type = rows[i].channels[k].type},
			};
		assert_int_equal(plan_new(&plan, &made.config), 0);
		assert_int_equal(plan->n_requests, 1);
		for (size_t k = 0; k < 128; k++) {
			bool used = plan->requests[0].used[k / 8] >> k % 8 & 1;
			bool start = plan->requests[0].starts[k / 8] >> k % 8 & 1;

			map[k] = start && used ? 'v' : start ? '?' : used ? '-' : ' ';
		}
		for (size_t k = 128; k > 0 && map[k - 1] == ' '; k--)
			map[k - 1] = '\0';
		assert_string_equal(map, rows[i].map);
		unmake(&made);
	}
}

struct seen {
	size_t n_packets, n_links, n_units, n_requests;
	struct wire_plan_begin begin;
	uint64_t end;
	int result;
};

static int take(void *userdata, void *packet, size_t n)
{
	struct wire_header header;
	struct seen *seen = userdata;

	memcpy(&header, packet, sizeof(header));
	assert_true(n <= WIRE_PACKET_MAX);
	assert_int_equal(wire_check(packet, n), 0);
	assert_int_equal(header.length, n);
	if (seen->n_packets++ == 0) {
		assert_int_equal(header.type, WIRE_PLAN_BEGIN);
		memcpy(&seen->begin, packet, sizeof(seen->begin));
	} else if (header.type == WIRE_PLAN_LINKS) {
		assert_int_equal(seen->n_units, 0);
		seen->n_links += header.count;
	} else if (header.type == WIRE_PLAN_UNITS) {
		const struct wire_unit *units = (const void *)((const uint8_t *)packet +
							       sizeof(header));

		assert_int_equal(seen->n_requests, 0);
		for (size_t i = 0; i < header.count; i++)
			assert_true(units[i].link < seen->begin.n_links);
		seen->n_units += header.count;
	} else if (header.type == WIRE_PLAN_REQUESTS) {
		const struct wire_request *requests = (const void *)((const uint8_t *)packet +
								     sizeof(header));

		for (size_t i = 0; i < header.count; i++)
			assert_true(requests[i].unit < seen->begin.n_units);
		seen->n_requests += header.count;
	} else {
		struct wire_plan_end end;

		assert_int_equal(header.type, WIRE_PLAN_END);
		memcpy(&end, packet, sizeof(end));
		seen->end = end.plan;
	}
	return seen->result;
}

static void fill_alike(struct made *made)
{
	struct config *c = &made->config;

	for (size_t i = 0; i < c->n_channels; i++)
		c->channels[i] = (struct config_channel){
			.unit = i % c->n_units,
			.function = 3,
			.address = (uint16_t)(i / c->n_units * 100),
			.decode = {.type = DECODE_INT16},
		};
}

static void test_slots(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct seen total = {0};
	struct made made;

	(void)state;
	make(&made, 1001, 2, 6006);
	fill_alike(&made);
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan->n_slots, 3);
	for (size_t slot = 0; slot < 3; slot++) {
		struct seen seen = {0};

		assert_int_equal(plan_packets(plan, slot, take, &seen), 0);
		assert_int_equal(seen.begin.n_links, seen.n_links);
		assert_int_equal(seen.begin.n_units, seen.n_units);
		assert_int_equal(seen.begin.n_requests, seen.n_requests);
		assert_true(seen.begin.plan == plan_id(plan, slot) && seen.begin.plan != 0);
		assert_true(seen.end == seen.begin.plan);
		assert_int_equal(seen.begin.grid_us, 10000);
		assert_int_equal(seen.n_links, slot < 2 ? 500 : 1);
		total.n_units += seen.n_units;
		total.n_requests += seen.n_requests;
	}
	assert_int_equal(total.n_units, 2002);
	assert_int_equal(total.n_requests, 6006);
	assert_int_equal(plan_packets(plan, 3, take, &total), -EINVAL);
	assert_true(plan_id(plan, 0) != plan_id(plan, 1));
	for (size_t i = 0; i < plan->n_requests; i++) {
		assert_int_equal(plan_find_request(plan, plan->requests[i].key), i);
		assert_true(plan->requests[i].key != 0);
	}
	assert_int_equal(plan_find_request(plan, 0), PLAN_NO_REQUEST);
	for (size_t i = 0; i < plan->n_parts; i++)
		assert_int_equal(plan->channel_slot[plan->parts[i].channel],
				 plan->units[plan->requests[plan->parts[i].request].unit].link /
					 500);
	unmake(&made);
}

static void test_emit_fails(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct seen seen = {.result = -EAGAIN};
	struct made made;

	(void)state;
	make(&made, 1, 1, 1);
	fill_alike(&made);
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan_packets(plan, 0, take, &seen), -EAGAIN);
	assert_int_equal(seen.n_packets, 1);
	unmake(&made);
}

/* few points, all on the grid, evenly filled; units of a link behind each other */
static void test_phases(void **state)
{
	static const struct {
		uint32_t interval_ms;
		uint32_t grid_ms;
		uint32_t step_us;
		size_t n_points;
	} rows[] = {
		{1000, 10, 50000, 20}, {20, 10, 10000, 2},	    {10, 10, 10000, 1},
		{250, 10, 10000, 20},  {3600000, 1, 180000000, 20},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		size_t filled[20] = {0};
		struct made made;

		make(&made, 100, 2, 0);
		made.config.grid_ms = rows[i].grid_ms;
		for (size_t k = 0; k < made.config.n_units; k++)
			made.config.units[k].interval_ms = rows[i].interval_ms;
		assert_int_equal(plan_new(&plan, &made.config), 0);
		for (size_t k = 0; k < plan->n_units; k++) {
			const struct wire_unit *unit = &plan->units[k];
			size_t point = unit->phase_us / rows[i].step_us;

			assert_int_equal(unit->link, k / 2);
			assert_int_equal(unit->id, k % 2 + 1);
			assert_int_equal(unit->phase_us % rows[i].step_us, 0);
			assert_int_equal(point, (k / 2 + k % 2) % rows[i].n_points);
			assert_true(unit->phase_us < rows[i].interval_ms * 1000);
			filled[point]++;
		}
		for (size_t k = 0; k < rows[i].n_points; k++)
			assert_int_equal(filled[k], 200 / rows[i].n_points);
		unmake(&made);
	}
}

/* what a reload keeps: keys depend on what is read, not on the rest of the plan */
static void test_identity(void **state)
{
	CLEANUP(plan_free) struct plan *one = NULL, *two = NULL, *three = NULL;
	struct made a, b;

	(void)state;
	make(&a, 2, 1, 2);
	make(&b, 3, 1, 6);
	fill_alike(&a);
	fill_alike(&b);
	assert_int_equal(plan_new(&one, &a.config), 0);
	assert_int_equal(plan_new(&two, &b.config), 0);
	assert_int_equal(plan_new(&three, &b.config), 0);
	assert_true(plan_id(one, 0) != plan_id(two, 0));
	assert_true(plan_id(two, 0) == plan_id(three, 0));
	for (size_t i = 0; i < one->n_requests; i++)
		assert_true(plan_find_request(two, one->requests[i].key) != PLAN_NO_REQUEST);
	assert_true(one->links[1].key == two->links[1].key);
	assert_true(one->links[0].key != one->links[1].key);
	unmake(&a);
	unmake(&b);
}

/* one device as two units, read at two intervals: still one key per request */
static void test_same_registers_twice(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct made made;

	(void)state;
	make(&made, 1, 50, 100);
	fill_alike(&made);
	for (size_t i = 0; i < made.config.n_units; i++)
		made.config.units[i].id = 1;
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan->n_requests, 100);
	for (size_t i = 0; i < plan->n_requests; i++) {
		assert_int_equal(plan_find_request(plan, plan->requests[i].key), i);
	}
	unmake(&made);
}

/* registers that must not be read are never read through */
static void test_holes(void **state)
{
	static const struct {
		struct config_hole hole;
		size_t n_requests;
	} rows[] = {
		{{.unit = 0, .function = 3, .first = 1, .last = 1}, 2}, /* between 0 and 2 */
		{{.unit = 0, .function = 3, .first = 0, .last = 1}, 2},
		{{.unit = 0, .function = 3, .first = 1, .last = 2}, 2},
		{{.unit = 0, .function = 3, .first = 3, .last = 9}, 1}, /* behind them */
		{{.unit = 0, .function = 4, .first = 1, .last = 1}, 1}, /* another table */
		{{.unit = 1, .function = 3, .first = 1, .last = 1}, 1}, /* another unit */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		struct config_hole hole = rows[i].hole;
		struct made made;

		make(&made, 1, 2, 2);
		made.config.holes = &hole;
		made.config.n_holes = 1;
		for (size_t k = 0; k < 2; k++)
			made.config.channels[k] = (struct config_channel){
				.function = 3,
				.address = (uint16_t)(2 * k),
				.decode = {.type = DECODE_INT16},
			};
		assert_int_equal(plan_new(&plan, &made.config), 0);
		if (plan->n_requests != rows[i].n_requests)
			fail_msg("row %zu: %zu requests", i, plan->n_requests);
		unmake(&made);
	}
}

/* what must not be read in place of a request on a line, to get in step: functions as bits */
static void test_barred(void **state)
{
	static const struct {
		enum wire_link_kind kind;
		uint16_t max_registers;
		struct config_hole hole;
		uint8_t barred; /* of the request for holding registers 5 and 6 */
	} rows[] = {
		{WIRE_LINK_RTU, 10, {.function = 1, .first = 0, .last = 4}, 0},
		{WIRE_LINK_RTU, 10, {.function = 1, .first = 0, .last = 5}, 1 << 1},
		{WIRE_LINK_RTU, 10, {.function = 4, .first = 6, .last = 6}, 1 << 4},
		{WIRE_LINK_RTU, 10, {.function = 2, .first = 7, .last = 7}, 0},
		{WIRE_LINK_RTU, 10, {.function = 3, .first = 4, .last = 4}, 0},
		{WIRE_LINK_RTU, 10, {.function = 3, .first = 7, .last = 9}, 1 << 3},
		{WIRE_LINK_RTU, 10, {.function = 3, .first = 8, .last = 9}, 0},
		{WIRE_LINK_RTU_TCP, 10, {.function = 3, .first = 7, .last = 9}, 1 << 3},
		{WIRE_LINK_TCP, 10, {.function = 3, .first = 7, .last = 9}, 0},
		{WIRE_LINK_RTU, 10, {.unit = 1, .function = 3, .first = 7, .last = 9}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		struct config_hole hole = rows[i].hole;
		struct made made;

		make(&made, 1, 2, 1);
		made.config.links[0].kind = rows[i].kind;
		made.config.units[0].max_registers = rows[i].max_registers;
		made.config.holes = &hole;
		made.config.n_holes = 1;
		made.config.channels[0] = (struct config_channel){
			.function = 3, .address = 5, .decode = {.type = DECODE_FLOAT32}};
		assert_int_equal(plan_new(&plan, &made.config), 0);
		if (plan->requests[0].barred != rows[i].barred)
			fail_msg("row %zu: %#x", i, plan->requests[0].barred);
		unmake(&made);
	}
}

/* nor beyond the last address, nor more than the unit answers */
static void test_barred_at_the_end(void **state)
{
	static const struct {
		uint8_t function;
		uint16_t address;
		uint16_t max_registers;
		uint8_t barred;
	} rows[] = {
		{3, 65535, 10, 1 << 3}, {3, 65534, 10, 0}, {1, 65528, 10, 1 << 1},
		{1, 65527, 10, 0},	{4, 7, 1, 1 << 4}, {4, 7, 2, 0},
		{2, 7, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		struct made made;

		make(&made, 1, 1, 1);
		made.config.links[0].kind = WIRE_LINK_RTU;
		made.config.units[0].max_registers = rows[i].max_registers;
		made.config.channels[0] = (struct config_channel){
			.function = rows[i].function,
			.address = rows[i].address,
			.decode = {.type = rows[i].function > 2 ? DECODE_INT16 : DECODE_BIT}};
		assert_int_equal(plan_new(&plan, &made.config), 0);
		if (plan->requests[0].barred != rows[i].barred)
			fail_msg("row %zu: %#x", i, plan->requests[0].barred);
		unmake(&made);
	}
}

/* states are read if a channel asks for them, and before the values; derived channels are not
 * read */
static void test_states_and_derived(void **state)
{
	CLEANUP(plan_free) struct plan *plan = NULL;
	struct config_state states[] = {
		{.function = 3, .address = 40, .decode = {.type = DECODE_UINT32}},
		{.function = 3, .address = 60, .decode = {.type = DECODE_UINT16}}, /* nobody asks */
		{.function = 2, .address = 7, .decode = {.type = DECODE_BIT}},
		{.function = 3, .address = 2, .decode = {.type = DECODE_UINT16}},
	};
	static const struct wanted wanted[] = {{7, 1, 2}, {1, 2, 3}, {40, 2, 3}, {20, 2, 3}};
	static const struct plan_part parts[] = {{2, 0, 0, 1, true},
						 {0, 1, 0, 1, false},
						 {3, 1, 1, 1, true},
						 {0, 2, 0, 2, true},
						 {1, 3, 0, 2, false}};
	struct made made;

	(void)state;
	make(&made, 1, 1, 3);
	made.config.states = states;
	made.config.n_states = ARRAY_SIZE(states);
	made.config.channels[0] = (struct config_channel){.function = 3,
							  .address = 1,
							  .decode = {.type = DECODE_INT16},
							  .states = {0, 2, 3},
							  .n_states = 3};
	made.config.channels[1] = (struct config_channel){
		.function = 3, .address = 20, .decode = {.type = DECODE_FLOAT32}};
	made.config.channels[2] = (struct config_channel){.formula = FORMULA_SUM};
	assert_int_equal(plan_new(&plan, &made.config), 0);
	assert_int_equal(plan->n_requests, ARRAY_SIZE(wanted));
	assert_int_equal(plan->n_parts, ARRAY_SIZE(parts));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(plan->requests[i].address, wanted[i].address);
		assert_int_equal(plan->requests[i].count, wanted[i].count);
		assert_int_equal(plan->requests[i].function, wanted[i].function);
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		assert_int_equal(plan->parts[i].channel, parts[i].channel);
		assert_int_equal(plan->parts[i].request, parts[i].request);
		assert_int_equal(plan->parts[i].offset, parts[i].offset);
		assert_int_equal(plan->parts[i].length, parts[i].length);
		assert_int_equal(plan->parts[i].state, parts[i].state);
		assert_true(plan->first_part[parts[i].request] <= i);
		assert_true(plan->first_part[parts[i].request + 1] > i);
	}
	unmake(&made);
}

/* Modbus over Serial Line V1.02 §2.5.1.1: 3.5 characters, above 19,200 baud 1.75 ms */
static void test_serial_lines(void **state)
{
	static const struct {
		uint32_t baud;
		uint8_t parity;
		uint8_t stop_bits;
		uint32_t gap_us;
	} rows[] = {
		{9600, WIRE_PARITY_EVEN, 1, 4011}, /* 3.5 × 11 / 9600 s, rounded up */
		{9600, WIRE_PARITY_NONE, 2, 4011}, /* 11 bits as well */
		{9600, WIRE_PARITY_NONE, 1, 3646}, /* 10 bits */
		{19200, WIRE_PARITY_ODD, 1, 2006},   {38400, WIRE_PARITY_ODD, 1, 1750},
		{115200, WIRE_PARITY_NONE, 1, 1750},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(plan_free) struct plan *plan = NULL;
		struct made made;

		make(&made, 1, 1, 1);
		made.config.links[0].kind = WIRE_LINK_RTU;
		made.config.links[0].baud = rows[i].baud;
		made.config.links[0].parity = rows[i].parity;
		made.config.links[0].stop_bits = rows[i].stop_bits;
		made.config.links[0].rs485 = WIRE_RS485_ENABLED;
		made.config.units[0].turnaround_ms = 7;
		made.config.units[0].quiet_ms = 900;
		made.config.channels[0].function = 3;
		assert_int_equal(plan_new(&plan, &made.config), 0);
		assert_int_equal(plan->links[0].kind, WIRE_LINK_RTU);
		assert_int_equal(plan->links[0].frame_gap_us, rows[i].gap_us);
		assert_int_equal(plan->links[0].rs485, WIRE_RS485_ENABLED);
		assert_int_equal(plan->units[0].turnaround_ms, 7);
		assert_int_equal(plan->units[0].quiet_ms, 900);
		unmake(&made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_barred),
		cmocka_unit_test(test_barred_at_the_end),
		cmocka_unit_test(test_states_and_derived),
		cmocka_unit_test(test_serial_lines),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_long_bits),
		cmocka_unit_test(test_longest_of_bits),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_emit_fails),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_same_registers_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

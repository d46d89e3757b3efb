/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poller/answer.h"
#include "poller/serial.h"
#include "poller/work.h"

#define RS485_BITS (WIRE_RS485_ENABLED | WIRE_RS485_RTS_LOW_ON_SEND | WIRE_RS485_RX_DURING_TX)

struct work *work_free(struct work *work)
{
	if (!work)
		return NULL;
	free(work->links);
	free(work->units);
	free(work->requests);
	free(work->first_unit);
	free(work->first_request);
	free(work);
	return NULL;
}

/* the first rule that is broken, or NULL: tables of these are cheaper to read than ifs */
struct rule {
	bool broken;
	const char *why;
};

static const char *first_broken(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].broken)
			return rules[i].why;
	return NULL;
}

static const char *judge_begin(const struct wire_plan_begin *begin)
{
	const struct rule rules[] = {
		{begin->plan == 0, "its number is 0, which means no plan"},
		{begin->n_links > WIRE_LINKS_PER_POLLER, "more links than one poller serves (500)"},
		{begin->n_units > WORK_UNITS_MAX, "more units than the links can have"},
		{begin->n_requests > WORK_REQUESTS_MAX, "more than 1048576 requests"},
		{begin->grid_us == 0 || begin->grid_us > WORK_GRID_US_MAX,
		 "its grid is not within 1-1000000 µs"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static bool is_numeric_host(const struct wire_link *link)
{
	uint8_t address[sizeof(struct in6_addr)];

	return memchr(link->host, '\0', sizeof(link->host)) &&
	       (inet_pton(AF_INET, link->host, address) == 1 ||
		inet_pton(AF_INET6, link->host, address) == 1);
}

static bool is_time(uint32_t ms)
{
	return ms > 0 && ms <= WORK_TIME_MS_MAX;
}

static bool is_path(const struct wire_link *link)
{
	return memchr(link->host, '\0', sizeof(link->host)) && link->host[0] == '/';
}

static const char *judge_tcp(const struct wire_link *link)
{
	const struct rule rules[] = {
		{link->port == 0, "a TCP link with port 0"},
		{!is_numeric_host(link),
		 "a TCP link whose host is no numeric IPv4 or IPv6 address"},
		{link->rs485 != 0, "a TCP link with RS-485: that is the serial server's matter"},
		{link->kind == WIRE_LINK_TCP && link->frame_gap_us != 0,
		 "a Modbus TCP link with a frame gap"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static const char *judge_line(const struct wire_link *link)
{
	const struct rule rules[] = {
		{link->port != 0, "a serial line with a port"},
		{!is_path(link), "a serial line whose device is no absolute path"},
		{!serial_baud_supported(link->baud),
		 "a serial line with a rate that libmodbus cannot set"},
		{link->parity != WIRE_PARITY_NONE && link->parity != WIRE_PARITY_EVEN &&
			 link->parity != WIRE_PARITY_ODD,
		 "a serial line whose parity is not N, E or O"},
		{link->stop_bits != 1 && link->stop_bits != 2,
		 "a serial line whose stop bits are not 1 or 2"},
		{link->rs485 & ~RS485_BITS, "a serial line with an RS-485 setting that is unknown"},
		{link->rs485 != 0 && !(link->rs485 & WIRE_RS485_ENABLED),
		 "a serial line with RS-485 settings and without RS-485"},
		{link->rts_before_ms > SERIAL_RTS_MS_MAX || link->rts_after_ms > SERIAL_RTS_MS_MAX,
		 "a serial line with an RTS delay of more than 100 ms"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

static const char *judge_link(const struct work *work, const void *item)
{
	const struct wire_link *link = item;
	const struct rule rules[] = {
		{work->n_units_got > 0 || work->n_requests_got > 0, "a link after the first unit"},
		{link->kind < WIRE_LINK_TCP || link->kind > WIRE_LINK_RTU_TCP,
		 "a link that is neither TCP, RTU nor RTU over TCP"},
		{!is_time(link->connect_timeout_ms),
		 "a link whose connect time-out is not within 1 ms and a day"},
		{!is_time(link->backoff_min_ms) || !is_time(link->backoff_max_ms) ||
			 link->backoff_min_ms > link->backoff_max_ms,
		 "a link whose back-off is not within 1 ms and a day, the smaller first"},
		{link->first_delay_ms > WORK_TIME_MS_MAX,
		 "a link whose first request waits for more than a day"},
		{link->frame_gap_us > WORK_GAP_US_MAX, "a link whose frame gap is above 1 s"},
	};
	const char *why = first_broken(rules, ARRAY_SIZE(rules));

	if (why)
		return why;
	return link->kind == WIRE_LINK_RTU ? judge_line(link) : judge_tcp(link);
}

static bool is_rtu_id(uint8_t id)
{
	return id >= 1 && id <= 247; /* MODBUS over Serial Line V1.02 §2.2 */
}

static const char *judge_unit(const struct work *work, const void *item)
{
	const struct wire_unit *unit = item;
	const struct rule rules[] = {
		{work->n_links_got < work->n_links, "a unit before the last link"},
		{work->n_requests_got > 0, "a unit after the first request"},
		{unit->link >= work->n_links, "a unit of a link that does not exist"},
		{!is_time(unit->interval_ms), "a unit whose interval is not within 1 ms and a day"},
		{unit->interval_ms * INT64_C(1000) < work->grid_us,
		 "a unit whose interval is shorter than the grid"},
		{!is_time(unit->timeout_ms), "a unit whose time-out is not within 1 ms and a day"},
		{unit->turnaround_ms > WORK_TIME_MS_MAX || unit->quiet_ms > WORK_TIME_MS_MAX,
		 "a unit that wants more than a day of silence"},
	};
	const char *why = first_broken(rules, ARRAY_SIZE(rules));

	if (!why && work->links[unit->link].kind != WIRE_LINK_TCP && !is_rtu_id(unit->id))
		return "a unit on a line whose id is not within 1-247";
	return why;
}

static bool has_bit(const uint8_t *map, uint32_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

/* a start is used, nothing is used beyond the end, and what can be parted has a beginning */
static bool maps_are_sound(const struct wire_request *request)
{
	static const uint8_t none[sizeof(request->used)];
	bool empty = memcmp(request->used, none, sizeof(none)) == 0 &&
		     memcmp(request->starts, none, sizeof(none)) == 0;

	if (empty || request->function <= 2)
		return empty;
	for (uint32_t i = 0; i < sizeof(none) * 8; i++)
		if ((has_bit(request->starts, i) && !has_bit(request->used, i)) ||
		    (has_bit(request->used, i) && i >= request->count))
			return false;
	return has_bit(request->starts, 0);
}

/* Is there something that may be read in place of it, and of each part of it? See instep.h. */
static bool has_another_form(const struct wire_request *request)
{
	uint8_t barred = request->barred;

	if (!answer_function_known(request->function))
		return true; /* which is a rule of its own; all are looked at */
	if (request->address + request->count + (request->function <= 2 ? 8 : 1) > 65536)
		barred = (uint8_t)(barred | 1U << request->function);
	return barred != WIRE_BARRED_ALL;
}

static const char *judge_request(const struct work *work, const void *item)
{
	const struct wire_request *request = item;
	const struct rule rules[] = {
		{work->n_units_got < work->n_units, "a request before the last unit"},
		{request->key == 0, "a request with key 0, which means a tick"},
		{request->unit >= work->n_units, "a request to a unit that does not exist"},
		{!answer_function_known(request->function),
		 "a request with a function other than 1-4"},
		{request->count == 0 || request->count > answer_count_max(request->function),
		 "a request whose count is not within 1-125 registers or 1-2000 bits"},
		{request->address + request->count > 65536, "a request beyond address 65535"},
		{!maps_are_sound(request),
		 "a request whose maps of used registers and of starts do not fit"},
		{(request->barred & ~WIRE_BARRED_ALL) != 0 || !has_another_form(request),
		 "a request in whose place nothing may be read"},
	};

	return first_broken(rules, ARRAY_SIZE(rules));
}

int work_begin(struct work **ret, const struct wire_plan_begin *begin, const char **ret_why)
{
	CLEANUP(work_free) struct work *work = NULL;

	*ret_why = judge_begin(begin);
	if (*ret_why)
		return -EBADMSG;
	work = calloc(1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	work->plan = begin->plan;
	work->grid_us = begin->grid_us;
	work->n_links = begin->n_links;
	work->n_units = begin->n_units;
	work->n_requests = begin->n_requests;
	work->links = calloc(work->n_links + 1UL, sizeof(*work->links));
	work->units = calloc(work->n_units + 1UL, sizeof(*work->units));
	work->requests = calloc(work->n_requests + 1UL, sizeof(*work->requests));
	work->first_unit = calloc(work->n_links + 2UL, sizeof(*work->first_unit));
	work->first_request = calloc(work->n_units + 2UL, sizeof(*work->first_request));
	if (!work->links || !work->units || !work->requests || !work->first_unit ||
	    !work->first_request)
		return -ENOMEM;
	*ret = steal(&work);
	return 0;
}

/* one list of the plan: where its items go, how many, and who judges them */
struct list {
	void *items;
	size_t size;
	uint32_t n;
	uint32_t *n_got;
	const char *(*judge)(const struct work *work, const void *item);
};

static int add_items(struct work *work, const struct list *list, const void *packet,
		     const char **ret_why)
{
	const struct wire_header *header = packet;
	const uint8_t *from = (const uint8_t *)packet + sizeof(*header);

	for (uint32_t i = 0; i < header->count; i++, from += list->size) {
		uint8_t *to = (uint8_t *)list->items + *list->n_got * list->size;

		*ret_why = "more items than it announced";
		if (*list->n_got >= list->n)
			return -EBADMSG;
		memcpy(to, from, list->size);
		*ret_why = list->judge(work, to);
		if (*ret_why)
			return -EBADMSG;
		(*list->n_got)++;
	}
	return 0;
}

int work_add(struct work *work, const void *packet, const char **ret_why)
{
	const struct wire_header *header = packet;
	const struct list links = {work->links, sizeof(*work->links), work->n_links,
				   &work->n_links_got, judge_link};
	const struct list units = {work->units, sizeof(*work->units), work->n_units,
				   &work->n_units_got, judge_unit};
	const struct list requests = {work->requests, sizeof(*work->requests), work->n_requests,
				      &work->n_requests_got, judge_request};

	if (header->type == WIRE_PLAN_LINKS)
		return add_items(work, &links, packet, ret_why);
	if (header->type == WIRE_PLAN_UNITS)
		return add_items(work, &units, packet, ret_why);
	if (header->type == WIRE_PLAN_REQUESTS)
		return add_items(work, &requests, packet, ret_why);
	*ret_why = "a packet that is no part of a plan";
	return -EBADMSG;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* is there a number twice among the @n 64-bit ones that are @stride bytes apart? 1 yes */
static int has_twin(const void *first, size_t stride, size_t n)
{
	uint64_t *keys = calloc(n + 1, sizeof(*keys));
	int twin = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		memcpy(&keys[i], (const uint8_t *)first + i * stride, sizeof(*keys));
	qsort(keys, n, sizeof(*keys), compare_u64);
	for (size_t i = 1; i < n; i++)
		twin |= keys[i] == keys[i - 1];
	free(keys);
	return twin;
}

/* where each group begins, by counting: @first has @n_groups + 2 zeros */
static void count_groups(const uint32_t *group, size_t n, uint32_t *first, size_t n_groups)
{
	for (size_t i = 0; i < n; i++)
		first[group[i] + 2]++;
	for (size_t i = 2; i < n_groups + 2; i++)
		first[i] += first[i - 1];
}

/* stable sort of the units by link; *@ret_moved tells where each unit went */
static int sort_units(struct work *work, uint32_t **ret_moved)
{
	uint32_t *moved = calloc(work->n_units + 1UL, sizeof(*moved));
	struct wire_unit *sorted = calloc(work->n_units + 1UL, sizeof(*sorted));

	if (!moved || !sorted) {
		free(moved);
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < work->n_units; i++)
		moved[i] = work->units[i].link;
	count_groups(moved, work->n_units, work->first_unit, work->n_links);
	for (uint32_t i = 0; i < work->n_units; i++) {
		moved[i] = work->first_unit[work->units[i].link + 1]++;
		sorted[moved[i]] = work->units[i];
	}
	free(work->units);
	work->units = sorted;
	*ret_moved = moved;
	return 0;
}

/* stable sort of the requests by unit; @group has their units, at its new place */
static int sort_requests(struct work *work, const uint32_t *moved)
{
	uint32_t *group = calloc(work->n_requests + 1UL, sizeof(*group));
	struct wire_request *sorted = calloc(work->n_requests + 1UL, sizeof(*sorted));

	if (!group || !sorted) {
		free(group);
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < work->n_requests; i++)
		group[i] = work->requests[i].unit = moved[work->requests[i].unit];
	count_groups(group, work->n_requests, work->first_request, work->n_units);
	for (uint32_t i = 0; i < work->n_requests; i++)
		sorted[work->first_request[group[i] + 1]++] = work->requests[i];
	free(work->requests);
	free(group);
	work->requests = sorted;
	return 0;
}

static int judge_keys(const struct work *work, const char **ret_why)
{
	int r = has_twin(&work->links->key, sizeof(*work->links), work->n_links);

	*ret_why = "two links with one key";
	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	r = has_twin(&work->requests->key, sizeof(*work->requests), work->n_requests);
	*ret_why = "two requests with one key";
	return r <= 0 ? r : -EBADMSG;
}

int work_end(struct work *work, const struct wire_plan_end *end, const char **ret_why)
{
	const struct rule rules[] = {
		{end->plan != work->plan, "it ends with another number than it began with"},
		{work->n_links_got < work->n_links || work->n_units_got < work->n_units ||
			 work->n_requests_got < work->n_requests,
		 "fewer items than it announced"},
	};
	uint32_t *moved = NULL;
	int r;

	*ret_why = first_broken(rules, ARRAY_SIZE(rules));
	if (*ret_why)
		return -EBADMSG;
	r = judge_keys(work, ret_why);
	if (r < 0)
		return r;
	r = sort_units(work, &moved);
	if (r == 0)
		r = sort_requests(work, moved);
	free(moved);
	return r;
}

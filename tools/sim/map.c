/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim_encode.h"
#include "tools/sim_map.h"

#define N_UNIT_IDS 256

/*
 * @first, @n: its run in sim_map.points
 * @max_gap: the widest of its units
 * @refused: n_refused of them
 */
struct device {
	size_t first;
	size_t n;
	unsigned int max_gap;
	struct sim_range *refused;
	size_t n_refused;
};

/*
 * @points: by device, function and address; narrower ones after wider ones
 * @devices: by unit; only those that are the first of a device are used
 * @endpoints: by link
 * @device_of: by unit
 * @unit_of: by endpoint and unit id
 */
struct sim_map {
	const struct config *config;
	struct sim_point *points;
	size_t n_points;
	struct device *devices;
	size_t *endpoints;
	size_t *device_of;
	size_t *unit_of;
};

/* does a point leave the rest of its register to others? */
static bool is_part(const struct decode *d)
{
	return d->type == DECODE_BIT || d->type == DECODE_INT8 || d->type == DECODE_UINT8;
}

static int compare_points(const void *a, const void *b)
{
	const struct sim_point *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (int)is_part(x->decode) - (int)is_part(y->decode);
}

static void index_links(struct sim_map *map)
{
	const struct config *config = map->config;

	for (size_t i = 0; i < config->n_links; i++) {
		size_t j = 0;

		while (j < i && (config->links[j].port != config->links[i].port ||
				 strcmp(config->links[j].host, config->links[i].host) != 0))
			j++;
		map->endpoints[i] = j;
	}
}

static void index_units(struct sim_map *map)
{
	const struct config *config = map->config;

	for (size_t i = 0; i < config->n_links * N_UNIT_IDS; i++)
		map->unit_of[i] = SIM_NO_DEVICE;
	for (size_t i = 0; i < config->n_units; i++) {
		const struct config_unit *u = &config->units[i];
		size_t *device = &map->unit_of[map->endpoints[u->link] * N_UNIT_IDS + u->id];

		if (*device == SIM_NO_DEVICE)
			*device = i;
		map->device_of[i] = *device;
		map->devices[*device].max_gap = MAX(map->devices[*device].max_gap, u->max_gap);
	}
}

static void index_points(struct sim_map *map)
{
	const struct config *config = map->config;

	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_channel *c = &config->channels[i];

		if (c->function != 0) /* else derived: no device has it */
			map->points[map->n_points++] = (struct sim_point){map->device_of[c->unit],
									  i,
									  &c->decode,
									  c->address,
									  c->function,
									  false};
	}
	for (size_t i = 0; i < config->n_states; i++) {
		const struct config_state *s = &config->states[i];

		map->points[map->n_points++] = (struct sim_point){
			map->device_of[s->unit], i, &s->decode, s->address, s->function, true};
	}
	if (map->n_points > 0)
		qsort(map->points, map->n_points, sizeof(*map->points), compare_points);
	for (size_t i = map->n_points; i-- > 0;) {
		struct device *d = &map->devices[map->points[i].device];

		d->first = i;
		d->n++;
	}
}

int sim_map_new(struct sim_map **ret, const struct config *config)
{
	CLEANUP(sim_map_free) struct sim_map *map = calloc(1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	map->config = config;
	map->points = calloc(config->n_channels + config->n_states + 1, sizeof(*map->points));
	map->devices = calloc(config->n_units + 1, sizeof(*map->devices));
	map->endpoints = calloc(config->n_links + 1, sizeof(*map->endpoints));
	map->device_of = calloc(config->n_units + 1, sizeof(*map->device_of));
	map->unit_of = calloc(config->n_links * N_UNIT_IDS + 1, sizeof(*map->unit_of));
	if (!map->points || !map->devices || !map->endpoints || !map->device_of || !map->unit_of)
		return -ENOMEM;
	index_links(map);
	index_units(map);
	index_points(map);
	*ret = steal(&map);
	return 0;
}

struct sim_map *sim_map_free(struct sim_map *map)
{
	if (!map)
		return NULL;
	for (size_t i = 0; map->devices && i < map->config->n_units; i++)
		free(map->devices[i].refused);
	free(map->points);
	free(map->devices);
	free(map->endpoints);
	free(map->device_of);
	free(map->unit_of);
	free(map);
	return NULL;
}

size_t sim_map_endpoint(const struct sim_map *map, size_t link)
{
	return map->endpoints[link];
}

size_t sim_map_device(const struct sim_map *map, size_t link, uint8_t id)
{
	return map->unit_of[map->endpoints[link] * N_UNIT_IDS + id];
}

size_t sim_map_device_of(const struct sim_map *map, size_t unit)
{
	return map->device_of[unit];
}

int sim_map_refuse(struct sim_map *map, size_t device, const struct sim_range *range)
{
	struct device *d = &map->devices[device];
	struct sim_range *more = reallocarray(d->refused, d->n_refused + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	d->refused = more;
	d->refused[d->n_refused++] = *range;
	return 0;
}

void sim_map_allow(struct sim_map *map, size_t device)
{
	map->devices[device].n_refused = 0;
}

/* registers, or bits of functions 1 and 2, that a point covers */
static unsigned int point_span(const struct sim_point *p)
{
	return p->function <= 2 ? 1 : (unsigned int)sim_encode_n_words(p->decode->type);
}

static bool overlap(const struct sim_range *a, const struct sim_range *b)
{
	return a->function == b->function && a->address < b->address + b->count &&
	       b->address < a->address + a->count;
}

static bool is_refused(const struct sim_map *map, size_t device, const struct sim_range *range)
{
	const struct device *d = &map->devices[device];

	for (size_t i = 0; i < d->n_refused; i++)
		if (overlap(range, &d->refused[i]))
			return true;
	for (size_t i = 0; i < map->config->n_holes; i++) {
		const struct config_hole *h = &map->config->holes[i];
		struct sim_range hole = {h->function, h->first, h->last - h->first + 1U};

		if (map->device_of[h->unit] == device && overlap(range, &hole))
			return true;
	}
	return false;
}

bool sim_map_knows(const struct sim_map *map, size_t device, const struct sim_range *range)
{
	const struct device *d = &map->devices[device];
	unsigned int gap = d->max_gap * (range->function <= 2 ? 16U : 1U);
	unsigned int start = 0, end = 0;
	bool any = false;

	for (size_t i = d->first; i < d->first + d->n; i++) {
		const struct sim_point *p = &map->points[i];

		if (p->function != range->function)
			continue;
		if (!any || p->address > end + gap) {
			if (any && range->address >= start && range->address + range->count <= end)
				break;
			start = p->address;
			end = start;
			any = true;
		}
		end = MAX(end, p->address + point_span(p));
	}
	return any && range->address >= start && range->address + range->count <= end &&
	       !is_refused(map, device, range);
}

/* write what of a point's registers lies inside the range */
static void put_words(uint8_t *data, const struct sim_range *range, const struct sim_point *p,
		      uint64_t raw)
{
	uint16_t words[SIM_ENCODE_WORDS_MAX] = {0};

	if (is_part(p->decode)) /* its register is there: a part spans no other */
		words[0] = (uint16_t)(data[2 * (p->address - range->address)] << 8 |
				      data[2 * (p->address - range->address) + 1]);
	sim_encode_words(p->decode, raw, words);
	for (unsigned int i = 0; i < point_span(p); i++) {
		unsigned int place = 2 * (p->address + i - range->address);

		if (p->address + i < range->address ||
		    p->address + i >= range->address + range->count)
			continue;
		data[place] = (uint8_t)(words[i] >> 8);
		data[place + 1] = (uint8_t)words[i];
	}
}

void sim_map_read(const struct sim_map *map, size_t device, const struct sim_range *range,
		  uint64_t (*shown)(void *userdata, const struct sim_point *point), void *userdata,
		  uint8_t *data)
{
	const struct device *d = &map->devices[device];

	for (size_t i = d->first; i < d->first + d->n; i++) {
		const struct sim_point *p = &map->points[i];
		struct sim_range own = {p->function, p->address, point_span(p)};
		unsigned int bit;
		uint64_t raw;

		if (!overlap(range, &own))
			continue;
		raw = shown(userdata, p);
		if (range->function > 2) {
			put_words(data, range, p, raw);
			continue;
		}
		bit = p->address - range->address;
		if (raw != 0)
			data[bit / 8] |= (uint8_t)(1U << bit % 8);
	}
}

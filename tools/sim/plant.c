/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim_encode.h"
#include "tools/sim_plant.h"
#include "tools/sim_signal.h"

#define N_UNIT_IDS    256
#define NO_UNIT	      SIZE_MAX
#define REGISTERS_MAX 125  /* Application Protocol V1.1b3 §6.3, §6.4 */
#define BITS_MAX      2000 /* §6.1, §6.2 */

enum course { COURSE_HEALTHY, COURSE_RAMP, COURSE_RETURN, COURSE_RAW };

struct instrument {
	struct sim_signal signal;
	enum course course;
	double from;
	double to;
	int64_t since_ms;
	int64_t over_ms;
	uint64_t raw;
};

/*
 * One device may appear as several units: on links that go to the same address, or twice on
 * one link. It is kept under the first of them.
 * @first, @n: its run in sim_plant.order
 * @max_gap: the widest of its units
 */
struct device {
	size_t first;
	size_t n;
	unsigned int max_gap;
	bool dead;
	uint8_t exception; /* 0 none */
};

/*
 * @order: channel indices by device, function and address
 * @endpoints: by link: the first link with the same address
 * @device_of: by unit: the first unit that is the same device
 * @devices: by unit; only the first ones are used
 * @unit_of: by endpoint and unit id: its device, NO_UNIT where there is none
 */
struct sim_plant {
	const struct config *config;
	struct instrument *instruments;
	struct device *devices;
	size_t *order;
	size_t *endpoints;
	size_t *device_of;
	size_t *unit_of;
};

static int compare_places(const void *a, const void *b, void *userdata)
{
	const struct sim_plant *plant = userdata;
	const struct config_channel *x = &plant->config->channels[*(const size_t *)a];
	const struct config_channel *y = &plant->config->channels[*(const size_t *)b];
	size_t dx = plant->device_of[x->unit], dy = plant->device_of[y->unit];

	if (dx != dy)
		return dx < dy ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void index_links(struct sim_plant *plant)
{
	const struct config *config = plant->config;

	for (size_t i = 0; i < config->n_links; i++) {
		size_t j = 0;

		while (j < i && (config->links[j].port != config->links[i].port ||
				 strcmp(config->links[j].host, config->links[i].host) != 0))
			j++;
		plant->endpoints[i] = j;
	}
}

static void index_units(struct sim_plant *plant)
{
	const struct config *config = plant->config;

	for (size_t i = 0; i < config->n_links * N_UNIT_IDS; i++)
		plant->unit_of[i] = NO_UNIT;
	for (size_t i = 0; i < config->n_units; i++) {
		const struct config_unit *u = &config->units[i];
		size_t *device = &plant->unit_of[plant->endpoints[u->link] * N_UNIT_IDS + u->id];

		if (*device == NO_UNIT)
			*device = i;
		plant->device_of[i] = *device;
		plant->devices[*device].max_gap = MAX(plant->devices[*device].max_gap, u->max_gap);
	}
}

static void index_channels(struct sim_plant *plant)
{
	const struct config *config = plant->config;

	for (size_t i = 0; i < config->n_channels; i++)
		plant->order[i] = i;
	if (config->n_channels > 0)
		qsort_r(plant->order, config->n_channels, sizeof(*plant->order), compare_places,
			plant);
	for (size_t i = config->n_channels; i-- > 0;) {
		size_t unit = config->channels[plant->order[i]].unit;
		struct device *d = &plant->devices[plant->device_of[unit]];

		d->first = i;
		d->n++;
	}
}

int sim_plant_new(struct sim_plant **ret, const struct config *config, uint64_t seed)
{
	CLEANUP(sim_plant_free) struct sim_plant *plant = calloc(1, sizeof(*plant));

	if (!plant)
		return -ENOMEM;
	plant->config = config;
	plant->instruments = calloc(config->n_channels + 1, sizeof(*plant->instruments));
	plant->devices = calloc(config->n_units + 1, sizeof(*plant->devices));
	plant->order = calloc(config->n_channels + 1, sizeof(*plant->order));
	plant->endpoints = calloc(config->n_links + 1, sizeof(*plant->endpoints));
	plant->device_of = calloc(config->n_units + 1, sizeof(*plant->device_of));
	plant->unit_of = calloc(config->n_links * N_UNIT_IDS + 1, sizeof(*plant->unit_of));
	if (!plant->instruments || !plant->devices || !plant->order || !plant->endpoints ||
	    !plant->device_of || !plant->unit_of)
		return -ENOMEM;
	index_links(plant);
	index_units(plant);
	index_channels(plant);
	for (size_t i = 0; i < config->n_channels; i++)
		sim_signal_init(&plant->instruments[i].signal, config, i, seed);
	*ret = steal(&plant);
	return 0;
}

struct sim_plant *sim_plant_free(struct sim_plant *plant)
{
	if (!plant)
		return NULL;
	free(plant->instruments);
	free(plant->devices);
	free(plant->order);
	free(plant->endpoints);
	free(plant->device_of);
	free(plant->unit_of);
	free(plant);
	return NULL;
}

/* how much of the way is behind us, 0 to 1 */
static double progress(const struct instrument *in, int64_t t_ms)
{
	if (t_ms - in->since_ms >= in->over_ms)
		return 1;
	return (double)(t_ms - in->since_ms) / (double)in->over_ms;
}

double sim_plant_value(const struct sim_plant *plant, size_t channel, int64_t t_ms)
{
	const struct instrument *in = &plant->instruments[channel];
	double healthy = sim_signal_value(&in->signal, t_ms);
	double done = progress(in, t_ms);

	switch (in->course) {
	case COURSE_RAMP: /* exactly @to at the end, whatever the rounding on the way */
		return done < 1 ? in->from + (in->to - in->from) * done : in->to;
	case COURSE_RETURN:
		return done < 1 ? in->from + (healthy - in->from) * done : healthy;
	case COURSE_HEALTHY:
	case COURSE_RAW:
		break;
	}
	return healthy;
}

static uint64_t shown_raw(const struct sim_plant *plant, size_t channel, int64_t t_ms)
{
	const struct instrument *in = &plant->instruments[channel];
	uint64_t raw = 0;

	if (in->course == COURSE_RAW)
		return in->raw;
	/* out of the type's range: the nearest, as a saturated converter would show */
	(void)sim_encode_raw(&plant->config->channels[channel].decode,
			     sim_plant_value(plant, channel, t_ms), &raw);
	return raw;
}

static void act_channel(struct sim_plant *plant, const struct sim_action *a, int64_t t_ms)
{
	struct instrument *in = &plant->instruments[a->target];
	uint64_t raw = a->verb == SIM_STUCK ? shown_raw(plant, a->target, t_ms) : a->raw;

	in->from = sim_plant_value(plant, a->target, t_ms);
	in->to = a->value;
	in->since_ms = t_ms;
	in->over_ms = a->over_ms;
	in->raw = raw;
	if (a->verb == SIM_RAMP || a->verb == SIM_SET)
		in->course = COURSE_RAMP;
	else if (a->verb == SIM_NORMAL)
		in->course = COURSE_RETURN;
	else
		in->course = COURSE_RAW;
}

size_t sim_plant_endpoint(const struct sim_plant *plant, size_t link)
{
	return plant->endpoints[link];
}

void sim_plant_act(struct sim_plant *plant, const struct sim_action *action, int64_t t_ms)
{
	struct device *device;

	switch (action->verb) {
	case SIM_RAMP:
	case SIM_SET:
	case SIM_NORMAL:
	case SIM_NAN:
	case SIM_STUCK:
	case SIM_RAW:
		act_channel(plant, action, t_ms);
		break;
	case SIM_UNIT_NORMAL:
	case SIM_UNIT_DEAD:
	case SIM_UNIT_EXCEPTION:
		device = &plant->devices[plant->device_of[action->target]];
		device->dead = action->verb == SIM_UNIT_DEAD;
		device->exception = action->exception;
		break;
	case SIM_LINK:
	case SIM_LINK_DROP:
	case SIM_END:
		break;
	}
}

static unsigned int get16(const uint8_t *bytes)
{
	return (unsigned int)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, unsigned int value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

int sim_plant_frame_size(const uint8_t *bytes, size_t n)
{
	unsigned int length;

	if (n < 6)
		return 0;
	length = get16(bytes + 4); /* unit id and PDU */
	if (get16(bytes + 2) != 0 || length < 2 || length > 1 + SIM_PDU_MAX)
		return -EBADMSG;
	return (int)(6 + length);
}

struct request {
	unsigned int function;
	unsigned int address;
	unsigned int count;
	bool bits;
};

/* registers, or bits of functions 1 and 2, that a channel covers */
static unsigned int channel_span(const struct config_channel *c)
{
	return c->function <= 2 ? 1 : (unsigned int)sim_encode_n_words(c->decode.type);
}

/*
 * Does the whole request lie in one run of channels? Gaps up to max_gap belong to a run; in
 * bits a gap is as wide as that many registers of 16.
 */
static bool is_mapped(const struct sim_plant *plant, size_t unit, const struct request *rq)
{
	const struct device *d = &plant->devices[unit];
	unsigned int gap = d->max_gap * (rq->bits ? 16U : 1U);
	unsigned int start = 0, end = 0;
	bool any = false;

	for (size_t i = d->first; i < d->first + d->n; i++) {
		const struct config_channel *c = &plant->config->channels[plant->order[i]];

		if (c->function != rq->function)
			continue;
		if (!any || c->address > end + gap) {
			if (any && rq->address >= start && rq->address + rq->count <= end)
				return true;
			start = c->address;
			end = start;
			any = true;
		}
		end = MAX(end, c->address + channel_span(c));
	}
	return any && rq->address >= start && rq->address + rq->count <= end;
}

/* write what of a channel's registers lies inside the request */
static void put_words(uint8_t *data, const struct request *rq, const struct config_channel *c,
		      uint64_t raw)
{
	uint16_t words[SIM_ENCODE_WORDS_MAX] = {0};
	unsigned int first = c->address;

	if (c->decode.type == DECODE_BIT && first >= rq->address) /* shares its register */
		words[0] = (uint16_t)get16(data + 2 * (size_t)(first - rq->address));
	sim_encode_words(&c->decode, raw, words);
	for (unsigned int i = 0; i < channel_span(c); i++)
		if (first + i >= rq->address && first + i < rq->address + rq->count)
			put16(data + 2 * (size_t)(first + i - rq->address), words[i]);
}

static void put_data(const struct sim_plant *plant, size_t unit, const struct request *rq,
		     int64_t t_ms, uint8_t *data)
{
	const struct device *d = &plant->devices[unit];

	for (size_t i = d->first; i < d->first + d->n; i++) {
		const struct config_channel *c = &plant->config->channels[plant->order[i]];
		uint64_t raw;

		if (c->function != rq->function || c->address >= rq->address + rq->count ||
		    c->address + channel_span(c) <= rq->address)
			continue;
		raw = shown_raw(plant, plant->order[i], t_ms);
		if (!rq->bits)
			put_words(data, rq, c, raw);
		else if (raw != 0)
			data[(c->address - rq->address) / 8] |= (uint8_t)(1U << (c->address -
										 rq->address) %
											8);
	}
}

/* Return: 0; an exception code. */
static unsigned int check_request(const struct sim_plant *plant, size_t unit, const uint8_t *frame,
				  size_t n, struct request *rq)
{
	*rq = (struct request){.function = frame[SIM_MBAP_BYTES]};
	if (unit == NO_UNIT)
		return SIM_GATEWAY_TARGET;
	if (plant->devices[unit].exception != 0)
		return plant->devices[unit].exception;
	if (rq->function < 1 || rq->function > 4)
		return SIM_ILLEGAL_FUNCTION;
	if (n != SIM_MBAP_BYTES + 5)
		return SIM_ILLEGAL_VALUE;
	rq->bits = rq->function <= 2;
	rq->address = get16(frame + SIM_MBAP_BYTES + 1);
	rq->count = get16(frame + SIM_MBAP_BYTES + 3);
	if (rq->count < 1 || rq->count > (rq->bits ? BITS_MAX : REGISTERS_MAX))
		return SIM_ILLEGAL_VALUE;
	return is_mapped(plant, unit, rq) ? 0 : SIM_ILLEGAL_ADDRESS;
}

size_t sim_plant_answer(const struct sim_plant *plant, size_t link, const uint8_t *frame, size_t n,
			int64_t t_ms, uint8_t answer[static SIM_FRAME_MAX])
{
	size_t unit = plant->unit_of[plant->endpoints[link] * N_UNIT_IDS + frame[6]];
	unsigned int exception;
	struct request rq;
	size_t n_data;

	exception = check_request(plant, unit, frame, n, &rq);
	if (unit != NO_UNIT && plant->devices[unit].dead)
		return 0;
	n_data = rq.bits ? (rq.count + 7) / 8 : 2 * (size_t)rq.count;
	memcpy(answer, frame, SIM_MBAP_BYTES); /* transaction, protocol, -, unit */
	if (exception != 0) {
		put16(answer + 4, 3);
		answer[SIM_MBAP_BYTES] = (uint8_t)(rq.function | 0x80);
		answer[SIM_MBAP_BYTES + 1] = (uint8_t)exception;
		return SIM_MBAP_BYTES + 2;
	}
	put16(answer + 4, (unsigned int)(3 + n_data));
	answer[SIM_MBAP_BYTES] = (uint8_t)rq.function;
	answer[SIM_MBAP_BYTES + 1] = (uint8_t)n_data;
	memset(answer + SIM_MBAP_BYTES + 2, 0, n_data);
	put_data(plant, unit, &rq, t_ms, answer + SIM_MBAP_BYTES + 2);
	return SIM_MBAP_BYTES + 2 + n_data;
}

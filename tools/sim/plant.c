/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim_encode.h"
#include "tools/sim_plant.h"
#include "tools/sim_signal.h"
#include "tools/sim_state.h"

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

struct device {
	bool dead;
	uint8_t exception; /* 0 none */
};

/*
 * @devices: by unit; only those that are the first of a device are used
 * @states: by state: the bit pattern it shows
 */
struct sim_plant {
	const struct config *config;
	struct sim_map *map;
	struct instrument *instruments;
	struct device *devices;
	uint64_t *states;
};

static void set_state(struct sim_plant *plant, size_t state, uint64_t raw)
{
	const struct config *config = plant->config;

	for (size_t i = 0; i < config->n_states; i++)
		if (sim_state_shares(&config->states[i], &config->states[state]))
			plant->states[i] = raw;
}

/* what cannot be said is said by nothing out of the ordinary */
static void show_states(struct sim_plant *plant, size_t unit, enum quality quality)
{
	for (size_t i = 0; i < plant->config->n_states; i++) {
		uint64_t raw = 0;

		if (plant->config->states[i].unit != unit)
			continue;
		if (sim_state_find(plant->config, i, quality, &raw) < 0)
			(void)sim_state_find(plant->config, i, QUALITY_GOOD, &raw);
		set_state(plant, i, raw);
	}
}

int sim_plant_new(struct sim_plant **ret, const struct config *config, uint64_t seed)
{
	CLEANUP(sim_plant_free) struct sim_plant *plant = calloc(1, sizeof(*plant));
	struct sim_signal *signals = calloc(config->n_channels + 1, sizeof(*signals));
	int r = plant && signals ? 0 : -ENOMEM;

	if (r == 0) {
		plant->config = config;
		plant->instruments = calloc(config->n_channels + 1, sizeof(*plant->instruments));
		plant->devices = calloc(config->n_units + 1, sizeof(*plant->devices));
		plant->states = calloc(config->n_states + 1, sizeof(*plant->states));
		if (!plant->instruments || !plant->devices || !plant->states)
			r = -ENOMEM;
	}
	if (r == 0)
		r = sim_map_new(&plant->map, config);
	if (r == 0) {
		sim_signals_init(signals, config, seed);
		for (size_t i = 0; i < config->n_channels; i++)
			plant->instruments[i].signal = signals[i];
		for (size_t i = 0; i < config->n_units; i++)
			show_states(plant, i, QUALITY_GOOD);
		*ret = steal(&plant);
	}
	free(signals);
	return r;
}

struct sim_plant *sim_plant_free(struct sim_plant *plant)
{
	if (!plant)
		return NULL;
	sim_map_free(plant->map);
	free(plant->instruments);
	free(plant->devices);
	free(plant->states);
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
	return sim_map_endpoint(plant->map, link);
}

static void act_unit(struct sim_plant *plant, const struct sim_action *a)
{
	struct device *device = &plant->devices[sim_map_device_of(plant->map, a->target)];

	device->dead = a->verb == SIM_UNIT_DEAD;
	device->exception = a->exception;
}

int sim_plant_act(struct sim_plant *plant, const struct sim_action *action, int64_t t_ms)
{
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
		act_unit(plant, action);
		break;
	case SIM_UNIT_SAYS:
		show_states(plant, action->target, action->quality);
		break;
	case SIM_UNIT_REFUSE:
		return sim_map_refuse(plant->map, sim_map_device_of(plant->map, action->target),
				      &action->range);
	case SIM_UNIT_ALLOW:
		sim_map_allow(plant->map, sim_map_device_of(plant->map, action->target));
		break;
	case SIM_STATE_RAW:
		set_state(plant, action->target, action->raw);
		break;
	case SIM_LINK:
	case SIM_LINK_DROP:
	case SIM_END:
		break;
	}
	return 0;
}

struct moment {
	const struct sim_plant *plant;
	int64_t t_ms;
};

static uint64_t point_raw(void *userdata, const struct sim_point *point)
{
	const struct moment *moment = userdata;

	if (point->is_state)
		return moment->plant->states[point->index];
	return shown_raw(moment->plant, point->index, moment->t_ms);
}

static unsigned int get16(const uint8_t *bytes)
{
	return (unsigned int)(bytes[0] << 8 | bytes[1]);
}

/* Return: 0; an exception code. */
static unsigned int check_request(const struct sim_plant *plant, size_t device, const uint8_t *pdu,
				  size_t n, struct sim_range *range)
{
	*range = (struct sim_range){.function = pdu[0]};
	if (plant->devices[device].exception != 0)
		return plant->devices[device].exception;
	if (range->function < 1 || range->function > 4)
		return SIM_ILLEGAL_FUNCTION;
	if (n != 5)
		return SIM_ILLEGAL_VALUE;
	range->address = get16(pdu + 1);
	range->count = get16(pdu + 3);
	if (range->count < 1 || range->count > (range->function <= 2 ? BITS_MAX : REGISTERS_MAX))
		return SIM_ILLEGAL_VALUE;
	return sim_map_knows(plant->map, device, range) ? 0 : SIM_ILLEGAL_ADDRESS;
}

size_t sim_plant_answer(const struct sim_plant *plant, size_t link, uint8_t unit,
			const uint8_t *pdu, size_t n, int64_t t_ms,
			uint8_t answer[static SIM_PDU_MAX])
{
	size_t device = sim_map_device(plant->map, link, unit);
	struct moment moment = {plant, t_ms};
	unsigned int exception = SIM_GATEWAY_TARGET;
	struct sim_range range;
	size_t n_data;

	if (device == SIM_NO_DEVICE && plant->config->links[link].kind != WIRE_LINK_TCP)
		return 0;
	if (device != SIM_NO_DEVICE) {
		if (plant->devices[device].dead)
			return 0;
		exception = check_request(plant, device, pdu, n, &range);
	}
	if (exception != 0) {
		answer[0] = (uint8_t)(pdu[0] | 0x80);
		answer[1] = (uint8_t)exception;
		return 2;
	}
	n_data = range.function <= 2 ? (range.count + 7) / 8 : 2 * (size_t)range.count;
	answer[0] = (uint8_t)range.function;
	answer[1] = (uint8_t)n_data;
	memset(answer + 2, 0, n_data);
	sim_map_read(plant->map, device, &range, point_raw, &moment, answer + 2);
	return 2 + n_data;
}

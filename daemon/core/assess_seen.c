/* SPDX-License-Identifier: Apache-2.0 */
#include "core/assess.h"

#define TENTH_MS 100

/* for so long a reading stands, as in release.h */
static int64_t stands_ms(const struct core *core, size_t channel)
{
	return (int64_t)core->interval_ms[channel] * 3 / 2;
}

void assess_seen(const struct core *core, size_t channel, bool beyond, struct core_due *due)
{
	const struct core_channel *state = &core->channels[channel];
	int64_t most_ms = stands_ms(core, channel), gap_ms;
	uint16_t now = (uint16_t)(state->good.wall_ms / TENTH_MS);

	if (!state->has_value || state->quality != QUALITY_GOOD || state->lost)
		return; /* says neither that it is beyond nor that it is not */
	gap_ms = (int64_t)(uint16_t)(now - due->noted) * TENTH_MS;
	if (!beyond)
		due->above = 0;
	else if (due->above == 0 || gap_ms > MAX(2 * most_ms, (int64_t)ASSESS_BLIND_MS))
		due->above = 1;
	else
		due->above += (uint32_t)MIN(gap_ms, most_ms);
	due->noted = now;
}

int64_t assess_seen_ms(const struct core_due *due)
{
	return due->above > 0 ? (int64_t)due->above - 1 : 0;
}

int64_t assess_seen_wanted_ms(const struct core *core, size_t channel)
{
	int64_t shortest_ms = INT64_MAX;

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		const struct config_limit *limit = &core->config->limits[i];
		int64_t ms = (int64_t)limit->raise_delay_ms;

		if (limit->class < CLASS_LIMIT || !limit->high || limit->on != LIMIT_ON_VALUE)
			continue;
		if (limit_is_raised(&core->limits[i].state))
			return ASSESS_HOLD_MS;
		if (limit->alarm.count > 1) /* beyond for so long it needs not be so often */
			ms += (int64_t)limit->alarm.within_ms;
		shortest_ms = MIN(shortest_ms, ms);
	}
	return shortest_ms == INT64_MAX ? ASSESS_HOLD_MS
					: MAX(shortest_ms, (int64_t)ASSESS_HOLD_MS);
}

/** is_enough() - is a limit that was broken in the incident broken for a minute, at least by two
 * readings? A mean over an hour or a day is no single reading, by law. */
static bool is_enough(const struct core *core, size_t limit, bool station)
{
	const struct config_limit *config = &core->config->limits[limit];
	const struct core_limit *state = &core->limits[limit];

	if (config->on >= LIMIT_ON_MEAN_1H)
		return true;
	if (station)
		return state->run_ms >= ASSESS_HOLD_MS;
	return state->beyond_ms >= ASSESS_HOLD_MS &&
	       (config->on != LIMIT_ON_VALUE ||
		state->beyond_ms > stands_ms(core, config->channel));
}

static void watch(struct core *core, size_t limit)
{
	size_t channel = core->config->limits[limit].channel;
	const struct config_source
		*source = &core->config->sources[core->config->channels[channel].source];
	const struct core_incident *incident = core_incident_of(core, channel);

	if (!incident->open || core->limits[limit].lasts ||
	    !assess_was_broken(core, incident, limit) ||
	    !is_enough(core, limit, source->release.inbound_from != CONFIG_NONE))
		return;
	core->limits[limit].lasts = 1;
	core->crossings[incident - core->incidents].at_once = 1;
}

void assess_seen_tick(struct core *core)
{
	for (size_t i = 0; core->config->crossing.n_targets > 0 && i < core->config->n_limits; i++)
		if (core->config->limits[i].class >= CLASS_LIMIT)
			watch(core, i);
}

bool assess_lasts(const struct core *core, size_t source)
{
	const struct config *config = core->config;

	for (size_t i = 0; i < config->n_limits; i++)
		if (core->limits[i].lasts &&
		    config->channels[config->limits[i].channel].source == source)
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "core/measure.h"

static const char *wire_reason(const struct core_channel *state, char *text, size_t n)
{
	uint32_t code = state->reason & UINT16_MAX;

	if (state->quality == QUALITY_DEVICE_FAULT && code)
		(void)snprintf(text, n, "device answers with exception %u", code);
	else if (state->quality == QUALITY_COMMUNICATION_LOST &&
		 code == WIRE_EXCEPTION) /* see quality_of_status() */
		(void)snprintf(text, n, "gateway does not reach the device");
	else if (state->quality == QUALITY_COMMUNICATION_LOST && code && code <= WIRE_STATUS_MAX)
		(void)snprintf(text, n, "%s", wire_status_text((enum wire_status)code));
	else if (state->quality == QUALITY_GOOD || state->quality == QUALITY_STALE)
		(void)snprintf(text, n, "nothing comes any more");
	else
		(void)snprintf(text, n, "%s", quality_text((enum quality)state->quality));
	return text;
}

/* what the checks of screen.h found */
static const char *screen_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	char since[CLOCK_TEXT_MAX], number[EVENT_VALUE_MAX];

	if (state->quality == QUALITY_FROZEN && state->screen.has_anchor) {
		clock_format(state->screen.since.wall_ms, core->config->zone_min, since);
		event_value_text(config->frozen_change, number);
		(void)snprintf(text, n, "frozen: no change by more than %s since %s", number,
			       since);
	} else if (state->quality == QUALITY_RATE && config->max_rate > 0) {
		event_value_text(config->max_rate, number);
		(void)snprintf(text, n, "changes faster than %s per minute", number);
	} else {
		(void)snprintf(text, n, "%s", quality_text((enum quality)state->quality));
	}
	return text;
}

static const char *state_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	size_t i = state->reason & UINT16_MAX;
	const char *path = i < config->n_states ? core->config->states[config->states[i]].path
						: "a state that is no longer configured";

	if (state->reason >> 16 == REASON_NO_STATE)
		(void)snprintf(text, n, "its status is not known: %s", path);
	else
		(void)snprintf(text, n, "%s, as %s says",
			       quality_text((enum quality)state->quality), path);
	return text;
}

/* an input's own reason goes with it; inputs have smaller indices, so this ends */
static const char *input_reason(const struct core *core, size_t channel, size_t i, char *text,
				size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	size_t input = i < config->n_inputs ? config->inputs[i] : channel;
	char inner[CORE_REASON_MAX / 2];

	if (input >= channel || core->channels[input].quality == QUALITY_GOOD)
		(void)snprintf(inner, sizeof(inner), "%s",
			       state->reason >> 16 == REASON_OLD_INPUT
				       ? "nothing comes any more"
				       : quality_text((enum quality)state->quality));
	else
		(void)core_lost_reason(core, input, inner, sizeof(inner));
	(void)snprintf(text, n, "input %s: %s", core->config->channels[input].path, inner);
	return text;
}

static const char *divisor_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];
	const char *path = config->n_inputs > 1 ? core->config->channels[config->inputs[1]].path
						: "";

	if (config->formula == FORMULA_OXYGEN)
		(void)snprintf(text, n, "input %s: oxygen at or above 20.9 %%, as in air", path);
	else
		(void)snprintf(text, n, "input %s: too near to 0 to divide by it", path);
	return text;
}

static const char *condition_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];
	char bound[EVENT_VALUE_MAX];

	if (!config->conditional) /* any more, since the configuration has changed */
		return wire_reason(&core->channels[channel], text, n);
	event_value_text(config->enabled_bound, bound);
	(void)snprintf(text, n, "nothing to measure: %s is not %s %s",
		       core->config->channels[config->enabled_by].path,
		       config->enabled_above ? "above" : "below", bound);
	return text;
}

/* a derived channel of which nothing comes: because of which input? */
static const char *silence_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct config_channel *config = &core->config->channels[channel];

	if (config->n_inputs > 0 && core->channels[config->inputs[0]].quality != QUALITY_GOOD)
		return input_reason(core, channel, 0, text, n);
	return wire_reason(&core->channels[channel], text, n);
}

const char *core_lost_reason(const struct core *core, size_t channel, char *text, size_t n)
{
	const struct core_channel *state = &core->channels[channel];

	if (state->sparse) {
		(void)snprintf(text, n, "only %u %% of a minute's values are good", state->capture);
		return text;
	}
	switch ((enum core_reason)(state->reason >> 16)) {
	case REASON_WIRE:
		if (state->quality == QUALITY_FROZEN || state->quality == QUALITY_RATE)
			return screen_reason(core, channel, text, n);
		if (state->quality == QUALITY_STALE)
			return silence_reason(core, channel, text, n);
		return wire_reason(state, text, n);
	case REASON_STATE:
	case REASON_NO_STATE:
		return state_reason(core, channel, text, n);
	case REASON_INPUT:
	case REASON_OLD_INPUT:
		return input_reason(core, channel, state->reason & UINT16_MAX, text, n);
	case REASON_DIVISOR:
		return divisor_reason(core, channel, text, n);
	case REASON_CONDITION:
		return condition_reason(core, channel, text, n);
	}
	return wire_reason(state, text, n);
}

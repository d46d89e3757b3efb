/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/formula.h"
#include "core/measure.h"
#include "core/release.h"

/* what an input is worth at @at: its last sample's quality, unless that is old */
static enum quality quality_of_input(const struct core *core, size_t channel, struct stamp at,
				     enum core_reason *ret_kind)
{
	const struct core_channel *state = &core->channels[channel];
	int64_t fresh_ms = CORE_FRESH_INTERVALS * (int64_t)core->interval_ms[channel];

	*ret_kind = REASON_INPUT;
	if (state->quality == QUALITY_GOOD && at.mono_ms - state->seen.mono_ms > fresh_ms) {
		*ret_kind = REASON_OLD_INPUT;
		return QUALITY_STALE;
	}
	return (enum quality)state->quality;
}

static enum quality quality_of_formula(int r, uint32_t *ret_reason)
{
	if (r == -EDOM)
		*ret_reason = CORE_REASON(REASON_DIVISOR, 0);
	return r == 0 ? QUALITY_GOOD : r == -ERANGE ? QUALITY_OUT_OF_RANGE : QUALITY_NOT_A_NUMBER;
}

static void derive(struct core *core, size_t channel)
{
	const struct config_channel *config = &core->config->channels[channel];
	struct stamp at = core->channels[config->inputs[0]].seen;
	double inputs[CONFIG_INPUTS_MAX], value = (double)NAN;
	enum quality quality = QUALITY_GOOD;
	uint32_t reason = 0;

	for (size_t i = 0; i < config->n_inputs; i++) {
		enum core_reason kind;
		enum quality input = quality_of_input(core, config->inputs[i], at, &kind);

		inputs[i] = core->channels[config->inputs[i]].value;
		if (quality_worse(quality, input) == quality)
			continue;
		quality = input;
		reason = CORE_REASON(kind, i);
	}
	if (quality == QUALITY_GOOD)
		quality = quality_of_formula(formula_value(config, inputs, &value), &reason);
	verdict_apply(core, config, at, &quality, &reason);
	measure_sample(core, channel, at, value, quality, reason);
}

void core_settle(struct core *core)
{
	for (size_t i = 0; i < core->n_derived; i++) {
		size_t channel = core->derived[i];

		if (core->channels[core->config->channels[channel].inputs[0]].fresh &&
		    !core->channels[channel].given)
			derive(core, channel);
	}
	release_settle(core);
	for (size_t i = 0; i < core->n_derived; i++)
		core->channels[core->config->channels[core->derived[i]].inputs[0]].fresh = false;
	for (size_t i = 0; i < core->n_released; i++)
		core->channels[core->released[i]].fresh = false;
}

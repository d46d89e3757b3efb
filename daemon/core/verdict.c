/* SPDX-License-Identifier: Apache-2.0 */
#include "core/measure.h"

static enum quality meaning(const struct config_state *state, uint32_t raw)
{
	for (size_t i = 0; i < state->n_rules; i++) {
		const struct config_rule *rule = &state->rules[i];

		if (rule->any ? (raw & rule->mask) != 0 : (raw & rule->mask) == rule->is)
			return rule->quality;
	}
	return state->otherwise;
}

static void say(struct core *core, size_t i, struct stamp at)
{
	const struct config_state *config = &core->config->states[i];
	struct core_state *state = &core->states[i];
	struct event event = event_plain(EVENT_DEVICE_STATE, at);

	event.site = core->config->links[core->config->units[config->unit].link].site;
	event.name = config->path;
	event.reason = state->quality == QUALITY_GOOD ? "measuring"
						      : quality_text((enum quality)state->quality);
	event.since_ms = state->since.wall_ms;
	event.number = state->n_changes;
	core_event(core, &event);
	state->said = state->quality;
	state->said_ms = at.mono_ms;
	state->n_changes = 0;
}

/* A change is told at once, but a state that flickers makes no more than an entry a minute:
 * the last word counts, and how often it changed is said with it. */
static void say_if_due(struct core *core, size_t i, struct stamp at)
{
	const struct core_state *state = &core->states[i];

	if (state->quality != state->said &&
	    (state->said_ms == 0 || at.mono_ms - state->said_ms >= CORE_STATE_MS))
		say(core, i, at);
}

void verdict_read(struct core *core, size_t i, struct stamp at, uint32_t raw, bool good)
{
	struct core_state *state = &core->states[i];
	enum quality quality;

	state->known = good;
	if (!good)
		return;
	quality = meaning(&core->config->states[i], raw);
	if (quality != (enum quality)state->quality) {
		state->since = at;
		state->n_changes++;
	}
	state->raw = raw;
	state->quality = quality;
	state->seen = at;
	say_if_due(core, i, at);
}

void verdict_apply(const struct core *core, const struct config_channel *channel, struct stamp at,
		   enum quality *quality, uint32_t *reason)
{
	for (size_t i = 0; i < channel->n_states; i++) {
		const struct core_state *state = &core->states[channel->states[i]];
		const struct config_state *config = &core->config->states[channel->states[i]];
		int64_t fresh_ms = CORE_FRESH_INTERVALS *
				   (int64_t)core->config->units[config->unit].interval_ms;
		bool known = state->known && at.mono_ms - state->seen.mono_ms <= fresh_ms;
		enum quality says = known ? (enum quality)state->quality : QUALITY_STALE;

		if (quality_worse(*quality, says) == *quality)
			continue;
		*quality = says;
		*reason = CORE_REASON(known ? REASON_STATE : REASON_NO_STATE, i);
	}
}

void verdict_tick(struct core *core, size_t stream, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_states; i++) {
		size_t unit = core->config->states[i].unit;

		if (core->n_streams == 1 ||
		    core->config->units[unit].link / WIRE_LINKS_PER_POLLER == stream)
			say_if_due(core, i, at);
	}
}

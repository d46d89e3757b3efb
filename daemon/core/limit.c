/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limit.h"

static const struct {
	const char *name;
	const char *words;
} ons[] = {
	[LIMIT_ON_VALUE] = {"value", "value"},
	[LIMIT_ON_MEAN_1MIN] = {"mean-1min", "1-min mean"},
	[LIMIT_ON_MEAN_5MIN] = {"mean-5min", "5-min mean"},
	[LIMIT_ON_MEAN_1H] = {"mean-1h", "1-h mean"},
	[LIMIT_ON_MEAN_24H] = {"mean-24h", "24-h mean"},
};

const char *limit_on_text(enum limit_on on)
{
	return ons[on].name;
}

const char *limit_on_words(enum limit_on on)
{
	return ons[on].words;
}

static bool is_beyond(const struct config_limit *limit, double value)
{
	return limit->high ? value > limit->bound : value < limit->bound;
}

/* within the bound by at least the deadband */
static bool is_back(const struct config_limit *limit, double value)
{
	return limit->high ? value <= limit->bound - limit->deadband
			   : value >= limit->bound + limit->deadband;
}

static void enter(struct limit_state *state, enum limit_phase phase)
{
	state->phase = phase;
	state->held_ms = 0;
}

/* the delay of a phase begins with the value that entered it */
static enum limit_change begin_or_pass(struct limit_state *state, enum limit_phase waiting,
				       enum limit_phase passed, uint32_t delay_ms,
				       enum limit_change change)
{
	enter(state, delay_ms > 0 ? waiting : passed);
	return delay_ms > 0 ? LIMIT_SAME : change;
}

static enum limit_change wait_on(struct limit_state *state, enum limit_phase passed,
				 int64_t elapsed_ms, uint32_t delay_ms, enum limit_change change)
{
	state->held_ms += elapsed_ms;
	if (state->held_ms < (int64_t)delay_ms)
		return LIMIT_SAME;
	enter(state, passed);
	return change;
}

static enum limit_change step(const struct config_limit *limit, struct limit_state *state,
			      double value, int64_t elapsed_ms)
{
	switch ((enum limit_phase)state->phase) {
	case LIMIT_NORMAL:
		if (!is_beyond(limit, value))
			return LIMIT_SAME;
		return begin_or_pass(state, LIMIT_PENDING, LIMIT_RAISED, limit->raise_delay_ms,
				     LIMIT_BROKEN);
	case LIMIT_PENDING:
		if (!is_beyond(limit, value)) {
			enter(state, LIMIT_NORMAL);
			return LIMIT_SAME;
		}
		return wait_on(state, LIMIT_RAISED, elapsed_ms, limit->raise_delay_ms,
			       LIMIT_BROKEN);
	case LIMIT_RAISED:
		if (!is_back(limit, value))
			return LIMIT_SAME;
		return begin_or_pass(state, LIMIT_CLEARING, LIMIT_NORMAL, limit->clear_delay_ms,
				     LIMIT_BACK);
	case LIMIT_CLEARING:
		if (!is_back(limit, value)) {
			enter(state, LIMIT_RAISED);
			return LIMIT_SAME;
		}
		return wait_on(state, LIMIT_NORMAL, elapsed_ms, limit->clear_delay_ms, LIMIT_BACK);
	}
	return LIMIT_SAME;
}

enum limit_change limit_value(const struct config_limit *limit, struct limit_state *state,
			      double value, int64_t mono_ms, int64_t since_wall_ms, int64_t most_ms)
{
	int64_t elapsed_ms = MIN(mono_ms - state->last_mono_ms, most_ms);
	bool was_normal = state->phase == LIMIT_NORMAL;
	enum limit_change change = step(limit, state, value, elapsed_ms > 0 ? elapsed_ms : 0);

	if (was_normal && is_beyond(limit, value)) {
		state->since_wall_ms = since_wall_ms;
		state->worst = value;
	}
	if (limit->high ? value > state->worst : value < state->worst)
		state->worst = value;
	state->last_mono_ms = mono_ms;
	return change;
}

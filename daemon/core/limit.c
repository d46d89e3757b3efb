/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/catalogue.h"
#include "core/limit.h"

static const struct {
	const char *name;
	const char *words;
} ons[] = {
	[LIMIT_ON_VALUE] = {"value", N_("value")},
	[LIMIT_ON_MEAN_1MIN] = {"mean-1min", N_("1-min mean")},
	[LIMIT_ON_MEAN_5MIN] = {"mean-5min", N_("5-min mean")},
	[LIMIT_ON_MEAN_1H] = {"mean-1h", N_("1-h mean")},
	[LIMIT_ON_MEAN_24H] = {"mean-24h", N_("24-h mean")},
};

const char *limit_on_text(enum limit_on on)
{
	return ons[on].name;
}

const char *limit_on_words(enum limit_on on)
{
	return ons[on].words;
}

static const struct {
	const char *name;
	const char *words;
} bases[] = {
	[BASIS_UNSAID] = {"", "the limit"},
	[BASIS_LAW] = {"law", "the law's limit"},
	[BASIS_PERMIT] = {"permit", "the permit's limit"},
	[BASIS_OWN] = {"own", "the plant's own figure"},
};

const char *limit_basis_text(enum limit_basis basis)
{
	return bases[basis].name;
}

const char *limit_basis_words(enum limit_basis basis)
{
	return bases[basis].words;
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

/* is this the breaking that raises the alarm? It is counted in any case. */
static bool is_often_enough(const struct config_limit *limit, struct limit_state *state,
			    int64_t mono_ms)
{
	uint32_t n_before = limit->alarm.count > 0 ? limit->alarm.count - 1 : 0;
	bool often = n_before == 0 ||
		     (state->n_broken >= n_before &&
		      mono_ms - state->broken_ms[n_before - 1] <= (int64_t)limit->alarm.within_ms);

	memmove(state->broken_ms + 1, state->broken_ms,
		sizeof(state->broken_ms) - sizeof(state->broken_ms[0]));
	state->broken_ms[0] = mono_ms;
	state->n_broken = MIN(state->n_broken + 1, (uint32_t)ARRAY_SIZE(state->broken_ms));
	return often;
}

static enum limit_change broken(const struct config_limit *limit, struct limit_state *state,
				int64_t mono_ms)
{
	bool often = is_often_enough(limit, state, mono_ms);

	enter(state, often ? LIMIT_RAISED : LIMIT_COUNTED);
	return often ? LIMIT_BROKEN : LIMIT_SAME;
}

/* has what holds held for so long? The delay of a phase begins with the value that entered it. */
static bool has_held(struct limit_state *state, int64_t elapsed_ms, uint32_t delay_ms)
{
	state->held_ms += elapsed_ms;
	return state->held_ms >= (int64_t)delay_ms;
}

static enum limit_change cleared(struct limit_state *state)
{
	enter(state, LIMIT_NORMAL);
	return LIMIT_BACK;
}

static enum limit_change step_below(const struct config_limit *limit, struct limit_state *state,
				    double value, int64_t mono_ms, int64_t elapsed_ms)
{
	if (!limit_is_beyond(limit, value)) {
		enter(state, LIMIT_NORMAL);
		return LIMIT_SAME;
	}
	if (state->phase == LIMIT_NORMAL) {
		enter(state, LIMIT_PENDING);
		elapsed_ms = 0;
	}
	return has_held(state, elapsed_ms, limit->raise_delay_ms) ? broken(limit, state, mono_ms)
								  : LIMIT_SAME;
}

static enum limit_change step_counted(const struct config_limit *limit, struct limit_state *state,
				      double value, int64_t elapsed_ms)
{
	if (is_back(limit, value)) {
		enter(state, LIMIT_NORMAL);
		return LIMIT_SAME;
	}
	/* counts no longer, after a change of configuration: it stands */
	if (!has_held(state, elapsed_ms, limit->alarm.within_ms) && limit->alarm.count > 1)
		return LIMIT_SAME;
	enter(state, LIMIT_RAISED);
	return LIMIT_BROKEN;
}

static enum limit_change step_raised(const struct config_limit *limit, struct limit_state *state,
				     double value, int64_t elapsed_ms)
{
	if (!is_back(limit, value)) {
		if (state->phase == LIMIT_CLEARING)
			enter(state, LIMIT_RAISED);
		return LIMIT_SAME;
	}
	if (state->phase == LIMIT_RAISED) {
		enter(state, LIMIT_CLEARING);
		elapsed_ms = 0;
	}
	return has_held(state, elapsed_ms, limit->clear_delay_ms) ? cleared(state) : LIMIT_SAME;
}

static enum limit_change step(const struct config_limit *limit, struct limit_state *state,
			      double value, int64_t mono_ms, int64_t elapsed_ms)
{
	switch ((enum limit_phase)state->phase) {
	case LIMIT_NORMAL:
	case LIMIT_PENDING:
		return step_below(limit, state, value, mono_ms, elapsed_ms);
	case LIMIT_COUNTED:
		return step_counted(limit, state, value, elapsed_ms);
	case LIMIT_RAISED:
	case LIMIT_CLEARING:
		return step_raised(limit, state, value, elapsed_ms);
	}
	return LIMIT_SAME;
}

enum limit_change limit_value(const struct config_limit *limit, struct limit_state *state,
			      double value, int64_t mono_ms, int64_t since_wall_ms, int64_t most_ms)
{
	int64_t elapsed_ms = MIN(mono_ms - state->last_mono_ms, most_ms);
	bool was_normal = state->phase == LIMIT_NORMAL;
	enum limit_change change;

	if (limit_keeps(limit, state, value, mono_ms))
		return LIMIT_SAME;
	change = step(limit, state, value, mono_ms, elapsed_ms > 0 ? elapsed_ms : 0);
	if (was_normal) {
		state->since_wall_ms = since_wall_ms;
		state->worst = value;
	}
	if (limit->high ? value > state->worst : value < state->worst)
		state->worst = value;
	state->last_mono_ms = mono_ms;
	return change;
}

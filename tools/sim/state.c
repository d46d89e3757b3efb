/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tools/sim_encode.h"
#include "tools/sim_state.h"

enum quality sim_state_verdict(const struct config_state *state, uint64_t raw)
{
	for (size_t i = 0; i < state->n_rules; i++) {
		const struct config_rule *rule = &state->rules[i];
		uint64_t masked = raw & rule->mask;

		if (rule->any ? masked != 0 : masked == rule->is)
			return rule->quality;
	}
	return state->otherwise;
}

bool sim_state_shares(const struct config_state *a, const struct config_state *b)
{
	return a->unit == b->unit && a->function == b->function && a->address == b->address &&
	       a->decode.type == b->decode.type && a->decode.bit == b->decode.bit &&
	       memcmp(a->decode.order, b->decode.order, sizeof(a->decode.order)) == 0;
}

static bool says(const struct config *config, size_t state, enum quality quality, uint64_t raw)
{
	const struct config_state *s = &config->states[state];
	enum quality worst = sim_state_verdict(s, raw);

	for (size_t i = 0; i < config->n_states; i++)
		if (i != state && sim_state_shares(s, &config->states[i]))
			worst = quality_worse(worst, sim_state_verdict(&config->states[i], raw));
	return worst == quality;
}

/* the pattern that fits one rule and sets no other bit */
static uint64_t fitting(const struct config_rule *rule)
{
	return rule->any ? rule->mask & (~rule->mask + 1) : rule->is;
}

/* Return: does any pattern of the rules, alone or two together, say it? */
static bool find_by_rules(const struct config *config, size_t state, enum quality quality,
			  uint64_t *ret)
{
	const struct config_state *s = &config->states[state];

	for (size_t i = 0; i < s->n_rules; i++)
		for (size_t j = i; j < s->n_rules; j++) {
			*ret = fitting(&s->rules[i]) | fitting(&s->rules[j]);
			if (says(config, state, quality, *ret))
				return true;
		}
	return false;
}

int sim_state_find(const struct config *config, size_t state, enum quality quality, uint64_t *ret)
{
	uint64_t max = sim_encode_raw_max(config->states[state].decode.type), raw = 0;
	bool found = says(config, state, quality, raw) ||
		     find_by_rules(config, state, quality, &raw);

	for (uint64_t i = 1; !found && i <= MIN(max, UINT16_MAX); i++) {
		raw = i;
		found = says(config, state, quality, raw);
		if (!found && max > UINT16_MAX) {
			raw = i << 16;
			found = says(config, state, quality, raw);
		}
	}
	if (!found || raw > max)
		return -ENOENT;
	*ret = raw;
	return 0;
}

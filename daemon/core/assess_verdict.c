/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/assess.h"

enum incident_level assess_level(enum target_kind kind)
{
	static const enum incident_level levels[] = {
		[TARGET_NATIONAL] = LEVEL_NATIONAL,  [TARGET_PROVINCE] = LEVEL_NATIONAL,
		[TARGET_COMMUNE] = LEVEL_PROVINCE,   [TARGET_RECEPTOR] = LEVEL_COMMUNE,
		[TARGET_NEIGHBOUR] = LEVEL_NATIONAL,
	};

	return levels[kind];
}

/* how much the release must add: to reach what is likely from what is there without it, and to
 * matter at all */
enum crossing_verdict assess_verdict(const struct config_crossing *crossing,
				     const struct crossing_path *path, enum crossing_verdict before)
{
	double stays = 1 - crossing->hysteresis;
	double reached = path->bound * crossing->likely, matters = path->bound * crossing->possible;
	double likely = fmax(reached - (path->central - path->excess), matters);
	double room = reached - (path->high - path->excess_high);
	double possible = room > 0 ? fmin(room, matters) : matters;

	if (before == VERDICT_OBSERVED || (path->flags & FLAG_AT_THE_LINE && path->excess_high > 0))
		return VERDICT_OBSERVED;
	if (fmin(path->excess, path->measured) >= likely * (before >= VERDICT_LIKELY ? stays : 1) &&
	    !(path->flags & (FLAG_DIRECTION_UNKNOWN | FLAG_SHORT)))
		return VERDICT_LIKELY;
	return path->excess_high >= possible * (before >= VERDICT_POSSIBLE ? stays : 1)
		       ? VERDICT_POSSIBLE
		       : VERDICT_UNLIKELY;
}

bool assess_is_held(const struct config_crossing *crossing, const struct crossing_path *path,
		    enum crossing_verdict before)
{
	struct crossing_path filled = *path;

	filled.measured = path->excess;
	return assess_verdict(crossing, &filled, before) > assess_verdict(crossing, path, before);
}

bool assess_is_worse(unsigned int verdict, unsigned int than)
{
	static const uint8_t ranks[] = {
		[VERDICT_UNLIKELY] = 0, [VERDICT_NONE] = 1,	[VERDICT_POSSIBLE] = 2,
		[VERDICT_LIKELY] = 3,	[VERDICT_OBSERVED] = 4,
	};

	return ranks[verdict] > ranks[than];
}

bool assess_is_low(const struct config *config, const struct core_crossing *crossing,
		   enum incident_level level)
{
	const uint64_t unmeasured = FLAG_NO_FLOW | FLAG_NO_RAIN | FLAG_HELD | FLAG_RECKONED;

	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		const struct crossing_path *path = &crossing->paths[i];
		size_t target = assess_target_of(config, path->target);

		if (path->flags & unmeasured && path->verdict == VERDICT_POSSIBLE &&
		    path->verdict < (uint8_t)config->crossing.counts && target != CONFIG_NONE &&
		    assess_level(config->crossing.targets[target].kind) > level)
			return true;
	}
	return false;
}

const struct crossing_path *assess_worst(const struct config *config,
					 const struct core_crossing *crossing, bool receptors)
{
	const struct crossing_path *worst = NULL;

	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		const struct crossing_path *path = &crossing->paths[i];
		size_t target = assess_target_of(config, path->target);

		if (target == CONFIG_NONE ||
		    (config->crossing.targets[target].kind == TARGET_RECEPTOR) != receptors)
			continue;
		if (!worst || assess_is_worse(path->verdict, worst->verdict))
			worst = path;
	}
	return worst;
}

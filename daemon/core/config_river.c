/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_reference.h"

#define PASSAGE_OFF_M 2000.0 /* lines are simplified, and positions read off a map */

int config_finish_river(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	struct river_draft *draft = data;
	struct config_river *river = &draft->river;
	const struct config_reference flow = {.by = BY_RIVER,
					      .index = crossing->n_rivers,
					      .offset = offsetof(struct config_river, flow_from),
					      .wanted = UNIT_FLOW};
	const struct config_reference temperature = {
		.by = BY_RIVER,
		.index = crossing->n_rivers,
		.offset = offsetof(struct config_river, temperature_from),
		.wanted = UNIT_TEMPERATURE};
	int r;

	if (!config_given(mapping, "flow"))
		river->flow_m3_s = (double)NAN;
	if (!config_given(mapping, "temperature"))
		river->temperature_c = (double)NAN;
	if (config_state(mapping, "flow") == OPTION_ABSENT &&
	    config_state(mapping, "flow-from") == OPTION_ABSENT)
		config_error(mapping, "flow",
			     "this river has no flow; allowed: \"flow\", \"flow-from\" or both");
	river->flow_from = river->temperature_from = CONFIG_NONE;
	river->first_reach = crossing->n_reaches;
	river->first_water = crossing->n_waters;
	r = config_refer(mapping, "flow-from", flow, &draft->flow_from);
	if (r == 0)
		r = config_refer(mapping, "temperature-from", temperature,
				 &draft->temperature_from);
	if (r == 0)
		r = config_names_claim(mapping, "name", KIND_RIVER, 0, river->name,
				       crossing->n_rivers);
	if (r == 0)
		r = config_default_text(&river->title, river->name);
	if (r == 0)
		r = config_append(&crossing->rivers, &crossing->n_rivers, river, sizeof(*river));
	return r;
}

int config_finish_reach(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	struct config_river *river = &crossing->rivers[crossing->n_rivers - 1];
	struct reach_draft *draft = data;
	struct config_reach *reach = &draft->reach;
	int r;

	reach->length_m = draft->length_km * 1e3;
	if (config_usable(mapping, "velocity") && reach->velocity_m_s[1] < reach->velocity_m_s[0])
		config_error(mapping, "velocity",
			     "at high water it cannot be slower; allowed: [mean, at high water]");
	river->length_m += reach->length_m;
	r = config_append(&crossing->reaches, &crossing->n_reaches, reach, sizeof(*reach));
	if (r == 0)
		river->n_reaches++;
	return r;
}

int config_finish_water(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	struct config_river *river = &crossing->rivers[crossing->n_rivers - 1];
	struct water_draft *draft = data;
	struct config_water *water = &draft->water;
	int r;

	if (config_usable(mapping, "unit") && config_usable(mapping, "background") &&
	    unit_convert(draft->measure, "mg/l", water->background_mg_l, &water->background_mg_l) <
		    0)
		config_error(mapping, "unit",
			     "\"%s\" is no concentration in water; allowed: such as mg/l or ug/l",
			     draft->measure);
	for (size_t i = river->first_water; water->parameter && i < crossing->n_waters; i++)
		if (strcmp(crossing->waters[i].parameter, water->parameter) == 0)
			config_error(mapping, "parameter",
				     "there are two of \"%s\"; allowed: each parameter once",
				     water->parameter);
	r = water->parameter
		    ? config_append(&crossing->waters, &crossing->n_waters, water, sizeof(*water))
		    : 0;
	if (r == 0 && crossing->n_waters > river->first_water)
		river->n_waters = crossing->n_waters - river->first_water;
	return r;
}

/** check_position() - is the place where a river crosses a line anywhere near that line? */
static void check_position(const struct config_mapping *mapping, const struct config_target *target,
			   struct boundary_point place)
{
	struct boundary_hit hit;

	if (!target->line || isnan(place.lat_deg) ||
	    boundary_nearest(target->line, place, &hit) < 0 || hit.distance_m <= PASSAGE_OFF_M)
		return;
	config_warning(mapping, "position",
		       "this is %.1f km from the line of \"%s\"; allowed: where the river meets it",
		       hit.distance_m / 1e3, target->name);
}

int config_finish_passage(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	size_t river = crossing->n_rivers - 1;
	double length_m = crossing->rivers[river].length_m;
	struct passage_draft *draft = data;
	struct config_passage passage = {.river = river, .at_m = draft->at_km * 1e3};
	int r;

	if (!config_usable(mapping, "boundary") || !config_usable(mapping, "at-km"))
		return 0;
	passage.place = config_take_place(mapping, "position", draft->position);
	passage.target = config_find_named(mapping, "boundary", KIND_TARGET, draft->boundary);
	if (passage.target == CONFIG_NONE)
		return 0;
	if (passage.at_m > length_m)
		config_error(mapping, "at-km", "the river ends at %g km; allowed: 0 to %g",
			     length_m / 1e3, length_m / 1e3);
	check_position(mapping, &crossing->targets[passage.target], passage.place);
	passage.name = draft->place;
	r = config_append(&crossing->passages, &crossing->n_passages, &passage, sizeof(passage));
	if (r == 0)
		draft->place = NULL; /* moved */
	return r;
}

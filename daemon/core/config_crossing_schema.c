/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_rows.h"
#include "core/config_text.h"

static const struct config_choice line_kinds[] = {{"national", TARGET_NATIONAL},
						  {"province", TARGET_PROVINCE},
						  {"commune", TARGET_COMMUNE},
						  {0}};
static const struct config_choice place_kinds[] = {{"intake", TARGET_RECEPTOR},
						   {"village", TARGET_RECEPTOR},
						   {"neighbour", TARGET_NEIGHBOUR},
						   {"other", TARGET_RECEPTOR},
						   {0}};
static const struct config_choice media[] = {{"water", 0}, {"air", 1}, {0}};

/* clang-format off */
#define F(field) FIELD(threshold_draft, threshold.field)
static const struct config_option threshold_options[] = {
	TEXT("parameter", F(parameter), REQUIRED, 32, config_name_check, "name of the channel that is held against it, such as COD"),
	CHOICE("in", F(in_air), REQUIRED, media, "water or air"),
	NUMBER_IN("high", F(high), REQUIRED, 1e-12, 1e12, "the concentration that matters, above 0"),
	TEXT("unit", F(measure), REQUIRED, 16, config_text_check, "its unit, such as mg/l or ug/m3"),
	TEXT("origin", F(origin), REQUIRED, PROSE, config_text_check, "where the number comes from, so that it can be looked up"),
	TEXT("measured-by", FIELD(threshold_draft, measured_by), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it there"),
};
static const struct config_group threshold_group =
	GROUP("threshold", threshold_options, threshold_draft, config_finish_threshold);

#define B(field) FIELD(target_draft, field)
static const struct config_option boundary_options[] = {
	TEXT("name", B(target.name), REQUIRED, 32, config_name_check, "a name, such as china"),
	TEXT("title", B(target.title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("file", B(file), REQUIRED, 200, config_text_check, "GeoJSON file, beside this one, in boundaries/, or installed"),
	CHOICE("kind", B(target.kind), REQUIRED, line_kinds, "national, province or commune"),
	LIST("thresholds", 0, &threshold_group, "concentrations that matter there"),
};
const struct config_group config_boundary_group =
	GROUP("boundary", boundary_options, target_draft, config_finish_boundary);

static const struct config_option receptor_options[] = {
	TEXT("name", B(target.name), REQUIRED, 32, config_name_check, "a name, such as intake-1"),
	TEXT("title", B(target.title), "", TITLE, config_text_check, "for people; default: the name"),
	CHOICE("kind", B(target.kind), REQUIRED, place_kinds, "intake, village, neighbour (a place beyond the national border) or other"),
	NUMBERS("position", B(position), "", "[latitude, longitude] in degrees WGS84"),
	TEXT("river", B(river), "", 32, config_name_check, "name of the river that it is at"),
	NUMBER_IN("at-km", B(at_km), "", 0, 10000, "where on the river, km from its beginning"),
	LIST("thresholds", 0, &threshold_group, "concentrations that matter there"),
};
const struct config_group config_receptor_group =
	GROUP("receptor", receptor_options, target_draft, config_finish_receptor);

#define R(field) FIELD(reach_draft, reach.field)
static const struct config_option reach_options[] = {
	NUMBER_IN("length-km", FIELD(reach_draft, length_km), REQUIRED, 0.001, 5000, "length in km"),
	NUMBERS_IN("velocity", R(velocity_m_s), REQUIRED, 0.001, 20, "[mean, at high water] in m/s"),
	NUMBER_IN("width", R(width_m), REQUIRED, 0.1, 20000, "m"),
	NUMBER_IN("depth", R(depth_m), REQUIRED, 0.01, 500, "mean, m"),
	NUMBER_IN("slope", R(slope), "", 1e-7, 1, "m per m; mixing and dispersion are computed from it"),
	NUMBER_IN("dispersion", R(dispersion_m2_s), "", 0.001, 1e5, "m2/s along the river; default: Fischer's formula, from the slope"),
};
static const struct config_group reach_group =
	GROUP("reach", reach_options, reach_draft, config_finish_reach);

static const struct config_option water_options[] = {
	TEXT("parameter", FIELD(water_draft, water.parameter), REQUIRED, 32, config_name_check, "name of the channel that it is about, such as COD"),
	NUMBER_IN("background", FIELD(water_draft, water.background_mg_l), "0", 0, 1e9, "concentration in the river above the outfall"),
	TEXT("unit", FIELD(water_draft, measure), "mg/l", 16, config_text_check, "unit of the background"),
	NUMBER_IN("decay-per-day", FIELD(water_draft, water.decay_per_day), "0", 0, 1000, "first-order decay at 20 °C, per day"),
	NUMBER_IN("theta", FIELD(water_draft, water.theta), "1.047", 0.9, 1.3, "of the decay's temperature dependence"),
};
static const struct config_group water_group =
	GROUP("water", water_options, water_draft, config_finish_water);

static const struct config_option passage_options[] = {
	TEXT("boundary", FIELD(passage_draft, boundary), REQUIRED, 32, config_name_check, "name of the boundary that it crosses"),
	NUMBER_IN("at-km", FIELD(passage_draft, at_km), REQUIRED, 0, 10000, "where, km from its beginning"),
	TEXT("place", FIELD(passage_draft, place), "", TITLE, config_text_check, "what that place is called, for people"),
	NUMBERS("position", FIELD(passage_draft, position), "", "[latitude, longitude] of that place in degrees WGS84"),
};
static const struct config_group passage_group =
	GROUP("crossing", passage_options, passage_draft, config_finish_passage);

#define V(field) FIELD(river_draft, field)
static const struct config_option river_options[] = {
	TEXT("name", V(river.name), REQUIRED, 32, config_name_check, "a name, such as ky-cung"),
	TEXT("title", V(river.title), "", TITLE, config_text_check, "for people; default: the name"),
	NUMBER_IN("flow", V(river.flow_m3_s), "", 0.001, 1e6, "m3/s, where no channel measures it"),
	TEXT("flow-from", V(flow_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it"),
	NUMBER_IN("temperature", V(river.temperature_c), "", -5, 50, "°C, where no channel measures it; default: 20"),
	TEXT("temperature-from", V(temperature_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it"),
	LIST("reaches", 1, &reach_group, "its stretches, from its beginning on"),
	LIST("parameters", 0, &water_group, "background and decay of what is discharged"),
	LIST("crosses", 0, &passage_group, "the boundaries that it crosses"),
};
const struct config_group config_river_group =
	GROUP("river", river_options, river_draft, config_finish_river);

static const struct config_option upstream_options[] = {
	TEXT("source", FIELD(upstream_draft, source), REQUIRED, PATH, config_text_check, "SITE/SOURCE of our own, upstream or upwind"),
	DURATION("travel", FIELD(upstream_draft, travel_s), REQUIRED, 60, 60 * D_MS / 1000, 1000 * MS, "from there to this station, the slowest that counts"),
};
const struct config_group config_upstream_group =
	GROUP("upstream source", upstream_options, upstream_draft, config_finish_upstream);
/* clang-format on */

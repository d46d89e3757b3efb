/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_crossing.h - what a release may reach and by which way: the part of the configuration
 * that assessments are made with
 *
 * Targets are boundaries (lines) and receptors (places), thresholds what makes a concentration
 * there matter. Numbers that are not given are NAN, channels that are not given CONFIG_NONE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/boundary.h"

#define CONFIG_NONE	    SIZE_MAX /* an index that does not apply */
#define CONFIG_TARGETS_MAX  256
#define CONFIG_VELOCITIES   2 /* mean and high */
#define CONFIG_UPSTREAM_MAX 64

/** enum crossing_verdict - will it cross a boundary? In the words of CAP 1.2 "certainty" */
enum crossing_verdict {
	VERDICT_NONE, /* not assessed: nothing to assess with */
	VERDICT_UNLIKELY,
	VERDICT_POSSIBLE,
	VERDICT_LIKELY,
	VERDICT_OBSERVED,
};

/** enum target_kind - whose line, or what place; the neighbour's is beyond the national border */
enum target_kind {
	TARGET_NATIONAL,
	TARGET_PROVINCE,
	TARGET_COMMUNE,
	TARGET_RECEPTOR,
	TARGET_NEIGHBOUR,
};

/** target_kind_text() - "national", "province", "commune", "receptor", "neighbour" */
const char *target_kind_text(enum target_kind kind);

/**
 * struct config_target - a boundary or receptor
 * @line: NULL: a receptor, at @place
 * @place: of a receptor; its latitude is NAN where none is given
 */
struct config_target {
	char *name; /* unique among both */
	char *title;
	enum target_kind kind;
	struct boundary *line;
	struct boundary_point place;
	size_t first_threshold;
	size_t n_thresholds;
};

/**
 * struct config_threshold - a concentration at a target that matters
 * @parameter: name of the channel that is held against it, at any source
 * @in_air: else in water
 * @high: in @measure
 * @measured_by: channel that measures the parameter at the target
 * @line, @column: where its unit stands in wastewatch.yaml
 * @parameter_line, @parameter_column: and its parameter
 */
struct config_threshold {
	size_t target;
	char *parameter;
	bool in_air;
	double high;
	char *measure;
	char *origin;
	size_t measured_by;
	unsigned int line;
	unsigned int column;
	unsigned int parameter_line;
	unsigned int parameter_column;
};

/**
 * struct config_reach - a stretch of a river
 * @velocity_m_s: mean, and at high water
 * @slope, @dispersion_m2_s: 0 not known
 */
struct config_reach {
	double length_m;
	double velocity_m_s[CONFIG_VELOCITIES];
	double width_m;
	double depth_m;
	double slope;
	double dispersion_m2_s;
};

/** struct config_water - what is known of one parameter in a river */
struct config_water {
	char *parameter;
	double background_mg_l;
	double decay_per_day; /* at 20 °C */
	double theta;
};

/** struct config_passage - where a river meets a target
 * @name: of the place, for people; NULL or "" none
 * @place: latitude NAN not known
 */
struct config_passage {
	size_t river;
	size_t target;
	double at_m;
	char *name;
	struct boundary_point place;
};

/** struct config_river - its reaches from its beginning on; @flow_from, @temperature_from: live */
struct config_river {
	char *name;
	char *title;
	double flow_m3_s;
	double temperature_c;
	size_t flow_from;
	size_t temperature_from;
	double length_m;
	size_t first_reach;
	size_t n_reaches;
	size_t first_water;
	size_t n_waters;
};

/** struct config_met - the air at a site: live channels, and what counts without them
 * @stability: 1 (A) to 6 (F), 0 not known */
struct config_met {
	double wind_m_s; /* at 10 m */
	double wind_from_deg;
	double air_c;
	unsigned int stability;
	size_t speed_from;
	size_t direction_from;
	size_t stability_from;
	size_t air_from;
};

/**
 * struct config_release - where and how a source releases
 * @place: latitude NAN: not known
 * @at_m: on @river, from its beginning
 * @only_measures: a station that lets nothing go: no mass, no crossing; what it measures confirms,
 *	and tells what comes from beyond
 * @inbound_from: target from beyond which this border station is reached
 */
struct config_release {
	struct boundary_point place;
	size_t river;
	double at_m;
	bool at_bank;
	double stack_height_m;
	double stack_diameter_m;
	double exit_velocity_m_s;
	double exit_temperature_c;
	size_t velocity_from;
	size_t temperature_from;
	double drop_m;
	double volume_m3;
	double travel_ratio;
	double leachate_area_m2;
	double leachate_coefficient;
	double rain_mm_h;
	size_t rain_from;
	bool only_measures;
	size_t inbound_from;
	size_t first_upstream;
	size_t n_upstream;
};

/** struct config_upstream - an own source whose water or air a border station gets
 * @travel_s: from there to the station */
struct config_upstream {
	size_t source;
	double travel_s;
};

struct config_crossing {
	double likely;
	double possible;
	double hysteresis;
	double here_m;
	double reach_m;
	unsigned int covered_percent;
	enum crossing_verdict counts;
	struct config_target *targets;
	struct config_threshold *thresholds;
	struct config_river *rivers;
	struct config_reach *reaches;
	struct config_water *waters;
	struct config_passage *passages;
	struct config_upstream *upstream;
	size_t n_targets;
	size_t n_thresholds;
	size_t n_rivers;
	size_t n_reaches;
	size_t n_waters;
	size_t n_passages;
	size_t n_upstream;
};

/** config_crossing_free() - all that it holds; it itself is the caller's */
void config_crossing_free(struct config_crossing *crossing);

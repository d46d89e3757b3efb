/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/assess.h"
#include "core/river.h"

#define KG_PER_G	  1e-3
#define DISPERSION_FACTOR 4.0  /* Fischer's formula is right within it, see river.h */
#define ELDER		  0.23 /* transverse mixing is 0.23·h·u*, see river.h */
#define TEMPERATURE_C	  20.0 /* where none is known: the decay's own */

/**
 * struct course - the reaches between two places of a river
 * @variance_s2: of a pulse's passing, the sum of 2·E·L/u³
 * @area_m2: cross-section, weighted by length
 * @mixing: the sum of ε·L/(u·W²); mixed across from river_mixing_m()'s place on
 */
struct course {
	double length_m;
	double travel_s[CONFIG_VELOCITIES];
	double variance_s2[CONFIG_VELOCITIES];
	double area_m2;
	double mixing;
	bool has_dispersion;
	bool has_slope;
};

static struct river_section section_of(const struct config_reach *reach, unsigned int velocity)
{
	return (struct river_section){reach->velocity_m_s[velocity], reach->width_m, reach->depth_m,
				      reach->slope};
}

static void add_reach(struct course *course, const struct config_reach *reach, double length_m)
{
	course->length_m += length_m;
	course->area_m2 += reach->width_m * reach->depth_m * length_m;
	for (unsigned int v = 0; v < CONFIG_VELOCITIES; v++) {
		struct river_section section = section_of(reach, v);
		double u = section.velocity_m_s, dispersion = reach->dispersion_m2_s;

		if (!(dispersion > 0) && reach->slope > 0)
			dispersion = river_dispersion_m2_s(&section);
		course->has_dispersion &= dispersion > 0;
		course->travel_s[v] += length_m / u;
		course->variance_s2[v] += 2 * dispersion * length_m / (u * u * u);
	}
	course->has_slope &= reach->slope > 0;
	if (reach->slope > 0) {
		struct river_section section = section_of(reach, 0);

		course->mixing += ELDER * section.depth_m * river_shear_m_s(&section) * length_m /
				  (section.velocity_m_s * section.width_m * section.width_m);
	}
}

static struct course follow(const struct config_crossing *crossing,
			    const struct config_river *river, double from_m, double to_m)
{
	struct course course = {.has_dispersion = true, .has_slope = true};
	double begin = 0;

	for (size_t i = 0; i < river->n_reaches; i++) {
		const struct config_reach *reach = &crossing->reaches[river->first_reach + i];
		double end = begin + reach->length_m;
		double length = fmin(end, to_m) - fmax(begin, from_m);

		if (length > 0)
			add_reach(&course, reach, length);
		begin = end;
	}
	if (course.length_m > 0)
		course.area_m2 /= course.length_m;
	return course;
}

double assess_travel_s(const struct config_crossing *crossing, const struct config_river *river,
		       double from_m, double to_m, unsigned int velocity)
{
	return follow(crossing, river, from_m, to_m).travel_s[velocity];
}

/** pulse_of() - the course as one uniform reach. Return: is there a pulse? */
static bool pulse_of(const struct course *course, unsigned int velocity, double mass_kg,
		     double rate_per_day, double dispersion_factor, struct river_pulse *ret)
{
	double u = course->length_m / course->travel_s[velocity];
	const struct river_spill spill = {
		.mass_kg = mass_kg,
		.area_m2 = course->area_m2,
		.velocity_m_s = u,
		.dispersion_m2_s = dispersion_factor * course->variance_s2[velocity] * u * u * u /
				   (2 * course->length_m),
		.rate_per_day = rate_per_day,
	};

	return course->has_dispersion && river_pulse(&spill, course->length_m, ret) == 0;
}

/* Fischer et al. 1979 §5.1.3: near a steady source in a wide stream the excess is that of complete
 * mixing × 1/√(4π·x'), along the bank of one at the bank twice that; x' = ε·x/(u·W²) */
static double bank_factor(const struct course *course, bool at_bank)
{
	double factor = (at_bank ? 2 : 1) / sqrt(4 * M_PI * course->mixing);

	return course->has_slope && factor > 1 ? factor : 1;
}

struct water {
	double background_mg_l;
	double rate_per_day;
};

static void set_times(const struct river_case *c, const struct course *course,
		      const struct river_pulse pulses[CONFIG_VELOCITIES], bool has_pulse,
		      struct crossing_path *path)
{
	double leading_s = has_pulse ? pulses[1].leading_edge_s : course->travel_s[1];
	double tail_s = has_pulse ? pulses[0].tail_s : course->travel_s[0];

	path->arrival_ms = path->release_ms + (int64_t)(course->travel_s[0] * MS_PER_S);
	path->leading_ms = path->release_ms + (int64_t)(leading_s * MS_PER_S);
	path->tail_ms = path->release_ms + (int64_t)((c->duration_s + tail_s) * MS_PER_S);
	path->peak_ms = has_pulse ? path->release_ms + (int64_t)(pulses[0].peak_s * MS_PER_S) : 0;
}

static void set_inputs(const struct river_case *c, const struct course *course,
		       const struct water *water, double mass_kg, struct crossing_path *path)
{
	const double inputs[CROSSING_INPUTS_MAX] = {
		c->flow_m3_s,
		water->background_mg_l,
		c->discharge_m3_s,
		c->concentration_mg_l,
		course->travel_s[0],
		course->travel_s[1],
		water->rate_per_day,
		isnan(c->temperature_c) ? TEMPERATURE_C : c->temperature_c,
		mass_kg,
		course->has_slope ? course->mixing : (double)NAN,
	};

	for (size_t i = 0; i < CROSSING_INPUTS_MAX; i++)
		path->inputs[i] = inputs[i];
}

static struct water water_of(const struct river_case *c)
{
	double temperature_c = isnan(c->temperature_c) ? TEMPERATURE_C : c->temperature_c;

	if (!c->water)
		return (struct water){0, 0};
	return (struct water){
		c->water->background_mg_l,
		river_rate_per_day(c->water->decay_per_day, c->water->theta, temperature_c)};
}

/* while it goes on the plateau counts, afterwards no more than the pulse of what was let go */
static void set_concentrations(const struct river_case *c, const struct course *course,
			       const struct water *water, double mixed, struct crossing_path *path)
{
	double mass_kg = c->discharge_m3_s * c->concentration_mg_l * c->duration_s * KG_PER_G;
	double rest = river_decay_mg_l(water->background_mg_l, water->rate_per_day,
				       course->travel_s[0]);
	double excess = (mixed - water->background_mg_l) * bank_factor(course, c->at_bank);
	double bank = fmin(water->background_mg_l + excess, fmax(c->concentration_mg_l, mixed));
	struct river_pulse pulses[CONFIG_VELOCITIES], wide;
	bool has_pulse = course->length_m > 0 &&
			 pulse_of(course, 0, mass_kg, water->rate_per_day, 1, &pulses[0]) &&
			 pulse_of(course, 1, mass_kg, water->rate_per_day, 1, &pulses[1]) &&
			 pulse_of(course, 0, mass_kg, water->rate_per_day, DISPERSION_FACTOR,
				  &wide);

	path->central = river_decay_mg_l(mixed, water->rate_per_day, course->travel_s[0]);
	path->high = river_decay_mg_l(bank, water->rate_per_day, course->travel_s[1]);
	path->low = path->central;
	if (has_pulse) {
		path->low = fmin(path->central, rest + wide.peak_mg_l);
		if (c->ended)
			path->central = fmin(path->central, rest + pulses[0].peak_mg_l);
	}
	path->high = fmax(path->high, path->central);
	path->low = fmin(path->low, path->central);
	path->background = rest;
	path->excess = fmax(0, path->central - rest);
	path->excess_high = fmax(0, path->high - river_decay_mg_l(water->background_mg_l,
								  water->rate_per_day,
								  course->travel_s[1]));
	set_times(c, course, pulses, has_pulse, path);
	set_inputs(c, course, water, mass_kg, path);
}

int assess_by_river(const struct river_case *c, struct crossing_path *path)
{
	struct course course = follow(c->crossing, c->river, c->from_m, c->to_m);
	struct water water = water_of(c);
	double place = c->at_bank ? RIVER_MIXING_BANK : RIVER_MIXING_CENTRE, mixed;

	if (c->to_m < c->from_m ||
	    river_mix_mg_l(c->flow_m3_s, water.background_mg_l, c->discharge_m3_s,
			   c->concentration_mg_l, &mixed) < 0)
		return -EDOM;
	path->distance_m = course.length_m;
	set_concentrations(c, &course, &water, mixed, path);
	if (!course.has_slope)
		path->flags |= FLAG_MIXING_UNKNOWN;
	else if (course.mixing < place)
		path->flags |= FLAG_NOT_MIXED;
	if (!course.has_dispersion)
		path->flags |= FLAG_NO_DISPERSION;
	if (!c->ended)
		path->flags |= FLAG_NOT_ENDED;
	if (!c->water)
		path->flags |= FLAG_NO_BACKGROUND;
	return 0;
}

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

/** spill_of() - the course as one uniform reach, where its dispersion is known */
static struct river_spill spill_of(const struct course *course, unsigned int velocity,
				   double rate_per_day, double factor)
{
	double u = course->length_m / course->travel_s[velocity];

	return (struct river_spill){
		.area_m2 = course->area_m2,
		.velocity_m_s = u,
		.dispersion_m2_s = factor * course->variance_s2[velocity] * u * u * u /
				   (2 * course->length_m),
		.rate_per_day = rate_per_day,
	};
}

/** passing() - of the plateau, what a release of @duration_s comes to
 * @factor: on the dispersion; the passing is wider by its root */
static struct river_release passing(const struct course *course, unsigned int velocity,
				    double rate_per_day, double duration_s, double factor)
{
	struct river_release whole = {1, course->travel_s[velocity]};
	struct river_spill spill;
	struct river_unit unit;

	if (!(course->length_m > 0))
		return whole;
	if (course->has_dispersion) {
		spill = spill_of(course, velocity, rate_per_day, factor);
		(void)river_release(&spill, course->length_m, duration_s, &whole);
	} else if (river_unit(course->travel_s[velocity], &unit) == 0) {
		unit.trailing_s = unit.leading_edge_s +
				  sqrt(factor) * (unit.trailing_s - unit.leading_edge_s);
		whole = river_unit_release(&unit, duration_s);
	}
	return whole;
}

/** edges() - when the water of a moment is there first and last */
static void edges(const struct course *course, unsigned int velocity, double rate_per_day,
		  double *ret_leading_s, double *ret_tail_s)
{
	double travel_s = course->travel_s[velocity];
	struct river_spill spill;
	struct river_pulse pulse;
	struct river_unit unit;

	*ret_leading_s = *ret_tail_s = travel_s;
	if (!(course->length_m > 0))
		return;
	spill = spill_of(course, velocity, rate_per_day, 1);
	if (course->has_dispersion && river_pulse(&spill, course->length_m, &pulse) == 0) {
		*ret_leading_s = pulse.leading_edge_s;
		*ret_tail_s = pulse.tail_s;
	} else if (!course->has_dispersion && river_unit(travel_s, &unit) == 0) {
		*ret_leading_s = unit.leading_edge_s;
		*ret_tail_s = unit.trailing_s;
	}
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

static struct water water_of(const struct river_case *c)
{
	double temperature_c = isnan(c->temperature_c) ? TEMPERATURE_C : c->temperature_c;

	if (!c->water)
		return (struct water){0, 0};
	return (struct water){
		c->water->background_mg_l,
		river_rate_per_day(c->water->decay_per_day, c->water->theta, temperature_c)};
}

static void set_times(const struct river_case *c, const struct course *course,
		      const struct water *water, double peak_s, struct crossing_path *path)
{
	double leading_s, tail_s, unused;

	edges(course, 1, water->rate_per_day, &leading_s, &unused);
	edges(course, 0, water->rate_per_day, &unused, &tail_s);
	path->arrival_ms = path->release_ms + (int64_t)(course->travel_s[0] * MS_PER_S);
	path->leading_ms = path->release_ms + (int64_t)(leading_s * MS_PER_S);
	path->tail_ms = path->release_ms + (int64_t)((c->duration_s + tail_s) * MS_PER_S);
	path->peak_ms = path->release_ms + (int64_t)(peak_s * MS_PER_S);
}

static void set_inputs(const struct river_case *c, const struct course *course,
		       const struct water *water, const struct river_let *let,
		       struct crossing_path *path)
{
	const double inputs[CROSSING_INPUTS_MAX] = {
		c->flow_m3_s,	     water->background_mg_l,
		c->discharge_m3_s,   c->concentration_mg_l,
		course->travel_s[0], course->travel_s[1],
		water->rate_per_day, isnan(c->temperature_c) ? TEMPERATURE_C : c->temperature_c,
		let->mass_kg,	     course->has_slope ? course->mixing : (double)NAN,
		let->lasted_s,
	};

	for (size_t i = 0; i < CROSSING_INPUTS_MAX; i++)
		path->inputs[i] = inputs[i];
}

/** struct estimate - of what was let go: what it adds, mixed, and how it passes */
struct estimate {
	struct river_let let;
	struct river_release passing;
	double added_mg_l; /* on the plateau; below 0 where it is cleaner than the river */
};

/** estimate_of() - a mass, as if evenly let go over the time that it took */
static struct estimate estimate_of(const struct river_case *c, const struct course *course,
				   const struct water *water, const struct river_let *let)
{
	double load_g_s = let->mass_kg / KG_PER_G / let->lasted_s, flow = c->flow_m3_s;
	struct estimate estimate = {.let = *let};

	if (!(let->lasted_s > 0))
		load_g_s = c->discharge_m3_s * c->concentration_mg_l;
	estimate.added_mg_l = (load_g_s - c->discharge_m3_s * water->background_mg_l) /
			      (flow + c->discharge_m3_s);
	estimate.passing = passing(course, 0, water->rate_per_day, fmax(let->lasted_s, 0), 1);
	return estimate;
}

/** worse_of() - of all that was let go so far, and of the worst part of it until now */
static struct estimate worse_of(const struct river_case *c, const struct course *course,
				const struct water *water, const struct river_let *let,
				const struct river_let *kept)
{
	struct estimate now = estimate_of(c, course, water, let), then;

	if (!(kept->lasted_s > 0))
		return now;
	then = estimate_of(c, course, water, kept);
	return then.added_mg_l * then.passing.share > now.added_mg_l * now.passing.share ? then
											 : now;
}

static struct estimate worst_estimate(const struct river_case *c, const struct course *course,
				      const struct water *water)
{
	double load_g_s = c->discharge_m3_s * c->concentration_mg_l;
	struct river_let let = {load_g_s * c->duration_s * KG_PER_G, c->duration_s};

	return worse_of(c, course, water, c->let.lasted_s > 0 ? &c->let : &let, &c->kept);
}

/** measured_estimate() - the same of what was measured; nothing was: nothing is added */
static struct estimate measured_estimate(const struct river_case *c, const struct course *course,
					 const struct water *water)
{
	if (c->measured.lasted_s > 0 || c->kept_measured.lasted_s > 0)
		return worse_of(c, course, water,
				c->measured.lasted_s > 0 ? &c->measured : &c->kept_measured,
				&c->kept_measured);
	return (struct estimate){.passing = {.share = 1}};
}

/** most() - of the plateau at high water, how much the upper bound has: all while it goes on,
 * afterwards the mass as if let go at its strongest, and spread as little as may be */
static double most(const struct river_case *c, const struct course *course,
		   const struct water *water, double mass_kg)
{
	double load_g_s = c->discharge_m3_s * c->concentration_mg_l;

	if (!c->ended || !(load_g_s > 0))
		return 1;
	return passing(course, 1, water->rate_per_day,
		       fmin(c->duration_s, mass_kg / KG_PER_G / load_g_s), 1 / DISPERSION_FACTOR)
		.share;
}

/* the estimate is of what was let go so far; if it goes on, it comes to the plateau */
static void set_concentrations(const struct river_case *c, const struct course *course,
			       const struct water *water, double mixed, struct crossing_path *path)
{
	struct estimate estimate = worst_estimate(c, course, water);
	struct estimate measured = measured_estimate(c, course, water);
	/* in the gaps of a sum there is no clean water either */
	double sure = fmax(measured.added_mg_l, fmin(0, estimate.added_mg_l));
	double left = river_decay_mg_l(1, water->rate_per_day, course->travel_s[0]);
	double left_high = river_decay_mg_l(1, water->rate_per_day, course->travel_s[1]);
	double excess = (mixed - water->background_mg_l) * bank_factor(course, c->at_bank);
	double bank = fmin(water->background_mg_l + excess, fmax(c->concentration_mg_l, mixed));
	double added = estimate.added_mg_l * left;
	double wide = passing(course, 0, water->rate_per_day, measured.let.lasted_s,
			      DISPERSION_FACTOR)
			      .share;

	path->background = water->background_mg_l * left;
	path->central = path->background + added * estimate.passing.share;
	path->low = fmin(path->central, path->background + sure * left * wide);
	path->excess = fmax(0, added * estimate.passing.share);
	path->measured = fmin(path->excess, fmax(0, sure * left * measured.passing.share));
	path->excess_high = fmax(0, (bank - water->background_mg_l) * left_high *
					    most(c, course, water, estimate.let.mass_kg));
	path->high = water->background_mg_l * left_high + path->excess_high;
	path->excess_high = fmax(path->excess_high, path->excess);
	path->high = fmax(path->high, path->central);
	set_times(c, course, water, estimate.passing.peak_s, path);
	set_inputs(c, course, water, &estimate.let, path);
	path->inputs[INPUT_MEASURED] = measured.let.mass_kg;
	path->inputs[INPUT_MEASURED_IN] = measured.let.lasted_s;
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

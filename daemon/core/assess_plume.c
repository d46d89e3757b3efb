/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/assess.h"

#define DEG	     (M_PI / 180)
#define NEUTRAL	     PLUME_D
#define REACH_STEPS  64
#define SAMPLING_S   ((double)ASSESS_AIR_MS / MS_PER_S)
#define REACH_FROM_M PLUME_NEAR_M

/** struct plume_air - the release in each class of the air: wind at its height, and its rise */
struct plume_air {
	const struct plume_case *c;
	struct plume_release release;
	struct plume_rise rise[PLUME_STABILITIES];
	double wind_m_s[PLUME_STABILITIES];
	enum plume_stability central;
	enum plume_stability first; /* of the bounds */
	enum plume_stability last;
};

/** struct plume_found - the worst of the points so far */
struct plume_found {
	const struct plume_air *air;
	double bearing_deg;
	double central;
	double low;
	double high;
	struct plume_answer answer; /* at the central estimate's point */
	struct boundary_hit hit;
	double across_m;
	size_t n;
};

static int prepare(const struct plume_case *c, struct plume_air *ret)
{
	unsigned int class = c->stability;

	*ret = (struct plume_air){.c = c, .central = NEUTRAL, .first = PLUME_A, .last = PLUME_F};
	ret->release = (struct plume_release){c->rate_g_s, c->stack.height_m,
					      c->has_stack ? &c->stack : NULL};
	if (class > 0) {
		ret->central = (enum plume_stability)(class - 1);
		ret->first = class > 1 ? (enum plume_stability)(class - 2) : PLUME_A;
		ret->last = class < PLUME_STABILITIES ? (enum plume_stability) class : PLUME_F;
	}
	for (int i = 0; i < PLUME_STABILITIES; i++) {
		enum plume_stability stability = (enum plume_stability)i;

		ret->wind_m_s[i] = plume_wind_m_s(c->wind_m_s, c->stack.height_m, stability, NULL);
		if (c->has_stack &&
		    plume_rise(&c->stack, ret->wind_m_s[i], stability, &ret->rise[i]) < 0)
			return -EDOM;
	}
	return 0;
}

static struct plume_answer answer_at(const struct plume_air *air, enum plume_stability stability,
				     double x_m, double y_m)
{
	const struct plume_receptor receptor = {.x_m = x_m, .y_m = y_m};
	struct plume_answer answer;

	plume_at(&air->release, air->release.stack ? &air->rise[stability] : NULL,
		 air->wind_m_s[stability], stability, &receptor, &answer);
	return answer;
}

/** bounds_at() - lowest and highest of the classes at a place */
static void bounds_at(const struct plume_air *air, double x_m, double y_m, double *ret_low,
		      double *ret_high)
{
	double low = (double)INFINITY, high = 0;

	for (int i = (int)air->first; i <= (int)air->last; i++) {
		double value = answer_at(air, (enum plume_stability)i, x_m, y_m)
				       .concentration_ug_m3;

		low = fmin(low, value);
		high = fmax(high, value);
	}
	if (ret_low)
		*ret_low = low;
	if (ret_high)
		*ret_high = high;
}

/* The direction is known to ± 22.5° at best: the upper bound is that of the axis turned towards
 * the point. The central estimate is off the axis where the direction is measured. */
static void look(void *userdata, const struct boundary_hit *hit)
{
	struct plume_found *found = userdata;
	const struct plume_air *air = found->air;
	double off = air->c->direction_sure && hit->has_bearing
			     ? (hit->bearing_deg - found->bearing_deg) * DEG
			     : 0;
	double x = hit->distance_m * cos(off), y = hit->distance_m * sin(off), high;
	struct plume_answer answer = answer_at(air, air->central, x, y);

	bounds_at(air, hit->distance_m, 0, NULL, &high);
	found->high = fmax(found->high, high);
	if (found->n++ > 0 && answer.concentration_ug_m3 <= found->central)
		return;
	found->central = answer.concentration_ug_m3;
	found->answer = answer;
	found->hit = *hit;
	found->across_m = y;
}

static double turn(double degrees)
{
	double rest = fmod(degrees, 360);

	return rest < 0 ? rest + 360 : rest;
}

/** is_inside() - is a direction within the sector? */
static bool is_inside(double bearing_deg, double middle_deg, double half_deg)
{
	return fabs(remainder(bearing_deg - middle_deg, 360)) <= half_deg;
}

static int nearest(struct boundary_point place, const struct config_target *target,
		   struct boundary_hit *ret)
{
	struct boundary_hit hit = {.point = target->place};
	double lat1 = place.lat_deg * DEG, lat2 = target->place.lat_deg * DEG;
	double dlon = (target->place.lon_deg - place.lon_deg) * DEG, a;

	if (isnan(place.lat_deg) || (!target->line && isnan(target->place.lat_deg)))
		return -ENOENT;
	if (target->line)
		return boundary_nearest(target->line, place, ret) < 0 ? -ENOENT : 0;
	/* haversine: right for near places, too */
	a = pow(sin((lat2 - lat1) / 2), 2) + cos(lat1) * cos(lat2) * pow(sin(dlon / 2), 2);
	hit.distance_m = 2 * BOUNDARY_RADIUS_M * asin(sqrt(fmin(1, a)));
	hit.has_bearing = hit.distance_m > 0;
	hit.bearing_deg = turn(atan2(sin(dlon) * cos(lat2),
				     cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(dlon)) /
			       DEG);
	*ret = hit;
	return 0;
}

static void set_hit(struct crossing_path *path, const struct boundary_hit *hit)
{
	path->distance_m = hit->distance_m;
	path->bearing_deg = hit->has_bearing ? hit->bearing_deg : (double)NAN;
	path->point = hit->point;
}

int assess_nearest(struct boundary_point place, const struct config_target *target,
		   struct crossing_path *path)
{
	struct boundary_hit hit;
	int r = nearest(place, target, &hit);

	if (r == 0)
		set_hit(path, &hit);
	return r;
}

void assess_lasted(struct crossing_path *path, double lasted_s)
{
	double steady = path->inputs[INPUT_STEADY], part = 1;
	double least_s = fmax(path->inputs[INPUT_WAY], SAMPLING_S);

	path->inputs[INPUT_LASTED] = lasted_s;
	if (isnan(steady))
		return;
	path->flags &= ~FLAG_SHORT;
	if (lasted_s < least_s) {
		part = lasted_s / least_s;
		path->flags |= FLAG_SHORT;
	}
	path->low = path->central > 0 ? path->low * part * steady / path->central : 0;
	path->central = path->excess = path->measured = part * steady;
}

void assess_measured(struct crossing_path *path, unsigned int covered_percent)
{
	double share = path->inputs[INPUT_MEASURED_RATE] / path->inputs[INPUT_RATE];

	share = share < 1 ? fmax(share, 0) : 1; /* of a rate of 0 all */
	path->measured = path->excess;
	if (!(path->flags & (FLAG_FILLED | FLAG_FLOW_OLD | FLAG_CONCENTRATION_OLD)))
		return;
	path->low *= share;
	if (path->flags & (FLAG_FLOW_OLD | FLAG_CONCENTRATION_OLD) ||
	    path->covered_percent < covered_percent)
		path->measured *= share;
}

static void set_inputs(const struct plume_case *c, const struct plume_found *found,
		       double bearing_deg, struct crossing_path *path)
{
	const double kelvin = 273.15;
	const double inputs[CROSSING_INPUTS_MAX] = {
		c->rate_g_s,
		c->wind_m_s,
		turn(bearing_deg + 180),
		found->air->central + 1,
		c->stack.height_m,
		found->n > 0 ? found->answer.effective_height_m : (double)NAN,
		c->has_stack ? c->stack.exit_velocity_m_s : (double)NAN,
		c->has_stack ? c->stack.exit_temperature_k - kelvin : (double)NAN,
		c->has_stack ? c->stack.air_temperature_k - kelvin : (double)NAN,
		found->n > 0 ? found->across_m : (double)NAN,
		c->lasted_s,
		found->n > 0 ? found->central : (double)NAN,
		found->n > 0 ? found->hit.distance_m / found->air->wind_m_s[found->air->central]
			     : (double)NAN,
		c->measured_g_s,
	};

	for (size_t i = 0; i < CROSSING_INPUTS_MAX; i++)
		path->inputs[i] = inputs[i];
}

static void set_found(const struct plume_found *found, struct crossing_path *path)
{
	const struct plume_answer *answer = &found->answer;
	double off = found->across_m, along = found->hit.distance_m;

	set_hit(path, &found->hit);
	path->central = found->central;
	path->high = fmax(found->high, found->central);
	bounds_at(found->air, sqrt(fmax(0, along * along - off * off)), off, &path->low, NULL);
	path->low = fmin(path->low, path->central);
	path->excess = path->central; /* no background of the air is known */
	path->excess_high = path->high;
	if (answer->is_near)
		path->flags |= FLAG_NEAR;
	if (answer->is_extrapolated)
		path->flags |= FLAG_EXTRAPOLATED;
	path->arrival_ms = path->release_ms + (int64_t)(path->inputs[INPUT_WAY] * MS_PER_S);
	path->leading_ms = path->arrival_ms;
	assess_lasted(path, found->air->c->lasted_s);
}

int assess_by_air(const struct plume_case *c, const struct config_target *target,
		  struct crossing_path *path)
{
	struct plume_air air;
	struct plume_found found = {.air = &air};
	struct boundary_hit hit;
	int r = prepare(c, &air);

	if (r == 0)
		r = nearest(c->place, target, &hit);
	if (r != 0)
		return r;
	if (c->wind_m_s < PLUME_WIND_MIN_M_S)
		path->flags |= FLAG_CALM;
	if (c->has_stack && c->stack.exit_temperature_k < c->stack.air_temperature_k)
		path->flags |= FLAG_COLD;
	found.bearing_deg = isnan(c->wind_from_deg) ? hit.bearing_deg
						    : turn(c->wind_from_deg + 180);
	if (target->line) {
		const struct boundary_sector sector = {
			found.bearing_deg, isnan(c->wind_from_deg) ? 180 : ASSESS_SECTOR_DEG,
			c->reach_m};

		(void)boundary_walk(target->line, c->place, &sector, ASSESS_STEP_M, look, &found,
				    NULL);
	} else if (hit.distance_m <= c->reach_m &&
		   (!hit.has_bearing ||
		    is_inside(hit.bearing_deg, found.bearing_deg, ASSESS_SECTOR_DEG))) {
		look(&found, &hit);
	}
	set_inputs(c, &found, found.bearing_deg, path);
	if (found.n > 0) {
		set_found(&found, path);
		return 0;
	}
	set_hit(path, &hit);
	path->central = path->low = path->high = path->excess = path->excess_high = 0;
	path->measured = 0;
	path->flags |= FLAG_NOT_DOWNWIND;
	return 0;
}

double assess_plume_reach_m(const struct plume_case *c, double ug_m3)
{
	struct plume_air air;
	double reach = 0, factor = pow(c->reach_m / REACH_FROM_M, 1.0 / REACH_STEPS);

	if (prepare(c, &air) < 0)
		return 0;
	for (int i = 0; i <= REACH_STEPS; i++) {
		double x = REACH_FROM_M * pow(factor, i), high;

		bounds_at(&air, x, 0, NULL, &high);
		if (high >= ug_m3)
			reach = x;
	}
	return reach;
}

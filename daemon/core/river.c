/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/river.h"

#define G_PER_KG     1000.0
#define NEARLY_EQUAL 1e-5 /* kr and kd, relative: below it the limit has more right digits */
#define FISCHER	     0.011
#define ELDER	     0.23
#define EDGE_SIGMAS  2
#define PLATEAU_SIGMAS \
	6 /* later than this after the middle of a pulse less than 10⁻⁸ of it comes */
#define PLATEAU_TAILS 20
#define HALVINGS      64   /* of an interval: beyond it a double has no more digits */
#define ERFC_MOST     25.0 /* exp(z²) and erfc(z) are in the range of a double up to there */
#define S_PER_HOUR    3600.0
#define UNIT_PEAK     1025.0 /* Jobson 1996 */
#define UNIT_POWER    (-0.887)
#define UNIT_EDGE     0.890
#define UNIT_AREA     2e6

int river_mix_mg_l(double flow_m3_s, double background_mg_l, double discharge_m3_s,
		   double concentration_mg_l, double *ret)
{
	double flow = flow_m3_s + discharge_m3_s;

	if (!(flow > 0))
		return -EDOM;
	/* as shares, so that no product can leave the range of a double */
	*ret = discharge_m3_s / flow * concentration_mg_l + flow_m3_s / flow * background_mg_l;
	return 0;
}

int river_travel_s(const struct river_reach *reaches, size_t n, double *ret)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(reaches[i].velocity_m_s > 0) || !(reaches[i].length_m >= 0))
			return -EDOM;
		sum += reaches[i].length_m / reaches[i].velocity_m_s;
	}
	if (!isfinite(sum))
		return -EDOM;
	*ret = sum;
	return 0;
}

double river_rate_per_day(double rate20_per_day, double theta, double temperature_c)
{
	return rate20_per_day * pow(theta, temperature_c - 20);
}

double river_decay_mg_l(double concentration_mg_l, double rate_per_day, double travel_s)
{
	return concentration_mg_l * exp(-rate_per_day * (travel_s / RIVER_SECONDS_PER_DAY));
}

double river_deficit_mg_l(const struct river_oxygen *oxygen, double travel_s)
{
	double kd = oxygen->decay_per_day, kr = oxygen->reaeration_per_day;
	double t = travel_s / RIVER_SECONDS_PER_DAY;

	if (fabs(kr - kd) <= NEARLY_EQUAL * kr)
		return (kd * t * oxygen->demand_mg_l + oxygen->deficit_mg_l) * exp(-kd * t);
	return kd * oxygen->demand_mg_l / (kr - kd) * (exp(-kd * t) - exp(-kr * t)) +
	       oxygen->deficit_mg_l * exp(-kr * t);
}

void river_sag(const struct river_oxygen *oxygen, double *ret_s, double *ret_deficit_mg_l)
{
	double kd = oxygen->decay_per_day, kr = oxygen->reaeration_per_day;
	double demand = kd * oxygen->demand_mg_l, days = 0;

	if (demand > 0 && fabs(kr - kd) <= NEARLY_EQUAL * kr) {
		days = 1 / kd - oxygen->deficit_mg_l / demand;
	} else if (demand > 0) {
		double ratio = kr / kd * (1 - oxygen->deficit_mg_l * (kr - kd) / demand);

		/* no extreme where it is not positive: the deficit shrinks from the start */
		days = ratio > 0 ? log(ratio) / (kr - kd) : 0;
	}
	*ret_s = fmax(days, 0) * RIVER_SECONDS_PER_DAY;
	*ret_deficit_mg_l = river_deficit_mg_l(oxygen, *ret_s);
}

double river_sag_deficit_mg_l(const struct river_oxygen *oxygen, double critical_s)
{
	return river_decay_mg_l(oxygen->decay_per_day / oxygen->reaeration_per_day *
					oxygen->demand_mg_l,
				oxygen->decay_per_day, critical_s);
}

double river_spill_mg_l(const struct river_spill *spill, double distance_m, double after_s)
{
	double spread = 4 * spill->dispersion_m2_s * after_s, off;

	if (!(spread > 0))
		return 0;
	off = distance_m - spill->velocity_m_s * after_s;
	return spill->mass_kg * G_PER_KG / (spill->area_m2 * sqrt(M_PI * spread)) *
	       exp(-off * off / spread - spill->rate_per_day * (after_s / RIVER_SECONDS_PER_DAY));
}

int river_pulse(const struct river_spill *spill, double distance_m, struct river_pulse *ret)
{
	double u = spill->velocity_m_s, e = spill->dispersion_m2_s, x = distance_m;
	double square = u * u + 4 * e * spill->rate_per_day / RIVER_SECONDS_PER_DAY;
	struct river_pulse pulse;

	if (!(u > 0) || !(e > 0) || !(x > 0) || !(spill->area_m2 > 0) || !(spill->mass_kg >= 0) ||
	    !(spill->rate_per_day >= 0))
		return -EDOM;
	pulse.travel_s = x / u;
	pulse.sigma_s = sqrt(2 * e * pulse.travel_s) / u;
	pulse.leading_edge_s = fmax(0, pulse.travel_s - EDGE_SIGMAS * pulse.sigma_s);
	pulse.tail_s = pulse.travel_s + EDGE_SIGMAS * pulse.sigma_s;
	/* the root that loses no digits where x²·(u²+4Ek) is small against E² */
	pulse.peak_s = x / (e / x + sqrt(e / x * (e / x) + square));
	pulse.peak_mg_l = river_spill_mg_l(spill, x, pulse.peak_s);
	if (!isfinite(pulse.tail_s) || !isfinite(pulse.peak_mg_l))
		return -EDOM;
	*ret = pulse;
	return 0;
}

/** erfcx() - exp(z²)·erfc(z), of large z by its series (Abramowitz and Stegun 7.1.23) */
static double erfcx(double z)
{
	double square = z * z;

	if (z < ERFC_MOST)
		return exp(square) * erfc(z);
	return (1 - 1 / (2 * square) + 3 / (4 * square * square)) / (z * sqrt(M_PI));
}

double river_share(const struct river_spill *spill, double distance_m, double after_s)
{
	double u = spill->velocity_m_s, e = spill->dispersion_m2_s, below, width;
	double gamma = sqrt(u * u + 4 * e * spill->rate_per_day / RIVER_SECONDS_PER_DAY);

	if (!(after_s > 0))
		return 0;
	width = 2 * sqrt(e * after_s);
	below = (distance_m - gamma * after_s) / width;
	return (erfc(below) - exp(-below * below) * erfcx((distance_m + gamma * after_s) / width)) /
	       2;
}

int river_release(const struct river_spill *spill, double distance_m, double duration_s,
		  struct river_release *ret)
{
	struct river_spill unit = *spill;
	struct river_pulse pulse;
	double low, high;
	int r;

	unit.mass_kg = 1;
	r = river_pulse(&unit, distance_m, &pulse);
	if (r == 0 && !(duration_s >= 0))
		r = -EDOM;
	if (r < 0)
		return r;
	low = pulse.peak_s;
	/* a normal curve, and near the source its tail, exp(-u²·t/4E) */
	high = low + fmin(duration_s, PLATEAU_SIGMAS * pulse.sigma_s +
					      PLATEAU_TAILS * 4 * unit.dispersion_m2_s /
						      (unit.velocity_m_s * unit.velocity_m_s));
	for (int i = 0; i < HALVINGS; i++) {
		double middle = low + (high - low) / 2;

		if (river_spill_mg_l(&unit, distance_m, middle) >
		    river_spill_mg_l(&unit, distance_m, middle - duration_s))
			low = middle;
		else
			high = middle;
	}
	*ret = (struct river_release){
		.share = fmax(0, river_share(spill, distance_m, high) -
					 river_share(spill, distance_m, high - duration_s)),
		.peak_s = high,
	};
	return 0;
}

int river_unit(double travel_s, struct river_unit *ret)
{
	struct river_unit unit = {.peak_s = travel_s};

	if (!(travel_s > 0) || !isfinite(travel_s))
		return -EDOM;
	unit.unit_peak = UNIT_PEAK * pow(travel_s / S_PER_HOUR, UNIT_POWER);
	unit.leading_edge_s = UNIT_EDGE * travel_s;
	unit.trailing_s = fmax(travel_s, unit.leading_edge_s + UNIT_AREA / unit.unit_peak);
	*ret = unit;
	return 0;
}

struct river_release river_unit_release(const struct river_unit *unit, double duration_s)
{
	double base = unit->trailing_s - unit->leading_edge_s;
	double part = fmin(1, duration_s / base);

	return (struct river_release){
		.share = 1 - (1 - part) * (1 - part),
		.peak_s = unit->peak_s + part * (unit->trailing_s - unit->peak_s),
	};
}

double river_shear_m_s(const struct river_section *section)
{
	return sqrt(RIVER_GRAVITY_M_S2 * section->depth_m * section->slope);
}

double river_dispersion_m2_s(const struct river_section *section)
{
	double across = section->velocity_m_s * section->width_m;

	return FISCHER * across * across / (section->depth_m * river_shear_m_s(section));
}

double river_mixing_m(const struct river_section *section, double place, double distance_m,
		      bool *is_mixed)
{
	double transverse = ELDER * section->depth_m * river_shear_m_s(section);
	double length = place * section->velocity_m_s * section->width_m * section->width_m /
			transverse;

	if (is_mixed)
		*is_mixed = distance_m >= length;
	return length;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * river.h - screening of what a discharge does to a river downstream
 *
 * Pure: no clock, no I/O, no allocation. 1 mg/L is 1 g/m³. Every function takes finite numbers
 * inside the ranges stated; its result is finite, or it says otherwise.
 *
 * Sources: Thomann and Mueller 1987, Principles of Surface Water Quality Modeling and Control
 * (mixing, decay, oxygen); Streeter and Phelps 1925, US Public Health Bulletin 146; Taylor 1954,
 * Proc. Royal Society A 223:446 (dispersed pulse); Fischer 1975, Journal of the Environmental
 * Engineering Division ASCE 101:453, and Fischer et al. 1979, Mixing in Inland and Coastal
 * Waters (dispersion); Elder 1959, Journal of Fluid Mechanics 5:544 (transverse mixing); Ogata and
 * Banks 1961, USGS Professional Paper 411-A (a release that goes on); Jobson 1996, USGS
 * Water-Resources Investigations Report 96-4013 (unit peaks, where no dispersion is known).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RIVER_GRAVITY_M_S2     9.80665
#define RIVER_THETA_BOD	       1.047 /* of the decay of organic matter, 20 °C */
#define RIVER_THETA_REAERATION 1.024
#define RIVER_SECONDS_PER_DAY  86400.0

/* Fischer et al. 1979: 0.1 for an outfall in mid-stream, 0.4 for one at the bank */
#define RIVER_MIXING_CENTRE 0.1
#define RIVER_MIXING_BANK   0.4

/** struct river_reach - a stretch with one velocity */
struct river_reach {
	double length_m;
	double velocity_m_s;
};

/**
 * river_mix_mg_l() - concentration after complete mixing, (Qe·Ce + Qr·Cr)/(Qe + Qr)
 * Flows and concentrations 0 or more.
 *
 * Return: 0; -EDOM nothing flows.
 */
int river_mix_mg_l(double flow_m3_s, double background_mg_l, double discharge_m3_s,
		   double concentration_mg_l, double *ret);

/**
 * river_travel_s() - time through the reaches, the sum of length/velocity
 *
 * Return: 0; -EDOM the water of a reach stands still; *ret is then untouched.
 */
int river_travel_s(const struct river_reach *reaches, size_t n, double *ret);

/** river_rate_per_day() - a rate at a temperature, k20·θ^(T-20) */
double river_rate_per_day(double rate20_per_day, double theta, double temperature_c);

/** river_decay_mg_l() - what is left after first-order decay, C·exp(-k·t) */
double river_decay_mg_l(double concentration_mg_l, double rate_per_day, double travel_s);

/** struct river_oxygen - Streeter-Phelps: demand decays with kd, air gives back with kr */
struct river_oxygen {
	double demand_mg_l;  /* ultimate BOD after mixing, L0 */
	double deficit_mg_l; /* against saturation after mixing, D0; negative: supersaturated */
	double decay_per_day;
	double reaeration_per_day; /* positive */
};

/**
 * river_deficit_mg_l() - D = kd·L0/(kr-kd)·(e^(-kd·t) - e^(-kr·t)) + D0·e^(-kr·t), and its limit
 *   (kd·t·L0 + D0)·e^(-kd·t) where kr is kd
 */
double river_deficit_mg_l(const struct river_oxygen *oxygen, double travel_s);

/**
 * river_sag() - when and how large the largest deficit is
 *
 * tc = ln{(kr/kd)·[1 - D0·(kr-kd)/(kd·L0)]}/(kr-kd), 0 where the deficit only shrinks.
 */
void river_sag(const struct river_oxygen *oxygen, double *ret_s, double *ret_deficit_mg_l);

/** river_sag_deficit_mg_l() - Dc = (kd/kr)·L0·e^(-kd·tc) for a critical time stated elsewhere; it
 *   is river_deficit_mg_l() at the true critical time only */
double river_sag_deficit_mg_l(const struct river_oxygen *oxygen, double critical_s);

/** struct river_spill - a mass let go at once into a uniform river, well mixed across */
struct river_spill {
	double mass_kg;
	double area_m2;		/* wetted cross-section; positive */
	double velocity_m_s;	/* positive */
	double dispersion_m2_s; /* longitudinal; positive */
	double rate_per_day;	/* decay at the river's temperature, 0 none */
};

/**
 * struct river_pulse - a spill passing a place
 * @leading_edge_s, @tail_s: x/u - 2σ, 0 at least, and x/u + 2σ; σ = √(2·E·x/u)/u. Between them
 *   passes the most (about 95 %) of it; the first trace is earlier.
 * @peak_s:  of the largest concentration at the place, which is somewhat before x/u because the
 *   pulse spreads and decays while it passes
 */
struct river_pulse {
	double travel_s; /* x/u */
	double sigma_s;
	double leading_edge_s;
	double peak_s;
	double tail_s;
	double peak_mg_l;
};

/**
 * river_spill_mg_l() - M/(A·√(4π·E·t))·exp(-(x-u·t)²/(4·E·t) - k·t)
 *
 * Return: the concentration; 0 for @after_s not above 0
 */
double river_spill_mg_l(const struct river_spill *spill, double distance_m, double after_s);

/**
 * river_pulse() - how a spill passes a place
 * @distance_m: positive; at 0 the concentration has no bound
 *
 * The peak is the maximum over time of river_spill_mg_l(), where its derivative is 0:
 * (u² + 4·E·k)·t² + 2·E·t - x² = 0.
 *
 * Return: 0; -EDOM an argument is outside its range.
 */
int river_pulse(const struct river_spill *spill, double distance_m, struct river_pulse *ret);

/**
 * river_share() - of the plateau that a steady release comes to, how much is reached when it has
 *   lasted @after_s
 *
 * The pulse of river_spill_mg_l(), summed over the time of the release, in closed form (as Ogata
 * and Banks 1961 have it, with decay): with Γ = √(u² + 4·E·k) and z± = (x ± Γ·t)/(2·√(E·t))
 *   ½·[erfc(z-) - exp(-z-²)·erfcx(z+)],  erfcx(z) = exp(z²)·erfc(z)
 *
 * Return: 0 to 1; arguments as river_pulse() has them
 */
double river_share(const struct river_spill *spill, double distance_m, double after_s);

/** struct river_release - how a release of some length passes a place
 * @share: of the plateau, at the highest
 * @peak_s: when that is, after it began
 */
struct river_release {
	double share;
	double peak_s;
};

/**
 * river_release() - a release of @duration_s: its highest is where the pulse of its last moment
 *   is as strong there as that of its first
 * @spill: its mass does not matter
 *
 * Return: 0; -EDOM an argument is outside its range.
 */
int river_release(const struct river_spill *spill, double distance_m, double duration_s,
		  struct river_release *ret);

/**
 * struct river_unit - how a spill passes a place where nothing but its travel time is known
 * @unit_peak: concentration × flow / mass, 10⁻⁶ s⁻¹
 * @trailing_s: at which it has fallen to a tenth of the peak
 */
struct river_unit {
	double unit_peak;
	double leading_edge_s;
	double peak_s;
	double trailing_s;
};

/**
 * river_unit() - Jobson 1996: 1025·T^-0.887 (T in hours), leading edge at 0.890·T (eq. 18), from
 *   there 2·10⁶/unit peak seconds to a tenth of the peak (eq. 19)
 * @travel_s: of the peak
 *
 * Regressions over about 100 rivers in the United States, travel times of hours to weeks. Numbers
 * as in the program of the USGS that cites the report (TravelTimeAgent); the report itself was not
 * seen [M].
 * Return: 0; -EDOM @travel_s is not positive.
 */
int river_unit(double travel_s, struct river_unit *ret);

/**
 * river_unit_release() - the same of a release of @duration_s
 *
 * The passing is taken for a triangle. Eq. 19 makes its area one, so that no mass is lost: what
 * the best window of @duration_s has of it is 1 - (1 - duration/base)².
 */
struct river_release river_unit_release(const struct river_unit *unit, double duration_s);

/** struct river_section - a channel's shape, all positive */
struct river_section {
	double velocity_m_s;
	double width_m;
	double depth_m;
	double slope; /* m per m */
};

/** river_shear_m_s() - u* = √(g·h·S) */
double river_shear_m_s(const struct river_section *section);

/** river_dispersion_m2_s() - Fischer's E = 0.011·u²·W²/(h·u*), right within a factor of 4 or so */
double river_dispersion_m2_s(const struct river_section *section);

/**
 * river_mixing_m() - length until mixed across, k·u·W²/ε with ε = 0.23·h·u* (Elder)
 * @place: RIVER_MIXING_CENTRE to RIVER_MIXING_BANK
 * @distance_m: where the answer is wanted
 * @is_mixed: whether @distance_m reaches it; where not, complete mixing is a lower bound of the
 *   concentration along the bank. May be NULL.
 */
double river_mixing_m(const struct river_section *section, double place, double distance_m,
		      bool *is_mixed);

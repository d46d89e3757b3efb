/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plume.h - screening of what a steady release into the air does downwind
 *
 * Pure: no clock, no I/O, no allocation. x is metres downwind, y across, z above the ground.
 *
 * Sources: EPA 1995, User's Guide for the Industrial Source Complex (ISC3) Dispersion Models,
 * vol. 2, EPA-454/B-95-003b ("ISC3": rise §1.1.4, downwash §1.1.4.1, wind §1.1.3, Gaussian
 * equation §1.1.1 with reflection at the ground); Briggs 1973, Diffusion Estimation for Small
 * Emissions, NOAA ATDL-106 (dispersion over open country); Briggs 1969, Plume Rise, USAEC;
 * Irwin 1979, Atmospheric Environment 13:191 (wind profile exponents, rural).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PLUME_GRAVITY_M_S2 9.80616
#define PLUME_WIND_MIN_M_S 1.0	   /* ISC3 §1.1.3: the model is not made for less */
#define PLUME_NEAR_M	   100.0   /* Briggs 1973: fitted from here */
#define PLUME_FAR_M	   10000.0 /* to here; beyond it the formulas are extrapolated */
#define PLUME_UG_PER_G	   1e6

/** enum plume_stability - Pasquill's classes: A very unstable, D neutral, F moderately stable */
enum plume_stability {
	PLUME_A,
	PLUME_B,
	PLUME_C,
	PLUME_D,
	PLUME_E,
	PLUME_F,
};
#define PLUME_STABILITIES 6

/** plume_wind_m_s() - wind at a height from that at 10 m, u10·(z/10)^p, u10 below 10 m; 1 m/s
 *   at least (@is_calm says that it was less; may be NULL) */
double plume_wind_m_s(double wind10_m_s, double height_m, enum plume_stability stability,
		      bool *is_calm);

/** plume_sigma() - standard deviations of the plume across and upwards, Briggs rural; 0 at x 0 */
void plume_sigma(enum plume_stability stability, double x_m, double *ret_y_m, double *ret_z_m);

/** struct plume_stack - all positive */
struct plume_stack {
	double height_m;
	double diameter_m;
	double exit_velocity_m_s;
	double exit_temperature_k;
	double air_temperature_k;
};

/**
 * struct plume_rise - how gas from a stack rises
 * @is_momentum: by its speed, else by its warmth (ISC3: what is warmer than the air by more than
 *   the crossover difference)
 * @is_cold:     colder than the air: Fb is taken as 0; that such gas sinks is not in this model
 * @downwash_m:  by how much the stack counts as lower, 0 or more; vs < 1.5·u
 */
struct plume_rise {
	double buoyancy_m4_s3;	 /* Fb = g·vs·d²·(Ts-Ta)/(4·Ts), 0 at least */
	double momentum_m4_s2;	 /* Fm = vs²·d²·Ta/(4·Ts) */
	double stability_per_s2; /* s = (g/Ta)·dθ/dz; 0 in unstable and neutral air */
	double wind_m_s;
	double velocity_ratio; /* β = 1/3 + u/vs */
	double final_m;
	double final_distance_m;
	double downwash_m;
	bool is_momentum;
	bool is_cold;
};

/**
 * plume_rise() - the rise of a stack's gas
 * @wind_m_s: at the top of the stack; positive
 *
 * The crossover differences are those of ISC3 eq. 1-8 to 1-10: 0.0297·Ts·vs^⅓/d^⅔,
 * 0.00575·Ts·vs^⅔/d^⅓ and 0.019582·Ts·vs·√s, at which both kinds of rise are equal.
 * dθ/dz is 0.020 K/m (E) and 0.035 K/m (F).
 *
 * Return: 0; -EDOM an argument is not positive or not finite.
 */
int plume_rise(const struct plume_stack *stack, double wind_m_s, enum plume_stability stability,
	       struct plume_rise *ret);

/** plume_rise_m() - the rise at a distance; the final one from final_distance_m on (ISC3 §1.1.4.7:
 *   1.60·(Fb·x²/u³)^⅓ for warmth, eq. 1-22 to 1-25 for speed) */
double plume_rise_m(const struct plume_rise *rise, double x_m);

/** struct plume_release - what leaves, and from where */
struct plume_release {
	double rate_g_s;
	double height_m;		 /* of the release; with @stack: not used */
	const struct plume_stack *stack; /* NULL: none, @height_m is the effective height */
};

/** struct plume_receptor - @sigma_y_m and @sigma_z_m: 0 for those of the stability class */
struct plume_receptor {
	double x_m;
	double y_m;
	double z_m;
	double sigma_y_m;
	double sigma_z_m;
};

/** struct plume_answer - at a receptor */
struct plume_answer {
	double sigma_y_m;
	double sigma_z_m;
	double rise_m; /* at that distance */
	double effective_height_m;
	double concentration_ug_m3;
	double arrival_s; /* x/u */
	bool is_near;	  /* nearer than the dispersion formulas hold; upwind too */
	bool is_extrapolated;
};

/**
 * plume_gauss_ug_m3() - Q/(2π·u·σy·σz)·exp(-y²/2σy²)·[exp(-(z-H)²/2σz²) + exp(-(z+H)²/2σz²)]
 * σ and wind positive.
 */
double plume_gauss_ug_m3(double rate_g_s, double wind_m_s, double height_m,
			 const struct plume_receptor *receptor);

/**
 * plume_at() - one stability class, one receptor
 * @rise: plume_rise() of @release's stack with this wind and class; NULL without a stack
 * @wind_m_s: at the height of the release, PLUME_WIND_MIN_M_S or more
 *
 * Upwind and at the source itself (x_m not above 0) the concentration and the arrival are 0.
 */
void plume_at(const struct plume_release *release, const struct plume_rise *rise, double wind_m_s,
	      enum plume_stability stability, const struct plume_receptor *receptor,
	      struct plume_answer *ret);

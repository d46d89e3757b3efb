/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/plume.h"

#define PROFILE_HEIGHT_M 10.0
#define DEG		 (M_PI / 180)
#define LARGE_BUOYANCY	 55.0 /* m⁴/s³: from here the second set of ISC3's equations */

/* σy = y·x·(1 + 0.0001x)^-½; σz = z·x·(1 + bend·x)^power, power -½, -1 or 0 */
static const struct {
	double y, z, bend;
	double power_halves;
	double wind_power;
	double gradient_k_m; /* dθ/dz */
} classes[PLUME_STABILITIES] = {
	[PLUME_A] = {0.22, 0.20, 0, 0, 0.07, 0},
	[PLUME_B] = {0.16, 0.12, 0, 0, 0.07, 0},
	[PLUME_C] = {0.11, 0.08, 0.0002, 1, 0.10, 0},
	[PLUME_D] = {0.08, 0.06, 0.0015, 1, 0.15, 0},
	[PLUME_E] = {0.06, 0.03, 0.0003, 2, 0.35, 0.020},
	[PLUME_F] = {0.04, 0.016, 0.0003, 2, 0.55, 0.035},
};

double plume_wind_m_s(double wind10_m_s, double height_m, enum plume_stability stability,
		      bool *is_calm)
{
	double height = fmax(height_m, PROFILE_HEIGHT_M);
	double wind = wind10_m_s * pow(height / PROFILE_HEIGHT_M, classes[stability].wind_power);

	if (is_calm)
		*is_calm = !(wind >= PLUME_WIND_MIN_M_S);
	return fmax(wind, PLUME_WIND_MIN_M_S);
}

void plume_sigma(enum plume_stability stability, double x_m, double *ret_y_m, double *ret_z_m)
{
	double x = fmax(x_m, 0), bent = 1 + classes[stability].bend * x;

	*ret_y_m = classes[stability].y * x / sqrt(1 + 0.0001 * x);
	*ret_z_m = classes[stability].z * x;
	if (classes[stability].power_halves == 1)
		*ret_z_m /= sqrt(bent);
	else if (classes[stability].power_halves == 2)
		*ret_z_m /= bent;
}

/* ISC3 eq. 1-8 to 1-18 */
static void rise_unstable(const struct plume_stack *stack, struct plume_rise *rise)
{
	double u = rise->wind_m_s, d = stack->diameter_m, vs = stack->exit_velocity_m_s;
	double fb = rise->buoyancy_m4_s3, ts = stack->exit_temperature_k;
	bool is_large = fb >= LARGE_BUOYANCY;
	double crossover = is_large ? 0.00575 * ts * cbrt(vs * vs / d)
				    : 0.0297 * ts * cbrt(vs / (d * d));

	rise->is_momentum = ts - stack->air_temperature_k <= crossover;
	rise->final_distance_m = is_large ? 119 * pow(fb, 0.4) : 49 * pow(fb, 0.625);
	if (!rise->is_momentum) {
		rise->final_m = (is_large ? 38.71 * pow(fb, 0.6) : 21.425 * pow(fb, 0.75)) / u;
		return;
	}
	rise->final_m = 3 * d * vs / u;
	if (fb <= 0)
		rise->final_distance_m = 4 * d * (vs + 3 * u) * (vs + 3 * u) / (vs * u);
}

/* ISC3 eq. 1-12 to 1-21; buoyant rise is bounded by that of calm air, Briggs 1969 */
static void rise_stable(const struct plume_stack *stack, struct plume_rise *rise)
{
	double u = rise->wind_m_s, root = sqrt(rise->stability_per_s2);
	double crossover = 0.019582 * stack->exit_temperature_k * stack->exit_velocity_m_s * root;

	rise->is_momentum = stack->exit_temperature_k - stack->air_temperature_k <= crossover;
	if (rise->is_momentum) {
		rise->final_m = fmin(1.5 * cbrt(rise->momentum_m4_s2 / (u * root)),
				     3 * stack->diameter_m * stack->exit_velocity_m_s / u);
		rise->final_distance_m = M_PI / 2 * u / root;
	} else {
		double fb = rise->buoyancy_m4_s3;

		rise->final_m = fmin(2.6 * cbrt(fb / (u * rise->stability_per_s2)),
				     4 * pow(fb, 0.25) * pow(rise->stability_per_s2, -0.375));
		rise->final_distance_m = 2.0715 * u / root;
	}
}

int plume_rise(const struct plume_stack *stack, double wind_m_s, enum plume_stability stability,
	       struct plume_rise *ret)
{
	double vs = stack->exit_velocity_m_s, d = stack->diameter_m;
	double ts = stack->exit_temperature_k, ta = stack->air_temperature_k;
	struct plume_rise rise = {.wind_m_s = wind_m_s};

	if (!(stack->height_m >= 0) || !(d > 0) || !(vs > 0) || !(ts > 0) || !(ta > 0) ||
	    !(wind_m_s > 0))
		return -EDOM;
	rise.is_cold = ts < ta;
	rise.buoyancy_m4_s3 = fmax(0, PLUME_GRAVITY_M_S2 * vs * d * d * (ts - ta) / (4 * ts));
	rise.momentum_m4_s2 = vs * vs * d * d * ta / (4 * ts);
	rise.velocity_ratio = 1.0 / 3 + wind_m_s / vs;
	rise.stability_per_s2 = PLUME_GRAVITY_M_S2 / ta * classes[stability].gradient_k_m;
	rise.downwash_m = fmax(0, 2 * d * (1.5 - vs / wind_m_s));
	if (rise.stability_per_s2 > 0)
		rise_stable(stack, &rise);
	else
		rise_unstable(stack, &rise);
	if (!isfinite(rise.final_m) || !isfinite(rise.final_distance_m) ||
	    !isfinite(rise.downwash_m) || !isfinite(stack->height_m))
		return -EDOM;
	*ret = rise;
	return 0;
}

double plume_rise_m(const struct plume_rise *rise, double x_m)
{
	double u = rise->wind_m_s, root = sqrt(rise->stability_per_s2), beta_u;

	if (!(x_m > 0))
		return 0;
	if (x_m >= rise->final_distance_m)
		return rise->final_m;
	if (!rise->is_momentum)
		return fmin(rise->final_m, 1.60 * cbrt(rise->buoyancy_m4_s3 * x_m * x_m) / u);
	beta_u = rise->velocity_ratio * u;
	if (root > 0) /* sin(x·√s/u)·u/√s is x for small x, as below */
		x_m = sin(x_m * root / u) * u / root;
	return fmin(rise->final_m, cbrt(3 * rise->momentum_m4_s2 * x_m / (beta_u * beta_u)));
}

double plume_gauss_ug_m3(double rate_g_s, double wind_m_s, double height_m,
			 const struct plume_receptor *receptor)
{
	double sy = receptor->sigma_y_m, sz = receptor->sigma_z_m;
	double y = receptor->y_m / sy, below = (receptor->z_m - height_m) / sz,
	       above = (receptor->z_m + height_m) / sz;

	return PLUME_UG_PER_G * rate_g_s / (2 * M_PI * wind_m_s * sy * sz) *
	       (exp(-(y * y + below * below) / 2) + exp(-(y * y + above * above) / 2));
}

void plume_at(const struct plume_release *release, const struct plume_rise *rise, double wind_m_s,
	      enum plume_stability stability, const struct plume_receptor *receptor,
	      struct plume_answer *ret)
{
	struct plume_receptor at = *receptor;
	struct plume_answer answer = {.effective_height_m = release->height_m};

	plume_sigma(stability, at.x_m, &answer.sigma_y_m, &answer.sigma_z_m);
	if (at.sigma_y_m > 0)
		answer.sigma_y_m = at.sigma_y_m;
	if (at.sigma_z_m > 0)
		answer.sigma_z_m = at.sigma_z_m;
	if (release->stack && rise) {
		answer.rise_m = plume_rise_m(rise, at.x_m);
		answer.effective_height_m = fmax(0, release->stack->height_m - rise->downwash_m) +
					    answer.rise_m;
	}
	answer.is_near = at.x_m < PLUME_NEAR_M;
	answer.is_extrapolated = at.x_m > PLUME_FAR_M;
	at.sigma_y_m = answer.sigma_y_m;
	at.sigma_z_m = answer.sigma_z_m;
	if (at.x_m > 0 && at.sigma_y_m > 0 && at.sigma_z_m > 0) {
		answer.arrival_s = at.x_m / wind_m_s;
		answer.concentration_ug_m3 = plume_gauss_ug_m3(release->rate_g_s, wind_m_s,
							       answer.effective_height_m, &at);
	}
	*ret = answer;
}

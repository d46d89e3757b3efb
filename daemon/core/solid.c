/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/solid.h"

#define MM_H_PER_M_S (1000.0 * 3600.0)

double solid_travel_ratio(double volume_m3)
{
	return pow(10, -0.085 * log10(volume_m3) - 0.047);
}

int solid_reach_m(double drop_m, double travel_ratio, double *ret)
{
	double reach = drop_m / travel_ratio;

	if (!(travel_ratio > 0) || !(drop_m >= 0) || !isfinite(reach))
		return -EDOM;
	*ret = reach;
	return 0;
}

bool solid_reaches(double reach_m, double distance_m, double *ret_margin_m)
{
	*ret_margin_m = reach_m - distance_m;
	return reach_m >= distance_m;
}

double solid_leachate_m3_s(double coefficient, double rain_mm_h, double area_m2)
{
	return coefficient * (rain_mm_h / MM_H_PER_M_S) * area_m2;
}

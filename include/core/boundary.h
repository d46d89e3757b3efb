/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boundary.h - lines on the Earth, such as a border: how far, where, and what a plume meets
 *
 * Pure: no clock, no I/O; memory is allocated by boundary_new() only.
 *
 * The Earth is a sphere of BOUNDARY_RADIUS_M, the mean radius R1 of WGS84 (Moritz 2000,
 * Geodetic Reference System 1980, Journal of Geodesy 74:128). Lines run along great circles
 * from point to point. The calculation itself is right to 1 mm; what the sphere costs against
 * WGS84 between 8° N and 24° N is at most +0.54 % on north-south distances (the sphere says
 * more), at most -0.17 % on east-west ones (it says less), and 0.2° of bearing.
 *
 * Bearings are in degrees from true north, clockwise, in [0, 360).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"

#define BOUNDARY_RADIUS_M   6371008.8
#define BOUNDARY_POINTS_MAX 1000000
#define BOUNDARY_NAME_MAX   128 /* with its end */

/** struct boundary_point - degrees; latitude -90 to 90, longitude -180 to 180 */
struct boundary_point {
	double lat_deg;
	double lon_deg;
};

/**
 * struct boundary_hit - a point of a boundary, seen from a place
 * @bearing_deg: 0 where !has_bearing
 * @has_bearing: false where the place is on the point or opposite to it on the Earth
 */
struct boundary_hit {
	struct boundary_point point;
	double distance_m;
	double bearing_deg;
	bool has_bearing;
};

/** struct boundary_sector - directions @bearing_deg ± @half_angle_deg, up to @reach_m */
struct boundary_sector {
	double bearing_deg;
	double half_angle_deg; /* 0 to 180 */
	double reach_m;	       /* positive; half the Earth's circumference and more: everywhere */
};

struct boundary;

/**
 * boundary_new() - lines from points
 * @name:    copied, cut to BOUNDARY_NAME_MAX
 * @points:  those of all lines, one line after the other
 * @lengths: number of points of each line, 2 or more
 *
 * Return: 0; -EINVAL no line, a line of less than 2 points, or too many points; -EDOM a point
 *   is no place on the Earth, or two points that follow each other are more than 90° apart;
 *   -ENOMEM.
 */
int boundary_new(struct boundary **ret, const char *name, const struct boundary_point *points,
		 const size_t *lengths, size_t n_lines);

/** boundary_free() - Return: NULL */
struct boundary *boundary_free(struct boundary *boundary);
DEFINE_CLEANUP(struct boundary *, boundary_free)

const char *boundary_name(const struct boundary *boundary);
size_t boundary_n_points(const struct boundary *boundary);

/** boundary_point_is_valid() - finite, latitude -90 to 90, longitude -180 to 180 */
bool boundary_point_is_valid(struct boundary_point point);

/**
 * boundary_nearest() - the point of the boundary that is nearest to a place
 *
 * Return: 0; -EDOM @place is no place on the Earth.
 */
int boundary_nearest(const struct boundary *boundary, struct boundary_point place,
		     struct boundary_hit *ret);

/**
 * boundary_ray() - where a great circle that leaves a place with a bearing meets the boundary
 *   for the first time, within half a turn round the Earth
 * @bearing_deg: any finite number; at a pole north and east are those of the place's longitude
 *
 * Return: 0; -ENOENT it does not meet it; -EDOM @place or @bearing_deg is none.
 */
int boundary_ray(const struct boundary *boundary, struct boundary_point place, double bearing_deg,
		 struct boundary_hit *ret);

/** boundary_visit() - told a point of the boundary that is inside a sector */
typedef void boundary_visit(void *userdata, const struct boundary_hit *hit);

/**
 * boundary_walk() - the boundary's points inside a sector: its own points, the points where it
 *   meets the sector's two edges and its middle, and between them one at least every @step_m
 * @step_m: positive; infinite for none between
 * @visit:  may be NULL
 * @ret:    the nearest of the points visited; NULL: not wanted
 *
 * Return: 0; -ENOENT no point of the boundary is inside; -EDOM an argument is outside its range.
 */
int boundary_walk(const struct boundary *boundary, struct boundary_point place,
		  const struct boundary_sector *sector, double step_m, boundary_visit *visit,
		  void *userdata, struct boundary_hit *ret);

/**
 * boundary_project() - the place at a bearing and a distance
 *
 * Great circle; Snyder 1987, USGS Professional Paper 1395, eq. 5-5 and 5-6.
 */
struct boundary_point boundary_project(struct boundary_point place, double bearing_deg,
				       double distance_m);

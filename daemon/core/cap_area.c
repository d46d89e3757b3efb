/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/boundary.h"
#include "core/cap_parts.h"
#include "core/fields.h"

#define ARC_STEP_DEG 5.0 /* an arc's chord is nowhere farther from it than 0.1 % of its radius */
#define POINT_MAX    48	 /* "-89.12345,-179.12345 " */
#define RING_MAX     (3 + 360 / 5)
#define POLYGON_MAX  (POINT_MAX * RING_MAX)
#define PLACE_M	     2000.0 /* a place read off a map is sure to so much; `check` warns beyond */
#define BEND_SHARE   0.1    /* a river is not straight: so much of the way to either side */

/* a decimal of the report; NAN there is none. strtod() takes the locale's point: none is set. */
static double number(const json_t *object, const char *key)
{
	const char *text = field_text(object, key);
	char *end = NULL;
	double value = strtod(text, &end);

	return *text && !*end && isfinite(value) ? value : (double)NAN;
}

static bool position_of(const json_t *object, struct boundary_point *ret)
{
	*ret = (struct boundary_point){number(object, "latitude"), number(object, "longitude")};
	return boundary_point_is_valid(*ret);
}

/* five places are a metre */
static void print_point(char text[static POINT_MAX], struct boundary_point point)
{
	(void)snprintf(text, POINT_MAX, "%.5f,%.5f", point.lat_deg, point.lon_deg);
}

static struct cap_node *add_area(const struct cap *cap, struct cap_node *info, const char *words)
{
	struct cap_node *area = cap_xml_add(cap->xml, info, "area", NULL);

	if (area)
		(void)cap_xml_add(cap->xml, area, "areaDesc", words);
	return area;
}

static void add_circle(const struct cap *cap, struct cap_node *area, struct boundary_point centre,
		       double radius_m)
{
	char point[POINT_MAX], text[POINT_MAX + 32];

	if (!area)
		return;
	print_point(point, centre);
	(void)snprintf(text, sizeof(text), "%s %.*f", point, radius_m > 0 ? 3 : 0,
		       radius_m / 1000); /* km */
	(void)cap_xml_add(cap->xml, area, "circle", text);
}

/*
 * A polygon of several points that are no further apart than half a turn round the pole, or else
 * a circle: CAP does not say on which side of the Earth the inside of a polygon is that goes over
 * the 180th meridian or round a pole, and a circle has no such two sides.
 */
static bool is_plain(const struct boundary_point *points, size_t n)
{
	double west = 180, east = -180;

	for (size_t i = 0; i < n; i++) {
		west = fmin(west, points[i].lon_deg);
		east = fmax(east, points[i].lon_deg);
	}
	return east - west < 180;
}

/* CAP 1.2 §3.3.2: four points or more, the last one the first. Counterclockwise, as GeoJSON (RFC
 * 7946 §3.1.6) has it: CAP asks for no order, and readers that do will have this one. */
static void add_ring(const struct cap *cap, struct cap_node *area,
		     const struct boundary_point *points, size_t n)
{
	char text[POLYGON_MAX], point[POINT_MAX];
	struct cap_text polygon = {.bytes = text, .room = sizeof(text)};

	for (size_t i = 0; i < n; i++) {
		print_point(point, points[i]);
		cap_text_add(&polygon, i > 0 ? " " : "");
		cap_text_add(&polygon, point);
	}
	(void)cap_xml_add(cap->xml, area, "polygon", text);
}

/* from the middle along the arc, from its right end to its left, and back */
static void add_polygon(const struct cap *cap, struct cap_node *area, struct boundary_point middle,
			const struct boundary_sector *sector)
{
	size_t n = (size_t)MAX((int)ceil(2 * sector->half_angle_deg / ARC_STEP_DEG), 1);
	struct boundary_point points[RING_MAX] = {middle};

	if (!area)
		return;
	for (size_t i = 0; i <= n; i++) {
		double turn_deg = sector->half_angle_deg * (1 - 2 * (double)i / (double)n);

		points[i + 1] = boundary_project(middle, sector->bearing_deg + turn_deg,
						 sector->reach_m);
	}
	points[n + 2] = middle;
	if (is_plain(points, n + 3))
		add_ring(cap, area, points, n + 3);
	else
		add_circle(cap, area, middle, sector->reach_m);
}

/* initial bearing of a great circle; Snyder 1987, USGS Professional Paper 1395, eq. 5-4b */
static double bearing_deg(struct boundary_point from, struct boundary_point to)
{
	double rad = acos(-1) / 180, lon = (to.lon_deg - from.lon_deg) * rad;
	double a = from.lat_deg * rad, b = to.lat_deg * rad;

	return atan2(cos(b) * sin(lon), cos(a) * sin(b) - sin(a) * cos(b) * cos(lon)) / rad;
}

/* distance of two places, for a corridor's width; haversine formula, Sinnott 1984 */
static double apart_m(struct boundary_point from, struct boundary_point to)
{
	double rad = acos(-1) / 180;
	double lat = sin((to.lat_deg - from.lat_deg) * rad / 2);
	double lon = sin((to.lon_deg - from.lon_deg) * rad / 2);

	return 2 * BOUNDARY_RADIUS_M *
	       asin(sqrt(lat * lat + cos(from.lat_deg * rad) * cos(to.lat_deg * rad) * lon * lon));
}

/* in whole kilometres, as it is said */
static double half_width_m(struct boundary_point from, struct boundary_point to)
{
	return 1000 * ceil(fmax(PLACE_M, BEND_SHARE * apart_m(from, to)) / 1000);
}

/* beside the straight line, and beyond both its ends */
static void add_corridor(const struct cap *cap, struct cap_node *area, struct boundary_point from,
			 struct boundary_point to)
{
	double half_m = half_width_m(from, to), there = bearing_deg(from, to);
	double back = apart_m(from, to) > 1 ? bearing_deg(to, from) : there + 180;
	struct boundary_point a = boundary_project(from, there + 180, half_m);
	struct boundary_point b = boundary_project(to, back + 180, half_m);
	/* to the right of each end's way out, and to its left */
	const struct boundary_point corners[] = {
		boundary_project(a, there + 90, half_m), boundary_project(b, back - 90, half_m),
		boundary_project(b, back + 90, half_m), boundary_project(a, there - 90, half_m),
		boundary_project(a, there + 90, half_m)};

	if (!area)
		return;
	if (is_plain(corners, ARRAY_SIZE(corners)))
		add_ring(cap, area, corners, ARRAY_SIZE(corners));
	else
		add_circle(cap, area, boundary_project(from, there, apart_m(from, to) / 2),
			   apart_m(from, to) / 2 + 2 * half_m);
}

/* where a plume may lie; all round where the wind is not known */
static void add_sector(const struct cap *cap, enum catalogue_language language,
		       struct cap_node *info)
{
	const json_t *object = json_object_get(json_object_get(cap->data, "crossing"), "sector");
	const struct boundary_sector sector = {
		.bearing_deg = number(object, "bearing_deg"),
		.half_angle_deg = number(object, "half_angle_deg"),
		.reach_m = number(object, "reach_m"),
	};
	struct boundary_point middle;
	struct cap_node *area;

	if (!position_of(object, &middle) || isnan(sector.bearing_deg) ||
	    !(sector.half_angle_deg > 0) || !(sector.reach_m > 0))
		return;
	area = add_area(
		cap, info,
		catalogue_text(language, N_("Where the plume may lie, a screening estimate")));
	if (sector.half_angle_deg >= 180)
		add_circle(cap, area, middle, sector.reach_m);
	else
		add_polygon(cap, area, middle, &sector);
}

static bool is_by_river(const json_t *path)
{
	const char *method = field_text(path, "method");

	return strcmp(method, "river") == 0 || strcmp(method, "leachate") == 0;
}

/* where a way begins: at its source, or else its site */
static bool start_of(const struct cap *cap, const json_t *path, struct boundary_point *ret)
{
	return position_of(json_object_get(path, "from"), ret) ||
	       position_of(json_object_get(cap->site, "position"), ret);
}

/* a way that it may take: of a river a corridor, of others the two ends, no surer than a map */
static void add_path(const struct cap *cap, enum catalogue_language language, const json_t *path,
		     struct cap_node *info)
{
	char words[1024] = "", target[512], km[32];
	struct cap_text text = {.bytes = words, .room = sizeof(words)};
	const char *place = field_text(path, "place");
	struct boundary_point start, meeting;
	bool has_start = start_of(cap, path, &start), is_river = has_start && is_by_river(path);
	struct cap_node *area;

	if (!position_of(json_object_get(path, "position"), &meeting))
		return;
	(void)snprintf(target, sizeof(target), "%s%s%s%s", field_text(path, "target"),
		       *place ? " (" : "", place, *place ? ")" : "");
	(void)snprintf(km, sizeof(km), "%.0f",
		       (is_river ? half_width_m(start, meeting) : PLACE_M) / 1000);
	CAP_SAY(&text, language,
		is_river ? N_("Corridor of the river from {site} to {target}, {km} km to either "
			      "side of the straight line, {method}")
			 : N_("From {site} to {target}, {method}; the places are sure to {km} km"),
		{"site", field_text(cap->site, "title")}, {"target", target}, {"km", km},
		{"method", cap_term(language, "method", field_text(path, "method"))});
	area = add_area(cap, info, words);
	if (is_river) {
		add_corridor(cap, area, start, meeting);
		return;
	}
	if (has_start)
		add_circle(cap, area, start, PLACE_M);
	add_circle(cap, area, meeting, PLACE_M);
}

void cap_areas(const struct cap *cap, enum catalogue_language language, struct cap_node *info)
{
	const json_t *paths = json_object_get(json_object_get(cap->data, "crossing"), "paths");
	char words[1024] = "";
	struct cap_text text = {.bytes = words, .room = sizeof(words)};
	struct boundary_point site;
	bool has_site = position_of(json_object_get(cap->site, "position"), &site);
	const json_t *path;
	size_t i, n = 0;
	struct cap_node *area;

	cap_place(cap, &text);
	area = add_area(cap, info, words);
	if (has_site)
		add_circle(cap, area, site, 0);
	add_sector(cap, language, info);
	json_array_foreach (paths, i, path)
		if (cap_may_cross(field_text(path, "verdict")) && n++ < CAP_AREAS_MAX)
			add_path(cap, language, path, info);
}

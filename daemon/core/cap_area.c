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
#define POLYGON_MAX  (POINT_MAX * (3 + 360 / 5))

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

/* from the middle along the arc and back; CAP wants four points or more, the last one the first */
static void add_polygon(const struct cap *cap, struct cap_node *area, struct boundary_point middle,
			const struct boundary_sector *sector)
{
	int n = MAX((int)ceil(2 * sector->half_angle_deg / ARC_STEP_DEG), 1);
	char text[POLYGON_MAX], point[POINT_MAX], first[POINT_MAX];
	struct cap_text polygon = {.bytes = text, .room = sizeof(text)};

	if (!area)
		return;
	print_point(first, middle);
	cap_text_add(&polygon, first);
	for (int i = 0; i <= n; i++) {
		double bearing_deg = sector->bearing_deg - sector->half_angle_deg +
				     2 * sector->half_angle_deg * i / n;

		print_point(point, boundary_project(middle, bearing_deg, sector->reach_m));
		cap_text_add(&polygon, " ");
		cap_text_add(&polygon, point);
	}
	cap_text_add(&polygon, " ");
	cap_text_add(&polygon, first);
	(void)cap_xml_add(cap->xml, area, "polygon", text);
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

/* a way that it may take: its two ends; a river's reach between them has no line in the report */
static void add_path(const struct cap *cap, enum catalogue_language language, const json_t *path,
		     bool has_site, struct boundary_point site, struct cap_node *info)
{
	char words[1024] = "", target[512];
	struct cap_text text = {.bytes = words, .room = sizeof(words)};
	const char *place = field_text(path, "place");
	struct boundary_point meeting;
	struct cap_node *area;

	if (!position_of(json_object_get(path, "position"), &meeting))
		return;
	(void)snprintf(target, sizeof(target), "%s%s%s%s", field_text(path, "target"),
		       *place ? " (" : "", place, *place ? ")" : "");
	CAP_SAY(&text, language, N_("From {site} to {target}, {method}"),
		{"site", field_text(cap->site, "title")}, {"target", target},
		{"method", cap_term(language, "method", field_text(path, "method"))});
	area = add_area(cap, info, words);
	if (has_site)
		add_circle(cap, area, site, 0);
	add_circle(cap, area, meeting, 0);
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
			add_path(cap, language, path, has_site, site, info);
}

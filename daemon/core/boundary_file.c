/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/boundary_file.h"

#define LINES_MAX (BOUNDARY_FILE_POINTS_MAX / 2)

/* lines as they are found, and where the reader is, for messages */
struct collect {
	struct boundary_point *points;
	size_t *lengths;
	size_t n_points, n_lines;
	size_t feature, line;
	char *error;
};

/* how deep the lines lie in "coordinates" */
static const struct geometry {
	const char *type;
	int depth;
	bool is_ring;
} geometries[] = {
	{"LineString", 0, false},
	{"MultiLineString", 1, false},
	{"Polygon", 1, true},
	{"MultiPolygon", 2, true},
};

__attribute__((format(printf, 2, 3))) static int wrong(struct collect *c, const char *format, ...)
{
	va_list ap;
	int n = snprintf(c->error, BOUNDARY_ERROR_MAX, "feature %zu: ", c->feature + 1);

	va_start(ap, format);
	(void)vsnprintf(c->error + n, BOUNDARY_ERROR_MAX - (size_t)n, format, ap);
	va_end(ap);
	return -EBADMSG;
}

static int add_point(struct collect *c, const json_t *position, size_t i)
{
	const json_t *lon = json_array_get(position, 0), *lat = json_array_get(position, 1);
	size_t n = json_array_size(position);
	struct boundary_point point;

	if (n < 2 || n > 3 || !json_is_number(lon) || !json_is_number(lat))
		return wrong(c, "line %zu, point %zu must be [longitude, latitude]", c->line + 1,
			     i + 1);
	point = (struct boundary_point){json_number_value(lat), json_number_value(lon)};
	if (!boundary_point_is_valid(point))
		return wrong(c,
			     "line %zu, point %zu: longitude %g must be -180 to 180 and latitude "
			     "%g -90 to 90, longitude first",
			     c->line + 1, i + 1, point.lon_deg, point.lat_deg);
	if (c->n_points == BOUNDARY_FILE_POINTS_MAX)
		return wrong(c, "more than %d points in all", BOUNDARY_FILE_POINTS_MAX);
	c->points[c->n_points++] = point;
	return 0;
}

static bool is_same(struct boundary_point a, struct boundary_point b)
{
	return !(a.lat_deg < b.lat_deg) && !(a.lat_deg > b.lat_deg) && !(a.lon_deg < b.lon_deg) &&
	       !(a.lon_deg > b.lon_deg);
}

static int add_line(struct collect *c, const json_t *line, bool is_ring)
{
	size_t n = json_array_size(line), first = c->n_points, least = is_ring ? 4 : 2;

	if (n < least)
		return wrong(c, "line %zu must be a list of %zu points at least", c->line + 1,
			     least);
	if (c->n_lines == LINES_MAX)
		return wrong(c, "more than %d lines in all", LINES_MAX);
	for (size_t i = 0; i < n; i++) {
		int r = add_point(c, json_array_get(line, i), i);

		if (r < 0)
			return r;
	}
	if (is_ring && !is_same(c->points[first], c->points[c->n_points - 1]))
		return wrong(c, "ring %zu does not end where it begins", c->line + 1);
	c->lengths[c->n_lines++] = n;
	c->line++;
	return 0;
}

/* depth 2 at most: the table's */
static int add_lines(struct collect *c, const json_t *coordinates, int depth,
		     bool is_ring) // NOLINT(misc-no-recursion)
{
	if (depth == 0)
		return add_line(c, coordinates, is_ring);
	if (json_array_size(coordinates) == 0)
		return wrong(c, "\"coordinates\" must be a list of lines, one at least");
	for (size_t i = 0; i < json_array_size(coordinates); i++) {
		int r = add_lines(c, json_array_get(coordinates, i), depth - 1, is_ring);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_geometry(struct collect *c, const json_t *geometry)
{
	const char *type = json_string_value(json_object_get(geometry, "type"));

	for (size_t i = 0; type && i < ARRAY_SIZE(geometries); i++)
		if (strcmp(type, geometries[i].type) == 0)
			return add_lines(c, json_object_get(geometry, "coordinates"),
					 geometries[i].depth, geometries[i].is_ring);
	return wrong(c,
		     "geometry \"%.40s\" must be LineString, MultiLineString, Polygon or "
		     "MultiPolygon",
		     type ? type : "");
}

static int add_feature(struct collect *c, const json_t *feature)
{
	const char *type = json_string_value(json_object_get(feature, "type"));

	c->line = 0;
	if (!type || strcmp(type, "Feature") != 0)
		return wrong(c, "its \"type\" must be \"Feature\"");
	return add_geometry(c, json_object_get(feature, "geometry"));
}

static int add_document(struct collect *c, const json_t *root)
{
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *features = json_object_get(root, "features");
	int r = 0;

	if (json_object_get(root, "crs"))
		return wrong(c, "\"crs\" is not taken (RFC 7946 §4): positions must be WGS84");
	if (type && strcmp(type, "Feature") == 0)
		return add_feature(c, root);
	if (!type || strcmp(type, "FeatureCollection") != 0)
		return add_geometry(c, root);
	if (json_array_size(features) == 0)
		return wrong(c, "\"features\" must be a list of one at least");
	for (size_t i = 0; i < json_array_size(features) && r == 0; i++) {
		c->feature = i;
		r = add_feature(c, json_array_get(features, i));
	}
	return r;
}

static const char *name_of(const json_t *root, const char *otherwise)
{
	const json_t *first = json_array_get(json_object_get(root, "features"), 0);
	const json_t *properties = json_object_get(first ? first : root, "properties");
	const char *name = json_string_value(json_object_get(properties, "name"));

	return name && *name ? name : otherwise;
}

static int build(struct boundary **ret, struct collect *c, const json_t *root, const char *name)
{
	int r;

	c->points = calloc(BOUNDARY_FILE_POINTS_MAX, sizeof(*c->points));
	c->lengths = calloc(LINES_MAX, sizeof(*c->lengths));
	if (!c->points || !c->lengths)
		return -ENOMEM;
	r = add_document(c, root);
	if (r < 0)
		return r;
	r = boundary_new(ret, name_of(root, name), c->points, c->lengths, c->n_lines);
	if (r == -EDOM || r == -EINVAL)
		return wrong(c, "two points that follow each other are more than 90° apart");
	return r;
}

int boundary_file_parse(struct boundary **ret, const char *text, size_t n, const char *name,
			char error[BOUNDARY_ERROR_MAX])
{
	struct collect c = {.error = error};
	json_error_t at;
	json_t *root;
	int r;

	if (n > BOUNDARY_FILE_BYTES_MAX) {
		(void)snprintf(error, BOUNDARY_ERROR_MAX, "more than %d bytes",
			       BOUNDARY_FILE_BYTES_MAX);
		return -EBADMSG;
	}
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
	if (!root) {
		(void)snprintf(error, BOUNDARY_ERROR_MAX, "line %d, column %d: no JSON: %s",
			       at.line, at.column, at.text);
		return -EBADMSG;
	}
	r = build(ret, &c, root, name);
	json_decref(root);
	free(c.points);
	free(c.lengths);
	return r;
}

static int read_all(FILE *file, char **ret, size_t *ret_n)
{
	size_t n = 0, room = 64 * 1024;
	char *text = malloc(room);

	while (text) {
		size_t got = fread(text + n, 1, room - n, file);
		char *more;

		n += got;
		if (got == 0 || n > BOUNDARY_FILE_BYTES_MAX)
			break;
		if (n < room)
			continue;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	if (!text)
		return -ENOMEM;
	if (ferror(file)) {
		free(text);
		return -EIO;
	}
	*ret = text;
	*ret_n = n;
	return 0;
}

int boundary_file_load(const char *path, char **ret, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	int r = file ? read_all(file, ret, ret_n) : -errno;

	if (file)
		(void)fclose(file);
	return r;
}

int boundary_file_read(struct boundary **ret, const char *path, char error[BOUNDARY_ERROR_MAX])
{
	const char *slash = strrchr(path, '/');
	char *text = NULL;
	size_t n = 0;
	int r = boundary_file_load(path, &text, &n);

	if (r < 0) {
		(void)snprintf(error, BOUNDARY_ERROR_MAX, "cannot be read: %s", strerror(-r));
		return r;
	}
	r = boundary_file_parse(ret, text, n, slash ? slash + 1 : path, error);
	free(text);
	return r;
}

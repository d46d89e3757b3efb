/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/macro.h"
#include "core/boundary_file.h"
#include "core/catalogue.h"
#include "tools/assess.h"
#include "tools/command.h"
#include "tools/say.h"

#define FILES_MAX  64
#define PATH_BYTES 4096

static const struct assess_method method = {
	.name = "boundary",
	.intro = N_(
		"How far the nearest point of each boundary is, in which direction, and where a\n"
		"bearing meets it. Boundaries are the GeoJSON files named by --boundary, else "
		"those\n"
		"in boundaries/ of --config, else those that are installed."),
	.sources =
		"  great circles on a sphere of 6,371,008.8 m; against WGS84 at most 0.54 % off\n"
		"  the borders shipped: (c) OpenStreetMap contributors, ODbL 1.0",
};

struct input {
	double lat, lon, bearing_deg;
	const char *config;
	const char *files[FILES_MAX];
	bool json;
};

struct list {
	char *path[FILES_MAX];
	size_t n;
};

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->path[i]);
	list->n = 0;
}

static int is_boundary(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".geojson") == 0;
}

/* Return: 0 there are some; -ENOENT. */
static int list_directory(struct list *list, const char *directory)
{
	struct dirent **names = NULL;
	int n = scandir(directory, &names, is_boundary, alphasort);

	for (int i = 0; i < n; i++) {
		if (list->n < FILES_MAX &&
		    asprintf(&list->path[list->n], "%s/%s", directory, names[i]->d_name) >= 0)
			list->n++;
		free(names[i]);
	}
	free((void *)names);
	return n > 0 ? 0 : -ENOENT;
}

/* where the program was built: its folder is in the source tree */
static void find_tree(char *ret, size_t n)
{
	ssize_t length = readlink("/proc/self/exe", ret, n - 1);
	char *slash = length > 0 ? (ret[length] = '\0', strrchr(ret, '/')) : NULL;

	if (slash)
		(void)snprintf(slash, n - (size_t)(slash - ret), "/../conf/boundaries");
	else
		*ret = '\0';
}

/* beside the configuration, as installed, or in the tree that the program was built in */
static int find_files(const struct input *in, struct list *list)
{
	char beside[PATH_BYTES], tree[PATH_BYTES];
	const char *places[] = {beside, WASTEWATCH_BOUNDARIES, tree};

	(void)snprintf(beside, sizeof(beside), "%s/boundaries", in->config);
	find_tree(tree, sizeof(tree));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (list_directory(list, places[i]) == 0)
			return EXIT_SUCCESS;
	return command_fail("there are no boundaries (*.geojson) in %s, %s or %s; name files with "
			    "--boundary",
			    beside, WASTEWATCH_BOUNDARIES, tree);
}

static json_t *point_json(struct boundary_point point)
{
	return json_pack("{s:f,s:f}", "lat", point.lat_deg, "lon", point.lon_deg);
}

static json_t *hit_json(const struct boundary_hit *hit)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "distance_m", json_real(hit->distance_m));
	(void)json_object_set_new(object, "bearing_deg",
				  hit->has_bearing ? json_real(hit->bearing_deg) : json_null());
	(void)json_object_set_new(object, "point", point_json(hit->point));
	return object;
}

static void print_hit(const char *what, const struct boundary_hit *hit)
{
	char bearing[32] = "-";

	if (hit->has_bearing)
		(void)snprintf(bearing, sizeof(bearing), tr("%.2f deg"), hit->bearing_deg);
	(void)fputs("  ", stdout);
	say_padded(what, 10);
	say(" %12.0f m  %11s  at %.6f, %.6f\n", hit->distance_m, bearing, hit->point.lat_deg,
	    hit->point.lon_deg);
}

/* one boundary: nearest point, and what the bearing meets */
static void look(const struct input *in, const struct boundary *boundary, json_t *ret)
{
	const struct boundary_point place = {in->lat, in->lon};
	struct boundary_hit nearest, ray;
	bool aims = assess_given(in->bearing_deg), meets;
	json_t *object;

	if (boundary_nearest(boundary, place, &nearest) < 0)
		return; /* the place was checked */
	meets = aims && boundary_ray(boundary, place, in->bearing_deg, &ray) == 0;
	object = hit_json(&nearest);
	(void)json_object_set_new(object, "boundary", json_string(boundary_name(boundary)));
	(void)json_object_set_new(object, "ray", meets ? hit_json(&ray) : json_null());
	(void)json_array_append_new(ret, object);
	if (in->json)
		return;
	(void)printf("%s\n", boundary_name(boundary));
	print_hit(tr("nearest"), &nearest);
	if (meets)
		print_hit(tr("bearing"), &ray);
	else if (aims)
		say("  the bearing %g deg does not meet it\n", in->bearing_deg);
}

static int look_at(const struct input *in, const char *path, json_t *ret)
{
	CLEANUP(boundary_free) struct boundary *boundary = NULL;
	char error[BOUNDARY_ERROR_MAX] = "out of memory";
	int r = boundary_file_read(&boundary, path, error);

	if (r < 0)
		return command_fail("%s: %s", path, error);
	look(in, boundary, ret);
	return EXIT_SUCCESS;
}

static int answer(const struct input *in, char *const *paths, size_t n)
{
	json_t *object = json_object(), *array = json_array();
	int r = EXIT_SUCCESS;

	for (size_t i = 0; i < n && r == EXIT_SUCCESS; i++)
		r = look_at(in, paths[i], array);
	(void)json_object_set_new(object, "boundaries", array);
	if (r == EXIT_SUCCESS && in->json) {
		(void)json_dumpf(object, stdout, COMMAND_JSON);
		(void)putchar('\n');
	} else if (r == EXIT_SUCCESS) {
		say("\nSources:\n%s\n", method.sources);
	}
	json_decref(object);
	return r;
}

int assess_boundary(int argc, char **argv)
{
	struct input in = {
		.lat = (double)NAN,
		.lon = (double)NAN,
		.bearing_deg = (double)NAN,
		.config = NULL,
	};
	const struct assess_flag flags[] = {
		{"lat", &in.lat, -90, 90, .help = N_("latitude, degrees WGS84")},
		{"lon", &in.lon, -180, 180, .help = N_("longitude, degrees WGS84")},
		{"bearing-deg", &in.bearing_deg, -360, 360,
		 .help = N_("direction to look in, degrees from true north, clockwise")},
		{"boundary", .text = in.files, .n_text = FILES_MAX, .help = N_("a GeoJSON file")},
		{"config", .text = &in.config, .help = N_("default /etc/wastewatch")},
		{"json", .set = &in.json, .help = N_("one JSON object")},
	};
	struct list list = {.n = 0};
	size_t n = 0;
	int r = assess_parse(&method, flags, ARRAY_SIZE(flags), argc, argv);

	if (r >= 0)
		return r;
	if (!assess_given(in.lat) || !assess_given(in.lon))
		return assess_wrong(&method, "--lat and --lon are needed");
	if (!in.config)
		in.config = "/etc/wastewatch";
	while (n < FILES_MAX && in.files[n])
		n++;
	for (size_t i = 0; i < n; i++) {
		list.path[i] = strdup(in.files[i]);
		if (!list.path[i])
			return command_fail("out of memory");
		list.n++;
	}
	r = n > 0 ? EXIT_SUCCESS : find_files(&in, &list);
	if (r == EXIT_SUCCESS)
		r = answer(&in, list.path, list.n);
	list_free(&list);
	return r;
}

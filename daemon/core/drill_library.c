/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config_names.h"
#include "core/config_text.h"
#include "core/drill_scenario.h"

#ifndef WASTEWATCH_DRILLS
#define WASTEWATCH_DRILLS "/usr/share/wastewatch/drills"
#endif
#define FOLDER	  "drills"
#define EXTENSION ".yaml"
#define N_FOLDERS 2U
#define NAMES_MAX 200
#define ERROR_MAX 512

/* the @i-th directory to look into, to be freed; NULL: no memory */
static char *folder(const char *directory, unsigned int i)
{
	const char *installed = secure_getenv("WASTEWATCH_DRILLS");
	char *path;

	if (i > 0)
		return strdup(installed && *installed ? installed : WASTEWATCH_DRILLS);
	return asprintf(&path, "%s/" FOLDER, directory) < 0 ? NULL : path;
}

static int is_scenario(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), extension = strlen(EXTENSION);

	return entry->d_name[0] != '.' && n > extension &&
	       strcmp(entry->d_name + n - extension, EXTENSION) == 0;
}

/* Not alphasort(): its order would change with the locale. */
static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char *list[NAMES_MAX];
	size_t n;
};

static int add_name(struct names *names, char *file)
{
	file[strlen(file) - strlen(EXTENSION)] = '\0';
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i], file) == 0)
			return 0;
	if (names->n == NAMES_MAX)
		return 0;
	names->list[names->n] = strdup(file);
	return names->list[names->n++] ? 0 : -ENOMEM;
}

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
}

/* of both directories, in order. Return: 0; -ENOMEM */
static int find_names(struct names *names, const char *directory)
{
	int r = 0;

	*names = (struct names){0};
	for (unsigned int i = 0; i < N_FOLDERS && r == 0; i++) {
		char *path = folder(directory, i);
		struct dirent **entries = NULL;
		int n = path ? scandir(path, &entries, is_scenario, NULL) : -1;

		if (n < 0 && (!path || errno == ENOMEM))
			r = -ENOMEM;
		for (int k = 0; k < n; k++) {
			if (r == 0)
				r = add_name(names, entries[k]->d_name);
			free(entries[k]);
		}
		free(entries);
		free(path);
	}
	qsort(names->list, names->n, sizeof(*names->list), by_bytes);
	return r;
}

static int parse(struct drill_scenario **ret, const char *path, const char *name, char *error,
		 size_t n_error)
{
	struct config_report report = {0};
	const char *why = NULL;
	char *bytes = NULL, *text = NULL;
	size_t n = 0, n_text = 0;
	int r = config_file_load(path, &bytes, &n, &why);

	if (r < 0) {
		(void)snprintf(error, n_error, "%s cannot be used: %s", path,
			       why ? why : strerror(-r));
		return r;
	}
	report.out = open_memstream(&text, &n_text);
	r = report.out ? drill_scenario_parse(ret, &report, path, name, bytes, n) : -ENOMEM;
	if (report.out)
		(void)fclose(report.out);
	free(bytes);
	if (r == -EINVAL) /* the first is enough to begin with */
		(void)snprintf(error, n_error, "%.*s", (int)strcspn(text ? text : "", "\n"),
			       text ? text : "");
	free(text);
	return r;
}

static void list_names(const char *directory, const char *wanted, char *error, size_t n_error)
{
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	struct names names;
	int r = find_names(&names, directory);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		config_names_list(&listing, names.list[i]);
	(void)snprintf(error, n_error, "there is no scenario \"%.40s\"%s%s%s; there are: %s",
		       wanted, listing.nearest ? ", did you mean \"" : "",
		       listing.nearest ? listing.nearest : "", listing.nearest ? "\"?" : "",
		       *listing.text ? listing.text : "none");
	names_done(&names);
}

int drill_library_read(struct drill_scenario **ret, const char *directory, const char *name,
		       char *error, size_t n_error)
{
	int r = -ENOENT;

	if (config_name_check(name)) { /* it becomes part of a path */
		(void)snprintf(error, n_error, "\"%.40s\" is no name of a scenario: %s", name,
			       config_name_check(name));
		return -EINVAL;
	}
	for (unsigned int i = 0; i < N_FOLDERS && r == -ENOENT; i++) {
		char *path = folder(directory, i), *file = NULL;
		const char *why = NULL;

		if (!path || asprintf(&file, "%s/%s" EXTENSION, path, name) < 0) {
			free(path);
			return -ENOMEM;
		}
		if (access(file, F_OK) == 0) {
			r = config_directory_check(path, &why);
			if (r < 0)
				(void)snprintf(error, n_error, "%s: %s", path, why);
			else
				r = parse(ret, file, name, error, n_error);
		}
		free(path);
		free(file);
	}
	if (r == -ENOENT)
		list_names(directory, name, error, n_error);
	return r;
}

int drill_library_each(const char *directory,
		       void (*each)(void *userdata, const char *name,
				    const struct drill_scenario *scenario, const char *error),
		       void *userdata)
{
	struct names names;
	int r = find_names(&names, directory), n = (int)names.n;

	for (size_t i = 0; r != -ENOMEM && i < names.n; i++) {
		CLEANUP(drill_scenario_free) struct drill_scenario *scenario = NULL;
		char error[ERROR_MAX] = "";

		r = drill_library_read(&scenario, directory, names.list[i], error, sizeof(error));
		if (r != -ENOMEM)
			each(userdata, names.list[i], scenario, error);
	}
	names_done(&names);
	return r == -ENOMEM ? r : n;
}

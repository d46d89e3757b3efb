/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/config_catalogue.h"
#include "core/config_names.h"
#include "core/config_profile.h"
#include "core/config_reference.h"
#include "core/config_schema.h"
#include "core/config_standard.h"
#include "core/config_yaml.h"

#define MAIN_FILE "wastewatch.yaml"
#define SITES	  "sites.d"

const char *waste_kind_text(enum waste_kind kind)
{
	static const char *const texts[] = {
		[WASTE_LIQUID] = "liquid",
		[WASTE_GAS] = "gas",
		[WASTE_SOLID] = "solid",
	};

	return texts[kind];
}

const char *limit_class_text(enum limit_class class)
{
	static const char *const texts[] = {
		[CLASS_WARNING] = "warning",
		[CLASS_LIMIT] = "limit",
		[CLASS_EMERGENCY] = "emergency",
	};

	return texts[class];
}

static void free_words(struct config_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->text[i]);
}

static void free_devices(struct config *config)
{
	for (size_t i = 0; i < config->n_sites; i++) {
		struct config_site *site = &config->sites[i];

		free(site->name);
		free(site->title);
		free(site->cluster);
		free(site->commune);
		free(site->province);
		free(site->response.plan);
		free(site->response.command);
		free(site->response.forces);
		free(site->response.means);
		free(site->response.supplies);
		free(site->response.contact_name);
		free(site->response.contact_phone);
		free(site->response.contact_email);
		free(site->file);
	}
	for (size_t i = 0; i < config->n_links; i++) {
		free(config->links[i].name);
		free(config->links[i].host);
	}
	for (size_t i = 0; i < config->n_units; i++) {
		free(config->units[i].name);
		free(config->units[i].profile);
	}
	for (size_t i = 0; i < config->n_states; i++) {
		free(config->states[i].name);
		free(config->states[i].path);
	}
	for (size_t i = 0; i < config->n_destinations; i++) {
		struct config_destination *destination = &config->destinations[i];

		free(destination->name);
		free(destination->url);
		free(destination->hmac_secret);
		free(destination->ca);
		free(destination->certificate);
		free(destination->key);
		free(destination->user);
		free(destination->password);
		free(destination->host_key);
		free_words(&destination->sites);
		free_words(&destination->receptors);
	}
}

static void free_measurements(struct config *config)
{
	for (size_t i = 0; i < config->n_sources; i++) {
		free(config->sources[i].name);
		free(config->sources[i].title);
	}
	for (size_t i = 0; i < config->n_channels; i++) {
		free(config->channels[i].name);
		free(config->channels[i].path);
		free(config->channels[i].title);
		free(config->channels[i].measure);
	}
	for (size_t i = 0; i < config->n_limits; i++) {
		free(config->limits[i].name);
		free(config->limits[i].path);
		free(config->limits[i].origin);
		free(config->limits[i].advice);
		free(config->limits[i].parameter);
		free(config->limits[i].arithmetic);
		free(config->limits[i].overrides);
		free(config->limits[i].beside);
		free(config->limits[i].doubt);
	}
}

static void free_standards(struct config *config)
{
	for (size_t i = 0; i < config->n_standards; i++) {
		struct config_standard *standard = &config->standards[i];

		free(standard->name);
		free(standard->title);
		free(standard->full_name);
		free(standard->document);
		free(standard->replaced_by);
		free(standard->incomplete);
		free(standard->confirmed);
		for (size_t f = 0; f < N_FACTORS; f++)
			free(standard->factors[f].how);
	}
}

static void free_stations(struct config *config)
{
	for (size_t i = 0; i < config->n_stations; i++) {
		free(config->stations[i].name);
		free(config->stations[i].file);
		free(config->stations[i].directory);
		free(config->stations[i].missing);
	}
	for (size_t i = 0; i < config->n_parameters; i++) {
		free(config->parameters[i].symbol);
		free(config->parameters[i].measure);
	}
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	free_devices(config);
	free_measurements(config);
	free_standards(config);
	free_stations(config);
	config_crossing_free(&config->crossing);
	free(config->sites);
	free(config->links);
	free(config->units);
	free(config->sources);
	free(config->channels);
	free(config->standards);
	free(config->limits);
	free(config->destinations);
	free(config->holes);
	free(config->states);
	free(config->stations);
	free(config->parameters);
	free(config->channels_by_path);
	free(config->directory);
	free(config->origin);
	free(config->reporter.name);
	free(config->reporter.address);
	free(config->reporter.phone);
	free(config->reporter.email);
	free(config);
	return NULL;
}

/** read_file() - one file into the configuration. Return: 0, errors are reported; -ENOMEM;
 *   -ENOENT reported too. */
static int read_file(struct config_reader *reader, const struct config_group *group,
		     const char *name)
{
	CLEANUP(config_node_free) struct config_node *root = NULL;
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", reader->config->directory, name) < 0)
		return -ENOMEM;
	reader->file = path;
	r = config_digest(reader->config->digest, name, strlen(name) + 1);
	if (r == 0)
		r = config_yaml_read(&root, reader->report, path, reader->config->digest);
	if (r == 0)
		r = config_walk(reader, group, root);
	/* kept to the end: names that were met here are quoted in later errors */
	if (config_names_keep(reader, &path) < 0)
		r = -ENOMEM;
	free(path); /* NULL once it has moved */
	return r == -ENOMEM || r == -ENOENT ? r : 0;
}

static int is_site_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static int is_misnamed(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 4 && strcmp(entry->d_name + n - 4, ".yml") == 0;
}

/* Not alphasort(): its order would change with the locale, and the hash with it. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/** check_directory() - Return: 0; -ENOENT, -EINVAL reported. */
static int check_directory(struct config_report *report, const char *path, const char *allowed)
{
	const char *why, *doubt;
	int r = config_directory_check(path, &why);

	doubt = r == 0 ? config_directory_doubt(path) : NULL;
	if (doubt)
		config_report_warning(report, path, 1, 1, "%s", doubt);
	if (r == -EINVAL)
		config_report_error(report, path, 1, 1, "%s", why);
	else if (r < 0)
		config_report_error(report, path, 1, 1,
				    "the directory cannot be used: %s; allowed: %s", why, allowed);
	return r;
}

static int read_sites(struct config_reader *reader, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_site_file, compare_entries), r = 0;

	if (n < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (n < 0)
		config_report_error(reader->report, path, 1, 1, "the directory cannot be read: %s",
				    strerror(errno));
	if (n == 0)
		config_report_error(reader->report, path, 1, 1,
				    "there is no site; allowed: one file per site, NAME.yaml");
	for (int i = 0; i < n; i++) {
		char name[sizeof(SITES) + sizeof(entries[i]->d_name)];

		(void)snprintf(name, sizeof(name), SITES "/%s", entries[i]->d_name);
		free(entries[i]);
		if (r == 0)
			r = read_file(reader, &config_site_group, name);
		if (r == -ENOENT) /* gone since scandir(), or a link to nowhere; reported */
			r = 0;
	}
	if (n >= 0)
		free(entries);
	return r;
}

/** warn_misnamed() - the commonest way to have a site that nobody watches */
static void warn_misnamed(struct config_reader *reader, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_misnamed, compare_entries);

	for (int i = 0; i < n; i++) {
		config_report_warning(reader->report, path, 1, 1,
				      "%s is not read, for only *.yaml is; rename it",
				      entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static int read_all_sites(struct config_reader *reader)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/" SITES, reader->config->directory) < 0)
		return -ENOMEM;
	r = check_directory(reader->report, path, "a directory " SITES " with one file per site");
	if (r == 0) {
		warn_misnamed(reader, path);
		r = read_sites(reader, path);
	} else {
		r = 0; /* reported */
	}
	free(path);
	return r;
}

static int compare_limits(const void *a, const void *b, void *userdata)
{
	const size_t *x = a, *y = b;
	const struct config_limit *limits = userdata;

	if (limits[*x].channel != limits[*y].channel)
		return limits[*x].channel < limits[*y].channel ? -1 : 1;
	return *x < *y ? -1 : 1; /* as in the file */
}

/** group_limits() - by channel, else as in the files */
static int group_limits(struct config *config)
{
	size_t *order = calloc(config->n_limits + 1, sizeof(*order));
	size_t *place = calloc(config->n_limits + 1, sizeof(*place));
	struct config_limit *sorted = calloc(config->n_limits + 1, sizeof(*sorted));

	if (!order || !place || !sorted) {
		free(order);
		free(place);
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->n_limits; i++)
		order[i] = i;
	if (config->n_limits > 1)
		qsort_r(order, config->n_limits, sizeof(*order), compare_limits, config->limits);
	for (size_t i = 0; i < config->n_limits; i++) {
		sorted[i] = config->limits[order[i]];
		place[order[i]] = i;
	}
	for (size_t i = 0; i < config->n_limits; i++)
		sorted[i].alarm.suppressed_by = place[sorted[i].alarm.suppressed_by];
	free(order);
	free(place);
	free(config->limits);
	config->limits = sorted;
	return 0;
}

static int compare_paths(const void *a, const void *b, void *userdata)
{
	const size_t *x = a, *y = b;
	const struct config *config = userdata;

	return strcmp(config->channels[*x].path, config->channels[*y].path);
}

static int sort_channels(struct config *config)
{
	config->channels_by_path = calloc(config->n_channels + 1, sizeof(size_t));
	if (!config->channels_by_path)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++)
		config->channels_by_path[i] = i;
	qsort_r(config->channels_by_path, config->n_channels, sizeof(size_t), compare_paths,
		config);
	return 0;
}

/** read_directory() - Return: 0; -EINVAL, -ENOENT reported; -ENOMEM. */
static int read_directory(struct config_reader *reader)
{
	int r = check_directory(reader->report, reader->config->directory,
				"a directory with " MAIN_FILE " and " SITES),
	    missing;

	if (r < 0)
		return r;
	missing = read_file(reader, &config_main_group, MAIN_FILE);
	reader->main_bad = reader->report->n_errors > 0;
	reader->main_file = reader->file;
	r = missing == -ENOMEM ? missing : read_all_sites(reader);
	if (r < 0)
		return r;
	config_references_resolve(reader);
	config_destinations_check(reader);
	if (missing < 0)
		return missing;
	return reader->report->n_errors ? -EINVAL : 0;
}

int config_load(struct config **ret, const char *directory, FILE *errors, size_t *ret_n_errors)
{
	struct config_report report = {.out = errors};
	CLEANUP(config_free) struct config *config = calloc(1, sizeof(*config));
	struct config_reader reader = {.config = config, .report = &report};
	locale_t c_locale, previous;
	int r;

	if (!config)
		return -ENOMEM;
	config->directory = strdup(directory);
	/* numbers have a point in every country */
	c_locale = newlocale(LC_ALL_MASK, "C", NULL);
	if (!config->directory || !c_locale) {
		if (c_locale)
			freelocale(c_locale);
		return -ENOMEM;
	}
	previous = uselocale(c_locale);
	r = read_directory(&reader);
	(void)uselocale(previous);
	freelocale(c_locale);
	config_profiles_free(&reader);
	config_references_free(&reader);
	config_standards_free(&reader);
	config_catalogues_free(&reader);
	config_names_free(&reader);
	if (r == 0)
		r = group_limits(config);
	if (r == 0)
		r = sort_channels(config);
	if (ret_n_errors)
		*ret_n_errors = report.n_errors;
	if (r == 0)
		*ret = steal(&config);
	return r;
}

int config_channel_find(const struct config *config, const char *path, size_t *ret)
{
	size_t low = 0, high = config->n_channels;

	while (low < high) {
		size_t middle = low + (high - low) / 2, i = config->channels_by_path[middle];
		int c = strcmp(path, config->channels[i].path);

		if (c == 0) {
			*ret = i;
			return 0;
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

size_t config_limits_of(const struct config *config, size_t channel, size_t *ret_first)
{
	size_t low = 0, high = config->n_limits, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (config->limits[middle].channel < channel)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < config->n_limits && config->limits[low + n].channel == channel)
		n++;
	*ret_first = low;
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config_channel.h"
#include "core/config_names.h"
#include "core/config_profile.h"
#include "core/config_text.h"

#ifndef WASTEWATCH_PROFILES
#define WASTEWATCH_PROFILES "/usr/share/wastewatch/profiles"
#endif
#define FOLDER	     "profiles"
#define LISTED_MAX   128 /* names that a message can hold are far less */
#define N_FOLDERS    2U
#define EXTENSION    ".yaml"
#define IS_SET(text) ((text) && *(text) && strcmp(text, "~") != 0 && strcmp(text, "null") != 0)

void config_profiles_free(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->n_profiles; i++) {
		free(reader->profiles[i].name);
		(void)config_node_free(reader->profiles[i].root);
	}
	free(reader->profiles);
	reader->profiles = NULL;
	reader->n_profiles = 0;
}

/** folder() - the @i-th directory to look into, to be freed; NULL: no memory */
static char *folder(const struct config_reader *reader, unsigned int i)
{
	const char *installed = secure_getenv("WASTEWATCH_PROFILES");
	char *path;

	if (i > 0)
		return strdup(installed && *installed ? installed : WASTEWATCH_PROFILES);
	return asprintf(&path, "%s/" FOLDER, reader->config->directory) < 0 ? NULL : path;
}

static int is_profile(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), extension = strlen(EXTENSION);

	return entry->d_name[0] != '.' && n > extension &&
	       strcmp(entry->d_name + n - extension, EXTENSION) == 0;
}

/* Not alphasort(): its order would change with the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/** list_folder() - put its profiles on the listing; @names owns them. Return: 0; -ENOMEM. */
static int list_folder(const char *path, struct config_listing *listing, char **names, size_t *n)
{
	struct dirent **entries;
	int n_entries = scandir(path, &entries, is_profile, compare_entries), r = 0;

	if (n_entries < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < n_entries; i++) {
		char *name = entries[i]->d_name;
		size_t known = 0;

		name[strlen(name) - strlen(EXTENSION)] = '\0';
		while (known < *n && strcmp(names[known], name) != 0)
			known++;
		if (known == *n && *n < LISTED_MAX) {
			names[*n] = strdup(name);
			r = names[*n] ? r : -ENOMEM;
			config_names_list(listing, names[*n]);
			*n += names[*n] != NULL;
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

/** report_none() - there is no such profile; which there are. Return: 0; -ENOMEM. */
static int report_none(const struct config_mapping *mapping, const char *wanted)
{
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	char *names[LISTED_MAX], *paths[N_FOLDERS] = {NULL};
	size_t n = 0;
	int r = 0;

	for (unsigned int i = 0; i < N_FOLDERS && r == 0; i++) {
		paths[i] = folder(mapping->reader, i);
		r = paths[i] ? list_folder(paths[i], &listing, names, &n) : -ENOMEM;
	}
	if (r == 0 && n == 0)
		config_error(mapping, "profile",
			     "there is no profile \"%s\", nor any other; allowed: the name of a "
			     "file NAME.yaml in %s or %s",
			     wanted, paths[0], paths[1]);
	if (r == 0)
		config_names_dangling(mapping, "profile", 0, "profile", &listing);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	for (unsigned int i = 0; i < N_FOLDERS; i++)
		free(paths[i]);
	return r;
}

/** find_file() - Return: 1 @ret is its path, to be freed; 0 there is none; -ENOMEM. */
static int find_file(const struct config_mapping *mapping, const char *name, char **ret)
{
	for (unsigned int i = 0; i < N_FOLDERS; i++) {
		char *directory = folder(mapping->reader, i), *path = NULL;
		const char *why, *doubt = NULL;
		bool there;

		if (!directory || asprintf(&path, "%s/%s" EXTENSION, directory, name) < 0) {
			free(directory);
			return -ENOMEM;
		}
		there = access(path, F_OK) == 0;
		if (there && config_directory_check(directory, &why) < 0)
			config_report_error(mapping->reader->report, directory, 1, 1, "%s", why);
		if (there && mapping->reader->n_profiles == 0) /* once */
			doubt = config_directory_doubt(directory);
		if (doubt)
			config_report_warning(mapping->reader->report, directory, 1, 1, "%s",
					      doubt);
		free(directory);
		if (there) {
			*ret = path;
			return 1;
		}
		free(path);
	}
	return 0;
}

/** read_profile() - its tree. Return: 0, what is wrong is reported; -ENOMEM. */
static int read_profile(struct config_reader *reader, struct config_profile *profile, char *path)
{
	uint8_t *digest = reader->config->digest;
	char *name;
	int r;

	/* where it was found does not matter, but which one it is */
	if (asprintf(&name, FOLDER "/%s" EXTENSION, profile->name) < 0)
		return -ENOMEM;
	r = config_digest(digest, name, strlen(name) + 1);
	free(name);
	if (r == 0)
		r = config_yaml_read(&profile->root, reader->report, path, digest);
	profile->file = path;
	if (r < 0 && r != -ENOMEM) {
		profile->bad = true; /* reported */
		r = 0;
	}
	return r;
}

/** open_profile() - read one that was not asked for before. Return: 0; -ENOMEM. */
static int open_profile(struct config_mapping *mapping, const char *wanted)
{
	struct config_reader *reader = mapping->reader;
	struct config_profile profile = {0};
	char *path = NULL;
	int r = find_file(mapping, wanted, &path);

	if (r == 0)
		return report_none(mapping, wanted);
	profile.name = r < 0 ? NULL : strdup(wanted);
	r = profile.name ? read_profile(reader, &profile, path) : -ENOMEM;
	if (config_names_keep(reader, &path) < 0)
		r = -ENOMEM;
	free(path); /* NULL once it has moved */
	if (r == 0)
		r = config_append(&reader->profiles, &reader->n_profiles, &profile,
				  sizeof(profile));
	free(profile.name); /* the same */
	(void)config_node_free(profile.root);
	return r;
}

static struct config_profile *find_profile(const struct config_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->n_profiles; i++)
		if (strcmp(reader->profiles[i].name, name) == 0)
			return &reader->profiles[i];
	return NULL;
}

/** walk_profile() - check it, and give its holes and states to the reader's unit */
static int walk_profile(struct config_reader *reader, struct config_profile *profile)
{
	const struct config *config = reader->config;
	size_t n_errors = reader->report->n_errors;
	const char *file = reader->file;
	int r;

	profile->first_state = config->n_states;
	profile->first_hole = config->n_holes;
	reader->file = profile->file;
	reader->profile = profile;
	r = config_walk(reader, &config_profile_group, profile->root);
	reader->profile = NULL;
	reader->file = file;
	profile->bad |= reader->report->n_errors > n_errors;
	profile->n_states = config->n_states - profile->first_state;
	profile->n_holes = config->n_holes - profile->first_hole;
	return r;
}

/** copy_state() - the @from-th for the reader's unit too. Return: 0; -ENOMEM. */
static int copy_state(struct config_reader *reader, const struct config_profile *profile,
		      size_t from)
{
	struct config *config = reader->config;
	struct config_state state = config->states[from];
	int r;

	state.unit = reader->unit;
	state.path = NULL;
	state.name = state.name ? strdup(state.name) : NULL;
	r = config->states[from].name && !state.name ? -ENOMEM : config_name_state(reader, &state);
	if (r == 0 && state.name)
		r = config_names_add(reader,
				     (struct config_name){KIND_STATE, state.unit, state.name,
							  config->n_states, profile->file, 1});
	if (r == 0)
		r = config_append(&config->states, &config->n_states, &state, sizeof(state));
	free(state.name); /* NULL once they have moved */
	free(state.path);
	return r;
}

/** copy_profile() - what the first unit got from it, for another one */
static int copy_profile(struct config_reader *reader, const struct config_profile *profile)
{
	struct config *config = reader->config;
	int r = 0;

	for (size_t i = 0; i < profile->n_holes && r == 0; i++) {
		struct config_hole hole = config->holes[profile->first_hole + i];

		hole.unit = reader->unit;
		r = config_append(&config->holes, &config->n_holes, &hole, sizeof(hole));
	}
	for (size_t i = 0; i < profile->n_states && r == 0; i++)
		r = copy_state(reader, profile, profile->first_state + i);
	return r;
}

int config_base_unit(struct config_mapping *mapping, struct config_base *ret)
{
	struct config_reader *reader = mapping->reader;
	const char *wanted = config_scalar(mapping, "profile");
	struct config_profile *profile;
	bool first;
	int r = 0;

	reader->unit = reader->config->n_units;
	reader->unit_name = config_scalar(mapping, "name");
	if (!IS_SET(wanted) || config_name_check(wanted))
		return 0; /* the latter is reported when the key's turn comes */
	first = !find_profile(reader, wanted);
	if (first)
		r = open_profile(mapping, wanted);
	profile = r == 0 ? find_profile(reader, wanted) : NULL;
	if (!profile || !profile->root)
		return r;
	r = first ? walk_profile(reader, profile) : copy_profile(reader, profile);
	*ret = (struct config_base){profile->root, "profile", profile->bad};
	return r;
}

int config_finish_profile(struct config_mapping *mapping, void *data)
{
	const struct config_profile *profile = mapping->reader->profile;
	const struct profile_draft *draft = data;

	if (config_usable(mapping, "profile") && strcmp(draft->profile, profile->name) != 0)
		config_error(mapping, "profile",
			     "the profile's name is not the file's; allowed: %s", profile->name);
	return 0;
}

int config_finish_signal(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct channel_draft *draft = data;
	bool known = config_check_storage(mapping, draft, false);

	if (known && config_usable(mapping, "address"))
		config_check_readable(mapping, "address", 0,
				      &(struct config_place){reader->unit, draft->channel.function,
							     draft->channel.address,
							     draft->channel.decode.type});
	config_resolve_states(mapping, draft, reader->unit);
	/* the file's own text lives as long as the names do, the draft's does not */
	return config_names_claim(
		mapping, "name", KIND_SIGNAL, reader->unit,
		config_usable(mapping, "name") ? config_scalar(mapping, "name") : NULL, 0);
}

/** find_signal() - its mapping, NULL: there is none, which is reported */
static const struct config_node *find_signal(const struct config_mapping *mapping,
					     const struct config_profile *profile,
					     const char *wanted)
{
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_node *list = config_node_find(profile->root, "signals");

	for (const struct config_node *item = list ? list->first : NULL; item; item = item->next) {
		const struct config_node *name = config_node_find(item, "name");

		if (!name || name->kind != CONFIG_SCALAR)
			continue;
		if (strcmp(name->text, wanted) == 0)
			return item;
		config_names_list(&listing, name->text);
	}
	config_names_dangling(mapping, "signal", 0, "signal in this profile", &listing);
	return NULL;
}

int config_base_channel(struct config_mapping *mapping, struct config_base *ret)
{
	const struct config_reader *reader = mapping->reader;
	const char *from = config_scalar(mapping, "from");
	const char *wanted = config_scalar(mapping, "signal");
	const struct config_profile *profile;
	const struct config_name *found;
	const struct config_unit *unit;

	if (!from || !IS_SET(wanted) || config_name_check(wanted))
		return 0; /* reported when the key's turn comes */
	found = config_names_find(reader, KIND_UNIT, reader->site, from);
	unit = found ? &reader->config->units[found->index] : NULL;
	if (!unit || !unit->profile) /* reported */
		return 0;
	if (!*unit->profile) {
		config_error(mapping, "signal",
			     "the unit \"%s\" has no profile and so no signals; allowed: a "
			     "\"profile\" at the unit, or address, type and range here",
			     from);
		return 0;
	}
	profile = find_profile(reader, unit->profile);
	if (!profile || !profile->root) /* reported */
		return 0;
	ret->node = find_signal(mapping, profile, wanted);
	ret->key = "signal";
	ret->bad = profile->bad;
	return 0;
}

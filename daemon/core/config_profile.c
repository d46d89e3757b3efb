/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_channel.h"
#include "core/config_library.h"
#include "core/config_names.h"
#include "core/config_profile.h"
#include "core/config_text.h"

#ifndef WASTEWATCH_PROFILES
#define WASTEWATCH_PROFILES "/usr/share/wastewatch/profiles"
#endif
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

/** open_profile() - read one that was not asked for before. Return: 0; -ENOMEM. */
static int open_profile(struct config_mapping *mapping, const char *wanted)
{
	static const struct config_library library = {"profile", "profiles", "WASTEWATCH_PROFILES",
						      WASTEWATCH_PROFILES};
	struct config_reader *reader = mapping->reader;
	struct config_profile profile = {0};
	int r = config_library_read(mapping, &library, "profile", wanted, reader->n_profiles == 0,
				    &profile.file, &profile.root);

	if (r < 0 || !profile.file)
		return r;
	profile.bad = !profile.root;
	profile.name = strdup(wanted);
	r = profile.name ? config_append(&reader->profiles, &reader->n_profiles, &profile,
					 sizeof(profile))
			 : -ENOMEM;
	free(profile.name); /* NULL once it has moved */
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
							  config->n_states, profile->file, 1, 1});
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running drill as bytes: a header, when each channel is due next, and the state of its core
 * as core_save() makes it. Its scenario is kept as the file's text, and its windows apart, which
 * change once a minute.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/drill_inside.h"

#define DRILL_MAGIC UINT64_C(0x316c6c7264777777) /* "wwwdrll1" */

/** struct drill_header - @source: "" none; @hash: of all other bytes */
struct drill_header {
	uint64_t magic;
	uint64_t n_feeds;
	uint64_t n_core;
	struct stamp started;
	char user[ACTION_USER_MAX + 1];
	char source[CONFIG_NAME_MAX + 1];
	char pad[6];
	int64_t next_ms[DRILL_COURSES_MAX]; /* per course of the scenario */
	uint64_t hash;
};

static uint64_t hash_of(const struct drill_header *header, const void *core)
{
	return hash64(hash64(HASH64_SEED, header, offsetof(struct drill_header, hash)), core,
		      header->n_core);
}

int drill_save(const struct drill *drill, void **ret, size_t *ret_n)
{
	struct drill_header header = {
		.magic = DRILL_MAGIC, .n_feeds = drill->n_feeds, .started = drill->started};
	void *core = NULL, *bytes;
	size_t n_core = 0;
	int r = core_save(drill->core, &core, &n_core);

	if (r < 0)
		return r;
	header.n_core = n_core;
	memcpy(header.user, drill->user, sizeof(header.user));
	if (drill->source != EVENT_NONE)
		(void)snprintf(header.source, sizeof(header.source), "%s",
			       drill->core->config->sources[drill->source].name);
	for (size_t i = 0; i < drill->n_feeds; i++)
		header.next_ms[drill->feeds[i].course] = drill->feeds[i].next_ms;
	header.hash = hash_of(&header, core);
	bytes = malloc(sizeof(header) + n_core);
	if (bytes) {
		memcpy(bytes, &header, sizeof(header));
		memcpy((char *)bytes + sizeof(header), core, n_core);
		*ret = bytes;
		*ret_n = sizeof(header) + n_core;
	}
	free(core);
	return bytes ? 0 : -ENOMEM;
}

/* Return: 0; -EINVAL */
static int read_header(struct drill_header *header, const void *state, size_t n)
{
	if (n < sizeof(*header))
		return -EINVAL;
	memcpy(header, state, sizeof(*header));
	return header->magic == DRILL_MAGIC && header->n_core == n - sizeof(*header) &&
			       header->hash ==
				       hash_of(header, (const char *)state + sizeof(*header)) &&
			       memchr(header->user, '\0', sizeof(header->user)) &&
			       memchr(header->source, '\0', sizeof(header->source))
		       ? 0
		       : -EINVAL;
}

static size_t source_of(const struct config *config, size_t site, const char *name)
{
	for (size_t i = 0; i < config->n_sources; i++)
		if (config->sources[i].site == site && strcmp(config->sources[i].name, name) == 0)
			return i;
	return EVENT_NONE;
}

/* its place in @real's configuration, its core at rest. Return: 0; -EINVAL @why; -ENOMEM */
static int place(struct drill *drill, const struct core *real, const char *site, const char *source,
		 char *why, size_t n_why)
{
	int r;

	drill->site = drill_site_find(real->config, site, strlen(site));
	if (drill->site == EVENT_NONE) {
		(void)snprintf(why, n_why, "its site is no longer configured");
		return -EINVAL;
	}
	drill->source = source_of(real->config, drill->site, source);
	if (*source && drill->source == EVENT_NONE) {
		(void)snprintf(why, n_why, "its source \"%s\" is no longer configured", source);
		return -EINVAL;
	}
	r = drill_fit(drill, real->config, why, n_why);
	if (r == 0)
		r = drill_make_core(drill, real);
	return r;
}

/* Return: 0; 1 of another version; -EBADMSG; -ENOMEM */
static int take_state(struct drill *drill, const struct core *real, const void *core, size_t n_core,
		      const void *windows, size_t n_windows)
{
	int r = core_restore(drill->core, core, n_core);

	if (r == 0 && n_windows > 0)
		r = MIN(core_restore_windows(drill->core, windows, n_windows), 0); /* 1: anew */
	drill_mark(drill, real);
	return r;
}

static int build(struct drill *drill, const struct core *real, const char *site, const void *state,
		 size_t n_state, const void *windows, size_t n_windows, char *why, size_t n_why)
{
	struct drill_header header;
	int r = read_header(&header, state, n_state);

	if (r == 0)
		r = place(drill, real, site, header.source, why, n_why);
	if (r < 0)
		return r;
	drill->started = header.started;
	memcpy(drill->user, header.user, sizeof(drill->user));
	for (size_t i = 0; i < drill->n_feeds; i++)
		drill->feeds[i].next_ms = MAX(header.next_ms[drill->feeds[i].course],
					      header.started.mono_ms);
	r = take_state(drill, real, (const char *)state + sizeof(header), header.n_core, windows,
		       n_windows);
	return r == 0 || r == -ENOMEM ? r : -EINVAL;
}

/* Return: 0; -EINVAL it cannot go on, @why; -ENOMEM */
static int revive(struct drills *drills, const char *site, const void *text, size_t n_text,
		  const void *state, size_t n_state, const void *windows, size_t n_windows,
		  char *why, size_t n_why)
{
	CLEANUP(drill_free) struct drill *drill = calloc(1, sizeof(*drill));
	struct config_report report = {0};
	int r = drill ? drill_scenario_parse(&drill->scenario, &report, site, NULL, text, n_text)
		      : -ENOMEM;

	if (r == 0 && drills->n == DRILLS_MAX)
		r = -EINVAL;
	if (r == 0)
		r = build(drill, drills->real, site, state, n_state, windows, n_windows, why,
			  n_why);
	if (r == 0)
		drills_add(drills, steal(&drill));
	return r;
}

static void say_lost(struct drills *drills, const char *site, struct stamp at, const char *why)
{
	struct event event = event_plain(EVENT_DRILL_STOPPED, at);

	event.site = drill_site_find(drills->real->config, site, strlen(site));
	event.name = site;
	event.reason = why;
	event.exercise = true;
	core_event(drills->real, &event);
	drills->anew = true;
}

int drill_restore(struct drills *drills, const char *site, const void *text, size_t n_text,
		  const void *state, size_t n_state, const void *windows, size_t n_windows,
		  struct stamp at)
{
	char why[ACTION_ERROR_MAX] = "";
	int r = revive(drills, site, text, n_text, state, n_state, windows, n_windows, why,
		       sizeof(why));

	if (r != -EINVAL)
		return r;
	say_lost(drills, site, at, *why ? why : "its state in the record cannot be used");
	return 1;
}

/* --- a change of configuration ------------------------------------------------------------ */

void drills_fit(struct drills *drills, const struct config *config, struct stamp at)
{
	const struct config *old = drills->real->config;

	for (size_t i = drills->n; i-- > 0;) {
		const struct drill *drill = drills->list[i];
		const char *site = old->sites[drill->site].name;
		struct drill there = {.scenario = drill->scenario, .source = EVENT_NONE};
		char why[ACTION_ERROR_MAX] = "the new configuration no longer has its site";

		there.site = drill_site_find(config, site, strlen(site));
		if (there.site != EVENT_NONE && drill->source != EVENT_NONE)
			there.source = source_of(config, there.site,
						 old->sources[drill->source].name);
		if (there.site != EVENT_NONE &&
		    (drill->source == EVENT_NONE || there.source != EVENT_NONE) &&
		    drill_fit(&there, config, why, sizeof(why)) == 0)
			continue;
		drill_stop(drills, i, at, NULL, why);
	}
}

/* Return: 0; -EINVAL it does not fit after all; -ENOMEM */
static int copy_drill(struct drills *drills, const struct drill *from, const struct config *old)
{
	const char *site = old->sites[from->site].name;
	void *state = NULL, *windows = NULL;
	size_t n_state = 0, n_windows = 0;
	char why[ACTION_ERROR_MAX] = "";
	int r = drill_save(from, &state, &n_state);

	if (r == 0)
		r = core_save_windows(from->core, &windows, &n_windows);
	if (r == 0)
		r = revive(drills, site, from->scenario->text, from->scenario->n_text, state,
			   n_state, windows, n_windows, why, sizeof(why));
	free(state);
	free(windows);
	return r;
}

int drills_move(struct drills *drills, const struct drills *from)
{
	const struct config *old = from->real->config, *config = drills->real->config;
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++)
		r = copy_drill(drills, from->list[i], old);
	for (size_t i = 0; i < config->n_sites; i++) {
		size_t before = drill_site_find(old, config->sites[i].name,
						strlen(config->sites[i].name));

		if (before != EVENT_NONE)
			drills->sites[i] = from->sites[before];
	}
	drills->anew = drills->sites_changed = true;
	return r;
}

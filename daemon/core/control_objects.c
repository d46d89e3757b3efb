/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of objects and what they stand for: nothing is registered per object, and nothing kept; a
 * path is taken apart when somebody names it.
 *
 *   /vn/wastewatch1/alarm/mill_2foutfall_2fCOD_2flimit_2dhigh  ◀──▶  mill/outfall/COD/limit-high
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/control_inside.h"

static const struct {
	const char *name;
	const char *prefix;
} kinds[] = {
	[CONTROL_SITE] = {"site", CONTROL_PATH "/site"},
	[CONTROL_SOURCE] = {"source", CONTROL_PATH "/source"},
	[CONTROL_CHANNEL] = {"channel", CONTROL_PATH "/channel"},
	[CONTROL_ALARM] = {"alarm", CONTROL_PATH "/alarm"},
	[CONTROL_INCIDENT] = {"incident", CONTROL_PATH "/incident"},
	[CONTROL_DESTINATION] = {"destination", CONTROL_PATH "/destination"},
};

const char *control_kind_name(enum control_kind kind)
{
	return kinds[kind].name;
}

const char *control_kind_prefix(enum control_kind kind)
{
	return kinds[kind].prefix;
}

void control_object_name(const struct service *service, enum control_kind kind, size_t index,
			 char name[static CONTROL_PATH_MAX])
{
	const struct config *config = service->config;
	const char *text = "";

	switch (kind) {
	case CONTROL_SITE:
		text = config->sites[index].name;
		break;
	case CONTROL_SOURCE:
		(void)snprintf(name, CONTROL_PATH_MAX, "%s/%s",
			       config->sites[config->sources[index].site].name,
			       config->sources[index].name);
		return;
	case CONTROL_CHANNEL:
		text = config->channels[index].path;
		break;
	case CONTROL_ALARM:
		text = config->limits[index].path;
		break;
	case CONTROL_INCIDENT:
		text = service->core->incidents[index].id;
		break;
	case CONTROL_DESTINATION:
		text = config->destinations[index].name;
		break;
	}
	(void)snprintf(name, CONTROL_PATH_MAX, "%s", text);
}

void control_object_path(const struct service *service, enum control_kind kind, size_t index,
			 char path[static CONTROL_PATH_MAX])
{
	char name[CONTROL_PATH_MAX], *encoded = NULL;

	control_object_name(service, kind, index, name);
	if (sd_bus_path_encode(kinds[kind].prefix, name, &encoded) >= 0 &&
	    strlen(encoded) < CONTROL_PATH_MAX)
		(void)snprintf(path, CONTROL_PATH_MAX, "%s", encoded);
	else
		(void)snprintf(path, CONTROL_PATH_MAX, "/");
	free(encoded);
}

/* --- from names -------------------------------------------------------------------- */

static bool find_site(const struct service *service, const char *name, size_t *ret)
{
	for (size_t i = 0; i < service->config->n_sites; i++) {
		if (strcmp(service->config->sites[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* every source has a channel, and the channels are sorted by path: the first below it */
static bool find_source(const struct service *service, const char *name, size_t *ret)
{
	const struct config *config = service->config;
	size_t n = strlen(name), low = 0, high = config->n_channels;
	const char *path;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		path = config->channels[config->channels_by_path[middle]].path;
		if (strncmp(path, name, n) < 0 || (strncmp(path, name, n) == 0 && path[n] < '/'))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == config->n_channels || !strchr(name, '/'))
		return false;
	path = config->channels[config->channels_by_path[low]].path;
	if (strncmp(path, name, n) != 0 || path[n] != '/')
		return false;
	*ret = config->channels[config->channels_by_path[low]].source;
	return true;
}

static bool find_channel(const struct service *service, const char *name, size_t *ret)
{
	return config_channel_find(service->config, name, ret) == 0;
}

static bool find_alarm(const struct service *service, const char *name, size_t *ret)
{
	const struct config *config = service->config;
	const char *slash = strrchr(name, '/');
	char channel_path[CONTROL_PATH_MAX];
	size_t channel, first, n;

	if (!slash || (size_t)(slash - name) >= sizeof(channel_path))
		return false;
	(void)snprintf(channel_path, sizeof(channel_path), "%.*s", (int)(slash - name), name);
	if (config_channel_find(config, channel_path, &channel) < 0)
		return false;
	n = config_limits_of(config, channel, &first);
	for (size_t i = first; i < first + n; i++) {
		if (strcmp(config->limits[i].path, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool find_incident(const struct service *service, const char *name, size_t *ret)
{
	for (size_t i = 0; i < service->config->n_sites * N_WASTE_KINDS; i++) {
		const struct core_incident *incident = &service->core->incidents[i];

		if (!incident->open || strcmp(incident->id, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool find_destination(const struct service *service, const char *name, size_t *ret)
{
	for (size_t i = 0; i < service->config->n_destinations; i++) {
		if (strcmp(service->config->destinations[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool control_object_find(const struct service *service, enum control_kind kind, const char *path,
			 size_t *ret)
{
	static bool (*const finders[])(const struct service *, const char *, size_t *) = {
		[CONTROL_SITE] = find_site,	    [CONTROL_SOURCE] = find_source,
		[CONTROL_CHANNEL] = find_channel,   [CONTROL_ALARM] = find_alarm,
		[CONTROL_INCIDENT] = find_incident, [CONTROL_DESTINATION] = find_destination,
	};
	char *name = NULL, own[CONTROL_PATH_MAX];
	bool is_found = false;
	size_t index = 0;

	if (strlen(path) < CONTROL_PATH_MAX &&
	    sd_bus_path_decode(path, kinds[kind].prefix, &name) > 0)
		is_found = finders[kind](service, name, &index);
	free(name);
	if (!is_found)
		return false;
	/* each object has one path: "_61" for "a", or what is behind a "_00", is another's */
	control_object_path(service, kind, index, own);
	*ret = index;
	return strcmp(own, path) == 0;
}

/* --- which are listed -------------------------------------------------------------- */

bool control_alarm_is_listed(const struct service *service, size_t limit)
{
	const struct alarm_state *alarm = &service->core->limits[limit].alarm;

	return alarm->condition != ALARM_NORMAL || alarm_is_quiet(alarm);
}

static size_t count(const struct service *service, enum control_kind kind)
{
	const struct config *config = service->config;

	switch (kind) {
	case CONTROL_SITE:
		return config->n_sites;
	case CONTROL_SOURCE:
		return config->n_sources;
	case CONTROL_CHANNEL:
		return 0; /* too many: they have pages instead */
	case CONTROL_ALARM:
		return config->n_limits;
	case CONTROL_INCIDENT:
		return config->n_sites * N_WASTE_KINDS;
	case CONTROL_DESTINATION:
		return config->n_destinations;
	}
	return 0;
}

size_t control_object_next(const struct service *service, enum control_kind kind, size_t index)
{
	for (size_t end = count(service, kind); index < end; index++)
		if ((kind != CONTROL_ALARM || control_alarm_is_listed(service, index)) &&
		    (kind != CONTROL_INCIDENT || service->core->incidents[index].open))
			return index;
	return SIZE_MAX;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods that answer with a list: names that begin with a word; alarms, channels, and incidents
 * that nobody has closed, a page at a time, however many there are.
 */
#include <string.h>

#include "core/control_inside.h"

#define LOOKED_AT_MAX 100000 /* limits or channels in one call, a millisecond or two */

/* --- names ------------------------------------------------------------------------- */

struct finding {
	sd_bus_message *reply;
	const char *prefix;
	size_t n;
};

static int found(struct finding *finding, const char *kind, const char *name)
{
	if (strncmp(name, finding->prefix, strlen(finding->prefix)) != 0 ||
	    (finding->n >= CONTROL_FOUND_MAX && strcmp(name, finding->prefix) != 0))
		return 0;
	finding->n++;
	return sd_bus_message_append(finding->reply, "(ss)", kind, name);
}

static int find(const struct service *service, struct finding *finding)
{
	const struct config *config = service->config;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < config->n_sites; i++)
		r = found(finding, "site", config->sites[i].name);
	for (size_t i = 0; r >= 0 && i < config->n_limits; i++)
		r = found(finding, "alarm", config->limits[i].path);
	return r;
}

int control_find(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct control *control = userdata;
	struct finding finding = {0};
	int r = sd_bus_message_read(m, "s", &finding.prefix);

	(void)error;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &finding.reply);
	if (r >= 0)
		r = sd_bus_message_open_container(finding.reply, SD_BUS_TYPE_ARRAY, "(ss)");
	if (r >= 0)
		r = find(control->service, &finding);
	if (r >= 0)
		r = sd_bus_message_close_container(finding.reply);
	if (r >= 0)
		r = sd_bus_send(NULL, finding.reply, NULL);
	(void)sd_bus_message_unref(finding.reply);
	return r;
}

/* --- pages ------------------------------------------------------------------------- */

/* what is different about a page of alarms and one of channels */
struct pages {
	enum control_kind kind;
	size_t (*count)(const struct service *service);
	bool (*belongs)(const struct service *service, size_t index);
	const char *(*state)(const struct service *service, size_t index);
};

static int append(sd_bus_message *reply, const struct service *service, const struct pages *pages,
		  size_t index)
{
	char name[CONTROL_PATH_MAX], path[CONTROL_PATH_MAX];

	control_object_name(service, pages->kind, index, name);
	control_object_path(service, pages->kind, index, path);
	return sd_bus_message_append(reply, "(sos)", name, path, pages->state(service, index));
}

/* @ret_next: where the next page begins, 0 there is none */
static int append_page(sd_bus_message *reply, const struct service *service,
		       const struct pages *pages, size_t from, uint32_t *ret_next)
{
	size_t n = 0, i, end = pages->count(service);
	int r = 0;

	for (i = from; r >= 0 && i < end && n < CONTROL_PAGE_MAX && i - from < LOOKED_AT_MAX; i++)
		if (pages->belongs(service, i)) {
			r = append(reply, service, pages, i);
			n++;
		}
	*ret_next = i < end ? (uint32_t)i : 0;
	return r;
}

static int answer(sd_bus_message *m, const struct control *control, const struct pages *pages)
{
	sd_bus_message *reply = NULL;
	uint32_t from, next = 0;
	int r = sd_bus_message_read(m, "u", &from);

	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(sos)");
	if (r >= 0)
		r = append_page(reply, control->service, pages, from, &next);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_message_append(reply, "u", next);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	(void)sd_bus_message_unref(reply);
	return r;
}

static size_t count_alarms(const struct service *service)
{
	return service->config->n_limits;
}

static bool alarm_belongs(const struct service *service, size_t index)
{
	return control_alarm_is_listed(service, index);
}

static const char *alarm_state(const struct service *service, size_t index)
{
	return alarm_condition_text(service->core, index);
}

int control_list_alarms(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	static const struct pages pages = {CONTROL_ALARM, count_alarms, alarm_belongs, alarm_state};

	(void)error;
	return answer(m, userdata, &pages);
}

static size_t count_channels(const struct service *service)
{
	return service->config->n_channels;
}

static bool channel_belongs(const struct service *service, size_t index)
{
	(void)service;
	(void)index;
	return true;
}

static const char *channel_state(const struct service *service, size_t index)
{
	const struct core_channel *channel = &service->core->channels[index];

	return channel->lost ? "lost" : quality_text((enum quality)channel->quality);
}

int control_list_channels(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	static const struct pages pages = {CONTROL_CHANNEL, count_channels, channel_belongs,
					   channel_state};

	(void)error;
	return answer(m, userdata, &pages);
}

/* --- incidents, from the record: those that have ended are nowhere else ------------- */

struct unclosed {
	const struct service *service;
	sd_bus_message *reply;
};

static const char *path_of_incident(const struct service *service, const char *id,
				    char path[static CONTROL_PATH_MAX])
{
	for (size_t i = control_object_next(service, CONTROL_INCIDENT, 0); i != SIZE_MAX;
	     i = control_object_next(service, CONTROL_INCIDENT, i + 1)) {
		if (strcmp(service->core->incidents[i].id, id) != 0)
			continue;
		control_object_path(service, CONTROL_INCIDENT, i, path);
		return path;
	}
	return "/";
}

static int append_unclosed(void *userdata, const struct record_unclosed *incident)
{
	const struct unclosed *unclosed = userdata;
	char path[CONTROL_PATH_MAX];

	return sd_bus_message_append(unclosed->reply, "(sossstt)", incident->id,
				     path_of_incident(unclosed->service, incident->id, path),
				     incident->state, incident->class, incident->level,
				     (uint64_t)MAX(incident->opened_ms, 0) * 1000,
				     (uint64_t)MAX(incident->ended_ms, 0) * 1000);
}

int control_list_incidents(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct control *control = userdata;
	struct unclosed unclosed = {.service = control->service};
	uint32_t from;
	int r = sd_bus_message_read(m, "u", &from), n;

	(void)error;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &unclosed.reply);
	if (r >= 0)
		r = sd_bus_message_open_container(unclosed.reply, SD_BUS_TYPE_ARRAY, "(sossstt)");
	if (r >= 0)
		r = record_unclosed(control->service->record, from, CONTROL_PAGE_MAX,
				    append_unclosed, &unclosed);
	n = r;
	if (r >= 0)
		r = sd_bus_message_close_container(unclosed.reply);
	if (r >= 0)
		r = sd_bus_message_append(unclosed.reply, "u",
					  n == CONTROL_PAGE_MAX ? from + CONTROL_PAGE_MAX : 0);
	if (r >= 0)
		r = sd_bus_send(NULL, unclosed.reply, NULL);
	(void)sd_bus_message_unref(unclosed.reply);
	return r;
}

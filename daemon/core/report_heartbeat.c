/* SPDX-License-Identifier: Apache-2.0 */
/* the report of type heartbeat: how things stand, and how far the record is */
#include <stdlib.h>
#include <string.h>

#include "core/cap.h"
#include "core/fields.h"
#include "core/heartbeat.h"
#include "core/report.h"
#include "core/report_parts.h"

#define INCIDENTS_MAX 60

static void set_number(json_t *object, const char *key, int64_t number)
{
	(void)json_object_set_new(object, key, json_integer(number));
}

static json_t *incidents_array(const struct core *core)
{
	json_t *array = json_array();

	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open && json_array_size(array) < INCIDENTS_MAX)
			(void)json_array_append_new(array, json_string(core->incidents[i].id));
	return array;
}

static int64_t count_lost(const struct core *core)
{
	int64_t n = 0;

	for (size_t i = 0; i < core->config->n_channels; i++)
		n += core->channels[i].lost;
	return n;
}

/* what only the running service knows is left out where nobody has told the core */
static json_t *health_object(const struct core *core, size_t destination)
{
	const struct core_facts *facts = &core->facts;
	json_t *object = json_object();

	(void)json_object_set_new(object, "incidents", incidents_array(core));
	set_number(object, "channels", (int64_t)core->config->n_channels);
	set_number(object, "channels_lost", count_lost(core));
	if (!facts->known)
		return object;
	set_number(object, "reports_waiting", facts->reports_waiting[destination]);
	if (facts->disk_free_bytes >= 0)
		set_number(object, "disk_free_bytes", facts->disk_free_bytes);
	field_set_time(object, "verified", facts->verified_ms, core->config->zone_min);
	if (facts->verified_ms != 0)
		(void)json_object_set_new(object, "verified_good",
					  json_boolean(facts->verified_good));
	return object;
}

static char *body_of(const struct core *core, size_t destination, struct stamp at,
		     const char *webhook_id, const char *data)
{
	const struct config_destination *config = &core->config->destinations[destination];

	switch (config->format) {
	case FORMAT_JSON:
		return report_body(core, HEARTBEAT_TYPE, at.wall_ms, data);
	case FORMAT_CAP:
		return cap_heartbeat(&(struct cap_report){
			.data = data,
			.type = HEARTBEAT_TYPE,
			.destination = config->name,
			.webhook_id = webhook_id,
			.sent_ms = at.wall_ms,
			.zone_min = core->config->zone_min,
			.first = config->language,
		});
	}
	return NULL;
}

char *report_heartbeat(const struct core *core, size_t destination, struct stamp at,
		       const char *webhook_id)
{
	json_t *data = json_object(), *reporter = report_reporter(core);
	char *text, *body;

	field_set_text(data, "origin", core->config->origin);
	set_number(data, "interval_s",
		   core->config->destinations[destination].heartbeat_ms / MS_PER_S);
	if (reporter)
		(void)json_object_set_new(data, "reporter", reporter);
	(void)json_object_set_new(data, "health", health_object(core, destination));
	(void)json_object_set_new(data, "log", report_log(core));
	text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(data);
	body = text ? body_of(core, destination, at, webhook_id, text) : NULL;
	free(text);
	return body;
}

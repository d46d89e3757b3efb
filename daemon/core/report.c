/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/fields.h"
#include "core/head.h"
#include "core/report.h"
#include "core/report_parts.h"

/*
 * Usual reports stay below 20 kB, the size webhooks should have. None, with the longest texts
 * that a configuration may hold and each letter escaped, reaches WIRE_PACKET_MAX: it could never
 * be handed to the sender. Alarms and their channels get the room that the other parts leave;
 * some is kept for what comes later: who closed it, cause and measures, and the envelope.
 */
#define REPORT_CHANNELS_MAX 60
#define REPORT_BYTES_MAX    (WIRE_PACKET_MAX - 8192 - 8192)

static size_t index_of(const struct core *core, const struct core_incident *incident)
{
	return (size_t)(incident - core->incidents);
}

static bool is_involved(const struct core *core, const struct core_incident *incident, size_t limit)
{
	const struct core_limit *state = &core->limits[limit];

	if (core_incident_of(core, core->config->limits[limit].channel) != incident)
		return false;
	/* a warning may stand before the incident opens: it is part of it for as long as it goes on
	 */
	return limit_is_raised(&state->state) ||
	       (state->cleared.wall_ms && state->cleared.mono_ms >= incident->opened.mono_ms) ||
	       (state->raised.wall_ms && state->raised.mono_ms >= incident->opened.mono_ms);
}

static void set_true(json_t *object, const char *key, bool value)
{
	if (value)
		(void)json_object_set_new(object, key, json_true());
}

/* what the window that is open now will come to */
static void set_forecast(const struct core *core, json_t *object, size_t limit)
{
	const struct core_forecast *forecast = &core->limits[limit].forecast;
	int64_t now_ms = core_now_of(core, core->config->limits[limit].channel).wall_ms;
	json_t *part;

	if (forecast->kind == FORECAST_NONE)
		return;
	part = json_object();
	field_set_time(part, "window", forecast->window_ms, core->config->zone_min);
	if (forecast->kind == FORECAST_BREAKS) {
		field_set_time(part, "due", forecast->due_ms, core->config->zone_min);
		(void)json_object_set_new(
			part, "seconds",
			json_integer(MAX((forecast->due_ms - now_ms) / MS_PER_S, 0)));
	}
	set_true(part, "unavoidable", forecast->kind == FORECAST_UNAVOIDABLE);
	(void)json_object_set_new(object, "forecast", part);
}

static json_t *alarm_object(const struct core *core, size_t i)
{
	const struct config_limit *limit = &core->config->limits[i];
	const struct config_channel *channel = &core->config->channels[limit->channel];
	const struct core_limit *state = &core->limits[i];
	json_t *object = json_object();

	field_set_text(object, "limit", limit->path);
	field_set_text(object, "class", limit_class_text(limit->class));
	field_set_text(object, "side", limit->high ? "high" : "low");
	field_set_text(object, "on", limit_on_text(limit->on));
	field_set_value(object, "bound", limit->bound);
	field_set_text(object, "unit", channel->measure);
	field_set_text(object, "origin", limit->origin);
	field_set_text(object, "basis", limit_basis_text(limit->basis));
	field_set_text(object, "advice", limit->advice);
	field_set_text(object, "state", limit_is_raised(&state->state) ? "raised" : "cleared");
	field_set_time(object, "since", state->state.since_wall_ms, core->config->zone_min);
	field_set_time(object, "raised", state->raised.wall_ms, core->config->zone_min);
	field_set_time(object, "cleared", state->cleared.wall_ms, core->config->zone_min);
	field_set_value(object, "peak", state->peak);
	field_set_time(object, "peak_time", state->peak_ms, core->config->zone_min);
	(void)json_object_set_new(object, "duration_s", json_integer(state->beyond_ms / MS_PER_S));
	field_set_text(object, "condition", alarm_condition_text(core, i));
	set_true(object, "suppressed", state->alarm.suppressed);
	set_true(object, "out_of_service", state->alarm.out_of_service);
	field_set_time(object, "shelved_until", state->alarm.shelved_until.wall_ms,
		       core->config->zone_min);
	set_forecast(core, object, i);
	return object;
}

/* the longer windows that were closed last, those that lack values too: they say so */
static json_t *means_object(const struct core *core, size_t channel)
{
	json_t *object = json_object();

	for (unsigned int w = WINDOW_5MIN; w <= WINDOW_LENGTH_MAX; w++) {
		const struct window_row *row = &core->windows[channel].last[w];
		json_t *window = json_object();

		if (row->start_ms < 0) {
			json_decref(window);
			continue;
		}
		field_set_moment(
			window, "from", row->start_ms,
			core->config->zone_min); /* the epoch, too, by a clock that fell to it */
		if (row->n > 0)
			field_set_value(window, "mean", row->mean);
		(void)json_object_set_new(window, "capture_percent", json_integer(row->capture));
		(void)json_object_set_new(window, "valid", json_boolean(row->valid));
		(void)json_object_set_new(object, window_text((enum window_length)w), window);
	}
	return object;
}

static json_t *channel_object(const struct core *core, size_t i)
{
	const struct config_channel *channel = &core->config->channels[i];
	const struct core_channel *state = &core->channels[i];
	char reason[CORE_REASON_MAX];
	json_t *object = json_object();

	field_set_text(object, "channel", channel->name);
	field_set_text(object, "title", channel->title);
	field_set_text(object, "source", core->config->sources[channel->source].name);
	field_set_text(object, "unit", channel->measure);
	field_set_text(object, "quality", quality_text((enum quality)state->quality));
	field_set_text(object, "status", quality_circular((enum quality)state->quality));
	if (state->quality != QUALITY_GOOD || state->lost)
		field_set_text(object, "reason", core_lost_reason(core, i, reason, sizeof(reason)));
	if (state->has_value) {
		field_set_value(object, "value", state->value);
		field_set_time(object, "time", state->good.wall_ms, core->config->zone_min);
	}
	if (state->mean_valid)
		field_set_value(object, "mean_1min", state->mean);
	(void)json_object_set_new(object, "capture_percent", json_integer(state->capture));
	(void)json_object_set_new(object, "lost", json_boolean(state->lost));
	(void)json_object_set_new(object, "means", means_object(core, i));
	return object;
}

static size_t size_of(const json_t *object)
{
	return json_dumpb(object, NULL, 0, JSON_COMPACT) + 1; /* and a comma */
}

/* struct measurements - @room: bytes that are left for them */
struct measurements {
	json_t *channels;
	json_t *alarms;
	size_t n_left_out;
	size_t room;
};

static bool has_channel(const struct core *core, const struct measurements *list, size_t channel)
{
	const struct config_channel *config = &core->config->channels[channel];
	const json_t *object;
	size_t i;

	json_array_foreach (list->channels, i, object) {
		const char *source = json_string_value(json_object_get(object, "source"));
		const char *name = json_string_value(json_object_get(object, "channel"));

		if (strcmp(name, config->name) == 0 &&
		    strcmp(source, core->config->sources[config->source].name) == 0)
			return true;
	}
	return false;
}

static void add_alarm(const struct core *core, struct measurements *list, size_t limit)
{
	size_t channel = core->config->limits[limit].channel, size;
	json_t *alarm, *measured;

	if (json_array_size(list->alarms) >= REPORT_CHANNELS_MAX || list->room == 0) {
		list->n_left_out++;
		return;
	}
	alarm = alarm_object(core, limit);
	measured = has_channel(core, list, channel) ? NULL : channel_object(core, channel);
	size = size_of(alarm) + (measured ? size_of(measured) : 0);
	if (size >= list->room) {
		list->room = 0; /* nor do any behind it: none is made in vain */
		list->n_left_out++;
	} else {
		list->room -= size;
		(void)json_array_append(list->alarms, alarm);
		if (measured)
			(void)json_array_append(list->channels, measured);
	}
	json_decref(alarm);
	json_decref(measured);
}

/* involved alarms and their channels, the worst class first: where room ends, the least goes */
static void add_measurements(const struct core *core, const struct core_incident *incident,
			     json_t *data)
{
	size_t used = size_of(data);
	struct measurements list = {
		.channels = json_array(),
		.alarms = json_array(),
		.room = used < REPORT_BYTES_MAX ? REPORT_BYTES_MAX - used : 0,
	};

	for (int class = CLASS_EMERGENCY; class >= CLASS_WARNING; class --)
		for (size_t i = 0; i < core->config->n_limits; i++)
			if ((int)core->config->limits[i].class == class &&
			    is_involved(core, incident, i))
				add_alarm(core, &list, i);
	(void)json_object_set_new(data, "channels", list.channels);
	(void)json_object_set_new(data, "alarms", list.alarms);
	(void)json_object_set_new(data, "alarms_left_out",
				  json_integer((json_int_t)list.n_left_out));
}

static json_t *site_object(const struct core *core, size_t i)
{
	const struct config_site *site = &core->config->sites[i];
	json_t *object = json_object(), *position;

	field_set_text(object, "name", site->name);
	field_set_text(object, "title", site->title);
	field_set_text(object, "cluster", site->cluster);
	field_set_text(object, "commune", site->commune);
	field_set_text(object, "province", site->province);
	if (isnan(site->latitude))
		return object;
	position = json_object();
	field_set_value(position, "latitude", site->latitude);
	field_set_value(position, "longitude", site->longitude);
	(void)json_object_set_new(object, "position", position);
	return object;
}

/* it lets nothing go itself: what comes by, and from where, as far as it is configured */
static void set_station(const struct core *core, const struct config_source *source, json_t *object)
{
	const struct config_target *from;

	if (!config_is_station(source))
		return;
	(void)json_object_set_new(object, "discharges", json_false());
	if (source->release.inbound_from == CONFIG_NONE)
		return;
	from = &core->config->crossing.targets[source->release.inbound_from];
	field_set_text(object, "inbound_from", from->title);
	field_set_text(object, "inbound_kind", target_kind_text(from->kind));
}

static json_t *sources_array(const struct core *core, size_t site, enum waste_kind kind)
{
	json_t *array = json_array();

	for (size_t i = 0; i < core->config->n_sources; i++) {
		const struct config_source *source = &core->config->sources[i];
		json_t *object;

		if (source->site != site || source->kind != kind ||
		    json_array_size(array) >= REPORT_CHANNELS_MAX)
			continue;
		object = json_object();
		field_set_text(object, "name", source->name);
		field_set_text(object, "title", source->title);
		set_station(core, source, object);
		(void)json_array_append_new(array, object);
	}
	return array;
}

/* who did something, and when */
static json_t *act_object(const struct core *core, int64_t wall_ms, const char *user)
{
	json_t *object = json_object();

	field_set_time(object, "time", wall_ms, core->config->zone_min);
	field_set_text(object, "user", user);
	return object;
}

static json_t *incident_object(const struct core *core, const struct core_incident *incident,
			       struct stamp at, int64_t ended_ms, const char *change)
{
	json_t *object = json_object();

	field_set_text(object, "id", incident->id);
	field_set_text(object, "status", core->exercise ? "exercise" : "actual");
	field_set_text(object, "state", ended_ms ? "ended" : "open");
	field_set_text(
		object, "kind",
		waste_kind_text((enum waste_kind)(index_of(core, incident) % N_WASTE_KINDS)));
	field_set_text(object, "class", limit_class_text((enum limit_class)incident->class));
	field_set_text(object, "level", incident_level_text((enum incident_level)incident->level));
	field_set_text(object, "verdict",
		       crossing_verdict_text((enum crossing_verdict)incident->verdict));
	field_set_time(object, "opened", incident->opened.wall_ms, core->config->zone_min);
	field_set_time(object, "reported", at.wall_ms, core->config->zone_min);
	if (incident->acknowledged_ms)
		(void)json_object_set_new(
			object, "acknowledged",
			act_object(core, incident->acknowledged_ms, incident->acknowledged_by));
	field_set_time(object, "ended", ended_ms, core->config->zone_min);
	field_set_text(object, "change", change);
	(void)json_object_set_new(object, "update", json_integer(incident->n_updates));
	for (size_t i = 0; i < core->config->n_limits; i++) {
		const char *path = core->config->limits[i].path;

		if (hash64(HASH64_SEED, path, strlen(path)) == incident->first_out)
			field_set_text(object, "first_out", path);
	}
	return object;
}

/* without a key nothing is signed, and a report goes without: see keys.c, which says so */
static void set_head(const struct core *core, json_t *object)
{
	char note[HEAD_NOTE_MAX], key_id[SIGN_KEY_ID_TEXT], signature[SIGN_ED25519_TEXT];

	if (!core->log->key ||
	    head_note(core->config->origin, core->log, core->log->wall_ms, note, key_id) < 0 ||
	    sign_bytes_text(core->log->key, note, strlen(note), signature) < 0)
		return;
	field_set_text(object, "head", note);
	field_set_text(object, "key_id", key_id);
	field_set_text(object, "signature", signature);
}

json_t *report_log(const struct core *core)
{
	json_t *object = json_object();
	char hex[CHAIN_HEX_MAX];

	field_set_text(object, "origin", core->config->origin);
	field_set_text(object, "id", core->log_id);
	(void)json_object_set_new(object, "seq", json_integer((json_int_t)core->log->seq));
	chain_hex(core->log->hash, hex);
	field_set_text(object, "hash", hex);
	chain_hex(core->log->before, hex);
	field_set_text(object, "prev_hash", hex);
	set_head(core, object);
	return object;
}

/* what further modules tell about an incident; each adds keys of its own to the data */
static report_part *const report_parts[] = {
	report_part_released,
	report_part_response,
	report_part_crossing,
};

char *report_data(const struct core *core, const struct core_incident *incident, struct stamp at,
		  int64_t ended_ms, const char *change)
{
	size_t site = index_of(core, incident) / N_WASTE_KINDS;
	json_t *data = json_object();
	char *text;

	(void)json_object_set_new(data, "origin", json_string(core->config->origin));
	(void)json_object_set_new(data, "incident",
				  incident_object(core, incident, at, ended_ms, change));
	(void)json_object_set_new(data, "site", site_object(core, site));
	(void)json_object_set_new(
		data, "sources",
		sources_array(core, site,
			      (enum waste_kind)(index_of(core, incident) % N_WASTE_KINDS)));
	for (size_t i = 0; i < ARRAY_SIZE(report_parts); i++)
		report_parts[i](core, incident, data);
	(void)json_object_set_new(data, "log", report_log(core));
	add_measurements(core, incident, data);
	report_part_form(core, incident, data); /* looks at the alarms */
	text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(data);
	return text;
}

/* data of the last report; NULL: it is none. @ret_incident is within it. */
static json_t *take_summary(const char *summary, json_t **ret_incident, enum limit_class *ret_class)
{
	json_t *data = json_loads(summary, 0, NULL);
	json_t *incident = json_object_get(data, "incident");
	const char *class = json_string_value(json_object_get(incident, "class"));

	if (!class) {
		json_decref(data);
		return NULL;
	}
	*ret_class = strcmp(class, limit_class_text(CLASS_EMERGENCY)) == 0 ? CLASS_EMERGENCY
									   : CLASS_LIMIT;
	*ret_incident = incident;
	return data;
}

void report_subject(const struct core *core, const char *summary, struct event *event)
{
	json_t *incident = NULL, *data;
	const char *site, *kind;

	event->incident_class = CLASS_LIMIT;
	data = take_summary(summary, &incident, &event->incident_class);
	site = json_string_value(json_object_get(json_object_get(data, "site"), "name"));
	kind = json_string_value(json_object_get(incident, "kind"));
	for (size_t i = 0; site && i < core->config->n_sites; i++)
		if (strcmp(core->config->sites[i].name, site) == 0)
			event->site = i;
	for (int i = 0; kind && i < N_WASTE_KINDS; i++)
		if (strcmp(waste_kind_text((enum waste_kind)i), kind) == 0)
			event->kind = (enum waste_kind)i;
	json_decref(data);
}

char *report_closed(const struct core *core, const struct action *action, struct stamp at)
{
	enum limit_class class;
	json_t *incident = NULL, *closed;
	json_t *data = take_summary(action->past->summary, &incident, &class);
	char *text;

	if (!data)
		return NULL;
	closed = act_object(core, at.wall_ms, action->user);
	field_set_text(closed, "cause", action->reason);
	field_set_text(closed, "measures", action->measures);
	(void)json_object_set_new(incident, "closed", closed);
	field_set_text(incident, "state", "closed");
	field_set_text(incident, "change", "closed, with cause and measures");
	field_set_time(incident, "ended", action->past->ended_ms, core->config->zone_min);
	field_set_time(incident, "reported", at.wall_ms, core->config->zone_min);
	(void)json_object_set_new(incident, "update", json_integer(action->past->n_updates + 1));
	(void)json_object_set_new(data, "log", report_log(core));
	text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(data);
	return text;
}

char *report_removed(const struct core *core, const char *summary, struct stamp at,
		     const char *change)
{
	enum limit_class class;
	json_t *incident = NULL, *data = take_summary(summary, &incident, &class);
	char *text = NULL;

	if (data) {
		field_set_text(incident, "state", "ended");
		field_set_text(incident, "change", change);
		field_set_time(incident, "ended", at.wall_ms, core->config->zone_min);
		field_set_time(incident, "reported", at.wall_ms, core->config->zone_min);
		(void)json_object_set_new(
			incident, "update",
			json_integer(json_integer_value(json_object_get(incident, "update")) + 1));
		(void)json_object_set_new(data, "log", report_log(core));
		text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(data);
	return text;
}

/* keys in canonical order: data, timestamp, type; none of the texts needs escaping */
char *report_body(const struct core *core, const char *type, int64_t wall_ms, const char *data)
{
	char time[CLOCK_TEXT_MAX], *body;

	clock_format(wall_ms, core->config->zone_min, time);
	return asprintf(&body, "{\"data\":%s,\"timestamp\":\"%s\",\"type\":\"%s\"}", data, time,
			type) < 0
		       ? NULL
		       : body;
}

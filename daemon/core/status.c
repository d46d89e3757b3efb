/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/anchoring.h"
#include "core/chain.h"
#include "core/control.h"
#include "core/limit.h"
#include "core/sandboxes.h"
#include "core/service.h"
#include "core/status_setup.h"
#include "core/storage.h"

#define ALARMS_MAX   1000
#define CHANNELS_MAX 200 /* a larger plant lists only what needs attention */

static void set(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(object, key, json_string(text));
}

static void set_number(json_t *object, const char *key, int64_t number)
{
	(void)json_object_set_new(object, key, json_integer(number));
}

/* the last window of a length: its mean, its capture, and whether that is enough */
static void set_mean(json_t *object, const struct service *service, size_t i,
		     enum window_length length)
{
	static const char *const names[N_WINDOWS] = {NULL, "mean_5min", "mean_1h", "mean_24h"};
	const struct window_row *row = &service->core->windows[i].last[length];
	char text[EVENT_VALUE_MAX];
	json_t *mean;

	if (!core_window_is_known(service->core, i, length))
		return;
	mean = json_object();
	if (row->n > 0) {
		event_value_text(row->mean, text);
		set(mean, "mean", text);
	}
	set_number(mean, "start_ms", row->start_ms);
	set_number(mean, "capture_percent", row->capture);
	(void)json_object_set_new(mean, "valid", json_boolean(row->valid));
	set(mean, "quality", quality_text(row->worst));
	(void)json_object_set_new(object, names[length], mean);
}

static json_t *channel_object(const struct service *service, size_t i, struct stamp now)
{
	const struct core_channel *state = &service->core->channels[i];
	const struct config_channel *channel = &service->config->channels[i];
	char value[EVENT_VALUE_MAX], reason[CORE_REASON_MAX];
	json_t *object = json_object();

	set(object, "channel", channel->path);
	set(object, "unit", channel->measure);
	set(object, "quality", quality_text((enum quality)state->quality));
	(void)json_object_set_new(object, "lost", json_boolean(state->lost));
	if (state->quality != QUALITY_GOOD)
		set(object, "reason", core_lost_reason(service->core, i, reason, sizeof(reason)));
	if (state->has_value) {
		event_value_text(state->value, value);
		set(object, "value", value);
		set_number(object, "age_ms", now.mono_ms - state->good.mono_ms);
	}
	if (state->quality != QUALITY_GOOD && state->has_raw) {
		event_value_text(state->raw, value);
		set(object, "raw", value);
	}
	if (state->mean_valid) {
		event_value_text(state->mean, value);
		set(object, "mean_1min", value);
	}
	for (int w = WINDOW_5MIN; w <= WINDOW_LENGTH_MAX; w++)
		set_mean(object, service, i, (enum window_length)w);
	return object;
}

static bool needs_attention(const struct core_channel *state)
{
	return state->lost || state->quality != QUALITY_GOOD;
}

static json_t *channels_array(const struct service *service, struct stamp now)
{
	json_t *array = json_array();
	bool all = service->config->n_channels <= CHANNELS_MAX;

	for (size_t i = 0; i < service->config->n_channels; i++)
		if ((all || needs_attention(&service->core->channels[i])) &&
		    json_array_size(array) < CHANNELS_MAX)
			(void)json_array_append_new(array, channel_object(service, i, now));
	return array;
}

static const char *link_state_text(uint32_t state)
{
	switch ((enum wire_link_state)state) {
	case WIRE_LINK_CONNECTING:
		return "connecting";
	case WIRE_LINK_IDLE:
	case WIRE_LINK_WAITING:
		return "up";
	case WIRE_LINK_BACKING_OFF:
		return "down";
	}
	return "unknown";
}

static json_t *link_object(const struct service *service, size_t i,
			   const struct wire_link_report *report)
{
	const struct config_link *link = &service->config->links[i];
	json_t *object = json_object();

	set(object, "site", service->config->sites[link->site].name);
	set(object, "link", link->name);
	set(object, "host", link->host);
	set_number(object, "port", link->port);
	set(object, "state", report ? link_state_text(report->state) : "not read yet");
	if (!report)
		return object;
	set(object, "error", report->error ? strerror(report->error) : "");
	set_number(object, "requests", (int64_t)report->n_requests);
	set_number(object, "answers", (int64_t)report->n_answers);
	set_number(object, "timeouts", (int64_t)report->n_timeouts);
	set_number(object, "exceptions", (int64_t)report->n_exceptions);
	set_number(object, "malformed", (int64_t)report->n_malformed);
	set_number(object, "late", (int64_t)report->n_late);
	set_number(object, "overruns", (int64_t)report->n_overruns);
	set_number(object, "silent_units", report->n_degraded);
	set_number(object, "worst_us", report->worst_us);
	set_number(object, "worst_round_us", report->worst_round_us);
	set_number(object, "busy_permille", report->busy_permille);
	set_number(object, "refused_parts", report->n_refused);
	return object;
}

size_t status_n_links_up(const struct service *service)
{
	size_t n = 0;

	for (size_t i = 0; i < service->config->n_links; i++) {
		const struct wire_link_report *report = pollers_link(service->pollers, i);

		n += report && strcmp(link_state_text(report->state), "up") == 0;
	}
	return n;
}

static json_t *links_array(const struct service *service)
{
	json_t *array = json_array();
	bool all = service->config->n_links <= CHANNELS_MAX;

	for (size_t i = 0; i < service->config->n_links; i++) {
		const struct wire_link_report *report = pollers_link(service->pollers, i);

		if (all || !report || report->state == WIRE_LINK_BACKING_OFF ||
		    report->n_degraded > 0 || report->n_refused > 0)
			(void)json_array_append_new(array, link_object(service, i, report));
		if (json_array_size(array) >= CHANNELS_MAX)
			break;
	}
	return array;
}

/* what "wastewatch alarms" shows beside the record; who hid it and why is there */
static json_t *alarm_object(const struct service *service, size_t i)
{
	const struct config_limit *limit = &service->config->limits[i];
	const struct core_limit *state = &service->core->limits[i];
	json_t *object = json_object();
	char value[EVENT_VALUE_MAX];

	set(object, "limit", limit->path);
	set(object, "class", limit_class_text(limit->class));
	set(object, "unit", service->config->channels[limit->channel].measure);
	set(object, "on", limit_on_words(limit->on));
	set(object, "side", limit->high ? "high" : "low");
	event_value_text(limit->bound, value);
	set(object, "bound", value);
	set(object, "advice", limit->advice);
	set(object, "state", alarm_condition_text(service->core, i));
	if (state->alarm.condition != ALARM_NORMAL) {
		set_number(object, "since_ms", state->state.since_wall_ms);
		event_value_text(state->peak, value);
		set(object, "worst", value);
	}
	if (state->alarm.shelved)
		set_number(object, "shelved_until_ms", state->alarm.shelved_until.wall_ms);
	if (state->alarm.out_of_service)
		(void)json_object_set_new(object, "out_of_service", json_true());
	if (state->alarm.suppressed)
		(void)json_object_set_new(object, "suppressed", json_true());
	return object;
}

static bool is_at_rest(const struct alarm_state *alarm)
{
	return alarm->condition == ALARM_NORMAL && !alarm_is_quiet(alarm);
}

/* those that stand, wait for somebody or are hidden; a flood of them is bounded */
static json_t *alarms_array(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->config->n_limits; i++)
		if (!is_at_rest(&service->core->limits[i].alarm) &&
		    json_array_size(array) < ALARMS_MAX)
			(void)json_array_append_new(array, alarm_object(service, i));
	return array;
}

static json_t *bus_object(const struct service *service)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "ready",
				  json_boolean(control_is_ready(service->control)));
	set(object, "state", control_state(service->control));
	if (*control_authorization(service->control))
		set(object, "authorization", control_authorization(service->control));
	return object;
}

static json_t *drills_array(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->drills->n; i++) {
		const struct drill *drill = service->drills->list[i];
		int64_t begun_ms = drill->started.wall_ms;
		json_t *object = json_object();

		set(object, "site", service->config->sites[drill->site].name);
		set(object, "scenario", drill->scenario->name);
		set(object, "title", drill->scenario->title);
		set(object, "user", drill->user);
		set_number(object, "since_ms", begun_ms);
		set_number(object, "until_ms", begun_ms + (int64_t)drill->scenario->duration_ms);
		(void)json_array_append_new(array, object);
	}
	return array;
}

/* sites that have gone without a drill for longer than they want to */
static json_t *drills_due_array(const struct service *service, struct stamp now)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->config->n_sites; i++) {
		json_t *object;

		if (!drill_is_due(service->drills, i, now.wall_ms) ||
		    json_array_size(array) >= ALARMS_MAX)
			continue;
		object = json_object();
		set(object, "site", service->config->sites[i].name);
		set_number(object, "since_ms", service->drills->sites[i].counted_ms);
		set_number(object, "interval_ms",
			   service->config->sites[i].drill_interval_min * MS_PER_MIN);
		(void)json_array_append_new(array, object);
	}
	return array;
}

static json_t *figures_object(const struct service *service, struct stamp now)
{
	struct flood_figures figures = alarm_figures(service->core, now);
	json_t *object = json_object();

	set_number(object, "alarms_10min", figures.n_10min);
	set_number(object, "standing", figures.n_standing);
	set_number(object, "stale", figures.n_stale);
	set_number(object, "chattering", figures.n_chattering);
	set_number(object, "unacknowledged", figures.n_unseen);
	set_number(object, "shelved", figures.n_shelved);
	set_number(object, "suppressed", figures.n_suppressed);
	set_number(object, "out_of_service", figures.n_out_of_service);
	(void)json_object_set_new(object, "flood", json_boolean(figures.flood));
	return object;
}

/* limits on means that the window which runs now will break, but for those that stand already */
static json_t *forecasts_array(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->config->n_limits; i++) {
		const struct core_limit *limit = &service->core->limits[i];
		json_t *object;

		if (limit->forecast.kind == FORECAST_NONE || limit_is_raised(&limit->state) ||
		    json_array_size(array) >= CHANNELS_MAX)
			continue;
		object = json_object();
		set(object, "limit", service->config->limits[i].path);
		set(object, "class", limit_class_text(service->config->limits[i].class));
		set(object, "on", limit_on_text(service->config->limits[i].on));
		set_number(object, "window_ms", limit->forecast.window_ms);
		set_number(object, "due_ms", limit->forecast.due_ms);
		(void)json_object_set_new(
			object, "unavoidable",
			json_boolean(limit->forecast.kind == FORECAST_UNAVOIDABLE));
		(void)json_array_append_new(array, object);
	}
	return array;
}

/* how far the record is known to hold */
static json_t *record_object(const struct service *service)
{
	const struct chain_watch *chain = service->chain;
	json_t *object = json_object();

	(void)json_object_set_new(object, "seen", json_boolean(!chain->is_unseen));
	(void)json_object_set_new(object, "verifying", json_boolean(chain->is_running));
	if (chain->is_damaged)
		set(object, "damage", chain->words);
	if (chain->is_replaced)
		set(object, "replaces", chain->aside.name);
	if (*chain->altered)
		set(object, "altered", chain->altered);
	if (chain->is_unvouched)
		set(object, "key", chain->key.id);
	if (chain->verified_ms == 0)
		return object;
	set_number(object, "verified_ms", chain->verified_ms);
	set_number(object, "entries", (int64_t)chain->n_entries);
	set_number(object, "heads", (int64_t)chain->n_heads);
	set_number(object, "unknown", (int64_t)chain->n_unknown);
	return object;
}

/* destinations whose receivers have said 410 */
static json_t *paused_array(const struct service *service)
{
	json_t *array = json_array();

	for (size_t i = 0; i < service->config->n_destinations; i++) {
		const char *reason = "";
		int64_t since_ms = delivery_paused(service->delivery, i, &reason);
		json_t *object;

		if (since_ms == 0)
			continue;
		object = json_object();
		set(object, "destination", service->config->destinations[i].name);
		set_number(object, "since_ms", since_ms);
		set(object, "reason", reason);
		(void)json_array_append_new(array, object);
	}
	return array;
}

/* what the destinations' receivers hold of this record */
static json_t *anchors_array(const struct service *service)
{
	const struct anchoring *anchoring = service->anchoring;
	json_t *array = json_array();
	char hash[CHAIN_HEX_MAX];

	for (size_t i = 0; i < anchoring->n; i++) {
		const struct anchor *anchor = &anchoring->anchors[i];
		json_t *object;

		if (service->config->destinations[i].kind != DESTINATION_REPORTS)
			continue;
		object = json_object();
		set(object, "destination", anchoring->names[i]);
		set(object, "state", anchor_text(anchor->said));
		(void)json_object_set_new(object, "unseen", json_boolean(anchor->unseen));
		set_number(object, "seq", anchor->seq);
		if (anchor->seq > 0) {
			chain_hex(anchor->hash, hash);
			set(object, "hash", hash);
			set(object, "log_id", anchor->id);
			set_number(object, "time_ms", anchor->at_ms);
		}
		(void)json_object_set_new(object, "clock_differs",
					  json_boolean(anchor->clock_said));
		if (anchor->clock_known)
			set_number(object, "clock_ms", anchor->clock_ms);
		set_number(object, "clock_tolerance_ms",
			   service->config->destinations[i].clock_tolerance_ms);
		(void)json_array_append_new(array, object);
	}
	return array;
}

size_t status_n_reading(const struct service *service)
{
	size_t n = 0;

	for (size_t i = 0; i < service->core->n_streams; i++)
		n += pollers_is_served(service->pollers, i) &&
		     !pollers_is_silent(service->pollers, i);
	return n;
}

/* else somebody must come */
bool status_is_healthy(const struct service *service)
{
	const char *reason;
	bool paused = false;

	for (size_t i = 0; i < service->config->n_destinations; i++)
		paused |= delivery_paused(service->delivery, i, &reason) != 0;
	return status_n_reading(service) == service->core->n_streams &&
	       delivery_has_sender(service->delivery) && !paused && chain_is_healthy(service) &&
	       anchoring_is_healthy(service) && storage_is_healthy(service->storage) &&
	       keys_n_lacking(&service->keys) == 0;
}

static json_t *status_object(const struct service *service)
{
	struct stamp now = service_now(service);
	json_t *object = json_object();
	char time[CLOCK_TEXT_MAX];
	size_t n_lost = 0;

	for (size_t i = 0; i < service->config->n_channels; i++)
		n_lost += service->core->channels[i].lost;
	clock_format(now.wall_ms, service->config->zone_min, time);
	set(object, "version", WASTEWATCH_VERSION);
	set(object, "origin", service->config->origin);
	set(object, "time", time);
	set_number(object, "time_ms", now.wall_ms);
	(void)json_object_set_new(object, "health", json_boolean(status_is_healthy(service)));
	set_number(object, "pid", getpid());
	set_number(object, "pollers_wanted", (int64_t)service->core->n_streams);
	set_number(object, "pollers_reading", (int64_t)status_n_reading(service));
	(void)json_object_set_new(object, "sender",
				  json_boolean(delivery_has_sender(service->delivery)));
	set_number(object, "links_watched", (int64_t)service->config->n_links);
	set_number(object, "links_up", (int64_t)status_n_links_up(service));
	set_number(object, "channels_watched", (int64_t)service->config->n_channels);
	set_number(object, "channels_lost", (int64_t)n_lost);
	(void)json_object_set_new(object, "storage", storage_object(service->storage));
	set_number(object, "journal_waiting",
		   (int64_t)journal_waiting(service->journal, record_end(service->record)));
	set(object, "journal_words", journal_words(service->journal));
	set_number(object, "reports_stranded", (int64_t)service->n_stranded);
	(void)json_object_set_new(object, "destinations_paused", paused_array(service));
	status_set_up(service, object);
	set_number(object, "commits", (int64_t)service->n_commits);
	set_number(object, "zone_min", service->config->zone_min);
	(void)json_object_set_new(object, "record", record_object(service));
	set(object, "log_id", service->core->log_id);
	set_number(object, "log_seq", (int64_t)service->core->chain.seq);
	(void)json_object_set_new(object, "anchors", anchors_array(service));
	(void)json_object_set_new(object, "anchored", json_boolean(anchoring_is_healthy(service)));
	(void)json_object_set_new(object, "bus", bus_object(service));
	(void)json_object_set_new(object, "sandboxes", sandboxes_object(service->sandboxes));
	(void)json_object_set_new(object, "alarms", alarms_array(service));
	(void)json_object_set_new(object, "alarm_figures", figures_object(service, now));
	(void)json_object_set_new(object, "forecasts", forecasts_array(service));
	(void)json_object_set_new(object, "drills", drills_array(service));
	(void)json_object_set_new(object, "drills_due", drills_due_array(service, now));
	(void)json_object_set_new(object, "links", links_array(service));
	(void)json_object_set_new(object, "channels", channels_array(service, now));
	return object;
}

void status_remove(const struct service *service)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/status.json", service->options.runtime);
	(void)unlink(path); /* one that stays is told by its age */
}

void status_write(const struct service *service)
{
	char path[4096], temporary[4096 + 8];
	json_t *object = status_object(service);

	(void)snprintf(path, sizeof(path), "%s/status.json", service->options.runtime);
	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	/* a status that cannot be written shows by its age; it must not disturb the service */
	if (json_dump_file(object, temporary, JSON_COMPACT) == 0)
		(void)rename(temporary, path);
	json_decref(object);
}

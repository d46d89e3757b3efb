/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object's properties are at this moment: read from configuration and core when somebody
 * asks, so that measuring costs nothing for it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/anchoring.h"
#include "core/chain.h"
#include "core/control_inside.h"
#include "core/limit.h"
#include "core/storage.h"

static uint64_t usec(int64_t ms)
{
	return ms > 0 ? (uint64_t)ms * (uint64_t)US_PER_MS : 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* --- the manager ------------------------------------------------------------------- */

static void count_states(const struct service *service, struct control_figures *figures)
{
	struct flood_figures alarms = alarm_figures(service->core, service_now(service));
	const struct config *config = service->config;

	figures->alarms_standing = alarms.n_standing;
	figures->alarms_unacknowledged = alarms.n_unseen;
	figures->flood = alarms.flood;
	for (size_t i = 0; i < config->n_channels; i++)
		figures->channels_lost += service->core->channels[i].lost;
	for (size_t i = 0; i < config->n_limits; i++)
		figures->alarms_listed += control_alarm_is_listed(service, i);
	for (size_t i = 0; i < config->n_sites * N_WASTE_KINDS; i++)
		figures->incidents_open += service->core->incidents[i].open;
}

void control_view_manager(struct control *control, bool counted)
{
	const struct service *service = control->service;
	struct control_figures *figures = &control->figures;
	const struct control_figures before = *figures;

	*figures = (struct control_figures){
		.version = WASTEWATCH_VERSION,
		.origin = service->config->origin,
		.authorization = control->polkit,
		.sender_connected = delivery_has_sender(service->delivery),
		.record_damaged = service->chain->is_damaged,
		.record_seen = !service->chain->is_unseen,
		.storing = !storage_is_failing(service->storage),
		.pollers_wanted = (uint32_t)service->core->n_streams,
		.pollers_reading = (uint32_t)status_n_reading(service),
		.channels_watched = (uint32_t)service->config->n_channels,
	};
	figures->health = status_is_healthy(service);
	chain_hex(service->config->digest, figures->digest);
	figures->configuration = figures->digest;
	if (counted) {
		count_states(service, figures);
		return;
	}
	figures->channels_lost = before.channels_lost;
	figures->alarms_listed = before.alarms_listed;
	figures->alarms_standing = before.alarms_standing;
	figures->alarms_unacknowledged = before.alarms_unacknowledged;
	figures->flood = before.flood;
	figures->incidents_open = before.incidents_open;
}

/* --- what stands still ------------------------------------------------------------- */

static void view_site(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct config_site *site = &service->config->sites[node->index];
	struct control_site *view = &node->site;

	*view = (struct control_site){
		.name = site->name,
		.title = site->title,
		.cluster = site->cluster,
		.commune = site->commune,
		.province = site->province,
		.latitude = site->latitude,
		.longitude = site->longitude,
		.drill_due = drill_is_due(service->drills, node->index,
					  service_now(service).wall_ms),
		.drill = "",
		.drill_user = "",
	};
	for (size_t i = 0; i < N_WASTE_KINDS; i++)
		view->incidents_open += service->core->incidents[node->index * N_WASTE_KINDS + i]
						.open;
	for (size_t i = 0; i < service->drills->n; i++) {
		const struct drill *drill = service->drills->list[i];
		int64_t begun_ms = drill->started.wall_ms;

		if (drill->site != node->index)
			continue;
		view->drill = drill->scenario->name;
		view->drill_user = drill->user;
		view->drill_since_usec = usec(begun_ms);
		view->drill_until_usec = usec(begun_ms + (int64_t)drill->scenario->duration_ms);
	}
}

static void view_source(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct config *config = service->config;
	const struct config_source *source = &config->sources[node->index];
	struct control_source *view = &node->source;

	*view = (struct control_source){
		.title = source->title,
		.kind = waste_kind_text(source->kind),
		.level = incident_level_text(source->level),
	};
	control_object_name(service, CONTROL_SOURCE, node->index, view->name_text);
	control_object_path(service, CONTROL_SITE, source->site, view->site_path);
	view->name = view->name_text;
	view->site = view->site_path;
}

/* --- what moves -------------------------------------------------------------------- */

static double mean_of(const struct core *core, size_t channel, enum window_length length)
{
	const struct window_row *row = &core->windows[channel].last[length];

	return core_window_is_known(core, channel, length) && row->n > 0 && row->valid
		       ? row->mean
		       : (double)NAN;
}

static void view_channel(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct config_channel *channel = &service->config->channels[node->index];
	const struct core_channel *state = &service->core->channels[node->index];
	struct control_channel *view = &node->channel;

	*view = (struct control_channel){
		.name = channel->path,
		.title = channel->title,
		.unit = channel->measure,
		.quality = quality_text((enum quality)state->quality),
		.reason = "",
		.lost = state->lost,
		.value = state->has_value ? state->value : (double)NAN,
		.value_usec = state->has_value ? usec(state->good.wall_ms) : 0,
		.mean_1min = state->mean_valid ? state->mean : (double)NAN,
		.mean_5min = mean_of(service->core, node->index, WINDOW_5MIN),
		.mean_1h = mean_of(service->core, node->index, WINDOW_1H),
		.mean_24h = mean_of(service->core, node->index, WINDOW_24H),
	};
	if (state->quality != QUALITY_GOOD)
		view->reason = core_lost_reason(service->core, node->index, view->reason_text,
						sizeof(view->reason_text));
	control_object_path(service, CONTROL_SOURCE, channel->source, view->source_path);
	view->source = view->source_path;
}

static void view_people(struct control_alarm *view, const struct alarm_state *alarm,
			const struct alarm_notes *notes)
{
	view->acknowledged_usec = usec(alarm->acknowledged.wall_ms);
	view->acknowledged_by = notes->acknowledged.user;
	view->acknowledge_reason = notes->acknowledged.reason;
	view->shelved = alarm->shelved;
	view->shelved_until_usec = alarm->shelved ? usec(alarm->shelved_until.wall_ms) : 0;
	view->shelved_by = notes->shelved.user;
	view->shelve_reason = notes->shelved.reason;
	view->out_of_service = alarm->out_of_service;
	view->out_until_usec = alarm->out_of_service ? usec(alarm->out_until.wall_ms) : 0;
	view->out_by = notes->out.user;
	view->out_reason = notes->out.reason;
	view->suppressed = alarm->suppressed;
}

static void view_alarm(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct config_limit *limit = &service->config->limits[node->index];
	const struct core_limit *state = &service->core->limits[node->index];
	bool is_raised = state->alarm.condition != ALARM_NORMAL;
	struct control_alarm *view = &node->alarm;

	*view = (struct control_alarm){
		.name = limit->path,
		.class = limit_class_text(limit->class),
		.on = limit_on_text(limit->on),
		.side = limit->high ? "high" : "low",
		.bound = limit->bound,
		.unit = service->config->channels[limit->channel].measure,
		.origin = limit->origin,
		.advice = limit->advice,
		.state = alarm_condition_text(service->core, node->index),
		.since_usec = is_raised ? usec(state->state.since_wall_ms) : 0,
		.worst = is_raised ? state->peak : (double)NAN,
	};
	view_people(view, &state->alarm, &service->core->notes[node->index]);
	if (!*view->acknowledged_by)
		view->acknowledged_usec = 0;
	control_object_path(service, CONTROL_CHANNEL, limit->channel, view->channel_path);
	view->channel = view->channel_path;
}

static void view_incident(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct core_incident *incident = &service->core->incidents[node->index];
	struct control_incident *view = &node->incident;

	*view = (struct control_incident){
		.id = incident->id,
		.kind = waste_kind_text((enum waste_kind)(node->index % N_WASTE_KINDS)),
		.opened_usec = usec(incident->opened.wall_ms),
		.class = limit_class_text((enum limit_class)incident->class),
		.level = incident_level_text((enum incident_level)incident->level),
		.verdict = crossing_verdict_text((enum crossing_verdict)incident->verdict),
		.n_alarms = incident->n_alarms,
		.n_active = incident->n_active,
		.n_updates = incident->n_updates,
		.acknowledged_usec = usec(incident->acknowledged_ms),
		.acknowledged_by = incident->acknowledged_by,
		.over_usec = usec(incident->over_ms),
	};
	control_object_path(service, CONTROL_SITE, node->index / N_WASTE_KINDS, view->site_path);
	view->site = view->site_path;
}

static void view_destination(struct control_node *node)
{
	const struct service *service = node->control->service;
	const struct config_destination *destination = &service->config->destinations[node->index];
	const struct anchor *anchor = &service->anchoring->anchors[node->index];
	bool is_reports = destination->kind == DESTINATION_REPORTS;
	const char *reason = "";
	int64_t since_ms = delivery_paused(service->delivery, node->index, &reason);

	node->destination = (struct control_destination){
		.name = destination->name,
		.kind = is_reports ? "reports" : "files",
		.url = destination->url,
		.paused = since_ms != 0,
		.paused_since_usec = usec(since_ms),
		.pause_reason = since_ms != 0 ? or_empty(reason) : "",
		.anchor = is_reports ? anchor_text(anchor->said) : "",
		.anchor_unseen = is_reports && anchor->unseen,
		.clock_differs = is_reports && anchor->clock_said,
	};
}

void control_view(struct control_node *node)
{
	static void (*const views[])(struct control_node *) = {
		[CONTROL_SITE] = view_site,	    [CONTROL_SOURCE] = view_source,
		[CONTROL_CHANNEL] = view_channel,   [CONTROL_ALARM] = view_alarm,
		[CONTROL_INCIDENT] = view_incident, [CONTROL_DESTINATION] = view_destination,
	};

	views[node->kind](node);
}

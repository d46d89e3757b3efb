/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/heartbeat.h"
#include "core/report.h"

static uint64_t key_of(const struct core *core, size_t destination)
{
	const char *name = core->config->destinations[destination].name;

	return hash64(HASH64_SEED, name, strlen(name));
}

static bool is_configured(const struct core *core, uint64_t key)
{
	for (size_t i = 0; i < core->config->n_destinations; i++)
		if (key_of(core, i) == key)
			return true;
	return false;
}

/*
 * By name, so that it outlives a reload. A destination that is new has been told something now:
 * the first sign of life comes after its interval. There are as many places as destinations, so
 * one is free or belongs to one that is gone.
 */
static int64_t *told_of(struct core *core, size_t destination, int64_t now_ms)
{
	struct core_heartbeat *beats = core->heartbeats, *mine = NULL;
	uint64_t key = key_of(core, destination);

	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++)
		if (beats[i].key == key)
			return &beats[i].told_ms;
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX && !mine; i++)
		if (!is_configured(core, beats[i].key))
			mine = &beats[i];
	if (!mine)
		mine = beats; /* two names of one hash */
	*mine = (struct core_heartbeat){.key = key, .told_ms = now_ms};
	return &mine->told_ms;
}

void heartbeat_told(struct core *core, size_t destination, struct stamp at)
{
	*told_of(core, destination, at.mono_ms) = at.mono_ms;
}

static bool is_due(struct core *core, size_t destination, struct stamp at)
{
	const struct config_destination *config = &core->config->destinations[destination];

	return config->kind == DESTINATION_REPORTS && config->heartbeat_ms > 0 &&
	       at.mono_ms - *told_of(core, destination, at.mono_ms) >=
		       (int64_t)config->heartbeat_ms;
}

static void say(struct core *core, struct stamp at)
{
	struct event event = event_plain(EVENT_HEARTBEAT, at);
	char words[128];
	size_t n_open = 0, n_lost = 0;

	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		n_open += core->incidents[i].open;
	for (size_t i = 0; i < core->config->n_channels; i++)
		n_lost += core->channels[i].lost;
	(void)snprintf(words, sizeof(words), "%zu incidents are open, %zu channels not measured",
		       n_open, n_lost);
	event.reason = words;
	core_event(core, &event);
}

static void add_report(struct core *core, size_t destination, struct stamp at)
{
	struct batch_report *report = batch_add(core->batch, reports);

	if (!report)
		return;
	report->destination = (uint32_t)destination;
	report->lane = 1;
	report->created_ms = at.wall_ms;
	report->type = strdup(HEARTBEAT_TYPE);
	report->incident = strdup(HEARTBEAT_INCIDENT);
	if (asprintf(&report->webhook_id, "%s-%llu-%s", core->log_id,
		     (unsigned long long)core->log->seq,
		     core->config->destinations[destination].name) < 0)
		report->webhook_id = NULL;
	if (report->webhook_id)
		report->body = report_heartbeat(core, destination, at, report->webhook_id);
	if (!report->type || !report->incident || !report->body || !report->webhook_id)
		core->batch->out_of_memory = true;
}

void heartbeat_tick(struct core *core, struct stamp at)
{
	bool said = false;

	for (size_t i = 0; i < core->config->n_destinations && !core->exercise; i++) {
		if (!is_due(core, i, at))
			continue;
		if (!said)
			say(core, at);
		said = true;
		add_report(core, i, at);
		heartbeat_told(core, i, at);
	}
}

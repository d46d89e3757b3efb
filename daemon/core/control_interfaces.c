/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces as the bus shows them. systemd/interfaces/ holds the same for programs that are
 * written against them; a test compares the two.
 *
 * Unprivileged: the library asks for no capability, and waits for no answer about it; who may
 * read is the bus's policy, who may act is found out by control_calls.c.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/control_inside.h"

static int on_manager(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return control_call_begin(userdata, m, error);
}

static int on_object(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct control_node *node = userdata;

	return control_call_begin(node->control, m, error);
}

#define ACT(name, signature, names, handler)                              \
	SD_BUS_METHOD_WITH_NAMES(name, signature, names, "", "", handler, \
				 SD_BUS_VTABLE_UNPRIVILEGED)
#define MANAGE(name, signature, names) ACT(name, signature, names, on_manager)
#define METHOD(name, signature, names) ACT(name, signature, names, on_object)
#define P(name)			       SD_BUS_PARAM(name)

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES	 SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define MEASURED 0 /* moves with the readings: read it, no signal tells */

#define FIGURE(name, type, field, flags) \
	SD_BUS_PROPERTY(name, type, NULL, offsetof(struct control, figures.field), flags)
#define VIEW(name, type, field, flags) \
	SD_BUS_PROPERTY(name, type, NULL, offsetof(struct control_node, field), flags)

/* clang-format off */
#define MANAGER_METHODS \
	MANAGE("Acknowledge", "ss", P(target) P(reason)), \
	MANAGE("Reset", "ss", P(target) P(reason)), \
	MANAGE("Shelve", "stbs", P(target) P(until_usec) P(one_shot) P(reason)), \
	MANAGE("Unshelve", "ss", P(target) P(reason)), \
	MANAGE("OutOfService", "sts", P(target) P(until_usec) P(reason)), \
	MANAGE("Return", "ss", P(target) P(reason)), \
	MANAGE("AcknowledgeIncident", "ss", P(id) P(reason)), \
	MANAGE("CloseIncident", "sss", P(id) P(cause) P(measures)), \
	MANAGE("DrillStart", "ss", P(site) P(scenario)), \
	MANAGE("DrillStop", "s", P(site)), \
	MANAGE("RecordSeen", "s", P(reason)), \
	MANAGE("RetryReport", "ss", P(target) P(reason)), \
	MANAGE("HoldReport", "ss", P(target) P(reason)), \
	MANAGE("ReleaseReport", "ss", P(target) P(reason)), \
	MANAGE("AbandonReport", "ss", P(target) P(reason)), \
	MANAGE("ResumeDestination", "ss", P(name) P(reason)), \
	MANAGE("Reload", "", ""), \
	SD_BUS_METHOD_WITH_NAMES("Find", "s", P(prefix), "a(ss)", P(names), control_find, \
				 SD_BUS_VTABLE_UNPRIVILEGED), \
	SD_BUS_METHOD_WITH_NAMES("ListAlarms", "u", P(from), "a(sos)u", P(alarms) P(next), \
				 control_list_alarms, SD_BUS_VTABLE_UNPRIVILEGED), \
	SD_BUS_METHOD_WITH_NAMES("ListChannels", "u", P(from), "a(sos)u", P(channels) P(next), \
				 control_list_channels, SD_BUS_VTABLE_UNPRIVILEGED), \
	SD_BUS_METHOD_WITH_NAMES("ListIncidents", "u", P(from), "a(sossstt)u", \
				 P(incidents) P(next), control_list_incidents, \
				 SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	FIGURE("Version", "s", version, CONSTANT),
	FIGURE("Origin", "s", origin, CHANGES),
	FIGURE("ConfigurationDigest", "s", configuration, CHANGES),
	FIGURE("Authorization", "s", authorization, CHANGES),
	FIGURE("Healthy", "b", health, CHANGES),
	FIGURE("SenderConnected", "b", sender_connected, CHANGES),
	FIGURE("PollersWanted", "u", pollers_wanted, CHANGES),
	FIGURE("PollersReading", "u", pollers_reading, CHANGES),
	FIGURE("ChannelsWatched", "u", channels_watched, CHANGES),
	FIGURE("ChannelsLost", "u", channels_lost, CHANGES),
	FIGURE("AlarmsListed", "u", alarms_listed, CHANGES),
	FIGURE("AlarmsStanding", "u", alarms_standing, CHANGES),
	FIGURE("AlarmsUnacknowledged", "u", alarms_unacknowledged, CHANGES),
	FIGURE("AlarmFlood", "b", flood, CHANGES),
	FIGURE("IncidentsOpen", "u", incidents_open, CHANGES),
	FIGURE("RecordStoring", "b", storing, CHANGES),
	FIGURE("RecordDamaged", "b", record_damaged, CHANGES),
	FIGURE("RecordSeen", "b", record_seen, CHANGES),
	MANAGER_METHODS,
	SD_BUS_VTABLE_END,
};

/* of the drill that is running: the same methods; what is live is the real one's to say */
static const sd_bus_vtable exercise_vtable[] = {
	SD_BUS_VTABLE_START(0),
	FIGURE("Version", "s", version, CONSTANT),
	MANAGER_METHODS,
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable site_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Name", "s", site.name, CONSTANT),
	VIEW("Title", "s", site.title, CHANGES),
	VIEW("Cluster", "s", site.cluster, CHANGES),
	VIEW("Commune", "s", site.commune, CHANGES),
	VIEW("Province", "s", site.province, CHANGES),
	VIEW("Latitude", "d", site.latitude, CHANGES),
	VIEW("Longitude", "d", site.longitude, CHANGES),
	VIEW("IncidentsOpen", "u", site.incidents_open, CHANGES),
	VIEW("DrillDue", "b", site.drill_due, CHANGES),
	VIEW("Drill", "s", site.drill, CHANGES),
	VIEW("DrillUser", "s", site.drill_user, CHANGES),
	VIEW("DrillSinceUSec", "t", site.drill_since_usec, CHANGES),
	VIEW("DrillUntilUSec", "t", site.drill_until_usec, CHANGES),
	METHOD("DrillStart", "s", P(scenario)),
	METHOD("DrillStop", "", ""),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable source_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Name", "s", source.name, CONSTANT),
	VIEW("Site", "o", source.site, CONSTANT),
	VIEW("Title", "s", source.title, CHANGES),
	VIEW("Kind", "s", source.kind, CHANGES),
	VIEW("LeastLevel", "s", source.level, CHANGES),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable channel_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Name", "s", channel.name, CONSTANT),
	VIEW("Source", "o", channel.source, CONSTANT),
	VIEW("Title", "s", channel.title, MEASURED),
	VIEW("Unit", "s", channel.unit, MEASURED),
	VIEW("Lost", "b", channel.lost, MEASURED),
	VIEW("Quality", "s", channel.quality, MEASURED),
	VIEW("QualityReason", "s", channel.reason, MEASURED),
	VIEW("Value", "d", channel.value, MEASURED),
	VIEW("ValueUSec", "t", channel.value_usec, MEASURED),
	VIEW("Mean1Min", "d", channel.mean_1min, MEASURED),
	VIEW("Mean5Min", "d", channel.mean_5min, MEASURED),
	VIEW("Mean1H", "d", channel.mean_1h, MEASURED),
	VIEW("Mean24H", "d", channel.mean_24h, MEASURED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable alarm_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Name", "s", alarm.name, CONSTANT),
	VIEW("Channel", "o", alarm.channel, CONSTANT),
	VIEW("Class", "s", alarm.class, CHANGES),
	VIEW("On", "s", alarm.on, CHANGES),
	VIEW("Side", "s", alarm.side, CHANGES),
	VIEW("Bound", "d", alarm.bound, CHANGES),
	VIEW("Unit", "s", alarm.unit, CHANGES),
	VIEW("Origin", "s", alarm.origin, CHANGES),
	VIEW("Advice", "s", alarm.advice, CHANGES),
	VIEW("State", "s", alarm.state, CHANGES),
	VIEW("SinceUSec", "t", alarm.since_usec, CHANGES),
	VIEW("Worst", "d", alarm.worst, MEASURED),
	VIEW("AcknowledgedUSec", "t", alarm.acknowledged_usec, CHANGES),
	VIEW("AcknowledgedBy", "s", alarm.acknowledged_by, CHANGES),
	VIEW("AcknowledgeReason", "s", alarm.acknowledge_reason, CHANGES),
	VIEW("Shelved", "b", alarm.shelved, CHANGES),
	VIEW("ShelvedUntilUSec", "t", alarm.shelved_until_usec, CHANGES),
	VIEW("ShelvedBy", "s", alarm.shelved_by, CHANGES),
	VIEW("ShelveReason", "s", alarm.shelve_reason, CHANGES),
	VIEW("IsOutOfService", "b", alarm.out_of_service, CHANGES),
	VIEW("OutOfServiceUntilUSec", "t", alarm.out_until_usec, CHANGES),
	VIEW("OutOfServiceBy", "s", alarm.out_by, CHANGES),
	VIEW("OutOfServiceReason", "s", alarm.out_reason, CHANGES),
	VIEW("Suppressed", "b", alarm.suppressed, CHANGES),
	METHOD("Acknowledge", "s", P(reason)),
	METHOD("Reset", "s", P(reason)),
	METHOD("Shelve", "tbs", P(until_usec) P(one_shot) P(reason)),
	METHOD("Unshelve", "s", P(reason)),
	METHOD("OutOfService", "ts", P(until_usec) P(reason)),
	METHOD("Return", "s", P(reason)),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable incident_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Id", "s", incident.id, CONSTANT),
	VIEW("Site", "o", incident.site, CONSTANT),
	VIEW("Kind", "s", incident.kind, CONSTANT),
	VIEW("OpenedUSec", "t", incident.opened_usec, CONSTANT),
	VIEW("Class", "s", incident.class, CHANGES),
	VIEW("Level", "s", incident.level, CHANGES),
	VIEW("Verdict", "s", incident.verdict, CHANGES),
	VIEW("Alarms", "u", incident.n_alarms, CHANGES),
	VIEW("AlarmsActive", "u", incident.n_active, CHANGES),
	VIEW("Updates", "u", incident.n_updates, CHANGES),
	VIEW("AcknowledgedUSec", "t", incident.acknowledged_usec, CHANGES),
	VIEW("AcknowledgedBy", "s", incident.acknowledged_by, CHANGES),
	VIEW("ReleaseOverUSec", "t", incident.over_usec, CHANGES),
	METHOD("Acknowledge", "s", P(reason)),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable destination_vtable[] = {
	SD_BUS_VTABLE_START(0),
	VIEW("Name", "s", destination.name, CONSTANT),
	VIEW("Kind", "s", destination.kind, CHANGES),
	VIEW("Url", "s", destination.url, CHANGES),
	VIEW("Paused", "b", destination.paused, CHANGES),
	VIEW("PausedSinceUSec", "t", destination.paused_since_usec, CHANGES),
	VIEW("PauseReason", "s", destination.pause_reason, CHANGES),
	VIEW("RecordHeld", "s", destination.anchor, CHANGES),
	VIEW("RecordHeldUnseen", "b", destination.anchor_unseen, CHANGES),
	VIEW("ClockDiffers", "b", destination.clock_differs, CHANGES),
	METHOD("Retry", "s", P(reason)),
	METHOD("Hold", "s", P(reason)),
	METHOD("Release", "s", P(reason)),
	METHOD("Abandon", "s", P(reason)),
	METHOD("Resume", "s", P(reason)),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

static const struct {
	const char *name;
	const sd_bus_vtable *vtable;
} interfaces[] = {
	[CONTROL_SITE] = {CONTROL_NAME ".Site", site_vtable},
	[CONTROL_SOURCE] = {CONTROL_NAME ".Source", source_vtable},
	[CONTROL_CHANNEL] = {CONTROL_NAME ".Channel", channel_vtable},
	[CONTROL_ALARM] = {CONTROL_NAME ".Alarm", alarm_vtable},
	[CONTROL_INCIDENT] = {CONTROL_NAME ".Incident", incident_vtable},
	[CONTROL_DESTINATION] = {CONTROL_NAME ".Destination", destination_vtable},
};

const char *control_interface(enum control_kind kind)
{
	return interfaces[kind].name;
}

/* --- what may change, as one number ------------------------------------------------- */

static uint64_t print_property(uint64_t print, const char *type, const void *place)
{
	const char *text;
	uint64_t zero = 0;

	switch (*type) {
	case SD_BUS_TYPE_STRING:
	case SD_BUS_TYPE_OBJECT_PATH:
		memcpy(&text, place, sizeof(text));
		return hash64(print, text, strlen(text) + 1);
	case SD_BUS_TYPE_BOOLEAN:
		return hash64(print, place, sizeof(int));
	case SD_BUS_TYPE_UINT32:
		return hash64(print, place, sizeof(uint32_t));
	case SD_BUS_TYPE_UINT64:
	case SD_BUS_TYPE_DOUBLE:
		return hash64(print, place, sizeof(uint64_t));
	}
	return hash64(print, &zero, sizeof(zero));
}

static uint64_t print_of(const sd_bus_vtable *vtable, const void *userdata)
{
	uint64_t print = HASH64_SEED;

	for (; vtable->type != _SD_BUS_VTABLE_END; vtable++)
		if (vtable->type == _SD_BUS_VTABLE_PROPERTY && (vtable->flags & CHANGES))
			print = print_property(print, vtable->x.property.signature,
					       (const char *)userdata + vtable->x.property.offset);
	return print;
}

uint64_t control_print(const struct control_node *node)
{
	return print_of(interfaces[node->kind].vtable, node);
}

uint64_t control_print_manager(const struct control *control)
{
	return print_of(manager_vtable, control);
}

/* --- on the bus --------------------------------------------------------------------- */

static int on_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		   void **ret_found, sd_bus_error *error)
{
	struct control_node *node = userdata;

	(void)bus;
	(void)interface;
	(void)error;
	if (!control_object_find(node->control->service, node->kind, path, &node->index))
		return 0;
	control_view(node);
	*ret_found = node;
	return 1;
}

/* those that have been told of; so nobody hears twice of one, and none is looked for here */
static int on_nodes(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
		    sd_bus_error *error)
{
	const struct control_node *node = userdata;
	const struct control_list *list = &node->control->lists[node->kind];
	char **nodes = calloc(list->n + 1, sizeof(*nodes));

	(void)bus;
	(void)prefix;
	(void)error;
	for (size_t i = 0; nodes && i < list->n; i++) {
		nodes[i] = strdup(list->items[i].path);
		if (nodes[i])
			continue;
		while (i > 0)
			free(nodes[--i]);
		free(nodes);
		nodes = NULL;
	}
	*ret_nodes = nodes;
	return nodes ? 0 : -ENOMEM;
}

static int add_kind(struct control *control, sd_bus *bus, enum control_kind kind)
{
	struct control_node *node = &control->nodes[kind];
	int r;

	node->control = control;
	node->kind = kind;
	r = sd_bus_add_fallback_vtable(bus, &control->slots[control->n_slots++],
				       control_kind_prefix(kind), interfaces[kind].name,
				       interfaces[kind].vtable, on_find, node);
	if (r >= 0 && kind != CONTROL_CHANNEL)
		r = sd_bus_add_node_enumerator(bus, &control->slots[control->n_slots++],
					       control_kind_prefix(kind), on_nodes, node);
	return r;
}

int control_add_objects(struct control *control, sd_bus *bus)
{
	int r = sd_bus_add_filter(bus, &control->slots[control->n_slots++], control_on_any,
				  control);

	control_view_manager(control, true);
	if (r >= 0)
		r = sd_bus_add_object_manager(bus, &control->slots[control->n_slots++],
					      CONTROL_PATH);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, &control->slots[control->n_slots++], CONTROL_PATH,
					     CONTROL_INTERFACE, manager_vtable, control);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, &control->slots[control->n_slots++],
					     CONTROL_PATH_EXERCISE, CONTROL_INTERFACE,
					     exercise_vtable, control);
	for (enum control_kind kind = 0; r >= 0 && kind <= CONTROL_KIND_MAX; kind++)
		r = add_kind(control, bus, kind);
	return r;
}

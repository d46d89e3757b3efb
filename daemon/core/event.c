/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "core/fields.h"
#include "core/limit.h"

/*
 * One row per event: its name in the record, its MESSAGE_ID in the journal, its priority,
 * and the name that @number has in the entry.
 */
static const struct {
	const char *type;
	const char *message_id;
	int priority;
	const char *number;
} events[] = {
	[EVENT_RECORD_CREATED] = {"record.created", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a01", 5, NULL},
	[EVENT_RECORD_VERIFIED] = {"record.verified", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a30", 6,
				   "entries"},
	[EVENT_RECORD_DAMAGED] = {"record.damaged", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a31", 2, "entry"},
	[EVENT_RECORD_REPLACED] = {"record.replaced", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a32", 2,
				   "last_seq"},
	[EVENT_RECORD_SEEN] = {"record.seen", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a33", 5, NULL},
	[EVENT_KEY_ROTATED] = {"key.rotated", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a34", 4, NULL},
	[EVENT_CORE_STARTED] = {"core.started", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a02", 5, NULL},
	[EVENT_CORE_STOPPED] = {"core.stopped", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a03", 5, NULL},
	[EVENT_CONFIG_LOADED] = {"config.loaded", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a04", 5, NULL},
	[EVENT_CONFIG_REFUSED] = {"config.refused", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a05", 3,
				  "errors"},
	[EVENT_ALARM_RAISED] = {"alarm.raised", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a06", 4, NULL},
	[EVENT_ALARM_CLEARED] = {"alarm.cleared", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a07", 5, NULL},
	[EVENT_ALARM_REMOVED] = {"alarm.removed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a08", 4, NULL},
	[EVENT_INCIDENT_OPENED] = {"incident.opened", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a09", 2, NULL},
	[EVENT_INCIDENT_UPDATED] = {"incident.updated", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0a", 4,
				    "update"},
	[EVENT_INCIDENT_ENDED] = {"incident.ended", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0b", 5,
				  "update"},
	[EVENT_INCIDENT_REMOVED] = {"incident.removed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a14", 3,
				    NULL},
	[EVENT_MEASUREMENT_LOST] = {"measurement.lost", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0c", 4,
				    NULL},
	[EVENT_MEASUREMENT_RESTORED] = {"measurement.restored", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0d",
					5, NULL},
	[EVENT_READINGS_LOST] = {"readings.lost", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0e", 3,
				 "readings"},
	[EVENT_STORAGE_LOW] = {"storage.low", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a60", 4, "free_bytes"},
	[EVENT_STORAGE_CRITICAL] = {"storage.critical", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a61", 2,
				    "free_bytes"},
	[EVENT_STORAGE_RECOVERED] = {"storage.recovered", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a62", 5,
				     "minutes"},
	[EVENT_JOURNAL_RESENT] = {"journal.resent", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a63", 5,
				  "entries"},
	[EVENT_SANDBOX_CHECKED] = {"sandbox.checked", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a64", 6, NULL},
	[EVENT_SANDBOX_OPEN] = {"sandbox.open", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a65", 4, NULL},
	[EVENT_POLLER_STARTED] = {"poller.started", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a15", 5, "times"},
	[EVENT_REPORTS_STRANDED] = {"reports.stranded", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a16", 3,
				    "reports"},
	[EVENT_CREDENTIAL_MISSING] = {"credential.missing", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c09", 2,
				      NULL},
	[EVENT_DESTINATION_PAUSED] = {"destination.paused", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c01", 2,
				      NULL},
	[EVENT_DESTINATION_RESUMED] = {"destination.resumed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c02", 5,
				       NULL},
	[EVENT_REPORT_RETRIED] = {"report.retried", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c03", 5,
				  "reports"},
	[EVENT_REPORT_STOPPED] = {"report.stopped", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c04", 4,
				  "reports"},
	[EVENT_REPORT_RELEASED] = {"report.released", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c05", 5,
				   "reports"},
	[EVENT_REPORT_ABANDONED] = {"report.abandoned", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c06", 3,
				    "reports"},
	[EVENT_REPORTS_FIXED] = {"reports.fixed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c07", 7, "reports"},
	[EVENT_REPORT_ALTERED] = {"report.altered", "a57ae3a2b0a94b6e8f5d5a0f3d0f8c08", 2, "entry"},
	[EVENT_DEVICE_STATE] = {"device.state", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a17", 5, "changes"},
	[EVENT_WINDOW_INVALID] = {"window.invalid", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a18", 4,
				  "capture_percent"},
	[EVENT_POLLER_SILENT] = {"poller.silent", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a0f", 3, NULL},
	[EVENT_POLLER_RETURNED] = {"poller.returned", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a10", 5, NULL},
	[EVENT_CLOCK_STEPPED] = {"clock.stepped", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a11", 4, "step_ms"},
	[EVENT_CLOCK_DIFFERS] = {"clock.differs", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa0", 4, "seconds"},
	[EVENT_ANCHOR_BEHIND] = {"anchor.behind", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa1", 4,
				 "department_seq"},
	[EVENT_ANCHOR_AHEAD] = {"anchor.ahead", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa2", 2,
				"department_seq"},
	[EVENT_ANCHOR_CONFLICT] = {"anchor.conflict", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa3", 2,
				   "department_seq"},
	[EVENT_ANCHOR_AGREED] = {"anchor.agreed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa4", 5, NULL},
	[EVENT_ANCHOR_SEEN] = {"anchor.seen", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa5", 5, NULL},
	[EVENT_HEARTBEAT] = {"report.heartbeat", "a57ae3a2b0a94b6e8f5d5a0f3d0f8aa6", 6, NULL},
	[EVENT_REPORT_DELIVERED] = {"report.delivered", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a12", 6,
				    "attempts"},
	[EVENT_REPORT_HELD] = {"report.held", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a13", 3, "attempts"},
	[EVENT_ALARM_ACKNOWLEDGED] = {"alarm.acknowledged", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a19", 5,
				      NULL},
	[EVENT_ALARM_RESET] = {"alarm.reset", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1a", 5, NULL},
	[EVENT_ALARM_SHELVED] = {"alarm.shelved", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1b", 4, NULL},
	[EVENT_ALARM_UNSHELVED] = {"alarm.unshelved", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1c", 5, NULL},
	[EVENT_ALARM_OUT_OF_SERVICE] = {"alarm.out_of_service", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1d",
					4, NULL},
	[EVENT_ALARM_RETURNED] = {"alarm.returned", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1e", 5, NULL},
	[EVENT_ALARM_SUPPRESSED] = {"alarm.suppressed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a1f", 5,
				    NULL},
	[EVENT_ALARM_UNSUPPRESSED] = {"alarm.unsuppressed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a20", 5,
				      NULL},
	[EVENT_ALARM_REPEATED] = {"alarm.repeated", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a21", 4, NULL},
	[EVENT_ALARM_FORECAST] = {"alarm.forecast", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a22", 4,
				  "seconds"},
	[EVENT_ALARM_FLOOD] = {"alarm.flood", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a23", 3, "alarms"},
	[EVENT_INCIDENT_ACKNOWLEDGED] = {"incident.acknowledged",
					 "a57ae3a2b0a94b6e8f5d5a0f3d0f8a24", 5, NULL},
	[EVENT_INCIDENT_CLOSED] = {"incident.closed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a25", 5, NULL},
	[EVENT_INCIDENT_LEVEL] = {"incident.level", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a26", 2, NULL},
	[EVENT_CROSSING_ASSESSED] = {"crossing.assessed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a27", 3,
				     NULL},
	[EVENT_CROSSING_CONFIRMED] = {"crossing.confirmed", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a28", 2,
				      NULL},
	[EVENT_CROSSING_REFUTED] = {"crossing.refuted", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a29", 4,
				    NULL},
	[EVENT_INBOUND_SUSPECTED] = {"inbound.suspected", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a2a", 2,
				     NULL},
	[EVENT_DRILL_STARTED] = {"drill.started", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a2b", 5, NULL},
	[EVENT_DRILL_STOPPED] = {"drill.stopped", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a2c", 5, NULL},
	[EVENT_DRILL_DUE] = {"drill.due", "a57ae3a2b0a94b6e8f5d5a0f3d0f8a2d", 4, "days"},
};

struct event event_plain(enum event_type type, struct stamp at)
{
	return (struct event){
		.type = type,
		.at = at,
		.site = EVENT_NONE,
		.source = EVENT_NONE,
		.channel = EVENT_NONE,
		.limit = EVENT_NONE,
	};
}

struct event event_of_channel(const struct config *config, enum event_type type, struct stamp at,
			      size_t channel)
{
	struct event event = event_plain(type, at);

	event.channel = channel;
	event.source = config->channels[channel].source;
	event.site = config->sources[event.source].site;
	return event;
}

const char *event_type_text(enum event_type type)
{
	return events[type].type;
}

bool event_type_of(const char *text, enum event_type *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(events[i].type, text) == 0) {
			*ret = (enum event_type)i;
			return true;
		}
	return false;
}

const char *event_message_id(enum event_type type)
{
	return events[type].message_id;
}

#define QUIET_PRIORITY 6 /* LOG_INFO */

int event_priority(const struct event *event, const struct config *config)
{
	if (event->quiet)
		return MAX(events[event->type].priority, QUIET_PRIORITY);
	if (event->type == EVENT_ALARM_RAISED && event->limit != EVENT_NONE &&
	    config->limits[event->limit].class == CLASS_EMERGENCY)
		return 2;
	return events[event->type].priority;
}

#define PLACES_MAX 12

void event_value_text(double value, char text[static EVENT_VALUE_MAX])
{
	char *end;
	double magnitude = fabs(value);
	int places = 4; /* and as many more as a number below 1 has zeros in front */

	if (!isfinite(value)) {
		(void)snprintf(text, EVENT_VALUE_MAX, "0");
		return;
	}
	/* values are bounded by their range; what a broken instrument reads is not */
	if (fabs(value) >= 1e30) {
		(void)snprintf(text, EVENT_VALUE_MAX, "%g", value);
		return;
	}
	for (; magnitude > 0 && magnitude < 1 && places < PLACES_MAX; places++)
		magnitude *= 10;
	(void)snprintf(text, EVENT_VALUE_MAX, "%.*f", places, value);
	end = text + strlen(text);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		*--end = '\0';
	if (strcmp(text, "-0") == 0)
		memcpy(text, "0", sizeof("0"));
}

static void set_limit(json_t *object, const struct config_limit *limit)
{
	field_set_text(object, "limit", limit->name);
	field_set_text(object, "class", limit_class_text(limit->class));
	field_set_text(object, "side", limit->high ? "high" : "low");
	field_set_text(object, "on", limit_on_text(limit->on));
	field_set_value(object, "bound", limit->bound);
	field_set_text(object, "limit_origin", limit->origin);
}

static void set_place(json_t *object, const struct event *event, const struct config *config)
{
	if (event->site != EVENT_NONE)
		field_set_text(object, "site", config->sites[event->site].name);
	if (event->source != EVENT_NONE)
		field_set_text(object, "source", config->sources[event->source].name);
	if (event->channel == EVENT_NONE)
		return;
	field_set_text(object, "channel", config->channels[event->channel].name);
	if (event->has_value)
		field_set_text(object, "unit", config->channels[event->channel].measure);
}

static json_t *mass_object(const struct event_mass *mass, const struct config *config)
{
	const struct config_channel *channel = &config->channels[mass->channel];
	json_t *object = json_object();

	field_set_text(object, "source", config->sources[channel->source].name);
	field_set_text(object, "channel", channel->name);
	field_set_text(object, "unit", "kg");
	(void)json_object_set_new(object, "covered_percent", json_integer(mass->covered_percent));
	field_set_moment(object, "from", mass->from_ms, config->zone_min);
	field_set_moment(object, "until", mass->until_ms, config->zone_min);
	if (mass->known) {
		field_set_text(object, "limit", config->limits[mass->limit].path);
		field_set_value(object, "total", mass->total_kg);
		field_set_value(object, "above", mass->above_kg);
	}
	return object;
}

static void set_masses(json_t *object, const struct event *event, const struct config *config)
{
	json_t *array;

	if (event->n_masses == 0)
		return;
	array = json_array();
	for (size_t i = 0; i < event->n_masses; i++)
		(void)json_array_append_new(array, mass_object(&event->masses[i], config));
	(void)json_object_set_new(object, "released", array);
}

static json_t *body_object(const struct event_body *body)
{
	json_t *object = json_object();

	field_set_text(object, "hash", body->hash);
	field_set_text(object, "report", body->report);
	field_set_text(object, "type", body->type);
	field_set_text(object, "incident", body->incident);
	return object;
}

static void set_bodies(json_t *object, const struct event *event)
{
	json_t *bodies = json_array(), *replaced = json_array();

	for (size_t i = 0; i < event->n_bodies; i++)
		(void)json_array_append_new(bodies, body_object(&event->bodies[i]));
	for (size_t i = 0; i < event->n_replaced; i++)
		(void)json_array_append_new(replaced, json_string(event->replaced[i]));
	(void)json_object_set_new(object, "bodies", bodies);
	if (event->n_replaced > 0)
		(void)json_object_set(object, "replaced", replaced);
	json_decref(replaced);
	if (event->has_left)
		(void)json_object_set_new(object, "left", json_integer(event->left));
}

static void set_keys(json_t *object, const struct event_keys *keys)
{
	if (!keys)
		return;
	field_set_text(object, "origin", keys->origin);
	field_set_text(object, "key", keys->id);
	field_set_text(object, "public_key", keys->public);
	field_set_text(object, "old_key", keys->old_id);
	field_set_text(object, "old_public_key", keys->old_public);
	field_set_text(object, "signature", keys->signature);
}

/* JSON that jansson has printed: RFC 8785 §3.2.2.2 wants the digits of \u00xx in lower case */
static void lower_escapes(char *line)
{
	for (; *line; line++) {
		if (*line != '\\')
			continue;
		line++;
		for (int i = 1; *line == 'u' && i <= 4; i++)
			if (line[i] >= 'A' && line[i] <= 'F')
				line[i] = (char)(line[i] - 'A' + 'a');
	}
}

int event_body_hash(const char *body, size_t n, char ret[static 65])
{
	uint8_t hash[32];

	if (EVP_Digest(body, n, hash, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	chain_hex(hash, ret);
	return 0;
}

char *event_body_text(const struct event_body *body)
{
	json_t *object = body_object(body);
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(object);
	if (text)
		lower_escapes(text);
	return text;
}

static bool is_of_incident(enum event_type type)
{
	return type == EVENT_INCIDENT_OPENED || type == EVENT_INCIDENT_UPDATED ||
	       type == EVENT_INCIDENT_ENDED || type == EVENT_INCIDENT_LEVEL ||
	       type == EVENT_INCIDENT_ACKNOWLEDGED || type == EVENT_INCIDENT_CLOSED;
}

char *event_line(const struct event *event, const struct config *config, uint64_t seq)
{
	json_t *object = json_object();
	char *line = NULL;

	if (!object)
		return NULL;
	(void)json_object_set_new(object, "seq", json_integer((json_int_t)seq));
	field_set_text(object, "type", events[event->type].type);
	field_set_moment(object, "time", event->at.wall_ms, config->zone_min);
	set_place(object, event, config);
	if (event->has_value)
		field_set_value(object, "value", event->value);
	if (event->limit != EVENT_NONE)
		set_limit(object, &config->limits[event->limit]);
	if (is_of_incident(event->type)) {
		field_set_text(object, "kind", waste_kind_text(event->kind));
		field_set_text(object, "class", limit_class_text(event->incident_class));
	}
	field_set_time(object, "since", event->since_ms, config->zone_min);
	if (events[event->type].number)
		(void)json_object_set_new(object, events[event->type].number,
					  json_integer(event->number));
	field_set_text(object, "incident", event->incident);
	field_set_text(object, "reason", event->reason);
	field_set_text(object, "name", event->name);
	field_set_text(object, "report", event->report);
	field_set_text(object, "user", event->user);
	if (event->uid)
		(void)json_object_set_new(object, "uid", json_integer(*event->uid));
	field_set_text(object, "level", event->level);
	field_set_text(object, "verdict", event->verdict);
	field_set_text(object, "boundary", event->boundary);
	if (event->has_covered)
		(void)json_object_set_new(object, "covered_percent",
					  json_integer(event->covered_percent));
	field_set_text(object, "measures", event->measures);
	field_set_time(object, "until", event->until_ms, config->zone_min);
	set_masses(object, event, config);
	set_keys(object, event->keys);
	if (event->type == EVENT_REPORTS_FIXED)
		set_bodies(object, event);
	field_set_text(object, "hash", event->hash);
	if (event->heads)
		(void)json_object_set_new(object, "heads", json_integer(event->heads));
	if (event->exercise)
		(void)json_object_set_new(object, "exercise", json_true());
	line = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	if (line)
		lower_escapes(line);
	return line;
}

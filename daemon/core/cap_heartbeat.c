/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/cap_parts.h"
#include "core/fields.h"

#define ITEMS_MAX 16

/* "3" of a list or a number; "?" it is not known */
static const char *count_text(const json_t *health, const char *key, char text[static ITEMS_MAX])
{
	const json_t *value = json_object_get(health, key);
	long long n = json_is_array(value) ? (long long)json_array_size(value)
					   : (long long)json_integer_value(value);

	(void)snprintf(text, ITEMS_MAX, value ? "%lld" : "?", n);
	return text;
}

static void say(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	const json_t *health = json_object_get(cap->data, "health");
	char open[ITEMS_MAX], lost[ITEMS_MAX], channels[ITEMS_MAX], waiting[ITEMS_MAX];

	CAP_SAY(text, language,
		N_("Nothing was reported for a while, and that is why this comes. Incidents that "
		   "go "
		   "on: {open}. Not measured: {lost} of {channels} channels. Reports that wait: "
		   "{waiting}. When nothing more comes, call the plant."),
		{"open", count_text(health, "incidents", open)},
		{"lost", count_text(health, "channels_lost", lost)},
		{"channels", count_text(health, "channels", channels)},
		{"waiting", count_text(health, "reports_waiting", waiting)});
}

static void add_parameters(const struct cap *cap, struct cap_node *info)
{
	static const struct {
		const char *key;
		const char *name;
	} numbers[] = {
		{"channels", "channels"},
		{"channels_lost", "channels-lost"},
		{"reports_waiting", "reports-waiting"},
		{"disk_free_bytes", "disk-free-bytes"},
	};
	const json_t *health = json_object_get(cap->data, "health");
	char count[ITEMS_MAX];

	cap_add_parameter(cap, info, "webhook-id", cap->report->webhook_id);
	cap_add_parameter(cap, info, "webhook-type", cap->report->type);
	cap_add_number(cap, info, "interval-s", cap->data, "interval_s");
	cap_add_parameter(cap, info, "incidents", count_text(health, "incidents", count));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		cap_add_number(cap, info, numbers[i].name, health, numbers[i].key);
	cap_add_log(cap, info);
}

static void add_times(const struct cap *cap, struct cap_node *info)
{
	int64_t interval_ms = field_number(cap->data, "interval_s") * MS_PER_S;
	char time[CAP_TIME_MAX];

	cap_time(cap->report->sent_ms, cap->report->zone_min, time);
	cap_add(cap, info, "effective", time);
	cap_time(cap->report->sent_ms + interval_ms, cap->report->zone_min, time);
	cap_add(cap, info, "expires", time);
}

static void add_info(const struct cap *cap, enum catalogue_language language)
{
	struct cap_node *info = cap_xml_add(cap->xml, NULL, "info", NULL), *area;
	const char *origin = field_text(cap->data, "origin");
	char words[CAP_HEADLINE_MAX + 1] = "";
	struct cap_text text = {.bytes = words, .room = sizeof(words)};

	if (!info)
		return;
	cap_add(cap, info, "language", catalogue_tag(language));
	cap_add(cap, info, "category", "Env");
	cap_add(cap, info, "event", catalogue_text(language, N_("Sign of life")));
	cap_add(cap, info, "urgency", "Unknown");
	cap_add(cap, info, "severity", "Unknown");
	cap_add(cap, info, "certainty", "Unknown");
	add_times(cap, info);
	cap_add(cap, info, "senderName",
		*field_text(json_object_get(cap->data, "reporter"), "name")
			? field_text(json_object_get(cap->data, "reporter"), "name")
			: origin);
	cap_add(cap, info, "headline", catalogue_text(language, N_("Sign of life")));
	say(cap, language, &text);
	cap_add(cap, info, "description", words);
	add_parameters(cap, info);
	area = cap_xml_add(cap->xml, info, "area", NULL);
	if (area)
		cap_add(cap, area, "areaDesc", origin);
}

static void add_alert(const struct cap *cap)
{
	const struct cap_report *report = cap->report;
	char identifier[CAP_TOKEN_MAX], text[CAP_TOKEN_MAX];

	(void)snprintf(text, sizeof(text), "heartbeat.%.150s", report->webhook_id);
	cap_token(text, identifier);
	cap_add(cap, NULL, "identifier", identifier);
	cap_add(cap, NULL, "sender", cap_sender(cap, text));
	cap_time(report->sent_ms, report->zone_min, text);
	cap_add(cap, NULL, "sent", text);
	cap_add(cap, NULL, "status", "System");
	cap_add(cap, NULL, "msgType", "Alert");
	cap_add(cap, NULL, "scope", "Restricted");
	cap_add(cap, NULL, "restriction",
		catalogue_text(report->first,
			       N_("For the receiver's own watch; nobody is warned.")));
	add_info(cap, report->first);
	add_info(cap, report->first == CATALOGUE_VI ? CATALOGUE_EN : CATALOGUE_VI);
}

char *cap_heartbeat(const struct cap_report *report)
{
	CLEANUP(cap_xml_free) struct cap_xml *xml = NULL;
	json_t *data = json_loads(report->data, 0, NULL);
	const struct cap cap = {
		.report = report,
		.xml = json_is_object(data) ? (xml = cap_xml_new("alert", CAP_SPACE)) : NULL,
		.data = data,
	};
	char *text = NULL;

	if (xml) {
		add_alert(&cap);
		text = cap_xml_text(xml);
	}
	json_decref(data);
	return text;
}

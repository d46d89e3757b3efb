/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cap.h"
#include "core/cap_parts.h"
#include "core/fields.h"

void cap_time(int64_t wall_ms, int zone_min, char text[static CAP_TIME_MAX])
{
	char time[CLOCK_TEXT_MAX];

	clock_format(wall_ms, zone_min, time);
	/* without milliseconds; CAP 1.2 §3.3.2: UTC is -00:00 */
	(void)snprintf(text, CAP_TIME_MAX, "%.19s%.6s", time,
		       strcmp(time + 23, "+00:00") == 0 ? "-00:00" : time + 23);
}

void cap_add(const struct cap *cap, struct cap_node *parent, const char *name, const char *text)
{
	if (*text)
		(void)cap_xml_add(cap->xml, parent, name, text);
}

/*
 * CAP 1.2: no spaces, commas, "<" or "&" in identifier and sender; references are parted by
 * spaces and commas. Names of the configuration have none, but the data is a text like others.
 */
void cap_token(const char *from, char to[static CAP_TOKEN_MAX])
{
	size_t n = 0;

	for (; *from && n + 1 < CAP_TOKEN_MAX; from++)
		to[n++] = (char)((*from > ' ' && *from < 0x7f && !strchr(",<&", *from)) ? *from
											: '_');
	to[n] = '\0';
}

static void identifier(const struct cap *cap, uint32_t update, char to[static CAP_TOKEN_MAX])
{
	char text[CAP_TOKEN_MAX];

	(void)snprintf(text, sizeof(text), "%.150s.%u.%.64s", cap->id, update,
		       cap->report->destination);
	cap_token(text, to);
}

const char *cap_sender(const struct cap *cap, char to[static CAP_TOKEN_MAX])
{
	cap_token(field_text(cap->data, "origin"), to);
	return *to ? to : "wastewatch";
}

/* "sender,identifier,sent" of the first report that the destination got, and of the last one */
static void add_references(const struct cap *cap)
{
	const struct cap_report *report = cap->report;
	const struct {
		int64_t sent_ms;
		uint32_t update;
	} earlier[] = {{report->opened_ms, 0}, {report->previous_ms, report->previous}};
	char id[CAP_TOKEN_MAX], who[CAP_TOKEN_MAX], sent[CAP_TIME_MAX];
	char text[2 * (2 * CAP_TOKEN_MAX + CAP_TIME_MAX + 4)] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(earlier); i++) {
		if (earlier[i].sent_ms == 0 || (i == 1 && n > 0 && earlier[i].update == 0))
			continue;
		identifier(cap, earlier[i].update, id);
		cap_time(earlier[i].sent_ms, report->zone_min, sent);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s,%s,%s", n > 0 ? " " : "",
				      cap_sender(cap, who), id, sent);
	}
	cap_add(cap, NULL, "references", text);
}

static const char *message_type(const struct cap *cap)
{
	if (strcmp(cap->report->type, "incident.opened") == 0)
		return "Alert";
	return cap->report->withdrawn ? "Cancel" : "Update";
}

void cap_add_parameter(const struct cap *cap, struct cap_node *info, const char *name,
		       const char *value)
{
	struct cap_node *parameter;

	if (!*value)
		return;
	parameter = cap_xml_add(cap->xml, info, "parameter", NULL);
	if (!parameter)
		return;
	(void)cap_xml_add(cap->xml, parameter, "valueName", name);
	(void)cap_xml_add(cap->xml, parameter, "value", value);
}

void cap_add_number(const struct cap *cap, struct cap_node *info, const char *name,
		    const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);
	char text[32];

	if (!json_is_integer(number))
		return;
	(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(number));
	cap_add_parameter(cap, info, name, text);
}

/* "SOURCE/CHANNEL total 12.5 kg above 3 kg bound 75 mg/l law covered 87 %" */
static void add_released(const struct cap *cap, struct cap_node *info)
{
	const json_t *list = json_object_get(cap->data, "released");

	for (size_t i = 0; i < json_array_size(list) && i < CAP_RELEASED_MAX; i++) {
		const json_t *one = json_array_get(list, i);
		const char *above = field_text(one, "above");
		const char *bound = *above ? field_text(one, "bound") : "";
		char text[512];

		(void)snprintf(
			text, sizeof(text),
			"%.64s/%.64s total %.48s %.16s%s%.48s%s%.16s%s%.48s%s%.32s%s%.16s "
			"covered %lld %%",
			field_text(one, "source"), field_text(one, "channel"),
			field_text(one, "total"), field_text(one, "unit"), *above ? " above " : "",
			above, *above ? " " : "", *above ? field_text(one, "unit") : "",
			*bound ? " bound " : "", bound, *bound ? " " : "",
			*bound ? field_text(one, "bound_unit") : "",
			*bound && *field_text(one, "basis") ? " " : "",
			*bound ? field_text(one, "basis") : "",
			(long long)json_integer_value(json_object_get(one, "covered_percent")));
		if (!*field_text(one, "total"))
			(void)snprintf(text, sizeof(text), "%.64s/%.64s not known covered %lld %%",
				       field_text(one, "source"), field_text(one, "channel"),
				       (long long)json_integer_value(
					       json_object_get(one, "covered_percent")));
		cap_add_parameter(cap, info, "released", text);
	}
}

void cap_add_log(const struct cap *cap, struct cap_node *info)
{
	const json_t *log = json_object_get(cap->data, "log");

	cap_add_parameter(cap, info, "log-origin", field_text(log, "origin"));
	cap_add_parameter(cap, info, "log-id", field_text(log, "id"));
	cap_add_number(cap, info, "log-seq", log, "seq");
	cap_add_parameter(cap, info, "log-hash", field_text(log, "hash"));
	cap_add_parameter(cap, info, "log-prev-hash", field_text(log, "prev_hash"));
	cap_add_parameter(cap, info, "log-head", field_text(log, "head"));
	cap_add_parameter(cap, info, "log-signature", field_text(log, "signature"));
	cap_add_parameter(cap, info, "log-key-id", field_text(log, "key_id"));
}

/* what a machine wants, in the words of the JSON report */
static void add_parameters(const struct cap *cap, struct cap_node *info)
{
	static const char *const keys[] = {"kind",  "class",  "level", "verdict",
					   "state", "notice", "nature"};

	cap_add_parameter(cap, info, "webhook-id", cap->report->webhook_id);
	cap_add_parameter(cap, info, "webhook-type", cap->report->type);
	cap_add_parameter(cap, info, "incident-id", cap->id);
	cap_add_number(cap, info, "incident-update", cap->incident, "update");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		cap_add_parameter(cap, info, keys[i], field_text(cap->incident, keys[i]));
	cap_add_parameter(cap, info, "discharges", cap->at_station ? "false" : "");
	add_released(cap, info);
	cap_add_log(cap, info);
}

static void add_onset(const struct cap *cap, struct cap_node *info)
{
	char text[CAP_TIME_MAX];
	int64_t began_ms;

	if (!cap_began(cap, &began_ms))
		return;
	cap_time(began_ms, cap->report->zone_min, text);
	cap_add(cap, info, "onset", text);
}

static void add_times(const struct cap *cap, struct cap_node *info)
{
	const struct cap_report *report = cap->report;
	char text[CAP_TIME_MAX];

	cap_time(report->sent_ms, report->zone_min, text);
	cap_add(cap, info, "effective", text);
	add_onset(cap, info);
	cap_time(report->sent_ms + (cap->ended ? CAP_ENDED_VALID_MS : CAP_OPEN_VALID_MS),
		 report->zone_min, text);
	cap_add(cap, info, "expires", text);
}

/* whom to call: at the site, else the reporter */
static void add_contact(const struct cap *cap, struct cap_node *info)
{
	static const char *const keys[] = {"name", "phone", "email"};
	const json_t *contact = json_object_get(json_object_get(cap->data, "response"), "contact");
	char words[700] = "";
	struct cap_text text = {.bytes = words, .room = sizeof(words)};

	if (!contact)
		contact = json_object_get(cap->data, "reporter");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *one = field_text(contact, keys[i]);

		if (*one && text.n > 0)
			cap_text_add(&text, ", ");
		cap_text_add(&text, one);
	}
	cap_add(cap, info, "contact", words);
}

/** add_words() - one of headline, description, instruction */
static void add_words(const struct cap *cap, enum catalogue_language language,
		      struct cap_node *info, const char *name, size_t room,
		      void (*say)(const struct cap *, enum catalogue_language, struct cap_text *))
{
	char words[CAP_DESCRIPTION_MAX + 1] = "";
	struct cap_text text = {.bytes = words, .room = MIN(room + 1, sizeof(words))};

	say(cap, language, &text);
	if (text.n > 0 && words[text.n - 1] == '\n')
		words[text.n - 1] = '\0';
	cap_add(cap, info, name, words);
}

static const char *sender_name(const struct cap *cap)
{
	const char *name = field_text(json_object_get(cap->data, "reporter"), "name");

	if (!*name)
		name = field_text(cap->site, "title");
	return name;
}

static void add_info(const struct cap *cap, enum catalogue_language language)
{
	struct cap_node *info = cap_xml_add(cap->xml, NULL, "info", NULL);
	const char *responses[4];

	if (!info)
		return;
	cap_responses(cap, responses);
	cap_add(cap, info, "language", catalogue_tag(language));
	cap_add(cap, info, "category", "Env");
	cap_add(cap, info, "event", cap_event(cap, language));
	for (size_t i = 0; responses[i]; i++)
		cap_add(cap, info, "responseType", responses[i]);
	cap_add(cap, info, "urgency", cap_urgency(cap));
	cap_add(cap, info, "severity", cap_severity(cap));
	cap_add(cap, info, "certainty", cap_certainty(cap));
	add_times(cap, info);
	cap_add(cap, info, "senderName", sender_name(cap));
	add_words(cap, language, info, "headline", CAP_HEADLINE_MAX, cap_headline);
	add_words(cap, language, info, "description", CAP_DESCRIPTION_MAX, cap_description);
	add_words(cap, language, info, "instruction", CAP_INSTRUCTION_MAX, cap_instruction);
	add_contact(cap, info);
	add_parameters(cap, info);
	cap_areas(cap, language, info);
}

/* what the whole alert has, in the order of the schema */
static void add_alert(const struct cap *cap)
{
	const struct cap_report *report = cap->report;
	json_int_t update = json_integer_value(json_object_get(cap->incident, "update"));
	const char *drill = field_text(cap->incident, "drill");
	char text[CAP_TOKEN_MAX], incident[CAP_TOKEN_MAX];

	identifier(cap, (uint32_t)update, text);
	cap_add(cap, NULL, "identifier", text);
	cap_add(cap, NULL, "sender", cap_sender(cap, text));
	cap_time(report->sent_ms, report->zone_min, text);
	cap_add(cap, NULL, "sent", text);
	cap_add(cap, NULL, "status", cap->exercise ? "Exercise" : "Actual");
	cap_add(cap, NULL, "msgType", message_type(cap));
	cap_add(cap, NULL, "source", field_text(cap->incident, "first_out"));
	cap_add(cap, NULL, "scope", "Restricted");
	cap_add(cap, NULL, "restriction",
		catalogue_text(
			report->first,
			N_("For the authority and those whom it names. Whether the public is "
			   "told is the authority's to decide (Law on Environmental "
			   "Protection, Art. 125).")));
	if (cap->exercise)
		cap_add(cap, NULL, "note", *drill ? drill : cap->id);
	if (strcmp(report->type, "incident.opened") != 0)
		add_references(cap);
	cap_token(cap->id, incident);
	cap_add(cap, NULL, "incidents", incident);
	add_info(cap, report->first);
	add_info(cap, report->first == CATALOGUE_VI ? CATALOGUE_EN : CATALOGUE_VI);
}

/** find_own() - the worst that is said of what the destination asks for */
static void find_own(struct cap *cap)
{
	const json_t *paths = json_object_get(json_object_get(cap->data, "crossing"), "paths");
	const json_t *path;
	size_t i;

	json_array_foreach (paths, i, path) {
		if (!cap->report->target ||
		    strcmp(field_text(path, "target"), cap->report->target) != 0 ||
		    (cap->own && cap_rank(field_text(path, "verdict")) <=
					 cap_rank(field_text(cap->own, "verdict"))))
			continue;
		cap->own = path;
		cap->own_is_receptor = strcmp(field_text(path, "target_kind"), "receptor") == 0;
		cap->verdict = field_text(path, "verdict");
	}
}

/** is_at_station() - are the limits that were broken all at stations? */
static bool is_at_station(const struct cap *cap)
{
	const json_t *alarms = json_object_get(cap->data, "alarms"), *alarm;
	bool at_station = false;
	size_t i;

	json_array_foreach (alarms, i, alarm) {
		char source[64], channel[64];

		if (strcmp(field_text(alarm, "class"), "warning") == 0)
			continue;
		cap_split_path(field_text(alarm, "limit"), source, channel);
		at_station = json_is_false(json_object_get(cap_source(cap, source), "discharges"));
		if (!at_station)
			return false;
	}
	return at_station;
}

char *cap_body(const struct cap_report *report)
{
	CLEANUP(cap_xml_free) struct cap_xml *xml = NULL;
	json_t *data = json_loads(report->data, 0, NULL);
	const json_t *incident = json_object_get(data, "incident");
	struct cap cap = {
		.report = report,
		.xml = json_is_object(incident) ? (xml = cap_xml_new("alert", CAP_SPACE)) : NULL,
		.data = data,
		.incident = incident,
		.site = json_object_get(data, "site"),
		.id = field_text(incident, "id"),
		.kind = field_text(incident, "kind"),
		.class = field_text(incident, "class"),
		.level = field_text(incident, "level"),
		.verdict = field_text(incident, "verdict"),
		.ended = strcmp(field_text(incident, "state"), "open") != 0,
		.exercise = strcmp(field_text(incident, "status"), "exercise") == 0,
	};
	char *text = NULL;

	if (xml) {
		find_own(&cap);
		cap.at_station = is_at_station(&cap);
		add_alert(&cap);
		text = cap_xml_text(xml);
	}
	json_decref(data);
	return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/audience.h"
#include "core/cap.h"
#include "core/fields.h"
#include "core/heartbeat.h"
#include "core/report.h"

/**
 * struct news - a report, opened up once for all destinations
 * @previous_ms, @previous: the report before this one; 0 none, or it is not known
 */
struct news {
	const struct audience_news *what;
	json_t *data;
	json_t *incident;
	const char *id;
	const char *site;
	int class;
	int kind;
	int level;
	int verdict;
	int64_t previous_ms;
	uint32_t previous;
};

#define DEFINE_RANK(name, type, text_of, max)                         \
	static int name(const char *word)                             \
	{                                                             \
		for (int i = 0; i <= (int)(max); i++)                 \
			if (strcmp(text_of((enum type)i), word) == 0) \
				return i;                             \
		return 0;                                             \
	}
DEFINE_RANK(class_of, limit_class, limit_class_text, CLASS_EMERGENCY)
DEFINE_RANK(kind_of, waste_kind, waste_kind_text, WASTE_KIND_MAX)
DEFINE_RANK(level_of, incident_level, incident_level_text, LEVEL_NATIONAL)
DEFINE_RANK(verdict_of, crossing_verdict, crossing_verdict_text, VERDICT_OBSERVED)

static uint64_t key_of(const struct config_destination *destination)
{
	return hash64(HASH64_SEED, destination->name, strlen(destination->name));
}

/* its place on the list of those who were told; CONFIG_DESTINATIONS_MAX: it is not there */
static size_t place_of(const struct core_incident *incident,
		       const struct config_destination *destination)
{
	size_t i = 0;

	while (i < CONFIG_DESTINATIONS_MAX && incident->told[i] != key_of(destination))
		i++;
	return i;
}

bool audience_knows(const struct core_incident *incident,
		    const struct config_destination *destination)
{
	return place_of(incident, destination) < CONFIG_DESTINATIONS_MAX;
}

static bool is_named(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (; *names; names += strcspn(names, " "), names += *names != '\0')
		if (strncmp(names, name, n) == 0 && (names[n] == ' ' || names[n] == '\0'))
			return true;
	return false;
}

static bool was_told(const struct news *news, const struct config_destination *destination)
{
	return news->what->incident ? audience_knows(news->what->incident, destination)
				    : is_named(news->what->told, destination->name);
}

/* from now on it knows. Return: false, the list is full: destinations were exchanged again and
 * again while the incident went on. */
static bool remember(struct core_incident *incident, const struct config_destination *destination)
{
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++) {
		if (incident->told[i] == 0) {
			incident->told[i] = key_of(destination);
			return true;
		}
	}
	return false;
}

static bool is_among(const struct config_words *words, const char *name)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->text[i], name) == 0)
			return true;
	return words->n == 0;
}

/* a path says the title of what it may reach, a destination asks for its name */
static bool asks_for(const struct config *config, const struct config_words *names,
		     const char *title)
{
	for (size_t i = 0; i < config->crossing.n_targets; i++)
		if (strcmp(config->crossing.targets[i].title, title) == 0 &&
		    is_among(names, config->crossing.targets[i].name))
			return true;
	return false;
}

/* what is said worst of what the destination names; NULL it names nothing, or nothing is said */
static const json_t *own_path(const struct config *config, const struct news *news,
			      const struct config_destination *destination)
{
	const json_t *paths = json_object_get(json_object_get(news->data, "crossing"), "paths");
	const json_t *path, *own = NULL;
	size_t i;

	if (destination->receptors.n == 0)
		return NULL;
	json_array_foreach (paths, i, path)
		if (asks_for(config, &destination->receptors, field_text(path, "target")) &&
		    (!own || verdict_of(field_text(path, "verdict")) >
				     verdict_of(field_text(own, "verdict"))))
			own = path;
	return own;
}

/* the worst verdict about what the destination asks for: all, or the receptors that it names */
static int worst_verdict(const struct config *config, const struct news *news,
			 const struct config_destination *destination)
{
	const json_t *own;

	if (destination->receptors.n == 0)
		return news->verdict;
	own = own_path(config, news, destination);
	return own ? verdict_of(field_text(own, "verdict")) : (int)VERDICT_NONE;
}

static bool wants(const struct config *config, const struct news *news,
		  const struct config_destination *destination)
{
	int least = MAX((int)destination->min_verdict,
			destination->receptors.n > 0 ? (int)VERDICT_POSSIBLE : (int)VERDICT_NONE);

	return (destination->kinds == 0 || destination->kinds & 1U << news->kind) &&
	       news->class >= (int)destination->min_class &&
	       news->level >= (int)destination->min_level &&
	       is_among(&destination->sites, news->site) &&
	       worst_verdict(config, news, destination) >= least;
}

/* Danube AEWS, Rhine WAP, UNECE IAN: early warning, information, end of alert */
static const char *notice_of(enum event_type type)
{
	if (type == EVENT_INCIDENT_OPENED)
		return "early-warning";
	return type == EVENT_INCIDENT_UPDATED ? "information" : "end-of-alert";
}

static char *cap_of(const struct core *core, const struct news *news, size_t i,
		    enum event_type type, const char *data, const char *webhook_id)
{
	const struct config_destination *destination = &core->config->destinations[i];
	const struct core_incident *incident = news->what->incident;
	const json_t *own = own_path(core->config, news, destination);
	bool from_the_first = incident && incident->n_updates > 0 &&
			      place_of(incident, destination) < incident->n_told_first;

	return cap_body(&(struct cap_report){
		.data = data,
		.type = event_type_text(type),
		.destination = destination->name,
		.webhook_id = webhook_id,
		.sent_ms = news->what->at.wall_ms,
		.zone_min = core->config->zone_min,
		.first = destination->language,
		.withdrawn = news->what->withdrawn,
		.opened_ms = from_the_first ? incident->opened.wall_ms : 0,
		.previous_ms = news->previous_ms,
		.previous = news->previous,
		.target = own ? field_text(own, "target") : NULL,
	});
}

static char *body_of(const struct core *core, const struct news *news, size_t i,
		     enum event_type type, const char *webhook_id)
{
	char *data, *body = NULL;

	(void)json_object_set_new(news->incident, "notice", json_string(notice_of(type)));
	data = json_dumps(news->data, JSON_COMPACT | JSON_SORT_KEYS);
	if (!data)
		return NULL;
	switch (core->config->destinations[i].format) {
	case FORMAT_JSON:
		body = report_body(core, event_type_text(type), news->what->at.wall_ms, data);
		break;
	case FORMAT_CAP:
		body = cap_of(core, news, i, type, data, webhook_id);
		break;
	}
	free(data);
	return body;
}

static void add_report(struct core *core, const struct news *news, size_t i, enum event_type type)
{
	struct batch_report *report;

	if (!batch_takes_report(core->batch, false, type == EVENT_INCIDENT_UPDATED))
		return;
	report = batch_add(core->batch, reports);
	if (!report)
		return;
	heartbeat_told(core, i, news->what->at);
	report->destination = (uint32_t)i;
	/* nothing real waits for an exercise */
	report->lane = news->class == CLASS_EMERGENCY && !core->exercise ? 0 : 1;
	report->created_ms = news->what->at.wall_ms;
	report->type = strdup(event_type_text(type));
	report->incident = strdup(news->id);
	if (asprintf(&report->webhook_id, "%s-%llu-%s", core->log_id,
		     (unsigned long long)core->log->seq, core->config->destinations[i].name) < 0)
		report->webhook_id = NULL;
	if (report->webhook_id)
		report->body = body_of(core, news, i, type, report->webhook_id);
	if (!report->type || !report->incident || !report->body || !report->webhook_id)
		core->batch->out_of_memory = true;
}

/*
 * Reports go where reports are read: to those who know of the incident, and while it is open to
 * those who want it.
 */
static void tell_one(struct core *core, const struct news *news, size_t i)
{
	const struct config_destination *destination = &core->config->destinations[i];
	struct core_incident *incident = news->what->incident;

	if (destination->kind != DESTINATION_REPORTS || (core->exercise && !destination->drills))
		return;
	if (was_told(news, destination))
		add_report(core, news, i, news->what->type);
	else if (incident && wants(core->config, news, destination))
		add_report(core, news, i,
			   remember(incident, destination) ? EVENT_INCIDENT_OPENED
							   : news->what->type);
}

/* the report before this one: of an open incident from the core, else from its own data */
static void find_previous(struct news *news)
{
	const struct core_incident *incident = news->what->incident;
	json_t *before;

	if (incident) {
		news->previous_ms = incident->n_updates > 0 ? incident->reported.wall_ms : 0;
		news->previous = incident->n_updates - 1;
		return;
	}
	before = news->what->before ? json_loads(news->what->before, 0, NULL) : NULL;
	if (clock_parse(field_text(json_object_get(before, "incident"), "reported"),
			&news->previous_ms) < 0)
		news->previous_ms = 0;
	news->previous = (uint32_t)json_integer_value(
		json_object_get(json_object_get(before, "incident"), "update"));
	json_decref(before);
}

static uint8_t count_told(const struct core_incident *incident)
{
	uint8_t n = 0;

	while (n < CONFIG_DESTINATIONS_MAX && incident->told[n] != 0)
		n++;
	return n;
}

static void tell_all(struct core *core, const struct audience_news *what)
{
	json_t *data = json_loads(what->data, 0, NULL);
	json_t *incident = json_object_get(data, "incident");
	struct news news = {
		.what = what,
		.data = data,
		.incident = incident,
		.id = field_text(incident, "id"),
		.site = field_text(json_object_get(data, "site"), "name"),
		.class = class_of(field_text(incident, "class")),
		.kind = kind_of(field_text(incident, "kind")),
		.level = level_of(field_text(incident, "level")),
		.verdict = verdict_of(field_text(incident, "verdict")),
	};

	if (!incident) {
		core->batch->out_of_memory = true;
		return;
	}
	find_previous(&news);
	for (size_t i = 0; i < core->config->n_destinations; i++)
		tell_one(core, &news, i);
	if (what->incident && what->incident->n_updates == 0)
		what->incident->n_told_first = count_told(what->incident);
	json_decref(data);
}

void audience_tell(struct core *core, const struct audience_news *what)
{
	if (core->config->n_destinations > 0)
		tell_all(core, what);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/cap_parts.h"
#include "core/fields.h"

static const char *or_else(const char *text, const char *otherwise)
{
	return *text ? text : otherwise;
}

/** basis_of() - whose limit is broken: the law's before the permit's, the plant's own last. Where
 * not all alarms are told, nobody says that only the plant's own are. */
static const char *basis_of(const struct cap *cap)
{
	static const char *const order[] = {"own", "", "permit", "law"};
	const json_t *alarms = json_object_get(cap->data, "alarms"), *alarm;
	bool all = json_integer_value(json_object_get(cap->data, "alarms_left_out")) == 0;
	size_t best = 0, i;
	bool any = false;

	json_array_foreach (alarms, i, alarm) {
		if (strcmp(field_text(alarm, "class"), "warning") == 0)
			continue;
		for (size_t k = best; k < ARRAY_SIZE(order); k++)
			if (strcmp(order[k], field_text(alarm, "basis")) == 0)
				best = k;
		any = true;
	}
	return any && (all || best > 0) ? order[best] : "";
}

const char *cap_event(const struct cap *cap, enum catalogue_language language)
{
	return cap_term(language, cap->at_station ? "measured" : "event", cap->kind);
}

void cap_headline(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	const struct cap_word words[] = {
		{"event", cap_event(cap, language)},
		{"site", field_text(cap->site, "title")},
		{"degree", strcmp(cap->class, "limit") == 0
				   ? cap_term(language, "broken", basis_of(cap))
				   : cap_term(language, "class", cap->class)},
		{NULL, NULL},
	};

	if (cap->exercise)
		cap_text_say(text, language, N_("EXERCISE: "), words);
	if (cap->report->withdrawn)
		cap_text_say(text, language, N_("Withdrawn: {event} at {site}"), words);
	else if (strcmp(cap->report->type, "incident.closed") == 0)
		cap_text_say(text, language, N_("Final report: {event} at {site}"), words);
	else if (cap->ended)
		cap_text_say(text, language, N_("End of alert: {event} at {site}"), words);
	else
		cap_text_say(text, language, N_("{event} at {site}: {degree}"), words);
	cap_say_reach(cap, language, text);
}

const char *cap_title(const struct cap *cap, const char *list, const char *key, const char *name,
		      const char *source)
{
	const json_t *object;
	size_t i;

	json_array_foreach (json_object_get(cap->data, list), i, object)
		if (strcmp(field_text(object, key), name) == 0 &&
		    (!source || strcmp(field_text(object, "source"), source) == 0))
			return or_else(field_text(object, "title"), name);
	return name;
}

const char *cap_amount(char *to, size_t room, const char *figure, const char *unit)
{
	(void)snprintf(to, room, "%s%s%s", figure, *unit ? " " : "", unit);
	return to;
}

const json_t *cap_source(const struct cap *cap, const char *name)
{
	const json_t *source;
	size_t i;

	json_array_foreach (json_object_get(cap->data, "sources"), i, source)
		if (strcmp(field_text(source, "name"), name) == 0)
			return source;
	return NULL;
}

void cap_split_path(const char *path, char source[static 64], char channel[static 64])
{
	*source = *channel = '\0';
	(void)sscanf(path, "%*63[^/]/%63[^/]/%63[^/]", source, channel);
}

static void say_alarm(const struct cap *cap, enum catalogue_language language, const json_t *alarm,
		      struct cap_text *text)
{
	bool high = strcmp(field_text(alarm, "side"), "high") == 0;
	char source[64], channel[64], peak[128], bound[128];

	if (strcmp(field_text(alarm, "class"), "warning") == 0)
		return; /* the plant's own figure: no limit that anybody else knows */
	cap_split_path(field_text(alarm, "limit"), source, channel);
	CAP_SAY(text, language,
		high ? N_("- {channel}, {source}: {peak}; {whose}: at most {bound}")
		     : N_("- {channel}, {source}: {peak}; {whose}: at least {bound}"),
		{"whose", cap_term(language, "basis", field_text(alarm, "basis"))},
		{"channel", cap_title(cap, "channels", "channel", channel, source)},
		{"source", cap_title(cap, "sources", "name", source, NULL)},
		{"peak", cap_amount(peak, sizeof(peak), field_text(alarm, "peak"),
				    field_text(alarm, "unit"))},
		{"bound", cap_amount(bound, sizeof(bound), field_text(alarm, "bound"),
				     field_text(alarm, "unit"))});
	if (*field_text(alarm, "origin"))
		CAP_SAY(text, language, " ({origin})", {"origin", field_text(alarm, "origin")});
	if (strcmp(field_text(alarm, "state"), "cleared") == 0)
		CAP_SAY(text, language, N_("; in order again"));
	cap_text_add(text, "\n");
}

/* of an older report the limit's figure is not known */
static const char *released_sentence(const json_t *released)
{
	if (!*field_text(released, "total"))
		return N_("- {channel}, {source}: how much was released is not known; measured for "
			  "{covered} of the time");
	if (!*field_text(released, "above"))
		return N_("- {channel}, {source}: {total} {unit} released; measured for {covered} "
			  "of the time");
	if (!*field_text(released, "bound"))
		return N_("- {channel}, {source}: {total} {unit} released, of it {above} {unit} "
			  "above the limit; measured for {covered} of the time");
	return N_("- {channel}, {source}: {total} {unit} released, of it {above} {unit} above "
		  "{whose} of {bound}; measured for {covered} of the time");
}

static void say_released(const struct cap *cap, enum catalogue_language language,
			 const json_t *released, struct cap_text *text)
{
	const char *source = field_text(released, "source");
	const char *channel = field_text(released, "channel");
	char covered[32], bound[128];
	const struct cap_word words[] = {
		{"whose", cap_term(language, "above", field_text(released, "basis"))},
		{"bound", cap_amount(bound, sizeof(bound), field_text(released, "bound"),
				     field_text(released, "bound_unit"))},
		{"channel", cap_title(cap, "channels", "channel", channel, source)},
		{"source", cap_title(cap, "sources", "name", source, NULL)},
		{"total", field_text(released, "total")},
		{"above", field_text(released, "above")},
		{"unit", field_text(released, "unit")},
		{"covered", covered},
		{NULL, NULL},
	};

	(void)snprintf(covered, sizeof(covered), "%lld %%",
		       (long long)json_integer_value(json_object_get(released, "covered_percent")));
	cap_text_say(text, language, released_sentence(released), words);
	cap_text_add(text, "\n");
}

typedef void say_item(const struct cap *cap, enum catalogue_language language, const json_t *item,
		      struct cap_text *text);

/* the first ones of a list, under a heading; how many more there are is said */
static void say_list(const struct cap *cap, enum catalogue_language language, const json_t *list,
		     const char *heading, say_item *say, struct cap_text *text)
{
	size_t n = json_array_size(list);
	char more[32];

	if (n == 0)
		return;
	CAP_SAY(text, language, heading);
	cap_text_add(text, "\n");
	for (size_t i = 0; i < n && i < CAP_LINES_MAX; i++)
		say(cap, language, json_array_get(list, i), text);
	if (n <= CAP_LINES_MAX)
		return;
	(void)snprintf(more, sizeof(more), "%zu", n - CAP_LINES_MAX);
	CAP_SAY(text, language, N_("- and {n} more"), {"n", more});
	cap_text_add(text, "\n");
}

static void say_plain(enum catalogue_language language, const char *sentence, struct cap_text *text)
{
	CAP_SAY(text, language, sentence);
	cap_text_add(text, "\n");
}

/* a line of its own, where there is something to say */
static void say_line(enum catalogue_language language, const char *sentence, const char *what,
		     struct cap_text *text)
{
	if (!*what)
		return;
	CAP_SAY(text, language, sentence, {"what", what});
	cap_text_add(text, "\n");
}

static void say_times(const struct cap *cap, enum catalogue_language language,
		      struct cap_text *text)
{
	char time[CAP_TIME_MAX];

	char began[CLOCK_TEXT_MAX], opened[CAP_TIME_MAX];
	int64_t began_ms;

	*time = '\0';
	if (cap_began(cap, &began_ms)) {
		clock_format(began_ms, cap->report->zone_min, began);
		cap_clock(began, time);
	}
	say_line(language, N_("Began: {what}"), time, text);
	cap_clock(field_text(cap->incident, "opened"), opened);
	if (strcmp(opened, time) != 0)
		say_line(language, N_("Detected: {what}"), opened, text);
	cap_clock(field_text(cap->incident, "ended"), time);
	say_line(language, N_("Ended: {what}"), time, text);
}

/* what people have found out and done */
static void say_findings(const struct cap *cap, enum catalogue_language language,
			 struct cap_text *text)
{
	const json_t *closed = json_object_get(cap->incident, "closed");
	const char *nature = field_text(cap->incident, "nature");

	if (*nature)
		say_line(language, N_("Nature: {what}"), cap_term(language, "nature", nature),
			 text);
	say_line(language, N_("Cause: {what}"),
		 or_else(field_text(closed, "cause"), field_text(cap->incident, "cause")), text);
	say_line(language, N_("Measures: {what}"), field_text(closed, "measures"), text);
}

void cap_description(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	const json_t *crossing = json_object_get(cap->data, "crossing");
	char update[32], place[1024];
	struct cap_text where = {.bytes = place, .room = sizeof(place)};

	*place = '\0';
	cap_place(cap, &where);
	(void)snprintf(update, sizeof(update), "%lld",
		       (long long)json_integer_value(json_object_get(cap->incident, "update")));
	if (cap->exercise)
		say_plain(language, N_("This is an exercise. Nothing was released."), text);
	CAP_SAY(text, language, N_("{notice}: report {update} of incident {id}"),
		{"notice", cap_term(language, "notice", field_text(cap->incident, "notice"))},
		{"update", update}, {"id", cap->id});
	cap_text_add(text, "\n");
	say_line(language, N_("Place: {what}"), place, text);
	if (cap->at_station)
		say_plain(language,
			  N_("Measured at a station that lets nothing go itself: this is not a "
			     "release of the place."),
			  text);
	say_times(cap, language, text);
	say_line(language, N_("Level: {what} (Law on Environmental Protection, Art. 123)"),
		 cap_term(language, "level", cap->level), text);
	say_findings(cap, language, text);
	say_list(cap, language, json_object_get(cap->data, "alarms"), N_("Limits:"), say_alarm,
		 text);
	say_list(cap, language, json_object_get(cap->data, "released"),
		 N_("Released since it began:"), say_released, text);
	say_list(cap, language, json_object_get(crossing, "paths"),
		 cap->at_station ? N_("Where it may come from (a preliminary assessment):")
				 : N_("Where it may go (a preliminary assessment):"),
		 cap_say_path, text);
	cap_say_notes(cap, language, text);
}

/* what is to be done about the limits that are broken; the same words once only */
static void say_advice(const struct cap *cap, struct cap_text *text)
{
	const json_t *alarms = json_object_get(cap->data, "alarms"), *alarm;
	size_t i;

	json_array_foreach (alarms, i, alarm) {
		const char *advice = field_text(alarm, "advice");

		if (!*advice || strcmp(field_text(alarm, "state"), "raised") != 0 ||
		    strstr(text->bytes, advice))
			continue;
		cap_text_add(text, advice);
		cap_text_add(text, "\n");
	}
}

void cap_instruction(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	const json_t *response = json_object_get(cap->data, "response");

	if (cap->report->withdrawn)
		say_plain(language,
			  N_("What was reported is watched no more. That it is over was not "
			     "measured."),
			  text);
	else if (cap->ended)
		say_plain(language, N_("The limits are kept again. Nothing more is asked for."),
			  text);
	else
		say_advice(cap, text);
	if (!cap->ended)
		say_line(language, N_("Response plan: {what}"), field_text(response, "plan"), text);
}

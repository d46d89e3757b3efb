/* SPDX-License-Identifier: Apache-2.0 */
/* where it may go, or come from: of the assessment, in words */
#include <stdio.h>
#include <string.h>

#include "core/cap_parts.h"
#include "core/fields.h"

static const json_t *paths_of(const struct cap *cap)
{
	return json_object_get(json_object_get(cap->data, "crossing"), "paths");
}

static bool is_inbound(const json_t *path)
{
	return strcmp(field_text(path, "method"), "inbound") == 0;
}

/* the headline */

/** worst_path() - of the ways in, or of those out over a boundary; NULL there is none */
static const json_t *worst_path(const struct cap *cap, bool inbound)
{
	const json_t *worst = NULL, *path;
	size_t i;

	json_array_foreach (paths_of(cap), i, path) {
		bool receptor = strcmp(field_text(path, "target_kind"), "receptor") == 0;

		if (is_inbound(path) == inbound && (inbound || !receptor) &&
		    (!worst || cap_rank(field_text(path, "verdict")) >
				       cap_rank(field_text(worst, "verdict"))))
			worst = path;
	}
	return worst;
}

/** station_of() - the first one that has an alarm and says where from; NULL there is none */
static const json_t *station_of(const struct cap *cap)
{
	const json_t *alarms = json_object_get(cap->data, "alarms"), *alarm;
	char source[64], channel[64];
	size_t i;

	json_array_foreach (alarms, i, alarm) {
		const json_t *station;

		cap_split_path(field_text(alarm, "limit"), source, channel);
		station = cap_source(cap, source);
		if (strcmp(field_text(alarm, "class"), "warning") != 0 &&
		    *field_text(station, "inbound_from"))
			return station;
	}
	return NULL;
}

static bool is_abroad(const char *target_kind)
{
	return strcmp(target_kind, "national") == 0 || strcmp(target_kind, "neighbour") == 0;
}

/** say_origin() - where what a station has seen comes from; nothing where there is none */
static void say_origin(const struct cap *cap, enum catalogue_language language,
		       struct cap_text *text)
{
	const json_t *path = worst_path(cap, true), *station = station_of(cap);
	const char *verdict = field_text(path, "verdict");
	const char *from = field_text(path ? path : station, path ? "target" : "inbound_from");
	const char *kind = field_text(path ? path : station, path ? "target_kind" : "inbound_kind");
	const struct cap_word words[] = {{"from", from}, {NULL, NULL}};

	if (!cap->at_station && !cap_may_cross(verdict))
		return;
	cap_text_add(text, "; ");
	if (!path && !station)
		CAP_SAY(text, language, N_("measured at a station that lets nothing go itself"));
	else
		cap_term_say(text, language, is_abroad(kind) ? "from-abroad" : "from",
			     path ? verdict : "none", words);
}

/** say_worst() - that a boundary may be crossed, or a receptor reached; nothing where it may not */
static void say_worst(const json_t *worst, bool is_receptor, enum catalogue_language language,
		      struct cap_text *text)
{
	const struct cap_word words[] = {{"target", field_text(worst, "target")}, {NULL, NULL}};

	if (!cap_may_cross(field_text(worst, "verdict")))
		return;
	cap_text_add(text, "; ");
	cap_term_say(text, language, is_receptor ? "reaching" : "crossing",
		     field_text(worst, "verdict"), words);
}

/** say_out() - will it cross, and what on this side of it will it reach? A receptor only where
 * that is surer than that a boundary is crossed. */
static void say_out(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	const json_t *crossing = json_object_get(cap->data, "crossing");
	const json_t *boundary = json_object_get(crossing, "worst_boundary");
	const json_t *receptor = json_object_get(crossing, "worst_receptor");

	if (worst_path(cap, true)) /* it may be that one, which is no way out */
		boundary = worst_path(cap, false);
	say_worst(boundary, false, language, text);
	if (cap_rank(field_text(receptor, "verdict")) > cap_rank(field_text(boundary, "verdict")))
		say_worst(receptor, true, language, text);
}

void cap_say_reach(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	say_origin(cap, language, text);
	if (cap->at_station || (cap->own && is_inbound(cap->own)) || cap->ended)
		return;
	if (cap->own)
		say_worst(cap->own, cap->own_is_receptor, language, text);
	else
		say_out(cap, language, text);
}

/* the description */

static bool knows(const json_t *notes, const char *note, size_t *ret)
{
	const json_t *other;
	size_t i;

	json_array_foreach (notes, i, other)
		if (strcmp(json_string_value(other), note) == 0)
			return *ret = i, true;
	return false;
}

/** notes_of() - what weakens the results that are told, each once, in the order of the paths */
static json_t *notes_of(const struct cap *cap)
{
	json_t *notes = json_array();
	const json_t *path, *flag;
	size_t i, k, at;

	json_array_foreach (paths_of(cap), i, path)
		json_array_foreach (json_object_get(path, "flags"), k, flag)
			if (i < CAP_LINES_MAX && json_is_string(flag) &&
			    !knows(notes, json_string_value(flag), &at))
				(void)json_array_append_new(notes,
							    json_string(json_string_value(flag)));
	return notes;
}

/* " [1, 3]" */
static void say_numbers(const struct cap *cap, const json_t *path, struct cap_text *text)
{
	json_t *notes = notes_of(cap);
	const char *between = " [";
	const json_t *flag;
	size_t i, at;

	json_array_foreach (json_object_get(path, "flags"), i, flag) {
		char number[32];

		if (!json_is_string(flag) || !knows(notes, json_string_value(flag), &at))
			continue;
		(void)snprintf(number, sizeof(number), "%s%zu", between, at + 1);
		cap_text_add(text, number);
		between = ", ";
	}
	if (*between == ',')
		cap_text_add(text, "]");
	json_decref(notes);
}

void cap_say_notes(const struct cap *cap, enum catalogue_language language, struct cap_text *text)
{
	json_t *notes = notes_of(cap);
	const json_t *note;
	size_t i;

	if (json_array_size(notes) > 0) {
		CAP_SAY(text, language, N_("What weakens that:"));
		cap_text_add(text, "\n");
	}
	json_array_foreach (notes, i, note) {
		char number[32];

		(void)snprintf(number, sizeof(number), "[%zu] ", i + 1);
		cap_text_add(text, number);
		cap_text_add(text, catalogue_text(language, json_string_value(note)));
		cap_text_add(text, "\n");
	}
	json_decref(notes);
}

static void say_strength(enum catalogue_language language, const json_t *path,
			 struct cap_text *text)
{
	char figure[128];

	if (*field_text(path, "concentration"))
		CAP_SAY(text, language, N_("; concentration {figure}"),
			{"figure",
			 cap_amount(figure, sizeof(figure), field_text(path, "concentration"),
				    field_text(path, "unit"))});
	if (json_is_true(json_object_get(path, "goes_on")) && *field_text(path, "high"))
		CAP_SAY(text, language,
			N_(" (of what was let go so far; up to {high} if it goes on)"),
			{"high", field_text(path, "high")});
	else if (*field_text(path, "low") && *field_text(path, "high"))
		CAP_SAY(text, language, N_(" (between {low} and {high})"),
			{"low", field_text(path, "low")}, {"high", field_text(path, "high")});
	if (*field_text(path, "threshold"))
		CAP_SAY(text, language, N_("; threshold {figure}"),
			{"figure", cap_amount(figure, sizeof(figure), field_text(path, "threshold"),
					      field_text(path, "unit"))});
}

/* nothing where all of it was measured, or nothing is summed up by this method */
static void say_cover(enum catalogue_language language, const json_t *path, struct cap_text *text)
{
	const json_t *percent = json_object_get(path, "covered_percent");
	char covered[32];

	if (!json_is_integer(percent) || json_integer_value(percent) >= 100)
		return;
	(void)snprintf(covered, sizeof(covered), "%lld %%", (long long)json_integer_value(percent));
	CAP_SAY(text, language, N_("; the release was measured for {covered} of its time"),
		{"covered", covered});
	if (json_is_true(json_object_get(path, "extrapolated")))
		CAP_SAY(text, language, N_(", the rest is extrapolated"));
}

void cap_say_path(const struct cap *cap, enum catalogue_language language, const json_t *path,
		  struct cap_text *text)
{
	char arrival[CAP_TIME_MAX];

	CAP_SAY(text, language,
		is_inbound(path) ? N_("- from beyond {target} ({kind}) to {source}: {verdict}")
				 : N_("- {source} to {target} ({kind}, {method}): {verdict}"),
		{"source", cap_title(cap, "sources", "name", field_text(path, "source"), NULL)},
		{"target", field_text(path, "target")},
		{"kind", cap_term(language, "target", field_text(path, "target_kind"))},
		{"method", cap_term(language, "method", field_text(path, "method"))},
		{"verdict", cap_term(language, "verdict", field_text(path, "verdict"))});
	cap_clock(field_text(path, "arrival"), arrival);
	if (*arrival)
		CAP_SAY(text, language, N_("; arrival {time}"), {"time", arrival});
	if (*field_text(path, "parameter") && !*field_text(path, "threshold"))
		CAP_SAY(text, language, N_("; {parameter} has no threshold there: not assessed"),
			{"parameter",
			 cap_title(cap, "channels", "channel", field_text(path, "parameter"),
				   field_text(path, "source"))});
	say_strength(language, path, text);
	say_cover(language, path, text);
	say_numbers(cap, path, text);
	cap_text_add(text, "\n");
}

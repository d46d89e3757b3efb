/* SPDX-License-Identifier: Apache-2.0 */
/* `wastewatch show`: will it cross, when, how strong, how sure, what to do */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "core/fields.h"
#include "tools/say.h"
#include "tools/show.h"
#include "tools/wrap.h"

/* what to do, by verdict: who must know before it arrives */
static const struct {
	const char *verdict;
	const char *advice;
	const char *receptor;
} crossing_advice[] = {
	{"observed",
	 N_("Tell the department and, across the border, its counterpart NOW: it is there."),
	 N_("Tell the department and those at the target NOW: it is there.")},
	{"likely",
	 N_("Warn those at the target before it arrives; sample there at the time given."),
	 N_("Warn those at the target before it arrives; sample there at the time given.")},
	{"possible", N_("Have somebody sample at the target at the time given."),
	 N_("Have somebody sample at the target at the time given.")},
	{"unlikely", N_("Nothing there; it is assessed anew as long as the incident runs."),
	 N_("Nothing there; it is assessed anew as long as the incident runs.")},
};

/* an estimate to three digits: more of them are in the report, and nobody's business at night */
static const char *estimate(const json_t *path, const char *key, char rounded[static 32])
{
	char *end = NULL;
	double value = strtod(field_text(path, key), &end);

	if (value > 0 && value < 0.001)
		(void)snprintf(rounded, 32, "<0.001");
	else if (!*field_text(path, key) || *end || (fabs(value) >= 1000 && fabs(value) < 1e9))
		(void)snprintf(rounded, 32, "%.31s", field_text(path, key));
	else
		(void)snprintf(rounded, 32, "%.3g", value);
	return rounded;
}

/* "2026-03-02 19:00" */
static const char *minute(const json_t *path, const char *key, char brief[static 32])
{
	(void)snprintf(brief, 32, "%.10s %.5s", field_text(path, key),
		       strlen(field_text(path, key)) > 11 ? field_text(path, key) + 11 : "");
	return brief;
}

static void print_when(const json_t *path)
{
	char time[32], other[32];

	if (strcmp(field_text(path, "method"), "measured") == 0 && !*field_text(path, "arrival"))
		say("            when:       nothing above the threshold, due from %s to %s\n",
		    minute(path, "leading_edge", time), minute(path, "tail", other));
	if (!*field_text(path, "arrival"))
		return;
	say("            when:       %s", minute(path, "arrival", time));
	if (*field_text(path, "leading_edge"))
		say(", the first at %s", minute(path, "leading_edge", time));
	if (*field_text(path, "tail"))
		say(", the last at %s", minute(path, "tail", time));
	(void)putchar('\n');
}

static void print_cover(const json_t *path)
{
	const json_t *covered = json_object_get(path, "covered_percent");

	if (!json_is_integer(covered))
		return;
	say("\n            measured:   %lld %% of the time",
	    (long long)json_integer_value(covered));
	if (json_is_true(json_object_get(path, "extrapolated")))
		say("; the rest is extrapolated");
}

static void print_strength(const json_t *path)
{
	char value[32], other[32];

	if (!*field_text(path, "concentration"))
		return;
	say("            how strong: %s %s %s", field_text(path, "parameter"),
	    estimate(path, "concentration", value), field_text(path, "unit"));
	if (*field_text(path, "low"))
		say(" (%s to %s)", estimate(path, "low", value), estimate(path, "high", other));
	if (*field_text(path, "background"))
		say(": %s by this release, %s there without it", estimate(path, "excess", value),
		    estimate(path, "background", other));
	print_cover(path);
	say("\n            matters at: %s %s, %s\n", field_text(path, "threshold"),
	    field_text(path, "unit"), field_text(path, "threshold_origin"));
}

/* what need not be looked at: one line */
static void print_unlikely(const json_t *path)
{
	char value[32];

	if (*field_text(path, "excess"))
		say(": %s %s %s by this release, matters at %s", field_text(path, "parameter"),
		    estimate(path, "excess", value), field_text(path, "unit"),
		    field_text(path, "threshold"));
	(void)putchar('\n');
}

static void print_path(const json_t *path)
{
	const json_t *flag, *flags = json_object_get(path, "flags");
	const char *distance = field_text(path, "distance_m");
	size_t i;

	(void)fputs("  ", stdout);
	say_padded(say_word(field_text(path, "verdict")), 8);
	say("  %s%s%s (%s), %s from %s", field_text(path, "target"),
	    *field_text(path, "place") ? tr(" at ") : "", field_text(path, "place"),
	    say_word(field_text(path, "target_kind")), say_word(field_text(path, "method")),
	    field_text(path, "source"));
	if (*distance)
		say(", %.1f km", strtod(distance, NULL) / 1e3);
	if (strcmp(field_text(path, "verdict"), "unlikely") == 0 &&
	    strcmp(field_text(path, "method"), "measured") != 0) {
		print_unlikely(path);
		return;
	}
	(void)putchar('\n');
	print_when(path);
	print_strength(path);
	json_array_foreach (flags, i, flag)
		if (json_is_string(flag))
			say("            how sure:   %s\n", tr(json_string_value(flag)));
}

static void print_advice(const char *verdict, bool is_receptor, bool runs)
{
	for (size_t i = 0; runs && i < ARRAY_SIZE(crossing_advice); i++)
		if (strcmp(crossing_advice[i].verdict, verdict) == 0)
			show_to_do(2, tr(is_receptor ? crossing_advice[i].receptor
						     : crossing_advice[i].advice));
}

const char *show_crossing_verdict(const struct story *story)
{
	const json_t *crossing = json_object_get(json_object_get(story->object, "last_report"),
						 "crossing");
	const json_t *boundary = json_object_get(crossing, "worst_boundary");

	if (boundary)
		return field_text(boundary, "verdict");
	/* reports of before 0.4.0 say no more than the worst of all */
	return json_object_get(crossing, "worst_receptor") || !crossing
		       ? "not assessed"
		       : field_text(crossing, "verdict");
}

void show_crossing(const struct story *story)
{
	const json_t *crossing = json_object_get(json_object_get(story->object, "last_report"),
						 "crossing");
	bool runs = strcmp(field_text(story->object, "state"), "open") == 0;
	const json_t *boundary = json_object_get(crossing, "worst_boundary");
	const json_t *receptor = json_object_get(crossing, "worst_receptor");
	const json_t *path;
	size_t i;

	if (!crossing)
		return;
	say("\nWill it cross: %s\n", say_word(show_crossing_verdict(story)));
	if (json_is_true(json_object_get(crossing, "flow_not_measured")))
		say("  flow not measured: the level may be too low\n");
	if (boundary || !receptor)
		print_advice(show_crossing_verdict(story), false, runs);
	if (receptor) {
		say("Will it reach %s: %s\n", field_text(receptor, "target"),
		    say_word(field_text(receptor, "verdict")));
		print_advice(field_text(receptor, "verdict"), true, runs);
	}
	wrap_begin();
	json_array_foreach (json_object_get(crossing, "paths"), i, path)
		print_path(path);
	wrap_end();
}

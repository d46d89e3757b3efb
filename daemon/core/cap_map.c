/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/cap_parts.h"
#include "core/fields.h"

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

int cap_rank(const char *verdict)
{
	static const char *const words[] = {"none", "unlikely", "possible", "likely", "observed"};

	for (int i = 0; i < (int)ARRAY_SIZE(words); i++)
		if (is(verdict, words[i]))
			return i;
	return 0;
}

bool cap_may_cross(const char *verdict)
{
	return cap_rank(verdict) >= cap_rank("possible");
}

const char *cap_severity(const struct cap *cap)
{
	static const struct {
		const char *level;
		const char *limit;
		const char *emergency;
	} rows[] = {
		{"facility", "Minor", "Moderate"},
		{"commune", "Moderate", "Severe"},
		{"province", "Severe", "Severe"},
		{"national", "Severe", "Extreme"},
	};

	if (cap->ended)
		return "Minor";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (is(cap->level, rows[i].level))
			return is(cap->class, "emergency") ? rows[i].emergency : rows[i].limit;
	return "Unknown";
}

/* when the first of it is expected at what the destination asks for; INT64_MAX: it is not said.
 * However likely: else what is surer could be less urgent. */
static int64_t first_arrival(const struct cap *cap)
{
	const json_t *paths = json_object_get(json_object_get(cap->data, "crossing"), "paths");
	int64_t first_ms = INT64_MAX;
	const json_t *path;
	size_t i;

	json_array_foreach (paths, i, path) {
		static const char *const keys[] = {"leading_edge", "arrival"};

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			int64_t at_ms;

			if (is(field_text(path, "target"), cap->report->target) &&
			    clock_parse(field_text(path, keys[k]), &at_ms) == 0)
				first_ms = MIN(first_ms, at_ms);
		}
	}
	return first_ms;
}

const char *cap_urgency(const struct cap *cap)
{
	int64_t first_ms = cap->own ? first_arrival(cap) : INT64_MAX;

	if (cap->ended)
		return "Past";
	if (is(cap->class, "emergency") || is(cap->verdict, "observed"))
		return "Immediate";
	return first_ms == INT64_MAX || first_ms <= cap->report->sent_ms + 60 * MS_PER_MIN
		       ? "Expected"
		       : "Future";
}

const char *cap_certainty(const struct cap *cap)
{
	static const struct {
		const char *verdict, *certainty;
	} rows[] = {
		{"unlikely", "Unlikely"},
		{"possible", "Possible"},
		{"likely", "Likely"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (is(cap->verdict, rows[i].verdict))
			return rows[i].certainty;
	return "Observed"; /* also where there is none: the release itself was measured */
}

void cap_responses(const struct cap *cap, const char *ret[static 4])
{
	bool emergency = is(cap->class, "emergency");
	size_t n = 0;

	if (cap->report->withdrawn) {
		ret[n++] = "None";
	} else if (cap->ended) {
		ret[n++] = "AllClear";
	} else {
		ret[n++] = emergency ? "Execute" : "Assess";
		ret[n++] = emergency ? "Avoid" : "Monitor";
		if (is(cap->verdict, "possible") || is(cap->verdict, "likely"))
			ret[n++] = "Prepare";
	}
	ret[n] = NULL;
}

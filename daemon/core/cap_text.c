/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/cap_parts.h"
#include "core/fields.h"

#define ELLIPSIS "…"

static void add_bytes(struct cap_text *text, const char *more, size_t n)
{
	size_t room = text->room - 1 - text->n;

	if (text->full)
		return;
	memcpy(text->bytes + text->n, more, MIN(n, room));
	text->n += MIN(n, room);
	if (n > room) {
		/* back to the start of the character behind which the dots have room */
		text->n -= sizeof(ELLIPSIS) - 1;
		while (text->n > 0 && ((unsigned char)text->bytes[text->n] & 0xc0) == 0x80)
			text->n--;
		memcpy(text->bytes + text->n, ELLIPSIS, sizeof(ELLIPSIS) - 1);
		text->n += sizeof(ELLIPSIS) - 1;
		text->full = true;
	}
	text->bytes[text->n] = '\0';
}

void cap_text_add(struct cap_text *text, const char *more)
{
	add_bytes(text, more, strlen(more));
}

static const char *word_of(const struct cap_word *words, const char *name, size_t n)
{
	for (; words->name; words++)
		if (strlen(words->name) == n && memcmp(words->name, name, n) == 0)
			return words->text;
	return NULL;
}

void cap_text_say(struct cap_text *text, enum catalogue_language language, const char *sentence,
		  const struct cap_word *words)
{
	const char *from = catalogue_text(language, sentence);

	while (*from) {
		size_t n = strcspn(from, "{"), name = 0;
		const char *word = NULL;

		add_bytes(text, from, n);
		from += n;
		if (!*from)
			break;
		name = strcspn(from, "}");
		word = word_of(words, from + 1, name - 1);
		if (word)
			cap_text_add(text, word);
		from += name + (from[name] ? 1 : 0);
	}
}

static const struct {
	const char *list;
	const char *word;
	const char *english;
} terms[] = {
	{"event", "liquid", N_("Wastewater incident")},
	{"event", "gas", N_("Emission incident")},
	{"event", "solid", N_("Solid waste incident")},
	{"measured", "liquid", N_("Water pollution measured")},
	{"measured", "gas", N_("Air pollution measured")},
	{"measured", "solid", N_("Soil pollution measured")},
	{"broken", "law", N_("a legal limit is broken")},
	{"broken", "permit", N_("a limit of the permit is broken")},
	{"broken", "", N_("a limit is broken")},
	{"broken", "own", N_("a figure of the plant's own is passed")},
	{"basis", "law", N_("legal limit")},
	{"basis", "permit", N_("limit of the permit")},
	{"basis", "", N_("limit")},
	{"basis", "own", N_("the plant's own figure, which is no legal limit")},
	{"above", "law", N_("the legal limit")},
	{"above", "permit", N_("the limit of the permit")},
	{"above", "", N_("the limit")},
	{"above", "own", N_("the plant's own figure")},
	{"class", "emergency", N_("emergency")},
	{"crossing", "possible", N_("it may cross a boundary")},
	{"crossing", "likely", N_("it is likely to cross a boundary")},
	{"crossing", "observed", N_("it has crossed a boundary, as measured")},
	{"reaching", "possible", N_("it may reach {target}")},
	{"reaching", "likely", N_("it is likely to reach {target}")},
	{"reaching", "observed", N_("it has reached {target}, as measured")},
	{"from", "none", N_("measured in what comes in over {from}")},
	{"from", "unlikely",
	 N_("measured in what comes in over {from}, but a source of "
	    "our own upstream was out of its limits, too")},
	{"from", "possible", N_("it may come from beyond {from}")},
	{"from", "likely", N_("it is likely to come from beyond {from}")},
	{"from", "observed", N_("it comes from beyond {from}, as measured")},
	{"from-abroad", "none", N_("measured in what comes in from abroad ({from})")},
	{"from-abroad", "unlikely",
	 N_("measured in what comes in from abroad ({from}), but a source of our own "
	    "upstream was out of its limits, too")},
	{"from-abroad", "possible", N_("it may come from abroad ({from})")},
	{"from-abroad", "likely", N_("it is likely to come from abroad ({from})")},
	{"from-abroad", "observed", N_("it comes from abroad ({from}), as measured")},
	{"level", "facility", N_("facility level")},
	{"level", "commune", N_("commune level")},
	{"level", "province", N_("provincial level")},
	{"level", "national", N_("national level")},
	{"verdict", "none", N_("not assessed")},
	{"verdict", "unlikely", N_("unlikely")},
	{"verdict", "possible", N_("possible")},
	{"verdict", "likely", N_("likely")},
	{"verdict", "observed", N_("measured there")},
	{"notice", "early-warning", N_("Early warning")},
	{"notice", "information", N_("Information")},
	{"notice", "end-of-alert", N_("End of alert")},
	{"nature", "sudden", N_("sudden")},
	{"nature", "frequent", N_("frequent")},
	{"nature", "continuous", N_("continuous")},
	{"target", "national", N_("national border")},
	{"target", "province", N_("province's boundary")},
	{"target", "commune", N_("commune's boundary")},
	{"target", "receptor", N_("receptor")},
	{"target", "neighbour", N_("neighbouring country")},
	{"method", "river", N_("along the river")},
	{"method", "plume", N_("with the wind")},
	{"method", "leachate", N_("leachate into the river")},
	{"method", "slide", N_("reach of a slide")},
	{"method", "distance", N_("by distance")},
	{"method", "inbound", N_("from beyond the border")},
	{"method", "measured", N_("as measured")},
};

/** english_of() - NULL: it is in no list */
static const char *english_of(const char *list, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(terms); i++)
		if (strcmp(terms[i].list, list) == 0 && strcmp(terms[i].word, word) == 0)
			return terms[i].english;
	return NULL;
}

const char *cap_term(enum catalogue_language language, const char *list, const char *word)
{
	const char *english = english_of(list, word);

	return english ? catalogue_text(language, english) : word;
}

void cap_term_say(struct cap_text *text, enum catalogue_language language, const char *list,
		  const char *word, const struct cap_word *words)
{
	const char *english = english_of(list, word);

	if (english)
		cap_text_say(text, language, english, words);
}

void cap_clock(const char *time, char text[static CAP_TIME_MAX])
{
	int64_t wall_ms;

	*text = '\0';
	if (clock_parse(time, &wall_ms) == 0 && strlen(time) == 29)
		(void)snprintf(text, CAP_TIME_MAX, "%.10s %.5s (UTC%.6s)", time, time + 11,
			       time + 23);
}

void cap_place(const struct cap *cap, struct cap_text *text)
{
	static const char *const keys[] = {"cluster", "commune", "province"};

	cap_text_add(text, field_text(cap->site, "title"));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (*field_text(cap->site, keys[i])) {
			cap_text_add(text, ", ");
			cap_text_add(text, field_text(cap->site, keys[i]));
		}
	}
}

bool cap_began(const struct cap *cap, int64_t *ret)
{
	const json_t *alarms = json_object_get(cap->data, "alarms"), *alarm;
	int64_t since_ms;
	size_t i;

	*ret = INT64_MAX;
	if (clock_parse(field_text(cap->incident, "opened"), &since_ms) == 0)
		*ret = since_ms;
	json_array_foreach (alarms, i, alarm)
		if (strcmp(field_text(alarm, "class"), "warning") != 0 &&
		    clock_parse(field_text(alarm, "since"), &since_ms) == 0)
			*ret = MIN(*ret, since_ms);
	return *ret != INT64_MAX;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* limits with a number of the file's own, such as a permit's, beside what the law says */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_law.h"
#include "core/config_limit.h"
#include "core/config_value.h"

/** is_held_elsewhere() - is there a channel at the oxygen that the standard wants? */
static bool is_held_elsewhere(const struct config_reader *reader, const struct law *law)
{
	const struct config *config = reader->config;

	for (size_t c = reader->first_channel; c < config->n_channels; c++)
		if (law_is_about(reader, law, &config->channels[c]) &&
		    law_is_corrected(&config->channels[c], law->standard->reference))
			return true;
	return false;
}

/** count_rows() - a parameter with means of two lengths has two rows; @ret_same: on this window */
static size_t count_rows(const struct config_reader *reader, const struct law *law,
			 const struct config_channel *channel, enum limit_on on, size_t *ret_same)
{
	const struct catalogue *catalogue = law_catalogue(reader, law->index);
	size_t n = 0;

	*ret_same = 0;

	for (size_t i = 0; i < catalogue->n_parameters; i++) {
		struct law other;

		if (!law_figure_in(reader, law->index, &catalogue->parameters[i], &other) ||
		    !law_is_about(reader, &other, channel))
			continue;
		n++;
		*ret_same += law_has_window(&other) && law_on(&other) == on;
	}
	return n;
}

enum law_relation law_relation(const struct config_reader *reader, const struct config_limit *limit,
			       const struct law *law)
{
	const struct config_channel *channel = &reader->config->channels[limit->channel];
	size_t n, same;

	if (limit->class != CLASS_LIMIT || limit->high != law->high ||
	    (limit->parameter && *limit->parameter) || !law_has_side(law) ||
	    !law_is_about(reader, law, channel))
		return LAW_NONE;
	if (!law_is_corrected(channel, law->standard->reference) && is_held_elsewhere(reader, law))
		return LAW_ELSEWHERE;
	if (limit->basis == BASIS_OWN)
		return LAW_BESIDE;
	if (!law_has_window(law) || law_on(law) == limit->on)
		return LAW_REPLACED;
	n = count_rows(reader, law, channel, limit->on, &same);
	if (same > 0) /* that row is what it is about */
		return LAW_NONE;
	return limit->replaces && n == 1 ? LAW_REPLACED : LAW_BESIDE;
}

/* in words */

/** struct own - what is said of a limit with an own number, law by law */
struct own {
	const struct config_mapping *mapping;
	struct config_limit *limit;
	const struct config_channel *channel;
	char replaced[LAW_TEXT_MAX];
	char beside[LAW_TEXT_MAX];
	char doubt[LAW_TEXT_MAX];
	size_t standard; /* the first that is replaced */
};

static void add_text(char text[static LAW_TEXT_MAX], const char *more)
{
	config_append_text(text, LAW_TEXT_MAX, "%s%s", *text ? "; " : "", more);
}

/** is_at_its_window() - or does the law name none? */
static bool is_at_its_window(const struct own *own, const struct law *law)
{
	return !law_has_window(law) || law_on(law) == own->limit->on;
}

/** compare() - how the own number stands to the law's; NULL: they cannot be compared */
static const char *compare(const struct own *own, const struct law *law, double bound)
{
	if (!law_is_corrected(own->channel, law->standard->reference))
		return NULL;
	if (fabs(bound - own->limit->bound) <= LAW_SAME * fabs(bound))
		return "the same";
	return (own->limit->bound < bound) == law->high ? "stricter" : "laxer";
}

/** say_law() - "QCVN 40:2011/BTNMT column B, COD: 148.5 mg/l, mean of 24 h"
 * @window: say it even where it is that of the own number
 * @ret_how: compare() */
static void say_law(const struct own *own, const struct law *law, bool window, const char **ret_how,
		    char text[static LAW_TEXT_MAX])
{
	double bound;

	text[0] = '\0';
	*ret_how = NULL;
	config_append_text(text, LAW_TEXT_MAX, "%s, %s", law->standard->title,
			   law->parameter->title);
	if (law_bound(own->mapping, NULL, law, own->channel, &bound)) {
		config_append_text(text, LAW_TEXT_MAX, ": %s%.7g%s%s", law->high ? "" : "at least ",
				   bound, *own->channel->measure ? " " : "", own->channel->measure);
		*ret_how = compare(own, law, bound);
	}
	if (!isnan(law->standard->reference))
		config_append_text(text, LAW_TEXT_MAX, " at %.12g %% O2", law->standard->reference);
	if (law_has_window(law) && (window || !is_at_its_window(own, law)))
		config_append_text(text, LAW_TEXT_MAX, ", %s", law_on_words(law_on(law)));
}

static void doubt(struct own *own, const struct law *law, enum law_relation relation)
{
	bool all = law->applied->all;
	const char *how, *says;
	char text[LAW_TEXT_MAX], more[LAW_TEXT_MAX] = "";

	say_law(own, law, true, &how, text);
	if (relation == LAW_REPLACED && is_at_its_window(own, law) && how &&
	    strcmp(how, "laxer") != 0)
		return;
	if (relation == LAW_REPLACED)
		says = is_at_its_window(own, law) ? "takes the place of"
						  : "takes, on another window, the place of";
	else if (all)
		says = "stands beside, and not in place of,";
	else
		says = "does not take the place of";
	config_append_text(more, LAW_TEXT_MAX, "%s %s%s", says, text,
			   !how				  ? ", with which it cannot be compared"
			   : strcmp(how, "laxer") == 0	  ? ", and is laxer"
			   : strcmp(how, "stricter") == 0 ? ", and is stricter"
							  : ", the same number");
	if (relation == LAW_BESIDE)
		config_append_text(more, LAW_TEXT_MAX,
				   ": %s; where the permit puts it in the "
				   "law's place: replaces-law: yes",
				   all ? "both count"
				       : "the law's counts where a limit names its parameter "
					 "only");
	add_text(own->doubt, more);
}

static void add_law(struct own *own, const struct law *law, enum law_relation relation)
{
	const char *how;
	char text[LAW_TEXT_MAX], more[LAW_TEXT_MAX] = "";

	say_law(own, law, false, &how, text);
	config_append_text(more, LAW_TEXT_MAX, "%s%s%s%s", text, how ? " (" : "",
			   !how				  ? ""
			   : strcmp(how, "the same") == 0 ? "the same"
			   : strcmp(how, "laxer") == 0	  ? "the own number is laxer"
							  : "the own number is stricter",
			   how ? ")" : "");
	if (relation != LAW_REPLACED) {
		add_text(own->beside, more);
	} else {
		add_text(own->replaced, more);
		if (own->standard == CONFIG_NO_STANDARD)
			own->standard = law->index;
	}
	if (relation != LAW_ELSEWHERE && own->limit->basis != BASIS_OWN)
		doubt(own, law, relation);
}

/** look() - through all of the source's standards. Return: were all of them readable? */
static bool look(struct own *own)
{
	const struct config_reader *reader = own->mapping->reader;
	bool good = true;

	for (size_t s = reader->first_standard; s < reader->config->n_standards; s++) {
		const struct catalogue *catalogue;
		struct law law;

		good &= !reader->applied[s].bad;
		if (reader->applied[s].bad)
			continue;
		catalogue = law_catalogue(reader, s);
		for (size_t i = 0; i < catalogue->n_parameters; i++) {
			enum law_relation relation;

			if (!law_figure_in(reader, s, &catalogue->parameters[i], &law))
				continue;
			law.high = own->limit->high;
			relation = law_relation(reader, own->limit, &law);
			if (relation != LAW_NONE)
				add_law(own, &law, relation);
		}
	}
	return good;
}

/** take_words() - into the limit. Return: as law_write_words(). */
static int take_words(struct own *own)
{
	struct config_limit *limit = own->limit;
	char before[LAW_TEXT_MAX] = "", doubt[LAW_TEXT_MAX] = "";

	if (*own->doubt)
		config_append_text(doubt, LAW_TEXT_MAX, "%s%.7g%s%s, %s (%s), %s",
				   limit->high ? "" : "at least ", limit->bound,
				   *own->channel->measure ? " " : "", own->channel->measure,
				   law_on_words(limit->on), limit->origin ? limit->origin : "",
				   own->doubt);
	limit->overrides = strdup(own->replaced);
	limit->beside = strdup(own->beside);
	limit->doubt = strdup(doubt);
	if (!limit->overrides || !limit->beside || !limit->doubt)
		return -ENOMEM;
	if (!*own->replaced)
		return 0;
	limit->standard = own->standard;
	config_append_text(before, LAW_TEXT_MAX, "goes before %s", own->replaced);
	return law_set_origin(own->mapping, limit, limit->origin ? limit->origin : "", before);
}

int config_law_override(const struct config_mapping *mapping, struct config_limit *limit,
			size_t channel)
{
	struct own own = {
		.mapping = mapping,
		.limit = limit,
		.channel = &mapping->reader->config->channels[channel],
		.standard = CONFIG_NO_STANDARD,
	};
	bool good;
	int r;

	limit->channel = channel;
	good = look(&own);
	if (limit->replaces && limit->basis == BASIS_OWN)
		config_error(mapping, "replaces-law",
			     "with basis: own the number is the plant's, which takes no law's "
			     "place; allowed: with basis permit or law");
	else if (good && limit->replaces && !*own.replaced)
		config_error(mapping, "replaces-law",
			     "no standard of this source has one figure that this limit could take "
			     "the place of; allowed: with class limit, on a channel and a side "
			     "that a standard limits by a single mean");
	r = take_words(&own);
	return r < 0 ? r : 0;
}

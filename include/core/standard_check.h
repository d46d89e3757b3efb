/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standard_check.h - is what the limits follow from in force, and was it verified?
 *
 * Knows no clock: the day is an argument, a date as in standard.h.
 */
#pragma once

#include <stdio.h>

#include "core/catalogue.h"
#include "core/config.h"

enum standard_state {
	STANDARD_NOT_YET,
	STANDARD_IN_FORCE,
	STANDARD_ENDS, /* within a year */
	STANDARD_ENDED
};

/** standard_state_text() - "not-yet", "in-force", "ends", "ended" */
const char *standard_state_text(enum standard_state state);

/**
 * standard_end() - last day on which a source may go by its standard, 0 none known
 * @ret_mark: how sure that is
 *
 * The transition counts where the configuration says that the plant is old enough.
 */
unsigned int standard_end(const struct config_standard *standard, enum certainty *ret_mark);

/** standard_state_at() - on a day */
enum standard_state standard_state_at(const struct config_standard *standard, unsigned int day);

/**
 * standard_check() - warnings, one line each, as config_load() writes them
 *
 * In @language, but for the words of the configuration and of the catalogues, and what config.h
 * made of them. Once per standard of a source: that it is not yet, soon no more or no more in
 * force; which of the figures that limits follow from were not read in the law, unless they were
 * confirmed; and that it has no figures where the source has no limit of its own. And once per
 * limit with a number of its own, such as a permit's, that is laxer than the law's or stands on
 * another window.
 */
void standard_check(const struct config *config, unsigned int today,
		    enum catalogue_language language, FILE *out);

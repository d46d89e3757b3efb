/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_law.h - how the files that make limits of a standard's figures work together; for them
 * only
 */
#pragma once

#include "core/config_standard.h"

#define LAW_TEXT_MAX 1001 /* bytes of an origin, with its NUL */
#define LAW_SAME     1e-9 /* numbers are the same up to this share */

/** struct law - a figure of a standard, on its way to a channel's limit */
struct law {
	const struct config_standard *standard;
	const struct config_applied *applied;
	const struct catalogue_parameter *parameter;
	const struct catalogue_value *value;
	size_t index; /* of @standard */
	bool high;
};

/** law_catalogue() - of one of the configuration's standards that is not bad */
const struct catalogue *law_catalogue(const struct config_reader *reader, size_t standard);

/**
 * law_figure_in() - what a standard says of a parameter, in its column and for its plants
 * @ret: without a side; untouched where there is nothing
 * Return: does it say anything?
 */
bool law_figure_in(const struct config_reader *reader, size_t standard,
		   const struct catalogue_parameter *parameter, struct law *ret);

/** law_is_corrected() - is the channel at the oxygen that a standard wants, NAN as measured? */
bool law_is_corrected(const struct config_channel *channel, double reference);

/** law_is_about() - is a channel the parameter, or made of the parameter's channel? */
bool law_is_about(const struct config_reader *reader, const struct law *law,
		  const struct config_channel *channel);

/** law_has_window() - does the standard, or who applies it, name what is held against it?
 * law_on() - what it is, if so */
static inline bool law_has_window(const struct law *law)
{
	return law->applied->on_given || law->parameter->windowed;
}

static inline enum limit_on law_on(const struct law *law)
{
	return law->applied->on_given ? law->applied->on : law->parameter->on;
}

/** law_on_words() - "mean of 24 h" */
const char *law_on_words(enum limit_on on);

/** enum law_relation - what a limit with an own number is to a figure of a standard */
enum law_relation {
	LAW_NONE,      /* nothing: another class, side or quantity */
	LAW_REPLACED,  /* it takes its place */
	LAW_BESIDE,    /* it is on another window, so both count */
	LAW_ELSEWHERE, /* another channel has the oxygen that the standard wants */
};

/**
 * law_relation() - does a limit with an own number take the place of the standard's?
 *
 * Where it stands on the standard's window, or the standard names none. A permit's bound of the
 * hour does not abolish the law's of the day, nor the other way round, unless the permit says so:
 * limit->replaces, which is of no use where the parameter has means of two lengths. The plant's
 * own figure never takes the law's place.
 */
enum law_relation law_relation(const struct config_reader *reader, const struct config_limit *limit,
			       const struct law *law);

/** law_figure() - of its side, NAN none; law_has_side() - is there one? */
double law_figure(const struct law *law);
bool law_has_side(const struct law *law);

/** law_cmax() - @figure × the factors that multiply it, in the standard's unit */
double law_cmax(const struct law *law, double figure);

/** law_bound() - in the channel's unit. Return: is it known? Else reported at @key, if not NULL. */
bool law_bound(const struct config_mapping *mapping, const char *key, const struct law *law,
	       const struct config_channel *channel, double *ret);

/** law_take_marks() - how sure all is that the bound and its window follow from */
void law_take_marks(const struct law *law, struct config_limit *limit);

/**
 * law_write_words() - arithmetic and origin of a limit whose bound and window are there
 * @percent: the limit is that share of it
 * Return: 0; 1 too long, which was reported; -ENOMEM.
 */
int law_write_words(const struct config_mapping *mapping, const struct law *law,
		    struct config_limit *limit, const struct config_channel *channel,
		    unsigned int percent);

/** law_set_origin() - of two parts, each of which may be "". Return: as law_write_words(). */
int law_set_origin(const struct config_mapping *mapping, struct config_limit *limit,
		   const char *first, const char *second);

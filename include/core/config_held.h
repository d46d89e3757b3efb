/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_held.h - limits, and the legal standards that sources are held to; part of config.h
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/alarm_rules.h"
#include "core/standard.h"

enum limit_class { CLASS_WARNING, CLASS_LIMIT, CLASS_EMERGENCY };

/** limit_class_text() - "warning", "limit", "emergency" */
const char *limit_class_text(enum limit_class class);

/** enum limit_on - what the limit is held against: a value, or a window's mean */
enum limit_on {
	LIMIT_ON_VALUE,
	LIMIT_ON_MEAN_1MIN,
	LIMIT_ON_MEAN_5MIN,
	LIMIT_ON_MEAN_1H,
	LIMIT_ON_MEAN_24H,
};

/**
 * struct config_factor - a coefficient that a standard's values are multiplied by
 * @used: the standard's formula has it
 * @given: in the configuration, then nothing about it is to be verified: CERTAINTY_LAW; else
 *   derived from the standard's table, with its @mark
 * @how: "river flow 35 m3/s, up to 50 m3/s"; "" given
 */
struct config_factor {
	bool used;
	bool given;
	double value;
	enum certainty mark;
	char *how;
};

#define CONFIG_NO_STANDARD SIZE_MAX

/**
 * struct config_standard - a legal standard that a source is held to
 * @name: its catalogue's, "qcvn-40-2011"
 * @title: as the law calls it, with column and case: "QCVN 40:2011/BTNMT column B"
 * @full_name, @document: what it is about, and by what it was issued
 * @replaced_by, @incomplete: what comes after it, what the catalogue lacks; "" none
 * @confirmed: by what the figures were confirmed, "" not
 * @empty: the catalogue has no figures for this column
 * @since, @until: first and last day in force, dates as in standard.h, 0 not known
 * @before, @transition: a plant from before that day may keep it until then
 * @operating_since: of this plant, 0 not said
 * @reference: oxygen that concentrations are held at, per cent by volume; NAN none
 * @formula_mark: how sure the formula is, where a factor is used
 * @line, @column: where it stands in its site's file
 */
struct config_standard {
	size_t source;
	char *name;
	char *title;
	char *full_name;
	char *document;
	char *replaced_by;
	char *incomplete;
	char *confirmed;
	bool empty;
	unsigned int since;
	unsigned int until;
	unsigned int before;
	unsigned int transition;
	unsigned int operating_since;
	enum certainty since_mark;
	enum certainty until_mark;
	enum certainty transition_mark;
	double reference;
	struct config_factor factors[N_FACTORS];
	enum certainty formula_mark;
	unsigned int line;
	unsigned int column;
};

/**
 * enum limit_basis - whose number a limit is: who is told of it must not take the plant's own
 * figure for the law's
 */
enum limit_basis {
	BASIS_UNSAID, /* a number of the file that does not say it */
	BASIS_LAW,
	BASIS_PERMIT,
	BASIS_OWN, /* the plant's: a share of the law's, the law's on another window, a target */
};

/**
 * struct config_limit - what a channel's value or mean may not exceed or fall below
 * @path: "SITE/SOURCE/CHANNEL/LIMIT", unique
 * @name: default: class and side, "limit-high"
 * @high: true: broken above @bound; false: broken below
 * @deadband: a high limit clears at or below @bound - @deadband, a low one mirrored
 * @origin: where the number comes from, in words a lawyer can look up
 * @basis: whose number it is
 * @advice: what the operator should do, "" none
 * @standard: index of the source's standard that it follows, or goes before; else
 *   CONFIG_NO_STANDARD
 * @parameter: of @standard that it follows, "" the number is the file's own
 * @arithmetic: how @bound comes of the standard's figure, "" own number
 * @overrides: of an own number: what of the law it goes before, "" nothing
 * @beside: of an own number: what of the law counts beside it, "" nothing
 * @doubt: of an own number: what somebody should look at: laxer than the law's or on another
 *   window, with both numbers; "" nothing
 * @replaces: of an own number: it goes before the law's whatever the windows
 * @line, @column: where it stands in the site's file
 * @value_mark: how sure the standard's figure is; @window_mark: its window, if @from_window
 * @multiplied: by the standard's factors
 * @certainty: the worst of all that @bound and window follow from
 */
struct config_limit {
	char *name;
	char *path;
	size_t channel;
	enum limit_class class;
	enum limit_on on;
	bool high;
	double bound;
	double deadband;
	uint32_t raise_delay_ms;
	uint32_t clear_delay_ms;
	char *origin;
	enum limit_basis basis;
	char *advice;
	struct alarm_rules alarm;
	size_t standard;
	char *parameter;
	char *arithmetic;
	char *overrides;
	char *beside;
	char *doubt;
	bool replaces;
	unsigned int line;
	unsigned int column;
	bool multiplied;
	bool from_window;
	enum certainty value_mark;
	enum certainty window_mark;
	enum certainty certainty;
};

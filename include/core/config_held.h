/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_held.h - the legal standards that sources are held to, part of config.h
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/standard.h"

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

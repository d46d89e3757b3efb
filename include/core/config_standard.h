/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_standard.h - the standards that a source is held to, while its limits are read
 */
#pragma once

#include "core/config_catalogue.h"

/**
 * struct config_applied - what is known of a standard of the configuration during the walk
 * @bad: errors about it have been reported; say no more
 * @all: limits of all channels that it knows
 * @on_given: @on counts instead of the standard's window
 * @advice: of limits that are in no file, "" none
 * @catalogue, @column, @which: indices; @which CATALOGUE_NONE none of the cases
 */
struct config_applied {
	bool bad;
	bool all;
	bool on_given;
	enum limit_on on;
	char *advice;
	size_t catalogue;
	size_t column;
	size_t which;
};

/** config_standards_free() - forget them at the end of a walk */
void config_standards_free(struct config_reader *reader);

/**
 * config_factors_resolve() - given coefficients, or derived from the catalogue's tables
 *
 * What is missing, given twice or of no use is reported.
 * Return: 0; -ENOMEM.
 */
int config_factors_resolve(const struct config_mapping *mapping, struct standard_draft *draft,
			   const struct catalogue *catalogue);

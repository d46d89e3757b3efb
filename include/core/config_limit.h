/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_limit.h - how a limit whose number is the file's own, and one whose number is a
 * standard's, become limits of the configuration; for these files only
 */
#pragma once

#include "core/config_schema.h"

/**
 * config_law_limit() - a limit without a number of its own: bound, window and origin of the
 *   parameter that it names, or that its channel is called
 * @channel: index; n_channels: not known, which was reported
 * @ret_other: the parameter has a lower bound too, see config_law_other_side()
 * Return: 0; 1 it cannot be known, which was reported; -ENOMEM.
 */
int config_law_limit(const struct config_mapping *mapping, struct limit_draft *draft,
		     size_t channel, bool *ret_other);

/** config_law_other_side() - the same mapping once more, for the low bound. Return: 0; -ENOMEM. */
int config_law_other_side(const struct config_mapping *mapping);

/**
 * config_law_override() - does an own number go before one of the source's standards? If so the
 * origin says it
 * Return: 0; -ENOMEM.
 */
int config_law_override(const struct config_mapping *mapping, struct config_limit *limit,
			size_t channel);

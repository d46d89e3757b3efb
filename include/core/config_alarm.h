/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_alarm.h - what a limit says about its alarm: how often, how long, and when not
 *
 * For the finish() function of limits only. Reports what is wrong itself.
 */
#pragma once

#include "core/config_schema.h"

/**
 * config_check_alarm() - count, within, latch, re-alarm, enabled-by, suppressed-by
 * @draft: its limit's channel index is set; of a channel that is not there, n_channels
 */
void config_check_alarm(const struct config_mapping *mapping, struct limit_draft *draft);

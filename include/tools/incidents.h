/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incidents.h - an incident's row as JSON, for the commands that show one or all
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/history.h"

/**
 * incidents_object() - as `wastewatch incidents --json` gives it
 * @zone_min: of the record, minutes ahead of UTC
 * Return: owned by the caller.
 */
json_t *incidents_object(const struct history_incident *incident, int zone_min);

/** incidents_is_low() - is its level perhaps too low, as nobody measured how much flows? */
bool incidents_is_low(const struct history_incident *incident);

/** incidents_time() - a moment as it stands in reports. Return: owned by the caller. */
json_t *incidents_time(int64_t wall_ms, int zone_min);

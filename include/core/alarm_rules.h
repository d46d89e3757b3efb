/* SPDX-License-Identifier: Apache-2.0 */
/* alarm_rules.h - what the configuration says about the alarm of a limit */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARM_COUNT_MAX 10 /* breakings of a limit that are counted */

/**
 * struct alarm_rules
 * @count, @within_ms: raised only when broken so many times within that time; 1: at once
 * @re_alarm_ms: an acknowledged alarm that stands for so long needs somebody again; 0 never
 * @shelve_max_ms: longest time that somebody may shelve it for
 * @latch: an alarm that is in order again stays until it is reset
 * @conditional, @enabled_above, @enabled_by, @enabled_bound: it is suppressed unless the value of
 *   the channel @enabled_by, of the same source, is above (@enabled_above) or else below the bound
 * @suppressible: it is suppressed while the alarm of @suppressed_by, another limit, stands. There
 *   are no circles: a parent stands in the files before its children.
 */
struct alarm_rules {
	uint32_t count;
	uint32_t within_ms;
	uint32_t re_alarm_ms;
	uint32_t shelve_max_ms;
	bool latch;
	bool conditional;
	bool enabled_above;
	bool suppressible;
	size_t enabled_by;
	double enabled_bound;
	size_t suppressed_by;
};

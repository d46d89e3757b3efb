/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report_parts.h"

void report_part_released(const struct core *core, const struct core_incident *incident,
			  json_t *data)
{
	(void)core;
	(void)incident;
	(void)data;
}

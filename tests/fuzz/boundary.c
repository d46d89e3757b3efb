/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GeoJSON from anywhere: it is refused with a message, or is lines from which every distance is a
 * number.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/boundary_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	const struct boundary_point place = {21.85, 106.76};
	struct boundary *boundary = NULL;
	struct boundary_hit hit;
	char error[BOUNDARY_ERROR_MAX] = "";

	if (boundary_file_parse(&boundary, (const char *)data, n, "fuzz", error) < 0) {
		assert(!boundary && error[0] != 0 && strlen(error) < sizeof(error));
		return 0;
	}
	assert(boundary_nearest(boundary, place, &hit) == 0);
	assert(isfinite(hit.distance_m) && isfinite(hit.bearing_deg));
	assert(boundary_point_is_valid(hit.point));
	if (boundary_ray(boundary, place, 45, &hit) == 0)
		assert(isfinite(hit.distance_m) && boundary_point_is_valid(hit.point));
	boundary = boundary_free(boundary);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/assess.h"
#include "core/solid.h"

int assess_slide(const struct config_release *release, const struct config_target *target,
		 struct crossing_path *path)
{
	double ratio = isnan(release->travel_ratio) ? solid_travel_ratio(release->volume_m3)
						    : release->travel_ratio;
	double reach_m, margin_m;
	int r = isnan(release->drop_m) ? -EDOM : solid_reach_m(release->drop_m, ratio, &reach_m);

	if (r == 0)
		r = assess_nearest(release->place, target, path);
	if (r < 0)
		return r;
	path->inputs[0] = release->drop_m;
	path->inputs[1] = release->volume_m3;
	path->inputs[2] = ratio;
	path->inputs[3] = reach_m;
	path->inputs[4] = ASSESS_SLIDE_HIGH * reach_m;
	path->verdict = VERDICT_UNLIKELY;
	if (solid_reaches(ASSESS_SLIDE_HIGH * reach_m, path->distance_m, &margin_m))
		path->verdict = VERDICT_POSSIBLE;
	if (solid_reaches(reach_m, path->distance_m, &margin_m))
		path->verdict = VERDICT_LIKELY;
	path->arrival_ms = path->release_ms; /* slides last minutes */
	return 0;
}

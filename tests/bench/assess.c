/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU for an assessment of 40 sources, each with six stabilities along every border given, by the
 * code that assesses an incident:
 *
 *     assess FILE...      prints milliseconds, targets judged, the worst upper bound
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/assess.h"
#include "core/boundary_file.h"

#define SOURCES	       40
#define REACH_M	       100000.0
#define BOUNDARIES_MAX 16

/* nothing is known of the air but the wind: all six stabilities at each point of the sector */
static struct plume_case source(int k)
{
	return (struct plume_case){
		.place = {21.3 + 0.02 * k, 106.3 + 0.015 * k},
		.rate_g_s = 100,
		.stack = {50, 2, 15, 420, 298.15},
		.has_stack = true,
		.wind_m_s = 3,
		.wind_from_deg = fmod(9.0 * k + 180, 360),
		.direction_sure = true,
		.lasted_s = 86400,
		.reach_m = REACH_M,
	};
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct config_target targets[BOUNDARIES_MAX] = {0};
	char error[BOUNDARY_ERROR_MAX];
	size_t n_reached = 0;
	double began, worst = 0;

	for (int i = 1; i < argc && i <= BOUNDARIES_MAX; i++)
		if (boundary_file_read(&targets[i - 1].line, argv[i], error) < 0) {
			(void)fprintf(stderr, "%s: %s\n", argv[i], error);
			return EXIT_FAILURE;
		}
	began = now_ms();
	for (int k = 0; k < SOURCES; k++) {
		struct plume_case c = source(k);

		for (int i = 0; i < BOUNDARIES_MAX && targets[i].line; i++) {
			struct crossing_path path = {0};

			if (assess_by_air(&c, &targets[i], &path) < 0)
				return EXIT_FAILURE;
			n_reached += !(path.flags & FLAG_NOT_DOWNWIND);
			worst = fmax(worst, path.high);
		}
	}
	(void)printf("%.3f ms, %zu targets, worst %.3f\n", now_ms() - began, n_reached, worst);
	for (int i = 0; i < BOUNDARIES_MAX; i++)
		targets[i].line = boundary_free(targets[i].line);
	return EXIT_SUCCESS;
}

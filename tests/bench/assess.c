/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU for an assessment of 40 sources, each with six stabilities along every border given:
 *
 *     assess FILE...      prints milliseconds, points judged
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/boundary_file.h"
#include "core/plume.h"

#define SOURCES	       40
#define HALF_ANGLE_DEG 22.5
#define REACH_M	       100000.0
#define STEP_M	       1000.0
#define BOUNDARIES_MAX 16

static const struct plume_stack stack = {50, 2, 15, 420, 298.15};
static const struct plume_release release = {100, 50, &stack};

struct result {
	size_t n;
	double worst_ug_m3;
};

static void judge(void *userdata, const struct boundary_hit *hit)
{
	const struct plume_receptor receptor = {.x_m = hit->distance_m};
	struct plume_answer answers[PLUME_STABILITIES];
	struct result *result = userdata;
	int worst = plume_worst(&release, 3, &receptor, answers);

	if (worst >= 0 && answers[worst].concentration_ug_m3 > result->worst_ug_m3)
		result->worst_ug_m3 = answers[worst].concentration_ug_m3;
	result->n++;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct boundary *boundaries[BOUNDARIES_MAX] = {NULL};
	struct result result = {0, 0};
	char error[BOUNDARY_ERROR_MAX];
	double began;

	for (int i = 1; i < argc && i <= BOUNDARIES_MAX; i++)
		if (boundary_file_read(&boundaries[i - 1], argv[i], error) < 0) {
			(void)fprintf(stderr, "%s: %s\n", argv[i], error);
			return EXIT_FAILURE;
		}
	began = now_ms();
	for (int k = 0; k < SOURCES; k++) {
		const struct boundary_point place = {21.3 + 0.02 * k, 106.3 + 0.015 * k};
		const struct boundary_sector sector = {9.0 * k, HALF_ANGLE_DEG, REACH_M};

		for (int i = 0; i < BOUNDARIES_MAX && boundaries[i]; i++)
			(void)boundary_walk(boundaries[i], place, &sector, STEP_M, judge, &result,
					    NULL);
	}
	(void)printf("%.3f ms, %zu points, worst %.3f\n", now_ms() - began, result.n,
		     result.worst_ug_m3);
	for (int i = 0; i < BOUNDARIES_MAX; i++)
		boundaries[i] = boundary_free(boundaries[i]);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "core/plume.h"
#include "tools/assess.h"
#include "tools/command.h"

#define CLASSES "ABCDEF"

static const struct assess_method method = {
	.name = "plume",
	.intro = N_(
		"The concentration downwind of a steady release: a Gaussian plume over open "
		"country.\n"
		"The wind is that at the height of the release; with --wind-height-m it is "
		"brought\n"
		"there from that height by the power law. Instead of --height-m, the effective\n"
		"height, the five numbers of a stack, whose rise is then computed."),
	.sources =
		"  sigma   Briggs 1973, NOAA ATDL-106, rural\n"
		"  rise    Briggs, as in EPA 1995, ISC3 User's Guide vol. 2, EPA-454/B-95-003b, "
		"1.1.4\n"
		"  plume   Q/(2 pi u sy sz) exp(-y2/2sy2) [exp(-(z-H)2/2sz2) + exp(-(z+H)2/2sz2)], "
		"ISC3 1.1.1\n"
		"  wind    u (z/z0)^p, p of Irwin 1979, rural",
};

struct input {
	double rate_g_s, wind_m_s, wind_height_m, height_m, distance_m, offset_m, receptor_m;
	double sigma_y_m, sigma_z_m;
	struct plume_stack stack;
	const char *stability;
	bool json;
};

struct answer {
	struct plume_answer at;
	struct plume_rise rise;
	double wind_m_s;
	bool is_calm;
};

static int stability_of(const char *text, enum plume_stability *ret)
{
	const char *found = *text && !text[1] ? strchr(CLASSES, text[0] & ~0x20) : NULL;

	if (!found)
		return -1;
	*ret = (enum plume_stability)(found - CLASSES);
	return 0;
}

static int count_stack(const struct plume_stack *stack)
{
	return assess_given(stack->height_m) + assess_given(stack->diameter_m) +
	       assess_given(stack->exit_velocity_m_s) + assess_given(stack->exit_temperature_k) +
	       assess_given(stack->air_temperature_k);
}

/* then neither the stability nor the distance matters, unless something rises */
static bool has_sigmas(const struct input *in)
{
	return assess_given(in->sigma_y_m) && assess_given(in->sigma_z_m);
}

static bool has_stack(const struct input *in)
{
	return count_stack(&in->stack) > 0;
}

/* Return: as assess_parse() */
static int check(const struct input *in, bool *ret_all, enum plume_stability *ret_stability)
{
	int n_stack = count_stack(&in->stack);

	if (!assess_given(in->rate_g_s) || !assess_given(in->wind_m_s))
		return assess_wrong(&method, "--rate-g-s and --wind-m-s are needed");
	if (!has_sigmas(in) && (!assess_given(in->distance_m) || !in->stability))
		return assess_wrong(&method, "--distance-m and --stability are needed, or both "
					     "--sigma-y-m and --sigma-z-m");
	if ((n_stack > 0 || assess_given(in->wind_height_m)) &&
	    (!assess_given(in->distance_m) || !in->stability))
		return assess_wrong(&method, "the rise of a stack and the wind at another height "
					     "need --distance-m and --stability");
	if (n_stack != 0 && n_stack != 5)
		return assess_wrong(&method,
				    "a stack has all five: --stack-height-m, --stack-diameter-m, "
				    "--exit-velocity-m-s, --exit-temperature-k, "
				    "--air-temperature-k");
	if ((n_stack == 5) == assess_given(in->height_m))
		return assess_wrong(&method, "either --height-m, the effective height, or the five "
					     "numbers of a stack are needed, not both");
	*ret_all = in->stability && strcmp(in->stability, "all") == 0;
	if (in->stability && !*ret_all && stability_of(in->stability, ret_stability) < 0)
		return assess_wrong(&method,
				    "--stability: \"%s\" is not allowed; allowed: A, B, C, "
				    "D, E, F, all",
				    in->stability);
	return -1;
}

/* the wind at the release: brought there, and never below what the model is made for */
static double wind_of(const struct input *in, enum plume_stability stability, bool *ret_is_calm)
{
	double height_m = has_stack(in) ? in->stack.height_m : in->height_m;
	double at10_m_s;

	if (!assess_given(in->wind_height_m)) {
		*ret_is_calm = in->wind_m_s < PLUME_WIND_MIN_M_S;
		return fmax(in->wind_m_s, PLUME_WIND_MIN_M_S);
	}
	/* the profile from any height is the one from 10 m through it */
	at10_m_s = in->wind_m_s * plume_wind_m_s(1e6, 10, stability, NULL) /
		   plume_wind_m_s(1e6, in->wind_height_m, stability, NULL);
	return plume_wind_m_s(at10_m_s, height_m, stability, ret_is_calm);
}

static void compute(const struct input *in, enum plume_stability stability, struct answer *ret)
{
	const struct plume_receptor receptor = {
		.x_m = assess_given(in->distance_m) ? in->distance_m : PLUME_NEAR_M,
		.y_m = in->offset_m,
		.z_m = in->receptor_m,
		.sigma_y_m = assess_given(in->sigma_y_m) ? in->sigma_y_m : 0,
		.sigma_z_m = assess_given(in->sigma_z_m) ? in->sigma_z_m : 0,
	};
	const struct plume_release release = {
		.rate_g_s = in->rate_g_s,
		.height_m = in->height_m,
		.stack = has_stack(in) ? &in->stack : NULL,
	};

	*ret = (struct answer){0};
	ret->wind_m_s = wind_of(in, stability, &ret->is_calm);
	if (release.stack) /* all five are positive, so is the wind */
		(void)plume_rise(release.stack, ret->wind_m_s, stability, &ret->rise);
	plume_at(&release, release.stack ? &ret->rise : NULL, ret->wind_m_s, stability, &receptor,
		 &ret->at);
}

#define N_RESULTS 10

static void list(const struct input *in, const struct answer *answer,
		 struct assess_result ret[static N_RESULTS])
{
	bool rises = has_stack(in);
	const struct assess_result results[N_RESULTS] = {
		{"concentration_ug_m3", answer->at.concentration_ug_m3, N_("at the receptor")},
		{"arrival_s", assess_given(in->distance_m) ? answer->at.arrival_s : (double)NAN,
		 N_("distance / wind")},
		{"wind_m_s", answer->wind_m_s, N_("at the release, used")},
		{"sigma_y_m", answer->at.sigma_y_m, N_("dispersion across")},
		{"sigma_z_m", answer->at.sigma_z_m, N_("dispersion upwards")},
		{"effective_height_m", answer->at.effective_height_m,
		 N_("stack, downwash and rise")},
		{"rise_m", rises ? answer->at.rise_m : (double)NAN, N_("at that distance")},
		{"final_rise_m", rises ? answer->rise.final_m : (double)NAN, N_("of the plume")},
		{"final_rise_distance_m", rises ? answer->rise.final_distance_m : (double)NAN,
		 N_("where it is reached")},
		{"downwash_m", rises ? answer->rise.downwash_m : (double)NAN,
		 N_("by which the stack counts as lower")},
	};

	memcpy(ret, results, sizeof(results));
}

static json_t *by_stability(const struct input *in, const struct answer answers[])
{
	json_t *array = json_array();

	for (size_t s = 0; s < PLUME_STABILITIES; s++) {
		struct assess_result results[N_RESULTS];
		json_t *object = json_object();

		list(in, &answers[s], results);
		(void)json_object_set_new(object, "stability", json_stringn(&CLASSES[s], 1));
		for (size_t i = 0; i < N_RESULTS; i++)
			(void)json_object_set_new(object, results[i].name,
						  assess_given(results[i].value)
							  ? json_real(results[i].value)
							  : json_null());
		(void)json_array_append_new(array, object);
	}
	return array;
}

static void print_classes(const struct answer answers[])
{
	(void)printf("%-9s %8s %10s %10s %12s %20s\n", "stability", "wind_m_s", "sigma_y_m",
		     "sigma_z_m", "height_m", "concentration_ug_m3");
	for (size_t s = 0; s < PLUME_STABILITIES; s++)
		(void)printf("%-9c %8.4g %10.5g %10.5g %12.5g %20.6g\n", CLASSES[s],
			     answers[s].wind_m_s, answers[s].at.sigma_y_m, answers[s].at.sigma_z_m,
			     answers[s].at.effective_height_m, answers[s].at.concentration_ug_m3);
	(void)putchar('\n');
}

static void note(const struct answer *answer, bool all, const char *notes[static 6])
{
	size_t n = 0;

	if (all)
		notes[n++] = N_(
			"the stability is not known: the numbers are those of the class with "
			"the largest concentration");
	if (answer->is_calm)
		notes[n++] = N_(
			"the wind is below 1 m/s: computed with 1 m/s, below which the model "
			"does not hold");
	if (answer->at.is_near)
		notes[n++] = N_("nearer than 100 m, where the dispersion was fitted: extrapolated");
	if (answer->at.is_extrapolated)
		notes[n++] = N_("beyond 10 km, where the dispersion was fitted: extrapolated");
	if (answer->rise.is_cold)
		notes[n++] = N_(
			"the gas is colder than the air: it rises by its speed only and may "
			"sink behind the stack, which this model does not know; near the "
			"ground there may be more");
	else if (answer->rise.is_momentum)
		notes[n++] = N_("the gas rises by its speed, not by its warmth");
	notes[n] = NULL;
}

static int answer(const struct input *in, bool all, enum plume_stability stability)
{
	struct answer answers[PLUME_STABILITIES];
	struct assess_result results[N_RESULTS];
	const char *notes[6];
	json_t *more = json_object();

	for (size_t s = 0; s < PLUME_STABILITIES; s++)
		compute(in, (enum plume_stability)s, &answers[s]);
	for (size_t s = 0; all && s < PLUME_STABILITIES; s++)
		if (s == 0 ||
		    answers[s].at.concentration_ug_m3 > answers[stability].at.concentration_ug_m3)
			stability = (enum plume_stability)s;
	if (in->stability)
		(void)json_object_set_new(more, "stability", json_stringn(&CLASSES[stability], 1));
	if (all)
		(void)json_object_set_new(more, "by_stability", by_stability(in, answers));
	if (all && !in->json)
		print_classes(answers);
	list(in, &answers[stability], results);
	note(&answers[stability], all, notes);
	return assess_print(&method, in->json, results, N_RESULTS, notes, more);
}

int assess_plume(int argc, char **argv)
{
	const double nan = (double)NAN, inf = (double)INFINITY;
	struct input in = {
		.rate_g_s = nan,
		.wind_m_s = nan,
		.wind_height_m = nan,
		.height_m = nan,
		.distance_m = nan,
		.sigma_y_m = nan,
		.sigma_z_m = nan,
		.stack = {nan, nan, nan, nan, nan},
	};
	const struct assess_flag flags[] = {
		{"rate-g-s", &in.rate_g_s, 0, 1e9, .help = N_("what is released, g/s")},
		{"wind-m-s", &in.wind_m_s, 0, 100, .help = N_("wind at the release, m/s")},
		{"wind-height-m", &in.wind_height_m, 10, 300,
		 .help = N_("height at which that wind was measured, m, if not at the release")},
		{"height-m", &in.height_m, 0, 5000,
		 .help = N_("effective height of the release, m")},
		{"stability", .text = &in.stability, .help = N_("Pasquill's class A to F, or all")},
		{"distance-m", &in.distance_m, 0, 1e6, true,
		 .help = N_("of the receptor, downwind, m")},
		{"offset-m", &in.offset_m, -1e6, 1e6, .help = N_("of the receptor, across, m")},
		{"receptor-height-m", &in.receptor_m, 0, 5000,
		 .help = N_("of the receptor above ground, m")},
		{"stack-height-m", &in.stack.height_m, 0, 1000, true, .help = N_("m")},
		{"stack-diameter-m", &in.stack.diameter_m, 0, 100, true,
		 .help = N_("inside, at the top, m")},
		{"exit-velocity-m-s", &in.stack.exit_velocity_m_s, 0, 1000, true,
		 .help = N_("m/s")},
		{"exit-temperature-k", &in.stack.exit_temperature_k, 0, 3000, true,
		 .help = N_("K")},
		{"air-temperature-k", &in.stack.air_temperature_k, 0, 400, true, .help = N_("K")},
		{"sigma-y-m", &in.sigma_y_m, 0, inf, true, .help = N_("instead of Briggs', m")},
		{"sigma-z-m", &in.sigma_z_m, 0, inf, true, .help = N_("instead of Briggs', m")},
		{"json", .set = &in.json, .help = N_("one JSON object")},
	};
	enum plume_stability stability = PLUME_D;
	bool all = false;
	int r = assess_parse(&method, flags, ARRAY_SIZE(flags), argc, argv);

	if (r < 0)
		r = check(&in, &all, &stability);
	return r < 0 ? answer(&in, all, stability) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/macro.h"
#include "core/catalogue.h"
#include "core/river.h"
#include "tools/assess.h"
#include "tools/command.h"

static const struct assess_method method = {
	.name = "river",
	.intro = N_(
		"The concentration in a river below a discharge (--flow-m3-s, --discharge-m3-s,\n"
		"--concentration-mg-l), or of a mass spilt at once (--mass-kg); with "
		"--velocity-m-s\n"
		"and --length-m what of it arrives there, and when. A discharge that lasts\n"
		"--duration-s comes to a share of what a lasting one comes to. The shape of the "
		"river, "
		"--width-m,\n"
		"--depth-m and --slope, gives the length until it is mixed across, and the area\n"
		"and dispersion where these are not given. --demand-mg-l, --decay-per-day and\n"
		"--reaeration-per-day give the oxygen deficit."),
	.sources = "  mixing      (Qe Ce + Qr Cr)/(Qe + Qr)\n"
		   "  decay       C exp(-k t), k = k20 theta^(T-20); Thomann and Mueller 1987\n"
		   "  pulse       M/(A sqrt(4 pi E t)) exp(-(x-ut)2/4Et - k t); Taylor 1954. The "
		   "peak is\n"
		   "              its maximum over time, a little before x/u; edges x/u -+ 2 "
		   "sqrt(2 E x/u)/u;\n"
		   "              --time-s gives the concentration at any other moment\n"
		   "  duration    the pulses of its moments, summed up; Ogata and Banks 1961. "
		   "Without\n"
		   "              dispersion a triangle from 0.890 T, 2e6/Cup long, Cup = 1025 "
		   "T^-0.887\n"
		   "              (T in hours); Jobson 1996, USGS WRIR 96-4013 [M]\n"
		   "  dispersion  0.011 u2 W2/(h u*), u* = sqrt(g h S); Fischer 1975\n"
		   "  mixed after 0.4 u W2/(0.23 h u*) for an outfall at the bank; Fischer et al. "
		   "1979\n"
		   "  oxygen      Streeter and Phelps 1925",
};

struct input {
	double flow_m3_s, background_mg_l, discharge_m3_s, concentration_mg_l;
	double velocity_m_s, length_m, decay_per_day, temperature_c, theta;
	double mass_kg, area_m2, dispersion_m2_s, duration_s, time_s;
	double width_m, depth_m, slope;
	double demand_mg_l, deficit_mg_l, reaeration_per_day;
	bool json;
};

enum {
	MIXED,
	DECAY,
	TRAVEL,
	CONCENTRATION,
	PEAK,
	PEAK_S,
	LEADING,
	TAIL,
	AT_TIME,
	SHARE,
	RELEASE,
	RELEASE_S,
	DISPERSION,
	MIXING,
	DEFICIT,
	CRITICAL_S,
	CRITICAL,
	N_RESULTS
};

static bool is_pulse(const struct input *in)
{
	return assess_given(in->mass_kg);
}

static bool has_discharge(const struct input *in)
{
	return assess_given(in->flow_m3_s) || assess_given(in->discharge_m3_s) ||
	       assess_given(in->concentration_mg_l);
}

static bool has_section(const struct input *in)
{
	return assess_given(in->width_m) && assess_given(in->depth_m) && assess_given(in->slope);
}

static bool goes_on(const struct input *in)
{
	return assess_given(in->velocity_m_s) && assess_given(in->length_m);
}

/* what the shape of the river says, where nobody said it */
static void complete(struct input *in)
{
	const struct river_section section = {in->velocity_m_s, in->width_m, in->depth_m,
					      in->slope};

	if (!has_section(in) || !assess_given(in->velocity_m_s))
		return;
	if (!assess_given(in->area_m2))
		in->area_m2 = in->width_m * in->depth_m;
	if (!assess_given(in->dispersion_m2_s))
		in->dispersion_m2_s = river_dispersion_m2_s(&section);
}

/* Return: as assess_parse() */
static int check_water(const struct input *in)
{
	if (!has_discharge(in) && !is_pulse(in) && !assess_given(in->demand_mg_l))
		return assess_wrong(&method, "a discharge (--flow-m3-s, --discharge-m3-s, "
					     "--concentration-mg-l), a spill (--mass-kg) or "
					     "--demand-mg-l is needed");
	if (has_discharge(in) &&
	    !(assess_given(in->flow_m3_s) && assess_given(in->discharge_m3_s) &&
	      assess_given(in->concentration_mg_l)))
		return assess_wrong(&method, "a discharge has all three: --flow-m3-s, "
					     "--discharge-m3-s, --concentration-mg-l");
	if (has_discharge(in) && in->flow_m3_s + in->discharge_m3_s <= 0)
		return assess_wrong(&method, "nothing flows: --flow-m3-s and --discharge-m3-s are "
					     "both 0");
	if (assess_given(in->duration_s) && !(has_discharge(in) && goes_on(in)))
		return assess_wrong(&method, "a discharge that lasts --duration-s needs "
					     "--velocity-m-s and --length-m beside it");
	if (assess_given(in->velocity_m_s) != assess_given(in->length_m))
		return assess_wrong(&method, "--velocity-m-s and --length-m go together");
	return -1;
}

/* Return: as assess_parse() */
static int check(const struct input *in)
{
	int n_section = assess_given(in->width_m) + assess_given(in->depth_m) +
			assess_given(in->slope);
	int r = check_water(in);

	if (r >= 0)
		return r;
	if (n_section != 0 && (n_section != 3 || !goes_on(in)))
		return assess_wrong(&method, "the shape of a river is --width-m, --depth-m and "
					     "--slope, with --velocity-m-s and --length-m");
	if (is_pulse(in) &&
	    !(goes_on(in) && assess_given(in->area_m2) && assess_given(in->dispersion_m2_s)))
		return assess_wrong(&method, "a spill needs --velocity-m-s, --length-m, and "
					     "--area-m2 and --dispersion-m2-s or the shape of the "
					     "river");
	if (assess_given(in->time_s) && !is_pulse(in))
		return assess_wrong(&method, "--time-s is a moment after a spill (--mass-kg)");
	if (assess_given(in->demand_mg_l) &&
	    !(in->decay_per_day > 0 && assess_given(in->reaeration_per_day)))
		return assess_wrong(&method, "the oxygen deficit needs --demand-mg-l, "
					     "--decay-per-day and --reaeration-per-day");
	return -1;
}

static double decay_of(const struct input *in)
{
	return assess_given(in->temperature_c)
		       ? river_rate_per_day(in->decay_per_day, in->theta, in->temperature_c)
		       : in->decay_per_day;
}

static void steady(const struct input *in, double result[static N_RESULTS])
{
	double mixed_mg_l;

	if (!has_discharge(in) ||
	    river_mix_mg_l(in->flow_m3_s, in->background_mg_l, in->discharge_m3_s,
			   in->concentration_mg_l, &mixed_mg_l) < 0)
		return;
	result[MIXED] = mixed_mg_l;
	result[CONCENTRATION] = goes_on(in) ? river_decay_mg_l(mixed_mg_l, result[DECAY],
							       result[TRAVEL])
					    : mixed_mg_l;
}

static void pulse(const struct input *in, double result[static N_RESULTS])
{
	const struct river_spill spill = {
		.mass_kg = in->mass_kg,
		.area_m2 = in->area_m2,
		.velocity_m_s = in->velocity_m_s,
		.dispersion_m2_s = in->dispersion_m2_s,
		.rate_per_day = result[DECAY],
	};
	struct river_pulse answer;

	if (!is_pulse(in) || river_pulse(&spill, in->length_m, &answer) < 0)
		return;
	result[PEAK] = answer.peak_mg_l;
	result[PEAK_S] = answer.peak_s;
	result[LEADING] = answer.leading_edge_s;
	result[TAIL] = answer.tail_s;
	if (assess_given(in->time_s))
		result[AT_TIME] = river_spill_mg_l(&spill, in->length_m, in->time_s);
}

/* of a discharge that does not last */
static void release(const struct input *in, double result[static N_RESULTS])
{
	const struct river_spill spill = {
		.area_m2 = 1, /* does not matter for a share */
		.velocity_m_s = in->velocity_m_s,
		.dispersion_m2_s = in->dispersion_m2_s,
		.rate_per_day = result[DECAY],
	};
	struct river_release passing;
	struct river_unit unit;

	if (!assess_given(in->duration_s))
		return;
	if (assess_given(in->dispersion_m2_s)) {
		if (river_release(&spill, in->length_m, in->duration_s, &passing) < 0)
			return;
	} else if (river_unit(result[TRAVEL], &unit) == 0) {
		passing = river_unit_release(&unit, in->duration_s);
		result[LEADING] = unit.leading_edge_s;
		result[TAIL] = in->duration_s + unit.trailing_s;
	} else {
		return;
	}
	result[SHARE] = passing.share;
	result[RELEASE_S] = passing.peak_s;
	result[RELEASE] = river_decay_mg_l(
		in->background_mg_l + (result[MIXED] - in->background_mg_l) * passing.share,
		result[DECAY], result[TRAVEL]);
}

static void oxygen(const struct input *in, double result[static N_RESULTS])
{
	const struct river_oxygen river = {in->demand_mg_l, in->deficit_mg_l, result[DECAY],
					   in->reaeration_per_day};

	if (!assess_given(in->demand_mg_l))
		return;
	if (goes_on(in))
		result[DEFICIT] = river_deficit_mg_l(&river, result[TRAVEL]);
	river_sag(&river, &result[CRITICAL_S], &result[CRITICAL]);
}

static int answer(const struct input *in)
{
	const struct river_section section = {in->velocity_m_s, in->width_m, in->depth_m,
					      in->slope};
	const struct river_reach reach = {in->length_m, in->velocity_m_s};
	double v[N_RESULTS];
	const char *notes[2] = {NULL};
	bool is_mixed = true;

	for (size_t i = 0; i < N_RESULTS; i++)
		v[i] = (double)NAN;
	v[DECAY] = decay_of(in);
	v[DISPERSION] = in->dispersion_m2_s;
	if (goes_on(in))
		(void)river_travel_s(&reach, 1, &v[TRAVEL]);
	if (has_section(in))
		v[MIXING] = river_mixing_m(&section, RIVER_MIXING_BANK, in->length_m, &is_mixed);
	steady(in, v);
	pulse(in, v);
	release(in, v);
	oxygen(in, v);
	if (!is_mixed)
		notes[0] = N_("not mixed across at that length: along the bank of the outfall the "
			      "concentration is higher");
	const struct assess_result results[] = {
		{"mixed_mg_l", v[MIXED], N_("after complete mixing")},
		{"decay_per_day", v[DECAY], N_("at the river's temperature")},
		{"travel_s", v[TRAVEL], N_("length / velocity")},
		{"concentration_mg_l", v[CONCENTRATION], N_("of the discharge, there")},
		{"peak_mg_l", v[PEAK], N_("of the spill, there")},
		{"peak_s", v[PEAK_S], N_("when it is highest")},
		{"leading_edge_s", v[LEADING], N_("when it begins")},
		{"tail_s", v[TAIL], N_("when most of it has passed")},
		{"at_time_mg_l", v[AT_TIME], N_("of the spill there, --time-s after it")},
		{"share", v[SHARE],
		 N_("that a discharge of --duration-s comes to, at the highest")},
		{"release_mg_l", v[RELEASE], N_("of it, there")},
		{"release_s", v[RELEASE_S], N_("when that is highest, after it began")},
		{"dispersion_m2_s", v[DISPERSION], N_("along the river, used")},
		{"mixing_length_m", v[MIXING], N_("until it is mixed across, from the bank")},
		{"deficit_mg_l", v[DEFICIT], N_("of oxygen, there")},
		{"critical_s", v[CRITICAL_S], N_("when the deficit is largest")},
		{"critical_deficit_mg_l", v[CRITICAL], N_("the largest deficit")},
	};

	return assess_print(&method, in->json, results, ARRAY_SIZE(results), notes, NULL);
}

int assess_river(int argc, char **argv)
{
	const double nan = (double)NAN, inf = (double)INFINITY;
	struct input in = {
		.flow_m3_s = nan,
		.discharge_m3_s = nan,
		.concentration_mg_l = nan,
		.velocity_m_s = nan,
		.length_m = nan,
		.temperature_c = nan,
		.theta = RIVER_THETA_BOD,
		.mass_kg = nan,
		.area_m2 = nan,
		.dispersion_m2_s = nan,
		.duration_s = nan,
		.time_s = nan,
		.width_m = nan,
		.depth_m = nan,
		.slope = nan,
		.demand_mg_l = nan,
		.reaeration_per_day = nan,
	};
	const struct assess_flag flags[] = {
		{"flow-m3-s", &in.flow_m3_s, 0, 1e6,
		 .help = N_("of the river above the outfall, m3/s")},
		{"background-mg-l", &in.background_mg_l, 0, 1e6,
		 .help = N_("in the river above, mg/l; 0 unless given")},
		{"discharge-m3-s", &in.discharge_m3_s, 0, 1e6, .help = N_("m3/s")},
		{"concentration-mg-l", &in.concentration_mg_l, 0, 1e6, .help = N_("in it, mg/l")},
		{"duration-s", &in.duration_s, 0, 1e9, true, .help = N_("of the discharge, s")},
		{"velocity-m-s", &in.velocity_m_s, 0, 20, true, .help = N_("mean, m/s")},
		{"length-m", &in.length_m, 0, 1e7, true,
		 .help = N_("to where the answer is wanted, m")},
		{"decay-per-day", &in.decay_per_day, 0, 1000,
		 .help = N_("at 20 °C, per day; 0 unless given")},
		{"temperature-c", &in.temperature_c, 0, 60, .help = N_("of the river, °C")},
		{"theta", &in.theta, 0.5, 2, .help = N_("of the decay; 1.047 (BOD) unless given")},
		{"mass-kg", &in.mass_kg, 0, 1e9, .help = N_("spilt at once, kg")},
		{"time-s", &in.time_s, 0, 1e9, true, .help = N_("after the spill, s")},
		{"area-m2", &in.area_m2, 0, 1e6, true, .help = N_("wetted cross-section, m2")},
		{"dispersion-m2-s", &in.dispersion_m2_s, 0, 1e5, true,
		 .help = N_("along it, m2/s")},
		{"width-m", &in.width_m, 0, 1e5, true, .help = N_("m")},
		{"depth-m", &in.depth_m, 0, 1000, true, .help = N_("m")},
		{"slope", &in.slope, 0, 1, true, .help = N_("m per m")},
		{"demand-mg-l", &in.demand_mg_l, 0, inf,
		 .help = N_("ultimate BOD after mixing, mg/l")},
		{"deficit-mg-l", &in.deficit_mg_l, -100, 100,
		 .help = N_("of oxygen after mixing, mg/l; 0 unless given")},
		{"reaeration-per-day", &in.reaeration_per_day, 0, 1000, true,
		 .help = N_("per day")},
		{"json", .set = &in.json, .help = N_("one JSON object")},
	};
	int r = assess_parse(&method, flags, ARRAY_SIZE(flags), argc, argv);

	if (r >= 0)
		return r;
	complete(&in);
	r = check(&in);
	return r < 0 ? answer(&in) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "core/catalogue.h"
#include "core/crossing.h"

#define RIVER_SOURCES                                                                         \
	"complete mixing and first-order decay (Thomann and Mueller 1987), dispersed pulse "  \
	"(Taylor 1954; Fischer 1975; of unknown dispersion Jobson 1996, USGS WRIR 96-4013), " \
	"transverse mixing (Elder 1959; Fischer et al. 1979)"

static const struct {
	const char *text;
	const char *source;
	const char *inputs[CROSSING_INPUTS_MAX];
} methods[] = {
	[METHOD_RIVER] = {"river",
			  RIVER_SOURCES,
			  {"river_flow_m3_s", "background_mg_l", "discharge_m3_s",
			   "concentration_mg_l", "travel_s", "travel_high_water_s", "decay_per_day",
			   "temperature_c", "mass_kg", "mixing", "lasted_s", "measured_kg",
			   "measured_in_s"}},
	[METHOD_PLUME] = {"plume",
			  "Gaussian plume (EPA ISC3, EPA-454/B-95-003b), rural dispersion (Briggs "
			  "1973), plume rise (Briggs 1969), wind profile (Irwin 1979)",
			  {"rate_g_s", "wind_10m_m_s", "wind_from_deg", "stability_1_to_6",
			   "stack_height_m", "effective_height_m", "exit_velocity_m_s",
			   "exit_temperature_c", "air_temperature_c", "across_m", "lasted_s",
			   "steady_ug_m3", "travel_s", "measured_mean_g_s"}},
	[METHOD_LEACHATE] = {"leachate",
			     "runoff by the rational method (Kuichling 1889), then: " RIVER_SOURCES,
			     {"river_flow_m3_s", "background_mg_l", "discharge_m3_s",
			      "concentration_mg_l", "travel_s", "travel_high_water_s",
			      "decay_per_day", "temperature_c", "mass_kg", "mixing", "lasted_s",
			      "measured_kg", "measured_in_s"}},
	[METHOD_SLIDE] = {"slide",
			  "reach by the travel angle (Heim 1932); travel ratio of a volume after "
			  "Corominas 1996, its two numbers not seen in print [M]",
			  {"drop_m", "volume_m3", "travel_ratio", "reach_m", "reach_high_m"}},
	[METHOD_DISTANCE] = {"distance",
			     "great circle on a sphere, or length along the river",
			     {0}},
	[METHOD_INBOUND] =
		{"inbound",
		 "own sources upstream measured and below their limits over the travel time",
		 {"travel_s", "upstream_sources"}},
	[METHOD_MEASURED] = {"measured", "readings at the target", {"good_percent"}},
};

static const char *const flags[] = {
	N_("farther than 10 km: the dispersion formulas are extrapolated"),
	N_("nearer than 100 m: the dispersion formulas do not hold"),
	N_("not yet mixed across the river: the concentration is a lower bound along the bank"),
	N_("slope not known: whether it is mixed across the river is not known"),
	N_("neither slope nor dispersion known: spread along the river by travel time alone"),
	N_("discharge not measured now: its last good value"),
	N_("discharge not known: no concentration can be computed"),
	N_("the river's flow is the configured one, not measured"),
	N_("the wind speed is the configured one, not measured"),
	N_("wind speed not known: 1 m/s taken"),
	N_("wind direction not measured now: 22.5 degrees to either side count as downwind"),
	N_("wind direction not known: as if it blew towards it"),
	N_("stability not known: class D for the estimate, all six for the bounds"),
	N_("not downwind"),
	N_("concentration not measured now: its last good value"),
	N_("no stack height configured: as if released at the ground"),
	N_("rain not known: no leachate can be computed"),
	N_("the release is at the line itself"),
	N_("an own source upstream was out of its limits within the travel time"),
	N_("an own source upstream was not measured all through the travel time"),
	N_("no own source is named upstream: that it comes from beyond is not shown"),
	N_("too much is waited for already: readings there will not be compared"),
	N_("wind below 1 m/s: computed with 1 m/s"),
	N_("the estimate is of what was let go so far, the upper bound as if it went on"),
	N_("what the river carries without the release is not configured: 0 taken"),
	N_("the river is above the threshold without the release: judged by what is added"),
	N_("an own source upstream does not measure what is out of limits here: not known"),
	N_("an own source upstream has no limit of what is out of limits here: not judged"),
	N_("it was taken for coming from beyond before: withdrawn, the level does not fall"),
	N_("above the threshold already before it was due: only a rise confirms it"),
	N_("not measured before it was due: a reading above the threshold confirms nothing"),
	N_("strength and begin from the mean that broke its limit"),
	N_("shorter than its way there, or than ten minutes: no steady plume, at most possible"),
	N_("the position of the source is not configured: neither distance nor direction is known"),
	N_("no threshold there is about anything that is measured here: no concentration computed"),
	N_("not measured all the time: extrapolated at the mean rate, the lower bound is not"),
	N_("measured for less of the time than crossing-covered asks for"),
	N_("likely only with what nobody measured: no more than possible"),
	N_("what flows is reckoned from the rain, nobody measured it: no more than possible"),
	N_("the gas is colder than the air: that it sinks is not computed; below it may be more"),
	N_("out of its limits here for less than a minute so far: too short to be sure"),
	N_("not assessed: there is no threshold for this parameter there"),
	N_("not measured as a concentration, so it can have no threshold: to be judged by people"),
	N_("not assessed: no river configured for this outfall"),
};
_Static_assert(UINT64_C(1) << (sizeof(flags) / sizeof(flags[0]) - 1) == FLAG_LAST,
	       "a text per flag");

const char *crossing_flag_text(uint64_t flag)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flag == UINT64_C(1) << i)
			return flags[i];
	return NULL;
}

const char *crossing_method_text(enum crossing_method method)
{
	return methods[method].text;
}

const char *crossing_method_source(enum crossing_method method)
{
	return methods[method].source;
}

const char *crossing_input_text(enum crossing_method method, unsigned int i)
{
	return i < CROSSING_INPUTS_MAX ? methods[method].inputs[i] : NULL;
}

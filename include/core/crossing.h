/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crossing.h - what an assessment found out, and what is still to be seen of it
 *
 * Part of the core's saved state: no pointers, explicit padding, things named by hashes of their
 * paths. Times are UTC in ms, 0 none; numbers that are not known are NAN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "core/config_crossing.h"

#define CROSSING_PATHS_MAX  8  /* per incident; the worst */
#define CROSSING_DUES_MAX   32 /* what is waited for at once, of all incidents */
#define CROSSING_INPUTS_MAX 14
#define CROSSING_ID_MAX	    104
#define CROSSING_COVER_NONE 255 /* nothing is known of how much was measured */

/** enum crossing_method - how a path was judged */
enum crossing_method {
	METHOD_RIVER,	 /* mixed into a river, carried, decayed */
	METHOD_PLUME,	 /* Gaussian plume */
	METHOD_LEACHATE, /* rain through solid waste into a river */
	METHOD_SLIDE,	 /* solid waste that slides */
	METHOD_DISTANCE, /* only how far it is: nothing to compute a concentration with */
	METHOD_INBOUND,	 /* a border station, and our own sources upstream */
	METHOD_MEASURED, /* readings at the target */
	METHOD_MAX = METHOD_MEASURED,
};

/* bits: what weakens a result, or where its inputs come from. Macros: an enum has no 64 bits. */
#define FLAG_EXTRAPOLATED   (UINT64_C(1) << 0) /* plume farther than PLUME_FAR_M */
#define FLAG_NEAR	    (UINT64_C(1) << 1) /* plume nearer than PLUME_NEAR_M */
#define FLAG_NOT_MIXED	    (UINT64_C(1) << 2) /* before the mixing length */
#define FLAG_MIXING_UNKNOWN (UINT64_C(1) << 3) /* no slope */
/* neither slope nor dispersion: spreading after Jobson */
#define FLAG_NO_DISPERSION (UINT64_C(1) << 4)
/* discharge not measured now: its last good value */
#define FLAG_FLOW_OLD	      (UINT64_C(1) << 5)
#define FLAG_NO_FLOW	      (UINT64_C(1) << 6) /* discharge not known */
#define FLAG_RIVER_CONFIGURED (UINT64_C(1) << 7) /* the river's flow is the configured one */
#define FLAG_WIND_CONFIGURED  (UINT64_C(1) << 8)
#define FLAG_WIND_UNKNOWN     (UINT64_C(1) << 9) /* 1 m/s taken */
/* configured or old: ± 22.5° counts as downwind */
#define FLAG_DIRECTION_UNSURE  (UINT64_C(1) << 10)
#define FLAG_DIRECTION_UNKNOWN (UINT64_C(1) << 11)
#define FLAG_STABILITY_UNKNOWN (UINT64_C(1) << 12)
#define FLAG_NOT_DOWNWIND      (UINT64_C(1) << 13)
#define FLAG_CONCENTRATION_OLD (UINT64_C(1) << 14)
#define FLAG_NO_STACK	       (UINT64_C(1) << 15) /* gas without a height: from the ground */
#define FLAG_NO_RAIN	       (UINT64_C(1) << 16)
#define FLAG_AT_THE_LINE       (UINT64_C(1) << 17)
/* inbound: an own source upstream was out of its limits */
#define FLAG_OWN_OUT (UINT64_C(1) << 18)
/* inbound: one was not measured all the time */
#define FLAG_OWN_UNMEASURED (UINT64_C(1) << 19)
#define FLAG_NO_UPSTREAM    (UINT64_C(1) << 20) /* inbound: none of ours is named upstream */
#define FLAG_UNWATCHED	    (UINT64_C(1) << 21) /* no room to wait for the readings there */
#define FLAG_CALM	    (UINT64_C(1) << 22) /* wind below what the formulas are made for */
/* the upper bound is as if the release went on */
#define FLAG_NOT_ENDED	   (UINT64_C(1) << 23)
#define FLAG_NO_BACKGROUND (UINT64_C(1) << 24) /* the river is taken for clean */
/* the river is above the threshold without the release */
#define FLAG_ABOVE_BEFORE (UINT64_C(1) << 25)
/* inbound: one does not measure what is out at the station */
#define FLAG_OWN_BLIND	 (UINT64_C(1) << 26)
#define FLAG_OWN_UNBOUND (UINT64_C(1) << 27) /* inbound: or nothing limits it there */
/* inbound: it was observed, and is not any more */
#define FLAG_WITHDRAWN (UINT64_C(1) << 28)
/* measured: above the threshold before it was due, too */
#define FLAG_BEFORE_HIGH    (UINT64_C(1) << 29)
#define FLAG_BEFORE_UNKNOWN (UINT64_C(1) << 30) /* measured: not known what it was before */
/* strength and begin are those of the limit's window */
#define FLAG_MEAN (UINT64_C(1) << 31)
/* plume: the release is shorter than its way there, or than 10 minutes */
#define FLAG_SHORT    (UINT64_C(1) << 32)
#define FLAG_NO_PLACE (UINT64_C(1) << 33) /* where the source is, is not known */
/* of states saved by older versions alone: FLAG_NO_THRESHOLD tells it of each parameter */
#define FLAG_NO_MATCH (UINT64_C(1) << 34)
/* concentration and flow were not good all the time: the estimate has the mean rate for the gaps */
#define FLAG_FILLED (UINT64_C(1) << 35)
/* they were good for less than crossing-covered of the time */
#define FLAG_HARDLY_MEASURED (UINT64_C(1) << 36)
/* it would be likely, did what nobody measured count */
#define FLAG_HELD (UINT64_C(1) << 37)
/* leachate: what flows is reckoned from the rain, nothing of it is measured */
#define FLAG_RECKONED (UINT64_C(1) << 38)
/* plume: colder than the air, which is neither a rise nor computed as a fall */
#define FLAG_COLD (UINT64_C(1) << 39)
/* inbound: the station's limit was broken for less than a minute */
#define FLAG_BRIEF (UINT64_C(1) << 40)
/* a limit of the parameter is broken, and no threshold there is about it */
#define FLAG_NO_THRESHOLD (UINT64_C(1) << 41)
/* and it is not measured as a concentration: there can be none */
#define FLAG_NO_MEASURE (UINT64_C(1) << 42)
/* what flows out has no river */
#define FLAG_NO_RIVER (UINT64_C(1) << 43)
#define FLAG_LAST     FLAG_NO_RIVER

/** crossing_flag_text() - in words for people; NULL: no such bit */
const char *crossing_flag_text(uint64_t flag);

/** crossing_method_text() - "river", "plume", … */
const char *crossing_method_text(enum crossing_method method);

/** crossing_method_source() - where the formulas are published */
const char *crossing_method_source(enum crossing_method method);

/** crossing_input_text() - name and unit of the @i-th input of a method; NULL there is none */
const char *crossing_input_text(enum crossing_method method, unsigned int i);

/** the places of inputs that others read back; all of them are in crossing_input_text() */
#define INPUT_DISCHARGE	    2  /* river, leachate: m3/s */
#define INPUT_CONCENTRATION 3  /* river, leachate: mg/l */
#define INPUT_MASS	    8  /* river, leachate: kg that were let go, and s that it took */
#define INPUT_LASTED	    10 /* plume, too */
#define INPUT_MEASURED	    11 /* river, leachate: kg of it that were measured, and s */
#define INPUT_MEASURED_IN   12
#define INPUT_RATE	    0  /* plume: g/s */
#define INPUT_STEADY	    11 /* plume: ug/m3 if it goes on, and s on its way */
#define INPUT_WAY	    12
#define INPUT_MEASURED_RATE 13 /* plume: mean g/s of the release, what was not measured is none */

/**
 * struct crossing_path - from one source to one target, by one parameter
 * @source, @target, @threshold: hashes, see assess.h
 * @central, @low, @high: concentration at the target, in mg/l (water) or ug/m3 (air): all that
 *	is there, of a river with what it carries without the release
 * @background: what is there without the release; NAN not known (air, where @central has none)
 * @excess, @excess_high: what the release adds, of @central and of @high; never below 0
 * @measured: of @excess what was measured: with nothing put into the gaps
 * @bound: the threshold in the same
 * @arrival_ms, …: when it is expected; @release_ms: when it began; @began_ms: the same, monotonic
 * @held_ms: monotonic; through the air: when it was last as bad as this
 * @bearing_deg, @point: where it meets the target
 * @covered_percent: of the release's time, concentration and flow were good for so much, rounded
 *	down; CROSSING_COVER_NONE: not known, or nothing is summed up by this method
 */
struct crossing_path {
	uint64_t source;
	uint64_t target;
	uint64_t threshold;
	int64_t release_ms;
	int64_t began_ms;
	int64_t arrival_ms;
	int64_t leading_ms;
	int64_t peak_ms;
	int64_t tail_ms;
	int64_t held_ms;
	double central;
	double low;
	double high;
	double background;
	double excess;
	double excess_high;
	double measured;
	double bound;
	double distance_m;
	double bearing_deg;
	struct boundary_point point;
	double inputs[CROSSING_INPUTS_MAX];
	uint64_t flags;
	uint8_t method;
	uint8_t verdict;
	uint8_t covered_percent;
	uint8_t pad[5];
};

/**
 * struct core_crossing - the assessment of one site's and kind's incident
 * @opened_ms: of the incident that it is about; 0: there is none
 * @assessed: when it was made last
 * @class, @n_alarms: of the incident then
 * @n_left_out: paths that the list has no room for
 * @config: the first bytes of the digest of the configuration that it was made with: with another,
 *	after a reload or a start, it is made anew at once, for lines and rivers may lie elsewhere
 * @sector_*: of the plume; @sector_reach_m 0 there is none
 */
struct core_crossing {
	int64_t opened_ms;
	struct stamp assessed;
	uint32_t class;
	uint32_t n_paths;
	uint32_t n_left_out;
	uint8_t at_once; /* assess again without waiting for the interval */
	uint8_t config[3];
	struct boundary_point sector_from;
	double sector_bearing_deg;
	double sector_half_deg;
	double sector_reach_m;
	struct crossing_path paths[CROSSING_PATHS_MAX];
};

enum due_state {
	DUE_FREE,
	DUE_WAITING,
	DUE_CONFIRMED,
	DUE_REFUTED,
	DUE_UNKNOWN,
	DUE_MAX = DUE_UNKNOWN
};

/**
 * struct core_due - readings at a target that will confirm or refute what was said of it
 * @incident: its id; it may have ended
 * @slot: hash of its site and kind
 * @source: hash of the source that made it due
 * @checked_ms: when the readings were looked at last
 * @confirms: a reading above so many thresholds does: 1, more where the river without the release
 *	is there already: that, and what matters on top of it
 * @rises: where it was above that before, a rise by so many thresholds does, see assess.h
 * @before: the highest reading of the hour before the leading edge, as @worst
 * @worst: the highest of them, in the threshold's medium's unit; NAN none yet
 * @n_good, @n_checks: how often there was a good one
 * @above: readings that confirm, one after the other, so far: 1 and the ms that they cover; 0 none
 * @noted: when the last of them was, in tenths of a second UTC, modulo 2^16; counts if @above
 */
struct core_due {
	char incident[CROSSING_ID_MAX];
	uint64_t slot;
	uint64_t source;
	uint64_t threshold;
	int64_t from_ms;
	int64_t until_ms;
	int64_t checked_ms;
	int64_t worst_ms;
	double confirms;
	double rises;
	double before;
	double worst;
	uint32_t n_good;
	uint32_t n_checks;
	uint8_t state; /* enum due_state */
	uint8_t verdict;
	uint16_t noted;
	uint32_t above;
};

/**
 * struct core_upstream - a channel of an own source upstream of a border station
 * @since: measured without a break from then on; zeros: not measured
 * @out: last time that it was beyond one of its limits, or an alarm stood; zeros never
 * @seen: when it was looked at last
 */
struct core_upstream {
	struct stamp since;
	struct stamp out;
	struct stamp seen;
};

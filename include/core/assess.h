/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assess.h - will a release cross: when, how strong, how sure
 *
 * Pure: no clock, no I/O, no allocation.
 *
 *   assess_river.c   by a river, also the leachate of solid waste
 *   assess_plume.c   through the air
 *   assess_solid.c   a slide of solid waste
 *   assess_verdict.c how sure, and how grave
 *   assess_source.c  what is known of a source, its river and its air now
 *   assess_seen.c    what counts as seen: good readings beyond something for a minute
 *   assess_due.c     readings at the target confirm or refute it
 *   inbound.c        a border station, and our own sources upstream
 *   assess.c         all sources and targets of an incident, and their verdicts
 *   assess_round.c   the paths of one assessment while it is made
 *   assess_tick.c    when, and what is said of it
 *
 * Verdicts (factors of the threshold are configured, see crossing-likely and its like):
 *
 *   observed   readings at the target are above the threshold for a minute while it is due, or
 *              the release is at the line itself and has lasted a minute
 *   likely     in the central estimate all that is there reaches crossing-likely (1.0) times the
 *              threshold, and the release adds crossing-possible (0.1) times it or more
 *              Of a river what was let go so far counts, of the air a release that lasts as
 *              long as its way there and ten minutes
 *              Only what was measured counts in that: what the release adds by the mass of the
 *              time in which concentration and flow were good, with nothing in the gaps
 *   possible   in the upper bound, if it goes on, the release adds crossing-possible times the
 * threshold, or the threshold is reached with the release and not without; or nothing can be
 * computed though there is a way (a river or the air, discharge not known); no more than this where
 * the wind's direction is not known unlikely   less than that
 *
 * What a river carries without the release is not the release's doing: it counts in what is held
 * against the threshold and never makes a verdict alone. Of air no background is known.
 *
 * What has broken a limit of the law at the source and has no threshold at a target is a path of
 * its own, possible: that other parameters are in order shows nothing of it. Where not even a way
 * is known - a source without a place, an outfall without a river - there is no verdict (none),
 * and that is worse than unlikely, which is said only where all was assessed.
 *
 * Readings at the target confirm where they are above the threshold while the release is due, all
 * good ones of a minute [M] (of slow stations two), and were not before. A bad or doubtful one says
 * nothing. Where the station's channel has limits of the law on values, its own alarm must stand or
 * have had its raise delay (where it counts, the time after which it is raised without): what is no
 * alarm there is no crossing here. Not before: the highest reading of the last whole hour and 5
 * minutes before the leading edge, and the last reading before it. Where it was above already
 * before, it must rise above that by half of what the assessment says is added (the factor of two
 * below), and by crossing-possible times the threshold at least; where nobody measured before,
 * nothing confirms. What is above then without confirming does not refute either.
 *
 * The factors are ours, no law's [M]: screening formulas of this kind are trusted to a factor of
 * two or so near the centre line and to ten where wind or stability are guessed, hence 0.1 on an
 * upper bound. A verdict falls only where what is added is below what it takes by
 * crossing-hysteresis (20 % [M]), observed does not fall while the incident runs.
 *
 * Through the air a verdict falls only when it has been lower for ten minutes, or as long as the
 * wind takes to the target if that is longer: what was sent has not un-happened when the wind
 * turns.
 *
 * Level (Art. 123(1) Law on Environmental Protection): verdicts from crossing-counts (likely) on
 * make it: the national border, a province's line or a place beyond the border national, a
 * commune's line province, a receptor commune.
 */
#pragma once

#include "core/core.h"
#include "core/plume.h"

#define ASSESS_SECTOR_DEG 22.5	 /* half angle, one of 16 compass points */
#define ASSESS_STEP_M	  1000.0 /* lines have a point that is looked at every so far at least */
#define ASSESS_SLIDE_HIGH 1.5	 /* upper bound of a slide's reach: half as far again [M] */
#define ASSESS_DUE_MS	  60000	 /* readings at a target are looked at so often */
#define ASSESS_WATCH_MS	  60000	 /* and sources upstream */
#define ASSESS_AGAIN_MS	  60000	 /* an incident is assessed so often while something is let go */
#define ASSESS_HOLD_MS \
	60000 /* shorter releases and readings raise no level: one bad value is no crossing [M] */
#define ASSESS_AIR_MS	  600000 /* a plume's verdict falls no sooner after it was so high [M] */
#define ASSESS_BLIND_MS	  300000 /* not looked at for so long: nobody knows */
#define ASSESS_REASON_MAX 512

/** struct river_let - a mass, and how long it took to let it go; @lasted_s 0: not known */
struct river_let {
	double mass_kg;
	double lasted_s;
};

/**
 * struct river_case - a discharge into a river, and where it is looked at
 * @discharge_m3_s, @concentration_mg_l: at its strongest: if it goes on like this
 * @let: what was let go until now, where it was summed up; else at its strongest all the time
 * @kept: the part of it that came to most so far
 * @measured, @kept_measured: the same of what was measured
 */
struct river_case {
	const struct config_crossing *crossing;
	const struct config_river *river;
	const struct config_water *water; /* NULL: no background, no decay */
	double from_m;
	double to_m;
	bool at_bank;
	double flow_m3_s;
	double temperature_c;
	double discharge_m3_s;
	double concentration_mg_l;
	double duration_s; /* of the release so far */
	struct river_let let;
	struct river_let kept;
	struct river_let measured;
	struct river_let kept_measured;
	bool ended;
};

/**
 * struct assess_mass - what a channel's sum says of a release
 * @let: all of it; where data were missing, at its mean rate
 * @measured: the same with nothing in the gaps
 * @covered_percent: of the time, rounded down; CROSSING_COVER_NONE no time has passed, or it is not
 *	summed up
 * @has_gaps: the two are not the same
 */
struct assess_mass {
	struct river_let let;
	struct river_let measured;
	uint8_t covered_percent;
	bool has_gaps;
};

/**
 * struct plume_case - a release into the air; temperatures NAN not known
 * @measured_g_s: the mean over the release so far, with nothing in the gaps
 */
struct plume_case {
	struct boundary_point place;
	double rate_g_s;
	double measured_g_s;
	struct plume_stack stack; /* @height_m also without a stack */
	bool has_stack;
	double wind_m_s;      /* at 10 m */
	double wind_from_deg; /* NAN not known */
	bool direction_sure;
	unsigned int stability; /* 1 to 6; 0 not known */
	double lasted_s;	/* the release until now */
	double reach_m;
};

/**
 * assess_by_river() - concentration, travel and pulse at a place of a river
 * @path: method, source, target and release_ms are the caller's; @bound too
 * Return: 0; -EDOM it flows nowhere.
 */
int assess_by_river(const struct river_case *c, struct crossing_path *path);

/** assess_travel_s() - from @from_m to @to_m of a river; @velocity 0 mean, 1 high water */
double assess_travel_s(const struct config_crossing *crossing, const struct config_river *river,
		       double from_m, double to_m, unsigned int velocity);

/**
 * assess_by_air() - the worst of a plume along a line, or at a receptor
 * @path: as assess_by_river()
 * Return: 0; -ENOENT the target has no place; -EDOM the stack is none.
 */
int assess_by_air(const struct plume_case *c, const struct config_target *target,
		  struct crossing_path *path);

/**
 * assess_lasted() - a plume of a release that has lasted so long
 *
 * The formulas are those of a steady plume, and of means over ten minutes (of dispersion, Briggs
 * 1973). Of a release that is shorter than that, or than its way there, the estimate is the mean
 * over the longer of the two, a share of the steady value; a flag says so, and it makes no more
 * than possible. The upper bound stays: if it goes on.
 */
void assess_lasted(struct crossing_path *path, double lasted_s);

/**
 * assess_measured() - of what a plume adds, the part that was measured
 * @covered_percent: crossing-covered
 *
 * All of it where at least @covered_percent of the release's time was measured and it is measured
 * now. Else only what the mean over the release comes to, with nothing in the gaps: a strength
 * that is worked out with a flow of an hour ago is nobody's measurement.
 */
void assess_measured(struct crossing_path *path, unsigned int covered_percent);

/** assess_plume_reach_m() - how far downwind the upper bound is @ug_m3 or more; 0 nowhere */
double assess_plume_reach_m(const struct plume_case *c, double ug_m3);

/** assess_nearest() - distance, bearing and point of a target. Return: 0; -ENOENT it has none. */
int assess_nearest(struct boundary_point place, const struct config_target *target,
		   struct crossing_path *path);

/**
 * assess_slide() - does solid waste that slides reach a target?
 * Return: 0, with @path's verdict; -ENOENT; -EDOM it has no drop.
 */
int assess_slide(const struct config_release *release, const struct config_target *target,
		 struct crossing_path *path);

/**
 * assess_verdict() - of a concentration
 * @before: the verdict until now
 */
enum crossing_verdict assess_verdict(const struct config_crossing *crossing,
				     const struct crossing_path *path,
				     enum crossing_verdict before);

/** assess_is_held() - would it be worse, did what nobody measured count? */
bool assess_is_held(const struct config_crossing *crossing, const struct crossing_path *path,
		    enum crossing_verdict before);

/** assess_is_worse() - of two verdicts; what was not assessed (none) is worse than unlikely */
bool assess_is_worse(unsigned int verdict, unsigned int than);

/**
 * assess_worst() - the worst path to a receptor, or over a boundary: to a place beyond the border,
 * too, for what reaches that has crossed it. NULL: there is none.
 */
const struct crossing_path *assess_worst(const struct config *config,
					 const struct core_crossing *crossing, bool receptors);

/** assess_level() - what a counting verdict about a target makes the level */
enum incident_level assess_level(enum target_kind kind);

/**
 * assess_is_low() - may the level be too low, because nobody measured how much flows? What would
 * raise it is possible, and by a place alone never more than that
 */
bool assess_is_low(const struct config *config, const struct core_crossing *crossing,
		   enum incident_level level);

/* --- what is known now (assess_source.c) --------------------------------------------- */

/** assess_key() - hash of a text */
uint64_t assess_key(const char *text);

/** assess_source_key(), assess_threshold_key() - of SITE/SOURCE, of TARGET/PARAMETER */
uint64_t assess_source_key(const struct config *config, size_t source);
uint64_t assess_threshold_key(const struct config *config, size_t threshold);

/** assess_parameter_key() - the same of a channel's name, whether or not there is a threshold */
uint64_t assess_parameter_key(const struct config *config, const struct config_target *target,
			      size_t channel);

/** assess_parameter() - what a path is about; NULL: of its way alone, or not configured any more */
const char *assess_parameter(const struct config *config, const struct crossing_path *path);

/** assess_source_of(), … - the index that such a key names; CONFIG_NONE not configured any more */
size_t assess_source_of(const struct config *config, uint64_t key);
size_t assess_target_of(const struct config *config, uint64_t key);
size_t assess_threshold_of(const struct config *config, uint64_t key);

/** assess_passage_of() - where a path's river meets its target; NULL: it takes no river */
const struct config_passage *assess_passage_of(const struct config *config,
					       const struct crossing_path *path);

/** assess_slot_key() - of an incident's site and kind */
uint64_t assess_slot_key(const struct core *core, size_t slot);

/** assess_value() - a channel's value in @unit; NAN none. @is_old: it is not good now */
double assess_value(const struct core *core, size_t channel, const char *unit, bool *is_old);

/** assess_bound() - a threshold in mg/l (water) or ug/m3 (air) */
double assess_bound(const struct config_threshold *threshold);

/** assess_air() - a concentration of @measure as ug/m3, or ug/Nm3 */
double assess_air_ug_m3(const char *measure, double value);

/**
 * struct assess_begin - when a release began, and how strong it was at least
 * @since: the earliest that a limit of the law was broken at the source in this incident: of a
 *	value the first beyond it, of a mean the begin of its window
 * @mean: the highest mean of the channel that has broken a limit, in its own unit; NAN none has
 * @rate_kg_s: the mean mass flow since then; NAN not summed up. Only with @mean.
 * @flags: FLAG_MEAN, or 0
 */
struct assess_begin {
	struct stamp since;
	double mean;
	double rate_kg_s;
	uint64_t flags;
};

/** assess_was_broken() - is a limit one of the law that was broken in this incident? */
bool assess_was_broken(const struct core *core, const struct core_incident *incident, size_t limit);

/** assess_since() - when a source's release began in an incident */
struct stamp assess_since(const struct core *core, const struct core_incident *incident,
			  size_t source);

/** assess_begin() - of what a channel measures, in an incident */
struct assess_begin assess_begin(const struct core *core, const struct core_incident *incident,
				 size_t channel);

/**
 * assess_mass() - the mass of a channel that was let go, and how much of it was measured
 * @end: now, or when the release was over: no gap after it is filled
 */
struct assess_mass assess_mass(const struct core *core, size_t channel, struct stamp end);

/** assess_river_case() - what flows from a source's channel into its river now.
 * Return: flags; FLAG_NO_FLOW, FLAG_NO_RAIN: nothing can be computed */
uint64_t assess_river_case(const struct core *core, size_t source, size_t channel,
			   const struct assess_begin *begin, struct river_case *ret);

/** assess_plume_case() - what a stack's channel lets into the air now. Return: flags */
uint64_t assess_plume_case(const struct core *core, size_t source, size_t channel,
			   const struct assess_begin *begin, struct plume_case *ret);

/* --- what counts as seen (assess_seen.c) ---------------------------------------------- */

/**
 * assess_seen() - take a channel's last good reading into what is due, if it is a new one
 * @beyond: would it confirm? One that would not begins anew; what is not good neither counts nor
 *	breaks off, more than ASSESS_BLIND_MS without a good one do.
 */
void assess_seen(const struct core *core, size_t channel, bool beyond, struct core_due *due);

/** assess_seen_ms() - so long readings have been so, one after the other */
int64_t assess_seen_ms(const struct core_due *due);

/** assess_seen_wanted_ms() - so long readings must be above a threshold to confirm: a minute, or
 * the raise delay of the channel's own limits if that is longer and no alarm of them stands */
int64_t assess_seen_wanted_ms(const struct core *core, size_t channel);

/** assess_seen_tick() - which limits have been broken for a minute: assess their incidents anew */
void assess_seen_tick(struct core *core);

/**
 * assess_lasts() - has a limit of the law of a source been broken for a minute in its incident?
 *
 * By good readings, all together; of a station for inbound, one after the other. A mean over an
 * hour or a day counts at once.
 */
bool assess_lasts(const struct core *core, size_t source);

/* --- due readings (assess_due.c) ------------------------------------------------------ */

/** assess_expect() - readings at a path's target are due. Return: false no room. */
bool assess_expect(struct core *core, const struct core_incident *incident,
		   const struct crossing_path *path);

/** assess_due_of() - what became of it; NULL nothing is or was due */
const struct core_due *assess_due_of(const struct core *core, const char *incident,
				     uint64_t threshold);

/** assess_due_flags() - FLAG_BEFORE_HIGH, FLAG_BEFORE_UNKNOWN: why a reading confirms nothing */
uint64_t assess_due_flags(const struct core_due *due, const struct config_threshold *threshold);

/** assess_due_tick() - look at the readings that are due */
void assess_due_tick(struct core *core, struct stamp at);

/* --- inbound.c ------------------------------------------------------------------------ */

/** inbound_watch() - note which channels upstream are beyond their limits or not measured */
void inbound_watch(struct core *core, struct stamp at);

/**
 * inbound_assess() - does what a border station measures come from beyond its boundary?
 *
 * By the parameters whose limits are broken at the station. A source upstream was in order where
 * the channel of that name was measured over the whole travel time, has a bound, and each of its
 * values was within it. The bound is its strictest limit of the law, on values or any mean: a mean
 * over a day breaks long after the spill is here. Without one it is not judged: what matters in a
 * river is no limit of an effluent. Where the station's own limit is on a mean, its length is added
 * to the travel time.
 *
 * Observed: own sources are named upstream, and all were in order, and the station's limit has been
 * broken for a minute, see assess_lasts(); until then possible. Unlikely: one was beyond its
 * bound. Possible: of one it is not known - no such channel, no bound, not measured - or none is
 * named. Observed falls when a source turns out to have been beyond its bound, and only then.
 * @before: the path when it was assessed last; NULL it was not
 */
void inbound_assess(const struct core *core, size_t source, struct stamp at,
		    const struct crossing_path *before, struct crossing_path *path);

/** inbound_describe() - which own sources speak against it, and how; or that none does */
void inbound_describe(const struct core *core, size_t source, struct stamp at,
		      const struct crossing_path *path, char text[static ASSESS_REASON_MAX]);

/* --- assess.c, assess_tick.c ---------------------------------------------------------- */

/** assess_tick() - assess what is due, one incident at most, and look at due readings */
void assess_tick(struct core *core, struct stamp at);

/** assess_of() - the assessment of an incident; NULL there is none of this one */
const struct core_crossing *assess_of(const struct core *core,
				      const struct core_incident *incident);

/** assess_paths() - all paths of an incident's sources into @crossing, verdicts too */
void assess_paths(const struct core *core, size_t slot, struct stamp at,
		  struct core_crossing *crossing);

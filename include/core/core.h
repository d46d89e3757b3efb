/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - measure and judge: from readings and ticks to entries and reports
 *
 * The deterministic machine in the middle. Time comes with every call; no clock is read,
 * no I/O is done, nothing is logged. What it finds out goes into a batch, which the caller
 * commits, prints or compares. The same code runs live, in `wastewatch replay` and in
 * tests.
 *
 * A stream is the readings and ticks of one poller, in order. Its time moves the windows
 * and delays of the channels that this poller reads. Streams are the slots of the plan;
 * replay has one.
 *
 *   reading → decode → screen → sample ┬→ windows → mean ─┬→ limit → alarm → incident → report
 *               states ──┘       │     └──────────────────┘
 *                                └→ derived channels → samples
 *
 * A window belongs to the wall clock. Where that is set back into windows that were closed
 * already, the last two of each length go on where they stood and close once more; a window
 * left early, by a step or a gap, is closed with what it has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/action.h"
#include "core/alarm.h"
#include "core/batch.h"
#include "core/config.h"
#include "core/crossing.h"
#include "core/event.h"
#include "core/facts.h"
#include "core/flood.h"
#include "core/forecast.h"
#include "core/limit.h"
#include "core/mass.h"
#include "core/plan.h"
#include "core/screen.h"
#include "core/window.h"

#define CORE_SPARSE_MINUTES 3
#define CORE_GAP_MS	    10000 /* a stream that says nothing for so long was away */
#define CORE_STEP_MS	    500	  /* wall and monotonic clock apart by so much: the clock was set */

#define CORE_FRESH_INTERVALS 3	   /* what is older than so many intervals is old */
#define CORE_STATE_MS	     60000 /* least time between two entries about one state */
#define CORE_REASON_MAX	     384

/**
 * enum core_reason - what stands behind a quality: kind << 16 | detail, see CORE_REASON()
 * The detail is a place in the channel's own list, so that it outlives a reload.
 */
enum core_reason {
	REASON_WIRE,	  /* Modbus exception, or enum wire_status, as the quality says; 0 none */
	REASON_STATE,	  /* a device's state says so; place in @states */
	REASON_NO_STATE,  /* a state was not read in time; place in @states */
	REASON_INPUT,	  /* an input is not good; place in @inputs */
	REASON_OLD_INPUT, /* nothing comes of an input; place in @inputs */
	REASON_DIVISOR,	  /* nothing can be divided by it */
	REASON_CONDITION, /* the enabling condition does not hold */
};
#define CORE_REASON(kind, detail) ((uint32_t)(kind) << 16 | (uint32_t)(detail))

/**
 * struct core_channel - where one channel stands
 * @value: last good value, at @good
 * @raw: last value of any quality, counts if @has_raw
 * @quality: of the last sample; STALE once that is old
 * @reason: see enum core_reason
 * @fine: last moment with a good value, or with nothing to measure
 * @seen: last sample of any quality
 * @mean: of the last whole minute; counts if @mean_valid
 */
struct core_channel {
	struct window minute;
	struct screen screen;
	double value;
	double raw;
	double mean;
	struct stamp good;
	struct stamp fine;
	struct stamp seen;
	uint32_t quality;
	uint32_t reason;
	bool has_value;
	bool has_raw;
	bool mean_valid;
	bool lost;
	bool sparse; /* lost, because too few good values come */
	bool idle;   /* not part of this run (replay of a few channels, what a drill only looks
		      * at): never judged, never lost, no rows */
	bool given;  /* replay: derived, but its values are in the file */
	bool fresh;  /* a sample came of which no channel has been derived yet */
	uint8_t capture;
	uint8_t n_sparse; /* minutes in a row with too few good values */
	uint8_t pad[6];
};

/**
 * struct core_state - where one state of a device stands
 * @raw: as read last
 * @quality: what it means
 * @said: quality that the last entry told; at first QUALITY_GOOD
 * @n_changes: since that entry
 * @seen: when it was read last
 * @since: when @quality began
 * @said_ms: monotonic, when the last entry was written, 0 never
 * @known: it was read, and the last attempt did not fail
 */
struct core_state {
	uint32_t raw;
	uint32_t quality;
	uint32_t said;
	uint32_t n_changes;
	struct stamp seen;
	struct stamp since;
	int64_t said_ms;
	bool known;
	uint8_t pad[7];
};

/**
 * struct core_windows - the longer windows of one channel, made of its minutes
 * @open: being filled, @start_ms -1: no minute yet; [WINDOW_1MIN] is not used, struct
 *   core_channel has the open minute
 * @last: the last that was closed, of every length; start_ms -1: none yet
 * @before: the one with values that was closed before @last, should the clock be set back
 * @unjudged: the last one had too few values for its limits, and that was said
 */
struct core_windows {
	struct window open[N_WINDOWS];
	struct window_row last[N_WINDOWS];
	struct window_row before[N_WINDOWS];
	bool unjudged[N_WINDOWS];
	uint8_t pad[8 - N_WINDOWS];
};

/**
 * struct core_incident - the incident of one kind at one site, if there is one
 * @id: "SITE-KIND-YYYYMMDDTHHMMSSZ", from the moment it opened; where the clock was set
 *   back, with the entry's number behind it, so that no two are the same. That of an exercise
 *   is "exercise.SITE-KIND-…-NUMBER": no name of a site holds a dot, so it can be no real one.
 * @begun_s: UTC second of the newest incident here, kept when it ends
 * @broken_ms: UTC start of the last window of each length whose mean broke a limit here, 0 none;
 *   kept, too, for it is known before the incident is there
 * @looked_ms: monotonic, when release_look() last did
 * @n_active: raised alarms of class limit or emergency
 * @quiet_since: when @n_active became 0
 * @over_ms: UTC; its release is over since then, but what it let go is still on its way to
 *   somebody, so that the incident goes on; 0 otherwise
 * @first_out: key of the limit that opened it
 * @told: hashes of the destinations that know of it, in the order in which they were told: the
 *   first report that one gets is "opened"
 * @n_told_first: so many of them were told when it opened
 * @dirty: something changed that the last report does not say
 * @acknowledged_ms, @acknowledged_by: UTC, and who has taken notice of it first; 0, "" nobody
 * @level: enum incident_level, only rises while it runs
 * @unconfigured: alarms of it were ended by a change of configuration, not by values
 */
struct core_incident {
	char id[INCIDENT_ID_MAX];
	uint64_t first_out;
	int64_t begun_s;
	int64_t broken_ms[N_WINDOWS];
	int64_t looked_ms;
	struct stamp opened;
	struct stamp quiet_since;
	struct stamp reported;
	int64_t over_ms;
	uint32_t class;
	uint32_t n_active;
	uint32_t n_alarms;
	uint32_t n_updates;
	uint64_t told[CONFIG_DESTINATIONS_MAX];
	int64_t acknowledged_ms;
	char acknowledged_by[ACTION_USER_MAX + 8];
	bool open;
	bool dirty;
	bool unconfigured;
	uint8_t level;	 /* enum incident_level */
	uint8_t reach;	 /* enum incident_level: what the assessment says may be reached */
	uint8_t verdict; /* enum crossing_verdict, the worst of all boundaries */
	uint8_t n_told_first;
	uint8_t pad[1];
};

/** incident_level_text() - "facility", "commune", "province", "national" */
const char *incident_level_text(enum incident_level level);

/** crossing_verdict_text() - "none", "unlikely", "possible", "likely", "observed" */
const char *crossing_verdict_text(enum crossing_verdict verdict);

/** struct core_stream - time of one poller's stream */
struct core_stream {
	struct stamp now;
	int64_t minute_ms; /* start of the open minute, -1 none */
	bool running;
	uint8_t pad[7];
	uint64_t n_late;
};

/**
 * struct core_forecast - what is foreseen for the open window of a limit on a mean
 * @window_ms: its start, UTC
 * @due_ms: UTC; from then on the window's mean breaks the limit whatever comes
 * @turned_ms: UTC; since then it has looked otherwise than @kind, 0 it does not
 * @kind: enum forecast_kind, what has held for long enough
 * @said: enum forecast_kind, what the last entry said of this window; NONE too when taken back
 */
struct core_forecast {
	int64_t window_ms;
	int64_t due_ms;
	int64_t turned_ms;
	struct forecast_rate rate;
	uint32_t kind;
	uint32_t said;
};

/**
 * struct core_limit - a limit, the worst of it while its alarm stands, and that alarm
 * @beyond_ms: for so long it was broken, all alarms of this incident together; a value counts
 *   until the next good one, for one and a half intervals at most, a window's mean for its window
 * @pending_ms: the same since "since", while the raise delay has not passed
 * @beyond: the last good value was; @run_ms: for so long all were, counted as above, up to that one
 * @lasts: for long enough in this incident to count, see assess_seen.c
 * @broken_ms: UTC start of the last window whose mean broke it; 0 none, or not on a mean
 * @certain_n, @certain_of: it was broken by a window that had only so many of so many values, which
 *   were enough to be sure, see limit.h; zeros: by a value or a mean
 */
struct core_limit {
	struct limit_state state;
	struct alarm_state alarm;
	struct core_forecast forecast;
	int64_t beyond_ms, pending_ms;
	struct stamp raised;
	double peak;
	int64_t peak_ms;
	struct stamp cleared; /* zeros while it stands */
	int64_t broken_ms;
	uint32_t certain_n, certain_of;
	bool beyond;
	uint8_t lasts, pad[2];
	uint32_t run_ms;
};

/**
 * struct core_tap - who else is given what comes to the front of a core, behind the core itself
 * What was too late for the core does not come here either.
 */
struct core_tap {
	void (*sample)(void *userdata, size_t channel, struct stamp at, double value,
		       enum quality quality, uint32_t reason);
	void (*tick)(void *userdata, size_t stream, struct stamp at);
	void *userdata;
};

/**
 * struct core_span - a channel whose mass is summed up over the windows of one length, too
 * @channel: limits of its site and kind are on the means of these windows
 */
struct core_span {
	size_t channel;
	enum window_length length;
};

struct core {
	const struct config *config; /* the caller's */
	const struct plan *plan;     /* the caller's */
	struct core_channel *channels;
	struct core_windows *windows; /* per channel */
	struct core_state *states;    /* per state of the configuration */
	struct core_limit *limits;
	struct alarm_notes *notes; /* per limit */
	struct flood flood;
	struct core_heartbeat heartbeats[CONFIG_DESTINATIONS_MAX];
	struct core_facts facts;
	struct core_incident *incidents; /* site × N_WASTE_KINDS + kind */
	struct core_crossing *crossings; /* as @incidents */
	struct core_due *dues;		 /* CROSSING_DUES_MAX */
	struct core_upstream *upstream;	 /* per channel; of sources upstream of a border station */
	int64_t assessed_ms; /* monotonic: the tick of all assessments; 0 none since the start */
	struct core_stream *streams;
	size_t n_streams;
	size_t *channel_limits; /* first limit of each channel; n_channels + 1 of them */
	uint32_t *interval_ms;	/* per channel, from one sample to the next */
	uint32_t *expected;	/* per channel, samples in a whole minute */
	uint32_t *lost_after_ms;
	bool *screened;	   /* per channel: a value that comes as good may be worth less */
	int64_t *watch_ms; /* per stream, monotonic: none of its channels is old or lost before */
	size_t *derived;   /* channels, ascending: what one is made of comes before it */
	size_t n_derived;
	bool *leads; /* per channel: something is derived of each sample, or its mass is reckoned */
	struct mass *masses;	/* per channel, of those in @released; see release.h */
	size_t *released;	/* channels whose mass is reckoned */
	size_t *released_above; /* of each, the limit above which it is reckoned, too, or none */
	size_t n_released;
	struct core_span *spans;	 /* see release.h */
	struct mass_window *span_masses; /* of each, over the open window */
	size_t *first_span;		 /* of each in @released; n_released + 1 of them */
	size_t n_spans;
	bool settles; /* core_settle() has something to do */
	bool ticks;   /* every tick has: there are states, boundaries or destinations */
	bool calm;    /* time does nothing to alarms and incidents until the next entry */
	struct chain chain;
	struct chain *log; /* where entries are chained: @chain, in an exercise the real core's */
	bool exercise;	   /* a drill: entries, reports and incidents are marked as such */
	struct batch *entries;	    /* where entries go: @batch, in an exercise the real core's */
	const struct core_tap *tap; /* the caller's; NULL nobody listens */
	char log_id[17];	    /* of the record; part of every report's id */
	bool windows_dirty;	    /* @windows changed since they were saved last */
	struct batch *batch;	    /* the caller's */
};

/**
 * core_new() - a core at rest
 * @config, @plan, @batch: outlive the core
 */
int core_new(struct core **ret, const struct config *config, const struct plan *plan,
	     struct batch *batch);

/** core_free() - takes NULL. Return: NULL. */
struct core *core_free(struct core *core);
DEFINE_CLEANUP(struct core *, core_free)

/**
 * core_reading() - one reading of a poller, its registers behind it; concerns the channels
 * inside the part of the request that it is about
 * Return: 0; -ENOENT no such request; -EINVAL it has no such part.
 */
int core_reading(struct core *core, size_t stream, struct stamp at,
		 const struct wire_reading *reading);

/**
 * core_sample() - one value of one channel; what core_reading() ends in, and replay begins
 * @value: NAN there is none
 * @reason: see enum core_reason, 0 none
 */
void core_sample(struct core *core, size_t channel, struct stamp at, double value,
		 enum quality quality, uint32_t reason);

/**
 * core_settle() - derive what depends on samples that have come since the last call
 *
 * core_reading() ends with it; a caller of core_sample() calls it when all samples of one
 * moment are in. When time moves on it happens by itself.
 */
void core_settle(struct core *core);

/** core_tick() - time goes on for a stream: minutes end, measurements are lost, incidents end */
void core_tick(struct core *core, size_t stream, struct stamp at);

/** core_event() - put an event into the batch as an entry, chained to the last one */
void core_event(struct core *core, const struct event *event);

/** core_set_interval() - replay: the channel's samples come every @interval_ms, not as configured
 */
void core_set_interval(struct core *core, size_t channel, uint32_t interval_ms);

/** core_take_as_given() - replay: a derived channel's samples are handed in, not derived */
void core_take_as_given(struct core *core, size_t channel);

/** core_join_streams() - replay: one stream for all channels, however many pollers there would be
 */
void core_join_streams(struct core *core);

/** core_now_of() - the time of the stream that a channel comes by */
static inline struct stamp core_now_of(const struct core *core, size_t channel)
{
	return core->streams[core->n_streams == 1 ? 0 : core->plan->channel_slot[channel]].now;
}

/** core_incident_of() - the incident of a channel's site and kind, open or not */
struct core_incident *core_incident_of(const struct core *core, size_t channel);

/** core_lost_reason() - why a channel has no good value, in words; @n: CORE_REASON_MAX does */
const char *core_lost_reason(const struct core *core, size_t channel, char *text, size_t n);

/** core_window_is_known() - has a window of this length been closed? @last[length] counts then */
static inline bool core_window_is_known(const struct core *core, size_t channel,
					enum window_length length)
{
	return core->windows[channel].last[length].start_ms >= 0;
}

/* --- incident.c ------------------------------------------------------------------- */

/** incident_alarm_raised() - an alarm was raised: open, join, escalate */
void incident_alarm_raised(struct core *core, size_t limit, struct stamp at, double value);

/** incident_alarm_cleared() - an alarm was cleared */
void incident_alarm_cleared(struct core *core, size_t limit, struct stamp at, double value);

/** incident_peak() - a raised limit has a new worst value */
void incident_peak(struct core *core, size_t limit, struct stamp at, double value);

/**
 * incident_gap() - nothing came for a while: what was quiet before need not be so
 * Nobody watched meanwhile, so the clear time begins anew.
 */
void incident_gap(struct core *core, struct stamp at);

/**
 * incident_removed() - an open incident that cannot go on here: say so and report it
 * @summary: data of its last report
 * @told: names of the destinations that know of it, a space behind each
 */
void incident_removed(struct core *core, const char *id, const char *summary, const char *told,
		      struct stamp at, const char *reason);

/**
 * incident_assessed() - the assessment of an open incident says something new
 *
 * @incident->verdict and @incident->reach are set: the level rises where they say so, with an
 * entry, and all whom it concerns get an update at once.
 * @reason: what is new, in words
 */
void incident_assessed(struct core *core, struct core_incident *incident, struct stamp at,
		       const char *reason);

/** incident_stop() - end all that are open, whatever their alarms say; @reason: why, in words */
void incident_stop(struct core *core, struct stamp at, const char *reason);

/** incident_tick() - send what is due, end what is quiet. Return: there is no incident. */
bool incident_tick(struct core *core, struct stamp at);

/**
 * incident_recount() - after a change of configuration: count the standing alarms anew
 * An incident whose alarms are all gone becomes quiet and ends after the clear time; an alarm
 * that has become one of class limit opens one.
 */
void incident_recount(struct core *core, struct stamp at);

/* --- alarms.c ---------------------------------------------------------------------- */

/** alarm_broken() - a limit was broken: raise its alarm, and what follows from that */
void alarm_broken(struct core *core, size_t limit, struct stamp at, double value);

/** alarm_back() - a limit is back: clear its alarm, and what follows from that */
void alarm_back(struct core *core, size_t limit, struct stamp at, double value);

/** alarm_say() - the entry of an alarm that was raised or cleared, and its row */
void alarm_say(struct core *core, enum event_type type, size_t limit, struct stamp at,
	       double value);

/**
 * alarm_tick() - shelvings end, conditions change, alarms repeat, floods begin
 * Return: time alone will do nothing to any alarm as they are now.
 */
bool alarm_tick(struct core *core, struct stamp at);

/** alarm_condition_text() - as alarm_text() */
const char *alarm_condition_text(const struct core *core, size_t limit);

/** alarm_figures() - how bad it is altogether; see flood.h */
struct flood_figures alarm_figures(const struct core *core, struct stamp at);

/* --- foresee.c -------------------------------------------------------------------- */

/** alarm_forecast() - a stream's minute is over: what will its longer windows come to? */
void alarm_forecast(struct core *core, size_t stream, struct stamp at);

/* --- snapshot.c ------------------------------------------------------------------- */

/**
 * core_save() - the whole state as bytes
 * @ret: freed by the caller
 * Things are named by hashes of their paths, so that the bytes fit a changed configuration.
 */
int core_save(const struct core *core, void **ret, size_t *ret_n);

/**
 * core_restore() - take the state of core_save() over
 * What is no longer configured is dropped; what is new starts at rest.
 * Return: 0; 1 the bytes are of another version and were not used; -EBADMSG damaged.
 */
int core_restore(struct core *core, const void *bytes, size_t n);

/**
 * core_save_windows() - the longer windows as bytes, as core_save()
 *
 * They change once a minute, the rest with every reading: so they are apart, and @windows_dirty
 * tells when to write them.
 */
int core_save_windows(const struct core *core, void **ret, size_t *ret_n);

/** core_restore_windows() - take them over; as core_restore() */
int core_restore_windows(struct core *core, const void *bytes, size_t n);

/**
 * core_rebuild_window() - where the bytes of the windows cannot be used: one minute of the record
 * @row: the rows of a channel in the order of their time, from the start of the open day on
 * Nothing is judged: these windows' means have been.
 */
void core_rebuild_window(struct core *core, size_t channel, const struct window_row *row);

/** core_rebuilt() - those were all minutes: windows that are over are closed */
void core_rebuilt(struct core *core);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_schema.h - which keys there are, and the walk that holds a file against them
 *
 * One row per key, with type, bounds, default and help: checks, defaults and messages all
 * come from the row. What concerns more than one key is checked by the mapping's finish().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/config_yaml.h"

enum option_type {
	OPTION_TEXT,	  /* char *; max: bytes */
	OPTION_INTEGER,	  /* uint8_t … uint64_t, by the size of the field */
	OPTION_NUMBER,	  /* double */
	OPTION_DURATION,  /* uint32_t; min and max in the field's unit */
	OPTION_CHOICE,	  /* an enum or an unsigned int */
	OPTION_NUMBERS,	  /* double[2] */
	OPTION_DURATIONS, /* uint32_t[2] */
	OPTION_CODES,	  /* struct config_codes */
	OPTION_NAMES,	  /* struct config_words; max: how many at most */
	OPTION_LIST,	  /* of mappings; min: how many at least */
};

struct config_choice {
	const char *text; /* NULL ends the list */
	unsigned int value;
};

struct config_codes {
	uint64_t value[DECODE_INVALID_MAX];
	size_t n;
};

/**
 * struct config_option - one key
 * @offset, @size: of the field in the draft of its mapping
 * @standard: default, in the form of the file, elements parted by spaces; NULL: the key
 *   must be there; "": it may be left out, the field is "" or zero then
 * @unit_us: durations: what one of the field is
 * @check: texts: NULL for a good one, else "what is wrong; what is allowed"
 * @help: what to write, behind the message that the key is missing
 */
struct config_option {
	const char *key;
	enum option_type type;
	size_t offset;
	size_t size;
	const char *standard;
	double min;
	double max;
	const char *help;
	int64_t unit_us;
	const struct config_choice *choices;
	const char *(*check)(const char *text);
	const struct config_group *group;
};

#define CONFIG_OPTIONS_MAX 48

struct config_mapping;

/**
 * struct config_base - a mapping of a profile that fills the keys which were left out
 * @node: NULL there is none
 * @key: the key that asks for it; errors about what it fills in are reported there
 * @bad: errors in the profile have been reported; say no more about it
 */
struct config_base {
	const struct config_node *node;
	const char *key;
	bool bad;
};

/**
 * struct config_group - one kind of mapping
 * @what: "channel", for messages
 * @options: the lists behind all others: they are walked after finish(), in the order of
 *   the table, so that what is referred to is there whatever the order in the file
 * @size: of the draft
 * @base: find what fills the keys left out, NULL nothing does; lists and "name" are never
 *   filled. Called first, so it may look at the values' texts only. Return: 0; -ENOMEM.
 * @finish: check what concerns several keys and move the draft into the configuration.
 *   Called also when keys were bad, so that nothing that refers to it seems to dangle.
 *   Return: 0; -ENOMEM.
 * @done: what is to do when the lists have been walked too, NULL nothing. Return: 0; -ENOMEM.
 */
struct config_group {
	const char *what;
	const struct config_option *options;
	size_t n_options;
	size_t size;
	int (*base)(struct config_mapping *mapping, struct config_base *ret);
	int (*finish)(struct config_mapping *mapping, void *draft);
	int (*done)(struct config_mapping *mapping);
};

enum option_state { OPTION_ABSENT, OPTION_STANDARD, OPTION_GIVEN, OPTION_BAD };

struct config_reader;
struct drill_scenario;

/**
 * struct config_mapping - one of the file's, while it is read
 * @n_errors: those that had been reported before it
 * @unknown: there are keys in it that no row has, which was reported: one may be meant for another
 */
struct config_mapping {
	struct config_reader *reader;
	const struct config_group *group;
	const struct config_node *node;
	const struct config_node *value[CONFIG_OPTIONS_MAX];
	enum option_state state[CONFIG_OPTIONS_MAX];
	bool filled[CONFIG_OPTIONS_MAX]; /* from @base */
	struct config_base base;
	size_t n_errors;
	bool unknown;
};

/**
 * struct config_profile - an instrument's profile that a unit has asked for
 * @file: where it was read; owned by the reader
 * @root: NULL: it could not be read, which was reported
 * @bad: there are errors in it, they were reported
 * @first_state, @n_states, @first_hole, @n_holes: what the first unit got from it, in the
 *   configuration; further units get copies
 */
struct config_profile {
	char *name;
	const char *file;
	struct config_node *root;
	bool bad;
	size_t first_state;
	size_t n_states;
	size_t first_hole;
	size_t n_holes;
};

/**
 * struct config_reader - where the walk is
 * @site, @unit, @state, @source, @station: what lists that are walked now belong to, indices
 *   into @config
 * @unit_name: of @unit, which may be not yet there; NULL unknown
 * @state_bits: width of @state, 0 unknown
 * @first_link, @first_unit, @first_channel: where those of this site or source begin
 * @first_site_channel: where the channels of this site begin
 * @names: tsearch() tree of all names, see config_names.h
 * @files: names of all files so far; the names refer to them
 * @main_bad: there are errors in wastewatch.yaml; @main_file: its path
 * @profiles: all that were asked for so far
 * @profile: the one that is walked now, NULL none
 * @scenario: the drill's that is walked now, see drill_scenario.h; then there is no @config
 * @references: to channels and sources that are read later, see config_reference.h
 * @first_standard, @first_limit: where those of this source begin
 * @making: limits are made that are in no file, of the standard with this index less 1; 0 none
 * @catalogues: all that were asked for so far, see config_catalogue.h
 * @applied: of each of the configuration's standards, see config_standard.h
 */
struct config_reader {
	struct config *config;
	struct drill_scenario *scenario;
	struct config_report *report;
	const char *file;
	size_t site;
	size_t unit;
	size_t state;
	size_t source;
	size_t station;
	const char *unit_name;
	unsigned int state_bits;
	size_t first_link;
	size_t first_unit;
	size_t first_channel;
	size_t first_site_channel;
	void *names;
	char **files;
	size_t n_files;
	bool main_bad;
	const char *main_file;
	struct config_profile *profiles;
	size_t n_profiles;
	const struct config_profile *profile;
	struct config_reference *references;
	size_t n_references;
	size_t first_standard;
	size_t first_limit;
	size_t making;
	struct catalogue *catalogues;
	size_t n_catalogues;
	struct config_applied *applied;
	size_t n_applied;
};

extern const struct config_group config_main_group;	/* wastewatch.yaml */
extern const struct config_group config_site_group;	/* sites.d/NAME.yaml */
extern const struct config_group config_profile_group;	/* profiles/NAME.yaml */
extern const struct config_group config_scenario_group; /* drills/NAME.yaml */
extern const struct config_group config_boundary_group;
extern const struct config_group config_river_group;
extern const struct config_group config_receptor_group;
extern const struct config_group config_upstream_group;
extern const struct config_group config_limit_group;  /* a source's limit */
extern const struct config_choice config_limit_ons[]; /* enum limit_on */

/** config_walk() - hold a mapping and all below it against @group. Return: 0; -ENOMEM. */
int config_walk(struct config_reader *reader, const struct config_group *group,
		const struct config_node *node);

/** config_state() - what became of a key; @key must be in the mapping's table */
enum option_state config_state(const struct config_mapping *mapping, const char *key);

/** config_usable() - the key has a good value, given or default */
bool config_usable(const struct config_mapping *mapping, const char *key);

/** config_given() - the file has a good value for the key, no default */
bool config_given(const struct config_mapping *mapping, const char *key);

/** config_filled() - the key's value is from a profile */
bool config_filled(const struct config_mapping *mapping, const char *key);

/** config_error() - report at the value of @key, or at the mapping when it was not given */
void config_error(const struct config_mapping *mapping, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** config_error_item() - the same at the @i-th element of a list */
void config_error_item(const struct config_mapping *mapping, const char *key, size_t i,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** config_lacking() - report that @key, which may be left out elsewhere, must be there */
void config_lacking(const struct config_mapping *mapping, const char *key);

/** config_scalar() - text of a key as it stands in the file; NULL: absent or no scalar */
const char *config_scalar(const struct config_mapping *mapping, const char *key);

/** config_node_of() - a key's value, for its place; the mapping where it was not given */
const struct config_node *config_node_of(const struct config_mapping *mapping, const char *key);

/** config_warning() - the same as a warning */
void config_warning(const struct config_mapping *mapping, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What finish() of each mapping gets: the thing itself, and what is resolved only then. */

struct main_draft {
	struct config config; /* only its plain fields */
	char *timezone;
};

struct destination_draft {
	struct config_destination destination;
	struct config_words kinds;
};

struct site_draft {
	struct config_site site;
	double position[2];
	char *speed_from;
	char *direction_from;
	char *stability_from;
	char *air_from;
};

struct link_draft {
	struct config_link link;
	char *tcp;
	char *rtu;
	char *rtu_tcp;
	uint32_t backoff_ms[2];
	uint32_t rts_before_ms;
	uint32_t rts_after_ms;
	bool rs485;
	bool rts_low_on_send;
	bool rx_during_tx;
};

struct unit_draft {
	struct config_unit unit;
	char *link;
};

struct hole_draft {
	struct config_hole hole;
	unsigned int table; /* the Modbus function that reads it */
};

struct state_draft {
	struct config_state state;
	unsigned int table;
	unsigned int type;
	unsigned int byte;
	char *order;
};

struct rule_draft {
	struct config_rule rule;
};

struct source_draft {
	struct config_source source;
	char *flow;
	double position[2];
	char *river;
	double at_km;
	bool at_bank;
	char *velocity_from;
	char *temperature_from;
	char *rain_from;
	char *inbound_from;
};

/** struct target_draft - a boundary or receptor */
struct target_draft {
	struct config_target target;
	char *file;
	double position[2];
	char *river;
	double at_km;
};

struct threshold_draft {
	struct config_threshold threshold;
	char *measured_by;
};

struct river_draft {
	struct config_river river;
	char *flow_from;
	char *temperature_from;
};

struct reach_draft {
	struct config_reach reach;
	double length_km;
};

struct water_draft {
	struct config_water water;
	char *measure;
};

struct passage_draft {
	char *boundary;
	double at_km;
	char *place;
	double position[2];
};

struct upstream_draft {
	char *source;
	uint32_t travel_s;
};

/** struct channel_draft - also a profile's signal and a derived channel */
struct channel_draft {
	struct config_channel channel;
	char *from;
	char *signal;
	char *order;
	unsigned int table; /* the Modbus function that reads it */
	unsigned int type;
	unsigned int byte; /* 8 high, 0 low */
	double range[2];
	struct config_codes invalid;
	struct config_words states;
	struct config_words inputs;
	char *enabled_by;
	double enabled_above;
	double enabled_below;
};

struct limit_draft {
	struct config_limit limit;
	char *channel;
	double high;
	double low;
	char *standard;
	unsigned int side; /* enum config_side */
	unsigned int percent;
	char *enabled_by;
	double enabled_above;
	double enabled_below;
	char *suppressed_by;
};

enum config_side { SIDE_LOW, SIDE_HIGH };

/** struct standard_draft - a row of a source's standards */
struct standard_draft {
	struct config_standard standard;
	char *column;
	char *zone;
	char *which;
	char *operating_since;
	char *advice;
	double factors[N_FACTORS];
	char *by[N_BYS]; /* that of BY_ZONE_TYPE is a number of its own */
	unsigned int zone_type;
	unsigned int all;
	enum limit_on on;
};

struct station_draft {
	struct config_station station;
	char *destination;
};

struct parameter_draft {
	struct config_parameter parameter;
	char *channel;
};

struct profile_draft {
	char *profile;
	char *title;
	char *document;
	char *unverified;
	struct config_unit unit; /* its defaults */
};

/** config_name_state() - set its path. Return: 0; -ENOMEM. */
int config_name_state(const struct config_reader *reader, struct config_state *state);

int config_base_unit(struct config_mapping *mapping, struct config_base *ret);
int config_base_channel(struct config_mapping *mapping, struct config_base *ret);

int config_finish_main(struct config_mapping *mapping, void *draft);
int config_finish_destination(struct config_mapping *mapping, void *draft);
int config_finish_site(struct config_mapping *mapping, void *draft);
int config_finish_link(struct config_mapping *mapping, void *draft);
int config_finish_unit(struct config_mapping *mapping, void *draft);
int config_finish_hole(struct config_mapping *mapping, void *draft);
int config_finish_state(struct config_mapping *mapping, void *draft);
int config_finish_rule(struct config_mapping *mapping, void *draft);
int config_finish_source(struct config_mapping *mapping, void *draft);
int config_finish_standard(struct config_mapping *mapping, void *draft);
int config_done_source(struct config_mapping *mapping);
int config_take_standards(struct config_mapping *mapping);
int config_find_flow(struct config_mapping *mapping);
int config_finish_channel(struct config_mapping *mapping, void *draft);
int config_finish_derived(struct config_mapping *mapping, void *draft);
int config_finish_limit(struct config_mapping *mapping, void *draft);
int config_finish_station(struct config_mapping *mapping, void *draft);
int config_finish_parameter(struct config_mapping *mapping, void *draft);
int config_finish_boundary(struct config_mapping *mapping, void *draft);
int config_finish_receptor(struct config_mapping *mapping, void *draft);
int config_finish_threshold(struct config_mapping *mapping, void *draft);
int config_finish_river(struct config_mapping *mapping, void *draft);
int config_finish_reach(struct config_mapping *mapping, void *draft);
int config_finish_water(struct config_mapping *mapping, void *draft);
int config_finish_passage(struct config_mapping *mapping, void *draft);
int config_finish_upstream(struct config_mapping *mapping, void *draft);
int config_finish_profile(struct config_mapping *mapping, void *draft);
int config_finish_signal(struct config_mapping *mapping, void *draft);

/** config_destinations_check() - once all is read: are the sites, boundaries and receptors there
 * that destinations name?
 */
void config_destinations_check(struct config_reader *reader);

/** config_names_free() - forget the names of a walk */
void config_names_free(struct config_reader *reader);

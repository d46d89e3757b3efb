/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what wastewatch.yaml and sites.d/ say, checked
 *
 * Read by the core and by the tools, never by poller or sender. A struct config that
 * config_load() has handed out is consistent: every index points somewhere, every number
 * is in its bounds, every name is unique. It is constant afterwards.
 *
 * All arrays are flat, in the order of the files; things refer to each other by index. In a
 * source derived channels come behind the measured ones, so that inputs have smaller indices.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/macro.h"
#include "common/wire.h"
#include "core/alarm_rules.h"
#include "core/catalogue.h"
#include "core/config_crossing.h"
#include "core/config_held.h"
#include "core/decode.h"
#include "core/quality.h"

#define CONFIG_DESTINATIONS_MAX 16
#define CONFIG_RULES_MAX	12 /* per state */
#define CONFIG_STATES_MAX	8  /* per channel */
#define CONFIG_INPUTS_MAX	8  /* per derived channel */
#define CONFIG_WORDS_MAX	16 /* of a list of names */
#define CONFIG_NAME_MAX		32 /* bytes of a name; letters, digits, "_" and "-", first one a letter */

enum waste_kind { WASTE_LIQUID, WASTE_GAS, WASTE_SOLID, WASTE_KIND_MAX = WASTE_SOLID };
#define N_WASTE_KINDS (WASTE_KIND_MAX + 1)

/** waste_kind_text() - "liquid", "gas", "solid" */
const char *waste_kind_text(enum waste_kind kind);

/**
 * enum formula - how a derived channel comes about; x, y, … are its inputs, in order
 *
 * Source of OXYGEN: QCVN 19:2024/BTNMT; x at the measured oxygen y, in per cent by volume.
 */
enum formula {
	FORMULA_NONE,	    /* a measured channel */
	FORMULA_OXYGEN,	    /* x × (20.9 - reference) / (20.9 - y); no value at y >= 20.9 */
	FORMULA_LOAD,	    /* x × y × factor, concentration × flow; mg/l × m3/h = g/h */
	FORMULA_SUM,	    /* (x + y + …) × factor */
	FORMULA_DIFFERENCE, /* (x - y) × factor */
	FORMULA_RATIO,	    /* x / y × factor; no value where y is nearer to 0 than @least */
};

/**
 * enum incident_level - Law on Environmental Protection 72/2020/QH14, Art. 123(1): by the extent of
 * the pollution; communes since districts ended on 1 July 2025 (Decree 131/2025/NĐ-CP)
 */
enum incident_level {
	LEVEL_FACILITY, /* stays inside the site */
	LEVEL_COMMUNE,	/* beyond it, within one commune */
	LEVEL_PROVINCE, /* beyond that, within one province */
	LEVEL_NATIONAL, /* two provinces or more, or across the national border */
};

/**
 * struct config_response - who acts at the site, and by which plan; texts, "" none
 * @plan: reference of the response plan
 * @command, @forces, @means, @supplies: "four on the spot" (bốn tại chỗ) of the plans for
 *   disasters and waste incidents (Decision 146/QĐ-TTg, plan 128/KH-UBND of Lạng Sơn)
 * @contact_…: whom the department calls
 */
struct config_response {
	char *plan;
	char *command;
	char *forces;
	char *means;
	char *supplies;
	char *contact_name;
	char *contact_phone;
	char *contact_email;
};

/** struct config_site - @drill_interval_min: a drill is due so long after the last one; 0 never */
struct config_site {
	char *name;
	char *title;   /* for people, any UTF-8; as every title: the name where none is given */
	char *cluster; /* "" none */
	char *commune; /* "" none */
	char *province;
	double latitude; /* degrees WGS84; NAN none */
	double longitude;
	struct config_response response;
	uint32_t drill_interval_min;
	char *file; /* where it was read from */
	struct config_met met;
};

/**
 * struct config_link - one connection; the fields that are not explained are those of struct
 * wire_link
 * @name: unique in its site
 * @host: numeric IPv4 or IPv6 address, or the absolute path of the serial device
 * @baud, @parity, @stop_bits: 0 on Modbus TCP; @baud 0 also on RTU over TCP where not given
 * @single: the device bears one connection only: `wastewatch probe` must not open a second.
 *   Always true of a serial device.
 */
struct config_link {
	char *name;
	size_t site;
	enum wire_link_kind kind;
	char *host;
	uint16_t port;
	uint32_t connect_timeout_ms;
	uint32_t backoff_min_ms;
	uint32_t backoff_max_ms;
	uint32_t first_delay_ms;
	uint32_t baud;
	uint8_t parity;
	uint8_t stop_bits;
	uint8_t rs485;
	uint16_t rts_before_ms;
	uint16_t rts_after_ms;
	bool single;
	unsigned int line; /* where it stands in its site's file, from 1 */
	unsigned int column;
};

/**
 * struct config_unit - a device on a link
 * @name: unique in its site
 * @id: Modbus unit id: TCP 0-247 and 255, RTU 1-247
 * @quiet_ms: RTU: its worst answer time, see struct wire_unit
 * @max_registers: longest request, 1-125; of bits 16 times as many, which are as many bytes
 * @max_gap: registers nobody asked for that a request may read through
 * @profile: name of the instrument's profile, "" none; its holes and states are among
 *   those of the unit, and its other words among the unit's and channels' fields
 */
struct config_unit {
	char *name;
	size_t link;
	uint8_t id;
	uint32_t interval_ms;
	uint32_t timeout_ms;
	uint32_t turnaround_ms;
	uint32_t quiet_ms;
	uint16_t max_registers;
	uint16_t max_gap;
	char *profile;
};

/** struct config_hole - registers or bits that must never be read, @last included */
struct config_hole {
	size_t unit;
	uint8_t function;
	uint16_t first;
	uint16_t last;
};

/** struct config_rule - where (raw & @mask) == @is, or with @any: != 0, it means @quality */
struct config_rule {
	uint32_t mask;
	uint32_t is;
	bool any;
	enum quality quality;
};

/**
 * struct config_state - a status register or bit of a unit, and what it says about its values
 * @path: "SITE/UNIT/STATE", unique
 * @decode: uint8, uint16, uint32 or bit; no scale
 * @rules: the first that fits counts; where none does, @otherwise
 */
struct config_state {
	char *name;
	char *path;
	size_t unit;
	uint8_t function;
	uint16_t address;
	struct decode decode;
	struct config_rule rules[CONFIG_RULES_MAX];
	size_t n_rules;
	enum quality otherwise;
};

/**
 * struct config_source - a release point
 * @name: unique in its site
 * @flow: the channel, one of its own, that measures what flows out with the concentrations;
 *   CONFIG_NONE
 * @level: least level of an incident that comes from here
 */
struct config_source {
	char *name;
	size_t site;
	enum waste_kind kind;
	char *title;
	size_t flow;
	struct config_release release;
	enum incident_level level;
};

/** config_lacks_river() - does water flow out of it, to where nobody has said? Of solid waste that
 * can slide, only where its leachate is configured. */
static inline bool config_lacks_river(const struct config_source *source)
{
	const struct config_release *release = &source->release;

	return release->river == CONFIG_NONE &&
	       (source->kind == WASTE_LIQUID ||
		(source->kind == WASTE_SOLID &&
		 (isnan(release->drop_m) || !isnan(release->leachate_area_m2))));
}

/** config_is_station() - does it measure what comes from elsewhere, and let nothing go itself? */
static inline bool config_is_station(const struct config_source *source)
{
	return source->release.only_measures || source->release.inbound_from != CONFIG_NONE;
}

/**
 * struct config_channel - one measured or derived quantity at a source
 * @path: "SITE/SOURCE/CHANNEL", unique
 * @unit: that delivers it; of a derived one: the unit of its first input's, all the way down
 * @measure: unit of measure, "" dimensionless
 * @function: Modbus function 1-4 that reads it; 0 for a derived one
 * @address: protocol address, 0-based
 * @decode: of a derived one only @decode.min and max count, its range
 * @interval_ms: time from one value to the next: its unit's, of a derived one the longest of
 *   its inputs'
 * @lost_after_ms: without a good value for so long the measurement counts as lost
 * @states: indices of the states whose worst verdict counts for each value
 * @frozen_after_ms: within @frozen_change for so long it counts as frozen; 0 never
 * @max_rate: believable change per minute, engineering units; 0 any
 * @conditional: there is something to measure only while the value of @enabled_by, a channel
 *   with a smaller index, is above (@enabled_above) or else below @enabled_bound
 * @inputs: of a derived channel, indices smaller than its own
 * @mass_factor: value × value of its source's flow × this is kg/s; 0 it is no concentration, or
 *   the source has no flow
 * @reference: FORMULA_OXYGEN: reference oxygen, per cent by volume
 * @least: FORMULA_RATIO: smallest denominator
 */
struct config_channel {
	char *name;
	char *path;
	char *title;
	size_t source;
	size_t unit;
	char *measure;
	uint8_t function;
	uint16_t address;
	struct decode decode;
	uint32_t interval_ms;
	uint32_t lost_after_ms;
	size_t states[CONFIG_STATES_MAX];
	size_t n_states;
	uint32_t frozen_after_ms;
	double frozen_change;
	double max_rate;
	bool conditional;
	bool enabled_above;
	size_t enabled_by;
	double enabled_bound;
	enum formula formula;
	size_t inputs[CONFIG_INPUTS_MAX];
	size_t n_inputs;
	double factor;
	double reference;
	double least;
	double mass_factor;
};

/** struct config_words - a list of names; those behind @n are NULL */
struct config_words {
	char *text[CONFIG_WORDS_MAX];
	size_t n;
};

/** enum destination_format - a report's; see report.h and cap.h */
enum destination_format { FORMAT_JSON, FORMAT_CAP };

/** enum destination_kind - from the scheme of its URL */
enum destination_kind { DESTINATION_REPORTS, DESTINATION_FILES };

/**
 * struct config_destination - where reports or data files go
 * @url: https://…; for files ftp://, ftpes:// or sftp:// HOST[:PORT]/DIRECTORY
 * @hmac_secret: name of the credential with the "whsec_…" secret, "" none: no v1 signature
 * @ca, @certificate, @key: names of the sender's credentials, "" none; with sftp @key is the
 *   private key to log in with
 * @user: files: name to log in with; @password: credential with the password, "" none
 * @host_key: sftp: credential with the server's key as in known_hosts
 * @format: of reports; @language: that comes first in an alert of CAP
 * @min_class, @min_level, @min_verdict: reports of incidents that have come this far
 * @kinds: of these kinds of waste, a bit 1 << enum waste_kind each; 0: of all
 * @sites: of these sites; none named: of all
 * @receptors: of those that may reach one of these boundaries or receptors; none named: of all
 * @drills: those of drills, too, marked as exercises
 * @per_min: so many reports, emergencies apart, or files a minute at the most
 * @clock_tolerance_ms: how wrong a time stamp its receiver bears
 * @heartbeat_ms: it is told something at least so often, 0 not
 * @sites_line, …: where "sites" and "receptors" stand in wastewatch.yaml
 */
struct config_destination {
	char *name;
	enum destination_kind kind;
	char *url;
	char *hmac_secret;
	char *ca;
	char *certificate;
	char *key;
	char *user;
	char *password;
	char *host_key;
	enum destination_format format;
	enum catalogue_language language;
	enum limit_class min_class;
	bool drills;
	uint32_t per_min;
	enum incident_level min_level;
	enum crossing_verdict min_verdict;
	uint32_t kinds;
	struct config_words sites;
	struct config_words receptors;
	uint32_t clock_tolerance_ms;
	uint32_t heartbeat_ms;
	unsigned int sites_line;
	unsigned int sites_column;
	unsigned int receptors_line;
	unsigned int receptors_column;
};

/**
 * struct config_station - one file of Circular 10/2021/TT-BTNMT every five minutes
 * @name: the station's, TenTram; unique in its site
 * @file: how file names begin: "TenTinh_TenCoSo_TenTram"
 * @directory: below the destination's, strftime() "%Y", "%m" and "%d" in it; "" none
 * @in_one_line: all parameters on one line instead of a line each
 * @crlf: lines end with CR LF
 * @decimals: places of a value, 0-9
 * @missing: what stands where there is no value
 * @time_is_start: the file's time is the window's start instead of its end
 * @first_parameter, @n_parameters: in @config's parameters
 */
struct config_station {
	char *name;
	size_t site;
	size_t destination;
	char *file;
	char *directory;
	char *missing;
	bool in_one_line;
	bool crlf;
	bool time_is_start;
	uint8_t decimals;
	size_t first_parameter;
	size_t n_parameters;
};

/**
 * struct config_parameter - a value in a station's file
 * @symbol: Appendix 15, Table 34 of the Circular, or what the department uses
 * @measure: unit of measure in the file, "" none
 */
struct config_parameter {
	size_t channel;
	char *symbol;
	char *measure;
};

/** struct config_reporter - who reports, as the hot-line form asks; texts, "" none */
struct config_reporter {
	char *name;
	char *address;
	char *phone;
	char *email;
};

/** struct config_storage - room on the disk of the record; 1 MiB = 2^20 bytes */
struct config_storage {
	uint32_t ballast_mib;  /* kept in a file, to be given up for entries */
	uint32_t low_mib;      /* less is free: said */
	uint32_t critical_mib; /* less is free: minute values are not stored */
	uint32_t low_inodes;
	uint32_t critical_inodes;
};

struct config {
	char *directory;
	char *origin; /* who speaks: station or cluster, a name */
	struct config_reporter reporter;
	int zone_min; /* local time minus UTC, minutes */
	uint32_t grid_ms;
	uint32_t capture_percent;	/* below it a window is invalid */
	uint32_t incident_clear_ms;	/* quiet for so long ends an incident */
	uint32_t report_interval_ms;	/* least time between updates of one incident */
	uint32_t verify_interval_ms;	/* the record is gone through so often, see chain.h */
	uint32_t minute_retention_days; /* at least 60, Circular 10/2021 Art. 39 */
	struct config_storage storage;
	uint8_t digest[32]; /* SHA-256, chained over names and bytes of the files, for the record */
	struct config_site *sites;
	struct config_link *links;
	struct config_unit *units;
	struct config_source *sources;
	struct config_channel *channels;
	struct config_standard *standards; /* in the order of the sources */
	struct config_limit *limits;	   /* grouped by channel, in the order of the channels */
	struct config_destination *destinations;
	struct config_hole *holes;   /* in the order of the units */
	struct config_state *states; /* in the order of the units */
	struct config_station *stations;
	struct config_parameter *parameters;
	size_t n_sites;
	size_t n_links;
	size_t n_units;
	size_t n_sources;
	size_t n_channels;
	size_t n_standards;
	size_t n_limits;
	size_t n_destinations;
	size_t n_holes;
	size_t n_states;
	size_t n_stations;
	size_t n_parameters;
	struct config_crossing crossing;
	size_t *channels_by_path; /* indices of @channels, sorted by path */
};

/** config_measured_as() - the channel itself; of a gas at reference oxygen the gas as it is
 * measured, for that is what spreads */
static inline size_t config_measured_as(const struct config *config, size_t channel)
{
	const struct config_channel *c = &config->channels[channel];

	while (c->formula == FORMULA_OXYGEN && c->n_inputs > 0 &&
	       config->channels[c->inputs[0]].source == c->source)
		c = &config->channels[c->inputs[0]];
	return (size_t)(c - config->channels);
}

/**
 * config_load() - read and check DIR/wastewatch.yaml and DIR/sites.d/\*.yaml, with the profiles
 * and standards that they name (see config_library.h)
 * @errors: where to write one line per error, "file:line:column: what is wrong; what is
 *   allowed"; NULL: nowhere. Warnings go there too, marked "warning:".
 * @ret_n_errors: how many errors there were, NULL allowed
 *
 * Goes on after an error where the parser can, so that all errors are listed.
 * Return: 0; -EINVAL errors in the files; -ENOENT no wastewatch.yaml (said in @errors too);
 *   -ENOMEM; -errno. @ret is untouched on failure.
 */
int config_load(struct config **ret, const char *directory, FILE *errors, size_t *ret_n_errors);

/** config_free() - takes NULL and half-built ones. Return: NULL. */
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free)

/** config_channel_find() - index of "SITE/SOURCE/CHANNEL". Return: 0; -ENOENT. */
int config_channel_find(const struct config *config, const char *path, size_t *ret);

/** config_limits_of() - first limit of a channel and how many there are */
size_t config_limits_of(const struct config *config, size_t channel, size_t *ret_first);

/** config_site_of() - site index of a channel */
static inline size_t config_site_of(const struct config *config, size_t channel)
{
	return config->sources[config->channels[channel].source].site;
}

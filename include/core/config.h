/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what wastewatch.yaml and sites.d/ say, checked
 *
 * Read by the core and by the tools, never by poller or sender. A struct config that
 * config_load() has handed out is consistent: every index points somewhere, every number
 * is in its bounds, every name is unique. It is constant afterwards.
 *
 * All arrays are flat, in the order of the files; things refer to each other by index.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/macro.h"
#include "core/decode.h"

#define CONFIG_DESTINATIONS_MAX 16
#define CONFIG_NAME_MAX		32 /* bytes of a name; letters, digits, "_" and "-", first one a letter */

enum waste_kind { WASTE_LIQUID, WASTE_GAS, WASTE_SOLID, WASTE_KIND_MAX = WASTE_SOLID };
#define N_WASTE_KINDS (WASTE_KIND_MAX + 1)

/** waste_kind_text() - "liquid", "gas", "solid" */
const char *waste_kind_text(enum waste_kind kind);

enum limit_class { CLASS_WARNING, CLASS_LIMIT, CLASS_EMERGENCY };

/** limit_class_text() - "warning", "limit", "emergency" */
const char *limit_class_text(enum limit_class class);

/** enum limit_on - what the limit is held against */
enum limit_on { LIMIT_ON_VALUE, LIMIT_ON_MEAN_1MIN };

struct config_site {
	char *name;
	char *title;   /* for people, any UTF-8; as every title: the name where none is given */
	char *cluster; /* "" none */
	char *commune; /* "" none */
	char *province;
	double latitude; /* degrees WGS84; NAN none */
	double longitude;
	char *file; /* where it was read from */
};

struct config_link {
	char *name; /* unique in its site */
	size_t site;
	char *host; /* numeric IPv4 or IPv6 */
	uint16_t port;
	uint32_t connect_timeout_ms;
	uint32_t backoff_min_ms;
	uint32_t backoff_max_ms;
};

struct config_unit {
	char *name; /* unique in its site */
	size_t link;
	uint8_t id; /* Modbus unit id: 0-247, 255 */
	uint32_t interval_ms;
	uint32_t timeout_ms;
	uint16_t max_registers; /* longest request, 1-125 */
	uint16_t max_gap;	/* registers nobody asked for that a request may read through */
};

struct config_source {
	char *name; /* unique in its site */
	size_t site;
	enum waste_kind kind;
	char *title;
};

/**
 * struct config_channel - one measured quantity at a source
 * @path: "SITE/SOURCE/CHANNEL", unique
 * @measure: unit of measure, "" dimensionless
 * @function: Modbus function 1-4 that reads it
 * @address: protocol address, 0-based
 * @lost_after_ms: without a good value for so long the measurement counts as lost
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
	uint32_t lost_after_ms;
};

/**
 * struct config_limit - what a channel's value or mean may not exceed or fall below
 * @path: "SITE/SOURCE/CHANNEL/LIMIT", unique
 * @name: default: class and side, "limit-high"
 * @high: true: broken above @bound; false: broken below
 * @deadband: a high limit clears at or below @bound - @deadband, a low one mirrored
 * @origin: where the number comes from, in words a lawyer can look up
 * @advice: what the operator should do, "" none
 */
struct config_limit {
	char *name;
	char *path;
	size_t channel;
	enum limit_class class;
	enum limit_on on;
	bool high;
	double bound;
	double deadband;
	uint32_t raise_delay_ms;
	uint32_t clear_delay_ms;
	char *origin;
	char *advice;
};

/**
 * struct config_destination - where reports go
 * @hmac_secret: name of the credential with the "whsec_…" secret, "" none: no v1 signature
 * @ca, @certificate, @key: names of the sender's credentials, "" none
 * @min_class: reports of incidents of this class and above
 */
struct config_destination {
	char *name;
	char *url;
	char *hmac_secret;
	char *ca;
	char *certificate;
	char *key;
	enum limit_class min_class;
};

struct config {
	char *directory;
	char *origin; /* who speaks: station or cluster, a name */
	int zone_min; /* local time minus UTC, minutes */
	uint32_t grid_ms;
	uint32_t capture_percent;	/* below it a window is invalid */
	uint32_t incident_clear_ms;	/* quiet for so long ends an incident */
	uint32_t report_interval_ms;	/* least time between updates of one incident */
	uint32_t minute_retention_days; /* at least 60, Circular 10/2021 Art. 39 */
	uint8_t digest[32]; /* SHA-256, chained over names and bytes of the files, for the record */
	struct config_site *sites;
	struct config_link *links;
	struct config_unit *units;
	struct config_source *sources;
	struct config_channel *channels;
	struct config_limit *limits; /* grouped by channel, in the order of the channels */
	struct config_destination *destinations;
	size_t n_sites;
	size_t n_links;
	size_t n_units;
	size_t n_sources;
	size_t n_channels;
	size_t n_limits;
	size_t n_destinations;
	size_t *channels_by_path; /* indices of @channels, sorted by path */
};

/**
 * config_load() - read and check DIR/wastewatch.yaml and DIR/sites.d/\*.yaml
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

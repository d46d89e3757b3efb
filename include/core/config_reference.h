/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_reference.h - names of channels and sources that are read later than what refers to them
 *
 * wastewatch.yaml is read before the sites, and a source's keys before its channels: such names
 * are noted with their place and found when all files have been read.
 */
#pragma once

#include "core/config_schema.h"
#include "core/units.h"

/** enum config_referrer - whose field the index goes into */
enum config_referrer { BY_SITE, BY_SOURCE, BY_THRESHOLD, BY_RIVER, BY_UPSTREAM };

/**
 * struct config_reference - a name that is not yet known
 * @index: of the referring thing in its array
 * @offset: of the size_t in it
 * @path: SITE/SOURCE/CHANNEL, or SITE/SOURCE where @to_source
 * @wanted: what the channel must measure; UNIT_NONE anything
 * @other: also good; UNIT_NONE nothing else
 */
struct config_reference {
	enum config_referrer by;
	size_t index;
	size_t offset;
	char *path;
	bool to_source;
	enum unit_dimension wanted;
	enum unit_dimension other;
	const char *key;
	const char *file;
	unsigned int line;
	unsigned int column;
};

/**
 * config_refer() - note what @key names; its place is taken from @mapping
 * @reference: @path is moved if it is set; NULL: nothing happens
 * Return: 0; -ENOMEM.
 */
int config_refer(const struct config_mapping *mapping, const char *key,
		 struct config_reference reference, char **path);

/** config_references_resolve() - find them all, report those that are not there, check units and
 * what of rivers, sources and thresholds must fit together */
void config_references_resolve(struct config_reader *reader);

/** config_references_free() - forget them */
void config_references_free(struct config_reader *reader);

/**
 * config_find_target() - a boundary or receptor, or a river, by its name; reported where not
 * @kind: KIND_TARGET or KIND_RIVER of config_names.h
 * Return: its index; CONFIG_NONE.
 */
size_t config_find_named(const struct config_mapping *mapping, const char *key, int kind,
			 const char *wanted);

/** config_take_met(), config_take_release() - a site's and a source's part of the crossing */
int config_take_met(struct config_mapping *mapping, struct site_draft *draft);
int config_take_release(struct config_mapping *mapping, struct source_draft *draft);

/** config_take_place() - "[latitude, longitude]" of a key; NANs where it is not given or bad */
struct boundary_point config_take_place(const struct config_mapping *mapping, const char *key,
					const double position[2]);

/** config_check_crossing() - units of thresholds, concentrations and flows, ways upstream */
void config_check_crossing(struct config_reader *reader);

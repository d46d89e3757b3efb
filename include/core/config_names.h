/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_names.h - names that must be unique or must exist, and lists that grow
 *
 * For the finish() functions of the mappings only.
 */
#pragma once

#include "core/config_schema.h"

#define CONFIG_LISTING_MAX 400 /* bytes of known names in a message */
#define CONFIG_SUGGESTION  3   /* edits: beyond it is another word */

/** enum config_kind - names of one kind are unique in their scope */
enum config_kind {
	KIND_DESTINATION,
	KIND_SITE,
	KIND_LINK,    /* scope: site */
	KIND_UNIT,    /* scope: site */
	KIND_SOURCE,  /* scope: site */
	KIND_CHANNEL, /* scope: source */
	KIND_LIMIT,   /* scope: channel */
	KIND_ADDRESS, /* scope: port */
	KIND_STATE,   /* scope: unit */
	KIND_STATION, /* scope: site */
	KIND_FILE,    /* scope: destination */
	KIND_SYMBOL,  /* scope: station */
	KIND_PROFILE, /* scope: 0 */
	KIND_SIGNAL,  /* scope: unit whose profile is walked */
	KIND_TARGET,  /* boundaries and receptors */
	KIND_RIVER,
};

/** struct config_name - @text is owned by the configuration */
struct config_name {
	enum config_kind kind;
	size_t scope;
	const char *text;
	size_t index;
	const char *file;
	unsigned int line;
	unsigned int column;
};

/** struct config_listing - the names of a scope, for the message about one not among them */
struct config_listing {
	const char *wanted;
	const char *nearest;
	size_t least;
	size_t n;
	char text[CONFIG_LISTING_MAX];
};

/** config_names_find() - NULL: there is none */
const struct config_name *config_names_find(const struct config_reader *reader,
					    enum config_kind kind, size_t scope, const char *text);

/** config_names_add() - the first of its kind and scope stays. Return: 0; -ENOMEM. */
int config_names_add(struct config_reader *reader, struct config_name name);

/**
 * config_names_claim() - add, and report at @key when it is the second one of this name
 * @text: NULL: was bad already, nothing happens
 * Return: 0; -ENOMEM.
 */
int config_names_claim(struct config_mapping *mapping, const char *key, enum config_kind kind,
		       size_t scope, const char *text, size_t index);

/** config_names_list() - put a name on the listing; @name NULL: nothing happens */
void config_names_list(struct config_listing *listing, const char *name);

/**
 * config_names_dangling() - report at @key that what it names is not there
 * @item: which of a list, 0 where the value is none
 */
void config_names_dangling(const struct config_mapping *mapping, const char *key, size_t item,
			   const char *what, const struct config_listing *listing);

/**
 * config_append() - move @item to the end of an array; @item is zeroed, unless it fails
 * @array: address of the pointer to the first
 * Return: 0; -ENOMEM.
 */
int config_append(void *array, size_t *n, void *item, size_t size);

/** config_names_keep() - own a file's name as long as names refer to it. Return: 0; -ENOMEM. */
int config_names_keep(struct config_reader *reader, char **file);

/** config_default_text() - *@text becomes a copy of @standard where empty. Return: 0; -ENOMEM. */
int config_default_text(char **text, const char *standard);

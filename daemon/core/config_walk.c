/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_schema.h"
#include "core/config_text.h"
#include "core/config_value.h"

static void error_at(const struct config_mapping *mapping, const struct config_node *node,
		     const char *format, ...) __attribute__((format(printf, 3, 4)));

static size_t index_of(const struct config_mapping *mapping, const char *key)
{
	size_t i = 0;

	while (i < mapping->group->n_options && strcmp(mapping->group->options[i].key, key) != 0)
		i++;
	assert(i < mapping->group->n_options);
	return i;
}

/**
 * place_of() - where to report about the @i-th key's value, or its element @item
 *
 * What a profile has filled in stands in another file: the key that asks for the profile's
 * part is what the reader of this file can change. Return: NULL say nothing about it.
 */
static const struct config_node *place_of(const struct config_mapping *mapping, size_t i,
					  const struct config_node *item)
{
	if (!mapping->value[i])
		return mapping->node;
	if (!mapping->filled[i])
		return item ? item : mapping->value[i];
	return mapping->base.bad ? NULL : mapping->value[index_of(mapping, mapping->base.key)];
}

static void error_at(const struct config_mapping *mapping, const struct config_node *node,
		     const char *format, ...)
{
	char text[1200];
	va_list arguments;

	if (!node)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	config_report_error(mapping->reader->report, mapping->reader->file, node->line,
			    node->column, "%s", text);
}

static size_t number_of(const struct config_mapping *mapping, const struct config_option *option)
{
	return (size_t)(option - mapping->group->options);
}

/** take_scalar() - one scalar, as the whole value or the @i-th of a list */
static int take_scalar(struct config_mapping *mapping, const struct config_option *option,
		       const struct config_node *node, size_t i, void *field)
{
	const struct config_node *place = place_of(mapping, number_of(mapping, option), node);
	char why[CONFIG_WHY_MAX], quoted[CONFIG_QUOTE_MAX];
	int r;

	if (node->bad)
		return 0;
	if (node->kind != CONFIG_SCALAR)
		(void)config_complain(why, option,
				      node->kind == CONFIG_MAPPING ? "it is a mapping"
								   : "it is a list");
	else if (!node->plain && option->type != OPTION_TEXT && option->type != OPTION_CHOICE)
		(void)config_complain(why, option, "it is a text, for it stands in quotes");
	else if ((r = config_value_parse(option, node->text, i, field, why)) != 0)
		return r;
	if (node->kind == CONFIG_SCALAR)
		error_at(mapping, place, "\"%s\" cannot be \"%s\": %s", option->key,
			 config_quote(node->text, quoted), why);
	else
		error_at(mapping, place, "\"%s\" is of the wrong type: %s", option->key, why);
	return 0;
}

/** most_elements() - of a list of scalars, 0: it is none; pairs have two exactly */
static size_t most_elements(const struct config_option *option)
{
	if (option->type == OPTION_NUMBERS || option->type == OPTION_DURATIONS)
		return 2;
	if (option->type == OPTION_CODES)
		return DECODE_INVALID_MAX;
	return option->type == OPTION_NAMES ? (size_t)option->max : 0;
}

static bool is_pair(const struct config_option *option)
{
	return option->type == OPTION_NUMBERS || option->type == OPTION_DURATIONS;
}

/** take_several() - a list of scalars */
static int take_several(struct config_mapping *mapping, const struct config_option *option,
			const struct config_node *node, void *field)
{
	const struct config_node *place = place_of(mapping, number_of(mapping, option), NULL);
	size_t i = 0, most = most_elements(option);
	char why[CONFIG_WHY_MAX];
	int all = 1;

	if (node->bad)
		return 0;
	if (node->kind != CONFIG_SEQUENCE) {
		(void)config_complain(why, option, "it is not a list");
		error_at(mapping, place, "\"%s\" is of the wrong type: %s", option->key, why);
		return 0;
	}
	for (const struct config_node *item = node->first; item; item = item->next, i++) {
		int r = 0;

		if (!is_pair(option) || i < most)
			r = take_scalar(mapping, option, item, i, field);
		if (r < 0)
			return r;
		all &= r;
		if (r == 0 && i >= most && !is_pair(option))
			return 0;
	}
	if (is_pair(option) && i != most) {
		(void)config_complain(why, option, i < most ? "it is too short" : "it is too long");
		error_at(mapping, place, "\"%s\" is not a pair: %s", option->key, why);
		return 0;
	}
	return all;
}

/** take_standard() - what counts where a key was left out; our own text, so always good */
static int take_standard(const struct config_option *option, void *field)
{
	char text[64], why[CONFIG_WHY_MAX], *rest = text;
	int r = 1;

	(void)snprintf(text, sizeof(text), "%s", option->standard);
	if (option->type == OPTION_TEXT)
		return config_value_parse(option, text, 0, field, why);
	for (size_t i = 0; r == 1 && rest && *rest; i++)
		r = config_value_parse(option, strsep(&rest, " "), i, field, why);
	assert(r != 0);
	return r;
}

static bool is_empty(const struct config_node *node)
{
	return node->kind == CONFIG_SCALAR && node->plain && !node->bad &&
	       (strcmp(node->text, "") == 0 || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

/** take_option() - fill the field of the @i-th key. Return: 0; -ENOMEM. */
static int take_option(struct config_mapping *mapping, size_t i, uint8_t *draft)
{
	const struct config_option *option = &mapping->group->options[i];
	const struct config_node *node = mapping->value[i];
	void *field = draft + option->offset;
	bool given = node && !is_empty(node);
	int r;

	if (option->type == OPTION_LIST)
		return 0;
	if (!given && !option->standard) {
		if (node)
			error_at(mapping, place_of(mapping, i, NULL),
				 "\"%s\" has no value; it must say %s", option->key, option->help);
		else
			error_at(mapping, mapping->node, "this %s has no \"%s\"; it must say %s",
				 mapping->group->what, option->key, option->help);
		mapping->state[i] = OPTION_BAD;
		return 0;
	}
	if (!given)
		r = take_standard(option, field);
	else if (most_elements(option) > 0)
		r = take_several(mapping, option, node, field);
	else
		r = take_scalar(mapping, option, node, 0, field);
	if (r < 0)
		return r;
	if (given)
		mapping->state[i] = r == 1 ? OPTION_GIVEN : OPTION_BAD;
	else
		mapping->state[i] = *option->standard ? OPTION_STANDARD : OPTION_ABSENT;
	return 0;
}

/** report_unknown() - a key that is in no row; names the nearest, if one is near */
static void report_unknown(const struct config_mapping *mapping, const struct config_node *key)
{
	const struct config_group *group = mapping->group;
	const char *nearest = NULL;
	char allowed[CONFIG_ALLOWED_MAX] = "", quoted[CONFIG_QUOTE_MAX];
	size_t least = 3; /* edits: beyond it is another word */

	for (size_t i = 0; i < group->n_options; i++) {
		size_t distance = config_distance(key->text, group->options[i].key);

		config_append_text(allowed, sizeof(allowed), "%s%s", i ? ", " : "",
				   group->options[i].key);
		if (distance < least && distance < strlen(key->text)) {
			least = distance;
			nearest = group->options[i].key;
		}
	}
	error_at(mapping, key, "unknown key \"%s\" in a %s%s%s%s; allowed: %s",
		 config_quote(key->text, quoted), group->what, nearest ? ", did you mean \"" : "",
		 nearest ? nearest : "", nearest ? "\"?" : "", allowed);
}

static void find_values(struct config_mapping *mapping)
{
	const struct config_group *group = mapping->group;
	const struct config_node *key = mapping->node->first;

	for (; key && key->next; key = key->next->next) {
		size_t i = 0;

		if (key->bad)
			continue;
		if (key->kind != CONFIG_SCALAR) {
			error_at(mapping, key, "a key is a list or a mapping; allowed: a word");
			continue;
		}
		while (i < group->n_options && strcmp(group->options[i].key, key->text) != 0)
			i++;
		mapping->unknown |= i == group->n_options;
		if (i == group->n_options)
			report_unknown(mapping, key);
		else if (mapping->value[i])
			error_at(mapping, key,
				 "repeated key \"%s\", it stands in line %u already; allowed: once",
				 key->text, mapping->value[i]->line);
		else
			mapping->value[i] = key->next;
	}
}

/** fill_from_base() - give the keys that were left out what the profile says of them */
static int fill_from_base(struct config_mapping *mapping)
{
	const struct config_group *group = mapping->group;
	int r = group->base ? group->base(mapping, &mapping->base) : 0;

	if (r < 0 || !mapping->base.node)
		return r;
	for (size_t i = 0; i < group->n_options; i++) {
		const struct config_option *option = &group->options[i];

		if (mapping->value[i] || option->type == OPTION_LIST ||
		    strcmp(option->key, "name") == 0)
			continue;
		mapping->value[i] = config_node_find(mapping->base.node, option->key);
		mapping->filled[i] = mapping->value[i] != NULL;
	}
	return 0;
}

/** walk_list() - the mappings of one list */
static int walk_list(const struct config_mapping *mapping, const struct config_option *option,
		     const struct config_node *node)
{
	char allowed[CONFIG_ALLOWED_MAX];
	size_t n = 0;
	int r = 0;

	config_allowed_text(option, allowed);
	if (node && node->bad)
		return 0;
	if (node && node->kind != CONFIG_SEQUENCE && !is_empty(node)) {
		error_at(mapping, node, "\"%s\" is not a list; allowed: %s", option->key, allowed);
		return 0;
	}
	for (const struct config_node *item = node ? node->first : NULL; item && r == 0;
	     item = item->next, n++)
		r = config_walk(mapping->reader, option->group, item);
	if (r == 0 && (double)n < option->min)
		error_at(mapping, node ? node : mapping->node,
			 "this %s has no %s; it must say in \"%s\" %s", mapping->group->what,
			 option->group->what, option->key, option->help);
	return r;
}

/** free_texts() - what finish() has not taken */
static void free_texts(const struct config_group *group, uint8_t *draft)
{
	for (size_t i = 0; i < group->n_options; i++) {
		void *field = draft + group->options[i].offset;
		struct config_words words = {.n = 1};

		if (group->options[i].type == OPTION_TEXT)
			memcpy(&words.text[0], field, sizeof(words.text[0]));
		else if (group->options[i].type == OPTION_NAMES)
			memcpy(&words, field, sizeof(words));
		else
			continue;
		for (size_t j = 0; j < words.n; j++)
			free(words.text[j]);
	}
}

int config_walk(struct config_reader *reader, const struct config_group *group,
		const struct config_node *node)
{
	struct config_mapping mapping = {
		.reader = reader,
		.group = group,
		.node = node,
		.n_errors = reader->report->n_errors,
	};
	uint8_t *draft;
	int r = 0;

	if (node->kind != CONFIG_MAPPING) {
		if (!node->bad)
			error_at(&mapping, node, "a %s must stand here; allowed: {key: value, …}",
				 group->what);
		return 0;
	}
	draft = calloc(1, group->size);
	if (!draft)
		return -ENOMEM;
	find_values(&mapping);
	r = fill_from_base(&mapping);
	for (size_t i = 0; i < group->n_options && r == 0; i++)
		r = take_option(&mapping, i, draft);
	if (r == 0)
		r = group->finish(&mapping, draft);
	free_texts(group, draft);
	free(draft);
	for (size_t i = 0; i < group->n_options && r == 0; i++)
		if (group->options[i].type == OPTION_LIST)
			r = walk_list(&mapping, &group->options[i], mapping.value[i]);
	if (r == 0 && group->done)
		r = group->done(&mapping);
	return r;
}

enum option_state config_state(const struct config_mapping *mapping, const char *key)
{
	return mapping->state[index_of(mapping, key)];
}

bool config_usable(const struct config_mapping *mapping, const char *key)
{
	enum option_state state = config_state(mapping, key);

	return state == OPTION_GIVEN || state == OPTION_STANDARD;
}

bool config_given(const struct config_mapping *mapping, const char *key)
{
	return config_state(mapping, key) == OPTION_GIVEN;
}

/** hint_of() - what to say of a value that the reader of this file does not see in it */
static const char *hint_of(const struct config_mapping *mapping, size_t i)
{
	return mapping->filled[i] ? " (so says the profile; the key here goes before it)" : "";
}

bool config_filled(const struct config_mapping *mapping, const char *key)
{
	return mapping->filled[index_of(mapping, key)];
}

const char *config_scalar(const struct config_mapping *mapping, const char *key)
{
	const struct config_node *node = mapping->value[index_of(mapping, key)];

	return node && node->kind == CONFIG_SCALAR && !node->bad ? node->text : NULL;
}

const struct config_node *config_node_of(const struct config_mapping *mapping, const char *key)
{
	const struct config_node *node = mapping->value[index_of(mapping, key)];

	return node ? node : mapping->node;
}

void config_error(const struct config_mapping *mapping, const char *key, const char *format, ...)
{
	size_t i = index_of(mapping, key);
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_at(mapping, place_of(mapping, i, NULL), "%s%s", text, hint_of(mapping, i));
}

void config_error_item(const struct config_mapping *mapping, const char *key, size_t i,
		       const char *format, ...)
{
	size_t index = index_of(mapping, key);
	const struct config_node *item = mapping->value[index] ? mapping->value[index]->first
							       : NULL;
	char text[1024];
	va_list arguments;

	for (; item && i > 0; i--)
		item = item->next;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_at(mapping, place_of(mapping, index, item), "%s%s", text, hint_of(mapping, index));
}

void config_lacking(const struct config_mapping *mapping, const char *key)
{
	error_at(mapping, mapping->node, "this %s has no \"%s\"; it must say %s",
		 mapping->group->what, key, mapping->group->options[index_of(mapping, key)].help);
}

void config_warning(const struct config_mapping *mapping, const char *key, const char *format, ...)
{
	const struct config_node *node = place_of(mapping, index_of(mapping, key), NULL);
	char text[1024];
	va_list arguments;

	if (!node)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	config_report_warning(mapping->reader->report, mapping->reader->file, node->line,
			      node->column, "%s", text);
}

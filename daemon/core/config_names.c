/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_text.h"

static int compare_names(const void *a, const void *b)
{
	const struct config_name *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->scope != y->scope)
		return x->scope < y->scope ? -1 : 1;
	return strcmp(x->text, y->text);
}

void config_names_free(struct config_reader *reader)
{
	tdestroy(reader->names, free);
	reader->names = NULL;
	for (size_t i = 0; i < reader->n_files; i++)
		free(reader->files[i]);
	free(reader->files);
	reader->files = NULL;
	reader->n_files = 0;
}

const struct config_name *config_names_find(const struct config_reader *reader,
					    enum config_kind kind, size_t scope, const char *text)
{
	const struct config_name wanted = {.kind = kind, .scope = scope, .text = text};
	const struct config_name *const *found = tfind(&wanted, &reader->names, compare_names);

	return found ? *found : NULL;
}

int config_names_add(struct config_reader *reader, struct config_name name)
{
	struct config_name *copy = malloc(sizeof(*copy)), **there;

	if (!copy)
		return -ENOMEM;
	*copy = name;
	there = tsearch(copy, &reader->names, compare_names);
	if (!there || *there != copy)
		free(copy);
	return there ? 0 : -ENOMEM;
}

int config_names_claim(struct config_mapping *mapping, const char *key, enum config_kind kind,
		       size_t scope, const char *text, size_t index)
{
	const struct config_node *node = mapping->node;
	const struct config_name *first;

	if (!text)
		return 0;
	first = config_names_find(mapping->reader, kind, scope, text);
	if (first)
		config_error(mapping, key,
			     "a second %s is called \"%s\", the first is at %s:%u; allowed: a name "
			     "of its own",
			     mapping->group->what, text, first->file, first->line);
	return config_names_add(mapping->reader, (struct config_name){kind, scope, text, index,
								      mapping->reader->file,
								      node->line, node->column});
}

int config_append(void *array, size_t *n, void *item, size_t size)
{
	uint8_t *items;

	memcpy(&items, array, sizeof(items));
	if ((*n & (*n - 1)) == 0) { /* full at every power of two */
		items = reallocarray(items, *n ? *n * 2 : 1, size);
		if (!items)
			return -ENOMEM;
		memcpy(array, &items, sizeof(items));
	}
	memcpy(items + *n * size, item, size);
	memset(item, 0, size);
	(*n)++;
	return 0;
}

int config_names_keep(struct config_reader *reader, char **file)
{
	return config_append(&reader->files, &reader->n_files, file, sizeof(*file));
}

int config_default_text(char **text, const char *standard)
{
	char *copy;

	if (!standard || (*text && **text))
		return 0;
	copy = strdup(standard);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

void config_names_list(struct config_listing *listing, const char *name)
{
	size_t used = strlen(listing->text);
	size_t distance = name ? config_distance(listing->wanted, name) : CONFIG_SUGGESTION;

	if (!name)
		return;
	if (distance < listing->least) {
		listing->least = distance;
		listing->nearest = name;
	}
	listing->n++;
	if (used + strlen(name) + 8 < sizeof(listing->text))
		(void)sprintf(listing->text + used, "%s%s", used ? ", " : "", name);
	else if (used < 3 || strcmp(listing->text + used - 3, "…") != 0)
		memcpy(listing->text + used, ", …", sizeof(", …"));
}

void config_names_dangling(const struct config_mapping *mapping, const char *key, size_t item,
			   const char *what, const struct config_listing *listing)
{
	if (listing->n == 0) /* that there are none has been reported, or will be */
		return;
	config_error_item(mapping, key, item, "there is no %s \"%s\"%s%s%s; allowed: %s", what,
			  listing->wanted, listing->nearest ? ", did you mean \"" : "",
			  listing->nearest ? listing->nearest : "", listing->nearest ? "\"?" : "",
			  listing->text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config_library.h"
#include "core/config_names.h"

#define LISTED_MAX 128 /* names that a message can hold are far less */
#define N_FOLDERS  2U
#define EXTENSION  ".yaml"

/** struct search - for one file */
struct search {
	const struct config_mapping *mapping;
	const struct config_library *library;
	const char *key;
	const char *wanted;
};

/** folder() - the @i-th directory to look into, to be freed; NULL: no memory */
static char *folder(const struct search *search, unsigned int i)
{
	const struct config_library *library = search->library;
	const char *installed = secure_getenv(library->environment);
	char *path;

	if (i > 0)
		return strdup(installed && *installed ? installed : library->installed);
	return asprintf(&path, "%s/%s", search->mapping->reader->config->directory,
			library->folder) < 0
		       ? NULL
		       : path;
}

static int is_member(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), extension = strlen(EXTENSION);

	return entry->d_name[0] != '.' && n > extension &&
	       strcmp(entry->d_name + n - extension, EXTENSION) == 0;
}

/* Not alphasort(): its order would change with the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/** list_folder() - put its files on the listing; @names owns them. Return: 0; -ENOMEM. */
static int list_folder(const char *path, struct config_listing *listing, char **names, size_t *n)
{
	struct dirent **entries;
	int n_entries = scandir(path, &entries, is_member, compare_entries), r = 0;

	if (n_entries < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (int i = 0; i < n_entries; i++) {
		char *name = entries[i]->d_name;
		size_t known = 0;

		name[strlen(name) - strlen(EXTENSION)] = '\0';
		while (known < *n && strcmp(names[known], name) != 0)
			known++;
		if (known == *n && *n < LISTED_MAX) {
			names[*n] = strdup(name);
			r = names[*n] ? r : -ENOMEM;
			config_names_list(listing, names[*n]);
			*n += names[*n] != NULL;
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

/** report_none() - there is no such file; which there are. Return: 0; -ENOMEM. */
static int report_none(const struct search *search)
{
	struct config_listing listing = {.wanted = search->wanted, .least = CONFIG_SUGGESTION};
	char *names[LISTED_MAX] = {NULL}, *paths[N_FOLDERS] = {NULL};
	size_t n = 0;
	int r = 0;

	for (unsigned int i = 0; i < N_FOLDERS && r == 0; i++) {
		paths[i] = folder(search, i);
		r = paths[i] ? list_folder(paths[i], &listing, names, &n) : -ENOMEM;
	}
	if (r == 0 && n == 0)
		config_error(search->mapping, search->key,
			     "there is no %s \"%s\", nor any other; allowed: the name of a "
			     "file NAME.yaml in %s or %s",
			     search->library->what, search->wanted, paths[0], paths[1]);
	if (r == 0)
		config_names_dangling(search->mapping, search->key, 0, search->library->what,
				      &listing);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	for (unsigned int i = 0; i < N_FOLDERS; i++)
		free(paths[i]);
	return r;
}

/** look_into() - is the file in the @i-th directory? Return: 1 @ret is its path; 0; -ENOMEM. */
static int look_into(const struct search *search, unsigned int i, bool first, char **ret)
{
	struct config_report *report = search->mapping->reader->report;
	char *directory = folder(search, i), *path = NULL;
	const char *why, *doubt = NULL;
	bool there;

	if (!directory || asprintf(&path, "%s/%s" EXTENSION, directory, search->wanted) < 0) {
		free(directory);
		return -ENOMEM;
	}
	there = access(path, F_OK) == 0;
	if (there && config_directory_check(directory, &why) < 0)
		config_report_error(report, directory, 1, 1, "%s", why);
	if (there && first)
		doubt = config_directory_doubt(directory);
	if (doubt)
		config_report_warning(report, directory, 1, 1, "%s", doubt);
	free(directory);
	if (there)
		*ret = path;
	else
		free(path);
	return there;
}

/** read_tree() - Return: 0, what is wrong is reported; -ENOMEM. */
static int read_tree(const struct search *search, const char *path, struct config_node **ret)
{
	struct config_reader *reader = search->mapping->reader;
	uint8_t *digest = reader->config->digest;
	char *name;
	int r;

	/* where it was found does not matter, but which one it is */
	if (asprintf(&name, "%s/%s" EXTENSION, search->library->folder, search->wanted) < 0)
		return -ENOMEM;
	r = config_digest(digest, name, strlen(name) + 1);
	free(name);
	if (r == 0)
		r = config_yaml_read(ret, reader->report, path, digest);
	return r == -ENOMEM ? r : 0;
}

int config_library_read(const struct config_mapping *mapping, const struct config_library *library,
			const char *key, const char *name, bool first, const char **ret_file,
			struct config_node **ret_root)
{
	const struct search search = {mapping, library, key, name};
	struct config_node *root = NULL;
	char *path = NULL;
	const char *file;
	int r = 0;

	for (unsigned int i = 0; i < N_FOLDERS && r == 0; i++)
		r = look_into(&search, i, first, &path);
	if (r < 0)
		return r;
	*ret_file = NULL;
	*ret_root = NULL;
	if (r == 0)
		return report_none(&search);
	file = path;
	r = read_tree(&search, path, &root);
	if (config_names_keep(mapping->reader, &path) < 0)
		r = -ENOMEM;
	free(path); /* NULL once it has moved */
	if (r < 0) {
		(void)config_node_free(root);
		return r;
	}
	*ret_file = file;
	*ret_root = root;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/unit_credentials.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/macro.h"

/* systemd.unit(5), "System Unit Search Path" */
#define UNIT_PATH                                                                \
	"/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:" \
	"/usr/lib/systemd/system:/lib/systemd/system"

/* systemd.exec(5), LoadCredential=: a name alone */
static const char *const stores[] = {"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore",
				     "/usr/lib/credstore"};

#define DROPINS_MAX 256

struct dropin {
	char name[NAME_MAX + 1];
	char path[UNIT_PATH_MAX];
};

void unit_credentials_done(struct unit_credentials *credentials)
{
	for (size_t i = 0; i < credentials->n; i++) {
		free(credentials->list[i].id);
		free(credentials->list[i].path);
	}
	free(credentials->list);
	*credentials = (struct unit_credentials){0};
}

/* --- a file ------------------------------------------------------------------------ */

/* @path: NULL none of a file; an empty assignment forgets the files, or those that are set */
static int add(struct unit_credentials *credentials, const char *id, const char *path,
	       bool encrypted)
{
	struct unit_credential *list = reallocarray(credentials->list, credentials->n + 1,
						    sizeof(*list));

	if (!list)
		return -ENOMEM;
	credentials->list = list;
	list[credentials->n] = (struct unit_credential){
		.id = strdup(id), .path = path ? strdup(path) : NULL, .encrypted = encrypted};
	credentials->n++;
	return !list[credentials->n - 1].id || (path && !list[credentials->n - 1].path) ? -ENOMEM
											: 0;
}

static void forget(struct unit_credentials *credentials, bool is_set)
{
	size_t n = 0;

	for (size_t i = 0; i < credentials->n; i++) {
		struct unit_credential *credential = &credentials->list[i];

		if (!credential->path != is_set) {
			credentials->list[n++] = *credential;
			continue;
		}
		free(credential->id);
		free(credential->path);
	}
	credentials->n = n;
}

/* KEY=ID[:REST]; other lines say nothing here */
static int read_line(struct unit_credentials *credentials, char *line)
{
	static const struct {
		const char *key;
		bool is_set;
		bool encrypted;
	} keys[] = {{"LoadCredential", false, false},
		    {"LoadCredentialEncrypted", false, true},
		    {"SetCredential", true, false},
		    {"SetCredentialEncrypted", true, true}};
	char *value = strchr(line, '='), *rest;
	size_t i = 0;

	if (!value)
		return 0;
	*value++ = '\0';
	line += strspn(line, " \t");
	line[strcspn(line, " \t")] = '\0';
	while (i < ARRAY_SIZE(keys) && strcmp(keys[i].key, line) != 0)
		i++;
	if (i == ARRAY_SIZE(keys))
		return 0;
	value += strspn(value, " \t");
	value[strcspn(value, "\r\n")] = '\0';
	for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t');)
		value[--n] = '\0';
	if (!*value) {
		forget(credentials, keys[i].is_set);
		return 0;
	}
	rest = strchr(value, ':');
	if (rest)
		*rest++ = '\0';
	/* "none" is the unit's own word for a file that is not there */
	if (keys[i].is_set && rest && strcmp(rest, "none") == 0)
		return 0;
	return add(credentials, value, keys[i].is_set ? NULL : rest ? rest : "", keys[i].encrypted);
}

static int read_file(struct unit_credentials *credentials, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t n = 0;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && getline(&line, &n, file) >= 0)
		r = read_line(credentials, line);
	free(line);
	(void)fclose(file);
	return r;
}

/* --- the files of a unit ----------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

/* one of this name in a directory before hides it */
static void add_dropin(struct dropin *dropins, size_t *n, const char *directory, const char *name)
{
	size_t length = strlen(name);

	if (length < 5 || strcmp(name + length - 5, ".conf") != 0 || *n == DROPINS_MAX)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp(dropins[i].name, name) == 0)
			return;
	(void)snprintf(dropins[*n].name, sizeof(dropins[*n].name), "%s", name);
	(void)snprintf(dropins[*n].path, sizeof(dropins[*n].path), "%s/%s", directory, name);
	++*n;
}

static void add_dropins(struct dropin *dropins, size_t *n, const char *directory, const char *unit)
{
	char path[UNIT_PATH_MAX - NAME_MAX - 1];
	const struct dirent *entry;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s.service.d", directory, unit);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		add_dropin(dropins, n, path, entry->d_name);
	if (dir)
		(void)closedir(dir);
}

static int read_unit(struct unit_credentials *credentials, const char *unit, char *directories,
		     struct dropin *dropins)
{
	char path[UNIT_PATH_MAX], *rest = NULL;
	bool found = false;
	size_t n = 0;
	int r = 0;

	for (char *directory = strtok_r(directories, ":", &rest); directory && r == 0;
	     directory = strtok_r(NULL, ":", &rest)) {
		(void)snprintf(path, sizeof(path), "%s/%s.service", directory, unit);
		if (!found && access(path, R_OK) == 0) {
			found = true;
			r = read_file(credentials, path);
		}
		add_dropins(dropins, &n, directory, unit);
	}
	if (!found)
		return -ENOENT;
	qsort(dropins, n, sizeof(*dropins), compare);
	for (size_t i = 0; i < n && r != -ENOMEM; i++)
		r = read_file(credentials, dropins[i].path); /* what cannot be read is not said */
	return r == -ENOMEM ? r : 0;
}

int unit_credentials_read(struct unit_credentials *ret, const char *unit)
{
	const char *set = getenv("SYSTEMD_UNIT_PATH");
	struct unit_credentials credentials = {0};
	char *directories = strdup(set && *set ? set : UNIT_PATH);
	struct dropin *dropins = calloc(DROPINS_MAX, sizeof(*dropins));
	int r = directories && dropins ? read_unit(&credentials, unit, directories, dropins)
				       : -ENOMEM;

	free(directories);
	free(dropins);
	if (r < 0)
		unit_credentials_done(&credentials);
	else
		*ret = credentials;
	return r;
}

/* --- where one is ------------------------------------------------------------------ */

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* the store's, of a name alone; "credstore.encrypted" for those that are */
static int find_in_stores(const struct unit_credential *credential, const char *name,
			  char path[static UNIT_PATH_MAX])
{
	bool hidden = false;

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		(void)snprintf(path, UNIT_PATH_MAX, "%s%s/%s", stores[i],
			       credential->encrypted ? ".encrypted" : "", name);
		if (access(path, F_OK) == 0)
			return 1;
		hidden |= errno == EACCES;
	}
	(void)snprintf(path, UNIT_PATH_MAX, "%s%s/%s", stores[0],
		       credential->encrypted ? ".encrypted" : "", name);
	return hidden ? -EACCES : -ENOENT;
}

/* of a directory, each file is handed over as ID_FILE. Return: is it this one? */
static bool is_of(const struct unit_credential *credential, const char *name,
		  char path[static UNIT_PATH_MAX])
{
	size_t n = strlen(credential->id);

	if (!credential->path || *credential->path != '/')
		return strcmp(credential->id, name) == 0;
	(void)snprintf(path, UNIT_PATH_MAX, "%s", credential->path);
	if (strcmp(credential->id, name) == 0)
		return true;
	if (strncmp(name, credential->id, n) != 0 || name[n] != '_' ||
	    !is_directory(credential->path))
		return false;
	(void)snprintf(path, UNIT_PATH_MAX, "%.4000s/%.255s", credential->path, name + n + 1);
	return true;
}

int unit_credentials_find(const struct unit_credentials *credentials, const char *name,
			  char path[static UNIT_PATH_MAX])
{
	int r = -ENXIO;

	*path = '\0';
	for (size_t i = 0; i < credentials->n; i++) {
		const struct unit_credential *credential = &credentials->list[i];

		if (!is_of(credential, name, path))
			continue;
		if (!credential->path)
			return 0;
		r = *credential->path == '/'
			    ? 1
			    : find_in_stores(credential,
					     *credential->path ? credential->path : name, path);
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/accounts.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* longest line that is read: a group may list every account of the machine */
#define LINE_MAX_BYTES 65536

/* Return: found; @row points into @buffer then */
static bool find_user(const char *passwd, uint32_t uid, struct passwd *row, char *buffer, size_t n)
{
	FILE *file = fopen(passwd, "re");
	struct passwd *found = NULL;

	if (!file)
		return false;
	while (fgetpwent_r(file, row, buffer, n, &found) == 0 && found->pw_uid != uid)
		found = NULL;
	(void)fclose(file);
	return found != NULL;
}

void accounts_name(const char *passwd, uint32_t uid, char *name, size_t n)
{
	char buffer[4096];
	struct passwd row;

	if (find_user(passwd, uid, &row, buffer, sizeof(buffer)) && strlen(row.pw_name) < n)
		(void)snprintf(name, n, "%s", row.pw_name);
	else
		(void)snprintf(name, n, "uid-%lu", (unsigned long)uid);
}

uint32_t accounts_gid(const char *group, const char *name)
{
	char buffer[LINE_MAX_BYTES];
	struct group row, *found = NULL;
	uint32_t gid = ACCOUNTS_NO_GID;
	FILE *file = fopen(group, "re");

	if (!file)
		return ACCOUNTS_NO_GID;
	while (gid == ACCOUNTS_NO_GID &&
	       fgetgrent_r(file, &row, buffer, sizeof(buffer), &found) == 0)
		if (strcmp(row.gr_name, name) == 0)
			gid = row.gr_gid;
	(void)fclose(file);
	return gid;
}

static bool is_listed(const char *group, const char *user, uint32_t gid)
{
	char buffer[LINE_MAX_BYTES];
	struct group row, *found = NULL;
	bool is_in = false;
	FILE *file = fopen(group, "re");

	if (!file)
		return false;
	while (!is_in && fgetgrent_r(file, &row, buffer, sizeof(buffer), &found) == 0)
		for (char **member = row.gr_mem; row.gr_gid == gid && *member; member++)
			is_in |= strcmp(*member, user) == 0;
	(void)fclose(file);
	return is_in;
}

bool accounts_is_member(const char *passwd, const char *group, uint32_t uid, uint32_t gid)
{
	char buffer[4096];
	struct passwd row;

	return gid != ACCOUNTS_NO_GID && find_user(passwd, uid, &row, buffer, sizeof(buffer)) &&
	       (row.pw_gid == gid || is_listed(group, row.pw_name, gid));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_credentials.h - which credentials a unit loads, read from its file and its drop-ins
 *
 * As systemd.exec(5) of systemd 252 and systemd.unit(5) have it: the first directory that has the
 * unit, the drop-ins of all in the order of their names, the first of equal names; an empty
 * assignment forgets those before. $SYSTEMD_UNIT_PATH names other directories. Specifiers (%) are
 * not expanded: what has one cannot be found.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define UNIT_CORE     "wastewatchd"
#define UNIT_SENDER   "wastewatch-sender"
#define UNIT_PATH_MAX 4352

/** struct unit_credential - @path: "" as in the store; NULL it was set in the unit itself */
struct unit_credential {
	char *id;
	char *path;
	bool encrypted;
};

/** struct unit_credentials - zeros: none */
struct unit_credentials {
	struct unit_credential *list;
	size_t n;
};

/** unit_credentials_read() - Return: 0, to be done; -ENOENT no such unit; -ENOMEM. */
int unit_credentials_read(struct unit_credentials *ret, const char *unit);

void unit_credentials_done(struct unit_credentials *credentials);

/**
 * unit_credentials_find() - where the service would have a credential from
 * @path: UNIT_PATH_MAX bytes: of a file, or the store's that were searched in vain
 *
 * Return: 1 @path, if that is there; 0 it is in the unit; -ENXIO the unit has no such name; -ENOENT
 *   no store has it; -EACCES the caller may not look.
 */
int unit_credentials_find(const struct unit_credentials *credentials, const char *name,
			  char path[static UNIT_PATH_MAX]);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.h - names and groups of the accounts of this machine, from its files only
 *
 * The system's own calls (getpwuid(3), getgrouplist(3)) may ask a directory server, and wait for
 * one that hangs; the core must not. So an account that is not in the file has its number for a
 * name, and a directory's groups are known only where the bus says them (control_calls.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCOUNTS_PASSWD "/etc/passwd"
#define ACCOUNTS_GROUP	"/etc/group"
#define ACCOUNTS_NO_GID UINT32_MAX

/**
 * accounts_name() - of a user id, or "uid-NUMBER" where the file has none that fits into @n bytes
 * @passwd: as passwd(5)
 */
void accounts_name(const char *passwd, uint32_t uid, char *name, size_t n);

/** accounts_gid() - of a group's name; ACCOUNTS_NO_GID there is none. @group: as group(5) */
uint32_t accounts_gid(const char *group, const char *name);

/**
 * accounts_is_member() - is it the account's own group, or is the account listed in it?
 * Return: false also where the files cannot be read.
 */
bool accounts_is_member(const char *passwd, const char *group, uint32_t uid, uint32_t gid);

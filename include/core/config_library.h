/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_library.h - files that many configurations share: profiles of instruments, standards
 *
 * NAME.yaml is looked for in a folder beside wastewatch.yaml, then in the directory that the
 * environment names, else where "make install" puts them.
 */
#pragma once

#include "core/config_schema.h"

/**
 * struct config_library - one kind of such files
 * @what: "profile", for messages
 * @folder: beside wastewatch.yaml
 * @environment: variable that names another directory than @installed
 */
struct config_library {
	const char *what;
	const char *folder;
	const char *environment;
	const char *installed;
};

/**
 * config_library_read() - the tree of a file; its bytes count in the configuration's digest
 * @key: that asks for it: what is wrong is reported there
 * @first: it is the first of its kind: whoever else can write the directory is said once
 * @ret_file: its path, owned by the reader; NULL there is none, which was reported, with the
 *   names that there are
 * @ret_root: NULL it could not be read, which was reported
 * Return: 0; -ENOMEM.
 */
int config_library_read(const struct config_mapping *mapping, const struct config_library *library,
			const char *key, const char *name, bool first, const char **ret_file,
			struct config_node **ret_root);

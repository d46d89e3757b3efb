/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - configurations of a test's own texts */
#pragma once

#include "core/config.h"

/** struct load_file - one of a configuration's files; its name as seen from its directory */
struct load_file {
	const char *name;
	const char *text;
};

/**
 * load_files() - what config_load() makes of these files, of which nothing is left behind
 * @files: ended by one without name; in the directory itself or in sites.d
 * @errors: as config_load()
 */
int load_files(struct config **ret, const struct load_file *files, FILE *errors);

/** load_texts() - of wastewatch.yaml and one site */
int load_texts(struct config **ret, const char *main_yaml, const char *site_yaml, FILE *errors);

/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - configurations of a test's own texts */
#pragma once

#include "core/config.h"

/** struct directory - a configuration's, below /tmp, and what came of reading it last */
struct directory {
	char path[64];
	char *said; /* errors and warnings */
	size_t n_said;
	size_t n_errors;
	struct config *config;
	int result;
};

/** directory_open() - with an empty sites.d in it */
void directory_open(struct directory *d);

/** directory_folder() - make another folder in it */
void directory_folder(const struct directory *d, const char *name);

/** directory_write(), directory_write_bytes() - (re)write a file; @name as seen from @d */
void directory_write(const struct directory *d, const char *name, const char *text);
void directory_write_bytes(const struct directory *d, const char *name, const void *bytes,
			   size_t n);

/** directory_load() - read it anew; good means that there is a configuration and no error */
void directory_load(struct directory *d);

/** directory_forget() - what came of it, not the files */
void directory_forget(struct directory *d);

/** directory_close() - nothing is left behind */
void directory_close(struct directory *d);

/** struct load_file - a file and its text */
struct load_file {
	const char *name;
	const char *text;
};

/**
 * load_files() - the configuration of these files, of which nothing is left behind
 * @files: ended by one without name
 * @errors: as config_load()
 * Return: as config_load().
 */
int load_files(struct config **ret, const struct load_file *files, FILE *errors);

/** load_config() - of wastewatch.yaml and one site */
int load_config(struct config **ret, const char *main_yaml, const char *site_yaml, FILE *errors);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_backup.h - a copy of the record, while it is being written or not
 *
 * By SQLite's backup API out of one read transaction, so the copy is the record at one moment,
 * and what is written meanwhile does not begin it anew. The source is opened to be read only and
 * takes no part in checkpoints. The copy is one file, which is whole or not there: it is written
 * beside its place, synced, read again (all of it, and the whole chain), and only then given its
 * name.
 */
#pragma once

#include <stdint.h>

#define RECORD_BACKUP_ERROR_MAX 512

/**
 * struct record_backup_result - what the copy holds
 * @seq: number of the last entry, 0 none
 * @hash: its hash
 * @bytes: size of the file
 */
struct record_backup_result {
	uint64_t seq;
	uint8_t hash[32];
	int64_t bytes;
};

/**
 * record_backup() - copy DIR/record.db to a new file
 * @progress: called from time to time, with pages that are done and all; may be NULL
 * @error: filled on failure: what is wrong and what to do
 * Return: 0; -EEXIST @path is there; -EBADMSG the copy does not verify, so neither may the
 *   record; -errno. On failure there is no file of that name that was not there before.
 */
int record_backup(const char *directory, const char *path,
		  void (*progress)(void *userdata, int n_done, int n_all), void *userdata,
		  struct record_backup_result *ret, char error[static RECORD_BACKUP_ERROR_MAX]);

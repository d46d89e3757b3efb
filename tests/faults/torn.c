/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/macro.h"
#include "torn.h"

#define FILES_MAX 16
#define SECTOR	  512

/** struct change - a write that waits, or a truncation to @offset where @bytes is NULL */
struct change {
	sqlite3_int64 offset;
	uint8_t *bytes;
	size_t n;
};

/** struct torn_file - a file as its reader sees it, and what of it is not on disk */
struct torn_file {
	sqlite3_file base;
	sqlite3_file *real; /* lies behind this struct */
	char *path;
	uint8_t *now;
	size_t n_now;
	struct change *changes;
	size_t n_changes;
	bool is_new; /* never synced, and was not there before */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	struct torn_plan *plan;
	struct torn_file *files[FILES_MAX];
} torn;

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* --- the crash ------------------------------------------------------------------------- */

/** struct sector - a piece of a change: the unit that a disk writes whole or not at all */
struct sector {
	struct torn_file *file;
	sqlite3_int64 offset;
	const uint8_t *bytes;
	size_t n;
};

struct sectors {
	struct sector *all;
	size_t n;
};

static void add_sector(struct sectors *sectors, const struct sector *sector)
{
	sectors->all = must(reallocarray(sectors->all, sectors->n + 1, sizeof(*sectors->all)));
	sectors->all[sectors->n++] = *sector;
}

static void cut(struct sectors *sectors, struct torn_file *file, const struct change *change)
{
	size_t at = 0;

	if (!change->bytes) {
		add_sector(sectors, &(struct sector){.file = file, .offset = change->offset});
		return;
	}
	while (at < change->n) {
		size_t n = MIN(SECTOR - (size_t)(change->offset + (sqlite3_int64)at) % SECTOR,
			       change->n - at);

		add_sector(sectors, &(struct sector){file, change->offset + (sqlite3_int64)at,
						     change->bytes + at, n});
		at += n;
	}
}

static void put(const struct sector *sector)
{
	if (sector->bytes)
		(void)sector->file->real->pMethods->xWrite(sector->file->real, sector->bytes,
							   (int)sector->n, sector->offset);
	else
		(void)sector->file->real->pMethods->xTruncate(sector->file->real, sector->offset);
}

static size_t draw(size_t below)
{
	return (size_t)rand_r(&torn.plan->seed) % below;
}

static void crash(void)
{
	struct sectors sectors = {0};
	size_t share = draw(5) * 25; /* none, some, all of them */

	for (size_t i = 0; i < FILES_MAX; i++)
		for (size_t j = 0; torn.files[i] && j < torn.files[i]->n_changes; j++)
			cut(&sectors, torn.files[i], &torn.files[i]->changes[j]);
	torn.plan->n_waiting = (long)sectors.n;
	for (size_t left = sectors.n; left > 0; left--) { /* another order */
		size_t i = draw(left);

		if (draw(100) < share) {
			put(&sectors.all[i]);
			torn.plan->n_written++;
		}
		sectors.all[i] = sectors.all[left - 1];
	}
	for (size_t i = 0; i < FILES_MAX; i++)
		if (torn.files[i] && torn.files[i]->is_new && draw(2) == 0)
			(void)unlink(torn.files[i]->path);
	_exit(TORN_EXIT);
}

static void count_call(void)
{
	if (++torn.plan->n_calls == torn.plan->crash_at)
		crash();
}

/* --- one file ---------------------------------------------------------------------------- */

static void flush(struct torn_file *file)
{
	for (size_t i = 0; i < file->n_changes; i++) {
		const struct change *change = &file->changes[i];

		put(&(struct sector){file, change->offset, change->bytes, change->n});
		free(change->bytes);
	}
	file->n_changes = 0;
	file->is_new = false;
}

static void resize(struct torn_file *file, size_t n)
{
	if (n > file->n_now) {
		file->now = must(realloc(file->now, n));
		memset(file->now + file->n_now, 0, n - file->n_now);
	}
	file->n_now = n;
}

static void add_change(struct torn_file *file, sqlite3_int64 offset, const void *bytes, size_t n)
{
	struct change change = {.offset = offset, .n = n};

	if (bytes) {
		change.bytes = must(malloc(n));
		memcpy(change.bytes, bytes, n);
	}
	file->changes = must(
		reallocarray(file->changes, file->n_changes + 1, sizeof(*file->changes)));
	file->changes[file->n_changes++] = change;
}

static int x_close(sqlite3_file *base)
{
	struct torn_file *file = (struct torn_file *)base;

	flush(file); /* nothing crashes any more once the record is closed */
	for (size_t i = 0; i < FILES_MAX; i++)
		if (torn.files[i] == file)
			torn.files[i] = NULL;
	free(file->changes);
	free(file->now);
	free(file->path);
	return file->real->pMethods->xClose(file->real);
}

static int x_read(sqlite3_file *base, void *to, int n, sqlite3_int64 offset)
{
	struct torn_file *file = (struct torn_file *)base;
	size_t there = (size_t)offset < file->n_now ? file->n_now - (size_t)offset : 0;
	size_t got = MIN((size_t)n, there);

	if (got > 0)
		memcpy(to, file->now + offset, got);
	memset((uint8_t *)to + got, 0, (size_t)n - got);
	return got == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int x_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 offset)
{
	struct torn_file *file = (struct torn_file *)base;

	add_change(file, offset, bytes, (size_t)n);
	resize(file, MAX(file->n_now, (size_t)offset + (size_t)n));
	memcpy(file->now + offset, bytes, (size_t)n);
	count_call(); /* it waits, but may be there already */
	return SQLITE_OK;
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct torn_file *file = (struct torn_file *)base;

	add_change(file, size, NULL, 0);
	resize(file, (size_t)size);
	count_call();
	return SQLITE_OK;
}

static int x_sync(sqlite3_file *base, int flags)
{
	(void)flags;
	count_call();
	if (!torn.plan->ignore_sync)
		flush((struct torn_file *)base);
	return SQLITE_OK;
}

static int x_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct torn_file *)base)->n_now;
	return SQLITE_OK;
}

/* --- locks, shared memory and the rest are those of the real file ------------------------- */

#define REAL ((struct torn_file *)base)->real

static int x_lock(sqlite3_file *base, int level)
{
	return REAL->pMethods->xLock(REAL, level);
}

static int x_unlock(sqlite3_file *base, int level)
{
	return REAL->pMethods->xUnlock(REAL, level);
}

static int x_check(sqlite3_file *base, int *ret)
{
	return REAL->pMethods->xCheckReservedLock(REAL, ret);
}

static int x_control(sqlite3_file *base, int what, void *argument)
{
	if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_NOTFOUND; /* would change the real file behind our back */
	return REAL->pMethods->xFileControl(REAL, what, argument);
}

static int x_sector(sqlite3_file *base)
{
	return REAL->pMethods->xSectorSize(REAL);
}

static int x_traits(sqlite3_file *base)
{
	return REAL->pMethods->xDeviceCharacteristics(REAL);
}

static int x_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret)
{
	return REAL->pMethods->xShmMap(REAL, region, size, extend, ret);
}

static int x_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	return REAL->pMethods->xShmLock(REAL, offset, n, flags);
}

static void x_barrier(sqlite3_file *base)
{
	REAL->pMethods->xShmBarrier(REAL);
}

static int x_unmap(sqlite3_file *base, int remove)
{
	return REAL->pMethods->xShmUnmap(REAL, remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_size,
	.xLock = x_lock,
	.xUnlock = x_unlock,
	.xCheckReservedLock = x_check,
	.xFileControl = x_control,
	.xSectorSize = x_sector,
	.xDeviceCharacteristics = x_traits,
	.xShmMap = x_map,
	.xShmLock = x_shm_lock,
	.xShmBarrier = x_barrier,
	.xShmUnmap = x_unmap,
};

/* --- the file system --------------------------------------------------------------------- */

static void take_contents(struct torn_file *file)
{
	sqlite3_int64 size = 0;

	(void)file->real->pMethods->xFileSize(file->real, &size);
	resize(file, (size_t)size);
	if (size > 0)
		(void)file->real->pMethods->xRead(file->real, file->now, (int)size, 0);
}

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret)
{
	struct torn_file *file = (struct torn_file *)base;
	bool is_new = !name || access(name, F_OK) != 0;
	int code;

	(void)vfs;
	*file = (struct torn_file){.real = (sqlite3_file *)(file + 1)};
	code = torn.real->xOpen(torn.real, name, file->real, flags, ret);
	if (code != SQLITE_OK)
		return code;
	file->base.pMethods = &methods;
	file->path = must(strdup(name ? name : ""));
	file->is_new = is_new && name;
	take_contents(file);
	for (size_t i = 0; name && i < FILES_MAX; i++)
		if (!torn.files[i]) {
			torn.files[i] = file;
			break;
		}
	return SQLITE_OK;
}

int torn_register(struct torn_plan *plan)
{
	torn.real = sqlite3_vfs_find(NULL);
	if (!torn.real)
		return -EIO;
	torn.plan = plan;
	torn.vfs = *torn.real;
	torn.vfs.zName = "torn";
	torn.vfs.szOsFile = (int)sizeof(struct torn_file) + torn.real->szOsFile;
	torn.vfs.xOpen = x_open;
	return sqlite3_vfs_register(&torn.vfs, 1) == SQLITE_OK ? 0 : -EIO;
}

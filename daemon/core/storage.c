/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "core/files.h"
#include "core/storage.h"
#include "core/unstored.h"

#define LOOK_MS	     MS_PER_MIN
#define RETRY_MS     SERVICE_COMMIT_MS
#define BALLAST_FILE "ballast"
#define MIB	     (INT64_C(1) << 20)

/**
 * struct room - what the file system says
 * @bytes, @inodes: free for this user; INT64_MAX where it does not count inodes
 */
struct room {
	int64_t bytes;
	int64_t inodes;
	bool read_only;
};

/**
 * struct storage
 * @said: the level that the record knows of
 * @error: why the last commit could not be done, -errno; 0 it could
 * @reopen_error: what opening the record has come to last
 * @looked_ms, @tried_ms: monotonic
 * @from_ms, @until_ms: UTC; minute values or files from then to then were not stored; 0 all were
 * @n_minutes, @n_files: how many
 * @n_seen: reports of the batch when the last commit was tried
 * @n_told: so many entries of the batch were said on stderr, as they are not stored
 */
struct storage {
	struct service *service;
	struct room room;
	enum storage_level said;
	int error;
	int reopen_error;
	bool has_ballast;
	bool is_closing;
	int64_t looked_ms;
	int64_t tried_ms;
	int64_t from_ms;
	int64_t until_ms;
	size_t n_minutes;
	size_t n_files;
	size_t n_seen;
	size_t n_told;
};

const char *storage_text(enum storage_level level)
{
	static const char *const texts[] = {"good", "low", "critical"};

	return texts[level];
}

/* --- the ballast ---------------------------------------------------------------------- */

static void ballast_path(const char *directory, char path[static 4200])
{
	(void)snprintf(path, 4200, "%s/" BALLAST_FILE, directory);
}

bool storage_ballast_release(const char *directory)
{
	char path[4200];

	ballast_path(directory, path);
	return unlink(path) == 0;
}

static int fill(int fd, int64_t bytes)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return -errno;
	if (size >= bytes)
		return 0;
	return -posix_fallocate(fd, 0, bytes);
}

/* only where it leaves room: it must not itself be what makes it critical */
static void make_ballast(struct storage *storage)
{
	const struct config_storage *config = &storage->service->config->storage;
	int64_t bytes = config->ballast_mib * MIB;
	char path[4200];
	int fd, r;

	if (storage->has_ballast || storage->error)
		return;
	ballast_path(storage->service->options.state, path);
	if (access(path, F_OK) != 0 && storage->room.bytes < config->critical_mib * MIB + bytes)
		return;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : fill(fd, bytes);
	if (fd >= 0)
		(void)close(fd);
	storage->has_ballast = r == 0;
	if (r == 0)
		return;
	if (fd >= 0)
		(void)unlink(path); /* half of one only takes room away */
	log_warning("the ballast %s cannot be made: %s", path, strerror(-r));
}

/* --- how much there is ------------------------------------------------------------------ */

static void look(struct storage *storage)
{
	struct statvfs status;

	storage->looked_ms = service_now(storage->service).mono_ms;
	if (statvfs(storage->service->options.state, &status) < 0) {
		log_err("cannot ask how much room the record has: %s", strerror(errno));
		return;
	}
	storage->room = (struct room){
		.bytes = (int64_t)MIN((uint64_t)status.f_bavail * status.f_frsize,
				      (uint64_t)INT64_MAX),
		.inodes = status.f_files ? (int64_t)status.f_favail : INT64_MAX,
		.read_only = status.f_flag & ST_RDONLY,
	};
}

/* less than @least; once it was, a tenth more is wanted before it is not */
static bool is_short(const struct storage *storage, enum storage_level level, uint32_t mib,
		     uint32_t inodes)
{
	int64_t percent = storage->said >= level ? 110 : 100;

	return storage->room.bytes < mib * MIB / 100 * percent ||
	       (storage->room.inodes != INT64_MAX &&
		storage->room.inodes < (int64_t)inodes * percent / 100);
}

static enum storage_level level_of(const struct storage *storage)
{
	const struct config_storage *config = &storage->service->config->storage;

	if (storage->error || storage->room.read_only ||
	    is_short(storage, STORAGE_CRITICAL, config->critical_mib, config->critical_inodes))
		return STORAGE_CRITICAL;
	return is_short(storage, STORAGE_LOW, config->low_mib, config->low_inodes) ? STORAGE_LOW
										   : STORAGE_GOOD;
}

static void describe(const struct storage *storage, char *text, size_t n)
{
	size_t used;

	if (storage->room.read_only)
		(void)snprintf(text, n, "the file system is read-only");
	else if (storage->error)
		(void)snprintf(text, n, "%s", strerror(-storage->error));
	else
		*text = '\0';
	used = strlen(text);
	(void)snprintf(text + used, n - used, "%s%lld MiB", used ? "; " : "",
		       (long long)(storage->room.bytes / MIB));
	used = strlen(text);
	if (storage->room.inodes != INT64_MAX)
		(void)snprintf(text + used, n - used, " and %lld inodes",
			       (long long)storage->room.inodes);
	used = strlen(text);
	(void)snprintf(text + used, n - used, " free");
}

/* --- what was not stored ------------------------------------------------------------------ */

static void count_left_out(struct storage *storage, size_t n_minutes, size_t n_files)
{
	int64_t now_ms = service_now(storage->service).wall_ms;

	if (n_minutes + n_files == 0)
		return;
	if (storage->n_minutes + storage->n_files == 0)
		storage->from_ms = now_ms - MS_PER_MIN; /* a minute is told of when it is over */
	storage->until_ms = now_ms;
	storage->n_minutes += n_minutes;
	storage->n_files += n_files;
}

static bool drop_minutes(struct storage *storage)
{
	struct batch *batch = &storage->service->batch;
	size_t n = batch->n_minutes;

	for (size_t i = 0; i < n; i++)
		if (storage->n_minutes + storage->n_files == 0 ||
		    batch->minutes[i].row.start_ms < storage->from_ms)
			storage->from_ms = batch->minutes[i].row.start_ms;
	batch->n_minutes = 0;
	count_left_out(storage, n, 0);
	return n > 0;
}

static bool drop_files(struct storage *storage)
{
	size_t n = batch_drop_files(&storage->service->batch, FILES_LANE);

	count_left_out(storage, 0, n);
	return n > 0;
}

static bool has_left_out(const struct storage *storage)
{
	const struct batch *batch = &storage->service->batch;

	return storage->n_minutes + storage->n_files + batch->n_left_out_entries +
		       batch->n_left_out_reports >
	       0;
}

static void say_left_out(struct storage *storage, enum event_type type)
{
	struct service *service = storage->service;
	struct event event = event_plain(type, service_now(service));
	char words[256];

	(void)snprintf(
		words, sizeof(words),
		"%zu minute values, %zu data files, %zu entries and %zu updates of incidents",
		storage->n_minutes, storage->n_files, service->batch.n_left_out_entries,
		service->batch.n_left_out_reports);
	event.reason = words;
	event.number = (int64_t)storage->n_minutes;
	event.since_ms = storage->from_ms ? storage->from_ms : event.at.wall_ms;
	event.until_ms = storage->until_ms ? storage->until_ms : event.at.wall_ms;
	service->batch.n_left_out_entries = service->batch.n_left_out_reports = 0;
	storage->from_ms = storage->until_ms = 0;
	storage->n_minutes = storage->n_files = 0;
	core_event(service->core, &event);
}

static void say_room(struct storage *storage, enum event_type type)
{
	struct event event = event_plain(type, service_now(storage->service));
	char words[160];

	describe(storage, words, sizeof(words));
	event.reason = words;
	event.number = type == EVENT_STORAGE_RECOVERED ? 0 : storage->room.bytes;
	core_event(storage->service->core, &event);
}

static void say_level(struct storage *storage)
{
	enum storage_level level = level_of(storage), before = storage->said;

	if (level == before)
		return;
	storage->said = level;
	if (before == STORAGE_CRITICAL && has_left_out(storage))
		say_left_out(storage, EVENT_STORAGE_RECOVERED);
	else if (level < before)
		say_room(storage, EVENT_STORAGE_RECOVERED);
	if (level == STORAGE_LOW)
		say_room(storage, EVENT_STORAGE_LOW);
	else if (level == STORAGE_CRITICAL)
		say_room(storage, EVENT_STORAGE_CRITICAL);
}

/* --- around a commit ------------------------------------------------------------------------ */

/* the next commit says what came of it */
static void reopen(struct storage *storage)
{
	struct service *service = storage->service;
	int r = record_reopen(service->record);

	if (r < 0 && !record_is_full(r) && r != storage->reopen_error)
		log_err("the record cannot be opened: %s", record_error(service->record));
	storage->reopen_error = r;
	if (r != -ESTALE)
		return;
	log_crit("the record can be written again, but it is not the one that this run began "
		 "with; the service begins anew from it, and the pollers hand over again what "
		 "they still have");
	service->failed = true;
	(void)sd_event_exit(service->event, r);
}

void storage_trim(struct storage *storage)
{
	if (storage->error)
		reopen(storage);
	if (storage->said < STORAGE_CRITICAL && !storage->error)
		return;
	(void)drop_minutes(storage);
	if (storage->error || !storage->has_ballast)
		(void)drop_files(storage);
}

bool storage_is_tight(const struct storage *storage)
{
	return storage->said == STORAGE_CRITICAL || storage->error;
}

bool storage_makes_room(struct storage *storage, int r)
{
	if (!record_is_full(r))
		return false;
	storage->looked_ms = 0; /* whatever comes of it: look at once */
	if (drop_minutes(storage) || drop_files(storage))
		return true;
	if (r == -EROFS || !storage->has_ballast)
		return false;
	storage->has_ballast = false;
	if (!storage_ballast_release(storage->service->options.state))
		return false;
	log_crit("there is no room for the record (%s); the ballast is given up for entries and "
		 "reports; make room at once",
		 strerror(-r));
	return true;
}

/* The lines in the log stand in for the entries in the journal, which come when they are
 * stored: nothing that may yet get another number is told with one. */
static void tell_unstored(struct storage *storage)
{
	const struct batch *batch = &storage->service->batch;

	for (; storage->n_told < batch->n_entries; storage->n_told++)
		log_line((enum log_priority)batch->entries[storage->n_told].priority,
			 "%s (not in the record yet)", batch->entries[storage->n_told].message);
	unstored_send(storage->service);
}

bool storage_unstored(struct storage *storage, int r)
{
	struct service *service = storage->service;

	if (!record_is_full(r))
		return false;
	storage->tried_ms = service_now(service).mono_ms;
	if (!storage->error)
		log_crit("the record cannot be written: %s; what is found out is kept in memory, "
			 "and reports are sent without being stored; make room at once",
			 strerror(-r));
	storage->error = r;
	service->batch.is_kept = true;
	look(storage);
	say_level(storage);
	batch_fold(&service->batch);
	storage->n_seen = service->batch.n_reports;
	tell_unstored(storage);
	return true;
}

void storage_stored(struct storage *storage)
{
	if (!storage->error)
		return;
	log_notice("the record can be written again; all that was kept in memory is in it");
	unstored_forget(storage->service);
	storage->error = 0;
	storage->n_told = 0;
	storage->looked_ms = 0;
	storage->service->batch.is_kept = false;
}

bool storage_is_failing(const struct storage *storage)
{
	return storage && storage->error;
}

bool storage_is_healthy(const struct storage *storage)
{
	return storage->said < STORAGE_CRITICAL && !storage->error;
}

bool storage_may_commit(const struct storage *storage, int64_t mono_ms)
{
	return !storage->error || storage->is_closing || mono_ms - storage->tried_ms >= RETRY_MS ||
	       storage->service->batch.n_reports > storage->n_seen;
}

const char *storage_words(const struct storage *storage)
{
	return storage_is_failing(storage) ? strerror(-storage->error) : "";
}

/* --- as time goes ------------------------------------------------------------------------------
 */

void storage_tick(struct storage *storage)
{
	struct service *service = storage->service;
	int64_t now_ms = service_now(service).mono_ms;

	if (storage->error)
		unstored_send(service); /* what found no room among those on their way */
	if (storage->looked_ms && now_ms - storage->looked_ms < LOOK_MS)
		return;
	look(storage);
	say_level(storage);
	if (storage->said < STORAGE_CRITICAL)
		make_ballast(storage);
}

void storage_last_words(struct storage *storage)
{
	storage->is_closing = true;
	if (storage->said == STORAGE_CRITICAL && has_left_out(storage))
		say_left_out(storage, EVENT_STORAGE_CRITICAL);
}

json_t *storage_object(const struct storage *storage)
{
	const struct batch *batch = &storage->service->batch;
	json_t *object = json_object();
	char words[160];

	describe(storage, words, sizeof(words));
	(void)json_object_set_new(object, "level", json_string(storage_text(storage->said)));
	(void)json_object_set_new(object, "words", json_string(words));
	(void)json_object_set_new(object, "free_bytes", json_integer(storage->room.bytes));
	if (storage->room.inodes != INT64_MAX)
		(void)json_object_set_new(object, "free_inodes",
					  json_integer(storage->room.inodes));
	(void)json_object_set_new(object, "ballast", json_boolean(storage->has_ballast));
	(void)json_object_set_new(object, "storing", json_boolean(!storage->error));
	(void)json_object_set_new(object, "unstored_entries",
				  json_integer(storage->error ? (json_int_t)batch->n_entries : 0));
	(void)json_object_set_new(object, "unstored_reports",
				  json_integer(storage->error ? (json_int_t)batch->n_reports : 0));
	(void)json_object_set_new(object, "minutes_left_out",
				  json_integer((json_int_t)storage->n_minutes));
	return object;
}

int storage_open_record(struct service *service)
{
	const char *directory = service->options.state;
	char error[RECORD_ERROR_MAX];
	int why, r = record_open(&service->record, directory, error);

	if (r != -EROFS && record_is_full(r) && storage_ballast_release(directory))
		r = record_open(&service->record, directory, error);
	/* what is measured now must still be judged and told: the record comes later */
	if (record_is_full(r)) {
		log_crit("%s; the service begins without a record that can be written, and sends "
			 "reports without storing them; make room at once",
			 error);
		why = r;
		r = record_open_degraded(&service->record, directory, why, error);
	}
	if (r < 0) {
		log_err("%s", error);
		return r;
	}
	r = record_bind(service->record, service->config);
	if (r < 0)
		log_err("the record cannot be written: %s", record_error(service->record));
	return r;
}

int storage_open(struct storage **ret, struct service *service)
{
	struct storage *storage = calloc(1, sizeof(*storage));

	if (!storage)
		return -ENOMEM;
	storage->service = service;
	look(storage);
	say_level(storage);
	if (storage->said < STORAGE_CRITICAL)
		make_ballast(storage);
	*ret = storage;
	return 0;
}

struct storage *storage_close(struct storage *storage)
{
	free(storage);
	return NULL;
}

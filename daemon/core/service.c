/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/budget.h"
#include "core/chain.h"
#include "core/control.h"
#include "core/drilling.h"
#include "core/legacy.h"
#include "core/record_aside.h"
#include "core/sandboxes.h"
#include "core/service.h"
#include "core/storage.h"

struct stamp service_stamp(const struct service *service, int64_t boot_us, int64_t wall_us)
{
	return (struct stamp){
		.mono_ms = boot_us / US_PER_MS + service->mono_base_ms,
		.wall_ms = wall_us / US_PER_MS,
	};
}

struct stamp service_now(const struct service *service)
{
	int64_t boot_us, wall_us;

	clock_now(&boot_us, &wall_us);
	return service_stamp(service, boot_us, wall_us);
}

static void clear_deliveries(struct service *service)
{
	for (size_t i = 0; i < service->n_deliveries; i++)
		free((char *)(uintptr_t)service->deliveries[i].error);
	service->n_deliveries = 0;
}

/* tried once more before what came of it the last time could be stored: the last counts */
static bool replace_delivery(struct service *service, const struct record_delivery *delivery)
{
	for (size_t i = 0; i < service->n_deliveries; i++)
		if (service->deliveries[i].id == delivery->id) {
			free((char *)(uintptr_t)service->deliveries[i].error);
			service->deliveries[i] = *delivery;
			service->deliveries[i].error = delivery->error ? strdup(delivery->error)
								       : NULL;
			return true;
		}
	return false;
}

void service_add_delivery(struct service *service, const struct record_delivery *delivery)
{
	struct record_delivery *grown;

	if (replace_delivery(service, delivery))
		return;
	grown = reallocarray(service->deliveries, service->n_deliveries + 1, sizeof(*grown));
	if (!grown) { /* the result is forgotten and the report sent again: at least once */
		log_err("out of memory; a report will be sent once more");
		return;
	}
	service->deliveries = grown;
	grown[service->n_deliveries] = *delivery;
	grown[service->n_deliveries].error = delivery->error ? strdup(delivery->error) : NULL;
	service->n_deliveries++;
}

/* after a commit: now, and only now, it may be told */
static void tell(struct service *service)
{
	bool has_reports = service->batch.n_reports > 0, stepped = false;

	for (size_t i = 0; i < service->batch.n_entries; i++)
		journal_entry(service->journal, &service->batch.entries[i]);
	for (size_t i = 0; i < service->batch.n_entries; i++)
		stepped |= service->batch.entries[i].type == EVENT_CLOCK_STEPPED;
	pollers_committed(service->pollers);
	control_committed(service->control, &service->batch);
	batch_clear(&service->batch);
	clear_deliveries(service);
	/* waits were reckoned by a clock that was wrong before or is now */
	if (stepped && record_release(service->record, service_now(service).wall_ms) < 0)
		log_err("the outbox cannot be written: %s", record_error(service->record));
	if (has_reports || stepped)
		delivery_look(service->delivery);
}

static void fail(struct service *service, int r)
{
	log_crit("the record cannot be written: %s; nothing unwritten was reported, and the "
		 "service ends to recover from what is on disk",
		 *record_error(service->record) ? record_error(service->record) : strerror(-r));
	service->failed = true;
	if (r == -EBADMSG)
		record_suspect(service->options.state);
	(void)sd_event_exit(service->event, r);
}

/* what the record has added to the chain is told as all else. Without the memory for it the
 * journal lacks it, as it would after a stop. */
static void take_fixed(struct service *service, struct record_fixed *fixed)
{
	const struct sign_key *key = service->core->chain.key;

	for (size_t i = 0; i < fixed->n; i++) {
		struct batch_entry *entry = batch_add(&service->batch, entries);

		if (!entry)
			break;
		*entry = fixed->entries[i];
		fixed->entries[i] = (struct batch_entry){0};
	}
	if (fixed->n > 0) {
		service->core->chain = fixed->chain;
		service->core->chain.key = key;
	}
}

static int commit(struct service *service)
{
	struct record_ack acks[POLLERS_MAX];
	struct record_fixed fixed = {0};
	struct record_commit commit = {
		.config = service->config,
		.batch = &service->batch,
		.acks = acks,
		.n_acks = pollers_acks(service->pollers, acks),
		.deliveries = service->deliveries,
		.n_deliveries = service->n_deliveries,
		.head_key = service->keys.own[0],
		.chain = service->core->chain,
		.mono_base_ms = service->mono_base_ms,
		.now = service_now(service),
		.is_tight = storage_is_tight(service->storage),
		.journal_seq = journal_sent(service->journal),
		.fixed = &fixed,
	};
	void *state = NULL, *windows = NULL;
	int r = core_save(service->core, &state, &commit.n_state);

	if (r == 0 && service->core->windows_dirty)
		r = core_save_windows(service->core, &windows, &commit.n_windows);
	if (r == 0)
		r = drilling_save(service, &commit);
	delivery_save(service->delivery, &commit);
	anchoring_save(service, &commit);
	if (service->legacy)
		legacy_save(service->legacy, &commit);
	if (r == 0) {
		commit.state = state;
		commit.windows = windows;
		memcpy(commit.boot_id, service->boot_id, sizeof(commit.boot_id));
		r = record_commit(service->record, &commit);
	}
	free(state);
	free(windows);
	drilling_saved(service, &commit, r == 0);
	delivery_saved(service->delivery, r == 0);
	if (service->legacy)
		legacy_saved(service->legacy, r == 0);
	if (r == 0) {
		take_fixed(service, &fixed);
		service->core->windows_dirty = false;
	}
	record_fixed_done(&fixed);
	service->last_commit_ms = commit.now.mono_ms;
	return r;
}

void service_commit(struct service *service)
{
	int r;

	storage_trim(service->storage);
	do
		r = commit(service);
	while (storage_makes_room(service->storage, r));
	service->n_commits += r == 0;
	if (r == 0) {
		anchoring_saved(service);
		storage_stored(service->storage);
		tell(service);
	} else if (!storage_unstored(service->storage, r)) {
		fail(service, r);
	}
}

void service_flush(struct service *service)
{
	struct record_ack acks[POLLERS_MAX];
	bool urgent = service->batch.n_entries > 0 || service->n_deliveries > 0 ||
		      service->batch.n_minutes > 0 || service->batch.out_of_memory;
	int64_t now_ms = service_now(service).mono_ms;

	if (service->failed || !storage_may_commit(service->storage, now_ms))
		return;
	if (urgent || (now_ms - service->last_commit_ms >= SERVICE_COMMIT_MS &&
		       pollers_acks(service->pollers, acks) > 0))
		service_commit(service);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *service = userdata;

	(void)usec;
	anchoring_gather(service, service_now(service));
	pollers_tick(service->pollers, service_now(service));
	drills_due(service->drills, service_now(service));
	late_tell(service);
	service_flush(service);
	if (service->failed)
		return 0;
	storage_tick(service->storage);
	legacy_tick(service->legacy);
	anchoring_tick(service, service_now(service));
	delivery_tick(service->delivery);
	control_tick(service->control);
	status_write(service);
	service_notify(service);
	(void)sd_event_source_set_time_relative(source, US_PER_S);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* a listening socket: handed in by systemd under this name, else made by us */
static int listener(struct service *service, const char *name)
{
	char **names = NULL, path[4096];
	int n = sd_listen_fds_with_names(0, &names), fd = -1;

	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	if (fd >= 0)
		return fd;
	(void)snprintf(path, sizeof(path), "%s/%s.sock", service->options.runtime, name);
	fd = wire_listen(path);
	if (fd == -EADDRINUSE)
		log_err("another wastewatchd serves %s; stop it first, or give this one a "
			"--runtime of its own",
			path);
	else if (fd < 0)
		log_err("cannot listen on %s: %s; give --runtime a directory that exists and is "
			"writable",
			path, strerror(-fd));
	return fd;
}

static int open_sockets(struct service *service)
{
	int r = listener(service, "poller");

	if (r >= 0)
		r = pollers_open(&service->pollers, service, r);
	if (r >= 0)
		r = listener(service, "sender");
	if (r >= 0)
		r = delivery_open(&service->delivery, service, r);
	if (r >= 0)
		r = sd_event_add_time_relative(service->event, &service->timer, CLOCK_BOOTTIME,
					       US_PER_S, 10000, on_timer, service);
	return MIN(r, 0);
}

static int load_config(struct service *service)
{
	size_t n_errors = 0;
	int r = config_load(&service->config, service->options.config, stderr, &n_errors);

	if (r == 0)
		r = plan_new(&service->plan, service->config);
	if (r == 0)
		r = budget_check(service->config, service->plan, stderr, &n_errors);
	if (r == -EINVAL)
		log_err("the configuration in %s has %zu errors and cannot be used",
			service->options.config, n_errors);
	else if (r < 0)
		log_err("the configuration in %s cannot be read: %s", service->options.config,
			strerror(-r));
	return r;
}

static int begin(struct service *service)
{
	int r = chain_open(service, storage_open_record);

	if (r == 0)
		r = core_new(&service->core, service->config, service->plan, &service->batch);
	return r == 0 ? service_restore(service) : r;
}

int service_open(struct service *service, const struct service_options *options)
{
	int r;

	*service = (struct service){.options = *options};
	r = load_config(service);
	if (r == 0)
		r = keys_load(&service->keys, service->config, options->credentials);
	if (r == 0)
		r = begin(service);
	if (r == -EBADMSG && service->record) { /* a page that is needed cannot be read */
		r = chain_give_up(service, record_error(service->record));
		service->core = core_free(service->core);
		service->drills = drills_free(service->drills);
		service->anchoring = anchoring_close(service->anchoring);
		batch_clear(&service->batch);
		if (r == 0)
			r = begin(service);
	}
	if (r == 0)
		r = storage_open(&service->storage, service);
	if (r < 0)
		return r;
	service->packet = malloc(WIRE_PACKET_MAX);
	r = service->packet ? sd_event_default(&service->event) : -ENOMEM;
	if (r >= 0)
		r = journal_open(&service->journal, options->journal, NULL, service->core->log_id,
				 service->journal_seq, record_end(service->record));
	if (r < 0)
		log_err("the service cannot start: %s", strerror(-r)); /* no memory, no thread */
	while (r >= 0 && late_queue(service))
		; /* first what the run before left, so that what is new comes as it is */
	if (r >= 0)
		r = open_sockets(service);
	if (r >= 0)
		r = control_open(&service->control, service, options->bus);
	if (r >= 0)
		r = legacy_open(&service->legacy, service);
	if (r >= 0)
		r = sandboxes_open(service);
	if (r >= 0) {
		keys_tell(service);
		anchoring_gather(service, service_now(service)); /* for the first heartbeat */
	}
	if (r >= 0)
		service_flush(service);
	if (r >= 0 && !service->failed)
		r = chain_started(service);
	return service->failed ? -EIO : MIN(r, 0);
}

void service_close(struct service *service)
{
	struct event stopped = event_plain(EVENT_CORE_STOPPED, (struct stamp){0});

	service->control = control_close(service->control);
	if (service->core && service->delivery && !service->failed) {
		pollers_last_words(service->pollers);
		storage_last_words(service->storage);
		stopped.at = service_now(service);
		core_event(service->core, &stopped);
		service_flush(service);
		status_remove(service);
	}
	(void)pollers_close(service->pollers);
	(void)delivery_close(service->delivery);
	(void)sd_event_source_disable_unref(service->timer);
	journal_drain(service->journal);
	if (service->record && !service->failed)
		(void)record_save_journal(service->record, journal_sent(service->journal));
	(void)journal_close(service->journal);
	service->anchoring = anchoring_close(service->anchoring);
	service->legacy = legacy_close(service->legacy);
	service->sandboxes = sandboxes_free(service->sandboxes);
	(void)drills_free(service->drills);
	(void)core_free(service->core);
	(void)plan_free(service->plan);
	(void)record_close(service->record);
	(void)chain_close(service->chain);
	clear_deliveries(service);
	free(service->deliveries);
	(void)storage_close(service->storage);
	batch_done(&service->batch);
	keys_done(&service->keys);
	(void)config_free(service->config);
	(void)sd_event_unref(service->event);
	free(service->packet);
}

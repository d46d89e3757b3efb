/* SPDX-License-Identifier: Apache-2.0 */
/* A start: the core goes on where the record says that it was; part of service.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/chain.h"
#include "core/drilling.h"
#include "core/service.h"
#include "core/snapshot.h"

/*
 * The record's monotonic clock goes on over reboots: within one boot it is CLOCK_BOOTTIME
 * and a constant; after a reboot the constant is such that the time away, by the wall
 * clock, has passed.
 */
static void set_clock(struct service *service, const struct record_start *start)
{
	struct wire_hello hello;
	struct stamp now = clock_stamp();

	wire_hello_init(&hello, WIRE_ROLE_CORE, 0);
	memcpy(service->boot_id, hello.boot_id, sizeof(service->boot_id));
	if (!start->state)
		return;
	service->mono_base_ms = start->mono_base_ms;
	if (memcmp(start->boot_id, service->boot_id, sizeof(service->boot_id)) != 0)
		service->mono_base_ms = start->last.mono_ms +
					MAX(now.wall_ms - start->last.wall_ms, (int64_t)0) -
					now.mono_ms;
}

static int say_start(struct service *service, const struct record_start *start)
{
	struct stamp now = service_now(service);
	struct event started = event_plain(EVENT_CORE_STARTED, now);
	struct event loaded = event_plain(EVENT_CONFIG_LOADED, now);
	struct chain_names names;
	char hash[CHAIN_HEX_MAX];
	int r = chain_say_start(service, start);

	if (r == 0)
		r = chain_name_key(service, &names);
	if (r < 0)
		return r;
	started.keys = &names.keys;
	started.reason = start->created		  ? "for the first time"
			 : start->stopped_cleanly ? "after a clean stop"
						  : "after an unclean stop";
	started.name = WASTEWATCH_VERSION;
	core_event(service->core, &started);
	chain_hex(service->config->digest, hash);
	loaded.name = hash;
	core_event(service->core, &loaded); /* at every start: which limits were in force */
	return 0;
}

static void on_minute(void *userdata, size_t channel, const struct window_row *row)
{
	struct service *service = userdata;

	core_rebuild_window(service->core, channel, row);
}

/* the longer windows: as they were, else anew from the minutes since the open day began */
static int restore_windows(struct service *service, const struct record_start *start)
{
	int r = 1;

	if (start->windows)
		r = core_restore_windows(service->core, start->windows, start->n_windows);
	if (r <= 0 || !start->state)
		return MIN(r, 0);
	log_info("the windows are made anew from the minutes of the record");
	r = record_minutes(service->record,
			   window_floor(WINDOW_24H, start->last.wall_ms, service->config->zone_min),
			   on_minute, service);
	core_rebuilt(service->core);
	if (r < 0)
		log_err("the record cannot be read: %s", record_error(service->record));
	return r;
}

/* the bytes of the state do not hold: what was taken from them is forgotten, and somebody must
 * know; what was standing is closed by service_adopt(), and told so */
static int begin_anew(struct service *service, const struct record_start *start)
{
	int r;

	log_crit("the measuring state of the last run is damaged and begins anew");
	service->core = core_free(service->core);
	r = core_new(&service->core, service->config, service->plan, &service->batch);
	if (r < 0)
		return r;
	service->core->chain = start->chain;
	service->core->chain.key = service->keys.own[0];
	memcpy(service->core->log_id, start->log_id, sizeof(service->core->log_id));
	service->state_lost = service->state_damaged = true;
	return 0;
}

int service_restore(struct service *service)
{
	struct record_start start;
	int r = record_load(service->record, &start);

	if (r < 0) {
		log_err("the record cannot be read: %s", record_error(service->record));
		return r;
	}
	set_clock(service, &start);
	service->journal_seq = start.journal_seq;
	service->core->chain = start.chain;
	service->core->chain.key = service->keys.own[0];
	memcpy(service->core->log_id, start.log_id, sizeof(service->core->log_id));
	if (start.state)
		r = core_restore(service->core, start.state, start.n_state);
	service->state_lost = r == 1;
	/* each commit that has an entry writes a state with it: one from before the last entry was
	 * put back by somebody */
	if (r == 0 && start.state && !start.created &&
	    core_saved_seq(start.state, start.n_state) < start.said_seq)
		r = -EBADMSG;
	if (r == 1)
		log_warning("the measuring state is of another version and begins anew");
	if (r >= 0)
		r = restore_windows(service, &start);
	free(start.state);
	free(start.windows);
	if (r == -EBADMSG)
		r = begin_anew(service, &start);
	if (r >= 0)
		r = say_start(service, &start);
	if (r >= 0 && service->state_damaged)
		chain_state_lost(service);
	if (r >= 0)
		r = chain_mend(service, &start);
	if (r >= 0)
		r = anchoring_open(service);
	if (r >= 0)
		r = service_adopt(service);
	return r < 0 ? r : drilling_open(service);
}

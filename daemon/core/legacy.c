/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/chain.h"
#include "core/legacy.h"
#include "core/record_legacy.h"
#include "core/record_verify.h"
#include "core/storage.h"
#include "core/verify.h"

#define SLICE_ENTRIES 500 /* without signatures, some 3 ms */
#define PAUSE_US      10000
#define FIRST_MAX     16
#define AGAIN_US      (5 * (uint64_t)US_PER_S)

/**
 * struct legacy
 * @verify, @reports: of the way through the chain
 * @first: reports that are to be sent and wait for this; @n_first
 * @is_due: the next commit fixes some
 */
struct legacy {
	struct service *service;
	sd_event_source *timer;
	struct verify verify;
	struct verify_reports reports;
	bool is_reading;
	bool is_due;
	int64_t first[FIRST_MAX];
	size_t n_first;
};

static void later(struct legacy *legacy, uint64_t pause_us)
{
	(void)sd_event_source_set_time_relative(legacy->timer, pause_us);
	(void)sd_event_source_set_enabled(legacy->timer, SD_EVENT_ONESHOT);
}

/* --- may there be any? -------------------------------------------------------------- */

static void begin_reading(struct legacy *legacy)
{
	verify_begin(&legacy->verify, NULL, VERIFY_WHOLE | VERIFY_LENIENT);
	verify_reports_done(&legacy->reports);
	legacy->verify.reports = &legacy->reports;
	chain_trust(legacy->service, &legacy->verify);
	legacy->is_reading = true;
}

/* how many, if the chain holds and one of our keys has signed its end */
static uint64_t left(struct legacy *legacy)
{
	char words[VERIFY_TEXT_MAX];

	if (!verify_end(&legacy->verify)) {
		verify_text(&legacy->verify, words);
		log_err("what an older version has left in the outbox is not sent, because the "
			"record does not hold: %s",
			words);
		return 0;
	}
	if (legacy->reports.left == 0 || legacy->verify.n_signed == 0 || legacy->reports.failed)
		log_err("reports wait that nobody has made here: they are not sent; see: "
			"wastewatch verify");
	else
		return legacy->reports.left;
	return 0;
}

static void end_reading(struct legacy *legacy, int r)
{
	struct record *record = legacy->service->record;

	legacy->is_reading = false;
	if (r == 0)
		r = record_legacy_decide(record, left(legacy));
	verify_reports_done(&legacy->reports);
	if (r < 0)
		log_err("the record cannot be read: %s", record_error(record));
	later(legacy, r < 0 ? AGAIN_US : 0);
	if (r == 0)
		delivery_look(legacy->service->delivery);
}

/* --- piece by piece ------------------------------------------------------------------ */

static void fix_some(struct legacy *legacy)
{
	struct service *service = legacy->service;

	/* where there is hardly any room only what is to be sent now is worth it */
	if (!storage_may_commit(service->storage, service_now(service).mono_ms) ||
	    (storage_is_tight(service->storage) && legacy->n_first == 0)) {
		later(legacy, AGAIN_US);
		return;
	}
	legacy->is_due = true;
	service_commit(service);
	legacy->is_due = false;
	later(legacy, PAUSE_US);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct legacy *legacy = userdata;
	struct service *service = legacy->service;
	enum record_legacy_state state = record_legacy_state(service->record);
	int r;

	(void)usec;
	(void)source;
	if (service->failed)
		return 0;
	if (state == LEGACY_TAKEN) {
		fix_some(legacy);
	} else if (state == LEGACY_ASKED) {
		if (!legacy->is_reading)
			begin_reading(legacy);
		r = record_verify(service->record, &legacy->verify, SLICE_ENTRIES, false);
		if (r > 0)
			later(legacy, PAUSE_US);
		else
			end_reading(legacy, r);
	}
	return 0;
}

void legacy_tick(struct legacy *legacy)
{
	enum record_legacy_state state = record_legacy_state(legacy->service->record);
	int enabled = SD_EVENT_OFF;

	(void)sd_event_source_get_enabled(legacy->timer, &enabled);
	if (enabled == SD_EVENT_OFF && (state == LEGACY_ASKED || state == LEGACY_TAKEN))
		later(legacy, 0);
}

/* --- for others ------------------------------------------------------------------------ */

bool legacy_wants(struct legacy *legacy, int64_t id)
{
	enum record_legacy_state state;

	if (!legacy)
		return false; /* a test's delivery stands alone */
	state = record_legacy_state(legacy->service->record);
	if (state == LEGACY_TAKEN && legacy->n_first < FIRST_MAX) {
		legacy->first[legacy->n_first++] = id;
		later(legacy, 0);
	}
	return state == LEGACY_ASKED || state == LEGACY_TAKEN;
}

void legacy_save(struct legacy *legacy, struct record_commit *commit)
{
	commit->legacy = legacy->is_due;
	commit->legacy_first = legacy->first;
	commit->n_legacy_first = legacy->n_first;
}

void legacy_saved(struct legacy *legacy, bool is_stored)
{
	if (!is_stored || !legacy->is_due)
		return;
	if (legacy->n_first > 0)
		delivery_look_later(legacy->service->delivery);
	legacy->n_first = 0;
}

int legacy_open(struct legacy **ret, struct service *service)
{
	struct legacy *legacy = calloc(1, sizeof(*legacy));
	int r;

	if (!legacy)
		return -ENOMEM;
	legacy->service = service;
	r = sd_event_add_time_relative(service->event, &legacy->timer, CLOCK_BOOTTIME, 0, 0,
				       on_timer, legacy);
	if (r < 0) {
		free(legacy);
		return r;
	}
	*ret = legacy;
	return 0;
}

struct legacy *legacy_close(struct legacy *legacy)
{
	if (!legacy)
		return NULL;
	(void)sd_event_source_disable_unref(legacy->timer);
	verify_reports_done(&legacy->reports);
	free(legacy);
	return NULL;
}

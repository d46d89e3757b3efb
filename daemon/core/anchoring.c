/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/chain.h"
#include "core/head.h"

#define TOO_EARLY  425
#define CONFLICT   409
#define DATE_MAX_S INT64_C(253402300799) /* the end of the year 9999 */

/* --- what is known ------------------------------------------------------------------------ */

static void name_slots(struct anchoring *anchoring, const struct config *config)
{
	anchoring->n = config->n_destinations;
	for (size_t i = 0; i < anchoring->n; i++)
		(void)snprintf(anchoring->names[i], sizeof(anchoring->names[i]), "%s",
			       config->destinations[i].name);
}

static int load(struct service *service, struct anchoring *ret)
{
	int r = 0;

	name_slots(ret, service->config);
	for (size_t i = 0; r >= 0 && i < ret->n; i++)
		r = record_anchor(service->record, ret->names[i], &ret->anchors[i]);
	if (r < 0)
		log_err("what receivers hold cannot be read from the record: %s",
			record_error(service->record));
	return MIN(r, 0);
}

int anchoring_open(struct service *service)
{
	service->anchoring = calloc(1, sizeof(*service->anchoring));
	return service->anchoring ? load(service, service->anchoring) : -ENOMEM;
}

struct anchoring *anchoring_close(struct anchoring *anchoring)
{
	free(anchoring);
	return NULL;
}

/* what is not saved yet is newer than the record */
int anchoring_fit(struct service *service)
{
	struct anchoring *old = service->anchoring, *anew = calloc(1, sizeof(*anew));
	int r = anew ? load(service, anew) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < anew->n; i++)
		for (size_t j = 0; j < old->n; j++)
			if (strcmp(anew->names[i], old->names[j]) == 0) {
				anew->anchors[i] = old->anchors[j];
				anew->dirty[i] = old->dirty[j];
			}
	if (r < 0) {
		free(anew);
		return r;
	}
	memcpy(anew->renamed, old->renamed, sizeof(anew->renamed));
	anew->n_renamed = old->n_renamed;
	anew->renewed = old->renewed;
	service->anchoring = anew;
	(void)anchoring_close(old);
	return 0;
}

/* --- entries -------------------------------------------------------------------------------- */

static struct event event_of(const struct service *service, size_t i, enum event_type type)
{
	struct event event = event_plain(type, service_now(service));

	event.name = service->anchoring->names[i];
	return event;
}

static void say(struct service *service, size_t i, int64_t department_seq)
{
	const struct anchor *anchor = &service->anchoring->anchors[i];
	struct event event = event_of(service, i, EVENT_ANCHOR_AGREED);
	char reason[160] = "what it holds is what this record holds";

	switch (anchor->said) {
	case ANCHOR_BEHIND:
		event.type = EVENT_ANCHOR_BEHIND;
		(void)snprintf(reason, sizeof(reason), "and has confirmed entry %lld before",
			       (long long)anchor->wanted_seq);
		break;
	case ANCHOR_AHEAD:
	case ANCHOR_CONFLICT:
		event.type = anchor->said == ANCHOR_AHEAD ? EVENT_ANCHOR_AHEAD
							  : EVENT_ANCHOR_CONFLICT;
		(void)snprintf(reason, sizeof(reason),
			       service->anchoring->renewed
				       ? "its entries from here on are of chain %s"
				       : "its chain is still %s, for a new one has begun of late",
			       service->core->log_id);
		break;
	case ANCHOR_NOTHING:
	case ANCHOR_AGREED:
		break;
	}
	event.number = department_seq;
	event.reason = reason;
	core_event(service->core, &event);
}

/* --- a new chain ---------------------------------------------------------------------------- */

/* the record's clock, 0 never */
static int64_t last_renewed_ms(const struct anchoring *anchoring)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < anchoring->n; i++)
		last_ms = MAX(last_ms, anchoring->anchors[i].renewed_ms);
	return last_ms;
}

/*
 * Has this key signed, since the present chain began, an entry that this record has not? The note
 * is made anew of the answer and signed anew: Ed25519 gives the same signature for the same note
 * (RFC 8032 §5.1.6). A note that is older than the chain is that of a branch which was left
 * already: who shows it again shows nothing new.
 */
static bool is_proven(const struct service *service, const struct anchor_answer *answer,
		      struct stamp now)
{
	struct chain other = {.seq = (uint64_t)answer->seq, .key = service->core->log->key};
	int64_t renewed_ms = last_renewed_ms(service->anchoring), signed_ms;
	char note[HEAD_NOTE_MAX], key_id[SIGN_KEY_ID_TEXT], signature[SIGN_ED25519_TEXT];

	if (!other.key || !*answer->signature || clock_parse(answer->time, &signed_ms) < 0 ||
	    (renewed_ms != 0 && signed_ms <= now.wall_ms - (now.mono_ms - renewed_ms)))
		return false;
	memcpy(other.hash, answer->hash, sizeof(other.hash));
	return head_note(service->config->origin, &other, signed_ms, note, key_id) == 0 &&
	       sign_bytes_text(other.key, note, strlen(note), signature) == 0 &&
	       strcmp(signature, answer->signature) == 0;
}

static bool may_renew(const struct service *service, size_t i, const struct anchor_answer *answer)
{
	const struct anchoring *anchoring = service->anchoring;
	struct stamp now = service_now(service);

	return is_proven(service, answer, now) ||
	       anchor_may_renew(&anchoring->anchors[i], service->core->log_id,
				last_renewed_ms(anchoring), now.mono_ms);
}

/* all that was said so far keeps its numbers; what comes has others, if with the same digits */
static void renew(struct service *service, size_t i, const struct anchor_answer *answer)
{
	int64_t mono_ms = service_now(service).mono_ms;
	uint8_t raw[8];
	char id[ANCHOR_ID_MAX];

	if (!may_renew(service, i, answer) ||
	    getrandom(raw, sizeof(raw), GRND_NONBLOCK) != sizeof(raw))
		return;
	for (size_t byte = 0; byte < sizeof(raw); byte++)
		(void)snprintf(id + 2 * byte, 3, "%02x", raw[byte]);
	memcpy(service->core->log_id, id, sizeof(id));
	for (size_t drill = 0; drill < service->drills->n; drill++)
		memcpy(service->drills->list[drill]->core->log_id, id, sizeof(id));
	service->anchoring->renewed = true;
	service->anchoring->anchors[i].renewed_ms = MAX(mono_ms, (int64_t)1);
}

/* refused as part of a chain that has ended: it is said again as part of the one that goes on */
static bool rename_report(struct service *service, const struct record_job *job)
{
	struct anchoring *anchoring = service->anchoring;
	struct record_renamed *renamed = &anchoring->renamed[anchoring->n_renamed];
	size_t n = strcspn(job->webhook_id, "-");

	/* 0: it is not in the record yet */
	if (job->id == 0 || n != sizeof(renamed->from) - 1 ||
	    anchoring->n_renamed == CONFIG_DESTINATIONS_MAX ||
	    strncmp(job->webhook_id, service->core->log_id, n) == 0)
		return false;
	*renamed = (struct record_renamed){.id = job->id};
	memcpy(renamed->from, job->webhook_id, n);
	memcpy(renamed->to, service->core->log_id, n + 1);
	anchoring->n_renamed++;
	return true;
}

/* --- an answer ------------------------------------------------------------------------------ */

static void take_clock(struct service *service, size_t i, const struct wire_result *result)
{
	struct anchor *anchor = &service->anchoring->anchors[i];
	int64_t end_ms = service_now(service).wall_ms, offset_ms;
	struct event event = event_of(service, i, EVENT_CLOCK_DIFFERS);

	if (result->date_s < 0 || result->date_s > DATE_MAX_S)
		return;
	offset_ms = anchor_offset_ms(result->date_s, end_ms - (int64_t)result->took_ms, end_ms);
	service->anchoring->dirty[i] = true;
	if (!anchor_take_clock(anchor, offset_ms,
			       service->config->destinations[i].clock_tolerance_ms))
		return;
	event.number = offset_ms / MS_PER_S;
	if (!anchor->clock_said) {
		event.type = EVENT_ANCHOR_AGREED;
		event.reason = "its clock and this one are together";
	}
	core_event(service->core, &event);
}

static void take_answer(struct service *service, size_t i, const struct anchor_case *what)
{
	struct anchor *anchor = &service->anchoring->anchors[i];
	enum anchor_finding finding = anchor_judge(anchor, what);

	if (finding == ANCHOR_AHEAD || finding == ANCHOR_CONFLICT)
		renew(service, i, what->answer);
	service->anchoring->dirty[i] |= finding != ANCHOR_NOTHING;
	if (anchor_take(anchor, finding, what, service_now(service).wall_ms))
		say(service, i, what->answer->seq);
}

/* Return: it was one of the schema */
static bool read_answer(struct service *service, size_t i, const struct record_job *job,
			const struct wire_result *result)
{
	const char *bytes = (const char *)(result + 1) + result->n_error;
	struct anchor_answer answer;
	char id[ANCHOR_ID_MAX];
	uint8_t hash[32];
	int r;

	if (anchor_parse(bytes, result->n_answer, &answer) < 0)
		return false;
	r = record_entry_hash(service->record, answer.seq, hash);
	if (r < 0) {
		log_err("the record cannot be read: %s", record_error(service->record));
		return false;
	}
	memcpy(id, service->core->log_id, sizeof(id)); /* it may change on the way */
	take_answer(service, i,
		    &(struct anchor_case){
			    .answer = &answer,
			    .id = id,
			    .seq = (int64_t)service->core->chain.seq,
			    .hash = r == 1 ? hash : NULL,
			    .report = job->webhook_id,
			    .accepted = result->http_status >= 200 && result->http_status < 300,
		    });
	return true;
}

/* refused for its time stamp: the clocks differ, or ours has been set while it was under way */
static bool is_for_the_clock(const struct service *service, size_t i, int status, int64_t set_ms)
{
	int64_t tolerance_ms = service->config->destinations[i].clock_tolerance_ms;

	return (status == 400 || status == 401 || status == 403) &&
	       (service->anchoring->anchors[i].clock_said || anchor_is_off(set_ms, tolerance_ms));
}

int anchoring_answer(struct service *service, size_t destination, const struct record_job *job,
		     const struct wire_result *result, int64_t set_ms)
{
	bool known;

	if (result->http_status == 0)
		return 0;
	take_clock(service, destination, result);
	known = read_answer(service, destination, job, result);
	if (result->http_status == CONFLICT && known && rename_report(service, job))
		return TOO_EARLY;
	return is_for_the_clock(service, destination, result->http_status, set_ms)
		       ? TOO_EARLY
		       : result->http_status;
}

/* --- what was lost ---------------------------------------------------------------------------- */

static void send_again(struct service *service, size_t i, struct stamp now)
{
	struct anchor *anchor = &service->anchoring->anchors[i];
	int64_t done;
	int n = record_send_again(service->record,
				  &(struct record_again){service->anchoring->names[i], anchor->id,
							 anchor->again_from, anchor->again_to},
				  &done);

	if (n < 0) {
		log_err("the outbox cannot be written: %s", record_error(service->record));
		return;
	}
	anchor->again_from = done;
	service->anchoring->dirty[i] = true;
	if (anchor->again_from >= anchor->again_to)
		anchor->round_ms = MAX(now.mono_ms, (int64_t)1);
	if (n > 0)
		delivery_look(service->delivery);
}

void anchoring_tick(struct service *service, struct stamp now)
{
	for (size_t i = 0; i < service->anchoring->n; i++) {
		const struct anchor *anchor = &service->anchoring->anchors[i];

		if (anchor->again_from < anchor->again_to && anchor_may_round(anchor, now.mono_ms))
			send_again(service, i, now);
	}
}

/* --- the record ---------------------------------------------------------------------------------
 */

void anchoring_save(struct service *service, struct record_commit *commit)
{
	struct anchoring *anchoring = service->anchoring;

	if (!anchoring)
		return;
	for (size_t i = 0; i < anchoring->n; i++)
		if (anchoring->dirty[i])
			anchoring->rows[commit->n_anchors++] = (struct record_anchor){
				anchoring->names[i], &anchoring->anchors[i]};
	commit->anchors = anchoring->rows;
	commit->renamed = anchoring->renamed;
	commit->n_renamed = anchoring->n_renamed;
	commit->log_id = anchoring->renewed ? service->core->log_id : NULL;
}

void anchoring_saved(struct service *service)
{
	struct anchoring *anchoring = service->anchoring;

	if (!anchoring)
		return;
	memset(anchoring->dirty, 0, sizeof(anchoring->dirty));
	anchoring->n_renamed = 0;
	anchoring->renewed = false;
}

/* --- people -------------------------------------------------------------------------------------
 */

size_t anchoring_seen(struct service *service, const char *user, const char *reason)
{
	size_t n = 0;

	for (size_t i = 0; i < service->anchoring->n; i++) {
		struct event event = event_of(service, i, EVENT_ANCHOR_SEEN);

		if (!service->anchoring->anchors[i].unseen)
			continue;
		event.user = user;
		event.reason = reason;
		core_event(service->core, &event);
		service->anchoring->anchors[i].unseen = false;
		service->anchoring->dirty[i] = true;
		n++;
	}
	return n;
}

bool anchoring_is_healthy(const struct service *service)
{
	for (size_t i = 0; i < service->anchoring->n; i++) {
		const struct anchor *anchor = &service->anchoring->anchors[i];

		if (anchor->unseen || (anchor->clock_known &&
				       llabs(anchor->clock_ms) >=
					       service->config->destinations[i].clock_tolerance_ms))
			return false;
	}
	return true;
}

/* --- heartbeats ----------------------------------------------------------------------------------
 */

static void on_waiting(void *userdata, const char *destination, bool files, int64_t n)
{
	struct service *service = userdata;

	for (size_t i = 0; i < service->config->n_destinations; i++)
		if (!files && strcmp(service->config->destinations[i].name, destination) == 0)
			service->core->facts.reports_waiting[i] = n;
}

void anchoring_gather(struct service *service, struct stamp now)
{
	struct core_facts *facts = &service->core->facts;
	struct statvfs disk;

	if (facts->known && now.mono_ms - service->facts_ms < MS_PER_MIN)
		return;
	service->facts_ms = now.mono_ms;
	*facts = (struct core_facts){
		.known = true,
		.disk_free_bytes = -1,
		.verified_ms = service->chain->verified_ms,
		.verified_good = chain_is_healthy(service),
	};
	if (statvfs(service->options.state, &disk) == 0)
		facts->disk_free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	if (record_waiting(service->record, on_waiting, service) < 0)
		log_err("the outbox cannot be read: %s", record_error(service->record));
}

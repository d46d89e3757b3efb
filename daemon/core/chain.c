/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/chain.h"
#include "core/record_aside.h"
#include "core/record_rescue.h"
#include "core/record_verify.h"

/* --- the start --------------------------------------------------------------------- */

/**
 * struct past - what the record's own entries say of it
 * @decided: the newest that speaks of damage was found
 */
struct past {
	bool decided;
	bool is_unseen;
	bool is_unvouched;
	bool is_altered;
	bool set_aside;
	char altered[CHAIN_REPORT_MAX];
	char reason[RECORD_ASIDE_REASON];
};

/* damage of an entry, not of the state: "entry" says which */
static bool is_of_entry(const char *line)
{
	return strstr(line, "\"entry\":") && !strstr(line, "\"entry\":0,");
}

/* a report that was altered; a new key that nobody who knows the old one can believe */
static bool is_for_people(const char *type, const char *line)
{
	return strcmp(type, "record.replaced") == 0 || strcmp(type, "report.altered") == 0 ||
	       (strcmp(type, "key.rotated") == 0 && !strstr(line, "\"signature\":"));
}

/* which report it was that was altered */
static bool read_report(const char *line, char ret[static CHAIN_REPORT_MAX])
{
	static const char key[] = "\"report\":\"";
	const char *at = strstr(line, key);

	if (!at)
		return false;
	(void)snprintf(ret, CHAIN_REPORT_MAX, "%s", at + strlen(key));
	ret[strcspn(ret, "\"")] = '\0';
	return true;
}

static bool take_past(void *userdata, const char *type, const char *line)
{
	struct past *past = userdata;
	bool damaged = strcmp(type, "record.damaged") == 0;

	if (damaged && is_of_entry(line)) {
		past->set_aside = true;
		(void)snprintf(past->reason, sizeof(past->reason), "found while it was running");
	}
	if (!past->decided && (damaged || is_for_people(type, line))) {
		past->decided = past->is_unseen = true;
		past->is_unvouched = strcmp(type, "key.rotated") == 0;
		past->is_altered = read_report(line, past->altered);
	}
	if (strcmp(type, "record.seen") == 0)
		past->decided = true;
	return !past->set_aside;
}

/* the keys whose heads can be checked; others are counted */
static void trust_own(const struct service *service, struct verify *verify)
{
	char text[SIGN_PUBLIC_TEXT];
	struct sign_public key;

	for (int i = 0; i < 2; i++)
		if (service->keys.own[i] && sign_key_public(service->keys.own[i], text) == 0 &&
		    sign_public_load(&key, text, strlen(text)) == 0)
			(void)verify_trust(verify, &key); /* the first two have room */
}

void chain_trust(const struct service *service, struct verify *verify)
{
	trust_own(service, verify);
	if (service->chain->has_key)
		(void)verify_trust(verify, &service->chain->key); /* the third of many */
}

/* the end of the chain. Return: 0; -EBADMSG @words say what; -errno. */
static int check_end(struct service *service, char words[static VERIFY_TEXT_MAX])
{
	struct record_start start;
	struct verify verify;
	uint64_t first = 0;
	int r = record_load(service->record, &start);

	free(start.state);
	free(start.windows);
	if (r < 0) {
		(void)snprintf(words, VERIFY_TEXT_MAX, "%s", record_error(service->record));
		return r;
	}
	verify_begin(&verify, NULL, VERIFY_WHOLE | VERIFY_LENIENT);
	r = record_first(service->record, &first);
	/* numbers may be high where the record is young: it goes on where another ended */
	if (r == 0 && first > 0 && start.chain.seq >= first + CHAIN_START_ENTRIES) {
		r = record_chain_at(service->record, start.chain.seq - CHAIN_START_ENTRIES,
				    &verify.chain);
		verify.mode &= ~(unsigned)VERIFY_WHOLE;
	}
	trust_own(service, &verify);
	while (r >= 0 && (r = record_verify(service->record, &verify, 1000, false)) > 0)
		;
	if (r < 0)
		(void)snprintf(words, VERIFY_TEXT_MAX, "%s", record_error(service->record));
	else if (!verify_end(&verify))
		verify_text(&verify, words);
	return r < 0 ? r : verify.fault && verify.fault != VERIFY_FAILED ? -EBADMSG : 0;
}

/* Return: 0 it can be used; -EBADMSG it is to be set aside, @words say why; -errno */
static int examine(struct service *service, char words[static RECORD_ASIDE_REASON])
{
	struct past past = {0};
	int r = 0;

	*words = '\0';
	if (!record_is_here(service->record))
		return 0; /* what stands in for it has nothing to look at */
	if (record_is_suspect(service->options.state)) {
		/* all of it is read: a start that takes longer than systemd waits would be ended */
		(void)sd_notify(0, "EXTEND_TIMEOUT_USEC=1800000000");
		r = record_look_through(service->record, words);
	}
	if (r == 0)
		r = check_end(service, words);
	if (r == 0)
		r = record_chain(service->record, take_past, &past);
	if (r == 0 && past.set_aside) {
		(void)snprintf(words, RECORD_ASIDE_REASON, "%s", past.reason);
		r = -EBADMSG;
	}
	service->chain->is_unseen = past.is_unseen;
	service->chain->is_unvouched = past.is_unvouched;
	if (past.is_altered)
		memcpy(service->chain->altered, past.altered, sizeof(past.altered));
	return r;
}

static int set_aside(struct service *service, const char *reason)
{
	struct record_aside aside;
	int r;

	service->record = record_close(service->record);
	r = record_set_aside(service->options.state, reason, service_now(service).wall_ms, &aside);
	if (r < 0)
		log_err("the damaged record in %s cannot be set aside: %s", service->options.state,
			strerror(-r));
	else
		log_crit("the record is damaged: %s; it is kept as %s/%s, and a new one begins",
			 aside.reason, service->options.state, aside.name);
	return r;
}

int chain_give_up(struct service *service, const char *reason)
{
	char words[RECORD_ASIDE_REASON];

	(void)snprintf(words, sizeof(words), "%s", reason); /* it may be the record's own */
	return set_aside(service, words);
}

/* a record that is there and good, or a new one. Return: 0; 1 it was set aside: once more; -errno
 */
static int open_once(struct service *service, int (*open)(struct service *service))
{
	char words[RECORD_ASIDE_REASON] = "";
	int r = open(service);

	/* SQLite says "malformed" of a page that the disk did not give, too: that may pass */
	if (r == -EBADMSG) {
		service->record = record_close(service->record);
		r = open(service);
	}
	if (r < 0 && record_is_damaged(service->options.state, r)) {
		if (service->record)
			(void)snprintf(words, sizeof(words), "%s", record_error(service->record));
		if (!*words)
			record_why_damaged(service->options.state, words);
		r = set_aside(service, words);
		return r < 0 ? r : 1;
	}
	if (r < 0)
		return r;
	r = examine(service, words);
	if (r != -EBADMSG) {
		if (r < 0)
			log_err("the record cannot be read: %s", record_error(service->record));
		return r;
	}
	r = set_aside(service, words);
	return r < 0 ? r : 1;
}

/* from what was set aside into the new record, which has no entry yet */
static int take_over(struct service *service)
{
	struct chain_watch *chain = service->chain;
	struct record_rescued rescued;
	struct verify trusted;
	char held[80] = "";
	int r;

	verify_begin(&trusted, NULL, VERIFY_LENIENT);
	chain_trust(service, &trusted);
	r = record_rescue(service->record, service->options.state, &chain->aside, &trusted,
			  &rescued);
	if (r < 0) {
		log_err("the record cannot be written: %s", record_error(service->record));
		return r;
	}
	if (rescued.n_altered > 0)
		(void)snprintf(held, sizeof(held),
			       ", %" PRIu64 " of them held because they are not what was made",
			       rescued.n_altered);
	(void)snprintf(
		chain->reason, sizeof(chain->reason),
		"%s; %" PRIu64 " reports that wait were taken over%s%s%s", chain->aside.reason,
		rescued.n_reports, held, rescued.reports_cut ? ", others cannot be read" : "",
		rescued.others_cut ? "; of incidents, alarms and state not all can be read" : "");
	return 0;
}

static bool take_any(void *userdata, const char *type, const char *line)
{
	(void)type;
	(void)line;
	*(bool *)userdata = true;
	return false;
}

int chain_open(struct service *service, int (*open)(struct service *service))
{
	bool has_entries = false;
	int r;

	if (!service->chain)
		service->chain = calloc(1, sizeof(*service->chain));
	if (!service->chain)
		return -ENOMEM;
	service->chain->service = service;
	/* one that another instance is using is said by open(), as all else that is in the way */
	(void)record_aside_pending(service->options.state, &service->chain->aside);
	r = open_once(service, open);
	if (r > 0)
		r = open_once(service, open);
	if (r > 0) /* what was just made is damaged already: the disk or the memory is */
		r = -EIO;
	if (r == 0)
		r = chain_find_key(service);
	if (r == 0)
		r = record_chain(service->record, take_any, &has_entries);
	service->chain->is_replaced = r == 0 && record_is_here(service->record) &&
				      record_aside_read(service->options.state,
							&service->chain->aside) > 0;
	if (service->chain->is_replaced && !has_entries)
		r = take_over(service);
	return r;
}

/* --- entries at the start ---------------------------------------------------------- */

static int say_created(struct service *service)
{
	struct event created = event_plain(EVENT_RECORD_CREATED, service_now(service));
	struct event replaced = event_plain(EVENT_RECORD_REPLACED, created.at);
	struct chain_watch *chain = service->chain;
	struct chain_names names;
	int r = chain_name_key(service, &names);

	created.reason = chain->is_replaced ? "the one before was set aside"
					    : "no record was there before";
	created.name = service->core->log_id;
	created.keys = &names.keys;
	core_event(service->core, &created);
	if (r == 0)
		r = sign_public_load(&chain->key, names.public, strlen(names.public));
	chain->has_key = r == 0;
	if (!chain->is_replaced)
		return r;
	replaced.name = chain->aside.name;
	replaced.number = (int64_t)chain->aside.last_seq;
	replaced.hash = chain->aside.hash;
	replaced.reason = chain->reason;
	core_event(service->core, &replaced);
	chain->is_unseen = true;
	return r;
}

int chain_say_start(struct service *service, const struct record_start *start)
{
	struct chain_watch *chain = service->chain;
	struct chain_names names;
	int r;

	if (start->created)
		return say_created(service);
	chain_rotate(service);
	/* where no entry named one yet, the next does: "core.started" */
	r = chain_name_key(service, &names);
	if (r == 0)
		r = sign_public_load(&chain->key, names.public, strlen(names.public));
	chain->has_key = r == 0;
	return r;
}

void chain_state_lost(struct service *service)
{
	struct event event = event_plain(EVENT_RECORD_DAMAGED, service_now(service));

	event.reason = "the measuring state of the last run does not hold and begins anew; the "
		       "entries are not touched by that";
	core_event(service->core, &event);
	service->chain->is_unseen = true;
}

/* --- round after round ------------------------------------------------------------- */

static void say_damage(struct chain_watch *chain, uint64_t bad, const char *words)
{
	struct service *service = chain->service;
	struct event event = event_plain(EVENT_RECORD_DAMAGED, service_now(service));

	if (chain->is_damaged && chain->bad == bad)
		return; /* is known */
	chain->is_damaged = chain->is_unseen = true;
	chain->bad = bad;
	(void)snprintf(chain->words, sizeof(chain->words), "%s", words);
	event.number = (int64_t)bad;
	event.reason = chain->words;
	core_event(service->core, &event);
}

static void say_good(struct chain_watch *chain)
{
	struct service *service = chain->service;
	struct event event = event_plain(EVENT_RECORD_VERIFIED, service_now(service));

	chain->verified_ms = event.at.wall_ms;
	chain->n_entries = chain->verify.n_entries;
	chain->n_heads = chain->verify.n_heads;
	chain->n_unknown = chain->verify.n_unknown;
	if (event.at.mono_ms < chain->due_ms)
		return;
	chain->due_ms = event.at.mono_ms + (int64_t)service->config->verify_interval_ms;
	event.number = (int64_t)chain->n_entries;
	event.heads = (int64_t)chain->n_heads;
	core_event(service->core, &event);
}

static void begin_round(struct chain_watch *chain)
{
	verify_begin(&chain->verify, NULL, VERIFY_WHOLE | VERIFY_LENIENT | VERIFY_HEADS);
	verify_reports_done(&chain->reports);
	chain->verify.reports = &chain->reports;
	chain->at_outbox = chain->at_incidents = false;
	*chain->incident = '\0';
	chain->row = 0;
	chain_trust(chain->service, &chain->verify);
	chain->is_running = true;
}

/* a row is no reason to set the entries aside; tables are looked at by every start */
static bool is_of_row(const struct verify *verify)
{
	return verify->fault >= VERIFY_REPORT && verify->fault <= VERIFY_SHAPE;
}

static void end_round(struct chain_watch *chain, int r)
{
	struct service *service = chain->service;
	char words[VERIFY_TEXT_MAX];

	chain->is_running = false;
	chain->next_ms = service_now(service).mono_ms +
			 (int64_t)service->config->verify_interval_ms;
	if (r == -EBADMSG) {
		(void)snprintf(words, sizeof(words),
			       "SQLite cannot read it behind entry %" PRIu64 ": %.120s",
			       chain->verify.chain.seq, record_error(service->record));
		say_damage(chain, chain->verify.chain.seq + 1, words);
	} else if (r < 0) {
		log_err("the record cannot be verified: %s", record_error(service->record));
	} else if (!verify_end(&chain->verify)) {
		verify_text(&chain->verify, words);
		say_damage(chain, is_of_row(&chain->verify) ? 0 : chain->verify.bad, words);
	} else {
		say_good(chain);
	}
	service_flush(service);
}

/* the entries, then the outbox. Return: as record_verify() */
static int slice(struct chain_watch *chain)
{
	struct record *record = chain->service->record;
	int r = 0;

	if (chain->verify.n_entries == 0)
		r = record_verify_tables(record, &chain->verify);
	if (r == 0 && !chain->verify.fault && !chain->at_outbox)
		r = record_verify(record, &chain->verify, CHAIN_SLICE_ENTRIES, true);
	if (r != 0 || chain->verify.fault)
		return r;
	if (!chain->at_incidents) {
		chain->at_outbox = true; /* with no commit in between */
		r = record_verify_outbox(record, &chain->verify, &chain->row, CHAIN_SLICE_ENTRIES);
		if (r != 0 || chain->verify.fault)
			return r;
	}
	chain->at_incidents = true;
	return record_verify_incidents(record, &chain->verify, chain->incident,
				       CHAIN_SLICE_INCIDENTS);
}

static int on_slice(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct chain_watch *chain = userdata;
	struct service *service = chain->service;
	uint64_t pause_us = CHAIN_PAUSE_US;
	int r = 1;

	(void)usec;
	if (service->failed)
		return 0;
	if (!chain->is_running && record_is_here(service->record) &&
	    service_now(service).mono_ms >= chain->next_ms)
		begin_round(chain);
	if (chain->is_running)
		r = slice(chain);
	if (r <= 0)
		end_round(chain, r);
	if (!chain->is_running)
		pause_us = US_PER_S;
	(void)sd_event_source_set_time_relative(source, pause_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* when the last of the daily entries was, or the record began */
static bool take_day(void *userdata, const char *type, const char *line)
{
	static const char key[] = "\"time\":\"";
	const char *at = strstr(line, key);
	char time[CLOCK_TEXT_MAX];

	if (strcmp(type, "record.verified") != 0 && strcmp(type, "record.created") != 0)
		return true;
	if (at) {
		(void)snprintf(time, sizeof(time), "%s", at + strlen(key));
		time[strcspn(time, "\"")] = '\0';
		(void)clock_parse(time, userdata); /* one that is none was long ago */
	}
	return false;
}

int chain_started(struct service *service)
{
	struct chain_watch *chain = service->chain;
	int64_t interval_ms = service->config->verify_interval_ms, last_ms = 0;
	struct stamp now = service_now(service);
	int r = record_chain(service->record, take_day, &last_ms);

	if (r < 0)
		return r;
	if (chain->is_replaced)
		record_aside_done(service->options.state);
	chain->due_ms = now.mono_ms +
			MIN(MAX(last_ms + interval_ms - now.wall_ms, INT64_C(0)), interval_ms);
	chain->next_ms = now.mono_ms;
	return sd_event_add_time_relative(service->event, &chain->timer, CLOCK_BOOTTIME,
					  CHAIN_PAUSE_US, 0, on_slice, chain);
}

struct chain_watch *chain_close(struct chain_watch *chain)
{
	if (!chain)
		return NULL;
	(void)sd_event_source_disable_unref(chain->timer);
	verify_reports_done(&chain->reports);
	free(chain);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "core/journal.h"
#include "core/journal_doubt.h"
#include "core/journal_send.h"

#define QUEUE	   1024
#define LATE_MOST  256	 /* that are read from the record at a time */
#define AGAIN_MS   200	 /* until a journal that takes nothing, or is in doubt, is tried again */
#define LOOK_MS	   10000 /* while there is nothing to send: is it another one now? */
#define DRAIN_MS   1000
#define SEND_BYTES (1 << 20)

/**
 * struct journal - all behind @mutex is guarded by it
 * @queued: last one that is in the queue or was; those behind it and @end are missing
 * @began: last one of the record when the run began
 * @sent: last one that the journal has
 * @sending_ms: monotonic, since when the thread is handing the first one over; 0 it is not
 * @error: why it does not take the first of the queue, -errno; 0 it does
 * @missed: that came late and are sent; @missed.why set: some are missing or late
 * @rewound: what the core has read of the record is not what comes next: see rewind_to()
 * @doubt: the thread's own
 */
struct journal {
	pthread_t thread;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char log_id[17];
	struct journal_doubt doubt;
	uint64_t began;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct journal_item items[QUEUE];
	size_t first;
	size_t n;
	uint64_t queued;
	uint64_t sent;
	int64_t sending_ms;
	int error;
	struct journal_missed missed;
	bool rewound;
	bool stop;
	bool done;
	bool abandoned;
};

static void lock(struct journal *journal)
{
	(void)pthread_mutex_lock(&journal->mutex); /* cannot fail: a plain mutex of ours */
}

static void unlock(struct journal *journal)
{
	(void)pthread_mutex_unlock(&journal->mutex);
}

/* until something changes, or so long; locked before and after. Return: something changed. */
static bool wait_ms(struct journal *journal, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % MS_PER_S) * 1000000;
	until.tv_sec += ms / MS_PER_S + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return pthread_cond_timedwait(&journal->changed, &journal->mutex, &until) == 0;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

/* --- the thread --------------------------------------------------------------------------- */

static const char unasked[] =
	"The journal was stopped, and what it has cannot be read here: entries that it had taken "
	"and not read are in the record only";

static const char *why(int error)
{
	switch (error) {
	case 0:
		return "the run before ended first";
	case -EAGAIN:
		return "the journal hung";
	case -ECONNREFUSED:
		return "the journal was stopped";
	default:
		return "the journal did not take them";
	}
}

/* Return: 0; 1 there is no journal here; else try it again, or there is doubt */
static int hand_over(struct journal *journal, const struct journal_item *item)
{
	struct journal_doubt *doubt = &journal->doubt;
	int r;

	journal_doubt_look(doubt, journal->path);
	if (doubt->is)
		return -ESTALE;
	r = journal_send(journal->fd, journal->path, journal->log_id, item);
	journal_doubt_sent(doubt, r);
	if (r == 0 && doubt->unasked == JOURNAL_UNASKED) {
		doubt->unasked = JOURNAL_UNASKED_SAID;
		journal_send_warning(journal->fd, journal->path, unasked);
	}
	if (r != -ENOENT)
		return r;
	if (item->message || item->seq > journal->began) /* else the run before has said it */
		journal_item_say(item);
	return 1;
}

static void drop_first(struct journal *journal)
{
	journal->first = (journal->first + 1) % QUEUE;
	journal->n--;
}

static void drop_all(struct journal *journal)
{
	while (journal->n > 0) {
		journal_item_done(&journal->items[journal->first]);
		drop_first(journal);
	}
}

static void settle(struct journal *journal, const struct journal_item *item, bool is_late)
{
	if (is_late) {
		if (journal->missed.n++ == 0)
			journal->missed.since_ms = journal_item_time(item);
	}
	journal->sent = item->seq;
	drop_first(journal);
}

/* the first of the queue; locked before and after, and nobody else takes items out */
static void send_first(struct journal *journal)
{
	struct journal_item item = journal->items[journal->first];
	int r = 0;

	if (item.seq <= journal->sent) { /* it has it already: see ask_at_start() */
		drop_first(journal);
	} else if (journal_has(&journal->doubt.had, item.seq)) {
		journal->sent = item.seq;
		drop_first(journal);
	} else {
		journal->sending_ms = monotonic_ms();
		unlock(journal);
		r = hand_over(journal, &item);
		lock(journal);
		journal->sending_ms = 0;
		if (r >= 0)
			settle(journal, &item, r == 0 && !item.message);
	}
	if (r >= 0) {
		journal->error = 0;
		journal_item_done(&item);
		return;
	}
	if (journal->doubt.is)
		return; /* first that */
	journal->error = r;
	journal->missed.why = why(r);
	(void)wait_ms(journal, AGAIN_MS);
}

static void ask_at_start(struct journal *journal)
{
	struct journal_had had = {0};
	int r;

	if (!journal->doubt.ask || journal->began <= journal->sent)
		return;
	unlock(journal);
	r = journal->doubt.ask(journal->log_id, &had);
	lock(journal);
	if (r == 0)
		journal->sent = MAX(journal->sent, had.last);
}

/* all from @seq on comes from the record, but for what the journal has */
static void rewind_to(struct journal *journal, uint64_t seq)
{
	drop_all(journal);
	journal->queued = journal->sent = seq - 1;
	journal->rewound = true;
	journal->error = 0;
	journal->missed.why = "the journal ended before it had read them";
}

/* it was stopped, and what it had taken and not read is lost; locked before and after */
static void resolve(struct journal *journal)
{
	int64_t ms = journal_doubt_wait_ms(&journal->doubt, monotonic_ms());
	uint64_t sent = journal->sent;
	int64_t missing;

	if (ms > 0) {
		(void)wait_ms(journal, ms);
		return;
	}
	unlock(journal);
	missing = journal_doubt_ask(&journal->doubt, journal->log_id, sent, monotonic_ms());
	lock(journal);
	if (missing > 0)
		rewind_to(journal, (uint64_t)missing);
}

/* nothing to send; locked before and after */
static void idle(struct journal *journal)
{
	if (wait_ms(journal, LOOK_MS))
		return;
	unlock(journal);
	journal_doubt_look(&journal->doubt, journal->path);
	lock(journal);
}

static void *work(void *userdata)
{
	struct journal *journal = userdata;

	lock(journal);
	ask_at_start(journal);
	while (!journal->abandoned) {
		if (journal->doubt.is)
			resolve(journal);
		else if (journal->n > 0)
			send_first(journal);
		else if (journal->stop)
			break;
		else
			idle(journal);
	}
	journal->done = true;
	(void)pthread_cond_broadcast(&journal->changed);
	unlock(journal);
	return NULL;
}

/* --- the service's side --------------------------------------------------------------------- */

static int start(struct journal *journal)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int r;

	(void)pthread_mutex_init(&journal->mutex, NULL); /* cannot fail on Linux, nor do these */
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&journal->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	(void)sigfillset(&all); /* signals are the event loop's */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&journal->thread, NULL, work, journal);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int journal_open(struct journal **ret, const char *path, journal_ask_fn *ask, const char *log_id,
		 uint64_t sent, uint64_t end)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int r, bytes = SEND_BYTES;

	if (!journal)
		return -ENOMEM;
	path = path ? path : JOURNAL_SOCKET;
	if (strlen(path) >= sizeof(journal->path)) {
		free(journal);
		return -ENAMETOOLONG;
	}
	(void)snprintf(journal->path, sizeof(journal->path), "%s", path);
	(void)snprintf(journal->log_id, sizeof(journal->log_id), "%s", log_id);
	journal->queued = journal->sent = sent;
	journal->began = end;
	journal->doubt.is_sure = sent == 0;
	journal->doubt.ask = ask || strncmp(path, JOURNAL_SYSTEM, strlen(JOURNAL_SYSTEM)) != 0
				     ? ask
				     : journal_ask;
	journal->missed.why = end > sent ? why(0) : NULL;
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal->fd < 0) {
		r = -errno;
		free(journal);
		return r;
	}
	/* the system's maximum is enough; longer entries go as a file */
	(void)setsockopt(journal->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	r = start(journal);
	if (r < 0) {
		(void)close(journal->fd);
		free(journal);
		return r;
	}
	*ret = journal;
	return 0;
}

void journal_drain(struct journal *journal)
{
	if (!journal)
		return;
	lock(journal);
	journal->stop = true;
	(void)pthread_cond_broadcast(&journal->changed);
	for (int i = 0; i < DRAIN_MS / AGAIN_MS && !journal->done;)
		i += !wait_ms(journal, AGAIN_MS);
	unlock(journal);
}

struct journal *journal_close(struct journal *journal)
{
	if (!journal)
		return NULL;
	lock(journal);
	journal->abandoned = true;
	(void)pthread_cond_broadcast(&journal->changed);
	unlock(journal);
	(void)pthread_join(journal->thread, NULL);
	(void)pthread_mutex_destroy(&journal->mutex);
	(void)pthread_cond_destroy(&journal->changed);
	drop_all(journal);
	(void)close(journal->fd);
	free(journal);
	return NULL;
}

/* Return: whether it is in the queue */
static bool put(struct journal *journal, const struct journal_item *item)
{
	if (!item->line || item->seq <= journal->queued || journal->n == QUEUE)
		return false;
	journal->items[(journal->first + journal->n++) % QUEUE] = *item;
	journal->queued = item->seq;
	(void)pthread_cond_broadcast(&journal->changed);
	return true;
}

void journal_entry(struct journal *journal, const struct batch_entry *entry)
{
	struct journal_item item = {
		.seq = entry->seq,
		.line = strdup(entry->line),
		.message = strdup(entry->message),
		.priority = entry->priority,
		.type = entry->type,
	};
	bool queued;

	memcpy(item.hash, entry->hash, sizeof(item.hash));
	lock(journal);
	queued = item.message && item.seq == journal->queued + 1 && put(journal, &item);
	if (!queued && !journal->missed.why)
		journal->missed.why = "the queue was full";
	unlock(journal);
	if (!queued)
		journal_item_done(&item); /* it comes from the record, late */
}

size_t journal_wants(struct journal *journal, uint64_t end, uint64_t *ret_after)
{
	size_t n = 0;

	lock(journal);
	*ret_after = journal->queued;
	journal->rewound = false;
	if (journal->queued < end && journal->n <= QUEUE - LATE_MOST && !journal->error)
		n = LATE_MOST;
	unlock(journal);
	return n;
}

void journal_late(struct journal *journal, uint64_t seq, const char *line,
		  const uint8_t hash[static 32])
{
	struct journal_item item = {.seq = seq, .line = strdup(line)};
	bool queued;

	memcpy(item.hash, hash, sizeof(item.hash));
	lock(journal);
	queued = !journal->rewound && put(journal, &item);
	unlock(journal);
	if (!queued)
		journal_item_done(&item);
}

uint64_t journal_sent(struct journal *journal)
{
	uint64_t sent;

	if (!journal)
		return 0;
	lock(journal);
	sent = journal->sent;
	unlock(journal);
	return sent;
}

bool journal_caught_up(struct journal *journal, uint64_t end, struct journal_missed *ret)
{
	bool is_over;

	lock(journal);
	is_over = journal->missed.why && journal->n == 0 && !journal->error && journal->sent >= end;
	if (is_over) {
		*ret = journal->missed;
		journal->missed = (struct journal_missed){0};
	}
	unlock(journal);
	return is_over && ret->n > 0;
}

uint64_t journal_waiting(struct journal *journal, uint64_t end)
{
	uint64_t sent = journal_sent(journal);

	return end > sent ? end - sent : 0;
}

bool journal_is_stuck(struct journal *journal, int64_t ms)
{
	bool is_stuck;

	lock(journal);
	is_stuck = journal->sending_ms && monotonic_ms() - journal->sending_ms > ms;
	unlock(journal);
	return is_stuck;
}

const char *journal_words(struct journal *journal)
{
	int error;

	lock(journal);
	error = journal->error;
	unlock(journal);
	return error ? why(error) : "";
}

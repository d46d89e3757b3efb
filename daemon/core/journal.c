/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "core/journal.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_QUEUE  1024
#define FIELDS_MAX     40

/* one entry in the queue; texts owned */
struct item {
	char *line;
	char *message;
	int priority;
	enum event_type type;
	uint8_t hash[32];
};

struct journal {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct item items[JOURNAL_QUEUE];
	size_t first;
	size_t n;
	bool stop;
	bool done;
	_Atomic uint64_t n_dropped;
};

/* keys of an entry that become fields; the others are in WASTEWATCH_ENTRY */
static const char *const keys[] = {
	"reports",  "seq",	"site",	  "source",  "channel",	 "limit",   "class",
	"value",    "unit",	"bound",  "kind",    "incident", "reason",  "name",
	"report",   "since",	"until",  "user",    "level",	 "verdict", "boundary",
	"measures", "exercise", "update", "seconds", "alarms",	 "days",    "capture_percent",
};

static char *field_of(const char *key, const json_t *value)
{
	char *field = NULL, name[32];
	size_t i = 0;

	for (; key[i] && i + 1 < sizeof(name); i++)
		name[i] = (char)(key[i] >= 'a' && key[i] <= 'z' ? key[i] - 'a' + 'A' : key[i]);
	name[i] = '\0';
	if (json_is_string(value)
		    ? asprintf(&field, "WASTEWATCH_%s=%s", name, json_string_value(value)) < 0
	    : json_is_true(value) ? asprintf(&field, "WASTEWATCH_%s=1", name) < 0
				  : asprintf(&field, "WASTEWATCH_%s=%lld", name,
					     (long long)json_integer_value(value)) < 0)
		return NULL;
	return field;
}

__attribute__((format(printf, 3, 4))) static void add(char **fields, size_t *n, const char *format,
						      ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&fields[*n], format, ap) >= 0)
		(*n)++;
	va_end(ap);
}

static size_t make_fields(const struct item *item, char **fields)
{
	json_t *entry = json_loads(item->line, 0, NULL);
	char hex[CHAIN_HEX_MAX];
	size_t n = 0;

	chain_hex(item->hash, hex);
	add(fields, &n, "MESSAGE=%s", item->message);
	add(fields, &n, "MESSAGE_ID=%s", event_message_id(item->type));
	add(fields, &n, "PRIORITY=%d", item->priority);
	add(fields, &n, "SYSLOG_IDENTIFIER=wastewatchd");
	add(fields, &n, "WASTEWATCH_TYPE=%s", event_type_text(item->type));
	add(fields, &n, "WASTEWATCH_HASH=%s", hex);
	add(fields, &n, "WASTEWATCH_ENTRY=%s", item->line);
	for (size_t i = 0; entry && i < ARRAY_SIZE(keys); i++) {
		const json_t *value = json_object_get(entry, keys[i]);

		if (value && (fields[n] = field_of(keys[i], value)))
			n++;
	}
	json_decref(entry);
	return n;
}

static void send_item(const struct item *item)
{
	char *fields[FIELDS_MAX];
	struct iovec vectors[FIELDS_MAX];
	size_t n;

	/* sd_journal_sendv() reports success where nobody listens, so look first */
	if (access(JOURNAL_SOCKET, W_OK) != 0) {
		log_line((enum log_priority)item->priority, "%s", item->message);
		return;
	}
	n = make_fields(item, fields);
	for (size_t i = 0; i < n; i++)
		vectors[i] = (struct iovec){.iov_base = fields[i], .iov_len = strlen(fields[i])};
	if (sd_journal_sendv(vectors, (int)n) < 0)
		log_line((enum log_priority)item->priority, "%s", item->message);
	for (size_t i = 0; i < n; i++)
		free(fields[i]);
}

static void item_done(struct item *item)
{
	free(item->line);
	free(item->message);
	*item = (struct item){0};
}

static void *work(void *userdata)
{
	struct journal *journal = userdata;

	(void)pthread_mutex_lock(&journal->mutex); /* cannot fail: a plain mutex of ours */
	for (;;) {
		struct item item;

		while (journal->n == 0 && !journal->stop)
			(void)pthread_cond_wait(&journal->changed, &journal->mutex);
		if (journal->n == 0)
			break;
		item = journal->items[journal->first];
		journal->first = (journal->first + 1) % JOURNAL_QUEUE;
		journal->n--;
		(void)pthread_mutex_unlock(&journal->mutex);
		send_item(&item);
		item_done(&item);
		(void)pthread_mutex_lock(&journal->mutex);
	}
	journal->done = true;
	(void)pthread_cond_broadcast(&journal->changed);
	(void)pthread_mutex_unlock(&journal->mutex);
	return NULL;
}

int journal_open(struct journal **ret)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	sigset_t all, before;
	int r;

	if (!journal)
		return -ENOMEM;
	(void)pthread_mutex_init(&journal->mutex, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&journal->changed, NULL);
	(void)sigfillset(&all); /* signals are the event loop's */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&journal->thread, NULL, work, journal);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		free(journal);
		return -r;
	}
	*ret = journal;
	return 0;
}

/* a journal that hangs holds the thread inside sendmsg(): then it is left behind */
static bool wait_done(struct journal *journal)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 1;
	while (!journal->done)
		if (pthread_cond_timedwait(&journal->changed, &journal->mutex, &until) != 0)
			break;
	return journal->done;
}

struct journal *journal_close(struct journal *journal)
{
	bool done;

	if (!journal)
		return NULL;
	(void)pthread_mutex_lock(&journal->mutex);
	journal->stop = true;
	(void)pthread_cond_broadcast(&journal->changed);
	done = wait_done(journal);
	(void)pthread_mutex_unlock(&journal->mutex);
	if (!done)
		return NULL; /* the thread still uses it; the process is about to end */
	(void)pthread_join(journal->thread, NULL);
	(void)pthread_mutex_destroy(&journal->mutex);
	(void)pthread_cond_destroy(&journal->changed);
	free(journal);
	return NULL;
}

void journal_entry(struct journal *journal, const struct batch_entry *entry)
{
	struct item item = {
		.line = strdup(entry->line),
		.message = strdup(entry->message),
		.priority = entry->priority,
		.type = entry->type,
	};
	bool queued = false;

	memcpy(item.hash, entry->hash, sizeof(item.hash));
	(void)pthread_mutex_lock(&journal->mutex);
	if (item.line && item.message && journal->n < JOURNAL_QUEUE) {
		journal->items[(journal->first + journal->n++) % JOURNAL_QUEUE] = item;
		queued = true;
		(void)pthread_cond_signal(&journal->changed);
	}
	(void)pthread_mutex_unlock(&journal->mutex);
	if (queued)
		return;
	item_done(&item);
	atomic_fetch_add(&journal->n_dropped, 1);
}

uint64_t journal_dropped(const struct journal *journal)
{
	return atomic_load(&journal->n_dropped);
}

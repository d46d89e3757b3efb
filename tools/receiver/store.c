/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "tools/receiver_body.h"
#include "tools/receiver_store.h"
#include "tools/receiver_verify.h"

#define SHA256_TEXT 65
#define TEMPORARY   ".incoming" /* no webhook-id begins with a full stop */

/* @sha256: of the body; @n_seen: genuine requests with this id since the start */
struct report {
	char id[129];
	char sha256[SHA256_TEXT];
	uint32_t n_seen;
};

/* of a body's file: JSON, CAP */
static const char *const suffixes[] = {".json", ".xml"};

struct receiver_store {
	int directory;
	int index;
	int64_t overdue_s;
	void *reports; /* tsearch(3) trees */
	void *entries; /* struct receiver_head: all that were heard of */
	void *heads;   /* the same: the highest of each origin and chain */
	void *origins; /* struct receiver_origin */
	size_t n;
};

static int compare_reports(const void *a, const void *b)
{
	return strcmp(((const struct report *)a)->id, ((const struct report *)b)->id);
}

static int compare_heads(const void *a, const void *b)
{
	const struct receiver_head *x = a, *y = b;
	int order = strcmp(x->origin, y->origin);

	return order != 0 ? order : strcmp(x->id, y->id);
}

static int compare_entries(const void *a, const void *b)
{
	const struct receiver_head *x = a, *y = b;
	int order = compare_heads(a, b);

	return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static int compare_origins(const void *a, const void *b)
{
	return strcmp(((const struct receiver_origin *)a)->last.origin,
		      ((const struct receiver_origin *)b)->last.origin);
}

/* find the item that equals @key, or make it of a copy of @key; NULL: out of memory */
static void *find_or_add(void **tree, const void *key, size_t n,
			 int (*compare)(const void *, const void *))
{
	void **node = tfind(key, tree, compare);
	void *copy;

	if (node)
		return *node;
	copy = malloc(n);
	if (!copy)
		return NULL;
	memcpy(copy, key, n);
	if (tsearch(copy, tree, compare))
		return copy;
	free(copy);
	return NULL;
}

static int hash_body(const void *body, size_t n, char ret[static SHA256_TEXT])
{
	uint8_t raw[32];

	if (EVP_Digest(body, n, raw, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static int add_known(struct receiver_store *store, const char *id, const char *sha256)
{
	struct report report = {0}, *known;

	memcpy(report.id, id, strlen(id) + 1);
	memcpy(report.sha256, sha256, SHA256_TEXT);
	known = find_or_add(&store->reports, &report, sizeof(report), compare_reports);
	if (!known)
		return -ENOMEM;
	known->n_seen++;
	store->n++;
	return 0;
}

#define GRACE_MIN_S 60

/* its own word, and a twenty-fourth more: an hour for a day */
static void set_due(const struct receiver_store *store, struct receiver_origin *origin)
{
	int64_t interval_s = origin->interval_s;

	interval_s = interval_s > 0 ? interval_s + MAX(interval_s / 24, (int64_t)GRACE_MIN_S)
				    : store->overdue_s;
	origin->due_ms = origin->heard_ms + interval_s * MS_PER_S;
}

/* @kept: its entry counts; else there was only a sign of life */
static int hear(struct receiver_store *store, const struct receiver_body *body, int64_t at_ms,
		bool kept)
{
	struct receiver_origin key = {.last = body->head}, *origin;

	if (!kept)
		key.last.seq = 0;

	if (!*body->head.origin)
		return 0;
	origin = find_or_add(&store->origins, &key, sizeof(key), compare_origins);
	if (!origin)
		return -ENOMEM;
	if (at_ms < origin->heard_ms)
		return 0;
	origin->heard_ms = at_ms;
	if (body->interval_s > 0 && body->interval_s < INT32_MAX)
		origin->interval_s = body->interval_s;
	if (kept &&
	    (strcmp(origin->last.id, body->head.id) != 0 || body->head.seq > origin->last.seq))
		origin->last = body->head;
	origin->said = false;
	set_due(store, origin);
	return 0;
}

/* keep it, and the highest of its chain */
static int remember_head(struct receiver_store *store, const struct receiver_head *head)
{
	struct receiver_head *known;

	if (head->seq <= 0)
		return 0;
	if (!find_or_add(&store->entries, head, sizeof(*head), compare_entries))
		return -ENOMEM;
	known = find_or_add(&store->heads, head, sizeof(*head), compare_heads);
	if (!known)
		return -ENOMEM;
	if (head->seq > known->seq)
		*known = *head;
	return 0;
}

static int64_t held_seq(const struct receiver_store *store, const struct receiver_head *head)
{
	struct receiver_head *const *node = tfind(head, &store->heads, compare_heads);

	return node ? (*node)->seq : 0;
}

static void fill_head(const struct receiver_store *store, const struct receiver_head *head,
		      struct receiver_receipt *ret)
{
	struct receiver_head *const *node = tfind(head, &store->heads, compare_heads);

	ret->last = (struct receiver_head){.seq = -1};
	if (head->seq <= 0)
		return;
	ret->last = node ? **node : *head;
	if (!node)
		ret->last.seq = 0; /* nothing is held of it */
}

static int write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		ssize_t written = write(fd, at, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		n -= (size_t)written;
	}
	return 0;
}

/* temporary file, fsync, rename, fsync of the directory: whole and durable, or not there */
static int write_body(const struct receiver_store *store, const char *id, bool is_cap,
		      const void *body, size_t n)
{
	char name[NAME_MAX + 1];
	int fd, r;

	(void)snprintf(name, sizeof(name), "%s%s", id, suffixes[is_cap]);
	fd = openat(store->directory, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	r = write_all(fd, body, n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && (renameat(store->directory, TEMPORARY, store->directory, name) < 0 ||
		       fsync(store->directory) < 0))
		r = -errno;
	return r;
}

static const char *const outcomes[] = {
	[RECEIVER_STORED] = "stored",
	[RECEIVER_DUPLICATE] = "duplicate",
	[RECEIVER_CONFLICT_BODY] = "conflict: another body",
	[RECEIVER_CONFLICT_HEAD] = "conflict: another head",
	[RECEIVER_NO_REPORT] = "no report",
};

/* one line of the index; written at once, so that lines never mix */
static int write_index(const struct receiver_store *store, const char *id, const char *sha256,
		       int64_t received_ms, int64_t timestamp_s,
		       const struct receiver_receipt *receipt)
{
	char received[CLOCK_TEXT_MAX], line[1024];
	int n;

	clock_format(received_ms, 0, received);
	n = snprintf(line, sizeof(line),
		     "{\"attempt\":%" PRIu32
		     ",\"id\":\"%s\",\"outcome\":\"%s\",\"received\":\"%s\","
		     "\"sha256\":\"%s\",\"timestamp\":%" PRId64 ",\"type\":\"%s\"}\n",
		     receipt->attempt, id, outcomes[receipt->outcome], received, sha256,
		     timestamp_s, receipt->type);
	if (n < 0 || (size_t)n >= sizeof(line))
		return -EIO;
	if (write_all(store->index, line, (size_t)n) < 0 || fdatasync(store->index) < 0)
		return -errno;
	return 0;
}

static const struct receiver_head *entry(const struct receiver_store *store,
					 const struct receiver_head *head, int64_t seq)
{
	struct receiver_head key = *head, **node;

	key.seq = seq;
	node = tfind(&key, &store->entries, compare_entries);
	return node ? *node : NULL;
}

/* what is known of the entry and its neighbours; a hash not told is none that differs */
static bool fits(const struct receiver_store *store, const struct receiver_head *head)
{
	const struct receiver_head *same, *before, *behind;

	if (head->seq <= 0)
		return true;
	same = entry(store, head, head->seq);
	before = entry(store, head, head->seq - 1);
	behind = entry(store, head, head->seq + 1);
	return (!same || strcmp(same->hash, head->hash) == 0) &&
	       (!before || !*head->before || strcmp(before->hash, head->before) == 0) &&
	       (!behind || !*behind->before || strcmp(behind->before, head->hash) == 0);
}

/* against what is held already */
static enum receiver_outcome judge(const struct receiver_store *store, const struct report *known,
				   const char *sha256, const struct receiver_head *head)
{
	if (known)
		return strcmp(known->sha256, sha256) == 0 ? RECEIVER_DUPLICATE
							  : RECEIVER_CONFLICT_BODY;
	return fits(store, head) ? RECEIVER_STORED : RECEIVER_CONFLICT_HEAD;
}

int receiver_store_add(struct receiver_store *store, const char *id, const void *body, size_t n,
		       int64_t received_ms, int64_t timestamp_s, bool loses,
		       struct receiver_receipt *ret)
{
	struct report key = {0}, **node;
	char sha256[SHA256_TEXT];
	struct receiver_body read;
	int r;

	*ret = (struct receiver_receipt){.attempt = 1, .last = {.seq = -1}};
	r = hash_body(body, n, sha256);
	if (r < 0)
		return r;
	if (receiver_body_read(body, n, &read) < 0) {
		ret->outcome = RECEIVER_NO_REPORT;
		return write_index(store, id, sha256, received_ms, timestamp_s, ret);
	}
	memcpy(ret->type, read.type, sizeof(ret->type));
	memcpy(key.id, id, strlen(id) + 1);
	node = tfind(&key, &store->reports, compare_reports);
	if (node)
		ret->attempt = ++(*node)->n_seen;
	ret->held_seq = held_seq(store, &read.head);
	ret->outcome = judge(store, node ? *node : NULL, sha256, &read.head);
	r = hear(store, &read, received_ms, ret->outcome == RECEIVER_STORED && !loses);
	if (r < 0)
		return r;
	if (ret->outcome == RECEIVER_STORED && !loses) {
		r = write_body(store, id, read.is_cap, body, n);
		if (r == 0)
			r = add_known(store, id, sha256);
		if (r == 0)
			r = remember_head(store, &read.head);
		if (r < 0)
			return r;
	}
	fill_head(store, &read.head, ret);
	return write_index(store, id, sha256, received_ms, timestamp_s, ret);
}

static int read_file(int directory, const char *name, char **ret, size_t *ret_n, int64_t *ret_ms)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	struct stat st = {0};
	char *body = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0)
		body = malloc((size_t)st.st_size + 1);
	if (body)
		n = read(fd, body, (size_t)st.st_size);
	(void)close(fd);
	if (!body || n != st.st_size) {
		free(body);
		return -EIO;
	}
	*ret = body;
	*ret_n = (size_t)n;
	*ret_ms = st.st_mtim.tv_sec * MS_PER_S;
	return 0;
}

/* the id of a body from the name of its file; false: it is no body's */
static bool take_id(const char *name, char id[static NAME_MAX + 1])
{
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t rest = n - MIN(n, strlen(suffixes[i]));

		if (rest == 0 || n > NAME_MAX || strcmp(name + rest, suffixes[i]) != 0)
			continue;
		memcpy(id, name, rest);
		id[rest] = '\0';
		return receiver_check_id(id);
	}
	return false;
}

/* one file of the directory into what is remembered; others than bodies are passed over */
static int recall(struct receiver_store *store, const char *name)
{
	char id[NAME_MAX + 1], sha256[SHA256_TEXT], *body = NULL;
	struct receiver_body read;
	size_t n_body = 0;
	int64_t written_ms;
	int r;

	if (!take_id(name, id))
		return 0;
	r = read_file(store->directory, name, &body, &n_body, &written_ms);
	if (r == 0)
		r = hash_body(body, n_body, sha256);
	if (r == 0)
		r = add_known(store, id, sha256);
	if (r == 0 && receiver_body_read(body, n_body, &read) == 0) {
		r = remember_head(store, &read.head);
		if (r == 0)
			r = hear(store, &read, written_ms, true);
	}
	free(body);
	return r;
}

static int take_stock(struct receiver_store *store, const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir)))
		r = recall(store, entry->d_name);
	(void)closedir(dir);
	return r;
}

int receiver_store_open(struct receiver_store **ret, const char *directory, int64_t overdue_s)
{
	CLEANUP(receiver_store_close) struct receiver_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->directory = store->index = -1;
	store->overdue_s = overdue_s;
	if (mkdir(directory, 0750) < 0 && errno != EEXIST)
		return -errno;
	store->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->directory < 0)
		return -errno;
	store->index = openat(store->directory, "index.jsonl",
			      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (store->index < 0)
		return -errno;
	r = take_stock(store, directory);
	if (r < 0)
		return r;
	*ret = steal(&store);
	return 0;
}

struct receiver_store *receiver_store_close(struct receiver_store *store)
{
	if (!store)
		return NULL;
	if (store->directory >= 0)
		(void)close(store->directory);
	if (store->index >= 0)
		(void)close(store->index);
	tdestroy(store->reports, free);
	tdestroy(store->entries, free);
	tdestroy(store->heads, free);
	tdestroy(store->origins, free);
	free(store);
	return NULL;
}

size_t receiver_store_count(const struct receiver_store *store)
{
	return store->n;
}

/** struct walk - what twalk_r(3) hands on */
struct walk {
	void (*each)(void *userdata, struct receiver_origin *origin);
	void *userdata;
};

static void on_node(const void *node, VISIT which, void *closure)
{
	const struct walk *walk = closure;

	if (which == postorder || which == leaf)
		walk->each(walk->userdata, *(struct receiver_origin *const *)node);
}

void receiver_store_origins(struct receiver_store *store,
			    void (*each)(void *userdata, struct receiver_origin *origin),
			    void *userdata)
{
	struct walk walk = {each, userdata};

	twalk_r(store->origins, on_node, &walk);
}

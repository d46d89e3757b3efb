/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"

#define WALL_0	   INT64_C(1795528800000) /* a whole minute */
#define MONO_0	   INT64_C(1000000)
#define STEP_S	   7 /* seconds of each commit; minutes end within some of them */
#define INSTANCE   UINT64_C(77)
#define RETRIED_S  5
#define SPILLS_MAX 10

/* COD of one commit after the other: a warning, an emergency, an end, again and again */
static const double spills[SPILLS_MAX] = {50, 120, 220, 400, 220, 50, 50, 50, 50, 200};

static int said(const char *what, const char *words)
{
	(void)fprintf(stderr, "life: %s: %s\n", what, words);
	return 0;
}

static int load_key(struct sign_key **ret, const char *path)
{
	char text[SIGN_TEXT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	int r = n < 0 ? -errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return r == 0 ? sign_key_load(ret, text, (size_t)n) : r;
}

int life_configure(struct life *life, const char *directory, const char *key)
{
	int r = config_load(&life->config, directory, stderr, NULL);

	if (r == 0)
		r = plan_new(&life->plan, life->config);
	if (r == 0)
		r = load_key(&life->key, key);
	if (r == 0) {
		life->jobs = calloc(life->config->n_destinations + 1, sizeof(*life->jobs));
		r = life->jobs ? 0 : -ENOMEM;
	}
	if (r < 0)
		(void)said(directory, strerror(-r));
	return r;
}

static void say_start(struct life *life, const struct record_start *start)
{
	struct event started = event_plain(EVENT_CORE_STARTED, life->now);

	started.reason = start->created ? "for the first time" : "after an unclean stop";
	started.name = "life";
	core_event(life->core, &started);
}

static int restore(struct life *life)
{
	struct record_start start;
	int r = record_load(life->record, &start);

	if (r < 0)
		return r;
	life->now = (struct stamp){MONO_0, WALL_0};
	if (start.state)
		life->now = start.last;
	life->core->chain = start.chain;
	memcpy(life->core->log_id, start.log_id, sizeof(life->core->log_id));
	if (start.state)
		r = core_restore(life->core, start.state, start.n_state);
	if (r == 0 && start.windows)
		r = core_restore_windows(life->core, start.windows, start.n_windows);
	if (r == 0)
		r = record_acked(life->record, INSTANCE, &life->poller_seq);
	free(start.state);
	free(start.windows);
	if (r > 0) /* nothing but this program writes it, but in what an older one has left */
		r = life->upgrades ? 0 : -EBADMSG;
	if (r == 0)
		say_start(life, &start);
	return r;
}

int life_begin(struct life *life, const char *state)
{
	char error[RECORD_ERROR_MAX] = "";
	int r = record_open(&life->record, state, error);

	if (r < 0) {
		(void)said("record_open", error);
		return r;
	}
	r = core_new(&life->core, life->config, life->plan, &life->batch);
	if (r == 0)
		r = record_bind(life->record, life->config);
	if (r == 0)
		r = restore(life);
	if (r < 0)
		(void)said("start",
			   *record_error(life->record) ? record_error(life->record) : strerror(-r));
	life->step = 0;
	return r;
}

/* a second: all channels that pollers read; COD as the script has it */
static void second(struct life *life, double cod)
{
	static const struct {
		const char *name;
		double value;
	} values[] = {{"pH", 7}, {"NH4", 2}, {"Reads", 1}, {"SO2", 100}};

	life->now.mono_ms += MS_PER_S;
	life->now.wall_ms += MS_PER_S;
	core_tick(life->core, 0, life->now);
	for (size_t i = 0; i < life->config->n_channels; i++) {
		const char *name = life->config->channels[i].name;
		double value = strcmp(name, "COD") == 0 ? cod : 0;

		for (size_t j = 0; j < ARRAY_SIZE(values); j++)
			if (strcmp(name, values[j].name) == 0)
				value = values[j].value;
		core_sample(life->core, i, life->now, value, QUALITY_GOOD, 0);
	}
	core_settle(life->core);
}

/* every third attempt fails; what came of it is part of the next commit */
static size_t results(const struct life *life, struct record_delivery *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < life->config->n_destinations; i++) {
		const struct record_job *job = &life->jobs[i];
		bool failed = (job->id + job->attempts) % 3 == 0;

		if (!job->id)
			continue;
		ret[n++] = (struct record_delivery){
			.id = job->id,
			.state = failed ? REPORT_PENDING : REPORT_SENT,
			.attempts = job->attempts + 1,
			.next_ms = life->now.wall_ms + RETRIED_S * MS_PER_S,
			.at_ms = life->now.wall_ms,
			.http_status = failed ? 500 : 200,
			.error = failed ? "HTTP 500" : NULL,
		};
	}
	return n;
}

static int commit(struct life *life, struct record_commit *commit)
{
	void *state = NULL, *windows = NULL;
	int r = core_save(life->core, &state, &commit->n_state);

	if (r == 0 && life->core->windows_dirty)
		r = core_save_windows(life->core, &windows, &commit->n_windows);
	if (r == 0) {
		commit->state = state;
		commit->windows = windows;
		r = record_commit(life->record, commit);
	}
	free(state);
	free(windows);
	return r;
}

int life_step(struct life *life)
{
	struct record_delivery deliveries[CONFIG_DESTINATIONS_MAX];
	struct record_ack ack = {.instance = INSTANCE, .seq = life->poller_seq + STEP_S};
	int r;

	for (int i = 0; i < STEP_S; i++)
		second(life, spills[life->step % SPILLS_MAX]);
	r = commit(life, &(struct record_commit){
				 .config = life->config,
				 .batch = &life->batch,
				 .acks = &ack,
				 .n_acks = 1,
				 .deliveries = deliveries,
				 .n_deliveries = results(life, deliveries),
				 .head_key = life->key,
				 .chain = life->core->chain,
				 .now = life->now,
				 .boot_id = {1, 2, 3},
			 });
	if (r < 0) {
		(void)said("commit",
			   *record_error(life->record) ? record_error(life->record) : strerror(-r));
		return r;
	}
	life->core->windows_dirty = false;
	life->poller_seq = ack.seq;
	life->step++;
	batch_clear(&life->batch);
	for (size_t i = 0; i < life->config->n_destinations; i++)
		record_job_done(&life->jobs[i]);
	return 0;
}

static int send_one(struct life *life, size_t destination)
{
	struct record_job *job = &life->jobs[destination];
	char sha[SIGN_SHA256_TEXT];
	int64_t next_ms;
	int r = record_next_job(life->record,
				&(struct record_ask){
					.destination = life->config->destinations[destination].name,
					.now_ms = life->now.wall_ms,
				},
				job, &next_ms);

	if (r < 0)
		(void)said("outbox", record_error(life->record));
	if (r <= 0)
		return r;
	r = sign_sha256_text(job->body, strlen(job->body), sha);
	if (r == 0) {
		(void)printf("SENT %s %s\n", job->webhook_id, sha);
		(void)fflush(stdout);
	}
	return r;
}

int life_send(struct life *life)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < life->config->n_destinations; i++)
		r = send_one(life, i);
	return r;
}

void life_end(struct life *life)
{
	for (size_t i = 0; life->jobs && i < life->config->n_destinations; i++)
		record_job_done(&life->jobs[i]);
	life->record = record_close(life->record);
	life->core = core_free(life->core);
	batch_done(&life->batch);
}

void life_done(struct life *life)
{
	life_end(life);
	free(life->jobs);
	(void)sign_key_free(life->key);
	(void)plan_free(life->plan);
	(void)config_free(life->config);
	*life = (struct life){0};
}

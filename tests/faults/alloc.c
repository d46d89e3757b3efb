/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults-alloc: the n-th allocation fails, in one module after the other
 *
 *   faults-alloc list                             names of the scenes
 *   faults-alloc CONFIG KEY STATE SCENE SEED N    N points of one, half of them the first ones,
 *                                                 where nothing is there yet, half drawn from
 *                                                 SEED; 0: all
 *   faults-alloc CONFIG KEY STATE SCENE 0|1 -N    the N-th (1: and all after it) in this process,
 *                                                 for a debugger
 *
 * A scene does what its module is for, from the first allocation to the last free. It is played
 * once without a fault, which tells how many allocations it makes, and then in a process of its
 * own for each point, where that one fails, or all from there on. It may fail then, or do
 * without; it may not end by a signal, hang, leave memory behind, or come to something else. Prints
 * one line of figures; exit status 0 if that holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <libxml/xmlerror.h>
#include <limits.h>
#include <math.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/boundary_file.h"
#include "core/circular.h"
#include "core/delivery_job.h"
#include "core/drill.h"
#include "core/memory.h"
#include "failing.h"
#include "life.h"

#define WALL_0	  INT64_C(1795528800000)
#define MONO_0	  INT64_C(1000000)
#define LIMIT_S	  30
#define COMMITS	  6
#define LEAK_EXIT 3

/** struct shared - what a child tells */
struct shared {
	long n_left;
	char made[SIGN_SHA256_TEXT];
};

static struct {
	struct life life; /* configuration and key, loaded before anything fails */
	struct shared *shared;
	const char *conf, *key, *state;
	FILE *nowhere;
} rig;

/* --- scenes: each begins with nothing and leaves nothing ---------------------------------- */

static int config(void)
{
	CLEANUP(config_free) struct config *loaded = NULL;
	CLEANUP(plan_free) struct plan *plan = NULL;
	int r = config_load(&loaded, rig.conf, rig.nowhere, NULL);

	return r == 0 ? plan_new(&plan, loaded) : r;
}

/* a spill everywhere: each channel far up within its range, then where it was */
static void feed(struct core *core, struct stamp *now, int n_s, double share)
{
	const struct config *c = rig.life.config;

	for (int i = 0; i < n_s; i++) {
		now->mono_ms += MS_PER_S;
		now->wall_ms += MS_PER_S;
		core_tick(core, 0, *now);
		for (size_t j = 0; j < c->n_channels; j++) {
			const struct decode *decode = &c->channels[j].decode;
			double max = isfinite(decode->max) ? decode->max : 1000;
			double min = isfinite(decode->min) ? decode->min : 0;

			if (c->channels[j].n_inputs == 0)
				core_sample(core, j, *now, min + share * (max - min), QUALITY_GOOD,
					    0);
		}
		core_settle(core);
	}
}

/* a hash of all that was said so far */
static int note(const struct batch *batch)
{
	char text[2 * SIGN_SHA256_TEXT];
	char *made = rig.shared->made;
	int r = batch->out_of_memory ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < batch->n_entries + batch->n_reports; i++) {
		const char *said = i < batch->n_entries ? batch->entries[i].line
							: batch->reports[i - batch->n_entries].body;

		r = sign_sha256_text(said, strlen(said), text + SIGN_SHA256_TEXT);
		memcpy(text, made, SIGN_SHA256_TEXT);
		text[SIGN_SHA256_TEXT - 1] = '-';
		if (r == 0)
			r = sign_sha256_text(text, sizeof(text), made);
	}
	return r;
}

static int spill(struct core *core, struct stamp *now)
{
	feed(core, now, 3, 0.1);
	feed(core, now, 70, 0.9);
	feed(core, now, 70, 0.1);
	return note(core->batch);
}

static int new_core(struct core **ret, struct batch *batch)
{
	int r = core_new(ret, rig.life.config, rig.life.plan, batch);

	if (r == 0)
		core_join_streams(*ret);
	if (r == 0)
		memcpy((*ret)->log_id, "0123456789abcdef", 17);
	return r;
}

static int core(void)
{
	CLEANUP(core_free) struct core *one = NULL;
	struct batch batch = {0};
	struct stamp now = {MONO_0, WALL_0};
	int r = new_core(&one, &batch);

	if (r == 0)
		r = spill(one, &now);
	batch_done(&batch);
	return r;
}

static int moved(struct core *from, struct batch *batch)
{
	CLEANUP(core_free) struct core *to = NULL;
	void *state = NULL, *windows = NULL;
	size_t n_state = 0, n_windows = 0;
	int r = core_save(from, &state, &n_state);

	if (r == 0)
		r = core_save_windows(from, &windows, &n_windows);
	if (r == 0)
		r = new_core(&to, batch);
	if (r == 0)
		r = core_restore(to, state, n_state);
	if (r == 0)
		r = core_restore_windows(to, windows, n_windows);
	free(state);
	free(windows);
	return r;
}

static int snapshot(void)
{
	CLEANUP(core_free) struct core *one = NULL;
	struct batch batch = {0};
	struct stamp now = {MONO_0, WALL_0};
	int r = new_core(&one, &batch);

	if (r == 0)
		feed(one, &now, 3, 0.9);
	if (r == 0)
		r = moved(one, &batch);
	batch_done(&batch);
	return r;
}

static int record(void)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.db-journal", "record.lock"};
	struct life life = rig.life; /* its configuration */
	char path[4200];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig.state, names[i]);
		(void)unlink(path);
	}
	r = life_begin(&life, rig.state);
	for (int i = 0; r == 0 && i < COMMITS; i++) {
		r = life_step(&life);
		if (r == 0)
			r = life_send(&life);
	}
	life_end(&life);
	return r;
}

static const char scenario_text[] =
	"scenario: spill\n"
	"title: A spill\n"
	"kind: liquid\n"
	"practise: who is told\n"
	"duration: 1min\n"
	"channels:\n"
	"  - {channel: COD, unit: mg/l, course: [{at: 0s, value: 50}, {at: 9s, value: 400}]}\n";

static int play(struct core *one, struct stamp *now)
{
	CLEANUP(drill_scenario_free) struct drill_scenario *scenario = NULL;
	CLEANUP(drills_free) struct drills *drills = NULL;
	struct config_report report = {.out = rig.nowhere};
	const struct action action = {.kind = ACTION_DRILL_START,
				      .target = rig.life.config->sites[0].name,
				      .user = "lan",
				      .reason = "",
				      .measures = "",
				      .scenario = ""};
	char error[ACTION_ERROR_MAX];
	int r = drill_scenario_parse(&scenario, &report, "spill.yaml", NULL, scenario_text,
				     strlen(scenario_text));

	if (r == 0)
		r = drills_new(&drills, one);
	if (r == 0)
		r = drill_act(drills, &scenario, &action, *now, error);
	if (r == 0)
		feed(one, now, 70, 0.1);
	return r == 0 ? note(one->batch) : r;
}

static int drill(void)
{
	CLEANUP(core_free) struct core *one = NULL;
	struct batch batch = {0};
	struct stamp now = {MONO_0, WALL_0};
	int r = new_core(&one, &batch);

	if (r == 0)
		feed(one, &now, 2, 0.1);
	if (r == 0)
		r = play(one, &now);
	if (one)
		one->tap = NULL; /* the drills are gone */
	batch_done(&batch);
	return r;
}

static int sign(void)
{
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	CLEANUP(sign_key_free) struct sign_key *hmac = NULL;
	const struct sign_key *keys[2] = {rig.life.key};
	uint8_t signature[SIGN_ED25519_BYTES];
	char *header = NULL;
	int r = sign_key_load(&hmac, secret, strlen(secret));

	keys[1] = hmac;
	if (r == 0)
		r = sign_webhook(keys, 2, "msg_1", 1614265330, "{}", 2, &header);
	if (r == 0)
		r = sign_bytes(rig.life.key, "{}", 2, signature);
	free(header);
	return r;
}

static int circular(void)
{
	static const char text[] = "COD\t50.1\tmg/L\t20260325000000\t00\r\n"
				   "pH\t7.01\t-\t20260325000000\t00\r\n"
				   "TSS\t\tmg/L\t20260325000000\t02\r\n";
	char error[CIRCULAR_ERROR_MAX];
	struct circular_file file;
	int r = circular_parse(&file, text, strlen(text), 420, NULL, error);

	if (r == 0)
		circular_file_done(&file);
	return r;
}

static int boundary(void)
{
	static const char text[] =
		"{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\","
		"\"properties\":{\"name\":\"border\"},\"geometry\":{\"type\":\"LineString\","
		"\"coordinates\":[[106.7,21.9],[106.8,21.95],[106.9,22.0]]}}]}";
	CLEANUP(boundary_free) struct boundary *one = NULL;
	char error[BOUNDARY_ERROR_MAX];

	return boundary_file_parse(&one, text, strlen(text), "border", error);
}

static int job(void)
{
	static uint8_t packet[WIRE_PACKET_MAX];
	static char id[] = "0123456789abcdef-7-department", body[] = "{\"type\":\"test\"}";
	const struct record_job one = {.id = 7, .webhook_id = id, .body = body};
	struct sign_key *none[CONFIG_DESTINATIONS_MAX][2] = {{NULL}};
	const struct keys keys = {.own = {rig.life.key},
				  .destinations = none,
				  .n_destinations = rig.life.config->n_destinations};
	size_t n;

	return delivery_job_make(&(struct delivery_attempt){.config = rig.life.config,
							    .keys = &keys,
							    .job = &one,
							    .id = 1,
							    .now_s = WALL_0 / MS_PER_S},
				 packet, &n);
}

static const struct scene {
	const char *name;
	int (*play)(void);
} scenes[] = {
	{"config", config},	{"core", core},		{"snapshot", snapshot},
	{"record", record},	{"drill", drill},	{"sign", sign},
	{"circular", circular}, {"boundary", boundary}, {"job", job},
};

/* --- one point after the other ------------------------------------------------------------ */

static void child(const struct scene *scene, long at, bool ever)
{
	long live;
	int r;

	OPENSSL_thread_stop(); /* its queue of errors is this thread's until then */
	xmlResetLastError();
	live = failing_live();
	(void)alarm(LIMIT_S);
	failing_set(at, ever);
	r = scene->play();
	failing_set(0, false);
	OPENSSL_thread_stop();
	xmlResetLastError();
	rig.shared->n_left = failing_live() - live;
	_exit(rig.shared->n_left > 0 ? LEAK_EXIT : r < 0 ? 1 : 0);
}

/* Return: exit status, or -signal */
static int in_child(const struct scene *scene, long at, bool ever)
{
	pid_t pid;
	int status;

	*rig.shared = (struct shared){0};
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(scene, at, ever);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/** struct tally - what came of all points */
struct tally {
	long n_points, n_survived, n_wrong, n_signals, n_leaks;
	char expected[SIGN_SHA256_TEXT];
};

static void one_point(FILE *out, const struct scene *scene, long at, bool ever, struct tally *tally)
{
	int status = in_child(scene, at, ever);

	tally->n_points++;
	tally->n_survived += status == 0;
	tally->n_wrong += status == 0 && strcmp(rig.shared->made, tally->expected) != 0;
	if (status == 0 && strcmp(rig.shared->made, tally->expected) != 0)
		(void)fprintf(out, "%s: allocation %ld%s: says something else\n", scene->name, at,
			      ever ? " and all after it" : "");
	tally->n_leaks += status == LEAK_EXIT;
	tally->n_signals += status < 0;
	if (status == LEAK_EXIT)
		(void)fprintf(out, "%s: allocation %ld%s: %ld blocks are left\n", scene->name, at,
			      ever ? " and all after it" : "", rig.shared->n_left);
	else if (status != 0 && status != 1)
		(void)fprintf(out, "%s: allocation %ld%s: ended by %d\n", scene->name, at,
			      ever ? " and all after it" : "", status);
}

static int each_point(FILE *out, const struct scene *scene, unsigned int seed, long n)
{
	struct tally tally = {0};
	long all;
	int r;

	if (n < 0) {
		(void)scene->play();
		failing_set(-n, seed == 1);
		return scene->play();
	}
	(void)scene->play(); /* what libraries allocate once, and keep */
	failing_set(LONG_MAX, false);
	r = scene->play();
	all = failing_count();
	failing_set(0, false);
	if (r < 0) {
		(void)fprintf(out, "%s: fails by itself: %s\n", scene->name, strerror(-r));
		return r;
	}
	if (in_child(scene, LONG_MAX, false) != 0) {
		(void)fprintf(out, "%s: leaves %ld blocks by itself\n", scene->name,
			      rig.shared->n_left);
		return -EBADMSG;
	}
	memcpy(tally.expected, rig.shared->made, sizeof(tally.expected));
	for (long i = 1; i <= all && (n == 0 || i <= n / 4); i++)
		for (int ever = 0; ever < 2; ever++)
			one_point(out, scene, i, ever, &tally);
	for (long i = 0; i < n / 2; i++) {
		long at = 1 + (long)rand_r(&seed) % all;

		one_point(out, scene, at, rand_r(&seed) % 2 == 0, &tally);
	}
	(void)fprintf(out,
		      "allocations %ld injected %ld survived %ld wrong %ld signals %ld leaks "
		      "%ld\n",
		      all, tally.n_points, tally.n_survived, tally.n_wrong, tally.n_signals,
		      tally.n_leaks);
	return tally.n_wrong + tally.n_signals + tally.n_leaks == 0 ? 0 : -EBADMSG;
}

static int run(char **arguments)
{
	/* results go where stdout went; what the scenes print goes nowhere */
	FILE *out = fdopen(dup(STDOUT_FILENO), "w");
	int r = -ENOENT;

	memory_init();
	rig.conf = arguments[0];
	rig.key = arguments[1];
	rig.state = arguments[2];
	rig.shared = mmap(NULL, sizeof(*rig.shared), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!out || rig.shared == MAP_FAILED || life_configure(&rig.life, rig.conf, rig.key) < 0)
		return EXIT_FAILURE;
	rig.nowhere = fopen("/dev/null", "w");
	if (!rig.nowhere || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return EXIT_FAILURE;
	(void)setvbuf(stdout, NULL, _IONBF, 0); /* a buffer would count as left behind */
	(void)setvbuf(stderr, NULL, _IONBF, 0);
	(void)setvbuf(rig.nowhere, NULL, _IONBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		if (strcmp(scenes[i].name, arguments[3]) == 0)
			r = each_point(out, &scenes[i],
				       (unsigned int)strtoul(arguments[4], NULL, 10),
				       strtol(arguments[5], NULL, 10));
	(void)fclose(out);
	(void)fclose(rig.nowhere);
	life_done(&rig.life);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
			(void)puts(scenes[i].name);
		return EXIT_SUCCESS;
	}
	if (argc == 7)
		return run(argv + 1);
	(void)fputs("Usage: faults-alloc list | CONFIG KEY STATE SCENE SEED N\n", stderr);
	return 2;
}

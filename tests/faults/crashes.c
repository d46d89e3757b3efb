/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults-crashes: lives that end in a power loss of torn.h, again and again
 *
 *   faults-crashes CONFIG KEY DIRECTORY SEED N [ignore-sync]
 *
 * Each crash has a process of its own, at a moment drawn from SEED; half of them begin with no
 * record. Afterwards the record must be that of one commit, none older than the last that was
 * acknowledged, and the life must go on from it. Prints one line of figures; exit status 0 if
 * all were so. With ignore-sync it must not be so: that is the control.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life.h"
#include "torn.h"

#define COMMITS	       12
#define COMMITS_BEFORE 5
#define KINDS	       2 /* with a record, without */
#define COPY_BYTES     65536

static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm", "record.lock"};

/** struct shared - what a child tells, and what must come of it */
struct shared {
	struct torn_plan plan;
	long n_acked;
};

static struct {
	struct life life; /* only its configuration; children fill the rest */
	struct shared *shared;
	char base[4096];
	char state[4096];
	char marks[KINDS][COMMITS + 1][LIFE_MARK];
	long n_calls[KINDS];
	long n_crashes, n_lost, n_damaged, n_stuck, n_waiting, n_written;
} rig;

static int empty(const char *directory)
{
	char path[4200];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/record.db-journal", directory);
	(void)unlink(path);
	return mkdir(directory, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int copy_file(const char *from, const char *to)
{
	static uint8_t bytes[COPY_BYTES];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	ssize_t n;

	if (in < 0)
		return errno == ENOENT ? 0 : -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while (out >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			abort();
	(void)close(in);
	return out < 0 ? -errno : close(out);
}

/* the first two only: memory is gone at a crash, and the lock with its process */
static int copy(const char *from, const char *to)
{
	char source[4200], target[4200];
	int r = empty(to);

	for (size_t i = 0; r == 0 && i < 2; i++) {
		(void)snprintf(source, sizeof(source), "%s/%s", from, names[i]);
		(void)snprintf(target, sizeof(target), "%s/%s", to, names[i]);
		r = copy_file(source, target);
	}
	return r;
}

static int live(int commits, bool with_marks, char (*marks)[LIFE_MARK])
{
	char why[LIFE_MARK];
	int r = life_begin(&rig.life, rig.state);

	for (int i = 1; r == 0 && i <= commits; i++) {
		r = life_step(&rig.life);
		if (r == 0 && with_marks)
			r = life_mark(rig.state, marks[i], why);
		if (r == 0)
			r = life_send(&rig.life);
		rig.shared->n_acked = i;
	}
	life_end(&rig.life);
	return r;
}

/* Return: exit status, or -signal */
static int in_child(int commits, bool torn)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(99);
		if (torn && torn_register(&rig.shared->plan) < 0)
			_exit(99);
		_exit(live(commits, false, NULL) == 0 ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int begin_anew(int kind)
{
	*rig.shared = (struct shared){0};
	return kind == 0 ? copy(rig.base, rig.state) : empty(rig.state);
}

/* what a life comes to when nothing happens to it, and how many calls it makes */
static int prepare(int kind)
{
	char why[LIFE_MARK];
	int r = begin_anew(kind);

	(void)life_mark(rig.state, rig.marks[kind][0], why);
	if (r == 0)
		r = live(COMMITS, true, rig.marks[kind]);
	if (r == 0)
		r = begin_anew(kind);
	if (r == 0 && in_child(COMMITS, true) != 0)
		r = -EIO;
	rig.n_calls[kind] = rig.shared->plan.n_calls;
	return r;
}

/* "ENTRIES REPORTS" of a mark: where the log's id was drawn anew, the rest is another */
static bool same(int kind, const char *mark, const char *expected)
{
	size_t n = strlen(expected);

	if (kind == 1 && strchr(expected, ' '))
		n = (size_t)(strrchr(expected, ' ') - expected);
	return strncmp(mark, *expected ? expected : "0 0 ", *expected ? n : 4) == 0;
}

static long last_commit_of(int kind, const char *mark)
{
	for (long i = COMMITS; i >= 0; i--)
		if (same(kind, mark, rig.marks[kind][i]))
			return i;
	return -1;
}

/* half made: there is no record yet, and nothing was acknowledged */
static bool is_unborn(int kind, int r)
{
	return kind == 1 && rig.shared->n_acked == 0 && (r == -ENOENT || r == -EBADMSG);
}

static void judge(int kind, unsigned int seed)
{
	char mark[LIFE_MARK], why[LIFE_MARK];
	long acked = rig.shared->n_acked, found;
	int r = life_mark(rig.state, mark, why);

	found = r == 0 ? last_commit_of(kind, mark) : -1;
	if (is_unborn(kind, r))
		found = 0;
	if (found < 0)
		rig.n_damaged++;
	else if (found < acked)
		rig.n_lost++;
	if ((found < 0 || found < acked) && !rig.shared->plan.ignore_sync)
		(void)printf("seed %u, call %ld: %ld acknowledged, %ld there: %s\n", seed,
			     rig.shared->plan.crash_at, acked, found, r == 0 ? mark : why);
	if (in_child(2, false) == 0 && life_mark(rig.state, mark, why) == 0)
		return;
	rig.n_stuck++;
	if (!rig.shared->plan.ignore_sync)
		(void)printf("seed %u, call %ld: does not start again: %s\n", seed,
			     rig.shared->plan.crash_at, why);
}

static int crash_once(unsigned int seed, bool ignore_sync)
{
	unsigned int random = seed;
	int kind = (int)((unsigned int)rand_r(&random) % KINDS), status;
	int r = begin_anew(kind);

	if (r < 0)
		return r;
	rig.shared->plan = (struct torn_plan){
		.crash_at = 1 + (long)rand_r(&random) % rig.n_calls[kind],
		.ignore_sync = ignore_sync,
		.seed = (unsigned int)rand_r(&random),
	};
	status = in_child(COMMITS, true);
	rig.n_crashes += status == TORN_EXIT;
	rig.n_waiting += rig.shared->plan.n_waiting;
	rig.n_written += rig.shared->plan.n_written;
	if (status != TORN_EXIT) {
		(void)printf("seed %u: ended with %d instead of crashing\n", seed, status);
		return -EIO;
	}
	judge(kind, seed);
	return 0;
}

static int set_up(char **arguments)
{
	int r;

	rig.shared = mmap(NULL, sizeof(*rig.shared), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rig.shared == MAP_FAILED)
		return -errno;
	(void)snprintf(rig.base, sizeof(rig.base), "%s/base", arguments[2]);
	(void)snprintf(rig.state, sizeof(rig.state), "%s/state", arguments[2]);
	r = life_configure(&rig.life, arguments[0], arguments[1]);
	if (r == 0)
		r = empty(rig.state);
	if (r == 0 && in_child(COMMITS_BEFORE, false) != 0)
		r = -EIO;
	if (r == 0)
		r = copy(rig.state, rig.base);
	for (int kind = 0; r == 0 && kind < KINDS; kind++)
		r = prepare(kind);
	return r;
}

int main(int argc, char **argv)
{
	bool ignore_sync = argc == 7 && strcmp(argv[6], "ignore-sync") == 0;
	unsigned int seed;
	long n;
	int r;

	if (argc != 6 && !ignore_sync) {
		(void)fputs("Usage: faults-crashes CONFIG KEY DIRECTORY SEED N [ignore-sync]\n",
			    stderr);
		return 2;
	}
	seed = (unsigned int)strtoul(argv[4], NULL, 10);
	n = strtol(argv[5], NULL, 10);
	r = set_up(argv + 1);
	for (long i = 0; r == 0 && i < n; i++)
		r = crash_once(seed + (unsigned int)i, ignore_sync);
	if (r < 0)
		(void)printf("failed: %s\n", strerror(-r));
	(void)printf("crashes %ld lost %ld damaged %ld stuck %ld sectors %ld written %ld\n",
		     rig.n_crashes, rig.n_lost, rig.n_damaged, rig.n_stuck, rig.n_waiting,
		     rig.n_written);
	life_done(&rig.life);
	return r == 0 && rig.n_lost + rig.n_damaged + rig.n_stuck == 0 ? EXIT_SUCCESS
								       : EXIT_FAILURE;
}

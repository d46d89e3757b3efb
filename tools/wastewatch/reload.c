/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Have the daemon read its configuration anew, and wait for what came of it: a signal says nothing
 * back, so that is read from status.json, which needs no bus. Who may not send a signal asks over
 * D-Bus, which answers by itself.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/fields.h"
#include "tools/bus.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/live.h"
#include "tools/say.h"

#define PAUSE_NS (50 * 1000 * 1000L)
#define START_MS 3000  /* the first status is written a second after the start */
#define WAIT_MS	 50000 /* TimeoutStartSec= of the unit is a minute */

/* struct reloading - @pid, and @n: how often it was reloaded; @error: of BUS_ERROR_MAX */
struct reloading {
	const struct command_options *options;
	pid_t pid;
	int64_t n;
	char *error;
};

static void rest(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static int64_t since(int64_t begin_ms)
{
	return clock_stamp().mono_ms - begin_ms;
}

/* Return: 0, the caller's @ret; -ESRCH it is not there, or does not say anything any more */
static int look(const struct command_options *options, json_t **ret)
{
	int64_t age_ms = 0;

	return live_load(options, clock_stamp().wall_ms, ret, &age_ms) == LIVE_OK ? 0 : -ESRCH;
}

static int find(struct reloading *reloading)
{
	int64_t begin_ms = clock_stamp().mono_ms;
	json_t *live = NULL;
	int r;

	while ((r = look(reloading->options, &live)) < 0 && since(begin_ms) < START_MS)
		rest();
	if (r < 0) {
		(void)snprintf(reloading->error, BUS_ERROR_MAX,
			       tr("wastewatchd is not running, or says nothing: systemctl status "
				  "wastewatchd"));
		return r;
	}
	reloading->pid = (pid_t)field_number(live, "pid");
	reloading->n = field_number(json_object_get(live, "reload"), "n");
	json_decref(live);
	return reloading->pid > 1 ? 0 : -ESRCH;
}

/* Return: 1 not yet; else as command_reload() wants it */
static int came_of_it(const struct reloading *reloading)
{
	const json_t *reload;
	json_t *live = NULL;
	int r = look(reloading->options, &live);

	if (r < 0) {
		(void)snprintf(reloading->error, BUS_ERROR_MAX,
			       tr("wastewatchd has ended meanwhile: systemctl status wastewatchd"));
		return r;
	}
	reload = json_object_get(live, "reload");
	r = field_number(reload, "n") == reloading->n	       ? 1
	    : json_is_true(json_object_get(reload, "refused")) ? -EINVAL
							       : 0;
	if (r < 0)
		(void)snprintf(reloading->error, BUS_ERROR_MAX, "%s", field_text(reload, "words"));
	json_decref(live);
	return r;
}

/* Whoever may write status.json must not have root signal others' processes: it is an owner's own,
 * or it is asked over the bus. The kernel keeps all but root from that; they may not even see it,
 * as it keeps its memory to itself (hidepid in proc(5), PR_SET_DUMPABLE). */
static bool may_signal(const struct reloading *reloading)
{
	char path[4096];
	struct stat status, process;

	if (geteuid() != 0)
		return true;
	(void)snprintf(path, sizeof(path), "%s/status.json", reloading->options->runtime);
	if (stat(path, &status) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%lld", (long long)reloading->pid);
	return stat(path, &process) == 0 && process.st_uid == status.st_uid;
}

static int by_signal(const struct reloading *reloading)
{
	int64_t begin_ms = clock_stamp().mono_ms;
	int r = !may_signal(reloading) ? -EPERM : kill(reloading->pid, SIGHUP) < 0 ? -errno : 1;

	while (r == 1 && since(begin_ms) < WAIT_MS) {
		rest();
		r = came_of_it(reloading);
	}
	if (r == 1)
		(void)snprintf(reloading->error, BUS_ERROR_MAX,
			       tr("wastewatchd has not answered: journalctl -u wastewatchd"));
	return r == 1 ? -ETIMEDOUT : r;
}

static int by_bus(const struct reloading *reloading)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	int r = bus_open(&bus, reloading->options->bus, reloading->error);

	return r < 0 ? r : bus_act(bus, false, "Reload", NULL, 0, reloading->error);
}

int command_reload(const struct command_options *options)
{
	char error[BUS_ERROR_MAX] = "";
	struct reloading reloading = {.options = options, .error = error};
	int r = find(&reloading);

	if (r == 0)
		r = by_signal(&reloading);
	if (r == -EPERM)
		r = by_bus(&reloading);
	if (options->json)
		lines_action("reload", "configuration", r < 0 ? error : NULL);
	else if (r < 0)
		(void)command_fail("%s", error);
	else
		say("The configuration was read anew and is in force.\n");
	return r == -ESRCH ? EXIT_DOWN : command_exit(r);
}

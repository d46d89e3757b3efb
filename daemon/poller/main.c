/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/resident.h"
#include "poller/poller.h"
#include "poller/ring.h"

#define PROGRAM		"wastewatch-poller"
#define RUNTIME_DEFAULT "/run/wastewatch"
#define STATUS_EVERY_US UINT64_C(1000000)

struct options {
	const char *runtime;
	size_t ring_bytes;
	bool verbose;
};

struct program {
	sd_event *event;
	struct poller *poller;
	sd_event_source *status_timer;
	sd_event_source *watchdog_timer;
	uint64_t watchdog_us; /* 0: nobody watches */
	char status[128];     /* told last */
};

static const char help[] =
	"Usage: " PROGRAM " [OPTION]...\n"
	"\n"
	"Reads registers over Modbus TCP and RTU as the core (wastewatchd) tells it to, and hands\n"
	"them to the core. Has no configuration of its own and cannot write to a device.\n"
	"\n"
	"  --runtime DIR  where the core's socket poller.sock is; default: $RUNTIME_DIRECTORY,\n"
	"                 else " RUNTIME_DEFAULT "\n"
	"  --ring BYTES   room for readings that the core has not taken yet; default 8388608\n"
	"  --verbose      more messages\n"
	"  --help         this text\n"
	"  --version      version of the program\n";

static int parse_bytes(const char *text, size_t *ret)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text < '0' || *text > '9' ||
	    n < RING_BYTES_MIN || n > RING_BYTES_MAX) {
		(void)fprintf(stderr,
			      PROGRAM ": --ring %s: must be a number of bytes, %zu to %zu\n", text,
			      RING_BYTES_MIN, RING_BYTES_MAX);
		return -EINVAL;
	}
	*ret = (size_t)n;
	return 0;
}

/* Return: 0 run; 1 done, exit well; -EINVAL said why, exit badly */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{"runtime", required_argument, NULL, 'r'}, {"ring", required_argument, NULL, 'b'},
		{"verbose", no_argument, NULL, 'v'},	   {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	   {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'r') {
			ret->runtime = optarg;
		} else if (c == 'b') {
			if (parse_bytes(optarg, &ret->ring_bytes) < 0)
				return -EINVAL;
		} else if (c == 'v') {
			ret->verbose = true;
		} else if (c == 'h' || c == 'V') {
			(void)fputs(c == 'h' ? help : PROGRAM " " WASTEWATCH_VERSION "\n", stdout);
			return 1;
		} else { /* getopt has said what is wrong */
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, PROGRAM ": %s: no arguments are known, only options; try --help\n",
		      argv[optind]);
	return -EINVAL;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct program *program = userdata;

	(void)source; /* SIGTERM and SIGINT mean the same */
	log_info("%s: stopping", strsignal((int)info->ssi_signo));
	return sd_event_exit(program->event, 0);
}

static void tell_status(struct program *program)
{
	char status[sizeof(program->status)];

	poller_status(program->poller, status, sizeof(status));
	if (strcmp(status, program->status) == 0)
		return;
	memcpy(program->status, status, sizeof(status));
	(void)sd_notifyf(0, "STATUS=%s", status); /* nobody may be listening */
}

static int on_status(sd_event_source *source, uint64_t us, void *userdata)
{
	struct program *program = userdata;

	(void)us; /* the next one is counted from now: its time is not critical */
	tell_status(program);
	return sd_event_source_set_time_relative(source, STATUS_EVERY_US);
}

/* fed only while the timer of the polling is served: a loop that turns is not enough */
static int on_watchdog(sd_event_source *source, uint64_t us, void *userdata)
{
	struct program *program = userdata;

	(void)us; /* as above */
	if (!poller_is_late(program->poller, (int64_t)(program->watchdog_us / 2)))
		(void)sd_notify(0, "WATCHDOG=1"); /* if it does not arrive, the effect is due */
	return sd_event_source_set_time_relative(source, program->watchdog_us / 2);
}

static int add_timer(struct program *program, sd_event_source **ret, uint64_t every_us,
		     sd_event_time_handler_t handler)
{
	int r = sd_event_add_time_relative(program->event, ret, CLOCK_BOOTTIME, every_us,
					   every_us / 10, handler, program);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_ON);
}

static int add_sources(struct program *program)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int r = 0;

	(void)sigemptyset(&mask); /* none of the three can fail with these arguments */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaddset(&mask, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
		r = sd_event_add_signal(program->event, NULL, signals[i], on_signal, program);
	if (r >= 0)
		r = add_timer(program, &program->status_timer, STATUS_EVERY_US, on_status);
	if (r >= 0 && sd_watchdog_enabled(0, &program->watchdog_us) > 0)
		r = add_timer(program, &program->watchdog_timer, program->watchdog_us / 2,
			      on_watchdog);
	return r < 0 ? r : 0;
}

/* sd_event_loop(), but readings go out at the end of every turn */
static int turn(struct program *program)
{
	int r;

	while (sd_event_get_state(program->event) != SD_EVENT_FINISHED) {
		r = sd_event_run(program->event, UINT64_MAX);
		if (r < 0)
			return r;
		poller_flush(program->poller);
	}
	return 0;
}

static int run(struct program *program, const struct options *options)
{
	char path[PATH_MAX];
	int r = sd_event_new(&program->event);

	if (r == 0)
		r = add_sources(program);
	if (r < 0) {
		log_err("cannot start: %s", strerrordesc_np(-r));
		return r;
	}
	(void)snprintf(path, sizeof(path), "%s/poller.sock", options->runtime);
	r = poller_new(&program->poller, program->event, path, options->ring_bytes);
	if (r < 0) {
		log_err("cannot start with the core's socket at %s: %s", path, strerrordesc_np(-r));
		return r;
	}
	/* Ready before the core is there: it can only come up after its pollers' sockets, and
	 * the poller does its duty, to keep trying, from now on. */
	(void)sd_notify(0, "READY=1"); /* nobody may be listening */
	tell_status(program);
	resident_forget_start();
	r = turn(program);
	if (r < 0)
		log_err("the event loop has failed: %s", strerrordesc_np(-r));
	(void)sd_notify(0, "STOPPING=1"); /* as above */
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {.runtime = getenv("RUNTIME_DIRECTORY"),
				  .ring_bytes = RING_BYTES_DEFAULT};
	struct program program = {0};
	int r;

	if (!options.runtime || !*options.runtime)
		options.runtime = RUNTIME_DEFAULT;
	r = parse_options(argc, argv, &options);
	if (r != 0)
		return r > 0 ? EXIT_SUCCESS : 2;
	log_init(PROGRAM, options.verbose);
	(void)signal(SIGPIPE, SIG_IGN);		  /* a closed peer is an error code, no death */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file, no debugger; a precaution */
	r = run(&program, &options);
	(void)poller_free(program.poller);
	(void)sd_event_source_disable_unref(program.status_timer);
	(void)sd_event_source_disable_unref(program.watchdog_timer);
	(void)sd_event_unref(program.event);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

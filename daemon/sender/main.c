/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/log.h"
#include "common/resident.h"
#include "sender/jobs.h"
#include "sender/worker.h"

DEFINE_CLEANUP(sd_event *, sd_event_unref)

struct options {
	const char *runtime;
	const char *credentials;
	bool verbose;
	bool one_upload;
};

static const char help[] =
	"wastewatch-sender [OPTION]...\n"
	"Delivers reports and files for wastewatchd: one job, one attempt, one result.\n"
	"\n"
	"  --runtime DIR      where sender.sock is ($RUNTIME_DIRECTORY, else /run/wastewatch)\n"
	"  --credentials DIR  CA files, certificates, keys, passwords ($CREDENTIALS_DIRECTORY)\n"
	"  --verbose          a line per attempt\n"
	"  --help             this text\n"
	"  --version          the version\n";

static const char *environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && value[0] ? value : otherwise;
}

/* 1: go on; 0: all is said and done; -EINVAL: not understood, and said so */
static int parse_options(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {
		{"runtime", required_argument, NULL, 'r'},
		{"credentials", required_argument, NULL, 'c'},
		{"verbose", no_argument, NULL, 'v'},
		{WORKER_OPTION, no_argument, NULL, 'u'}, /* for itself: not in --help */
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'r')
			options->runtime = optarg;
		else if (c == 'c')
			options->credentials = optarg;
		else if (c == 'v')
			options->verbose = true;
		else if (c == 'u')
			options->one_upload = true;
		else if (c == 'h' || c == 'V')
			return printf("%s", c == 'h' ? help
						     : "wastewatch-sender " WASTEWATCH_VERSION
						       "\n") < 0
				       ? -EIO
				       : 0;
		else
			return -EINVAL;
	}
	if (optind == argc)
		return 1;
	(void)fprintf(stderr, "%s: \"%s\" is not understood; see --help\n", argv[0], argv[optind]);
	return -EINVAL;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	const struct jobs *jobs = userdata;

	(void)info;
	if (jobs_in_flight(jobs) > 0)
		log_notice("stopping; %zu attempts in flight are given up, wastewatchd will ask "
			   "again",
			   jobs_in_flight(jobs));
	(void)sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int setup_signals(sd_event *event, struct jobs *jobs)
{
	int r;

	r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, jobs);
	if (r < 0)
		return r;
	return sd_event_add_signal(event, NULL, SIGINT, on_stop, jobs);
}

/* threads of libcurl's resolver inherit the mask, so it comes before everything else */
static int block_signals(void)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	(void)prctl(PR_SET_DUMPABLE, 0); /* a client key may be in memory */
	return 0;
}

/* a process for one upload: a job on standard input, a signal ends it at once */
static int run_upload(const struct options *options)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0);
	return worker_run(STDIN_FILENO, options->credentials);
}

static int run(const struct options *options)
{
	CLEANUP(sd_event_unref) sd_event *event = NULL;
	CLEANUP(jobs_free) struct jobs *jobs = NULL;
	char path[PATH_MAX];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/sender.sock", options->runtime) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	r = block_signals();
	if (r >= 0)
		r = sd_event_default(&event);
	if (r >= 0)
		r = jobs_new(&jobs, event, path, options->credentials);
	if (r >= 0)
		r = setup_signals(event, jobs);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0)
		return r;
	(void)sd_notify(0, "READY=1\nSTATUS=Waiting for wastewatchd");
	resident_forget_start();
	return sd_event_loop(event);
}

int main(int argc, char **argv)
{
	struct options options = {
		.runtime = environment("RUNTIME_DIRECTORY", "/run/wastewatch"),
		.credentials = environment("CREDENTIALS_DIRECTORY", ""),
	};
	int r = parse_options(&options, argc, argv);

	if (r <= 0)
		return r < 0 ? 2 : EXIT_SUCCESS;
	log_init("wastewatch-sender", options.verbose);
	r = options.one_upload ? run_upload(&options) : run(&options);
	if (r < 0)
		log_err(options.one_upload ? "no upload: %s" : "cannot run: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatchd - the core: decodes, averages, judges, records, composes and signs. It has no
 * network: its only sockets are AF_UNIX.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/resident.h"
#include "core/memory.h"
#include "core/service.h"

static const char usage[] =
	"Usage: wastewatchd [OPTION]...\n"
	"Watch industrial waste: judge what wastewatch-poller reads, record it, report it.\n"
	"\n"
	"  --config DIR       wastewatch.yaml and sites.d/ (default /etc/wastewatch)\n"
	"  --state DIR        the record (default $STATE_DIRECTORY or /var/lib/wastewatch)\n"
	"  --runtime DIR      sockets (default $RUNTIME_DIRECTORY or /run/wastewatch)\n"
	"  --credentials DIR  keys (default $CREDENTIALS_DIRECTORY)\n"
	"  --bus ADDRESS      D-Bus, for what people do (default the system's; \"none\")\n"
	"  --journal SOCKET   the journal's (default /run/systemd/journal/socket)\n"
	"  --verbose          more lines on stderr\n"
	"  --help, --version\n"
	"\n"
	"SIGHUP reads the configuration and the files in --credentials anew (systemd copies keys\n"
	"there only at a start); SIGTERM stops.\n";

static const char *environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},  {"state", required_argument, NULL, 's'},
	{"runtime", required_argument, NULL, 'r'}, {"credentials", required_argument, NULL, 'k'},
	{"bus", required_argument, NULL, 'b'},	   {"journal", required_argument, NULL, 'j'},
	{"verbose", no_argument, NULL, 'v'},	   {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},	   {0},
};

/* Return: -1 go on; else the exit status */
static int parse(int argc, char **argv, struct service_options *ret)
{
	int c;

	*ret = (struct service_options){
		.config = "/etc/wastewatch",
		.state = environment("STATE_DIRECTORY", "/var/lib/wastewatch"),
		.runtime = environment("RUNTIME_DIRECTORY", "/run/wastewatch"),
		.credentials = environment("CREDENTIALS_DIRECTORY", NULL),
	};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 's':
			ret->state = optarg;
			break;
		case 'r':
			ret->runtime = optarg;
			break;
		case 'k':
			ret->credentials = optarg;
			break;
		case 'b':
			ret->bus = optarg;
			break;
		case 'j':
			ret->journal = optarg;
			break;
		case 'v':
			ret->verbose = true;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			(void)puts("wastewatchd " WASTEWATCH_VERSION);
			return EXIT_SUCCESS;
		default:
			(void)fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "wastewatchd: '%s' is no option; see --help\n", argv[optind]);
		return 2;
	}
	return -1;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	char error[ACTION_ERROR_MAX];

	(void)source;
	(void)info;
	(void)service_reload(userdata, NULL, error); /* has been said in the log and the record */
	return 0;
}

/* from the first moment: one that comes during the start waits, instead of ending us */
static void block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int add_signals(struct service *service)
{
	int r = sd_event_add_signal(service->event, NULL, SIGTERM, NULL, NULL);

	if (r >= 0)
		r = sd_event_add_signal(service->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(service->event, NULL, SIGHUP, on_reload, service);
	return r;
}

int main(int argc, char **argv)
{
	struct service_options options;
	struct service service;
	int r = parse(argc, argv, &options);

	if (r >= 0)
		return r;
	block_signals();
	log_init("wastewatchd", options.verbose);
	memory_init();
	(void)umask(0027);
	(void)prctl(PR_SET_DUMPABLE, 0); /* the signing key is in memory */
	(void)mallopt(M_ARENA_MAX, 1);	 /* two threads, one of them mostly asleep */
	r = service_open(&service, &options);
	if (r >= 0)
		r = add_signals(&service);
	resident_forget_start();
	if (r >= 0) {
		(void)sd_notify(0, "READY=1");
		r = sd_event_loop(service.event);
		(void)sd_notify(0, "STOPPING=1");
	}
	service_close(&service);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* wastewatch-sim: the plant. Moves requests, actions and time between the modules. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <systemd/sd-event.h>

#include "common/log.h"
#include "tools/sim_plant.h"
#include "tools/sim_scenario.h"
#include "tools/sim_server.h"

#define EXIT_USAGE	  2
#define TIMER_ACCURACY_US 1000
#define SPEED_MIN	  0.001
#define SPEED_MAX	  1000.0
#define SEED_DEFAULT	  1

struct options {
	const char *config;
	const char *scenario;
	const char *count;
	uint64_t seed;
	double speed;
	bool line_speed;
	bool verbose;
};

struct sim {
	const struct config *config;
	const struct sim_scenario *scenario;
	struct sim_plant *plant;
	struct sim_server *server;
	sd_event *event;
	sd_event_source *timer;
	uint64_t start_us;
	double speed;
	size_t next; /* action that comes next */
};

static void print_help(void)
{
	(void)fputs(
		"Usage: wastewatch-sim --config DIR [OPTION]...\n"
		"Serve every link of a wastewatch configuration as a Modbus plant: TCP on "
		"loopback,\nserial lines as terminals behind the names of the devices.\n\n"
		"  --config DIR      directory with wastewatch.yaml and sites.d/\n"
		"  --scenario FILE   what goes wrong, and when; \"-\" is standard input\n"
		"  --seed N          of the signals, 0 to 2^64-1 (1)\n"
		"  --speed X         scenario and signals run X times as fast, 0.001 to 1000 (1)\n"
		"  --line-speed      RTU answers take as long as their bytes at the baud rate\n"
		"  --count FILE      write the counters there at the end, one line of JSON\n"
		"  --verbose         say more on standard error\n"
		"  --help            this text\n\n"
		"SIGUSR1 prints the counters; SIGTERM and SIGINT end the plant.\n"
		"Exit status: 0 after \"end\" or a signal, 1 failure, 2 wrong options.\n",
		stdout);
}

static int parse_seed(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return errno != 0 || end == text || *end != '\0' || *text == '-' ? -EINVAL : 0;
}

static int parse_speed(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end == text || *end != '\0' || !(*ret >= SPEED_MIN && *ret <= SPEED_MAX) ? -EINVAL
											: 0;
}

/* Return: 0; 1 help was asked for and given; -EINVAL said on stderr. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'},
		{"scenario", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'r'},
		{"speed", required_argument, NULL, 'x'},
		{"line-speed", no_argument, NULL, 'b'},
		{"count", required_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, r = 0;

	*o = (struct options){.seed = SEED_DEFAULT, .speed = 1};
	while (r == 0 && (c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'h')
			return print_help(), 1;
		if (c == 'c')
			o->config = optarg;
		else if (c == 's')
			o->scenario = optarg;
		else if (c == 'n')
			o->count = optarg;
		else if (c == 'b')
			o->line_speed = true;
		else if (c == 'v')
			o->verbose = true;
		else if (c == 'r' && (r = parse_seed(optarg, &o->seed)) < 0)
			log_err("--seed %s: not a number; allowed: 0 to 2^64-1", optarg);
		else if (c == 'x' && (r = parse_speed(optarg, &o->speed)) < 0)
			log_err("--speed %s: not a speed; allowed: 0.001 to 1000", optarg);
		else if (c == '?')
			return -EINVAL;
	}
	if (r == 0 && optind < argc) {
		log_err("%s: not an option; see --help", argv[optind]);
		return -EINVAL;
	}
	if (r == 0 && !o->config) {
		log_err("--config DIR is missing; see --help");
		return -EINVAL;
	}
	return r;
}

static int64_t sim_now_ms(void *userdata)
{
	struct sim *sim = userdata;
	uint64_t now_us = sim->start_us;

	(void)sd_event_now(sim->event, CLOCK_BOOTTIME, &now_us); /* cannot fail: valid clock */
	return (int64_t)((double)(now_us - sim->start_us) * sim->speed / 1000);
}

/* The line comes after the deed: who reads it can rely on it. */
static void play(struct sim *sim, const struct sim_action *a)
{
	char text[SIM_TEXT_MAX];
	bool on_channel = a->verb <= SIM_RAW;
	int r;

	sim_action_text(a, sim->config,
			on_channel ? sim_plant_value(sim->plant, a->target, a->at_ms) : 0, text);
	r = sim_plant_act(sim->plant, a, a->at_ms);
	if (r == 0)
		r = sim_server_act(sim->server, a);
	(void)puts(text);
	if (r < 0 || a->verb == SIM_END)
		(void)sd_event_exit(sim->event, r < 0 ? EXIT_FAILURE : 0);
}

/* play what is due and arm the timer for what is next */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct sim *sim = userdata;
	const struct sim_scenario *s = sim->scenario;
	bool ended = false;
	double due_us;

	(void)usec;
	for (; !ended && sim->next < s->n && s->actions[sim->next].at_ms <= sim_now_ms(sim);
	     sim->next++) {
		play(sim, &s->actions[sim->next]);
		ended = s->actions[sim->next].verb == SIM_END;
	}
	if (ended || sim->next == s->n)
		return 0;
	due_us = ceil((double)s->actions[sim->next].at_ms * 1000 / sim->speed);
	(void)sd_event_source_set_time(source, sim->start_us + (uint64_t)due_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_usr1(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct sim *sim = userdata;

	(void)source;
	(void)info;
	sim_server_print(sim->server, stdout);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int add_signals(struct sim *sim)
{
	static const struct {
		int signal;
		sd_event_signal_handler_t handler;
	} table[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGUSR1, on_usr1}};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table) && r >= 0; i++)
		r = sd_event_add_signal(sim->event, NULL,
					table[i].signal | SD_EVENT_SIGNAL_PROCMASK,
					table[i].handler, sim);
	return r;
}

static int load_scenario(struct sim_scenario **ret, const struct options *o,
			 const struct config *config)
{
	bool is_stdin = o->scenario && strcmp(o->scenario, "-") == 0;
	FILE *in;
	int r;

	in = is_stdin ? stdin : fopen(o->scenario ? o->scenario : "/dev/null", "re");
	if (!in) {
		r = -errno;
		log_err("%s: %s", o->scenario, strerror(-r));
		return r;
	}
	r = sim_scenario_read(ret, in, o->scenario, config, stderr);
	if (r < 0 && r != -EINVAL)
		log_err("%s: %s", o->scenario, strerror(-r));
	if (!is_stdin)
		(void)fclose(in);
	return r;
}

static int write_counters(const struct sim *sim, const char *path)
{
	FILE *out = fopen(path, "we");
	int r;

	if (out) {
		sim_server_print(sim->server, out);
		if (fclose(out) == 0)
			return 0;
	}
	r = -errno;
	log_err("%s: %s", path, strerror(-r));
	return r;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections otherwise, which is said */
}

/* Return: exit status of the loop; -errno. */
static int serve(struct sim *sim, const struct options *o)
{
	struct sim_server_options options = {
		.now_ms = sim_now_ms,
		.userdata = sim,
		.seed = o->seed,
		.line_speed = o->line_speed,
	};
	int r;

	r = add_signals(sim);
	if (r >= 0)
		r = sd_event_now(sim->event, CLOCK_BOOTTIME, &sim->start_us);
	if (r >= 0)
		r = sim_server_new(&sim->server, sim->event, sim->config, sim->plant, &options);
	if (r >= 0)
		r = sd_event_add_time(sim->event, &sim->timer, CLOCK_BOOTTIME, sim->start_us,
				      TIMER_ACCURACY_US, on_timer, sim);
	if (r < 0)
		return r;
	(void)printf("serving %zu links, %zu units, %zu channels; seed %llu\n",
		     sim->config->n_links, sim->config->n_units, sim->config->n_channels,
		     (unsigned long long)o->seed);
	r = sd_event_loop(sim->event);
	if (r >= 0 && o->count && write_counters(sim, o->count) < 0)
		r = EXIT_FAILURE;
	return r;
}

static int run(const struct options *o)
{
	CLEANUP(config_free) struct config *config = NULL;
	CLEANUP(sim_scenario_free) struct sim_scenario *scenario = NULL;
	struct sim sim = {.speed = o->speed};
	int r;

	r = config_load(&config, o->config, stderr, NULL);
	if (r == 0)
		r = load_scenario(&scenario, o, config);
	if (r < 0)
		return EXIT_FAILURE; /* said by whoever found it */
	raise_file_limit();
	sim.config = config;
	sim.scenario = scenario;
	r = sim_plant_new(&sim.plant, config, o->seed);
	if (r == 0)
		r = sd_event_new(&sim.event);
	if (r >= 0)
		r = serve(&sim, o);
	if (r < 0)
		log_err("the plant cannot run: %s", strerror(-r));
	sim.server = sim_server_free(sim.server);
	sd_event_source_disable_unref(sim.timer);
	sd_event_unref(sim.event);
	sim_plant_free(sim.plant);
	return r < 0 ? EXIT_FAILURE : r;
}

int main(int argc, char **argv)
{
	struct options o;
	int r;

	log_init("wastewatch-sim", false);
	r = parse_options(&o, argc, argv);
	if (r != 0)
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	log_init("wastewatch-sim", o.verbose);
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* so that scripts can wait for a line */
	return run(&o);
}

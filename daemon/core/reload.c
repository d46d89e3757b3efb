/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of configuration, while running or between two runs: the state goes over by the
 * names of things; what is gone is said and closed, never forgotten silently.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/budget.h"
#include "core/chain.h"
#include "core/sandboxes.h"
#include "core/service.h"
#include "core/storage.h"

/* everything that a configuration brings with it */
struct setup {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct drills *drills;
	struct keys keys;
};

static void setup_done(struct setup *setup)
{
	(void)drills_free(setup->drills);
	(void)core_free(setup->core);
	(void)plan_free(setup->plan);
	(void)config_free(setup->config);
	keys_done(&setup->keys);
}

/* at most @max of @n bytes, without a part of a character: an entry is UTF-8 or not written */
static int whole_characters(const char *text, size_t n, size_t max)
{
	if (n > max)
		for (n = max; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	return (int)n;
}

/* log each line of the checker, and keep the first for the entry */
static void log_errors(const char *text, char first[static 256])
{
	const char *line = text;

	*first = '\0';
	while (*line) {
		size_t n = strcspn(line, "\n");

		if (!*first)
			(void)snprintf(first, 256, "%.*s", whole_characters(line, n, 255), line);
		log_err("%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

/* who reloads can put it there, and meanwhile the old keys sign */
static int look_at_keys(const struct service *service, const struct setup *setup,
			char first[static 256])
{
	const char *lacking = keys_newly_lacking(&setup->keys, setup->config, &service->keys,
						 service->config);

	if (!lacking)
		return 0;
	(void)snprintf(
		first, 256,
		"%s; put it there, then restart: systemd hands keys over when a service starts",
		lacking);
	log_err("%s", first);
	return -ENOKEY;
}

static int load(struct service *service, struct setup *setup, char first[static 256],
		size_t *ret_n_errors)
{
	char *text = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&text, &n);
	int r = errors ? config_load(&setup->config, service->options.config, errors, ret_n_errors)
		       : -ENOMEM;

	if (r == 0)
		r = plan_new(&setup->plan, setup->config);
	if (r == 0)
		r = budget_check(setup->config, setup->plan, errors, ret_n_errors);
	if (errors)
		(void)fclose(errors);
	log_errors(text ? text : "", first);
	free(text);
	if (r == 0) {
		r = keys_load(&setup->keys, setup->config, service->options.credentials);
		if (r < 0)
			(void)snprintf(first, 256,
				       "the key that signs is missing or cannot be used");
	}
	if (r == 0)
		r = look_at_keys(service, setup, first);
	if (r == 0)
		r = core_new(&setup->core, setup->config, setup->plan, &service->batch);
	if (r < 0 && !*first)
		(void)snprintf(first, 256, "%s", strerror(-r));
	return r;
}

/* what ends here speaks of the old configuration, so it is committed before the new one counts */
static int end_drills(struct service *service, const struct setup *setup)
{
	drills_fit(service->drills, setup->config, service_now(service));
	service_flush(service);
	return service->failed ? -EIO : 0;
}

static int move_state(struct service *service, struct setup *setup)
{
	void *state = NULL, *windows = NULL;
	size_t n = 0, n_windows = 0;
	int r = core_save(service->core, &state, &n);

	if (r == 0)
		r = core_restore(setup->core, state, n);
	if (r == 0)
		r = core_save_windows(service->core, &windows, &n_windows);
	if (r == 0)
		r = core_restore_windows(setup->core, windows, n_windows);
	free(state);
	free(windows);
	setup->core->chain = service->core->chain;
	memcpy(setup->core->log_id, service->core->log_id, sizeof(setup->core->log_id));
	if (r == 0)
		r = drills_new(&setup->drills, setup->core);
	return r == 0 ? drills_move(setup->drills, service->drills) : r;
}

static void swap(struct service *service, struct setup *setup)
{
	struct setup old = {service->config, service->plan, service->core, service->drills,
			    service->keys};

	service->config = setup->config;
	service->plan = setup->plan;
	service->core = setup->core;
	service->drills = setup->drills;
	service->keys = setup->keys;
	service->core->chain.key = service->keys.own[0];
	*setup = old;
}

static void refuse(struct service *service, const char *user, const char *why, size_t n_errors)
{
	struct event event = event_plain(EVENT_CONFIG_REFUSED, service_now(service));

	event.user = user;
	event.number = (int64_t)MAX(n_errors, (size_t)1);
	event.reason = why;
	core_event(service->core, &event);
	service_flush(service);
}

static bool limit_is_configured(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->n_limits; i++)
		if (strcmp(config->limits[i].path, path) == 0)
			return true;
	return false;
}

/* does the core know of an alarm that the record holds as standing, waiting or hidden? */
static bool limit_is_known(const struct service *service, const char *path)
{
	for (size_t i = 0; i < service->config->n_limits; i++) {
		const struct core_limit *limit = &service->core->limits[i];

		if (strcmp(service->config->limits[i].path, path) == 0)
			return limit_is_raised(&limit->state) ||
			       limit->alarm.condition != ALARM_NORMAL || limit->alarm.shelved ||
			       limit->alarm.out_of_service;
	}
	return false;
}

static bool incident_is_known(const struct service *service, const char *id)
{
	for (size_t i = 0; i < service->config->n_sites * N_WASTE_KINDS; i++)
		if (service->core->incidents[i].open &&
		    strcmp(service->core->incidents[i].id, id) == 0)
			return true;
	return false;
}

static void add_removed(struct service *service, bool is_incident, const char *name,
			struct stamp at)
{
	struct batch_removed *removed = batch_add(&service->batch, removed);

	if (!removed)
		return;
	removed->is_incident = is_incident;
	removed->name = strdup(name);
	removed->at_ms = at.wall_ms;
	if (!removed->name)
		service->batch.out_of_memory = true;
}

static const char lost[] = "the state of another version could not be taken over";

static void on_standing(void *userdata, const char *name, const char *summary, const char *told)
{
	struct service *service = userdata;
	struct event event = event_plain(EVENT_ALARM_REMOVED, service_now(service));

	if (summary ? incident_is_known(service, name) : limit_is_known(service, name))
		return;
	add_removed(service, summary != NULL, name, event.at);
	if (summary) {
		incident_removed(service->core, name, summary, told, event.at,
				 service->state_lost ? lost : "its site is no longer configured");
		return;
	}
	event.name = name;
	event.reason = service->state_lost ? lost
		       : limit_is_configured(service->config, name)
			       ? "its side or its channel's unit is another now; it is judged anew"
			       : "it is no longer configured";
	core_event(service->core, &event);
}

/* reports or files for a destination that nobody knows any more, or that takes none */
static void on_waiting(void *userdata, const char *destination, bool files, int64_t n)
{
	struct service *service = userdata;
	struct event event = event_plain(EVENT_REPORTS_STRANDED, service_now(service));

	for (size_t i = 0; i < service->config->n_destinations; i++)
		if (strcmp(service->config->destinations[i].name, destination) == 0 &&
		    files == (service->config->destinations[i].kind == DESTINATION_FILES))
			return;
	event.number = n;
	event.name = destination;
	event.reason = files ? "data files" : NULL;
	core_event(service->core, &event);
	service->n_stranded += (uint64_t)n;
}

int service_adopt(struct service *service)
{
	int r;

	incident_recount(service->core, service_now(service));
	r = record_standing(service->record, on_standing, service);
	service->n_stranded = 0;
	service->state_lost = false;
	return r < 0 ? r : record_waiting(service->record, on_waiting, service);
}

/* what has been replaced is known everywhere; Return: 0 or -errno */
static int spread(struct service *service, struct stamp at)
{
	/* these two first and in any case: they hold indices into what has just been replaced */
	int r = delivery_reset(service->delivery);

	if (r == 0)
		r = anchoring_fit(service);
	if (r == 0)
		r = pollers_replan(service->pollers);
	sandboxes_fit(service);
	pollers_try(service->pollers);
	delivery_try(service->delivery);
	if (r == 0)
		r = service_adopt(service);
	return r == 0 ? record_release(service->record, at.wall_ms) : r;
}

static int reload(struct service *service, const char *user, char *error)
{
	struct setup setup = {0};
	struct event event = event_plain(EVENT_CONFIG_LOADED, service_now(service));
	char why[256] = "", hash[CHAIN_HEX_MAX];
	size_t n_errors = 0;
	int r = load(service, &setup, why, &n_errors);

	if (r == 0)
		r = end_drills(service, &setup);
	if (r == 0)
		r = move_state(service, &setup);
	if (r == 0)
		r = record_bind(service->record, setup.config);
	if (r != 0) {
		if (!*why)
			(void)snprintf(why, sizeof(why), "its state could not be taken over");
		refuse(service, user, why, n_errors);
		(void)snprintf(error, ACTION_ERROR_MAX, "%s; the old configuration stays in force",
			       why);
		setup_done(&setup);
		return -EINVAL;
	}
	swap(service, &setup);
	setup_done(&setup);
	chain_rotate(service);
	chain_hex(service->config->digest, hash);
	event.name = hash;
	event.user = user;
	core_event(service->core, &event);
	keys_tell(service);
	r = spread(service, event.at);
	if (r < 0) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "the new configuration is in force, but not everywhere: %s; restart "
			       "the service",
			       strerror(-r));
		log_err("%s", error);
	}
	service_flush(service);
	delivery_look(service->delivery);
	return r;
}

int service_reload(struct service *service, const char *user, char *error)
{
	uint64_t usec = 0;
	int r = -EIO;

	*error = '\0';
	(void)sd_event_now(service->event, CLOCK_MONOTONIC,
			   &usec); /* fails before the first wake-up */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)usec);
	service_flush(service); /* what waits speaks of the old configuration */
	if (storage_is_failing(service->storage)) {
		/* what is kept in memory speaks of the configuration that is in force */
		(void)snprintf(
			error, ACTION_ERROR_MAX,
			"the record cannot be written (%s), so the old configuration stays in "
			"force; make room, then reload again",
			storage_words(service->storage));
		log_err("%s", error);
		r = -EINVAL;
	} else if (!service->failed)
		r = reload(service, user, error);
	(void)sd_notify(0, "READY=1");
	if (r == 0 && service->failed)
		r = -EIO;
	if (r == -EIO && !*error)
		(void)snprintf(error, ACTION_ERROR_MAX, "the record cannot be written");
	/* "wastewatch reload" waits for this */
	service->reloads.n++;
	service->reloads.refused = r < 0;
	(void)snprintf(service->reloads.words, sizeof(service->reloads.words), "%s", error);
	status_write(service);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/drilling.h"

/* --- the start ------------------------------------------------------------------------- */

static int on_drill(void *userdata, const struct record_drill *drill)
{
	struct service *service = userdata;

	return drill_restore(service->drills, drill->site, drill->scenario, drill->n_scenario,
			     drill->state, drill->n_state, drill->windows, drill->n_windows,
			     service_now(service));
}

static void on_site(void *userdata, const struct record_drill_site *site)
{
	struct service *service = userdata;

	for (size_t i = 0; i < service->config->n_sites; i++)
		if (strcmp(service->config->sites[i].name, site->site) == 0)
			service->drills->sites[i] = (struct drill_site){site->counted_ms,
									site->said_ms};
}

static int on_standing(void *userdata, const char *id, const char *summary, const char *told)
{
	struct service *service = userdata;

	if (drill_incident_is_open(service->drills, id))
		return 0;
	return drill_incident_lost(service->drills, id, summary, told, service_now(service),
				   "the drill has ended: its state could not be taken over");
}

int drilling_open(struct service *service)
{
	int r = drills_new(&service->drills, service->core);

	if (r == 0)
		r = record_drill_sites(service->record, on_site, service);
	if (r == 0)
		r = record_drills(service->record, on_drill, service);
	if (r == 0)
		r = record_drill_standing(service->record, on_standing, service);
	if (r < 0)
		log_err("the drills in the record cannot be read: %s",
			*record_error(service->record) ? record_error(service->record)
						       : strerror(-r));
	return r;
}

/* --- actions ------------------------------------------------------------------------------ */

bool drilling_is_meant(const struct action *action)
{
	return action->exercise || action->kind == ACTION_DRILL_START ||
	       action->kind == ACTION_DRILL_STOP;
}

int drilling_act(struct service *service, const struct action *action, struct stamp at, char *error)
{
	CLEANUP(drill_scenario_free) struct drill_scenario *scenario = NULL;
	int r = 0;

	if (action->kind == ACTION_DRILL_START)
		r = drill_library_read(&scenario, service->config->directory, action->scenario,
				       error, ACTION_ERROR_MAX);
	else if (action->kind != ACTION_DRILL_STOP)
		return drill_act_inside(service->drills, action, at, error);
	return r < 0 ? r : drill_act(service->drills, &scenario, action, at, error);
}

/* --- the record ----------------------------------------------------------------------------- */

static int save(const struct drills *drills, size_t i, struct record_drill *ret)
{
	const struct drill *drill = drills->list[i];
	bool whole = drills->anew || drill->core->windows_dirty;
	void *state = NULL, *windows = NULL;
	int r = drill_save(drill, &state, &ret->n_state);

	if (r == 0 && whole)
		r = core_save_windows(drill->core, &windows, &ret->n_windows);
	ret->site = drill->core->config->sites[drill->site].name;
	ret->scenario = drill->scenario->text;
	ret->n_scenario = drill->scenario->n_text;
	ret->state = state;
	ret->windows = windows;
	return r;
}

static int save_sites(const struct service *service, struct record_commit *commit)
{
	size_t n = service->config->n_sites;
	struct record_drill_site *sites = calloc(n + 1, sizeof(*sites));

	if (!sites)
		return -ENOMEM;
	commit->drill_sites = sites;
	for (size_t i = 0; i < n; i++) {
		const struct drill_site *site = &service->drills->sites[i];

		if (site->counted_ms > 0)
			sites[commit->n_drill_sites++] = (struct record_drill_site){
				service->config->sites[i].name, site->counted_ms, site->said_ms};
	}
	return 0;
}

int drilling_save(struct service *service, struct record_commit *commit)
{
	struct record_drill *rows;
	int r = 0;

	if (!service->drills)
		return 0;
	commit->drills_anew = service->drills->anew;
	if (service->drills->sites_changed)
		r = save_sites(service, commit);
	if (r < 0 || service->drills->n == 0)
		return r;
	rows = calloc(service->drills->n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	commit->drills = rows;
	for (size_t i = 0; i < service->drills->n && r == 0; i++)
		r = save(service->drills, commit->n_drills++, &rows[i]);
	return r;
}

void drilling_saved(struct service *service, struct record_commit *commit, bool ok)
{
	for (size_t i = 0; i < commit->n_drills; i++) {
		free((void *)(uintptr_t)commit->drills[i].state);
		free((void *)(uintptr_t)commit->drills[i].windows);
	}
	free((void *)(uintptr_t)commit->drills);
	free((void *)(uintptr_t)commit->drill_sites);
	if (!ok || !service->drills)
		return;
	service->drills->anew = service->drills->sites_changed = false;
	for (size_t i = 0; i < service->drills->n; i++)
		service->drills->list[i]->core->windows_dirty = false;
}

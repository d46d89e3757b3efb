/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drilling.h - drills in the service: scenario files, the record, actions
 */
#pragma once

#include "core/record.h"
#include "core/service.h"

/**
 * drilling_open() - beside the service's core: go on with the drills that were running
 * What cannot go on is ended, with an entry and the reports. Return: 0; -errno, said.
 */
int drilling_open(struct service *service);

/**
 * drilling_act() - begin or end a drill, or act on what one shows (@action->exercise)
 * The scenario's file is read now. As core_act().
 */
int drilling_act(struct service *service, const struct action *action, struct stamp at,
		 char *error);

/** drilling_is_meant() - is this action about a drill? */
bool drilling_is_meant(const struct action *action);

/** drilling_save() - add the drills to a commit. Return: 0; -ENOMEM. */
int drilling_save(struct service *service, struct record_commit *commit);

/** drilling_saved() - after the commit: give back what drilling_save() made; @ok: it was done */
void drilling_saved(struct service *service, struct record_commit *commit, bool ok);

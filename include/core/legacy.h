/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legacy.h - what an older record has left in the outbox is taken over beside the measuring
 *
 * First the whole chain is read, since only it can say whether there may be any (see
 * record_legacy.h); then they are fixed, so many at a time. One whose turn it is to be sent is
 * fixed first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/service.h"

int legacy_open(struct legacy **ret, struct service *service);

/** legacy_close() - takes NULL. Return: NULL. */
struct legacy *legacy_close(struct legacy *legacy);

/** legacy_tick() - once a second: is there anything to begin with? */
void legacy_tick(struct legacy *legacy);

/**
 * legacy_wants() - a report that no entry fixes is to be sent
 * Return: wait for it, it may yet be fixed; false: it never will.
 */
bool legacy_wants(struct legacy *legacy, int64_t id);

/** legacy_save() - what a commit is to fix of it; the ids stay here until legacy_saved() */
void legacy_save(struct legacy *legacy, struct record_commit *commit);
void legacy_saved(struct legacy *legacy, bool is_stored);

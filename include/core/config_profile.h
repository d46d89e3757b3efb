/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_profile.h - register maps of instruments, one file each, shared by many sites
 *
 * A unit names a profile, a channel a signal of it; what both leave out is taken from there.
 * NAME.yaml is looked for as config_library.h says, in "profiles" beside wastewatch.yaml, and in
 * WASTEWATCH_PROFILES.
 */
#pragma once

#include "core/config_schema.h"

/** config_profiles_free() - forget the profiles of a walk; the names in them go with it */
void config_profiles_free(struct config_reader *reader);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - what the bytes of core_save() say of themselves
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** core_saved_seq() - the end of the chain when these bytes were saved; of good bytes only */
uint64_t core_saved_seq(const void *bytes, size_t n);

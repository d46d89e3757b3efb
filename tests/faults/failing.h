/* SPDX-License-Identifier: Apache-2.0 */
/* failing.h - an allocator whose n-th allocation fails; see failing.c */
#pragma once

#include <stdbool.h>

/** failing_set() - count from now on, let the @at-th fail, with @ever all after it; 0 none */
void failing_set(long at, bool ever);

/** failing_count() - allocations since failing_set(), those that failed among them */
long failing_count(void);

/** failing_failed() - how many have failed */
long failing_failed(void);

/** failing_live() - how many are not freed */
long failing_live(void);

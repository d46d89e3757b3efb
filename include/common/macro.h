/* SPDX-License-Identifier: Apache-2.0 */
/*
 * macro.h - ownership by scope and a few things C lacks
 *
 * Holds no state and calls nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CLEANUP(fn) __attribute__((cleanup(fn##_p)))

/** DEFINE_CLEANUP() - make @fn usable with CLEANUP(); @fn takes NULL and returns NULL */
#define DEFINE_CLEANUP(type, fn)           \
	static inline void fn##_p(type *p) \
	{                                  \
		if (*p)                    \
			(void)fn(*p);      \
	}

/** steal() - hand a pointer over: the variable is NULL afterwards */
#define steal(p)                                            \
	({                                                  \
		__typeof__(p) _steal_p = (p);               \
		__typeof__(*_steal_p) _steal_v = *_steal_p; \
		*_steal_p = NULL;                           \
		_steal_v;                                   \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/** hash64() - FNV-1a over @n bytes, to be chained by passing the last result as @seed */
uint64_t hash64(uint64_t seed, const void *data, size_t n);

#define HASH64_SEED UINT64_C(0xcbf29ce484222325)

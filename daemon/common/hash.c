/* SPDX-License-Identifier: Apache-2.0 */
#include "common/macro.h"

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: identity, never security */
uint64_t hash64(uint64_t seed, const void *data, size_t n)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < n; i++)
		seed = (seed ^ byte[i]) * UINT64_C(0x100000001b3);
	return seed;
}

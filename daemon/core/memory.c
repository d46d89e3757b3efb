/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "core/memory.h"

static void *must(size_t n)
{
	void *memory = malloc(n);

	if (memory || n == 0)
		return memory;
	log_crit("out of memory; the program ends, to go on from what is on disk");
	_exit(EXIT_FAILURE);
}

void memory_init(void)
{
	json_set_alloc_funcs(must, free);
}

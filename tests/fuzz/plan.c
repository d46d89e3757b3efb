/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as a core that has gone mad might send it: packets of any bytes, one after another. What
 * the poller takes in is whole: every index within its table, in order, none twice.
 *
 * The input: one byte a packet's type, two its length, then its bytes; and again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "common/wire.h"
#include "poller/work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct work *work)
{
	assert(work->first_unit[0] == 0 && work->first_unit[work->n_links] == work->n_units);
	assert(work->first_request[0] == 0 &&
	       work->first_request[work->n_units] == work->n_requests);
	for (uint32_t l = 0; l < work->n_links; l++)
		for (uint32_t u = work->first_unit[l]; u < work->first_unit[l + 1]; u++)
			assert(work->units[u].link == l);
	for (uint32_t u = 0; u < work->n_units; u++)
		for (uint32_t i = work->first_request[u]; i < work->first_request[u + 1]; i++) {
			const struct wire_request *request = &work->requests[i];

			assert(request->unit == u);
			assert(request->function >= 1 && request->function <= 4);
			assert(request->count > 0);
			assert((uint32_t)request->address + request->count <= 65536);
		}
}

/* Return: false: the plan is done with, for good or ill */
static bool take(struct work **work, const void *packet)
{
	struct wire_header header;
	const char *why = NULL;
	int r = 0;

	memcpy(&header, packet, sizeof(header));
	if (header.type == WIRE_PLAN_BEGIN && !*work)
		r = work_begin(work, packet, &why);
	else if (!*work)
		return false;
	else if (header.type == WIRE_PLAN_END) {
		r = work_end(*work, packet, &why);
		if (r == 0)
			check(*work);
		else
			assert(why && *why);
		return false;
	} else if (header.type == WIRE_PLAN_LINKS || header.type == WIRE_PLAN_UNITS ||
		   header.type == WIRE_PLAN_REQUESTS)
		r = work_add(*work, packet, &why);
	else
		return false;
	assert(r == 0 || (why && *why));
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t types[] = {WIRE_PLAN_BEGIN, WIRE_PLAN_LINKS, WIRE_PLAN_UNITS,
					WIRE_PLAN_REQUESTS, WIRE_PLAN_END};
	CLEANUP(work_free) struct work *work = NULL;
	bool more = true;

	while (more && n >= 3) {
		size_t length = MIN((size_t)(data[1] | data[2] << 8), n - 3);
		size_t size = MAX(length, sizeof(struct wire_header));
		struct wire_header *packet = calloc(1, size);

		if (!packet)
			return 0;
		memcpy(packet, data + 3, length);
		packet->type = types[data[0] % ARRAY_SIZE(types)];
		packet->length = (uint32_t)size;
		more = wire_check(packet, size) == 0 && take(&work, packet);
		free(packet);
		data += 3 + length;
		n -= 3 + length;
	}
	return 0;
}

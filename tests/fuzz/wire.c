/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of a peer: whatever the bytes, wire_check() reads none beyond them, and a packet
 * of readings that it has passed can be walked to its end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk(const void *packet, size_t n, unsigned int count)
{
	const struct wire_reading *reading;
	size_t offset = 0;
	unsigned int i = 0, sum = 0;

	while ((reading = wire_next_reading(packet, &offset))) {
		for (size_t j = 0; j < reading->n_words; j++)
			sum += wire_reading_words(reading)[j];
		assert(wire_status_text((enum wire_status)reading->status));
		i++;
	}
	assert(i == count);
	assert(count == 0 || offset == n);
	assert(sum <= count * WIRE_REGISTERS_MAX * UINT16_MAX);
}

/* what is not tried here, lest the fuzzer should open files: each is a whole one */
static void walk_trials(const void *packet, unsigned int count)
{
	const struct wire_trial *trials = (const void *)((const uint8_t *)packet +
							 sizeof(struct wire_header));

	for (unsigned int i = 0; i < count; i++) {
		assert(strlen(trials[i].target) < sizeof(trials[i].target));
		assert(trials[i].kind <= WIRE_TRIAL_KIND_MAX);
		assert(trials[i].outcome <= WIRE_OUTCOME_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	void *packet = malloc(n + (n == 0)); /* exactly so long: the sanitizer sees an overrun */
	struct wire_header header;
	const char *why;

	if (!packet)
		return 0;
	memcpy(packet, data, n);
	if (n >= sizeof(header)) { /* else nearly every input would end at the length */
		memcpy(&header, packet, sizeof(header));
		header.length = header.length == UINT32_MAX ? header.length : (uint32_t)n;
		memcpy(packet, &header, sizeof(header));
	}
	if (wire_check(packet, n) == 0) {
		memcpy(&header, packet, sizeof(header));
		if (header.type == WIRE_READINGS)
			walk(packet, n, header.count);
		if (header.type == WIRE_TRIALS)
			walk_trials(packet, header.count);
		if (header.type == WIRE_HELLO)
			(void)wire_hello_check(packet, WIRE_ROLE_POLLER,
					       &why); /* either is right */
	}
	free(packet);
	return 0;
}

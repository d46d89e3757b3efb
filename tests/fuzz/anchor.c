/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver's answer: what is read is within its bounds, and says the same when written anew. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/anchor.h"
#include "core/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct anchor_answer *answer)
{
	char text[512], hex[CHAIN_HEX_MAX], id[64] = "", held[64] = "", hash[128] = "";
	struct anchor_answer again;

	chain_hex(answer->hash, hex);
	if (*answer->id)
		(void)snprintf(id, sizeof(id), ",\"log_id\":\"%s\"", answer->id);
	if (answer->held_seq >= 0)
		(void)snprintf(held, sizeof(held), ",\"held_seq\":%" PRId64, answer->held_seq);
	if (answer->seq > 0)
		(void)snprintf(hash, sizeof(hash), ",\"last_hash\":\"%s\"", hex);
	(void)snprintf(text, sizeof(text), "{\"last_seq\":%" PRId64 "%s%s%s}", answer->seq, hash,
		       id, held);
	assert(anchor_parse(text, strlen(text), &again) == 0);
	assert(again.seq == answer->seq && again.held_seq == answer->held_seq);
	assert(strcmp(again.id, answer->id) == 0);
	assert(memcmp(again.hash, answer->hash, sizeof(again.hash)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n + 1); /* so that a byte read beyond is seen */
	struct anchor_answer answer;
	struct anchor known = {.id = "0123456789abcdef", .seq = 40};
	uint8_t hash[32] = {1};

	if (!exact)
		return 0;
	memcpy(exact, data, n);
	if (anchor_parse(exact, n, &answer) == 0) {
		struct anchor_case what = {
			.answer = &answer,
			.id = known.id,
			.seq = 100,
			.hash = answer.seq % 2 ? hash : NULL,
			.report = "0123456789abcdef-41-department",
			.accepted = n % 2,
		};

		assert(answer.seq >= 0 && answer.seq <= ANCHOR_SEQ_MAX);
		assert(answer.held_seq >= -1 && answer.held_seq <= answer.seq);
		assert(strlen(answer.id) == 0 || strlen(answer.id) == 16);
		check(&answer);
		(void)anchor_take(&known, anchor_judge(&known, &what), &what, 1);
		assert(known.seq <= 100 && known.again_to <= 100);
	}
	free(exact);
	return 0;
}

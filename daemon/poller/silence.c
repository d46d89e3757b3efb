/* SPDX-License-Identifier: Apache-2.0 */
#include "poller/silence.h"
#include "common/macro.h"

void silence_keep(struct silence *silence, int64_t until_us)
{
	silence->ready_us = MAX(silence->ready_us, until_us);
}

void silence_noise(struct silence *silence, int64_t now_us, int64_t gap_us)
{
	if (now_us - silence->noise_us > SILENCE_PAUSE_US)
		silence->burst_us = now_us;
	silence->noise_us = now_us;
	if (now_us - silence->burst_us < SILENCE_BURST_US_MAX)
		silence_keep(silence, now_us + gap_us);
}

/* up to @end_us, which is in the minute of seen_us or its end */
static void note_part(struct silence *silence, int64_t end_us, int64_t busy_until_us)
{
	int64_t busy_us = MIN(end_us, busy_until_us) - silence->seen_us;

	silence->busy_us += MAX(busy_us, (int64_t)0);
	silence->seen_us = end_us;
}

void silence_note(struct silence *silence, int64_t now_us, bool busy, bool open)
{
	int64_t end_us = (silence->seen_us / SILENCE_MINUTE_US + 1) * SILENCE_MINUTE_US;
	int64_t busy_until_us = busy ? now_us : open ? silence->ready_us : 0;

	/* the last whole minute counts: years without a call are no loop of years */
	if (now_us - end_us > 2 * SILENCE_MINUTE_US) {
		silence->seen_us = (now_us / SILENCE_MINUTE_US - 1) * SILENCE_MINUTE_US;
		silence->busy_us = 0;
		end_us = silence->seen_us + SILENCE_MINUTE_US;
	}
	for (; now_us >= end_us; end_us += SILENCE_MINUTE_US) {
		note_part(silence, end_us, busy_until_us);
		silence->permille = (uint16_t)(silence->busy_us * 1000 / SILENCE_MINUTE_US);
		silence->busy_us = 0;
	}
	note_part(silence, MAX(now_us, silence->seen_us), busy_until_us);
}

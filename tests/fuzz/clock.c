/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a file: what is taken can be written and read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LATEST INT64_C(253402214400000) /* clock_format() clamps the year 9999's last day */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), again[CLOCK_TEXT_MAX];
	int zone_min = n > 0 ? data[0] * 10 - 1270 : 0;
	int64_t ms, back;

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	if (clock_parse(text, &ms) == 0) {
		clock_format(ms, zone_min, again);
		assert(clock_parse(again, &back) == 0);
		if (ms >= MS_PER_DAY && ms < LATEST)
			assert(back == ms);
	}
	free(text);
	return 0;
}

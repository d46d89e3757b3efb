/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/head.h"

int head_note(const char *origin, const struct chain *chain, int64_t wall_ms,
	      char ret[static HEAD_NOTE_MAX], char ret_key_id[static SIGN_KEY_ID_TEXT])
{
	char hex[CHAIN_HEX_MAX], time[CLOCK_TEXT_MAX];
	int r = 0;

	memcpy(ret_key_id, "none", sizeof("none"));
	if (chain->key)
		r = sign_key_id(chain->key, ret_key_id);
	chain_hex(chain->hash, hex);
	clock_format(wall_ms, 0, time);
	(void)snprintf(ret, HEAD_NOTE_MAX, "%s\n%llu\n%s\n%s\n%s\n", origin,
		       (unsigned long long)chain->seq, hex, time, ret_key_id);
	return r;
}

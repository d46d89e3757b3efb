/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "common/macro.h"
#include "core/journal_ask.h"

/* what came twice or late may stand between those asked for */
#define STEPS_MOST (2 * JOURNAL_DOUBTED)

static uint64_t seq_of(sd_journal *journal)
{
	static const char field[] = "WASTEWATCH_SEQ";
	const void *data = NULL;
	char text[32];
	size_t n = 0;

	if (sd_journal_get_data(journal, field, &data, &n) < 0 || n <= sizeof(field) ||
	    n - sizeof(field) >= sizeof(text))
		return 0;
	memcpy(text, (const char *)data + sizeof(field), n - sizeof(field)); /* behind the "=" */
	text[n - sizeof(field)] = '\0';
	return strtoull(text, NULL, 10);
}

/* from the last one back; entries are in the journal in their order, but for what came late */
static int walk(sd_journal *journal, struct journal_had *had)
{
	size_t steps = had->n > 0 ? STEPS_MOST : 1;
	uint64_t oldest = UINT64_MAX;
	int r = 0;

	for (size_t i = 0; i < steps && (r = sd_journal_previous(journal)) > 0; i++) {
		uint64_t seq = seq_of(journal);

		if (seq == 0)
			continue;
		had->last = MAX(had->last, seq);
		oldest = MIN(oldest, seq);
		if (seq > had->after && seq - had->after <= had->n)
			had->has[seq - had->after - 1] = true;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < had->n && had->after + 1 + i < oldest; i++)
		had->has[i] = true;
	return had->last > 0 ? 0 : -ENODATA;
}

int journal_ask(const char *log_id, struct journal_had *had)
{
	sd_journal *journal = NULL;
	char match[64];
	int r;

	had->last = 0;
	memset(had->has, 0, sizeof(had->has));
	(void)snprintf(match, sizeof(match), "WASTEWATCH_LOG=%s", log_id);
	/* of all namespaces: the unit may have one of its own (LogNamespace=) */
	r = sd_journal_open_namespace(&journal, NULL,
				      SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_ALL_NAMESPACES);
	if (r < 0)
		return r;
	r = sd_journal_add_match(journal, match, 0);
	if (r >= 0)
		r = sd_journal_seek_tail(journal);
	if (r >= 0)
		r = walk(journal, had);
	sd_journal_close(journal);
	return r;
}

uint64_t journal_first_missing(const struct journal_had *had)
{
	for (size_t i = 0; i < had->n; i++) {
		if (!had->has[i])
			return had->after + 1 + i;
	}
	return 0;
}

bool journal_has(const struct journal_had *had, uint64_t seq)
{
	return seq > had->after && seq - had->after <= had->n && had->has[seq - had->after - 1];
}

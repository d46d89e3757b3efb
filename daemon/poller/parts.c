/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "poller/parts.h"

struct parts {
	const struct wire_request *requests;
	struct split **splits; /* per request */
	uint32_t n;
	uint32_t n_refused;
};

int parts_new(struct parts **ret, const struct wire_request *requests, uint32_t n)
{
	CLEANUP(parts_free) struct parts *parts = calloc(1, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	parts->splits = calloc(n + 1UL, sizeof(struct split *));
	if (!parts->splits)
		return -ENOMEM;
	parts->requests = requests;
	parts->n = n;
	*ret = steal(&parts);
	return 0;
}

struct parts *parts_free(struct parts *parts)
{
	if (!parts)
		return NULL;
	for (uint32_t i = 0; i < parts->n; i++)
		(void)split_free(parts->splits[i]);
	free(parts->splits);
	free(parts);
	return NULL;
}

static uint32_t n_refused(const struct split *split)
{
	return split ? (uint32_t)split_n_refused(split) : 0;
}

static void take_over(struct parts *parts, uint32_t first, uint32_t last, struct split **split)
{
	for (uint32_t i = first; i < last; i++) {
		if (parts->splits[i] || !split_is_of(*split, &parts->requests[i]))
			continue;
		parts->n_refused += n_refused(*split);
		parts->splits[i] = steal(split);
		return;
	}
}

void parts_inherit(struct parts *parts, uint32_t first, uint32_t last, struct parts *old,
		   uint32_t old_first, uint32_t old_last)
{
	for (uint32_t i = old_first; i < old_last; i++)
		if (old->splits[i])
			take_over(parts, first, last, &old->splits[i]);
}

struct split *parts_of(const struct parts *parts, uint32_t request)
{
	return parts->splits[request];
}

const struct wire_request *parts_request(const struct parts *parts, uint32_t request)
{
	return &parts->requests[request];
}

enum split_outcome parts_refused(struct parts *parts, uint32_t request, int64_t now_us,
				 uint16_t first, uint16_t count)
{
	struct split **split = &parts->splits[request];
	uint32_t n = n_refused(*split);
	enum split_outcome outcome;

	if (!*split && split_new(split, &parts->requests[request]) < 0)
		return SPLIT_SAME;
	outcome = split_refused(*split, now_us, first, count);
	parts->n_refused += n_refused(*split) - n;
	return outcome;
}

enum split_outcome parts_answered(struct parts *parts, uint32_t request, int64_t now_us,
				  uint16_t first, uint16_t count)
{
	struct split **split = &parts->splits[request];
	uint32_t n = n_refused(*split);
	enum split_outcome outcome;

	if (!*split)
		return SPLIT_SAME;
	outcome = split_answered(*split, now_us, first, count);
	if (outcome == SPLIT_FORGOTTEN) {
		*split = split_free(*split);
		outcome = n > 0 ? SPLIT_ACCEPTED : SPLIT_SAME;
	}
	parts->n_refused += n_refused(*split) - n;
	return outcome;
}

uint32_t parts_n_refused(const struct parts *parts)
{
	return parts->n_refused;
}

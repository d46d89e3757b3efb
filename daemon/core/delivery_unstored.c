/* SPDX-License-Identifier: Apache-2.0 */
/* Reports that the record could not take: from memory to the sender, see service.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/delivery_inside.h"

static struct unstored *unstored_free(struct unstored *unstored)
{
	if (!unstored)
		return NULL;
	free(unstored->webhook_id);
	free(unstored->body);
	free(unstored->destination);
	free(unstored);
	return NULL;
}

static size_t place_of(const struct delivery *delivery, const char *webhook_id)
{
	size_t i = 0;

	while (i < delivery->n_unstored &&
	       strcmp(delivery->unstored[i]->webhook_id, webhook_id) != 0)
		i++;
	return i;
}

/* the others keep their order */
static void take_out(struct delivery *delivery, size_t place)
{
	struct unstored *unstored = delivery->unstored[place];

	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (delivery->endpoints[i].unstored == unstored) {
			record_job_done(&delivery->endpoints[i].job);
			delivery->endpoints[i].unstored = NULL;
		}
	delivery->n_unstored--;
	for (size_t i = place; i < delivery->n_unstored; i++)
		delivery->unstored[i] = delivery->unstored[i + 1];
	(void)unstored_free(unstored);
}

int delivery_unstored(struct delivery *delivery, size_t destination, const char *webhook_id,
		      const char *body, delivery_done *done, void *userdata)
{
	const struct config *config = delivery->service->config;
	struct unstored *unstored;

	if (destination >= config->n_destinations ||
	    config->destinations[destination].kind != DESTINATION_REPORTS)
		return -EINVAL;
	if (place_of(delivery, webhook_id) < delivery->n_unstored)
		return -EALREADY;
	if (delivery->n_unstored == DELIVERY_UNSTORED_MAX)
		return -ENOBUFS;
	unstored = calloc(1, sizeof(*unstored));
	if (!unstored)
		return -ENOMEM;
	*unstored = (struct unstored){
		.webhook_id = strdup(webhook_id),
		.body = strdup(body),
		.destination = strdup(config->destinations[destination].name),
		.done = done,
		.userdata = userdata,
	};
	if (!unstored->webhook_id || !unstored->body || !unstored->destination) {
		(void)unstored_free(unstored);
		return -ENOMEM;
	}
	delivery->unstored[delivery->n_unstored++] = unstored;
	delivery_pump(delivery);
	return 0;
}

bool delivery_forget(struct delivery *delivery, const char *webhook_id)
{
	size_t place = place_of(delivery, webhook_id);

	if (place == delivery->n_unstored)
		return false;
	take_out(delivery, place);
	return true;
}

struct unstored *unstored_next(const struct delivery *delivery, const char *destination,
			       int64_t mono_ms)
{
	for (size_t i = 0; i < delivery->n_unstored; i++)
		if (delivery->unstored[i]->next_ms <= mono_ms &&
		    strcmp(delivery->unstored[i]->destination, destination) == 0)
			return delivery->unstored[i];
	return NULL;
}

int unstored_job(const struct unstored *unstored, struct record_job *ret)
{
	struct record_job job = {
		.attempts = unstored->attempts,
		.webhook_id = strdup(unstored->webhook_id),
		.body = strdup(unstored->body),
	};

	if (!job.webhook_id || !job.body) {
		record_job_done(&job);
		return -ENOMEM;
	}
	*ret = job;
	return 0;
}

void unstored_settle(struct delivery *delivery, struct unstored *unstored,
		     struct outbox_decision decision, const char *words)
{
	bool delivered = decision.verdict == OUTBOX_DELIVERED;
	delivery_done *done = unstored->done;
	void *userdata = unstored->userdata;
	char *webhook_id = unstored->webhook_id;

	unstored->attempts++;
	unstored->next_ms = service_now(delivery->service).mono_ms + decision.wait_ms;
	if (delivered) { /* first out of the list: @done may put others into it */
		unstored->webhook_id = NULL;
		for (size_t i = 0; i < delivery->n_unstored; i++)
			if (delivery->unstored[i] == unstored) {
				take_out(delivery, i);
				break;
			}
	}
	if (done)
		done(userdata, webhook_id, delivered, delivered ? NULL : words);
	if (delivered)
		free(webhook_id);
}

void unstored_done(struct delivery *delivery)
{
	while (delivery->n_unstored > 0)
		take_out(delivery, delivery->n_unstored - 1);
}

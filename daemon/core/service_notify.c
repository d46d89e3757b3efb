/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told once a second: that it lives, and how things stand. */
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "core/service.h"
#include "core/storage.h"

#define COUNT_MS (10 * MS_PER_S) /* a hundred thousand that wait are not counted every second */

/* a loop that turns is not enough: is what must be stored stored, and is the journal told? */
static bool is_alive(const struct service *service)
{
	struct record_ack acks[POLLERS_MAX];
	bool waits = service->batch.n_entries > 0 || pollers_acks(service->pollers, acks) > 0;

	if (waits && !storage_is_failing(service->storage) &&
	    service_now(service).mono_ms - service->last_commit_ms > SERVICE_STUCK_MS)
		return false;
	return !journal_is_stuck(service->journal, SERVICE_STUCK_MS);
}

static void add_waiting(void *userdata, const char *destination, bool files, int64_t n)
{
	(void)destination;
	(void)files;
	*(int64_t *)userdata += n;
}

/* anew where there were commits since; what cannot be read stays as it was */
static int64_t count_waiting(struct service *service)
{
	int64_t now_ms = service_now(service).mono_ms, n = 0;
	bool is_due = service->counted_ms == 0 || now_ms - service->counted_ms >= COUNT_MS;

	if (!is_due || (service->counted_ms != 0 && service->counted_commit == service->n_commits))
		return service->n_waiting;
	service->counted_ms = now_ms;
	service->counted_commit = service->n_commits;
	if (record_waiting(service->record, add_waiting, &n) == 0)
		service->n_waiting = n;
	return service->n_waiting;
}

static const char *poller_words(const struct service *service)
{
	size_t n = status_n_reading(service), n_all = service->core->n_streams;

	return n == n_all ? "poller reads" : n > 0 ? "poller silent in part" : "NO POLLER READS";
}

void service_notify(struct service *service)
{
	size_t n_open = 0, n_lost = 0;

	for (size_t i = 0; i < service->config->n_sites * N_WASTE_KINDS; i++)
		n_open += service->core->incidents[i].open;
	for (size_t i = 0; i < service->config->n_channels; i++)
		n_lost += service->core->channels[i].lost;
	(void)sd_notifyf(
		0,
		"%sSTATUS=%s%s, %zu of %zu links up; %s; %zu of %zu channels measured; %zu "
		"incidents open; %lld to be delivered",
		is_alive(service) ? "WATCHDOG=1\n" : "",
		status_is_healthy(service) ? "" : "NEEDS ATTENTION (wastewatch status): ",
		poller_words(service), status_n_links_up(service), service->config->n_links,
		delivery_has_sender(service->delivery) ? "sender connected" : "NO SENDER",
		service->config->n_channels - n_lost, service->config->n_channels, n_open,
		(long long)count_waiting(service));
}

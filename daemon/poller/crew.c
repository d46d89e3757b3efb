/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "poller/crew.h"

struct crew *crew_free(struct crew *crew)
{
	if (!crew)
		return NULL;
	for (size_t i = 0; crew->peers && i < crew->n_peers; i++) {
		transport_done(&crew->peers[i].transport);
		(void)link_free(crew->peers[i].link);
	}
	free(crew->peers);
	(void)timeline_free(crew->timeline);
	free(crew->actions);
	free(crew->reports);
	free(crew->reported);
	(void)work_free(crew->work);
	free(crew);
	return NULL;
}

static struct link_plan plan_of(const struct work *work, size_t index)
{
	uint32_t first = work->first_unit[index];

	return (struct link_plan){
		.link = &work->links[index],
		.units = work->units + first,
		.requests = work->requests + work->first_request[first],
		.first_request = work->first_request + first,
		.n_units = work->first_unit[index + 1] - first,
		.grid_us = work->grid_us,
	};
}

static void name_peer(struct peer *peer)
{
	const char *host = peer->config->host;

	if (peer->config->kind == WIRE_LINK_RTU) {
		(void)snprintf(peer->name, sizeof(peer->name), "%s", host);
		return;
	}
	(void)snprintf(peer->name, sizeof(peer->name), strchr(host, ':') ? "[%s]:%u" : "%s:%u",
		       host, (unsigned int)peer->config->port);
}

/* everything that can fail is made here, before anything of the running plan is touched */
int crew_new(struct crew **ret, void *owner, struct work *work, int64_t now_us,
	     uint64_t (*seed)(void))
{
	CLEANUP(crew_free) struct crew *crew = calloc(1, sizeof(*crew));
	size_t n_actions = 0;
	int r;

	if (!crew)
		return -ENOMEM;
	crew->peers = calloc(work->n_links + 1UL, sizeof(*crew->peers));
	crew->reports = calloc(work->n_links + 1UL, sizeof(*crew->reports));
	crew->reported = calloc(work->n_links + 1UL, sizeof(*crew->reported));
	if (!crew->peers || !crew->reports || !crew->reported)
		return -ENOMEM;
	r = timeline_new(&crew->timeline, work->n_links);
	for (; r == 0 && crew->n_peers < work->n_links; crew->n_peers++) {
		struct peer *peer = &crew->peers[crew->n_peers];
		struct link_plan plan = plan_of(work, crew->n_peers);

		*peer = (struct peer){.owner = owner, .index = crew->n_peers};
		peer->config = &work->links[peer->index];
		name_peer(peer);
		r = transport_init(&peer->transport, peer->config);
		if (r == 0)
			r = link_new(&peer->link, &plan, now_us, seed());
		if (r == 0)
			n_actions = MAX(n_actions, link_actions_max(peer->link));
	}
	if (r < 0)
		return r;
	crew->actions = calloc(n_actions + 1, sizeof(*crew->actions));
	if (!crew->actions)
		return -ENOMEM;
	crew->work = work;
	*ret = steal(&crew);
	return 0;
}

int crew_register(struct peer *peer, int epoll_fd, int operation)
{
	/* edges only: an answer that is not whole yet stays in the socket without a busy loop */
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = peer,
	};

	return epoll_ctl(epoll_fd, operation, peer->transport.fd, &event) < 0 ? -errno : 0;
}

/* the connection of a link that is in both plans goes over to the new one */
static void take_over(struct peer *peer, struct peer *old, int epoll_fd)
{
	link_inherit(peer->link, old->link);
	transport_take_over(&peer->transport, &old->transport);
	/* A descriptor that is in the instance can be changed without fail; it gives the edges
	 * that were there already once more, so none is lost. */
	if (peer->transport.fd >= 0)
		(void)crew_register(peer, epoll_fd, EPOLL_CTL_MOD);
}

/* the device, or host and port: units there do not know of keys and settings */
static bool same_end(const struct wire_link *a, const struct wire_link *b)
{
	return a->kind == b->kind && a->port == b->port &&
	       strncmp(a->host, b->host, sizeof(a->host)) == 0;
}

/* the line of @peer is opened anew under other settings; what is owed on it is owed still */
static void take_debts(struct peer *peer, const struct crew *old)
{
	for (size_t i = 0; i < old->n_peers; i++)
		if (same_end(peer->config, old->peers[i].config)) {
			link_inherit_debts(peer->link, old->peers[i].link);
			return;
		}
}

static int compare_keys(const void *a, const void *b)
{
	const struct peer *const *x = a, *const *y = b;

	return ((*x)->config->key > (*y)->config->key) - ((*x)->config->key < (*y)->config->key);
}

int crew_inherit(struct crew *crew, struct crew *old, int epoll_fd, size_t *ret_n)
{
	size_t n_kept = 0;
	struct peer **sorted = calloc(old->n_peers + 1, sizeof(struct peer *));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < old->n_peers; i++)
		sorted[i] = &old->peers[i];
	qsort(sorted, old->n_peers, sizeof(struct peer *), compare_keys);
	for (size_t i = 0; i < crew->n_peers; i++) {
		const struct peer *wanted = &crew->peers[i];
		struct peer **found = bsearch(&wanted, sorted, old->n_peers, sizeof(struct peer *),
					      compare_keys);

		if (!found ||
		    memcmp((*found)->config, wanted->config, sizeof(*wanted->config)) != 0) {
			take_debts(&crew->peers[i], old);
			continue;
		}
		take_over(&crew->peers[i], *found, epoll_fd);
		n_kept++;
	}
	free(sorted);
	*ret_n = n_kept;
	return 0;
}

const struct wire_unit *crew_unit(const struct crew *crew, const struct peer *peer, uint32_t unit)
{
	return &crew->work->units[crew->work->first_unit[peer->index] + unit];
}

const struct wire_request *crew_request(const struct crew *crew, const struct peer *peer,
					uint32_t request)
{
	const struct work *work = crew->work;

	return &work->requests[work->first_request[work->first_unit[peer->index]] + request];
}

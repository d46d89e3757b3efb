/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has changed since it was last said: once a second, after a commit that changed something,
 * the objects of now are held against those that were told of.
 *
 * So an object is told of once a second at most, nothing is told before the commit that holds it,
 * and a sample costs nothing here. What comes and goes between two looks is in the record, and not
 * on the bus. Of each kind CONTROL_LISTED_MAX are told of; others are there as soon as there is
 * room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/control_inside.h"

#define SIGNALS_PER_TICK 200 /* the rest a second later */
#define QUEUED_MAX	 100 /* messages the bus has not taken yet; until it does, nothing is said */

static const char *const standard[] = {"org.freedesktop.DBus.Peer",
				       "org.freedesktop.DBus.Introspectable",
				       "org.freedesktop.DBus.Properties"};

static void item_done(struct control_item *item)
{
	free(item->path);
	*item = (struct control_item){0};
}

static void list_done(struct control_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		item_done(&list->items[i]);
	free(list->items);
	*list = (struct control_list){0};
}

static int compare_items(const void *a, const void *b)
{
	const struct control_item *one = a, *other = b;

	return strcmp(one->path, other->path);
}

/* what there is of a kind now. Return: 0; -ENOMEM. */
static int list_now(struct control *control, enum control_kind kind, struct control_list *ret)
{
	const struct service *service = control->service;
	struct control_node node = {.control = control, .kind = kind};
	char path[CONTROL_PATH_MAX];
	struct control_list list = {calloc(CONTROL_LISTED_MAX, sizeof(*list.items)), 0};

	if (!list.items)
		return -ENOMEM;
	for (size_t i = control_object_next(service, kind, 0);
	     i != SIZE_MAX && list.n < CONTROL_LISTED_MAX;
	     i = control_object_next(service, kind, i + 1)) {
		struct control_item *item = &list.items[list.n];

		node.index = i;
		control_view(&node);
		control_object_path(service, kind, i, path);
		item->print = control_print(&node);
		item->path = strdup(path);
		if (!item->path) {
			list_done(&list);
			return -ENOMEM;
		}
		list.n++;
	}
	qsort(list.items, list.n, sizeof(*list.items), compare_items);
	*ret = list;
	return 0;
}

static int say_removed(const struct control *control, enum control_kind kind, const char *path)
{
	return sd_bus_emit_interfaces_removed(control->bus, path, standard[0], standard[1],
					      standard[2], control_interface(kind), NULL);
}

static int say_changed(const struct control *control, enum control_kind kind, const char *path)
{
	return sd_bus_emit_properties_changed_strv(control->bus, path, control_interface(kind),
						   NULL);
}

/*
 * @old: told of; @now: there is; both by path. What could not be said any more in this second stays
 * in @now as it was in @old, so that the next look finds it again. Return: all was said.
 */
static bool say(struct control *control, enum control_kind kind, struct control_list *old,
		struct control_list *now, size_t *budget)
{
	struct control_list told = {calloc(old->n + now->n + 1, sizeof(*told.items)), 0};
	bool is_all = true;
	size_t i = 0, j = 0;

	if (!told.items)
		return false;
	while (i < old->n || j < now->n) {
		struct control_item *was = i < old->n ? &old->items[i] : NULL;
		struct control_item *is = j < now->n ? &now->items[j] : NULL;
		int order = was && is ? strcmp(was->path, is->path) : was ? -1 : 1;
		bool differs = !was || !is || order != 0 || was->print != is->print;
		bool may = differs && *budget > 0;
		struct control_item *kept = order > 0		 ? (may ? is : NULL)
					    : (may && order < 0) ? NULL
								 : was;

		*budget -= may;
		is_all &= may || !differs;
		if (may && was && order < 0)
			(void)say_removed(control, kind, was->path);
		else if (may && is && order > 0)
			(void)sd_bus_emit_object_added(control->bus, is->path);
		else if (may && is)
			(void)say_changed(control, kind, is->path);
		if (may && was && is && order == 0)
			was->print = is->print;
		if (kept) {
			told.items[told.n++] = *kept;
			*kept = (struct control_item){0};
		}
		i += order <= 0;
		j += order >= 0;
	}
	list_done(old);
	*old = told;
	return is_all;
}

/* Return: nothing is left to be said of it */
static bool look(struct control *control, enum control_kind kind, size_t *budget)
{
	struct control_list now = {0};
	bool is_all;

	if (list_now(control, kind, &now) < 0)
		return false;
	is_all = say(control, kind, &control->lists[kind], &now, budget);
	list_done(&now);
	return is_all;
}

static void say_manager(struct control *control)
{
	uint64_t print = control_print_manager(control);

	if (print != control->manager_print)
		(void)sd_bus_emit_properties_changed_strv(control->bus, CONTROL_PATH,
							  CONTROL_INTERFACE, NULL);
	control->manager_print = print;
}

/* whoever comes to a bus that we have just come to reads all of it first: nothing to tell */
static void begin(struct control *control)
{
	bool is_all = true;

	for (enum control_kind kind = 0; kind <= CONTROL_KIND_MAX; kind++) {
		list_done(&control->lists[kind]);
		is_all &= list_now(control, kind, &control->lists[kind]) == 0;
	}
	control_view_manager(control, true);
	control->manager_print = control_print_manager(control);
	control->begun = is_all;
	control->changed = !is_all;
}

void control_signals_tick(struct control *control)
{
	size_t budget = SIGNALS_PER_TICK;
	uint64_t n_queued = 0;
	bool is_all = true, changed = control->changed;

	if (control->stage != STAGE_READY)
		return;
	if (!control->begun) {
		begin(control);
		return;
	}
	if (sd_bus_get_n_queued_write(control->bus, &n_queued) < 0 || n_queued > QUEUED_MAX)
		return;
	control_view_manager(control, changed);
	say_manager(control);
	for (enum control_kind kind = 0; kind <= CONTROL_KIND_MAX; kind++)
		if (changed || kind == CONTROL_DESTINATION)
			is_all &= look(control, kind, &budget);
	control->changed = !is_all;
}

void control_signals_forget(struct control *control)
{
	for (enum control_kind kind = 0; kind <= CONTROL_KIND_MAX; kind++)
		list_done(&control->lists[kind]);
	control->begun = false;
}

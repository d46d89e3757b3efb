/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may wait for the bus's word, or polkit's, and how many at once.
 *
 * Whose call it is, is not known when it comes. So a connection of which nothing is known yet has
 * few places; the more of those are taken, the fewer, so that it takes several accounts with all
 * the connections that the bus lets them have to leave none for the next. As soon as the bus has
 * said which account it is, that is remembered for as long as the connection may live, and the
 * bounds are the account's: a stranger with many connections has as many places as with one, and
 * all strangers together cannot have those of root and of the group.
 *
 * What is remembered serves to count and to nothing else: what a caller may do is asked anew each
 * time.
 */
#include <string.h>

#include "core/control_inside.h"

static struct control_caller *caller_of(struct control *control, const char *sender)
{
	for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
		if (strcmp(control->callers[i].name, sender) == 0)
			return &control->callers[i];
	return NULL;
}

void control_caller_learn(struct control *control, const char *sender, uint32_t uid, bool is_member)
{
	struct control_caller *caller = caller_of(control, sender);

	if (strlen(sender) >= sizeof(caller->name))
		return; /* no bus gives such a one; it counts as not known */
	if (!caller) {
		caller = &control->callers[control->next_caller];
		control->next_caller = (control->next_caller + 1) % CONTROL_CALLERS_MAX;
	}
	*caller = (struct control_caller){.uid = uid, .is_member = is_member};
	memcpy(caller->name, sender, strlen(sender) + 1);
}

void control_callers_forget(struct control *control)
{
	memset(control->callers, 0, sizeof(control->callers));
	control->next_caller = 0;
}

/* what waits already */
struct crowd {
	struct control_call *free;
	size_t n_unknown;
	size_t n_strangers;
	size_t n_same_connection; /* of those that are not known */
	size_t n_same_account;
};

static void count(const struct control_call *call, const char *sender,
		  const struct control_caller *known, struct crowd *crowd)
{
	if (!call->is_known) {
		crowd->n_unknown++;
		crowd->n_same_connection += strcmp(sd_bus_message_get_sender(call->message),
						   sender) == 0;
		return;
	}
	crowd->n_strangers += !call->is_member;
	crowd->n_same_account += known && call->uid == known->uid;
}

static bool has_room(const struct crowd *crowd, const struct control_caller *known)
{
	size_t each = crowd->n_unknown < CONTROL_UNKNOWN_MAX / 2 ? CONTROL_UNKNOWN_EACH : 1;

	if (!known)
		return crowd->n_unknown < CONTROL_UNKNOWN_MAX && crowd->n_same_connection < each;
	if (known->is_member)
		return crowd->n_same_account < CONTROL_MEMBER_CALLS;
	return crowd->n_same_account < CONTROL_STRANGER_CALLS &&
	       crowd->n_strangers < CONTROL_STRANGERS_CALLS;
}

struct control_call *control_place_for(struct control *control, const char *sender)
{
	const struct control_caller *known = caller_of(control, sender);
	struct crowd crowd = {0};

	for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
		struct control_call *call = &control->calls[i];

		if (call->message)
			count(call, sender, known, &crowd);
		else
			crowd.free = call;
	}
	if (!crowd.free || !has_room(&crowd, known))
		return NULL;
	*crowd.free = (struct control_call){.control = control};
	if (known) {
		crowd.free->is_known = true;
		crowd.free->uid = known->uid;
		crowd.free->is_member = known->is_member;
	}
	return crowd.free;
}

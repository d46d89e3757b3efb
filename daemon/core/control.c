/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to the bus: found, lost and found again, without ever waiting for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/accounts.h"
#include "core/control_inside.h"

#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

static const char *address_of(const char *given)
{
	const char *set = given ? given : secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");

	return set && *set ? set : SYSTEM_BUS;
}

/* one line per change, not per attempt */
static void say(struct control *control, const char *state)
{
	(void)snprintf(control->state, sizeof(control->state), "%s", state);
	if (strcmp(control->said, state) == 0)
		return;
	(void)snprintf(control->said, sizeof(control->said), "%s", state);
	if (control->stage == STAGE_READY)
		log_info("on the bus as " CONTROL_NAME);
	else
		log_warning("no actions by D-Bus for now: %s; all else goes on, and it is tried "
			    "again",
			    state);
}

/* Not from a callback of this bus: it still looks at what would be freed */
static void let_go(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CALLS_MAX; i++)
		control_call_done(&control->calls[i]);
	control_callers_forget(control);
	control_signals_forget(control);
	while (control->n_slots > 0)
		(void)sd_bus_slot_unref(control->slots[--control->n_slots]);
	control->gone = sd_bus_slot_unref(control->gone);
	control->name = sd_bus_slot_unref(control->name);
	if (control->bus)
		(void)sd_bus_detach_event(control->bus);
	control->bus = sd_bus_close_unref(control->bus); /* without a flush, which would wait */
	control->stage = STAGE_WAITING;
	control->lost = false;
	control->wait_s = MIN(MAX(2 * control->wait_s, 1U), CONTROL_RETRY_MAX_S + 0U);
	control->rest_s = control->wait_s;
}

static void lose(struct control *control, const char *why)
{
	control->lost = true;
	control->stage = STAGE_WAITING;
	say(control, why);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	lose(userdata, "the bus has closed the connection");
	return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct control *control = userdata;
	const sd_bus_error *refused = sd_bus_message_get_error(m);
	char why[CONTROL_STATE_MAX];
	uint32_t result = 0;

	(void)error;
	if (refused) {
		(void)snprintf(why, sizeof(why),
			       "the bus does not give the name " CONTROL_NAME ": %.120s",
			       refused->message ? refused->message : refused->name);
		lose(control, why);
		return 0;
	}
	(void)sd_bus_message_read(m, "u", &result);
	if (result != 1) { /* DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER */
		lose(control, "another program has the name " CONTROL_NAME);
		return 0;
	}
	control->stage = STAGE_READY;
	control->wait_s = 0;
	say(control, CONTROL_READY);
	return 0;
}

static int set_up(struct control *control, sd_bus *bus)
{
	int r = sd_bus_set_address(bus, address_of(control->address));

	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	if (r >= 0)
		r = sd_bus_negotiate_fds(bus, false); /* nobody hands descriptors to the core */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(bus, false); /* it would wait for a bus that hangs */
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(bus, false);
	if (r >= 0)
		r = sd_bus_start(bus);
	/* that one is the library's own signal, so nothing is asked of the bus */
	if (r >= 0)
		r = sd_bus_match_signal(bus, &control->gone, "org.freedesktop.DBus.Local",
					"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
					"Disconnected", on_gone, control);
	if (r >= 0)
		r = control_add_objects(control, bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus, control->service->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_request_name_async(bus, &control->name, CONTROL_NAME, 0, on_name,
					      control);
	return r;
}

static int look(struct control *control)
{
	char why[CONTROL_STATE_MAX];
	int r = sd_bus_new(&control->bus);

	if (r >= 0)
		r = set_up(control, control->bus);
	if (r >= 0) {
		control->stage = STAGE_CONNECTING;
		(void)snprintf(control->state, sizeof(control->state),
			       "the bus has not answered yet");
		return 0;
	}
	let_go(control);
	(void)snprintf(why, sizeof(why), "there is no bus at %.100s: %s",
		       address_of(control->address), strerror(-r));
	say(control, why);
	return r == -ENOMEM ? r : 0;
}

int control_open(struct control **ret, struct service *service, const char *address)
{
	CLEANUP(control_close) struct control *control = calloc(1, sizeof(*control));
	int r = 0;

	if (!control)
		return -ENOMEM;
	control->service = service;
	control->address = address;
	control->gid = accounts_gid(ACCOUNTS_GROUP, CONTROL_GROUP);
	if (address && strcmp(address, CONTROL_OFF) == 0) {
		control->stage = STAGE_OFF;
		(void)snprintf(control->state, sizeof(control->state), CONTROL_OFF);
	} else {
		r = look(control);
	}
	if (r < 0)
		return r;
	*ret = steal(&control);
	return 0;
}

struct control *control_close(struct control *control)
{
	if (!control)
		return NULL;
	let_go(control);
	free(control);
	return NULL;
}

void control_tick(struct control *control)
{
	if (control->lost)
		let_go(control);
	control_signals_tick(control);
	if (control->stage != STAGE_WAITING)
		return;
	if (control->rest_s > 0)
		control->rest_s--;
	if (control->rest_s == 0)
		(void)look(control); /* without memory it is tried again, too */
}

void control_committed(struct control *control, const struct batch *batch)
{
	/* what is an object's state, and no measured value, changes with an entry */
	if (control && batch->n_entries > 0)
		control->changed = true;
}

const char *control_authorization(const struct control *control)
{
	return control->polkit;
}

bool control_is_ready(const struct control *control)
{
	return control->stage == STAGE_READY;
}

const char *control_state(const struct control *control)
{
	return control->state;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "core/catalogue.h"
#include "core/control.h"
#include "tools/bus.h"
#include "tools/say.h"

#define TRIES	    40
#define PASSWORD_US UINT64_C(90000000) /* others than root may have to type one */
#define PAUSE_NS    250000000L	       /* long enough for two more actions, see core/ration.h */

struct bus {
	sd_bus *bus;
};

/* names of errors that are not our daemon's; its own say what they mean themselves */
static const struct explanation {
	const char *name;
	int r;
	const char *text;
} explanations[] = {
	{"org.freedesktop.DBus.Error.ServiceUnknown", -ESRCH,
	 N_("wastewatchd is not running, or is not on the bus: systemctl status wastewatchd, and "
	    "wastewatch status")},
	{"org.freedesktop.DBus.Error.NameHasNoOwner", -ESRCH,
	 N_("wastewatchd is not running, or is not on the bus: systemctl status wastewatchd, and "
	    "wastewatch status")},
	{"org.freedesktop.DBus.Error.AccessDenied", -EACCES,
	 N_("you may not do this; root may, and members of the group wastewatch: let root run "
	    "\"adduser USER wastewatch\", then log in anew")},
	{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES,
	 N_("you may not do this without an administrator's password; root may, and members of the "
	    "group wastewatch: let root run \"adduser USER wastewatch\", then log in anew")},
	{"org.freedesktop.DBus.Error.UnknownMethod", -ENOTSUP,
	 N_("the wastewatchd that is running is of another version than this command: systemctl "
	    "restart wastewatchd")},
	{"org.freedesktop.DBus.Error.NoReply", -ETIMEDOUT,
	 N_("wastewatchd has not answered; whether it was done is in the record: wastewatch "
	    "alarms, "
	    "wastewatch incidents")},
	{"org.freedesktop.DBus.Error.Timeout", -ETIMEDOUT,
	 N_("wastewatchd has not answered; whether it was done is in the record: wastewatch "
	    "alarms, "
	    "wastewatch incidents")},
	{"org.freedesktop.DBus.Error.Disconnected", -ECONNRESET,
	 N_("the bus was lost; whether it was done is in the record: wastewatch alarms, wastewatch "
	    "incidents")},
	{CONTROL_ERROR_NOT_FOUND, -ENOENT, NULL},
};

static int explain(const sd_bus_error *given, int r, char error[static BUS_ERROR_MAX])
{
	const char *text = given->message ? given->message : strerror(-r);

	for (size_t i = 0; given->name && i < ARRAY_SIZE(explanations); i++) {
		if (strcmp(given->name, explanations[i].name) != 0)
			continue;
		if (explanations[i].text)
			text = tr(explanations[i].text);
		r = explanations[i].r;
		break;
	}
	(void)snprintf(error, BUS_ERROR_MAX, "%s", text);
	return r;
}

struct bus *bus_close(struct bus *bus)
{
	if (!bus)
		return NULL;
	(void)sd_bus_close_unref(bus->bus);
	free(bus);
	return NULL;
}

static int connect_to(sd_bus **ret, const char *address)
{
	int r;

	if (!address)
		return sd_bus_open_system(ret);
	r = sd_bus_new(ret);
	if (r >= 0)
		r = sd_bus_set_address(*ret, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(*ret, true);
	return r >= 0 ? sd_bus_start(*ret) : r;
}

int bus_open(struct bus **ret, const char *address, char error[static BUS_ERROR_MAX])
{
	CLEANUP(bus_close) struct bus *bus = calloc(1, sizeof(*bus));
	int r = bus ? connect_to(&bus->bus, address) : -ENOMEM;

	if (r < 0) {
		(void)snprintf(error, BUS_ERROR_MAX,
			       tr("there is no bus%s%s: %s; see: systemctl status dbus.socket"),
			       address ? tr(" at ") : "", address ? address : "", strerror(-r));
		return -ECONNREFUSED; /* whichever way it is not there */
	}
	*ret = steal(&bus);
	return 0;
}

static int read_found(sd_bus_message *reply,
		      void (*each)(void *userdata, const char *kind, const char *name),
		      void *userdata)
{
	const char *kind, *name;
	int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(ss)");

	while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &kind, &name)) > 0)
		each(userdata, kind, name);
	return r;
}

int bus_find(struct bus *bus, const char *prefix,
	     void (*each)(void *userdata, const char *kind, const char *name), void *userdata,
	     char error[static BUS_ERROR_MAX])
{
	sd_bus_error problem = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int r = sd_bus_call_method(bus->bus, CONTROL_NAME, CONTROL_PATH, CONTROL_INTERFACE, "Find",
				   &problem, &reply, "s", prefix);

	if (r >= 0)
		r = read_found(reply, each, userdata);
	if (r < 0)
		r = explain(&problem, r, error);
	sd_bus_error_free(&problem);
	(void)sd_bus_message_unref(reply);
	return MIN(r, 0);
}

static int append(sd_bus_message *m, const struct bus_argument *argument)
{
	switch (argument->type) {
	case SD_BUS_TYPE_UINT64:
		return sd_bus_message_append(m, "t", argument->usec);
	case SD_BUS_TYPE_BOOLEAN:
		return sd_bus_message_append(m, "b", (int)argument->flag);
	default:
		return sd_bus_message_append(m, "s", argument->text);
	}
}

static int make(struct bus *bus, sd_bus_message **ret, bool exercise, const char *method,
		const struct bus_argument *arguments, size_t n)
{
	int r = sd_bus_message_new_method_call(bus->bus, ret, CONTROL_NAME,
					       exercise ? CONTROL_PATH_EXERCISE : CONTROL_PATH,
					       CONTROL_INTERFACE, method);

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append(*ret, &arguments[i]);
	return r;
}

/* Return: as bus_act(); 1 there was too much: once more, later */
static int call(struct bus *bus, bool exercise, const char *method,
		const struct bus_argument *arguments, size_t n, char error[static BUS_ERROR_MAX])
{
	sd_bus_error problem = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	bool too_many = false;
	int r = make(bus, &m, exercise, method, arguments, n);

	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(m, true);
	if (r >= 0)
		r = sd_bus_call(bus->bus, m, geteuid() == 0 ? 0 : PASSWORD_US, &problem, NULL);
	if (r < 0) {
		r = explain(&problem, r, error);
		too_many = sd_bus_error_has_name(&problem, CONTROL_ERROR_TOO_MANY) > 0;
	}
	sd_bus_error_free(&problem);
	(void)sd_bus_message_unref(m);
	return too_many ? 1 : MIN(r, 0);
}

int bus_act(struct bus *bus, bool exercise, const char *method,
	    const struct bus_argument *arguments, size_t n, char error[static BUS_ERROR_MAX])
{
	int r = call(bus, exercise, method, arguments, n, error);

	for (int i = 0; r == 1 && i < TRIES; i++) {
		(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		r = call(bus, exercise, method, arguments, n, error);
	}
	return r == 1 ? -EAGAIN : r;
}

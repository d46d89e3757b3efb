/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers ask of the core: read from the message by a table, done in the name of the
 * account that the bus says the caller has.
 */
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "core/chain.h"
#include "core/control_inside.h"

#define FIELDS_MAX 4

typedef int method_act(struct control *control, const struct action *action, char *error);

static int act(struct control *control, const struct action *action, char *error)
{
	return service_act(control->service, action, error);
}

static int reload(struct control *control, const struct action *action, char *error)
{
	return service_reload(control->service, action->user, error);
}

static int record_seen(struct control *control, const struct action *action, char *error)
{
	int r = action_check(action, error);

	return r < 0 ? r : chain_seen(control->service, action->user, action->reason, error);
}

/* an argument of a method: its type on the bus, and its place in struct action */
struct field {
	char type;
	size_t place;
};

#define TEXT(name)                                                \
	{                                                         \
		SD_BUS_TYPE_STRING, offsetof(struct action, name) \
	}
#define TIME(name)                                                \
	{                                                         \
		SD_BUS_TYPE_UINT64, offsetof(struct action, name) \
	} /* µs there, ms here */
#define FLAG(name)                                                 \
	{                                                          \
		SD_BUS_TYPE_BOOLEAN, offsetof(struct action, name) \
	}

/* the arguments in the order in which the vtable has them */
static const struct method {
	const char *name;
	method_act *act;
	enum action_kind kind;
	struct field fields[FIELDS_MAX];
} methods[] = {
	{"Acknowledge", act, ACTION_ACKNOWLEDGE, {TEXT(target), TEXT(reason)}},
	{"Reset", act, ACTION_RESET, {TEXT(target), TEXT(reason)}},
	{"Shelve",
	 act,
	 ACTION_SHELVE,
	 {TEXT(target), TIME(until_ms), FLAG(one_shot), TEXT(reason)}},
	{"Unshelve", act, ACTION_UNSHELVE, {TEXT(target), TEXT(reason)}},
	{"OutOfService", act, ACTION_OUT_OF_SERVICE, {TEXT(target), TIME(until_ms), TEXT(reason)}},
	{"Return", act, ACTION_RETURN, {TEXT(target), TEXT(reason)}},
	{"AcknowledgeIncident", act, ACTION_INCIDENT_ACKNOWLEDGE, {TEXT(target), TEXT(reason)}},
	{"CloseIncident", act, ACTION_INCIDENT_CLOSE, {TEXT(target), TEXT(reason), TEXT(measures)}},
	{"DrillStart", act, ACTION_DRILL_START, {TEXT(target), TEXT(scenario)}},
	{"DrillStop", act, ACTION_DRILL_STOP, {TEXT(target)}},
	{"RecordSeen", record_seen, ACTION_KIND_MAX, {TEXT(reason)}},
	{"RetryReport", act, ACTION_REPORT_RETRY, {TEXT(target), TEXT(reason)}},
	{"HoldReport", act, ACTION_REPORT_HOLD, {TEXT(target), TEXT(reason)}},
	{"ReleaseReport", act, ACTION_REPORT_RELEASE, {TEXT(target), TEXT(reason)}},
	{"AbandonReport", act, ACTION_REPORT_ABANDON, {TEXT(target), TEXT(reason)}},
	{"ResumeDestination", act, ACTION_DESTINATION_RESUME, {TEXT(target), TEXT(reason)}},
	{"Reload", reload, ACTION_KIND_MAX, {{0}}},
};

static const struct method *method_of(sd_bus_message *m)
{
	const char *name = sd_bus_message_get_member(m);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* texts stay the message's; the library has checked the signature and that they are UTF-8 */
static int read_field(sd_bus_message *m, const struct field *field, struct action *action)
{
	char *place = (char *)action + field->place;
	uint64_t usec = 0;
	int flag = 0, r;

	if (field->type == SD_BUS_TYPE_STRING)
		return sd_bus_message_read_basic(m, field->type, place);
	if (field->type == SD_BUS_TYPE_BOOLEAN) {
		r = sd_bus_message_read_basic(m, field->type, &flag);
		memcpy(place, &(bool){flag != 0}, sizeof(bool));
		return r;
	}
	r = sd_bus_message_read_basic(m, field->type, &usec);
	memcpy(place, &(int64_t){(int64_t)(usec / (uint64_t)US_PER_MS)}, sizeof(int64_t));
	return r;
}

static int read_action(sd_bus_message *m, const struct method *method, struct action *ret)
{
	int r = 0;

	*ret = (struct action){
		.kind = method->kind,
		.target = "",
		.user = "",
		.reason = "",
		.measures = "",
		.scenario = "",
		.exercise = strcmp(sd_bus_message_get_path(m), CONTROL_PATH_EXERCISE) == 0,
	};
	for (size_t i = 0; r >= 0 && i < FIELDS_MAX && method->fields[i].type; i++)
		r = read_field(m, &method->fields[i], ret);
	return r;
}

static const struct {
	int r;
	const char *name;
} error_names[] = {
	{-ENOENT, CONTROL_ERROR_NOT_FOUND},    {-EINVAL, CONTROL_ERROR_NOT_VALID},
	{-EALREADY, CONTROL_ERROR_SO_ALREADY}, {-EBUSY, CONTROL_ERROR_NOT_NOW},
	{-EAGAIN, CONTROL_ERROR_TOO_MANY},
};

/* a text that was cut inside a character is none that the bus takes */
static void cut_to_characters(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && !text_is_utf8(text))
		text[--n] = '\0';
}

static void refuse(sd_bus_message *m, int r, char *error)
{
	const char *name = CONTROL_ERROR_FAILED;

	for (size_t i = 0; i < ARRAY_SIZE(error_names); i++)
		if (error_names[i].r == r)
			name = error_names[i].name;
	cut_to_characters(error);
	/* whoever has gone meanwhile does not hear it */
	(void)sd_bus_reply_method_errorf(m, name, "%s", error);
}

/* --- who asks ---------------------------------------------------------------------- */

static void user_name(uint32_t uid, char name[static ACTION_USER_MAX + 1])
{
	char buffer[4096];
	struct passwd row, *found = NULL;

	if (getpwuid_r(uid, &row, buffer, sizeof(buffer), &found) == 0 && found &&
	    strlen(row.pw_name) <= ACTION_USER_MAX)
		(void)snprintf(name, ACTION_USER_MAX + 1, "%s", row.pw_name);
	else
		(void)snprintf(name, ACTION_USER_MAX + 1, "uid-%lu", (unsigned long)uid);
}

static int do_it(struct control *control, sd_bus_message *m, uint32_t uid, char *error)
{
	const struct method *method = method_of(m);
	char user[ACTION_USER_MAX + 1];
	struct action action;

	if (!ration_take(&control->ration, uid, service_now(control->service).mono_ms)) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "this account has asked for more than %d actions a second; wait a "
			       "moment",
			       RATION_PER_S);
		return -EAGAIN;
	}
	if (read_action(m, method, &action) < 0) {
		(void)snprintf(error, ACTION_ERROR_MAX, "the message cannot be read");
		return -EINVAL;
	}
	user_name(uid, user);
	action.user = user;
	return method->act(control, &action, error);
}

void control_call_done(struct control_call *call)
{
	call->slot = sd_bus_slot_unref(call->slot);
	call->message = sd_bus_message_unref(call->message);
}

/* The bus lets nobody answer in its place; that is looked at here as well, as all hangs on it */
static int read_uid(sd_bus_message *m, uint32_t *ret)
{
	const char *sender = sd_bus_message_get_sender(m);

	if (sd_bus_message_get_error(m) || !sender || strcmp(sender, "org.freedesktop.DBus") != 0)
		return -EPERM;
	return sd_bus_message_read(m, "u", ret) > 0 ? 0 : -EPERM;
}

static int on_caller(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct control_call *call = userdata;
	char error[ACTION_ERROR_MAX] = "the bus does not say who asks";
	uint32_t uid = 0;
	int r = read_uid(m, &uid);

	(void)ret_error;
	if (r == 0)
		r = do_it(call->control, call->message, uid, error);
	if (r < 0)
		refuse(call->message, r, error);
	else
		(void)sd_bus_reply_method_return(call->message, NULL);
	control_call_done(call);
	return 0;
}

/* a free place; NULL: there is none, or one connection has more than its share */
static struct control_call *place_for(struct control *control, const char *sender)
{
	struct control_call *place = NULL;
	size_t n = 0;

	for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
		struct control_call *call = &control->calls[i];

		if (!call->message)
			place = call;
		else
			n += strcmp(sd_bus_message_get_sender(call->message), sender) == 0;
	}
	return n < CONTROL_CALLS_EACH ? place : NULL;
}

/* first of all: who is it? The library would wait for the answer; we do not. */
static int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct control *control = userdata;
	const char *sender = sd_bus_message_get_sender(m);
	struct control_call *call = sender ? place_for(control, sender) : NULL;
	int r;

	if (!call)
		return sd_bus_error_set(error, CONTROL_ERROR_TOO_MANY,
					"too many calls at once; wait for the answers");
	call->control = control;
	r = sd_bus_call_method_async(control->bus, &call->slot, "org.freedesktop.DBus",
				     "/org/freedesktop/DBus", "org.freedesktop.DBus",
				     "GetConnectionUnixUser", on_caller, call, "s", sender);
	if (r < 0)
		return r;
	call->message = sd_bus_message_ref(m);
	return 1;
}

/* --- names ------------------------------------------------------------------------- */

struct finding {
	sd_bus_message *reply;
	const char *prefix;
	size_t n;
};

static int found(struct finding *finding, const char *kind, const char *name)
{
	if (strncmp(name, finding->prefix, strlen(finding->prefix)) != 0 ||
	    (finding->n >= CONTROL_FOUND_MAX && strcmp(name, finding->prefix) != 0))
		return 0;
	finding->n++;
	return sd_bus_message_append(finding->reply, "(ss)", kind, name);
}

static int find(const struct service *service, struct finding *finding)
{
	const struct config *config = service->config;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < config->n_sites; i++)
		r = found(finding, "site", config->sites[i].name);
	for (size_t i = 0; r >= 0 && i < config->n_limits; i++)
		r = found(finding, "alarm", config->limits[i].path);
	return r;
}

static int on_find(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct control *control = userdata;
	struct finding finding = {0};
	int r = sd_bus_message_read(m, "s", &finding.prefix);

	(void)error;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &finding.reply);
	if (r >= 0)
		r = sd_bus_message_open_container(finding.reply, SD_BUS_TYPE_ARRAY, "(ss)");
	if (r >= 0)
		r = find(control->service, &finding);
	if (r >= 0)
		r = sd_bus_message_close_container(finding.reply);
	if (r >= 0)
		r = sd_bus_send(NULL, finding.reply, NULL);
	(void)sd_bus_message_unref(finding.reply);
	return r;
}

/* --- the interface ----------------------------------------------------------------- */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "s", WASTEWATCH_VERSION);
}

/* Unprivileged: the library asks for no capability, and waits for no answer about it; who may
 * call is the bus's policy. */
#define METHOD(name, signature, names)                                      \
	SD_BUS_METHOD_WITH_NAMES(name, signature, names, "", "", on_method, \
				 SD_BUS_VTABLE_UNPRIVILEGED)

/* clang-format off */
static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	METHOD("Acknowledge", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("Reset", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("Shelve", "stbs", SD_BUS_PARAM(target) SD_BUS_PARAM(until_usec)
	       SD_BUS_PARAM(one_shot) SD_BUS_PARAM(reason)),
	METHOD("Unshelve", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("OutOfService", "sts", SD_BUS_PARAM(target) SD_BUS_PARAM(until_usec)
	       SD_BUS_PARAM(reason)),
	METHOD("Return", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("AcknowledgeIncident", "ss", SD_BUS_PARAM(id) SD_BUS_PARAM(reason)),
	METHOD("CloseIncident", "sss", SD_BUS_PARAM(id) SD_BUS_PARAM(cause)
	       SD_BUS_PARAM(measures)),
	METHOD("DrillStart", "ss", SD_BUS_PARAM(site) SD_BUS_PARAM(scenario)),
	METHOD("DrillStop", "s", SD_BUS_PARAM(site)),
	METHOD("RecordSeen", "s", SD_BUS_PARAM(reason)),
	METHOD("RetryReport", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("HoldReport", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("ReleaseReport", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("AbandonReport", "ss", SD_BUS_PARAM(target) SD_BUS_PARAM(reason)),
	METHOD("ResumeDestination", "ss", SD_BUS_PARAM(name) SD_BUS_PARAM(reason)),
	METHOD("Reload", "", ""),
	SD_BUS_METHOD_WITH_NAMES("Find", "s", SD_BUS_PARAM(prefix), "a(ss)", SD_BUS_PARAM(names),
				 on_find, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
/* clang-format on */

int control_add_methods(struct control *control, sd_bus *bus)
{
	int r = sd_bus_add_object_vtable(bus, &control->vtable[0], CONTROL_PATH, CONTROL_INTERFACE,
					 vtable, control);

	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, &control->vtable[1], CONTROL_PATH_EXERCISE,
					     CONTROL_INTERFACE, vtable, control);
	return r;
}

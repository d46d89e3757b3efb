/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers ask of the core: read from the message by a table, done in the name of the
 * account that the bus says the caller has.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/accounts.h"
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

#define PERMISSION(name) CONTROL_NAME "." name
#define ACKNOWLEDGE	 PERMISSION("acknowledge")
#define SUPPRESS	 PERMISSION("suppress")
#define CLOSE		 PERMISSION("close")
#define DRILL		 PERMISSION("drill")
#define OUTBOX		 PERMISSION("outbox")
#define RELOAD		 PERMISSION("reload")
#define SEEN		 PERMISSION("record-seen")

#define MANAGER	    ".Manager"
#define ALARM	    ".Alarm"
#define INCIDENT    ".Incident"
#define SITE	    ".Site"
#define DESTINATION ".Destination"

struct control_method {
	const char *interface;
	const char *name;
	const char *permission;
	method_act *act;
	enum action_kind kind;
	struct field fields[FIELDS_MAX];
};

/* the arguments in the order in which the vtable has them; where the interface is an object's,
 * the target is what the object stands for */
/* clang-format off */
static const struct control_method methods[] = {
	{MANAGER, "Acknowledge", ACKNOWLEDGE, act, ACTION_ACKNOWLEDGE, {TEXT(target), TEXT(reason)}},
	{MANAGER, "Reset", ACKNOWLEDGE, act, ACTION_RESET, {TEXT(target), TEXT(reason)}},
	{MANAGER, "Shelve", SUPPRESS, act, ACTION_SHELVE,
	 {TEXT(target), TIME(until_ms), FLAG(one_shot), TEXT(reason)}},
	{MANAGER, "Unshelve", SUPPRESS, act, ACTION_UNSHELVE, {TEXT(target), TEXT(reason)}},
	{MANAGER, "OutOfService", SUPPRESS, act, ACTION_OUT_OF_SERVICE,
	 {TEXT(target), TIME(until_ms), TEXT(reason)}},
	{MANAGER, "Return", SUPPRESS, act, ACTION_RETURN, {TEXT(target), TEXT(reason)}},
	{MANAGER, "AcknowledgeIncident", ACKNOWLEDGE, act, ACTION_INCIDENT_ACKNOWLEDGE,
	 {TEXT(target), TEXT(reason)}},
	{MANAGER, "CloseIncident", CLOSE, act, ACTION_INCIDENT_CLOSE,
	 {TEXT(target), TEXT(reason), TEXT(measures)}},
	{MANAGER, "DrillStart", DRILL, act, ACTION_DRILL_START, {TEXT(target), TEXT(scenario)}},
	{MANAGER, "DrillStop", DRILL, act, ACTION_DRILL_STOP, {TEXT(target)}},
	{MANAGER, "RecordSeen", SEEN, record_seen, ACTION_KIND_MAX, {TEXT(reason)}},
	{MANAGER, "RetryReport", OUTBOX, act, ACTION_REPORT_RETRY, {TEXT(target), TEXT(reason)}},
	{MANAGER, "HoldReport", OUTBOX, act, ACTION_REPORT_HOLD, {TEXT(target), TEXT(reason)}},
	{MANAGER, "ReleaseReport", OUTBOX, act, ACTION_REPORT_RELEASE, {TEXT(target), TEXT(reason)}},
	{MANAGER, "AbandonReport", OUTBOX, act, ACTION_REPORT_ABANDON, {TEXT(target), TEXT(reason)}},
	{MANAGER, "ResumeDestination", OUTBOX, act, ACTION_DESTINATION_RESUME,
	 {TEXT(target), TEXT(reason)}},
	{MANAGER, "Reload", RELOAD, reload, ACTION_KIND_MAX, {{0}}},
	{ALARM, "Acknowledge", ACKNOWLEDGE, act, ACTION_ACKNOWLEDGE, {TEXT(reason)}},
	{ALARM, "Reset", ACKNOWLEDGE, act, ACTION_RESET, {TEXT(reason)}},
	{ALARM, "Shelve", SUPPRESS, act, ACTION_SHELVE,
	 {TIME(until_ms), FLAG(one_shot), TEXT(reason)}},
	{ALARM, "Unshelve", SUPPRESS, act, ACTION_UNSHELVE, {TEXT(reason)}},
	{ALARM, "OutOfService", SUPPRESS, act, ACTION_OUT_OF_SERVICE, {TIME(until_ms), TEXT(reason)}},
	{ALARM, "Return", SUPPRESS, act, ACTION_RETURN, {TEXT(reason)}},
	{INCIDENT, "Acknowledge", ACKNOWLEDGE, act, ACTION_INCIDENT_ACKNOWLEDGE, {TEXT(reason)}},
	{SITE, "DrillStart", DRILL, act, ACTION_DRILL_START, {TEXT(scenario)}},
	{SITE, "DrillStop", DRILL, act, ACTION_DRILL_STOP, {{0}}},
	{DESTINATION, "Retry", OUTBOX, act, ACTION_REPORT_RETRY, {TEXT(reason)}},
	{DESTINATION, "Hold", OUTBOX, act, ACTION_REPORT_HOLD, {TEXT(reason)}},
	{DESTINATION, "Release", OUTBOX, act, ACTION_REPORT_RELEASE, {TEXT(reason)}},
	{DESTINATION, "Abandon", OUTBOX, act, ACTION_REPORT_ABANDON, {TEXT(reason)}},
	{DESTINATION, "Resume", OUTBOX, act, ACTION_DESTINATION_RESUME, {TEXT(reason)}},
};
/* clang-format on */

/* a message need not name the interface: then the library has found the method by its path */
static const char *interface_of(sd_bus_message *m)
{
	const char *path = sd_bus_message_get_path(m);

	for (enum control_kind kind = 0; kind <= CONTROL_KIND_MAX; kind++)
		if (strncmp(path, control_kind_prefix(kind), strlen(control_kind_prefix(kind))) ==
		    0)
			return control_interface(kind) + strlen(CONTROL_NAME);
	return MANAGER;
}

const struct control_method *control_method_of(sd_bus_message *m)
{
	const char *name = sd_bus_message_get_member(m), *interface = interface_of(m);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, name) == 0 &&
		    strcmp(methods[i].interface, interface) == 0)
			return &methods[i];
	return NULL;
}

const char *control_method_permission(const struct control_method *method)
{
	return method->permission;
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

static int read_action(sd_bus_message *m, const struct control_method *method, struct action *ret)
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

/* what the object stands for, looked up again: the configuration may have changed since the call
 * came. Return: 0; -ENOENT it is gone. */
static int read_target(const struct control_call *call, char name[static CONTROL_PATH_MAX])
{
	const struct service *service = call->control->service;
	const char *path = sd_bus_message_get_path(call->message);
	size_t index;

	for (enum control_kind kind = 0; kind <= CONTROL_KIND_MAX; kind++) {
		if (!control_object_find(service, kind, path, &index))
			continue;
		control_object_name(service, kind, index, name);
		return 0;
	}
	return -ENOENT;
}

int control_method_do(struct control_call *call, char *error)
{
	const struct control_method *method = call->method;
	struct batch *batch = &call->control->service->batch;
	char user[ACTION_USER_MAX + 1], target[CONTROL_PATH_MAX];
	struct action action;
	int r;

	if (read_action(call->message, method, &action) < 0) {
		(void)snprintf(error, ACTION_ERROR_MAX, "the message cannot be read");
		return -EINVAL;
	}
	if (strcmp(method->interface, MANAGER) != 0) {
		r = read_target(call, target);
		if (r < 0) {
			(void)snprintf(error, ACTION_ERROR_MAX, "there is no such thing any more");
			return r;
		}
		action.target = target;
	}
	accounts_name(ACCOUNTS_PASSWD, call->uid, user, sizeof(user));
	action.user = user;
	batch->actor_uid = call->uid;
	batch->has_actor = true;
	r = method->act(call->control, &action, error);
	batch->has_actor = false;
	return r;
}

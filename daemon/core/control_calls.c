/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls, and may they? Asked of the bus, then of polkit, and never waited for.
 *
 *   call ──▶ the bus: which account? ──▶ root ─────────────────────────────▶ done
 *                                   └──▶ polkit: may it? ┬─▶ yes ───────────▶ done
 *                                                        ├─▶ no ────────────▶ refused
 *                                                        ├─▶ with a password: asked once
 *                                                        │   more, if the caller wants it
 *                                                        └─▶ not there or silent:
 *                                                            members are done, others refused
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/macro.h"
#include "common/text.h"
#include "core/accounts.h"
#include "core/control_inside.h"

#define BUS_NAME       "org.freedesktop.DBus"
#define BUS_PATH       "/org/freedesktop/DBus"
#define POLKIT_NAME    "org.freedesktop.PolicyKit1"
#define POLKIT_PATH    "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_IFACE   "org.freedesktop.PolicyKit1.Authority"
#define ERROR_DENIED   "org.freedesktop.DBus.Error.AccessDenied"
#define ERROR_ASK_USER "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
#define REFUSED_LOG_MS 10000 /* refusals in the log, at most one in so long */
#define GROUPS_MAX     1024  /* of one account; the kernel's own bound is 65536 */

/* What reading costs, in thousandths of an action: 2000 properties at once and 200 a second; all
 * objects 50 times, and 5 times a second. */
#define COST_READ (RATION_WHOLE / 20)
#define COST_ALL  (2 * RATION_WHOLE)

/* --- the answer -------------------------------------------------------------------- */

static const struct {
	int r;
	const char *name;
} error_names[] = {
	{-ENOENT, CONTROL_ERROR_NOT_FOUND},    {-EINVAL, CONTROL_ERROR_NOT_VALID},
	{-EALREADY, CONTROL_ERROR_SO_ALREADY}, {-EBUSY, CONTROL_ERROR_NOT_NOW},
	{-EAGAIN, CONTROL_ERROR_TOO_MANY},
};

static const char *error_name(int r)
{
	for (size_t i = 0; i < ARRAY_SIZE(error_names); i++)
		if (error_names[i].r == r)
			return error_names[i].name;
	return CONTROL_ERROR_FAILED;
}

/* a text that was cut inside a character is none that the bus takes */
static void cut_to_characters(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && !text_is_utf8(text))
		text[--n] = '\0';
}

/* @name: of the error, NULL it is done; whoever has gone meanwhile does not hear it */
static void answer(struct control_call *call, const char *name, char *error)
{
	if (name) {
		cut_to_characters(error);
		(void)sd_bus_reply_method_errorf(call->message, name, "%s", error);
	} else {
		(void)sd_bus_reply_method_return(call->message, NULL);
	}
	control_call_done(call);
}

static void refuse(struct control_call *call, bool could_ask)
{
	struct control *control = call->control;
	int64_t now_ms = service_now(control->service).mono_ms;
	char error[ACTION_ERROR_MAX], user[ACTION_USER_MAX + 1];

	accounts_name(ACCOUNTS_PASSWD, call->uid, user, sizeof(user));
	if (control->refused_ms == 0 || now_ms - control->refused_ms >= REFUSED_LOG_MS) {
		control->refused_ms = now_ms;
		log_warning("%s (uid %lu) may not do this, and was refused: %s", user,
			    (unsigned long)call->uid, sd_bus_message_get_member(call->message));
	}
	(void)snprintf(error, sizeof(error),
		       "%s may not do this%s; root may, and members of the group " CONTROL_GROUP
		       ", unless rules of polkit say otherwise (%s)",
		       user, could_ask ? " without a password" : "",
		       control_method_permission(call->method));
	answer(call, could_ask ? ERROR_ASK_USER : ERROR_DENIED, error);
}

static void finish(struct control_call *call)
{
	char error[ACTION_ERROR_MAX] = "";
	int r = control_method_do(call, error);

	answer(call, r < 0 ? error_name(r) : NULL, error);
}

void control_call_done(struct control_call *call)
{
	call->slot = sd_bus_slot_unref(call->slot);
	call->message = sd_bus_message_unref(call->message);
	call->is_asking = call->is_member = call->is_known = false;
}

/* --- polkit ------------------------------------------------------------------------ */

/* one line per change */
static void say_polkit(struct control *control, const char *why)
{
	char text[CONTROL_STATE_MAX];

	if (why)
		(void)snprintf(text, sizeof(text), "root and group " CONTROL_GROUP " (%.200s)",
			       why);
	else
		(void)snprintf(text, sizeof(text), "polkit");
	if (strcmp(text, control->polkit) == 0)
		return;
	if (why)
		log_warning("polkit does not say who may act (%s); until it does, root may and "
			    "members of the group " CONTROL_GROUP,
			    why);
	else if (*control->polkit)
		log_info("polkit says again who may act");
	(void)snprintf(control->polkit, sizeof(control->polkit), "%s", text);
	control->changed = true;
}

/* it cannot say; what counts then is the group */
static void without_polkit(struct control_call *call)
{
	if (call->is_member)
		finish(call);
	else
		refuse(call, false);
}

/*
 * Is polkit not there, or gone, or silent? Any other error is an answer, and no yes: that the
 * caller cannot be found, for one, because it has left the bus to get past a rule that says no.
 */
static bool is_away(const sd_bus_error *error)
{
	static const char *const names[] = {
		"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NoReply",
		"org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.Timeout",
		"org.freedesktop.DBus.Error.Disconnected",   "org.freedesktop.DBus.Error.TimedOut",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sd_bus_error_has_name(error, names[i]))
			return true;
	return error && error->name &&
	       strncmp(error->name, "org.freedesktop.DBus.Error.Spawn.", 33) == 0;
}

/* neither yes nor no. The bus says at once that nobody is there, or is there no more */
static void on_no_answer(struct control_call *call, const sd_bus_error *error)
{
	struct control *control = call->control;
	int64_t now_ms = service_now(control->service).mono_ms;

	/* It was there a moment ago, and wanted a password: which nobody gave, whatever happened */
	if (call->is_interactive || !is_away(error)) {
		refuse(call, false);
		return;
	}
	if (now_ms - call->asked_ms >= CONTROL_POLKIT_MS / 2)
		control->polkit_rest_ms = now_ms + CONTROL_POLKIT_REST_MS;
	say_polkit(control, error && error->message ? error->message : "its answer is not one");
	without_polkit(call);
}

static int ask_polkit(struct control_call *call, bool interactive);

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct control_call *call = userdata;
	const sd_bus_error *error = sd_bus_message_get_error(m);
	int may = 0, could = 0;

	(void)ret_error;
	if (error || sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, "bba{ss}") <= 0 ||
	    sd_bus_message_read(m, "bb", &may, &could) <= 0) {
		on_no_answer(call, error);
		return 0;
	}
	say_polkit(call->control, NULL);
	if (may)
		finish(call);
	else if (!could || call->is_interactive ||
		 sd_bus_message_get_allow_interactive_authorization(call->message) <= 0 ||
		 ask_polkit(call, true) < 0)
		refuse(call, could);
	return 0;
}

/* @interactive: it may ask the person for a password, as the caller has said */
static int ask_polkit(struct control_call *call, bool interactive)
{
	sd_bus *bus = call->control->bus;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, POLKIT_NAME, POLKIT_PATH, POLKIT_IFACE,
					       "CheckAuthorization");

	call->slot = sd_bus_slot_unref(call->slot);
	call->is_interactive = interactive;
	call->asked_ms = service_now(call->control->service).mono_ms;
	if (r >= 0)
		r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
					  sd_bus_message_get_sender(call->message),
					  control_method_permission(call->method), 0,
					  (uint32_t)interactive, "");
	if (r >= 0)
		r = sd_bus_call_async(bus, &call->slot, m, on_polkit, call,
				      (interactive ? CONTROL_POLKIT_ASK_MS : CONTROL_POLKIT_MS) *
					      (uint64_t)US_PER_MS);
	call->is_asking = r >= 0;
	(void)sd_bus_message_unref(m);
	return r;
}

/* others than members, whose password is waited for: they must not take the members' places */
static bool is_crowded(const struct control *control)
{
	size_t n = 0;

	for (size_t i = 0; i < CONTROL_CALLS_MAX; i++)
		n += control->calls[i].is_asking && !control->calls[i].is_member;
	return n >= CONTROL_STRANGERS_MAX;
}

static void authorize(struct control_call *call)
{
	struct control *control = call->control;
	int64_t now_ms = service_now(control->service).mono_ms;
	char error[ACTION_ERROR_MAX];

	if (!ration_take(&control->ration, call->uid, now_ms)) {
		(void)snprintf(error, sizeof(error),
			       "this account has asked for more than %d actions a second; wait a "
			       "moment",
			       RATION_PER_S);
		answer(call, CONTROL_ERROR_TOO_MANY, error);
	} else if (call->uid == 0) {
		finish(call);
	} else if (now_ms < control->polkit_rest_ms) {
		without_polkit(call);
	} else if (!call->is_member && is_crowded(control)) {
		(void)snprintf(error, sizeof(error), "too many wait to be allowed; try later");
		answer(call, CONTROL_ERROR_TOO_MANY, error);
	} else if (ask_polkit(call, false) < 0) {
		refuse(call, false); /* a full queue, for one, which is no yes either */
	}
}

/* --- which account? ---------------------------------------------------------------- */

static bool has_gid(const uint32_t *gids, size_t n, uint32_t gid)
{
	for (size_t i = 0; i < MIN(n, (size_t)GROUPS_MAX); i++)
		if (gids[i] == gid)
			return true;
	return false;
}

/* what of "a{sv}" is known here; Return: > 0 good; else it cannot be read */
static int read_item(sd_bus_message *m, struct control_call *call, bool *has_uid, bool *has_groups)
{
	const char *name;
	const void *gids = NULL;
	size_t size = 0;
	int r = sd_bus_message_read(m, "s", &name);

	if (r <= 0)
		return r;
	if (strcmp(name, "UnixUserID") == 0) {
		*has_uid = true;
		return sd_bus_message_read(m, "v", "u", &call->uid);
	}
	if (strcmp(name, "UnixGroupIDs") != 0)
		return sd_bus_message_skip(m, "v");
	*has_groups = true;
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "au");
	if (r > 0)
		r = sd_bus_message_read_array(m, SD_BUS_TYPE_UINT32, &gids, &size);
	if (r < 0)
		return r;
	call->is_member = call->control->gid != ACCOUNTS_NO_GID &&
			  has_gid(gids, size / sizeof(uint32_t), call->control->gid);
	return sd_bus_message_exit_container(m);
}

/* The bus lets nobody answer in its place; that is looked at here as well, as all hangs on it */
static int read_caller(sd_bus_message *m, struct control_call *call)
{
	const char *sender = sd_bus_message_get_sender(m);
	bool has_uid = false, has_groups = false;
	int r;

	if (sd_bus_message_get_error(m) || !sender || strcmp(sender, BUS_NAME) != 0)
		return -EACCES;
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	while (r >= 0 &&
	       (r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
		r = read_item(m, call, &has_uid, &has_groups);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	if (r < 0 || !has_uid)
		return -EACCES;
	if (!has_groups)
		call->is_member = accounts_is_member(ACCOUNTS_PASSWD, ACCOUNTS_GROUP, call->uid,
						     call->control->gid);
	call->is_member |= call->uid == 0;
	return 0;
}

static int on_caller(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct control_call *call = userdata;
	char error[] = "the bus does not say who asks";

	(void)ret_error;
	call->is_member = false;
	if (read_caller(m, call) < 0) {
		answer(call, ERROR_DENIED, error);
		return 0;
	}
	call->is_known = true;
	control_caller_learn(call->control, sd_bus_message_get_sender(call->message), call->uid,
			     call->is_member);
	authorize(call);
	return 0;
}

/* all texts of a message together; what each of them may have is looked at when it is done */
static bool is_short(sd_bus_message *m)
{
	const char *text;
	size_t n = 0;
	char type;
	int r;

	while ((r = sd_bus_message_peek_type(m, &type, NULL)) > 0) {
		r = type == SD_BUS_TYPE_STRING ? sd_bus_message_read_basic(m, type, &text)
					       : sd_bus_message_skip(m, (char[]){type, '\0'});
		if (r <= 0)
			break;
		n += type == SD_BUS_TYPE_STRING ? strlen(text) : 0;
	}
	return r == 0 && n <= CONTROL_TEXTS_MAX && sd_bus_message_rewind(m, true) >= 0;
}

/* first of all: who is it? The library would wait for the answer; we do not. */
int control_call_begin(struct control *control, sd_bus_message *m, sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(m);
	const struct control_method *method = control_method_of(m);
	struct control_call *call;
	int r;

	/* it is kept until it is known whose it is, so first of all: is it worth the room? */
	if (!is_short(m))
		return sd_bus_error_set(error, CONTROL_ERROR_NOT_VALID,
					"the message is longer than all that may be said");
	call = sender && method ? control_place_for(control, sender) : NULL;
	if (!call)
		return sd_bus_error_set(error, CONTROL_ERROR_TOO_MANY,
					"too many calls at once; wait for the answers");
	call->method = method;
	r = sd_bus_call_method_async(control->bus, &call->slot, BUS_NAME, BUS_PATH, BUS_NAME,
				     "GetConnectionCredentials", on_caller, call, "s", sender);
	if (r < 0)
		return r;
	call->message = sd_bus_message_ref(m);
	return 1;
}

/* --- how much may one read? -------------------------------------------------------- */

int control_on_any(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct control *control = userdata;
	const char *sender = sd_bus_message_get_sender(m);
	const char *member = sd_bus_message_get_member(m);
	int64_t cost = COST_READ;
	uint64_t key;

	(void)error;
	if (!sender || !member || sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
		return 0;
	if (strcmp(member, "GetManagedObjects") == 0)
		cost = COST_ALL;
	key = hash64(HASH64_SEED, sender, strlen(sender));
	if (ration_spend(&control->reads, (uint32_t)(key ^ key >> 32),
			 service_now(control->service).mono_ms, cost))
		return 0;
	(void)sd_bus_reply_method_errorf(m, CONTROL_ERROR_TOO_MANY,
					 "this connection has asked too much; wait a moment");
	return 1;
}

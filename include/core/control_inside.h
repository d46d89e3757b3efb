/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_inside.h - what the files of control share, and nobody else uses
 *
 *   control.c             the connection: lost and found
 *   control_calls.c       who calls, and may they? asked of the bus and of polkit, never waited for
 *   control_places.c      who may wait for that, and how many at once
 *   control_methods.c     what is asked, read by a table and done
 *   control_lists.c       answers that are lists of names
 *   control_objects.c     paths of objects, and what they stand for
 *   control_views.c       what an object's properties are at this moment
 *   control_interfaces.c  the interfaces as the bus shows them
 *   control_signals.c     what has changed since it was last said
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "core/control.h"
#include "core/ration.h"
#include "core/service.h"

#define CONTROL_STATE_MAX 320
#define CONTROL_READY	  "ready"
#define CONTROL_SLOTS_MAX 24

enum control_stage { STAGE_WAITING, STAGE_CONNECTING, STAGE_READY, STAGE_OFF };

/**
 * struct control_method - something that callers may ask for; see control_methods.c
 * @interface: behind CONTROL_NAME; another than ".Manager" is about the object that is called
 * @permission: name of the action that polkit is asked about, behind CONTROL_NAME
 */
struct control_method;

/**
 * struct control_call - a call until it is answered; @message NULL: free
 * @slot: what is waited for: the bus's word about the caller, then polkit's
 * @is_known: the bus has said whose it is, now or for an earlier call of the connection: @uid and
 *   @is_member, the caller is root or of the group; what was said earlier serves to count only
 * @is_asking: polkit has been asked, at @asked_ms (monotonic); @is_interactive: it may ask for a
 *   password
 */
struct control_call {
	struct control *control;
	sd_bus_message *message;
	sd_bus_slot *slot;
	const struct control_method *method;
	uint32_t uid;
	bool is_known;
	bool is_member;
	bool is_asking;
	bool is_interactive;
	int64_t asked_ms;
};

#define CONTROL_CALLER_MAX 32 /* of a connection's name, with the zero: ":1." and a number */

/** struct control_caller - a connection of which the bus has said whose it is; @name "" none. No
 * bus gives a name twice. */
struct control_caller {
	char name[CONTROL_CALLER_MAX];
	uint32_t uid;
	bool is_member;
};

/** enum control_kind - of objects that there is more than one of */
enum control_kind {
	CONTROL_SITE,
	CONTROL_SOURCE,
	CONTROL_CHANNEL,
	CONTROL_ALARM,
	CONTROL_INCIDENT,
	CONTROL_DESTINATION,
	CONTROL_KIND_MAX = CONTROL_DESTINATION,
};
#define N_CONTROL_KINDS (CONTROL_KIND_MAX + 1)

#define CONTROL_PATH_MAX 512 /* of an object, with the zero; names are short, see config.h */

/* Properties as the library reads them by itself: booleans are int, texts and paths are pointers
 * that are never NULL; times are µs since 1970 UTC, 0 none; numbers that are not there are NAN. A
 * view is filled when the library looks for the object, and counts until it looks for the next. */

/** struct control_figures - properties of the manager; made anew once a second, if at all */
struct control_figures {
	const char *version;
	const char *origin;
	const char *authorization;
	int health;
	int sender_connected;
	int record_damaged;
	int record_seen;
	int storing;
	int flood;
	uint32_t pollers_wanted;
	uint32_t pollers_reading;
	uint32_t channels_watched;
	uint32_t channels_lost;
	uint32_t alarms_listed;
	uint32_t alarms_standing;
	uint32_t alarms_unacknowledged;
	uint32_t incidents_open;
	char digest[65];
	const char *configuration;
};

struct control_site {
	const char *name;
	const char *title;
	const char *cluster;
	const char *commune;
	const char *province;
	double latitude;
	double longitude;
	uint32_t incidents_open;
	int drill_due;
	const char *drill;
	const char *drill_user;
	uint64_t drill_since_usec;
	uint64_t drill_until_usec;
};

struct control_source {
	const char *name;
	const char *title;
	const char *kind;
	const char *level;
	const char *site;
	char name_text[CONTROL_PATH_MAX];
	char site_path[CONTROL_PATH_MAX];
};

struct control_channel {
	const char *name;
	const char *title;
	const char *unit;
	const char *source;
	const char *quality;
	const char *reason;
	int lost;
	double value;
	uint64_t value_usec;
	double mean_1min;
	double mean_5min;
	double mean_1h;
	double mean_24h;
	char reason_text[CORE_REASON_MAX];
	char source_path[CONTROL_PATH_MAX];
};

struct control_alarm {
	const char *name;
	const char *channel;
	const char *class;
	const char *on;
	const char *side;
	double bound;
	const char *unit;
	const char *origin;
	const char *advice;
	const char *state;
	uint64_t since_usec;
	double worst;
	uint64_t acknowledged_usec;
	const char *acknowledged_by;
	const char *acknowledge_reason;
	int shelved;
	uint64_t shelved_until_usec;
	const char *shelved_by;
	const char *shelve_reason;
	int out_of_service;
	uint64_t out_until_usec;
	const char *out_by;
	const char *out_reason;
	int suppressed;
	char channel_path[CONTROL_PATH_MAX];
};

struct control_incident {
	const char *id;
	const char *site;
	const char *kind;
	uint64_t opened_usec;
	const char *class;
	const char *level;
	const char *verdict;
	uint32_t n_alarms;
	uint32_t n_active;
	uint32_t n_updates;
	uint64_t acknowledged_usec;
	const char *acknowledged_by;
	uint64_t over_usec;
	char site_path[CONTROL_PATH_MAX];
};

struct control_destination {
	const char *name;
	const char *kind;
	const char *url;
	int paused;
	uint64_t paused_since_usec;
	const char *pause_reason;
	const char *anchor;
	int anchor_unseen;
	int clock_differs;
};

/**
 * struct control_node - what a vtable's userdata is: an object, and its properties now
 * @index: into the configuration; of an incident into the core's
 */
struct control_node {
	struct control *control;
	enum control_kind kind;
	size_t index;
	union {
		struct control_site site;
		struct control_source source;
		struct control_channel channel;
		struct control_alarm alarm;
		struct control_incident incident;
		struct control_destination destination;
	};
};

/** struct control_item - an object that has been told of; @print: of what may change in it */
struct control_item {
	char *path;
	uint64_t print;
};

/** struct control_list - those of one kind, by path */
struct control_list {
	struct control_item *items;
	size_t n;
};

/**
 * struct control - see control.h
 * @lost: @bus is to be let go at the next tick
 * @state: in words; @said: the last of them in the log
 * @wait_s: how long it rests after the next failure; @rest_s: of that, what is left
 * @gid: of the group whose members may act; ACCOUNTS_NO_GID none
 * @callers: the last of them, a ring; @next_caller: the place that is taken next
 * @reads: what each connection may read, see control_calls.c
 * @polkit: how it is found out who may act, for people; "" nobody has asked yet
 * @polkit_rest_ms: monotonic; it has not answered, and is not asked before
 * @refused_ms: monotonic; when a refusal was logged last
 * @begun: what there is has been listed since the name is ours
 * @changed: something was committed that objects may tell of
 * @manager_print: of what may change in @figures, as it was last told
 */
struct control {
	struct service *service;
	const char *address;
	sd_bus *bus;
	sd_bus_slot *slots[CONTROL_SLOTS_MAX];
	size_t n_slots;
	sd_bus_slot *gone;
	sd_bus_slot *name;
	enum control_stage stage;
	bool lost;
	unsigned wait_s;
	unsigned rest_s;
	uint32_t gid;
	struct control_call calls[CONTROL_CALLS_MAX];
	struct control_caller callers[CONTROL_CALLERS_MAX];
	size_t next_caller;
	struct ration ration;
	struct ration reads;
	char polkit[CONTROL_STATE_MAX];
	int64_t polkit_rest_ms;
	int64_t refused_ms;
	bool begun;
	bool changed;
	struct control_figures figures;
	uint64_t manager_print;
	struct control_node nodes[N_CONTROL_KINDS];
	struct control_list lists[N_CONTROL_KINDS];
	char state[CONTROL_STATE_MAX];
	char said[CONTROL_STATE_MAX];
};

/* --- control_calls.c --------------------------------------------------------------- */

/** control_call_begin() - a method that changes something was called; as sd_bus_message_handler_t
 */
int control_call_begin(struct control *control, sd_bus_message *m, sd_bus_error *error);

/** control_call_done() - forget a call */
void control_call_done(struct control_call *call);

/** control_on_any() - sd_bus_message_handler_t: has this connection asked too much? */
int control_on_any(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* --- control_places.c -------------------------------------------------------------- */

/** control_place_for() - a call to be filled in. Return: NULL: there is no room for the caller */
struct control_call *control_place_for(struct control *control, const char *sender);

/** control_caller_learn() - the bus has said whose a connection is */
void control_caller_learn(struct control *control, const char *sender, uint32_t uid,
			  bool is_member);

/** control_callers_forget() - another bus gives the same names to others */
void control_callers_forget(struct control *control);

/* --- control_methods.c ------------------------------------------------------------- */

/** control_method_of() - the method that a message is for; NULL none */
const struct control_method *control_method_of(sd_bus_message *m);

/** control_method_permission() - as struct control_method */
const char *control_method_permission(const struct control_method *method);

/**
 * control_method_do() - do what is asked, in the name of @call->uid
 * @error: ACTION_ERROR_MAX bytes. Return: 0; as core_act().
 */
int control_method_do(struct control_call *call, char *error);

/* --- control_lists.c: handlers of methods that answer with a list ------------------- */

int control_find(sd_bus_message *m, void *userdata, sd_bus_error *error);
int control_list_alarms(sd_bus_message *m, void *userdata, sd_bus_error *error);
int control_list_incidents(sd_bus_message *m, void *userdata, sd_bus_error *error);
int control_list_channels(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* --- control_objects.c ------------------------------------------------------------- */

/** control_kind_name() - "site", …; also the part of the path */
const char *control_kind_name(enum control_kind kind);

/** control_kind_prefix() - the path above all objects of a kind */
const char *control_kind_prefix(enum control_kind kind);

/** control_object_path() - of something; "/" where there is no memory, which is no object's */
void control_object_path(const struct service *service, enum control_kind kind, size_t index,
			 char path[static CONTROL_PATH_MAX]);

/** control_object_name() - what actions call it: SITE, SITE/SOURCE/CHANNEL/LIMIT, an id, … */
void control_object_name(const struct service *service, enum control_kind kind, size_t index,
			 char name[static CONTROL_PATH_MAX]);

/** control_object_find() - what a path stands for. Return: there is such a thing. */
bool control_object_find(const struct service *service, enum control_kind kind, const char *path,
			 size_t *ret);

/** control_alarm_is_listed() - it stands, waits for somebody or is hidden */
bool control_alarm_is_listed(const struct service *service, size_t limit);

/**
 * control_object_next() - the next that the object manager lists, from @index on
 * Return: its index; SIZE_MAX there is no more.
 */
size_t control_object_next(const struct service *service, enum control_kind kind, size_t index);

/* --- control_views.c --------------------------------------------------------------- */

/** control_view() - fill the properties of @node->index in */
void control_view(struct control_node *node);

/**
 * control_view_manager() - make @control->figures anew
 * @counted: also those that take a look at all channels and limits
 */
void control_view_manager(struct control *control, bool counted);

/* --- control_interfaces.c ---------------------------------------------------------- */

/** control_add_objects() - serve all objects on a bus; 0 or -errno */
int control_add_objects(struct control *control, sd_bus *bus);

/** control_interface() - of a kind */
const char *control_interface(enum control_kind kind);

/** control_print() - of those properties of an object that are told when they change */
uint64_t control_print(const struct control_node *node);
uint64_t control_print_manager(const struct control *control);

/* --- control_signals.c ------------------------------------------------------------- */

/** control_signals_tick() - once a second: tell what has changed */
void control_signals_tick(struct control *control);

/** control_signals_forget() - the bus is gone: whoever hears the next one asks anew */
void control_signals_forget(struct control *control);

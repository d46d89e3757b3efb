/* SPDX-License-Identifier: Apache-2.0 */
/* control_inside.h - what the files of control share, and nobody else uses */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "core/control.h"
#include "core/ration.h"
#include "core/service.h"

#define CONTROL_STATE_MAX 320
#define CONTROL_READY	  "ready"

enum control_stage { STAGE_WAITING, STAGE_CONNECTING, STAGE_READY, STAGE_OFF };

/** struct control_call - a call whose caller is being asked for; @message NULL: free */
struct control_call {
	struct control *control;
	sd_bus_message *message;
	sd_bus_slot *slot;
};

/**
 * struct control - see control.h
 * @lost: @bus is to be let go at the next tick
 * @state: in words; @said: the last of them in the log
 * @wait_s: how long it rests after the next failure; @rest_s: of that, what is left
 */
struct control {
	struct service *service;
	const char *address;
	sd_bus *bus;
	sd_bus_slot *vtable[2];
	sd_bus_slot *gone;
	sd_bus_slot *name;
	enum control_stage stage;
	bool lost;
	unsigned wait_s;
	unsigned rest_s;
	struct control_call calls[CONTROL_CALLS_MAX];
	struct ration ration;
	char state[CONTROL_STATE_MAX];
	char said[CONTROL_STATE_MAX];
};

/** control_add_methods() - serve the objects on a bus; 0 or -errno */
int control_add_methods(struct control *control, sd_bus *bus);

/** control_call_done() - forget a call */
void control_call_done(struct control_call *call);

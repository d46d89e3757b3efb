/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_server.h - the links of the plant: Modbus TCP, RTU on serial lines, RTU over TCP
 *
 * Listens on loopback only, and on terminals behind the names of the serial devices; talks to
 * any number of clients, and misbehaves as a scenario tells it. Answers come from sim_plant;
 * nothing here knows a value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <systemd/sd-event.h>

#include "common/macro.h"
#include "core/config.h"
#include "tools/sim_plant.h"
#include "tools/sim_scenario.h"

struct sim_server;

/**
 * struct sim_server_options - what the links need of the rest of the simulator
 * @now_ms: the plant's time for an answer given now
 * @seed: of garbage and noise
 * @line_speed: an RTU answer comes no sooner than its bytes, and those of the request, would
 *   pass at the link's baud rate
 */
struct sim_server_options {
	int64_t (*now_ms)(void *userdata);
	void *userdata;
	uint64_t seed;
	bool line_speed;
};

/**
 * sim_server_new() - listen on every link of the configuration, once per address
 * @config, @plant: must live longer
 *
 * Says what went wrong on the log.
 * Return: 0; -EADDRNOTAVAIL a link's address is not on loopback; -EADDRINUSE; -EEXIST the
 *   name of a serial device is taken by something else; -ENOMEM; -errno.
 */
int sim_server_new(struct sim_server **ret, sd_event *event, const struct config *config,
		   const struct sim_plant *plant, const struct sim_server_options *options);

/** sim_server_free() - closes everything; takes NULL. Return: NULL. */
struct sim_server *sim_server_free(struct sim_server *server);
DEFINE_CLEANUP(struct sim_server *, sim_server_free)

/**
 * sim_server_act() - play an action on a link; others are ignored
 *
 * Return: 0; -errno a refusing link cannot listen again (said on the log).
 */
int sim_server_act(struct sim_server *server, const struct sim_action *action);

/**
 * sim_server_print() - counters since the start as one line of JSON
 *
 * {"links":[{"link":"SITE/NAME","host":"127.0.0.1","port":1502,"connections":1,
 * "requests":9,"reads":8,"exceptions":1,"unanswered":0,"malformed":0}]}: connections accepted, or
 * terminals made; whole requests; reads answered with data; answered with an exception; requests
 * that got no proper answer by order of the scenario, or for want of the unit on a serial line;
 * streams closed because they were not Modbus, or bytes on an RTU line that were no request.
 */
void sim_server_print(const struct sim_server *server, FILE *out);

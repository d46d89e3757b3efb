/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_server.h - the links of the plant as Modbus TCP servers
 *
 * Listens on loopback only, talks to any number of clients, and misbehaves as a scenario
 * tells it. Answers come from sim_plant; nothing here knows a value.
 *
 *   connection:  READING ──request──▶ ANSWERING (waits for a delay or for room) ──▶ READING
 *                   └── dead unit or link: request dropped, still READING
 *
 * While a connection is answering it does not read: a client that sends more is served
 * in order, and one that does not read costs nothing.
 */
#pragma once

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
 * sim_server_new() - listen on every link of the configuration, once per address
 * @config, @plant: must live longer
 * @now_ms: the plant's time for an answer given now
 * @seed: of the garbage
 *
 * Says what went wrong on the log.
 * Return: 0; -EADDRNOTAVAIL a link's address is not on loopback; -EADDRINUSE; -ENOMEM;
 *   -errno.
 */
int sim_server_new(struct sim_server **ret, sd_event *event, const struct config *config,
		   const struct sim_plant *plant, int64_t (*now_ms)(void *userdata), void *userdata,
		   uint64_t seed);

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
 * "requests":9,"reads":8,"exceptions":1,"unanswered":0,"malformed":0}]}: connections accepted;
 * whole requests; reads answered with data; answered with an exception; requests that got no proper
 * answer by order of the scenario; streams closed because they were not Modbus.
 */
void sim_server_print(const struct sim_server *server, FILE *out);

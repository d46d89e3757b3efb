/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_listen.h - where clients find the plant: a port on loopback, or the name of a serial device
 *
 * Says nothing and keeps nothing.
 */
#pragma once

#include <stdint.h>

#define SIM_TERMINAL_MAX 64 /* bytes of "/dev/pts/N" with its NUL */

/**
 * sim_listen_tcp() - listen on an address of 127.0.0.0/8 or ::1
 * Return: descriptor that does not block; -EADDRNOTAVAIL not loopback; -errno.
 */
int sim_listen_tcp(const char *host, uint16_t port);

/**
 * sim_listen_line() - a terminal whose other side is found under @path, by a symbolic link
 * @ret_terminal: SIM_TERMINAL_MAX bytes: the terminal's name
 * @own: the terminal that @path led to until now, "" none
 *
 * The link is put in place in one step. It replaces only one that leads to @own, to this
 * terminal, or to a terminal that is gone. Terminals know no parity: the kernel takes 8 data
 * bits and none only, and clients that insist on another (pyserial) get EINVAL.
 * Return: descriptor of our side, does not block; -EEXIST @path is something else; -errno.
 */
int sim_listen_line(const char *path, const char *own, char *ret_terminal);

/** sim_listen_remove() - take the link away, if it leads to @terminal */
void sim_listen_remove(const char *path, const char *terminal);

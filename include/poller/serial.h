/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial.h - a serial line as a descriptor
 *
 * Opening sets speed, parity and stop bits through libmodbus (modbus_new_rtu(),
 * modbus_connect()), which then is out of the way again: its way to receive takes the bytes
 * from the line while it waits in select(), one byte time-out after the other, and gives up at
 * the first frame of another unit; its way to send sleeps where RTS is switched by hand. So what
 * comes is read here, never waited for, and judged by rtu.h. Beyond the library:
 *
 * - the rate is one that it knows, for it turns every other one silently into 9600;
 * - RS-485 is switched on in the driver with polarity, delays and hearing oneself, of which the
 *   library knows nothing, and what the driver made of it is looked at;
 * - the line is ours alone, by a lock before anything is changed on it and by TIOCEXCL after:
 *   a second program that respects either gets EBUSY;
 * - VMIN is 1, so that a read of 0 bytes tells a line that is gone from one that is silent.
 *
 * Nothing here blocks, waits or retries. What is sent is a read, functions 1-4.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "poller/answer.h"

#define SERIAL_DESCRIPTOR_MAX 1023 /* as for sockets: select() in libmodbus */
#define SERIAL_RTS_MS_MAX     100  /* longer delays are cut by the kernel (serial_core.c) */

/** serial_baud_supported() - is it a rate that libmodbus 3.1.6 can set? */
bool serial_baud_supported(uint32_t baud);

/**
 * serial_open() - open a line and set it as @config says
 * @config: a checked WIRE_LINK_RTU
 *
 * Return: non-blocking descriptor, for serial_close(), which must come before the line is
 *   opened again; -EBUSY another program uses the line; -EINVAL the device does not
 *   take rate or frame; -ENOTTY it is no serial line; -EOPNOTSUPP its driver cannot switch
 *   RS-485 as wanted; -EMFILE above SERIAL_DESCRIPTOR_MAX; -errno.
 */
int serial_open(const struct wire_link *config);

/** serial_close() - throw away what was not sent, which the kernel would wait for, and close */
void serial_close(int fd);

/** serial_ask() - throw away what waits, both ways, and send a request. Return: 0; -errno. */
int serial_ask(int fd, const struct answer_question *question);

/**
 * serial_read() - take what has come
 * Return: bytes, at most @n; 0 the line is gone; -EAGAIN nothing; -errno, the line is of no use.
 */
int serial_read(int fd, uint8_t *ret, size_t n);

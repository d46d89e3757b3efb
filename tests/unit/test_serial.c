/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line on a pseudo-terminal: it takes every rate and has no parity and no RS-485, but it is
 * locked, flushed, hung up and read like any other. Where a driver with RS-485 is wanted ioctl()
 * plays it: what it is asked for is kept, and what it can do is set.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "poller/serial.h"

/* the driver that ioctl() plays while @there: @mask has the flags that it can do */
static struct {
	bool there;
	uint32_t mask;
	uint32_t always; /* flags that it cannot switch off */
	struct serial_rs485 asked;
	struct serial_rs485 is;
} driver;

int ioctl(int fd, unsigned long request, ...)
{
	struct serial_rs485 *rs485;
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (!driver.there || (request != TIOCSRS485 && request != TIOCGRS485))
		return (int)syscall(SYS_ioctl, fd, request, argument);
	rs485 = argument;
	if (request == TIOCSRS485) {
		driver.asked = *rs485;
		driver.is = *rs485;
		driver.is.flags = (driver.is.flags & driver.mask) | driver.always;
	} else {
		*rs485 = driver.is;
	}
	return 0;
}

static int open_master(struct wire_link *ret)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	*ret = (struct wire_link){
		.kind = WIRE_LINK_RTU, .baud = 9600, .parity = WIRE_PARITY_NONE, .stop_bits = 1};
	assert_int_equal(ptsname_r(master, ret->host, sizeof(ret->host)), 0);
	return master;
}

static void rates(void **state)
{
	static const struct {
		uint32_t baud;
		speed_t speed; /* 0: libmodbus would make 9600 of it */
	} cases[] = {
		{0, 0},
		{50, 0},
		{110, B110},
		{300, B300},
		{1200, B1200},
		{2400, B2400},
		{4800, B4800},
		{9600, B9600},
		{14400, 0},
		{19200, B19200},
		{38400, B38400},
		{57600, B57600},
		{115200, B115200},
		{230400, B230400},
		{250000, 0},
		{2000000, 0},
		{4000000, B4000000},
		{4000001, 0},
	};
	struct wire_link config;
	int master = open_master(&config);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct termios is;
		int fd;

		assert_int_equal(serial_baud_supported(cases[i].baud), cases[i].speed != 0);
		if (cases[i].speed == 0)
			continue;
		config.baud = cases[i].baud;
		fd = serial_open(&config);
		assert_true(fd >= 0);
		assert_int_equal(tcgetattr(fd, &is), 0);
		assert_int_equal(cfgetospeed(&is), cases[i].speed);
		assert_int_equal(cfgetispeed(&is), cases[i].speed);
		serial_close(fd);
	}
	(void)close(master);
}

/* every rate of ours is one that the library sets: a fall-back to 9600 would be seen */
static void the_library_knows_all_rates(void **state)
{
	struct wire_link config;
	int master = open_master(&config), n = 0;

	(void)state;
	for (uint32_t baud = 1; baud <= 4000000; baud++) {
		int fd;

		if (!serial_baud_supported(baud))
			continue;
		config.baud = baud;
		fd = serial_open(&config);
		assert_true(fd >= 0);
		serial_close(fd);
		n++;
	}
	assert_int_equal(n, 23);
	(void)close(master);
}

static void sets_the_line(void **state)
{
	struct wire_link config;
	int master = open_master(&config), fd;
	struct termios is;

	(void)state;
	config.stop_bits = 2;
	fd = serial_open(&config);
	assert_true(fd >= 0 && fd <= SERIAL_DESCRIPTOR_MAX);
	assert_int_equal(tcgetattr(fd, &is), 0);
	assert_true(is.c_cflag & CSTOPB);
	assert_true(is.c_cflag & CREAD);
	assert_int_equal(is.c_cflag & CSIZE, CS8);
	assert_int_equal(is.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_int_equal(is.c_iflag & (IXON | IXOFF | ICRNL | INLCR | IGNCR), 0);
	assert_int_equal(is.c_oflag & OPOST, 0);
	assert_int_equal(is.c_cc[VMIN], 1);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	serial_close(fd);
	(void)close(master);
}

static void refuses_what_is_no_line(void **state)
{
	struct wire_link config;
	int master = open_master(&config);

	(void)state;
	config.rs485 = WIRE_RS485_ENABLED; /* a pseudo-terminal has none */
	assert_int_equal(serial_open(&config), -EOPNOTSUPP);
	config.rs485 = 0;
	memcpy(config.host, "/dev/null", 10);
	assert_int_equal(serial_open(&config), -ENOTTY);
	memcpy(config.host, "/dev/ttyNONE9", 14);
	assert_int_equal(serial_open(&config), -ENOENT);
	memcpy(config.host, "/dev", 5);
	assert_int_equal(serial_open(&config), -EISDIR);
	(void)close(master);
}

/* nothing is left open by failures: the next descriptor is the same */
static void leaks_no_descriptor(void **state)
{
	struct wire_link config;
	int master = open_master(&config), first = dup(master), next;

	(void)state;
	(void)close(first);
	config.rs485 = WIRE_RS485_ENABLED;
	for (int i = 0; i < 3; i++)
		assert_int_equal(serial_open(&config), -EOPNOTSUPP);
	config.rs485 = 0;
	for (int i = 0; i < 3; i++) {
		int fd = serial_open(&config);

		assert_int_equal(fd, first);
		serial_close(fd);
	}
	next = dup(master);
	assert_int_equal(next, first);
	(void)close(next);
	(void)close(master);
}

/* the lock is there before the line is changed, so the one who has it is not disturbed */
static void one_program_at_a_time(void **state)
{
	struct wire_link config, other;
	int master = open_master(&config), fd = serial_open(&config);
	struct termios before, after;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &before), 0);
	other = config;
	other.baud = 115200;
	assert_int_equal(serial_open(&other), -EBUSY);
	assert_int_equal(tcgetattr(fd, &after), 0);
	assert_int_equal(cfgetospeed(&after), cfgetospeed(&before));
	serial_close(fd);
	fd = serial_open(&other);
	assert_true(fd >= 0);
	serial_close(fd);
	(void)close(master);
}

/* TIOCEXCL: also against programs that know no lock, unless they are root's */
static void no_other_program_can_open(void **state)
{
	struct wire_link config;
	int master = open_master(&config), fd = serial_open(&config), status, second;
	pid_t child;

	(void)state;
	assert_true(fd >= 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		second = open(config.host, O_RDWR | O_NOCTTY | O_NONBLOCK);
		(void)close(fd); /* or valgrind takes them for left open */
		(void)close(master);
		_exit(second < 0 && (errno == EBUSY || errno == EACCES) ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	serial_close(fd);
	(void)close(master);
}

static void asks_and_reads(void **state)
{
	static const struct answer_question question = {
		.unit = 17, .function = 3, .address = 107, .count = 3};
	struct wire_link config;
	int master = open_master(&config), fd = serial_open(&config);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	uint8_t bytes[16];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(serial_read(fd, bytes, sizeof(bytes)), -EAGAIN);
	assert_int_equal(write(master, "old", 3), 3);
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_int_equal(serial_ask(fd, &question), 0); /* and "old" is gone */
	assert_int_equal(read(master, bytes, sizeof(bytes)), 8);
	assert_memory_equal(bytes, "\x11\x03\x00\x6b\x00\x03\x76\x87", 8);
	assert_int_equal(serial_read(fd, bytes, sizeof(bytes)), -EAGAIN);
	assert_int_equal(write(master, "\x00\x0a\x0d\x11\x13\xff", 6), 6);
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_int_equal(serial_read(fd, bytes, sizeof(bytes)), 6); /* as they are */
	assert_memory_equal(bytes, "\x00\x0a\x0d\x11\x13\xff", 6);
	serial_close(fd);
	(void)close(master);
}

/* faults: U2 */
static void a_line_that_is_gone(void **state)
{
	static const struct answer_question question = {.unit = 1, .function = 3, .count = 1};
	struct wire_link config;
	int master = open_master(&config), fd = serial_open(&config), r;
	uint8_t bytes[16];

	(void)state;
	assert_true(fd >= 0);
	(void)close(master);
	r = serial_read(fd, bytes, sizeof(bytes));
	assert_true(r == 0 || r == -EIO);
	assert_int_equal(serial_ask(fd, &question), -EIO);
	serial_close(fd);
	r = serial_open(&config);
	assert_true(r < 0 && r != -EBUSY);
}

/* TIOCSRS485 after the line is open: delays, polarity, hearing oneself; what a driver cannot do is
 * no line, except that hearing oneself does no harm */
static void switches_the_driver(void **state)
{
	enum {
		ON = SER_RS485_ENABLED,
		HIGH = SER_RS485_RTS_ON_SEND,
		LOW = SER_RS485_RTS_AFTER_SEND,
		HEARS = SER_RS485_RX_DURING_TX,
	};
	static const struct {
		uint8_t rs485;
		uint32_t mask;
		uint32_t always;
		uint32_t flags; /* that the driver is asked for */
		int r;
	} rows[] = {
		{0, UINT32_MAX, 0, 0, 0}, /* not touched */
		{WIRE_RS485_ENABLED, UINT32_MAX, 0, ON | HIGH, 0},
		{WIRE_RS485_ENABLED | WIRE_RS485_RTS_LOW_ON_SEND, UINT32_MAX, 0, ON | LOW, 0},
		{WIRE_RS485_ENABLED | WIRE_RS485_RX_DURING_TX, UINT32_MAX, 0, ON | HIGH | HEARS, 0},
		{WIRE_RS485_ENABLED | WIRE_RS485_RTS_LOW_ON_SEND | WIRE_RS485_RX_DURING_TX,
		 UINT32_MAX, 0, ON | LOW | HEARS, 0},
		{WIRE_RS485_ENABLED, UINT32_MAX, HEARS, ON | HIGH, 0},
		{WIRE_RS485_ENABLED, (uint32_t)~ON, 0, ON | HIGH, -EOPNOTSUPP},
		{WIRE_RS485_ENABLED, (uint32_t)~HIGH, 0, ON | HIGH, -EOPNOTSUPP},
		{WIRE_RS485_ENABLED | WIRE_RS485_RTS_LOW_ON_SEND, (uint32_t)~LOW, HIGH, ON | LOW,
		 -EOPNOTSUPP},
	};
	struct wire_link config;
	int master = open_master(&config);

	(void)state;
	config.rts_before_ms = 3;
	config.rts_after_ms = 100;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd;

		memset(&driver, 0, sizeof(driver));
		driver.there = true;
		driver.mask = rows[i].mask;
		driver.always = rows[i].always;
		config.rs485 = rows[i].rs485;
		fd = serial_open(&config);
		driver.there = false;
		if (rows[i].r < 0 ? fd != rows[i].r : fd < 0)
			fail_msg("row %zu: %d", i, fd);
		assert_int_equal(driver.asked.flags, rows[i].flags);
		assert_int_equal(driver.asked.delay_rts_before_send, rows[i].flags ? 3 : 0);
		assert_int_equal(driver.asked.delay_rts_after_send, rows[i].flags ? 100 : 0);
		if (fd >= 0)
			serial_close(fd);
	}
	(void)close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(the_library_knows_all_rates),
		cmocka_unit_test(sets_the_line),
		cmocka_unit_test(refuses_what_is_no_line),
		cmocka_unit_test(switches_the_driver),
		cmocka_unit_test(leaks_no_descriptor),
		cmocka_unit_test(one_program_at_a_time),
		cmocka_unit_test(no_other_program_can_open),
		cmocka_unit_test(asks_and_reads),
		cmocka_unit_test(a_line_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <modbus/modbus.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#undef MIN /* modbus.h brings those of sys/param.h */
#undef MAX
#include "poller/rtu.h"
#include "poller/serial.h"

_Static_assert(SERIAL_DESCRIPTOR_MAX < FD_SETSIZE, "select() in libmodbus");

/* _get_termios_speed() of libmodbus 3.1.6 (src/modbus-rtu.c) */
static const struct {
	uint32_t baud;
	speed_t speed;
} rates[] = {
	{110, B110},	     {300, B300},	  {600, B600},	       {1200, B1200},
	{2400, B2400},	     {4800, B4800},	  {9600, B9600},       {19200, B19200},
	{38400, B38400},     {57600, B57600},	  {115200, B115200},   {230400, B230400},
	{460800, B460800},   {500000, B500000},	  {576000, B576000},   {921600, B921600},
	{1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000}, {2500000, B2500000},
	{3000000, B3000000}, {3500000, B3500000}, {4000000, B4000000},
};

/* B0, which hangs up, stands for a rate that is not there */
static speed_t speed_of(uint32_t baud)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		if (rates[i].baud == baud)
			return rates[i].speed;
	return B0;
}

bool serial_baud_supported(uint32_t baud)
{
	return speed_of(baud) != B0;
}

/*
 * The library opens the device once more, sets it, and is made to forget its descriptor: the
 * settings are the line's, not the descriptor's.
 */
static int set_line(const struct wire_link *config)
{
	modbus_t *context = modbus_new_rtu(config->host, (int)config->baud, (char)config->parity, 8,
					   config->stop_bits);
	int r = 0;

	if (!context)
		return errno > 0 && errno < MODBUS_ENOBASE ? -errno : -ENOMEM;
	errno = 0; /* 3.1.6 leaves it alone in some failures */
	if (modbus_connect(context) < 0) {
		r = errno > 0 && errno < MODBUS_ENOBASE ? -errno : -EIO;
	} else {
		/* modbus_close() would set the line back to what it was */
		(void)close(modbus_get_socket(context)); /* nothing was sent */
		(void)modbus_set_socket(context, -1);	 /* fails for no context only */
	}
	modbus_free(context);
	return r;
}

/*
 * Drivers take the nearest they can do and say so on being asked only. Parity is not compared:
 * pseudo-terminals have none, and a line whose parity is not as wanted gives no answers.
 */
static int check_line(int fd, const struct wire_link *config)
{
	struct termios is;

	if (tcgetattr(fd, &is) < 0)
		return -errno;
	if (cfgetospeed(&is) != speed_of(config->baud) || (is.c_cflag & CSIZE) != CS8)
		return -EINVAL;
	is.c_cc[VMIN] = 1;
	is.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &is) < 0 ? -errno : 0;
}

static int set_rs485(int fd, const struct wire_link *config)
{
	struct serial_rs485 wanted = {
		.flags = SER_RS485_ENABLED,
		.delay_rts_before_send = config->rts_before_ms,
		.delay_rts_after_send = config->rts_after_ms,
	};
	struct serial_rs485 is = {0};

	if (!(config->rs485 & WIRE_RS485_ENABLED))
		return 0;
	wanted.flags |= config->rs485 & WIRE_RS485_RTS_LOW_ON_SEND ? SER_RS485_RTS_AFTER_SEND
								   : SER_RS485_RTS_ON_SEND;
	if (config->rs485 & WIRE_RS485_RX_DURING_TX)
		wanted.flags |= SER_RS485_RX_DURING_TX;
	if (ioctl(fd, TIOCSRS485, &wanted) < 0 || ioctl(fd, TIOCGRS485, &is) < 0)
		return errno == ENOTTY || errno == EINVAL ? -EOPNOTSUPP : -errno;
	/* hearing oneself is harmless where it cannot be switched off: echoes are skipped */
	if ((is.flags ^ wanted.flags) &
	    (SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND | SER_RS485_RTS_AFTER_SEND))
		return -EOPNOTSUPP;
	return 0;
}

/* locked before anything is changed: another program may be using it */
static int take_line(int fd, const struct wire_link *config)
{
	int r;

	if (fd > SERIAL_DESCRIPTOR_MAX)
		return -EMFILE;
	if (!isatty(fd))
		return -ENOTTY;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = set_line(config);
	if (r == 0)
		r = check_line(fd, config);
	if (r == 0)
		r = set_rs485(fd, config);
	if (r == 0 && ioctl(fd, TIOCEXCL) < 0)
		r = -errno;
	return r;
}

int serial_open(const struct wire_link *config)
{
	int fd = open(config->host, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = take_line(fd, config);
	if (r == 0)
		return fd;
	(void)close(fd); /* nothing was sent */
	return r;
}

void serial_close(int fd)
{
	(void)tcflush(fd, TCIOFLUSH); /* fails where the line is gone: nothing waits then */
	(void)ioctl(fd, TIOCNXCL);    /* outlives us where another program has it open */
	(void)close(fd);	      /* reads only: nothing can be lost */
}

int serial_ask(int fd, const struct answer_question *question)
{
	uint8_t frame[RTU_REQUEST_BYTES];
	ssize_t n;

	rtu_ask(question, frame);
	if (tcflush(fd, TCIOFLUSH) < 0)
		return -errno;
	n = write(fd, frame, sizeof(frame));
	if (n < 0)
		return -errno;
	/* with one request outstanding the send buffer is empty: less means it is broken */
	return n == (ssize_t)sizeof(frame) ? 0 : -ENOBUFS;
}

int serial_read(int fd, uint8_t *ret, size_t n)
{
	ssize_t got = read(fd, ret, n);

	if (got < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return (int)got;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a program: a system that lies about having written. The control of the power-loss
 * rig, which must find what is lost then.
 */
#include <unistd.h>

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

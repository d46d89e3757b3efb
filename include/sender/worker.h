/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - the other end of uploads.h: the process that makes one upload
 */
#pragma once

#define WORKER_OPTION "one-upload" /* with "--": how the program is told to be one */

/**
 * worker_run() - take one job from socket @fd, make the attempt, send its result there
 * @credentials: see transfers_new()
 *
 * Call once per process, which should end then. Ends with its parent.
 * Return: 0, the result was sent; -EBADMSG no job of ours; -EIO libcurl cannot be
 *   initialised; -errno.
 */
int worker_run(int fd, const char *credentials);

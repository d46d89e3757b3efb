/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_post.h - one HTTP request, and the callbacks that take the answer in
 */
#pragma once

#include "sender/attempt.h"

/** attempt_post_check() - NULL: the job is allowed; else why not, without a full stop */
const char *attempt_post_check(struct attempt *attempt);

/** attempt_post_prepare() - set all options; after attempt_post_check(). Return: 0; -ENOMEM. */
int attempt_post_prepare(struct attempt *attempt);

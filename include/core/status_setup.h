/* SPDX-License-Identifier: Apache-2.0 */
/* status_setup.h - what status.json says of keys that are lacking and of the last reload */
#pragma once

#include <jansson.h>

struct service;

/** status_set_up() - add "credentials_missing" and "reload" to status.json's object */
void status_set_up(const struct service *service, json_t *object);

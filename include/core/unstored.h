/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unstored.h - reports that the record cannot take now, on their way all the same
 */
#pragma once

#include "core/service.h"

/** unstored_send() - send the batch's reports of incidents that were not sent yet */
void unstored_send(struct service *service);

/** unstored_waits() - is there one that was not handed over yet? */
bool unstored_waits(const struct service *service);

/** unstored_forget() - they are stored now and go from the record */
void unstored_forget(struct service *service);

/**
 * unstored_body() - a report's body, marked as not stored
 * @body: JSON or CAP
 * @base: end of the chain on disk, which is what the report may vouch for
 * Return: allocated; NULL no memory, or it is no report.
 */
char *unstored_body(const char *body, const struct chain *base);

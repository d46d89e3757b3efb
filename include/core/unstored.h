/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unstored.h - reports that the record cannot take now, on their way all the same
 */
#pragma once

#include "core/service.h"

/** unstored_send() - send the batch's reports of incidents that were not sent yet */
void unstored_send(struct service *service);

/** unstored_forget() - they are stored now and go from the record */
void unstored_forget(struct service *service);

/**
 * unstored_body() - a report's body, marked as not stored, and without its place in the record
 * @body: JSON or CAP
 * Return: allocated; NULL no memory, or it is no report.
 */
char *unstored_body(const char *body);

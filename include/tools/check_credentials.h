/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_credentials.h - are the credentials there that a configuration names? Asked before a reload
 *
 * Looked at, the first that there is:
 *
 *   $CREDENTIALS_DIRECTORY  what the service manager has handed over, of the core's
 *   --credentials DIR       where it was given: the core's
 *   the units               LoadCredential=, LoadCredentialEncrypted= and SetCredential= of
 *                           wastewatchd.service, wastewatch-sender.service and their drop-ins, and
 *                           the files that those name; for the configuration of the service, or
 *                           where $SYSTEMD_UNIT_PATH says which units
 *
 * Reads names, and no credential but for "is it empty?". Never asks the service manager.
 */
#pragma once

#include <stdio.h>

#include "core/config.h"
#include "tools/command.h"

enum credentials_seen {
	CREDENTIALS_SEEN,
	CREDENTIALS_PARTLY, /* the caller may not look at some */
	CREDENTIALS_UNSEEN, /* nothing says where they would be */
};

/**
 * check_credentials() - warn of each that is not there
 * @out: a line each, beginning with "warning: "
 */
enum credentials_seen check_credentials(const struct config *config,
					const struct command_options *options, FILE *out);

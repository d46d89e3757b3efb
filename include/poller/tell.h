/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tell.h - sentences for people about what a unit refuses; decides nothing
 */
#pragma once

#include "common/wire.h"
#include "poller/link.h"

/**
 * tell_part() - a part of a request is refused from now on, or read again
 * @link: name of the link
 * @id: of the unit
 * @action: LINK_PART_REFUSED or LINK_PART_ACCEPTED
 */
void tell_part(const char *link, unsigned int id, const struct wire_request *request,
	       const struct link_action *action);

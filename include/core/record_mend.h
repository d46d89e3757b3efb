/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_mend.h - what in outbox and incidents does not follow from the chain is found, and put
 * right at a start
 */
#pragma once

#include <stdint.h>

#include "core/record.h"

/**
 * struct record_mended
 * @n_turns: rows that waited for another turn, or in another place, than is due
 * @n_incidents: whose row did not say what the chain says; @incident: the first of them
 * @n_released: rows that were held, and no entry says so; @report: the first of them
 */
struct record_mended {
	int64_t n_turns;
	int64_t n_released;
	int64_t n_incidents;
	char report[160];
	char incident[INCIDENT_ID_MAX];
};

/**
 * record_mend() - in one transaction
 * @after: incidents of which entries behind this one speak
 * Return: 0; -errno.
 */
int record_mend(struct record *record, uint64_t after, struct record_mended *ret);

/** record_mend_incidents() - a part of it; within its transaction */
int record_mend_incidents(struct record *record, uint64_t after, struct record_mended *ret);

/** record_stopped() - each report and file that is held; @reason: "" none. Return: 0; -errno. */
int record_stopped(struct record *record,
		   void (*each)(void *userdata, const char *report, const char *destination,
				const char *reason),
		   void *userdata);

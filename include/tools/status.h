/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - how the files of `wastewatch status` work together; for them only
 *
 * What is found goes into a picture, first all of what needs attention, then it is printed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/history.h"
#include "tools/command.h"

/** enum rank - how urgent a line is; in this order they are shown */
enum rank {
	RANK_BLIND, /* nothing is watched, stored or told */
	RANK_WASTE, /* something is let go */
	RANK_FAULT, /* a part of the plant's or of our own does not work */
	RANK_LATER, /* somebody should see to it */
	N_RANKS,
};

/**
 * struct picture - all there is to say
 * @live: NULL the daemon is down
 * @attention: per rank an array of {"text", "kind"}; a kind is the command that shows all of them
 * @zone_min: of the record, minutes ahead of UTC
 */
struct picture {
	const struct command_options *options;
	json_t *live;
	json_t *raised;
	json_t *incidents;
	int64_t n_unclosed;
	size_t n_unseen; /* alarms that nobody has acknowledged */
	size_t n_shelved, n_suppressed, n_out;
	json_t *attention[N_RANKS];
	struct history_outbox outbox;
	bool has_record;
	int64_t head;
	int zone_min;
	int64_t now_ms;
};

/**
 * attend() - a line for something that is not in order; translated
 * @kind: name of the command that lists more like it, so that many become one line; NULL always
 * shown
 */
void attend(struct picture *picture, enum rank rank, const char *kind, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** status_look() - all of the picture that the daemon tells */
void status_look(struct picture *picture);

/** status_look_storage() - the part of it about disk and journal */
void status_look_storage(struct picture *picture);

/** status_look_record() - the part of it about the record and who holds it */
void status_look_record(struct picture *picture);

/** status_clock() - is this machine's clock synchronised, as the kernel knows? */
bool status_clock(void);

/** status_summary() - a line for each part of the whole, right or wrong */
void status_summary(const struct picture *picture);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - texts, times and numbers in JSON objects, as entries and reports write them
 *
 * What is absent is left out: an empty text, a time of 0. Out of memory leaves out, too; whoever
 * prints the object notices. Pure: no clock, no I/O.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/** field_set_text() - nothing where @text is empty or NULL */
void field_set_text(json_t *object, const char *key, const char *text);

/** field_set_moment() - RFC 3339 as clock_format() writes it; @zone_min: minutes ahead of UTC */
void field_set_moment(json_t *object, const char *key, int64_t wall_ms, int zone_min);

/** field_set_time() - as field_set_moment(); nothing where @wall_ms is 0 */
void field_set_time(json_t *object, const char *key, int64_t wall_ms, int zone_min);

/** field_set_value() - a measured value, a decimal string as event_value_text() writes it */
void field_set_value(json_t *object, const char *key, double value);

/** field_text() - a text of an object; "" where there is none */
const char *field_text(const json_t *object, const char *key);

/** field_number() - an integer of an object; 0 where there is none */
int64_t field_number(const json_t *object, const char *key);

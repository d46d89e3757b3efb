/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_table.h - registers in every decoding, so that the right one jumps to the eye
 *
 * Every value comes from core/decode.h: it is what the daemon would read. Prints; reads no
 * clock and no device.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/config.h"
#include "tools/probe_target.h"

#define PROBE_VALUE_MAX 40 /* bytes of a value as text */

/**
 * struct probe_picture - what was read
 * @words: by register from @range's first; of bits one word each, 0 or 1
 * @have: is it there?
 */
struct probe_picture {
	struct probe_range range;
	const struct probe_target *target;
	const struct config *config; /* NULL none */
	const uint16_t *words;
	const bool *have;
};

/**
 * probe_decode() - registers as a value of @type in @order
 * @order: letters, as decode_order_parse() takes them
 * Return: 0; -EDOM they are no number.
 */
int probe_decode(enum decode_type type, const char *order, const uint16_t *words, double *ret);

/**
 * probe_is_plausible() - could an instrument mean it?
 *
 * Not so a float beyond 1e9, or nearer to 0 than 1e-6 without being 0, and not a whole number
 * of 32 or 64 bits beyond 1e9: what wrong orders give nearly always.
 */
bool probe_is_plausible(enum decode_type type, double value);

/** probe_value_text() - "123.456"; in brackets what is not plausible; "-" what is no number */
void probe_value_text(enum decode_type type, const char *order, const uint16_t *words,
		      char text[static PROBE_VALUE_MAX]);

/** probe_print_heading() - both notations of the addresses */
void probe_print_heading(const struct probe_picture *picture, FILE *out);

/** probe_print() - registers, pairs and quadruples, and the configured channels among them */
void probe_print(const struct probe_picture *picture, FILE *out);

struct json_t;

/** probe_json() - the same for jansson. Return: to be released by the caller. */
struct json_t *probe_json(const struct probe_picture *picture);

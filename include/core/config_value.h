/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_value.h - one value against its row of the schema
 *
 * Pure but for the copies of texts that it hands out; knows neither files nor places.
 */
#pragma once

#include "core/config_schema.h"

#define CONFIG_WHY_MAX	   512 /* bytes of a reason, "what is wrong; allowed: …" */
#define CONFIG_ALLOWED_MAX 400

/**
 * config_value_parse() - the @i-th element of a value into @field
 * @why: why it is bad; untouched when it is good
 * Return: 1 good; 0 bad; -ENOMEM.
 */
int config_value_parse(const struct config_option *option, const char *text, size_t i, void *field,
		       char why[static CONFIG_WHY_MAX]);

/** config_allowed_text() - what may stand behind a key, in words */
void config_allowed_text(const struct config_option *option, char text[static CONFIG_ALLOWED_MAX]);

/** config_complain() - @what and what is allowed, as a reason. Return: false. */
bool config_complain(char why[static CONFIG_WHY_MAX], const struct config_option *option,
		     const char *what);

/** config_append_text() - printf() to the end of a text of @n bytes; cut where that ends */
void config_append_text(char *text, size_t n, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_text.h"
#include "core/config_value.h"

void config_append_text(char *text, size_t n, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + used, n - used, format, arguments);
	va_end(arguments);
}

void config_allowed_text(const struct config_option *option, char text[static CONFIG_ALLOWED_MAX])
{
	char min[CONFIG_DURATION_MAX], max[CONFIG_DURATION_MAX];

	text[0] = '\0';
	switch (option->type) {
	case OPTION_TEXT:
		config_append_text(text, CONFIG_ALLOWED_MAX, "a text of up to %.0f bytes",
				   option->max);
		break;
	case OPTION_INTEGER:
		config_append_text(text, CONFIG_ALLOWED_MAX, "a whole number from %.0f to %.0f",
				   option->min, option->max);
		break;
	case OPTION_NUMBER:
	case OPTION_NUMBERS:
		config_append_text(text, CONFIG_ALLOWED_MAX, "%s",
				   option->type == OPTION_NUMBER ? "a number"
								 : "two numbers, [A, B]");
		if (isfinite(option->min))
			config_append_text(text, CONFIG_ALLOWED_MAX, " from %g to %g", option->min,
					   option->max);
		break;
	case OPTION_DURATION:
	case OPTION_DURATIONS:
		config_duration_format((int64_t)option->min * option->unit_us, min);
		config_duration_format((int64_t)option->max * option->unit_us, max);
		config_append_text(
			text, CONFIG_ALLOWED_MAX, "%s from %s to %s, with us, ms, s, min, h or d",
			option->type == OPTION_DURATION ? "a duration" : "two durations, [A, B],",
			min, max);
		break;
	case OPTION_CHOICE:
		for (const struct config_choice *c = option->choices; c->text; c++)
			config_append_text(text, CONFIG_ALLOWED_MAX, "%s%s",
					   c == option->choices ? "" : (c[1].text ? ", " : " or "),
					   c->text);
		break;
	case OPTION_CODES:
		config_append_text(text, CONFIG_ALLOWED_MAX,
				   "a list of up to %d whole numbers, such as [0x7FFF]",
				   DECODE_INVALID_MAX);
		break;
	case OPTION_NAMES:
		config_append_text(text, CONFIG_ALLOWED_MAX, "a list of up to %.0f names, [A, B]",
				   option->max);
		break;
	case OPTION_LIST:
		config_append_text(text, CONFIG_ALLOWED_MAX,
				   "a list of mappings, each begun by \"- \"");
		break;
	}
}

bool config_complain(char why[static CONFIG_WHY_MAX], const struct config_option *option,
		     const char *what)
{
	char allowed[CONFIG_ALLOWED_MAX];

	config_allowed_text(option, allowed);
	(void)snprintf(why, CONFIG_WHY_MAX, "%s; allowed: %s", what, allowed);
	return false;
}

static void store_integer(void *field, size_t size, uint64_t value)
{
	uint8_t u8 = (uint8_t)value;
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	assert(size == 1 || size == 2 || size == 4 || size == 8);
	memcpy(field,
	       size == 1   ? (const void *)&u8
	       : size == 2 ? (const void *)&u16
	       : size == 4 ? (const void *)&u32
			   : (const void *)&value,
	       size);
}

static bool parse_integer(const struct config_option *option, const char *text, void *field,
			  char why[static CONFIG_WHY_MAX])
{
	uint64_t value;
	int r = config_integer_parse(text, &value);

	if (r == -EDOM)
		return config_complain(why, option,
				       "it has a leading zero, which some read as octal");
	if (r == -EINVAL)
		return config_complain(why, option, "it is not a whole number");
	if (r < 0 || (double)value < option->min || (double)value > option->max)
		return config_complain(why, option, "it is out of range");
	store_integer(field, option->size, value);
	return true;
}

static bool parse_number(const struct config_option *option, const char *text, size_t i,
			 double *field, char why[static CONFIG_WHY_MAX])
{
	int r = config_number_parse(text, &field[i]);

	if (r == -ERANGE)
		return config_complain(why, option, "it is too large for a number");
	if (r < 0)
		return config_complain(why, option, "it is not a number");
	return (field[i] >= option->min && field[i] <= option->max) ||
	       config_complain(why, option, "it is out of range");
}

static bool parse_duration(const struct config_option *option, const char *text, size_t i,
			   uint32_t *field, char why[static CONFIG_WHY_MAX])
{
	int64_t us;
	int r = config_duration_parse(text, &us);

	if (r == -EDOM)
		return config_complain(why, option, "it has no unit");
	if (r == -EINVAL)
		return config_complain(why, option, "it is not a duration");
	if (r < 0 || (double)us > option->max * (double)option->unit_us)
		return config_complain(why, option, "it is too long");
	if ((double)us < option->min * (double)option->unit_us)
		return config_complain(why, option, "it is too short");
	if (us % option->unit_us != 0)
		return config_complain(why, option,
				       option->unit_us > 1000
					       ? "it is not a whole number of days"
					       : "it is not a whole number of milliseconds");
	field[i] = (uint32_t)(us / option->unit_us);
	return true;
}

static bool parse_choice(const struct config_option *option, const char *text, void *field,
			 char why[static CONFIG_WHY_MAX])
{
	bool numbers = false;

	for (const struct config_choice *c = option->choices; c->text; c++) {
		if (strcmp(c->text, text) == 0) {
			store_integer(field, option->size, c->value);
			return true;
		}
		numbers = isdigit((unsigned char)c->text[0]);
	}
	return config_complain(why, option,
			       numbers ? "it is none of these numbers" : "there is no such word");
}

static bool parse_code(const struct config_option *option, const char *text, size_t i,
		       struct config_codes *field, char why[static CONFIG_WHY_MAX])
{
	if (i >= DECODE_INVALID_MAX)
		return config_complain(why, option, "it is one code too many");
	if (config_integer_parse(text, &field->value[i]) < 0)
		return config_complain(why, option, "it is not a whole number of up to 64 bits");
	field->n = i + 1;
	return true;
}

static int parse_text(const struct config_option *option, const char *text, char **field,
		      char why[static CONFIG_WHY_MAX])
{
	const char *wrong = config_text_check(text);

	bool may_be_empty = option->standard && !*option->standard;

	if (!wrong && option->check && (*text || !may_be_empty))
		wrong = option->check(text);
	if (wrong) {
		(void)snprintf(why, CONFIG_WHY_MAX, "%s", wrong);
		return 0;
	}
	if ((double)strlen(text) > option->max)
		return config_complain(why, option, "it is too long");
	free(*field);
	*field = strdup(text);
	return *field ? 1 : -ENOMEM;
}

static int parse_word(const struct config_option *option, const char *text, size_t i,
		      struct config_words *field, char why[static CONFIG_WHY_MAX])
{
	const char *wrong = config_name_check(text);

	assert(option->max <= CONFIG_WORDS_MAX);
	if (i >= (size_t)option->max)
		return config_complain(why, option, "it is one name too many");
	if (wrong) {
		(void)snprintf(why, CONFIG_WHY_MAX, "%s", wrong);
		return 0;
	}
	field->text[i] = strdup(text);
	if (!field->text[i])
		return -ENOMEM;
	field->n = i + 1;
	return 1;
}

int config_value_parse(const struct config_option *option, const char *text, size_t i, void *field,
		       char why[static CONFIG_WHY_MAX])
{
	switch (option->type) {
	case OPTION_TEXT:
		return parse_text(option, text, field, why);
	case OPTION_INTEGER:
		return parse_integer(option, text, field, why);
	case OPTION_NUMBER:
	case OPTION_NUMBERS:
		return parse_number(option, text, i, field, why);
	case OPTION_DURATION:
	case OPTION_DURATIONS:
		return parse_duration(option, text, i, field, why);
	case OPTION_CHOICE:
		return parse_choice(option, text, field, why);
	case OPTION_CODES:
		return parse_code(option, text, i, field, why);
	case OPTION_NAMES:
		return parse_word(option, text, i, field, why);
	case OPTION_LIST:
		break;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_rows.h - how the tables of keys are written; for the files that hold them only
 */
#pragma once

#include <math.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/config_schema.h"

#define FIELD(object, field) offsetof(struct object, field), sizeof(((struct object *)0)->field)
#define REQUIRED	     NULL
#define GROUP_HOOKS(what_, options_, object, base_, finish_, done_) \
	{                                                           \
		.what = what_,                                      \
		.options = options_,                                \
		.n_options = ARRAY_SIZE(options_),                  \
		.size = sizeof(struct object),                      \
		.base = base_,                                      \
		.finish = finish_,                                  \
		.done = done_,                                      \
	};                                                          \
	_Static_assert(ARRAY_SIZE(options_) <= CONFIG_OPTIONS_MAX, "raise CONFIG_OPTIONS_MAX")
#define GROUP_ON(what_, options_, object, base_, finish_) \
	GROUP_HOOKS(what_, options_, object, base_, finish_, NULL)
#define GROUP(what_, options_, object, finish_) GROUP_ON(what_, options_, object, NULL, finish_)

/* One line per key: key, type, field, default, min, max, help. */
#define TEXT(key_, field_, standard_, max_, check_, help_)                                  \
	{                                                                                   \
		key_, OPTION_TEXT, field_, standard_, 0, max_, help_, 0, NULL, check_, NULL \
	}
#define INTEGER(key_, field_, standard_, min_, max_, help_)                                     \
	{                                                                                       \
		key_, OPTION_INTEGER, field_, standard_, min_, max_, help_, 0, NULL, NULL, NULL \
	}
#define NUMBER(key_, field_, standard_, help_)                                                     \
	{                                                                                          \
		key_, OPTION_NUMBER, field_, standard_, -HUGE_VAL, HUGE_VAL, help_, 0, NULL, NULL, \
			NULL                                                                       \
	}
#define NUMBER_IN(key_, field_, standard_, min_, max_, help_)                                  \
	{                                                                                      \
		key_, OPTION_NUMBER, field_, standard_, min_, max_, help_, 0, NULL, NULL, NULL \
	}
#define NUMBERS(key_, field_, standard_, help_)                                               \
	{                                                                                     \
		key_, OPTION_NUMBERS, field_, standard_, -HUGE_VAL, HUGE_VAL, help_, 0, NULL, \
			NULL, NULL                                                            \
	}
#define NUMBERS_IN(key_, field_, standard_, min_, max_, help_)                                  \
	{                                                                                       \
		key_, OPTION_NUMBERS, field_, standard_, min_, max_, help_, 0, NULL, NULL, NULL \
	}
#define DURATION(key_, field_, standard_, min_, max_, unit_, help_)                             \
	{                                                                                       \
		key_, OPTION_DURATION, field_, standard_, min_, max_, help_, unit_, NULL, NULL, \
			NULL                                                                    \
	}
#define DURATIONS(key_, field_, standard_, min_, max_, unit_, help_)                             \
	{                                                                                        \
		key_, OPTION_DURATIONS, field_, standard_, min_, max_, help_, unit_, NULL, NULL, \
			NULL                                                                     \
	}
#define CHOICE(key_, field_, standard_, choices_, help_)                                     \
	{                                                                                    \
		key_, OPTION_CHOICE, field_, standard_, 0, 0, help_, 0, choices_, NULL, NULL \
	}
#define CODES(key_, field_, help_)                                               \
	{                                                                        \
		key_, OPTION_CODES, field_, "", 0, 0, help_, 0, NULL, NULL, NULL \
	}
#define NAMES(key_, field_, standard_, max_, help_)                                        \
	{                                                                                  \
		key_, OPTION_NAMES, field_, standard_, 0, max_, help_, 0, NULL, NULL, NULL \
	}
#define LIST(key_, min_, group_, help_)                                            \
	{                                                                          \
		key_, OPTION_LIST, 0, 0, "", min_, 0, help_, 0, NULL, NULL, group_ \
	}

#define MS     US_PER_MS
#define DAY    (MS_PER_DAY * US_PER_MS)
#define S_MS   1000.0
#define M_MS   (60 * S_MS)
#define H_MS   (60 * M_MS)
#define D_MS   (24 * H_MS)
#define MINUTE (MS_PER_MIN * US_PER_MS)
#define D_MIN  (24 * 60.0)
#define ROSTER 500  /* bytes of a line of the site's roster; goes into reports */
#define TITLE  200  /* bytes of a title */
#define PROSE  1000 /* bytes of an origin or advice; goes into reports */
#define RTS    100  /* ms; what the kernel takes: RS485_MAX_RTS_DELAY of serial_core.c */
#define MASK   4294967295.0
#define PATH   98 /* SITE/SOURCE/CHANNEL */

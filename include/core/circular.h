/* SPDX-License-Identifier: Apache-2.0 */
/*
 * circular.h - the department's data file: written strictly, read tolerantly
 *
 * Circular 10/2021/TT-BTNMT, as real stations send it (form and marks: real files and public
 * loggers [C], not the text of the law): "TenTinh_TenCoSo_TenTram_yyyyMMddHHmmss.txt", UTF-8,
 * no header, a row per parameter of five columns parted by TAB:
 *
 *   symbol  value  unit  yyyyMMddHHmmss  status
 *
 * each on a line of its own, or all on one line. Times are local and bear no zone.
 *
 * What stands for a five-minute window (circular_row_of()):
 *
 *   window                                        value            status
 *   no good value in it                           what "missing"   the worst; 02 if nothing came
 *                                                 says
 *   not enough of it captured                     mean of the      the worst, never 00
 *                                                 good values
 *   enough captured, and the device said of       mean of the      the worst
 *   itself or the values showed something else    good values
 *   enough captured, and nothing worse than       mean of the      00
 *   answers that did not come, or a plant that    good values
 *   did not run for a while
 *
 * The worst of the samples counts, 02 > 01 > 00, and no samples are 02 [C: four public loggers
 * do so]; codes of the qualities: quality.h. A reading that failed on its way is no sample: one
 * lost answer among three hundred does not make the device faulty, so that such readings
 * count by the capture only. One that is out of range does count: it may be the very
 * exceedance that somebody looks for. Nothing is ever written that was not measured.
 *
 * Pure: no clock, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/quality.h"
#include "core/window.h"

#define CIRCULAR_TIME_MAX     15      /* bytes of yyyyMMddHHmmss with its NUL */
#define CIRCULAR_VALUE_MAX    352     /* bytes of the longest double without an exponent */
#define CIRCULAR_ERROR_MAX    192     /* bytes of a sentence about what is wrong */
#define CIRCULAR_FILE_MAX     1048576 /* bytes that are read of one file */
#define CIRCULAR_DECIMALS_MAX 9

/**
 * struct circular_row - one parameter
 * @symbol: never empty
 * @unit: "" none
 * @time_ms: UTC
 * @value: finite; counts if @has_value
 * @quality: good, or what its code stands for. Status 03, maintenance, is one logger's own
 *   [C]: understood, but written as 01, which is what the Circular has.
 */
struct circular_row {
	const char *symbol;
	const char *unit;
	int64_t time_ms;
	double value;
	bool has_value;
	enum quality quality;
};

/** struct circular_file - rows of a file; their texts live in @text */
struct circular_file {
	struct circular_row *rows;
	size_t n_rows;
	char *text;
};

/**
 * circular_row_of() - what stands for a window, see above
 * @row: NULL: nothing came
 */
struct circular_row circular_row_of(const struct config_parameter *parameter,
				    const struct window_row *row, int64_t time_ms);

/** circular_time() - "20260325000000", in local time; years as in clock_format() */
void circular_time(int64_t wall_ms, int zone_min, char text[static CIRCULAR_TIME_MAX]);

/**
 * circular_value() - at most @decimals places, trailing zeros and a bare point cut off
 * Never an exponent, never "-0".
 */
void circular_value(double value, unsigned int decimals, char text[static CIRCULAR_VALUE_MAX]);

/**
 * circular_compose() - the bytes of a file
 * @station: form, decimals and what stands for a missing value
 * @ret: NUL-terminated, freed by the caller
 *
 * A row that is good but has no value is written as 02: it cannot be.
 * Return: 0; -EINVAL a symbol is empty, or a text holds a control character, which would
 *   move the columns; -ENOMEM.
 */
int circular_compose(const struct config_station *station, int zone_min,
		     const struct circular_row *rows, size_t n_rows, char **ret);

/**
 * circular_parse() - read a file
 * @text: @n bytes, need not be terminated
 * @missing: what stands for a missing value beside nothing and dashes; NULL nothing more
 * @error: filled on -EBADMSG: "line 3: …"
 *
 * Tolerates both forms, mixed too, CR LF, a byte order mark, blank lines, TABs at the end,
 * spaces around fields, any symbol. Refuses what would make a value up: a row without its
 * five columns, a number, time or status that is none, a NUL.
 * Return: 0, @ret to be given back with circular_file_done(); -EBADMSG; -ENOMEM.
 */
int circular_parse(struct circular_file *ret, const char *text, size_t n, int zone_min,
		   const char *missing, char error[static CIRCULAR_ERROR_MAX]);

void circular_file_done(struct circular_file *file);

/**
 * circular_name_parse() - "TB_CAPH_NUOSXL_20260325000000.txt": who and when
 * @ret_n_prefix: bytes in front of the "_" before the time, > 0
 * Return: 0; -EINVAL it is no such name.
 */
int circular_name_parse(const char *name, int zone_min, size_t *ret_n_prefix, int64_t *ret_time_ms);

/**
 * circular_path() - where a station's file goes, below its destination
 * @time_ms: the file's time; it names the directories too, so that a file lies in the
 *   directory of the day in its name
 * Return: "DIRECTORY/FILE_yyyyMMddHHmmss.txt", freed by the caller; NULL: no memory.
 */
char *circular_path(const struct config_station *station, int64_t time_ms, int zone_min);

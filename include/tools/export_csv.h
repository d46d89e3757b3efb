/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_csv.h - entries as a table for spreadsheets (RFC 4180, UTF-8 with a byte order mark, by
 * which they know it)
 *
 * A cell that a spreadsheet would take for a formula begins with an apostrophe.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/** export_csv_begin() - the first row. Return: 0; -EIO. */
int export_csv_begin(FILE *file);

/** export_csv_row() - an entry. Return: 0; -EBADMSG it is none; -EIO. */
int export_csv_row(FILE *file, const char *line, const uint8_t hash[static 32]);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data file from anywhere: it is refused with a sentence, or what was read is written and
 * read again as the same values, in both forms.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/circular.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_again(const struct config_station *form, const struct circular_file *file)
{
	char *text = NULL, *twice = NULL, error[CIRCULAR_ERROR_MAX];
	struct circular_file again;
	int r = circular_compose(form, 420, file->rows, file->n_rows, &text);

	if (r == -EINVAL)
		return; /* a control character in a symbol or unit */
	assert(r == 0);
	assert(circular_parse(&again, text, strlen(text), 420, form->missing, error) == 0);
	assert(again.n_rows == file->n_rows);
	for (size_t i = 0; i < again.n_rows; i++) {
		const struct circular_row *a = &file->rows[i], *b = &again.rows[i];

		assert(a->has_value == b->has_value && a->time_ms == b->time_ms);
		assert(strcmp(a->symbol, b->symbol) == 0 && strcmp(a->unit, b->unit) == 0);
		assert(!b->has_value || isfinite(b->value));
		assert(b->has_value || b->quality != QUALITY_GOOD);
	}
	assert(circular_compose(form, 420, again.rows, again.n_rows, &twice) == 0);
	assert(strcmp(text, twice) == 0);
	circular_file_done(&again);
	free(text);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char missing[] = "---";
	struct config_station form = {.missing = missing, .decimals = 4};
	char error[CIRCULAR_ERROR_MAX] = "";
	struct circular_file file;
	int r = circular_parse(&file, (const char *)data, n, 420, missing, error);

	if (r < 0) {
		assert(r == -EBADMSG && strlen(error) > 6);
		return 0;
	}
	for (int i = 0; i < 4; i++) {
		form.in_one_line = i & 1;
		form.crlf = i & 2;
		check_again(&form, &file);
	}
	circular_file_done(&file);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/unstored.h"

#define P(name, value) \
	"<parameter><valueName>" name "</valueName><value>" value "</value></parameter>"

static const struct {
	const char *body;
	const char *expected; /* NULL: it is no report */
} rows[] = {
	{"{\"data\":{\"log\":{\"seq\":1},\"origin\":\"x\"},\"type\":\"incident.opened\"}",
	 "{\"data\":{\"origin\":\"x\",\"stored\":false},\"type\":\"incident.opened\"}"},
	{"{\"data\":{}}", "{\"data\":{\"stored\":false}}"},
	{"{}", NULL},
	{"no report", NULL},
	/* in each language, before the first parameter; what names its place in the record goes */
	{"<?xml?><alert><info><a/>" P("incident", "i") P("log-id", "l") P("log-seq", "7")
		 P("origin", "o") "<b/></info><info>" P("log-hash", "h") "</info></alert>",
	 "<?xml?><alert><info><a/>" P("stored", "false") P("incident", "i")
		 P("origin", "o") "<b/></info><info>" P("stored", "false") "</info></alert>"},
	{"<alert></alert>", "<alert></alert>"},
	{"<alert><info><parameter><valueName>cut", "<alert><info><parameter><valueName>cut"},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *body = unstored_body(rows[i].body);

		if (!rows[i].expected)
			assert_null(body);
		else
			assert_string_equal(body, rows[i].expected);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/journal.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct batch_entry make(char *line, char *message, int priority)
{
	return (struct batch_entry){
		.seq = 1,
		.type = EVENT_CORE_STARTED,
		.priority = priority,
		.line = line,
		.message = message,
	};
}

/* stderr into a file, back again afterwards; the caller frees the text */
static char *catch_stderr(void (*fn)(struct journal *journal))
{
	struct journal *journal = NULL;
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	char *text = calloc(1, 1 << 20);
	size_t n;

	assert_non_null(file);
	assert_non_null(text);
	assert_int_equal(journal_open(&journal), 0);
	(void)fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	fn(journal);
	assert_null(journal_close(journal)); /* empties the queue first */
	(void)fflush(stderr);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	(void)fseek(file, 0, SEEK_SET);
	n = fread(text, 1, (1 << 20) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

static void two_entries(struct journal *journal)
{
	char line[] = "{\"seq\":1}", first[] = "the first", second[] = "the second";
	struct batch_entry entry = make(line, first, 5);

	journal_entry(journal, &entry);
	memset(first, 'x', sizeof(first) - 1); /* it has copied what it needs */
	entry = make(line, second, 2);
	journal_entry(journal, &entry);
	assert_int_equal(journal_dropped(journal), 0);
}

static void test_stderr(void **state)
{
	char *text;

	(void)state;
	if (access(JOURNAL_SOCKET, F_OK) == 0)
		skip(); /* a journal is listening: the lines go there */
	text = catch_stderr(two_entries);
	assert_string_equal(text, "<5>the first\n<2>the second\n");
	free(text);
}

/* far more than the queue holds: each entry is either written or counted, in order */
#define FLOOD 20000
static uint64_t n_dropped;

static void flood(struct journal *journal)
{
	char line[] = "{\"seq\":1}", message[32];

	for (int i = 0; i < FLOOD; i++) {
		struct batch_entry entry = make(line, message, 6);

		(void)snprintf(message, sizeof(message), "entry %d.", i);
		journal_entry(journal, &entry);
	}
	n_dropped = journal_dropped(journal);
}

static void test_flood(void **state)
{
	int last = -1, n = 0;
	char *text;

	(void)state;
	if (access(JOURNAL_SOCKET, F_OK) == 0)
		skip();
	text = catch_stderr(flood);
	for (char *p = text; (p = strstr(p, "entry ")); p++, n++) {
		int number = atoi(p + strlen("entry "));

		assert_true(number > last);
		last = number;
	}
	assert_int_equal((uint64_t)n + n_dropped, FLOOD);
	assert_true(n >= 1024); /* at least what the queue holds */
	free(text);
}

static void test_close_takes_null(void **state)
{
	(void)state;
	assert_null(journal_close(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stderr),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_close_takes_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults-driver: a life, commit by commit, for whoever breaks the system below it
 *
 *   faults-driver run CONFIG KEY STATE N      begin or go on, N commits: "ACK n" after each
 *   faults-driver marks CONFIG KEY STATE N    the same, with the mark of the record after each
 *   faults-driver upgrade CONFIG KEY STATE N  as run, with a record of an older version, whose
 *                                             measuring state begins anew as the service has it
 *   faults-driver check STATE                 the mark of what is there
 *
 * Exit status: 0; 1 something failed and was said, as the service would end; 3 the record is
 * not whole; 4 there is none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "life.h"

static int check(const char *state)
{
	char mark[LIFE_MARK], why[LIFE_MARK];
	int r = life_mark(state, mark, why);

	if (r == -ENOENT)
		return 4;
	(void)puts(r == 0 ? mark : why);
	return r == 0 ? 0 : 3;
}

static int told(const char *state, bool with_marks, long n)
{
	char mark[LIFE_MARK] = "", why[LIFE_MARK];

	if (with_marks && life_mark(state, mark, why) < 0) {
		(void)puts(why);
		return -EBADMSG;
	}
	(void)printf("ACK %ld%s%s\n", n, with_marks ? " " : "", mark);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static int run(char **arguments, bool with_marks, bool upgrades)
{
	struct life life = {.upgrades = upgrades};
	long n = strtol(arguments[3], NULL, 10);
	int r = life_configure(&life, arguments[0], arguments[1]);

	if (r == 0)
		r = life_begin(&life, arguments[2]);
	for (long i = 1; r == 0 && i <= n; i++) {
		r = life_step(&life);
		if (r == 0)
			r = told(arguments[2], with_marks, i);
		if (r == 0)
			r = life_send(&life);
	}
	life_done(&life);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 6 && (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "marks") == 0 ||
			  strcmp(argv[1], "upgrade") == 0))
		return run(argv + 2, argv[1][0] == 'm', argv[1][0] == 'u');
	(void)fputs("Usage: faults-driver run|marks|upgrade CONFIG KEY STATE N | check STATE\n",
		    stderr);
	return 2;
}

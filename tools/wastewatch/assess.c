/* SPDX-License-Identifier: Apache-2.0 */
/* `wastewatch assess`: what the assessment of an incident computes, for numbers given by hand */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "tools/assess.h"
#include "tools/command.h"
#include "tools/guard.h"
#include "tools/say.h"

#define COLUMN 28

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} methods[] = {
	{"plume", assess_plume, N_("what a stack or a leak does downwind")},
	{"river", assess_river, N_("what a discharge or a spill does downstream")},
	{"boundary", assess_boundary,
	 N_("how far the borders are, and where a bearing meets them")},
};

/* "0 to 1e+06", "more than 0" */
static const char *allowed(const struct assess_flag *flag, char text[static 64])
{
	const char *least = flag->above ? tr("more than ") : tr("at least ");

	if (isinf(flag->most))
		(void)snprintf(text, 64, "%s%g", least, flag->least);
	else if (flag->above)
		(void)snprintf(text, 64, tr("%s%g, up to %g"), least, flag->least, flag->most);
	else
		(void)snprintf(text, 64, tr("%g to %g"), flag->least, flag->most);
	return text;
}

static void print_flag(const struct assess_flag *flag)
{
	char name[64], range[64];

	(void)snprintf(name, sizeof(name), "--%s%s", flag->name,
		       flag->number ? " N"
		       : flag->text ? " TEXT"
				    : "");
	(void)printf("  %-*s %s%s%s\n", COLUMN, name, tr(flag->help), flag->number ? "; " : "",
		     flag->number ? allowed(flag, range) : "");
}

static void print_help(const struct assess_method *method, const struct assess_flag *flags,
		       size_t n)
{
	say("Usage: wastewatch assess %s FLAG...\n\n%s\n\n", method->name, tr(method->intro));
	for (size_t i = 0; i < n; i++)
		print_flag(&flags[i]);
	say("\nSources:\n%s\n", method->sources);
}

int assess_wrong(const struct assess_method *method, const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, tr(format), ap);
	va_end(ap);
	(void)say_wrong("%s; see: wastewatch assess %s --help", n < 0 ? "" : text, method->name);
	free(n < 0 ? NULL : text);
	return EXIT_USAGE;
}

static int take_number(const struct assess_method *method, const struct assess_flag *flag,
		       const char *text)
{
	char *end, range[64];
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || strpbrk(text, "xXpP"))
		return assess_wrong(method, "--%s: \"%s\" is no number", flag->name, text);
	if (value < flag->least || value > flag->most || (flag->above && value <= flag->least))
		return assess_wrong(method, "--%s: %s is not allowed; allowed: %s", flag->name,
				    text, allowed(flag, range));
	*flag->number = value;
	return -1;
}

static int take_text(const struct assess_method *method, const struct assess_flag *flag,
		     const char *text)
{
	size_t most = flag->n_text ? flag->n_text : 1, i = 0;

	while (i < most && flag->text[i])
		i++;
	if (i == most)
		return assess_wrong(method, "--%s is given too often; allowed: %zu times",
				    flag->name, most);
	flag->text[i] = text;
	return -1;
}

#define FLAGS_MAX 24
#define HELP	  FLAGS_MAX /* what getopt returns for it; else a flag's index */

/* Return: as assess_parse() */
static int take(const struct assess_method *method, const struct assess_flag *flag)
{
	if (flag->number)
		return take_number(method, flag, optarg);
	if (flag->text)
		return take_text(method, flag, optarg);
	*flag->set = true;
	return -1;
}

int assess_parse(const struct assess_method *method, const struct assess_flag *flags, size_t n,
		 int argc, char **argv)
{
	struct option options[FLAGS_MAX + 2] = {{"help", no_argument, NULL, HELP}};
	int r = -1, c;

	for (size_t i = 0; i < n; i++)
		options[i + 1] = (struct option){flags[i].name,
						 flags[i].set ? no_argument : required_argument,
						 NULL, (int)i};
	optind = 1;
	opterr = 0; /* it speaks English only, and no JSON */
	while (r < 0 && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == HELP) {
			print_help(method, flags, n);
			return EXIT_SUCCESS;
		}
		if (c == '?')
			return assess_wrong(method, "%s is no flag, or lacks its value",
					    argv[optind - 1]);
		r = take(method, &flags[c]);
	}
	if (r < 0 && optind < argc)
		return assess_wrong(method, "\"%s\" is no flag", argv[optind]);
	return r;
}

static int print_json(const struct assess_result *results, size_t n, const char *const *notes,
		      json_t *more)
{
	json_t *object = more ? more : json_object(), *list = json_array();
	int r;

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(
			object, results[i].name,
			assess_given(results[i].value) ? json_real(results[i].value) : json_null());
	for (; *notes; notes++)
		(void)json_array_append_new(list, json_string(*notes));
	(void)json_object_set_new(object, "notes", list);
	r = json_dumpf(object, stdout, COMMAND_JSON);
	json_decref(object);
	(void)putchar('\n');
	return r < 0 ? command_fail("out of memory") : EXIT_SUCCESS;
}

int assess_print(const struct assess_method *method, bool json, const struct assess_result *results,
		 size_t n, const char *const *notes, json_t *more)
{
	if (json)
		return print_json(results, n, notes, more);
	json_decref(more);
	for (size_t i = 0; i < n; i++)
		if (assess_given(results[i].value))
			(void)printf("%-*s %14.6g  %s\n", COLUMN, results[i].name, results[i].value,
				     tr(results[i].what));
	for (; *notes; notes++)
		say("Note: %s.\n", tr(*notes));
	say("\nSources:\n%s\n", method->sources);
	return EXIT_SUCCESS;
}

static void print_usage(FILE *file)
{
	say_to(file, "Usage: wastewatch assess METHOD FLAG...   (METHOD --help for its flags)\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		(void)fprintf(file, "  %-10s %s\n", methods[i].name, tr(methods[i].help));
}

int command_assess(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			guard_streams(GUARD_JSON);
	if (argc >= 1 && strcmp(argv[0], "--help") == 0) {
		print_usage(stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; argc >= 1 && i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, argv[0]) == 0)
			return methods[i].run(argc, argv);
	if (argc >= 1)
		return say_wrong("assess: \"%s\" is no method; see: wastewatch assess --help",
				 argv[0]);
	print_usage(stderr);
	return EXIT_USAGE;
}

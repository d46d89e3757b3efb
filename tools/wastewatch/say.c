/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/say.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "tools/command.h"

static enum catalogue_language language = CATALOGUE_EN;
static bool json; /* --json is on the line */

static const struct {
	const char *name;
	enum catalogue_language language;
} languages[] = {{"en", CATALOGUE_EN}, {"vi", CATALOGUE_VI}};

/* "vi", or "vi_VN.UTF-8" of a locale. Return: 0; -EINVAL. */
static int choose(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		size_t n = strlen(languages[i].name);

		if (strncmp(text, languages[i].name, n) == 0 &&
		    (!text[n] || strchr("_.@-", text[n]))) {
			language = languages[i].language;
			return 0;
		}
	}
	return -EINVAL;
}

/* as setlocale(3) looks for LC_MESSAGES; the locale itself need not be installed */
static const char *from_environment(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return "C";
}

/* Return: what --lang says on the line, "" nothing behind it, NULL it is not there */
static const char *given(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--lang") == 0)
			return i + 1 < argc ? argv[i + 1] : "";
		if (strncmp(argv[i], "--lang=", 7) == 0)
			return argv[i] + 7;
	}
	return NULL;
}

int say_choose(int argc, char **argv)
{
	const char *text = given(argc, argv);

	for (int i = 1; i < argc; i++)
		json |= strcmp(argv[i], "--json") == 0;
	if (text)
		return choose(text);
	if (!json) /* what a program reads does not depend on who runs it */
		(void)choose(from_environment());
	return 0;
}

enum catalogue_language say_language(void)
{
	return language;
}

const char *tr(const char *english)
{
	return catalogue_text(language, english);
}

/* the compiled catalogue finds both forms by the first; Vietnamese has but one */
const char *trn(const char *one, const char *many, long long n)
{
	if (language == CATALOGUE_EN)
		return n == 1 ? one : many;
	return catalogue_text(language, one);
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vprintf(tr(format), ap);
	va_end(ap);
}

void say_to(FILE *file, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vfprintf(file, tr(format), ap);
	va_end(ap);
}

/* what a program reads is one object, and English, as all of --json is */
static void print_error(const char *text)
{
	json_t *object = json_pack("{s:s}", "error", text);

	(void)json_dumpf(object, stderr, JSON_COMPACT);
	(void)fputc('\n', stderr);
	json_decref(object);
}

void say_error(const char *format, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, tr(format), ap) < 0)
		return;
	if (json)
		print_error(text);
	else
		(void)fprintf(stderr, "wastewatch: %s\n", text);
	free(text);
}

int say_wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say_error(format, ap);
	va_end(ap);
	return EXIT_USAGE;
}

const char *say_word(const char *word)
{
	static const char *const words[] = {
		N_("liquid"),	    N_("gas"),
		N_("solid"),	    N_("warning"),
		N_("limit"),	    N_("emergency"),
		N_("open"),	    N_("ended"),
		N_("closed"),	    N_("observed"),
		N_("likely"),	    N_("possible"),
		N_("unlikely"),	    N_("none"),
		N_("facility"),	    N_("commune"),
		N_("province"),	    N_("national"),
		N_("raised"),	    N_("cleared"),
		N_("normal"),	    N_("unacknowledged"),
		N_("acknowledged"), N_("returned-unacknowledged"),
		N_("latched"),	    N_("good"),
		N_("calibrating"),  N_("maintenance"),
		N_("device fault"), N_("out of range"),
		N_("frozen"),	    N_("implausible rate"),
		N_("not a number"), N_("communication lost"),
		N_("stale"),	    N_("not in operation"),
		N_("value"),	    N_("1-min mean"),
		N_("5-min mean"),   N_("1-h mean"),
		N_("24-h mean"),    N_("up"),
		N_("down"),	    N_("connecting"),
		N_("not read yet"), N_("pending"),
		N_("held"),	    N_("stopped"),
		N_("sent"),	    N_("abandoned"),
		N_("superseded"),   N_("not assessed"),
		N_("receptor"),	    N_("neighbour"),
		N_("river"),	    N_("plume"),
		N_("leachate"),	    N_("slide"),
		N_("distance"),	    N_("inbound"),
		N_("measured"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return tr(words[i]);
	return word;
}

int say_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8 */
	return width;
}

void say_padded(const char *text, int width)
{
	(void)printf("%s%*s", text, MAX(width - say_width(text), 0), "");
}

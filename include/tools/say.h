/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.h - what the command says, in the language of whoever asks
 *
 * A text is written in English where it is used and looked up in po/vi.po, which is part of the
 * program (core/catalogue.h says why). xgettext(1) finds the texts of tr(), trn(), N_(), say(),
 * say_to(), say_wrong(), assess_wrong() and command_fail(). Data for programs (--json, --csv),
 * names of states and types, and the sentences of the core (errors of the configuration, what a
 * record's verifier found, reasons of the daemon) are the same in every language.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "core/catalogue.h"

/**
 * say_choose() - the language: --lang en|vi on the line, else that of LC_ALL, LC_MESSAGES or LANG
 * Return: 0; -EINVAL --lang names another one.
 */
int say_choose(int argc, char **argv);

/** say_language() - the one that was chosen */
enum catalogue_language say_language(void);

/** tr() - a text in the language that was chosen */
const char *tr(const char *english) __attribute__((format_arg(1)));

/** trn() - the same of a text that counts something: @one for 1, @many for all else */
const char *trn(const char *one, const char *many, long long n)
	__attribute__((format_arg(1), format_arg(2)));

/** say() - printf() of a text that is translated */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** say_to() - the same into a file */
void say_to(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * say_error() - one line on stderr: "wastewatch: …", or with --json an object {"error":"…"}
 * @format: marked for translation where it is written
 */
void say_error(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));

/** say_wrong() - say_error() about a command line. Return: EXIT_USAGE. */
int say_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * say_word() - a word of a fixed vocabulary (kinds, classes, states, qualities, verdicts, levels)
 * for people; what is not in it stays as it is
 */
const char *say_word(const char *word);

/** say_padded() - a text and blanks up to @width columns; too long a one is not cut */
void say_padded(const char *text, int width);

/** say_width() - columns that a text takes: its code points */
int say_width(const char *text);

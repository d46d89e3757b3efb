/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue.h - texts of reports in the languages that they are written in
 *
 * A text is written in English where it is used, marked with N_() for xgettext(1), and looked up
 * by it. The translations are po/vi.po, compiled by msgfmt(1); the compiled catalogue is part of
 * the program. libintl's own gettext() would need a locale that many a machine has not
 * generated, its language is one per process, and it opens files; here two languages stand side
 * by side in one report, without a locale, an environment variable or a file.
 *
 * Pure: no clock, no I/O.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** N_() - marks a text for xgettext; it is looked up by catalogue_text() where it is used */
#define N_(text) text

enum catalogue_language {
	CATALOGUE_VI, /* Vietnamese: the language of the law and of the department */
	CATALOGUE_EN,
	CATALOGUE_LANGUAGE_MAX = CATALOGUE_EN,
};

/** catalogue_tag() - "vi-VN", "en": a language as RFC 3066 writes it */
const char *catalogue_tag(enum catalogue_language language);

/**
 * catalogue_text() - a text in a language
 * @english: one that is marked with N_() somewhere
 * Return: constant; @english itself where there is no translation.
 */
const char *catalogue_text(enum catalogue_language language, const char *english);

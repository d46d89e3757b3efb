/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_text.h - the words and numbers that may stand in a configuration file
 *
 * Pure: no I/O, no allocation. The check functions answer NULL for a good text, else a
 * constant sentence "what is wrong; what is allowed" that fits behind the text in a message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_HOST_MAX	    64	/* numeric IPv6 address with its NUL; as in struct wire_link */
#define CONFIG_DEVICE_MAX   160 /* path of a device with its NUL; as in struct wire_link */
#define CONFIG_DURATION_MAX 32
#define CONFIG_QUOTE_MAX    84

/** config_name_check() - letters, digits, "_" and "-", first one a letter, 32 at most */
const char *config_name_check(const char *text);

/** config_text_check() - no control characters, for they would reach terminals and logs */
const char *config_text_check(const char *text);

/** config_origin_check() - the same, and not blank: it is what a lawyer looks up */
const char *config_origin_check(const char *text);

/** config_credential_check() - name of a file in a credentials directory */
const char *config_credential_check(const char *text);

enum config_scheme { CONFIG_HTTPS, CONFIG_HTTP, CONFIG_FTP, CONFIG_FTPES, CONFIG_SFTP };

/**
 * config_url_check() - https, or http to this machine; for files sftp, ftpes or ftp; no
 * credentials, no fragment
 */
const char *config_url_check(const char *text);

/**
 * config_url_parse() - the same, and what kind of URL it is
 * @ret_scheme, @ret_local: set for a good one; local: it goes to this machine
 */
const char *config_url_parse(const char *text, enum config_scheme *ret_scheme, bool *ret_local);

/** config_device_check() - absolute path of a serial device, without "." and ".." */
const char *config_device_check(const char *text);

/** config_directory_form_check() - relative, "/" between names; of "%" only %Y, %m and %d */
const char *config_directory_form_check(const char *text);

/** config_file_check() - letters, digits and "_": how a data file's name begins */
const char *config_file_check(const char *text);

/** config_symbol_check() - a parameter's symbol in a data file: anything, but not empty */
const char *config_symbol_check(const char *text);

/** config_user_check() - a name to log in with: printable, not empty, no ":" */
const char *config_user_check(const char *text);

/** config_phone_check() - digits, perhaps "+" in front, and " ().-" between them; 2 to 32 */
const char *config_phone_check(const char *text);

/** config_email_check() - one "@" with something on both sides, no spaces */
const char *config_email_check(const char *text);

/** config_address_check() - numeric "IP:PORT", "[IPv6]:PORT" */
const char *config_address_check(const char *text);

/**
 * config_address_parse() - split a text that config_address_check() takes
 * @host: canonical numeric form, so that one address has one spelling
 * Return: 0; -EINVAL.
 */
int config_address_parse(const char *text, char host[static CONFIG_HOST_MAX], uint16_t *ret_port);

/** config_missing_check() - what stands for no value: must not look like one */
const char *config_missing_check(const char *text);

/** config_zone_check() - "+07:00"; -12:00 to +14:00 */
const char *config_zone_check(const char *text);

/** config_zone_parse() - minutes east of UTC. Return: 0; -EINVAL. */
int config_zone_parse(const char *text, int *ret_min);

/**
 * config_duration_parse() - "500ms", "1.5h" → microseconds
 *
 * A number and us, ms, s, min, h or d, nothing between them; whole microseconds.
 * Return: 0; -EINVAL no such text; -EDOM a number without a unit; -ERANGE over 200 years.
 */
int config_duration_parse(const char *text, int64_t *ret_us);

/** config_duration_format() - the reverse, in the largest unit that keeps it whole */
void config_duration_format(int64_t us, char text[static CONFIG_DURATION_MAX]);

/**
 * config_integer_parse() - decimal, or hexadecimal with 0x as manuals print addresses
 *
 * Return: 0; -EINVAL no such number; -EDOM leading zero, which YAML 1.1 reads as octal and
 *   people as decimal; -ERANGE over 64 bits.
 */
int config_integer_parse(const char *text, uint64_t *ret);

/** config_number_parse() - decimal fraction, exponent allowed. Return: 0; -EINVAL; -ERANGE. */
int config_number_parse(const char *text, double *ret);

/** config_distance() - edits from @a to @b (insert, delete, replace, swap neighbours) */
size_t config_distance(const char *a, const char *b);

/**
 * config_quote() - a text from a file, fit for a message
 *
 * Cut to about 60 bytes at a character's end; control characters become "?".
 * Return: @quoted.
 */
const char *config_quote(const char *text, char quoted[static CONFIG_QUOTE_MAX]);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_yaml.h - a YAML file as a tree in which everything knows its place
 *
 * The only module that knows libyaml. Types are not resolved: a scalar is its text, so
 * that the channel "NO" is not the answer no.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/macro.h"

#define CONFIG_FILE_MAX	 (1024 * 1024) /* bytes: a site with 5,000 channels fits */
#define CONFIG_DEPTH_MAX 16	       /* levels; the schema needs 5 */

/** struct config_report - where errors go, and how many there were */
struct config_report {
	FILE *out; /* NULL nowhere */
	size_t n_errors;
};

/** config_report_error() - "file:line:column: text"; @line and @column from 1 */
void config_report_error(struct config_report *report, const char *file, unsigned int line,
			 unsigned int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/** config_report_warning() - the same, marked "warning:" and not counted as an error */
void config_report_warning(struct config_report *report, const char *file, unsigned int line,
			   unsigned int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

enum config_node_kind { CONFIG_SCALAR, CONFIG_SEQUENCE, CONFIG_MAPPING };

/**
 * struct config_node - a scalar, list or mapping
 * @line, @column: of its first character, from 1
 * @plain: scalar without quotes
 * @bad: an error about it has been reported; say no more
 * @text: scalar: its text; else NULL
 * @first, @next: children in the order of the file; a mapping's are key, value, key, …
 */
struct config_node {
	enum config_node_kind kind;
	unsigned int line;
	unsigned int column;
	bool plain;
	bool bad;
	char *text;
	struct config_node *first;
	struct config_node *next;
};

/**
 * config_yaml_parse() - one document as a tree
 * @file: name for messages
 *
 * Anchors, aliases and tags are refused: a reader of the file must see each value where it
 * counts, and none of them is needed.
 * Return: 0; -EINVAL no tree, reported; -ENOMEM. A tree may come with reported errors.
 */
int config_yaml_parse(struct config_node **ret, struct config_report *report, const char *file,
		      const void *bytes, size_t n);

/**
 * config_yaml_read() - a file's tree
 * @digest: 32 bytes; becomes SHA-256 of itself and the file's bytes
 *
 * Refused: what is no regular file, over CONFIG_FILE_MAX bytes or writable by everybody.
 * Return: 0; -ENOENT, -EINVAL, other -errno: no tree, reported; -ENOMEM.
 */
int config_yaml_read(struct config_node **ret, struct config_report *report, const char *path,
		     uint8_t digest[static 32]);

/**
 * config_file_load() - a file's bytes; refused is what config_yaml_read() refuses
 * @ret: owned by the caller
 * @ret_why: what is wrong with the file, if that is known
 * Return: 0; -EINVAL, other -errno; -ENOMEM.
 */
int config_file_load(const char *path, char **ret, size_t *ret_n, const char **ret_why);

/** config_digest() - @digest becomes SHA-256 of itself and @n bytes. Return: 0; -ENOMEM. */
int config_digest(uint8_t digest[static 32], const void *bytes, size_t n);

/** config_node_find() - value of a key of a mapping, its first; NULL: no mapping, no such key */
const struct config_node *config_node_find(const struct config_node *mapping, const char *key);

/**
 * config_directory_check() - can what stands in a directory be trusted?
 * @why: what is wrong and what is allowed, untouched when it can
 *
 * Return: 0; -EINVAL no directory, or writable by everybody; -errno of stat().
 */
int config_directory_check(const char *path, const char **why);

/**
 * config_directory_doubt() - who else can change what stands in it, and so what is measured?
 * Return: a sentence for a warning; NULL: nobody but root and this user.
 */
const char *config_directory_doubt(const char *path);

/** config_node_free() - takes NULL; frees its children and what follows it. Return: NULL. */
struct config_node *config_node_free(struct config_node *node);
DEFINE_CLEANUP(struct config_node *, config_node_free)

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "core/config_text.h"
#include "core/config_yaml.h"

struct reader {
	yaml_parser_t parser;
	struct config_report *report;
	const char *file;
	const char *bytes;
	size_t n;
};

__attribute__((format(printf, 6, 0))) static void say(struct config_report *report,
						      const char *file, unsigned int line,
						      unsigned int column, const char *mark,
						      const char *format, va_list arguments)
{
	if (!report->out)
		return;
	(void)fprintf(report->out, "%s:%u:%u: %s", file, line, column, mark);
	(void)vfprintf(report->out, format, arguments);
	(void)fputc('\n', report->out);
}

void config_report_error(struct config_report *report, const char *file, unsigned int line,
			 unsigned int column, const char *format, ...)
{
	va_list arguments;

	report->n_errors++;
	va_start(arguments, format);
	say(report, file, line, column, "", format, arguments);
	va_end(arguments);
}

void config_report_warning(struct config_report *report, const char *file, unsigned int line,
			   unsigned int column, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(report, file, line, column, "warning: ", format, arguments);
	va_end(arguments);
}

struct config_node *config_node_free(struct config_node *node)
{
	while (node) {
		struct config_node *next = node->next;

		(void)config_node_free(node->first); /* as deep as CONFIG_DEPTH_MAX */
		free(node->text);
		free(node);
		node = next;
	}
	return NULL;
}

const struct config_node *config_node_find(const struct config_node *mapping, const char *key)
{
	if (mapping->kind != CONFIG_MAPPING)
		return NULL;
	for (const struct config_node *k = mapping->first; k && k->next; k = k->next->next)
		if (k->kind == CONFIG_SCALAR && strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

/** report_offset() - libyaml's reader knows the byte, people the line */
static void report_offset(const struct reader *reader, size_t offset, const char *what)
{
	unsigned int line = 1, column = 1;

	for (size_t i = 0; i < offset && i < reader->n; i++) {
		unsigned char byte = (unsigned char)reader->bytes[i];

		line += byte == '\n';
		column = byte == '\n' ? 1 : column + ((byte & 0xc0) != 0x80);
	}
	config_report_error(reader->report, reader->file, line, column, "%s; allowed: UTF-8 text",
			    what);
}

static int report_syntax(const struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *context = parser->context;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		report_offset(reader, parser->problem_offset, parser->problem);
	else if (mark->index < reader->n && reader->bytes[mark->index] == '\t')
		config_report_error(reader->report, reader->file, (unsigned int)mark->line + 1,
				    (unsigned int)mark->column + 1,
				    "there is a tab where YAML allows none; allowed: spaces");
	else
		config_report_error(reader->report, reader->file, (unsigned int)mark->line + 1,
				    (unsigned int)mark->column + 1, "%s%s%s; allowed: YAML",
				    context ? context : "", context ? ": " : "", parser->problem);
	return -EINVAL;
}

/** refuse_decoration() - anchors, aliases and tags. Return: was there one? */
static bool refuse_decoration(const struct reader *reader, const yaml_event_t *event)
{
	const char *what = NULL;

	if (event->type == YAML_ALIAS_EVENT)
		what = "an alias (*…)";
	else if (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor)
		what = "an anchor (&…)";
	else if (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor)
		what = "an anchor (&…)";
	else if (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor)
		what = "an anchor (&…)";
	else if (event->type == YAML_SCALAR_EVENT && event->data.scalar.tag)
		what = "a tag (!…)";
	else if (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.tag)
		what = "a tag (!…)";
	else if (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag)
		what = "a tag (!…)";
	if (!what)
		return false;
	config_report_error(
		reader->report, reader->file, (unsigned int)event->start_mark.line + 1,
		(unsigned int)event->start_mark.column + 1,
		"there is %s; allowed: the value itself, so that a reader sees it where "
		"it counts",
		what);
	return true;
}

static int take_text(const struct reader *reader, const yaml_event_t *event,
		     struct config_node *node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;

	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(value, '\0', n) && !node->bad) {
		config_report_error(reader->report, reader->file, node->line, node->column,
				    "the text holds a NUL; allowed: text without control "
				    "characters");
		node->bad = true;
	}
	node->text = strndup(value, n);
	return node->text ? 0 : -ENOMEM;
}

static int build(struct reader *reader, const yaml_event_t *event, unsigned int depth,
		 struct config_node **ret);

/** build_children() - up to the end of a list or mapping, or of a key's value */
static int build_children(struct reader *reader, unsigned int depth, struct config_node *parent)
{
	struct config_node **tail = &parent->first;

	if (depth == CONFIG_DEPTH_MAX) {
		config_report_error(reader->report, reader->file, parent->line, parent->column,
				    "lists and mappings are nested too deeply; allowed: %d levels",
				    CONFIG_DEPTH_MAX);
		return -EINVAL;
	}
	for (;;) {
		yaml_event_t event;
		int r;

		if (!yaml_parser_parse(&reader->parser, &event))
			return report_syntax(reader);
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		r = build(reader, &event, depth + 1, tail);
		yaml_event_delete(&event);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
}

/** build() - one node; @ret is linked in at once, so that the tree owns it on failure too */
static int build(struct reader *reader, const yaml_event_t *event, unsigned int depth,
		 struct config_node **ret)
{
	struct config_node *node = calloc(1, sizeof(*node));

	if (!node)
		return -ENOMEM;
	*ret = node;
	node->line = (unsigned int)event->start_mark.line + 1;
	node->column = (unsigned int)event->start_mark.column + 1;
	node->bad = refuse_decoration(reader, event);
	if (event->type == YAML_SCALAR_EVENT)
		return take_text(reader, event, node);
	if (event->type == YAML_ALIAS_EVENT) {
		node->text = strdup("");
		return node->text ? 0 : -ENOMEM;
	}
	node->kind = event->type == YAML_MAPPING_START_EVENT ? CONFIG_MAPPING : CONFIG_SEQUENCE;
	return build_children(reader, depth, node);
}

/** build_stream() - the one document of a file, and nothing else */
static int build_stream(struct reader *reader, struct config_node **root)
{
	bool done = false;
	int r = 0;

	while (!done && r == 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&reader->parser, &event))
			return report_syntax(reader);
		done = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT && *root) {
			config_report_error(reader->report, reader->file,
					    (unsigned int)event.start_mark.line + 1, 1,
					    "a second document begins; allowed: one per file");
			done = true;
		} else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
			   event.type == YAML_SEQUENCE_START_EVENT ||
			   event.type == YAML_MAPPING_START_EVENT) {
			r = build(reader, &event, 0, root);
		}
		yaml_event_delete(&event);
	}
	return r;
}

int config_yaml_parse(struct config_node **ret, struct config_report *report, const char *file,
		      const void *bytes, size_t n)
{
	struct reader reader = {.report = report, .file = file, .bytes = bytes, .n = n};
	CLEANUP(config_node_free) struct config_node *root = NULL;
	int r;

	if (!yaml_parser_initialize(&reader.parser))
		return -ENOMEM;
	/* forced: libyaml would else take UTF-16 from a file that looks like it */
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, bytes, n);
	r = build_stream(&reader, &root);
	yaml_parser_delete(&reader.parser);
	if (r < 0)
		return r;
	if (!root) {
		config_report_error(report, file, 1, 1,
				    "the file is empty; allowed: a mapping of keys and values");
		return -EINVAL;
	}
	*ret = steal(&root);
	return 0;
}

static int read_all(int fd, char *bytes, size_t n, size_t *ret)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, bytes + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	*ret = got;
	return 0;
}

/** refuse_file() - what must not be trusted or cannot be text. Return: NULL it is fine. */
static const char *refuse_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file; allowed: a regular file or a link to one";
	if (st->st_mode & S_IWOTH)
		return "everybody on this machine may write it, so it cannot be trusted; allowed: "
		       "a file that others cannot write (chmod o-w)";
	if (st->st_size > CONFIG_FILE_MAX)
		return "it is over 1 MiB; allowed: one site per file of up to 1 MiB";
	return NULL;
}

int config_file_load(const char *path, char **ret, size_t *ret_n, const char **ret_why)
{
	char *bytes;
	struct stat st;
	/* O_NONBLOCK: a FIFO in the directory must not hang the start */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;

	if (fd < 0)
		return -errno;
	bytes = malloc(CONFIG_FILE_MAX + 1);
	if (!bytes)
		r = -ENOMEM;
	else if (fstat(fd, &st) < 0)
		r = -errno;
	else if ((*ret_why = refuse_file(&st)))
		r = -EINVAL;
	else
		r = read_all(fd, bytes, CONFIG_FILE_MAX + 1, ret_n);
	(void)close(fd);
	if (r == 0 && *ret_n > CONFIG_FILE_MAX) { /* grew since fstat() */
		*ret_why = "it is over 1 MiB; allowed: one site per file of up to 1 MiB";
		r = -EINVAL;
	}
	if (r < 0)
		free(bytes);
	else
		*ret = bytes;
	return r;
}

int config_directory_check(const char *path, const char **why)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int r = -errno;

		*why = strerrordesc_np(-r);
		return r;
	}
	if (S_ISDIR(st.st_mode) && !(st.st_mode & S_IWOTH))
		return 0;
	*why = S_ISDIR(st.st_mode)
		       ? "everybody on this machine may write files here, so none can be trusted; "
			 "allowed: a directory that others cannot write (chmod o-w)"
		       : "it is not a directory; allowed: a directory";
	return -EINVAL;
}

const char *config_directory_doubt(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL; /* config_directory_check() has said so */
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "it belongs to another user, who can change what is measured and what the "
		       "limits are; better: root (chown root)";
	if (st.st_mode & S_IWGRP && st.st_gid != 0)
		return "its group may write here and so change what is measured and what the "
		       "limits "
		       "are; better: chmod g-w";
	return NULL;
}

int config_digest(uint8_t digest[static 32], const void *bytes, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, digest, 32) == 1 && EVP_DigestUpdate(ctx, bytes, n) == 1 &&
		  EVP_DigestFinal_ex(ctx, digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}

int config_yaml_read(struct config_node **ret, struct config_report *report, const char *path,
		     uint8_t digest[static 32])
{
	const char *why = NULL;
	char *bytes = NULL;
	size_t n = 0;
	int r = config_file_load(path, &bytes, &n, &why);

	if (r < 0) {
		if (r != -ENOMEM)
			config_report_error(report, path, 1, 1, "the file cannot be used: %s",
					    why ? why : strerror(-r));
		return r;
	}
	r = config_digest(digest, bytes, n);
	if (r == 0)
		r = config_yaml_parse(ret, report, path, bytes, n);
	free(bytes);
	return r;
}

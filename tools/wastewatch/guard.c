/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/macro.h"
#include "common/plain.h"
#include "tools/term.h"

/** struct stream - @kept: the begin of a character or a colour whose rest has not come yet */
struct stream {
	int fd;
	enum guard guard;
	char kept[8];
	size_t n_kept;
	char out[4096];
	size_t n_out;
};

static bool guards;
static struct stream streams[2] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

static int flush(struct stream *stream)
{
	for (size_t at = 0; at < stream->n_out;) {
		ssize_t n = write(stream->fd, stream->out + at, stream->n_out - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	stream->n_out = 0;
	return 0;
}

static int put(struct stream *stream, const char *bytes, size_t n)
{
	int r = stream->n_out + n > sizeof(stream->out) ? flush(stream) : 0;

	if (r < 0)
		return r;
	memcpy(stream->out + stream->n_out, bytes, n);
	stream->n_out += n;
	return 0;
}

/* what the command itself writes: ends of lines, colours, and what wipes a line of progress.
 * Return: its length; 0 it is none; -1 it may be one, more bytes will tell. */
static ssize_t own(const char *text, size_t n)
{
	static const char *const wipe = "\033[K";

	if (*text == '\n' || *text == '\t' || *text == '\r')
		return 1;
	for (int i = TERM_PLAIN; *text == '\033' && i <= TERM_RED + 1; i++) {
		const char *mine = i > TERM_RED ? wipe : term_colour((enum term_colour)i);
		size_t length = strlen(mine);

		if (length > 0 && n >= length && memcmp(text, mine, length) == 0)
			return (ssize_t)length;
		if (n < length && memcmp(text, mine, n) == 0)
			return -1;
	}
	return 0;
}

/* what is no character of its own has none: three bytes, as Unicode's replacement character */
static int put_strange(struct stream *stream, unsigned int code)
{
	char text[8];

	if (stream->guard != GUARD_JSON)
		return put(stream, "?", 1);
	if (code >= 0xdc00 && code <= 0xdcff)
		code = 0xfffd;
	(void)snprintf(text, sizeof(text), "\\u%04x", code);
	return put(stream, text, 6);
}

/* nearly all there is: ASCII that is printed. Return: how many bytes of it come first */
static size_t letters(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && text[i] >= ' ' && text[i] < 0x7f)
		i++;
	return i;
}

/** take() - all but a part at the end that may go on. @last: nothing comes behind it.
 * Return: how many bytes; -errno. */
static ssize_t take(struct stream *stream, const char *text, size_t n, bool last)
{
	size_t at = 0, length;
	unsigned int code;
	ssize_t mine;
	bool cut;
	int r = 0;

	while (at < n && r == 0) {
		size_t simple = letters(text + at, MIN(n - at, sizeof(stream->out)));

		if (simple > 0) {
			r = put(stream, text + at, simple);
			at += simple;
			continue;
		}
		mine = own(text + at, n - at);
		length = mine > 0 ? (size_t)mine : plain_next(text + at, n - at, &code, &cut);

		if (!last && (mine < 0 || (mine == 0 && cut)))
			break;
		r = mine > 0 || plain_is(code) ? put(stream, text + at, length)
					       : put_strange(stream, code);
		at += length;
	}
	return r < 0 ? r : (ssize_t)at;
}

/* the bytes that were kept, and as many new ones as make sense of them. Return: how many new. */
static ssize_t take_kept(struct stream *stream, const char *text, size_t n)
{
	char both[2 * sizeof(stream->kept)];
	size_t more = MIN(n, sizeof(stream->kept)), kept = stream->n_kept;
	ssize_t took;

	if (kept == 0)
		return 0;
	memcpy(both, stream->kept, kept);
	memcpy(both + kept, text, more);
	took = take(stream, both, kept + more, false);
	if (took < 0)
		return took;
	if ((size_t)took >= kept) {
		stream->n_kept = 0;
		return took - (ssize_t)kept;
	}
	if (took > 0) {
		stream->n_kept = kept - (size_t)took;
		memmove(stream->kept, stream->kept + took, stream->n_kept);
		return take_kept(stream, text, n);
	}
	memcpy(stream->kept, both, MIN(kept + more, sizeof(stream->kept)));
	stream->n_kept = MIN(kept + more, sizeof(stream->kept));
	return (ssize_t)more;
}

static ssize_t write_guarded(void *cookie, const char *text, size_t n)
{
	struct stream *stream = cookie;
	ssize_t at, took = 0;
	int r;

	if (stream->guard == GUARD_RAW) {
		for (size_t i = 0; i < n; i += (size_t)took) {
			took = write(stream->fd, text + i, n - i);
			if (took < 0 && errno != EINTR)
				return 0;
			took = MAX(took, 0);
		}
		return (ssize_t)n;
	}
	at = take_kept(stream, text, n);
	if (at >= 0)
		took = take(stream, text + at, n - (size_t)at, false);
	r = at < 0 || took < 0 ? (int)MIN(at, took) : flush(stream);
	if (r < 0) {
		errno = -r;
		return 0; /* as fopencookie(3) wants it */
	}
	at += took;
	if ((size_t)at < n) {
		stream->n_kept = n - (size_t)at;
		memcpy(stream->kept, text + at, stream->n_kept);
	}
	return (ssize_t)n;
}

/* what was begun and never ended */
static int close_guarded(struct stream *stream)
{
	(void)take(stream, stream->kept, stream->n_kept, true);
	stream->n_kept = 0;
	return flush(stream) < 0 ? EOF : 0;
}

static FILE *guarded(struct stream *stream, enum guard guard, int buffering)
{
	static const cookie_io_functions_t functions = {.write = write_guarded};
	FILE *file;

	stream->guard = guard;
	file = fopencookie(stream, "w", functions);
	if (file)
		(void)setvbuf(file, NULL, buffering, 0);
	return file;
}

void guard_streams(enum guard guard)
{
	bool seen = isatty(STDOUT_FILENO);
	FILE *file;

	if (guard == GUARD_RAW && seen)
		guard = GUARD_TEXT;
	(void)fflush(stdout);
	streams[0].guard = guard;
	if (guards)
		return;
	file = guarded(&streams[0], guard, seen ? _IOLBF : _IOFBF);
	if (file)
		stdout = file;
	file = guarded(&streams[1], GUARD_TEXT, _IONBF);
	if (file)
		stderr = file;
	guards = true;
}

int guard_finish(void)
{
	int r = fflush(stdout) != 0 ? -errno : 0;

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		if (close_guarded(&streams[i]) < 0)
			r = -EIO;
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "core/journal_send.h"

/* keys of an entry that become fields; the others are in WASTEWATCH_ENTRY */
static const char *const keys[] = {
	"reports",	   "seq",      "site",	   "source",  "channel",    "limit",   "class",
	"value",	   "unit",     "bound",	   "kind",    "incident",   "reason",  "name",
	"report",	   "since",    "until",	   "user",    "uid",	    "level",   "verdict",
	"boundary",	   "measures", "exercise", "update",  "seconds",    "alarms",  "days",
	"capture_percent", "time",     "entries",  "minutes", "free_bytes", "changes",
};

void journal_item_done(struct journal_item *item)
{
	free(item->line);
	free(item->message);
	*item = (struct journal_item){0};
}

int64_t journal_item_time(const struct journal_item *item)
{
	json_t *entry = json_loads(item->line, 0, NULL);
	const char *text = json_string_value(json_object_get(entry, "time"));
	int64_t ms = 0;

	if (!text || clock_parse(text, &ms) < 0)
		ms = 0;
	json_decref(entry);
	return ms;
}

/* --- the fields ------------------------------------------------------------------------- */

/* "KEY=value", or with its length where the value has lines */
static void put(FILE *to, const char *key, const char *value)
{
	uint64_t length = htole64(strlen(value));

	if (!strchr(value, '\n')) {
		(void)fprintf(to, "%s=%s\n", key, value);
		return;
	}
	(void)fprintf(to, "%s\n", key);
	(void)fwrite(&length, sizeof(length), 1, to);
	(void)fprintf(to, "%s\n", value);
}

__attribute__((format(printf, 3, 4))) static void put_format(FILE *to, const char *key,
							     const char *format, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put(to, key, text);
}

static void put_key(FILE *to, const char *key, const json_t *value)
{
	char name[48] = "WASTEWATCH_";
	size_t n = strlen(name);

	for (size_t i = 0; key[i] && n + 1 < sizeof(name); i++)
		name[n++] = (char)(key[i] >= 'a' && key[i] <= 'z' ? key[i] - 'a' + 'A' : key[i]);
	name[n] = '\0';
	if (json_is_string(value))
		put(to, name, json_string_value(value));
	else
		put_format(to, name, "%lld",
			   json_is_true(value) ? 1LL : (long long)json_integer_value(value));
}

/* " mill/outfall/COD/limit-high", what there is of it */
static void print_place(FILE *to, const json_t *entry)
{
	static const char *const places[] = {"site", "source", "channel", "limit"};
	char mark = ' ';

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *name = json_string_value(json_object_get(entry, places[i]));

		if (name) {
			(void)fprintf(to, "%c%s", mark, name);
			mark = '/';
		}
	}
}

/* the sentence of an entry that is told late: made of what the record has of it */
static char *late_message(const json_t *entry)
{
	static const char *const words[] = {"value",  "unit",	"incident", "name",
					    "report", "reason", "user"};
	const char *type = json_string_value(json_object_get(entry, "type"));
	const char *time = json_string_value(json_object_get(entry, "time"));
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	if (!file)
		return NULL;
	(void)fprintf(file, "Told late, of %s: %s", time ? time : "?", type ? type : "?");
	print_place(file, entry);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *value = json_string_value(json_object_get(entry, words[i]));

		if (value)
			(void)fprintf(file, "; %s %s", words[i], value);
	}
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

/* emergencies have their own, as event_priority() knows; of the others the table's */
static int late_priority(enum event_type type, const json_t *entry)
{
	struct event event = event_plain(type, (struct stamp){0});
	const char *class = json_string_value(json_object_get(entry, "class"));

	if (type == EVENT_ALARM_RAISED && class && strcmp(class, "emergency") == 0)
		return 2;
	return event_priority(&event, NULL);
}

void journal_item_say(const struct journal_item *item)
{
	json_t *entry;
	char *message;

	if (item->message) {
		log_line((enum log_priority)item->priority, "%s", item->message);
		return;
	}
	entry = json_loads(item->line, 0, NULL);
	message = late_message(entry);
	log_line(LOG_PRIORITY_NOTICE, "%s", message ? message : item->line);
	free(message);
	json_decref(entry);
}

static void put_late(FILE *to, const json_t *entry)
{
	const char *name = json_string_value(json_object_get(entry, "type"));
	enum event_type type;
	char *message = late_message(entry);

	if (message)
		put(to, "MESSAGE", message);
	free(message);
	put(to, "WASTEWATCH_RESENT", "1");
	if (name)
		put(to, "WASTEWATCH_TYPE", name);
	if (!name || !event_type_of(name, &type)) {
		put(to, "PRIORITY", "5"); /* of a newer or older version */
		return;
	}
	put(to, "MESSAGE_ID", event_message_id(type));
	put_format(to, "PRIORITY", "%d", late_priority(type, entry));
}

static void put_item(FILE *to, const char *log_id, const struct journal_item *item)
{
	json_t *entry = json_loads(item->line, 0, NULL);
	char hex[CHAIN_HEX_MAX];

	if (item->message) {
		put(to, "MESSAGE", item->message);
		put(to, "MESSAGE_ID", event_message_id(item->type));
		put_format(to, "PRIORITY", "%d", item->priority);
		put(to, "WASTEWATCH_TYPE", event_type_text(item->type));
	} else {
		put_late(to, entry);
	}
	chain_hex(item->hash, hex);
	put(to, "SYSLOG_IDENTIFIER", "wastewatchd");
	put(to, "WASTEWATCH_HASH", hex);
	put(to, "WASTEWATCH_LOG", log_id);
	put(to, "WASTEWATCH_ENTRY", item->line);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const json_t *value = json_object_get(entry, keys[i]);

		if (value)
			put_key(to, keys[i], value);
	}
	json_decref(entry);
}

/* --- the socket --------------------------------------------------------------------------- */

static int send_message(int fd, const char *path, struct msghdr *message)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r = 0;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	message->msg_name = &address;
	message->msg_namelen = sizeof(address);
	if (sendmsg(fd, message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		r = -errno;
	message->msg_name = NULL; /* the next one sets it again */
	return r;
}

static int sealed_file(const char *data, size_t n)
{
	int fd = memfd_create("wastewatch-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, data, n) != (ssize_t)n ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		(void)close(fd);
		return -EIO;
	}
	return fd;
}

/* what is too long for a datagram goes as a sealed file */
static int send_large(int fd, const char *path, const char *data, size_t n)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int file = sealed_file(data, n), r;

	if (file < 0)
		return file;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &file, sizeof(file));
	r = send_message(fd, path, &message);
	(void)close(file);
	return r;
}

static int send_fields(int fd, const char *path, char *data, size_t n)
{
	struct iovec whole = {.iov_base = data, .iov_len = n};
	struct msghdr message = {.msg_iov = &whole, .msg_iovlen = 1};
	int r = send_message(fd, path, &message);

	return r == -EMSGSIZE || r == -ENOBUFS ? send_large(fd, path, data, n) : r;
}

int journal_send(int fd, const char *path, const char *log_id, const struct journal_item *item)
{
	char *data = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&data, &n);
	int r;

	if (!file)
		return -ENOMEM;
	put_item(file, log_id, item);
	r = fclose(file) == 0 ? send_fields(fd, path, data, n) : -ENOMEM;
	free(data);
	return r;
}

void journal_send_warning(int fd, const char *path, const char *text)
{
	char data[512];
	int n = snprintf(data, sizeof(data),
			 "MESSAGE=%s\nPRIORITY=4\nSYSLOG_IDENTIFIER=wastewatchd\n", text);

	if (n >= (int)sizeof(data) || send_fields(fd, path, data, (size_t)n) < 0)
		log_line(LOG_PRIORITY_WARNING, "%s", text);
}

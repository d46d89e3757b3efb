/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tools/receiver_answer.h"
#include "tools/receiver_print.h"
#include "tools/receiver_server.h"

#define CONNECTIONS_MAX 256U
#define IDLE_S		30U /* a silent connection is closed */
#define TLS_PRIORITIES	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/**
 * struct receiver_server
 * @stop: readable when all threads shall end
 * @lock: guards @store, @faults, @counts and stdout
 * @faults: counted down
 */
struct receiver_server {
	const struct receiver_settings *settings;
	struct receiver_store *store;
	struct MHD_Daemon *daemon;
	int stop;
	pthread_mutex_t lock;
	struct receiver_faults faults;
	struct receiver_counts counts;
};

/* a request while it comes in */
struct request {
	char *body;
	size_t n, n_room;
	bool too_big;
};

/* what one request is to suffer */
enum fault { FAULT_NONE, FAULT_FAIL, FAULT_HANG, FAULT_RESET, FAULT_LOSE, FAULT_REDIRECT };

static struct stamp now_of(const struct receiver_server *server)
{
	struct stamp now = clock_stamp();

	now.wall_ms += server->settings->faults.clock_s * MS_PER_S;
	return now;
}

/* ---- answers ---- */

static enum MHD_Result answer_error(const struct receiver_server *server,
				    struct MHD_Connection *connection, int status, const char *why)
{
	return receiver_answer_error(connection, status, why, now_of(server).wall_ms);
}

static enum MHD_Result answer_origins(struct receiver_server *server,
				      struct MHD_Connection *connection)
{
	int64_t now_ms = now_of(server).wall_ms;
	json_t *list;

	(void)pthread_mutex_lock(&server->lock);
	list = receiver_answer_origins(server->store, now_ms);
	(void)pthread_mutex_unlock(&server->lock);
	return receiver_answer_json(connection, MHD_HTTP_OK, list, now_ms);
}

static enum MHD_Result answer_get(struct receiver_server *server, struct MHD_Connection *connection,
				  const char *url)
{
	char text[64];

	if (strcmp(url, "/origins") == 0)
		return answer_origins(server, connection);
	if (strcmp(url, "/") != 0)
		return answer_error(server, connection, MHD_HTTP_NOT_FOUND,
				    "only / and /origins can be read");
	(void)pthread_mutex_lock(&server->lock);
	(void)snprintf(text, sizeof(text), "%zu reports\n", receiver_store_count(server->store));
	(void)pthread_mutex_unlock(&server->lock);
	return receiver_answer(connection, &(struct receiver_answer){
						   .status = MHD_HTTP_OK,
						   .text = text,
						   .now_ms = now_of(server).wall_ms,
					   });
}

static void say_overdue(void *userdata, struct receiver_origin *origin)
{
	const struct receiver_server *server = userdata;
	char text[320], heard[CLOCK_TEXT_MAX];

	if (origin->said || now_of(server).wall_ms <= origin->due_ms)
		return;
	origin->said = true;
	clock_format(origin->heard_ms, 0, heard);
	(void)snprintf(text, sizeof(text),
		       "OVERDUE! Nothing from %s since %s: call it; no incident and no connection "
		       "look the same from here",
		       origin->last.origin, heard);
	receiver_print_line(server->settings, MHD_HTTP_CONFLICT, NULL, NULL, text);
}

void receiver_server_overdue(struct receiver_server *server)
{
	(void)pthread_mutex_lock(&server->lock);
	receiver_store_origins(server->store, say_overdue, server);
	(void)pthread_mutex_unlock(&server->lock);
}

/* ---- faults ---- */

static enum fault draw_fault(struct receiver_server *server)
{
	struct {
		uint32_t *left;
		enum fault fault;
	} order[] = {
		{&server->faults.n_fail, FAULT_FAIL},
		{&server->faults.n_hang, FAULT_HANG},
		{&server->faults.n_reset, FAULT_RESET},
		{&server->faults.n_lose, FAULT_LOSE},
	};
	enum fault fault = server->faults.redirect ? FAULT_REDIRECT : FAULT_NONE;

	(void)pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (*order[i].left == 0)
			continue;
		(*order[i].left)--;
		fault = order[i].fault;
		break;
	}
	server->counts.n_faults += fault != FAULT_NONE;
	(void)pthread_mutex_unlock(&server->lock);
	return fault;
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* until the client goes, the server stops or the time is over (-1: never) */
static void wait_for(const struct receiver_server *server, struct MHD_Connection *connection,
		     int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = server->stop, .events = POLLIN},
		{.fd = socket_of(connection), .events = POLLRDHUP},
	};

	(void)poll(fds, ARRAY_SIZE(fds), timeout_ms);
}

/* RST at once: tcp_disconnect() of the kernel; close() would send FIN before it */
static void reset(struct MHD_Connection *connection)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	(void)connect(socket_of(connection), &nobody, sizeof(nobody));
}

static enum MHD_Result suffer(struct receiver_server *server, struct MHD_Connection *connection,
			      enum fault fault)
{
	const struct receiver_faults *faults = &server->settings->faults;
	const int status = fault == FAULT_FAIL ? faults->fail_status : MHD_HTTP_TEMPORARY_REDIRECT;
	struct receiver_answer answer = {
		.status = status, .text = "", .now_ms = now_of(server).wall_ms};
	char seconds[24], text[64];

	(void)pthread_mutex_lock(&server->lock);
	(void)snprintf(text, sizeof(text), "answered %d, as told", status);
	receiver_print_line(server->settings, fault == FAULT_HANG ? 0 : status, NULL, NULL,
			    fault == FAULT_HANG ? "left without an answer, as told" : text);
	(void)pthread_mutex_unlock(&server->lock);
	if (fault == FAULT_HANG) {
		wait_for(server, connection, -1);
		return MHD_NO;
	}
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, faults->retry_after_s);
	if (fault == FAULT_REDIRECT) {
		answer.name = MHD_HTTP_HEADER_LOCATION;
		answer.value = faults->redirect;
	} else if (faults->retry_after_s >= 0) {
		answer.name = MHD_HTTP_HEADER_RETRY_AFTER;
		answer.value = seconds;
	}
	return receiver_answer(connection, &answer);
}

/* ---- one report ---- */

static enum MHD_Result refuse(struct receiver_server *server, struct MHD_Connection *connection,
			      int status, const char *why)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "refused a request: %s", why);
	(void)pthread_mutex_lock(&server->lock);
	server->counts.n_refused++;
	receiver_print_line(server->settings, status, NULL, NULL, text);
	(void)pthread_mutex_unlock(&server->lock);
	return answer_error(server, connection, status, why);
}

static int status_of(enum receiver_verdict verdict)
{
	switch (verdict) {
	case RECEIVER_NO_HEADER:
	case RECEIVER_BAD_ID:
	case RECEIVER_BAD_TIMESTAMP:
		return MHD_HTTP_BAD_REQUEST;
	case RECEIVER_TOO_OLD:
	case RECEIVER_TOO_NEW:
	case RECEIVER_BAD_V1:
	case RECEIVER_BAD_V1A:
		return MHD_HTTP_UNAUTHORIZED;
	case RECEIVER_GENUINE:
	case RECEIVER_FAILED:
		break;
	}
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* print and count what came of a genuine message; NULL: it is accepted */
static const char *conclude(struct receiver_server *server, const char *id,
			    const struct receiver_receipt *receipt)
{
	switch (receipt->outcome) {
	case RECEIVER_STORED:
		server->counts.n_stored++;
		receiver_print_stored(server->settings, id, receipt->type);
		return NULL;
	case RECEIVER_DUPLICATE:
		server->counts.n_duplicates++;
		receiver_print_line(server->settings, MHD_HTTP_OK, id, receipt->type,
				    "received again, kept once:");
		return NULL;
	case RECEIVER_CONFLICT_BODY:
		server->counts.n_conflicts++;
		receiver_print_line(server->settings, MHD_HTTP_CONFLICT, id, receipt->type,
				    "CONFLICT! Another body under an id that is held already:");
		return "this id was received with another body";
	case RECEIVER_CONFLICT_HEAD:
		server->counts.n_conflicts++;
		receiver_print_line(
			server->settings, MHD_HTTP_CONFLICT, id, receipt->type,
			"CONFLICT! The record there is not the one that was seen before:");
		return "the record differs from what is held of the same entries";
	case RECEIVER_NO_REPORT:
		break;
	}
	server->counts.n_refused++;
	receiver_print_line(
		server->settings, MHD_HTTP_BAD_REQUEST, id, NULL,
		"refused, signed but neither a JSON report with type and data nor a CAP alert:");
	return "the body is neither a JSON object with \"type\" and \"data\" nor an alert of CAP "
	       "1.2";
}

static enum MHD_Result keep(struct receiver_server *server, struct MHD_Connection *connection,
			    const struct receiver_message *message, enum fault fault)
{
	struct receiver_receipt receipt;
	const char *why = NULL;
	int r;

	(void)pthread_mutex_lock(&server->lock);
	r = receiver_store_add(server->store, message->id, message->body, message->n_body,
			       now_of(server).wall_ms, strtoll(message->timestamp, NULL, 10),
			       fault == FAULT_LOSE, &receipt);
	if (r == 0)
		why = conclude(server, message->id, &receipt);
	if (r == 0 && (fault == FAULT_RESET || fault == FAULT_LOSE))
		receiver_print_line(server->settings, 0, message->id, NULL,
				    fault == FAULT_RESET ? "connection reset, as told:"
							 : "lost, as told:");
	(void)pthread_mutex_unlock(&server->lock);
	if (r < 0) {
		(void)fprintf(stderr, "wastewatch-receiver: cannot store %s: %s\n", message->id,
			      strerror(-r));
		return refuse(server, connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "the receiver could not store it");
	}
	if (fault == FAULT_RESET) {
		reset(connection);
		return MHD_NO;
	}
	return receiver_answer_receipt(connection, message->id, &receipt, why,
				       now_of(server).wall_ms);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result take_report(struct receiver_server *server,
				   struct MHD_Connection *connection, const struct request *request)
{
	const struct receiver_message message = {
		.id = header(connection, "webhook-id"),
		.timestamp = header(connection, "webhook-timestamp"),
		.signature = header(connection, "webhook-signature"),
		.body = request->body ? request->body : "",
		.n_body = request->n,
	};
	enum receiver_verdict verdict;
	enum fault fault = draw_fault(server);

	if (server->settings->faults.delay_ms > 0)
		wait_for(server, connection, (int)server->settings->faults.delay_ms);
	if (fault != FAULT_NONE && fault != FAULT_RESET && fault != FAULT_LOSE)
		return suffer(server, connection, fault);
	if (request->too_big)
		return refuse(server, connection, MHD_HTTP_CONTENT_TOO_LARGE,
			      "a body may have 1 MiB");
	verdict = receiver_verify(&server->settings->keys, &message,
				  now_of(server).wall_ms / MS_PER_S, server->settings->tolerance_s);
	if (verdict != RECEIVER_GENUINE)
		return refuse(server, connection, status_of(verdict),
			      receiver_verdict_text(verdict));
	return keep(server, connection, &message, fault);
}

/* ---- libmicrohttpd's side ---- */

static enum MHD_Result take_bytes(struct request *request, const char *data, size_t n)
{
	if (request->too_big || request->n + n > RECEIVER_BODY_MAX) {
		request->too_big = true; /* the rest is read and thrown away */
		return MHD_YES;
	}
	if (request->n + n > request->n_room) {
		size_t n_room = MAX(request->n + n, 2 * request->n_room);
		char *body = realloc(request->body, n_room);

		if (!body)
			return MHD_NO;
		request->body = body;
		request->n_room = n_room;
	}
	memcpy(request->body + request->n, data, n);
	request->n += n;
	return MHD_YES;
}

/* called once for the head, then for pieces of the body, then once more at its end */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
				  const char *url, const char *method, const char *version,
				  const char *data, size_t *n, void **state)
{
	struct receiver_server *server = userdata;
	struct request *request = *state;
	enum MHD_Result result;

	(void)version;
	if (!request) {
		*state = calloc(1, sizeof(*request));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*n > 0) {
		result = take_bytes(request, data, *n);
		*n = 0;
		return result;
	}
	if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
		return take_report(server, connection, request);
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
		return answer_get(server, connection, url);
	return answer_error(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "reports are posted");
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct request *request = *state;

	(void)userdata;
	(void)connection;
	(void)why;
	if (request)
		free(request->body);
	free(request);
	*state = NULL;
}

static struct MHD_Daemon *start(struct receiver_server *server, int listener)
{
	const struct receiver_settings *settings = server->settings;
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
			     MHD_USE_POLL | MHD_USE_ITC;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)settings->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)settings->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};

	if (settings->certificate)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
				listener, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, NULL, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

int receiver_server_open(struct receiver_server **ret, const struct receiver_settings *settings,
			 struct receiver_store *store, int listener)
{
	CLEANUP(receiver_server_close) struct receiver_server *server = calloc(1, sizeof(*server));

	if (!server) {
		(void)close(listener);
		return -ENOMEM;
	}
	server->settings = settings;
	server->faults = settings->faults;
	server->store = store;
	(void)pthread_mutex_init(&server->lock, NULL); /* cannot fail with default attributes */
	server->stop = eventfd(0, EFD_CLOEXEC);
	if (server->stop >= 0)
		server->daemon = start(server, listener);
	if (!server->daemon) {
		(void)close(listener);
		return server->stop < 0 ? -ENOMEM : -EINVAL;
	}
	*ret = steal(&server);
	return 0;
}

struct receiver_server *receiver_server_close(struct receiver_server *server)
{
	if (!server)
		return NULL;
	if (server->stop >= 0)
		(void)eventfd_write(server->stop, 1);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->stop >= 0)
		(void)close(server->stop);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
	return NULL;
}

struct receiver_counts receiver_server_counts(struct receiver_server *server)
{
	struct receiver_counts counts;

	(void)pthread_mutex_lock(&server->lock);
	counts = server->counts;
	(void)pthread_mutex_unlock(&server->lock);
	return counts;
}

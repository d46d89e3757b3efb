/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sandbox.h"
#include "core/sandboxes.h"
#include "core/service.h"

#define WORDS_MAX 1024
#define NAMED_MAX 4 /* of each kind; the others are counted */

/* RFC 5737: no plant and no department has it, so it stands for everybody else's */
#define ANYBODY "203.0.113.1"

static const char *const names[N_SANDBOXES] = {
	[SANDBOX_CORE] = "wastewatchd",
	[SANDBOX_POLLER] = "wastewatch-poller",
	[SANDBOX_SENDER] = "wastewatch-sender",
};

/* as it goes over the wire */
struct trials {
	struct wire_header header;
	struct wire_trial list[WIRE_TRIALS_MAX];
};

/**
 * struct sandbox - of one program
 * @state: "holds", …
 * @words: what of the trials is worth saying; "" it was not told yet
 */
struct sandbox {
	struct trials trials;
	const char *state;
	char words[WORDS_MAX];
};

struct sandboxes {
	struct sandbox programs[N_SANDBOXES];
};

/* --- what is to be tried ------------------------------------------------------------------ */

/* each once; what does not fit is not tried */
static void add(struct trials *trials, enum wire_trial_kind kind, const char *target)
{
	struct wire_trial *trial = &trials->list[trials->header.count];

	for (unsigned int i = 0; i < trials->header.count; i++)
		if (trials->list[i].kind == kind && strcmp(trials->list[i].target, target) == 0)
			return;
	if (trials->header.count == WIRE_TRIALS_MAX || strlen(target) >= sizeof(trial->target))
		return;
	*trial = (struct wire_trial){.kind = (uint16_t)kind};
	memcpy(trial->target, target, strlen(target));
	trials->header.count++;
}

static void add_address(struct trials *trials, const char *address)
{
	if (!sandbox_is_loopback(address))
		add(trials, WIRE_TRIAL_ADDRESS, address);
}

static void add_record(struct trials *trials, const struct service *service)
{
	char path[PATH_MAX], whole[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, service->options.state);
	add(trials, WIRE_TRIAL_FILE, realpath(path, whole) ? whole : path);
}

/* the host of SCHEME://[USER@]HOST[:PORT][/…], where it is an address */
static void add_host_of(struct trials *trials, const char *url)
{
	const char *host = strstr(url, "://");
	char address[WIRE_HOST_MAX];
	size_t n;

	host = host ? host + 3 : url;
	n = strcspn(host, "/?#");
	if (memchr(host, '@', n)) {
		n -= (size_t)((const char *)memchr(host, '@', n) + 1 - host);
		host = strchr(host, '@') + 1;
	}
	if (*host == '[') {
		host++;
		n = strcspn(host, "]");
	} else {
		n = MIN(n, strcspn(host, ":"));
	}
	(void)snprintf(address, sizeof(address), "%.*s", (int)MIN(n, sizeof(address) - 1), host);
	add_address(trials, address);
}

static void list_poller(struct trials *trials, const struct service *service)
{
	add_record(trials, service);
	add_address(trials, ANYBODY);
	for (size_t i = 0; i < service->config->n_destinations; i++)
		add_host_of(trials, service->config->destinations[i].url);
}

static void list_sender(struct trials *trials, const struct service *service)
{
	add_record(trials, service);
	for (size_t i = 0; i < service->config->n_links; i++)
		if (service->config->links[i].kind != WIRE_LINK_RTU)
			add_address(trials, service->config->links[i].host);
}

static void begin(struct sandbox *sandbox)
{
	sandbox->trials.header = (struct wire_header){.type = WIRE_TRIALS};
}

/* --- what came of it -------------------------------------------------------------------------- */

static const struct {
	enum wire_outcome outcome;
	enum wire_trial_kind kind;
	const char *words;
} phrases[] = {
	{WIRE_OPEN, WIRE_TRIAL_FAMILY, "can open a socket of"},
	{WIRE_OPEN, WIRE_TRIAL_FILE, "can open"},
	{WIRE_OPEN, WIRE_TRIAL_ADDRESS, "can send to"},
	{WIRE_REFUSED, WIRE_TRIAL_FAMILY, "cannot open a socket of"},
	{WIRE_REFUSED, WIRE_TRIAL_FILE, "cannot open"},
	{WIRE_REFUSED, WIRE_TRIAL_ADDRESS, "cannot send to"},
	{WIRE_UNKNOWN, WIRE_TRIAL_FAMILY, "nothing could be shown of sockets of"},
	{WIRE_UNKNOWN, WIRE_TRIAL_FILE, "nothing could be shown of"},
	{WIRE_UNKNOWN, WIRE_TRIAL_ADDRESS, "nothing could be shown of sending to"},
};

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text + n, WORDS_MAX - n, format, ap);
	va_end(ap);
}

/* "; cannot send to 10.0.0.1, 10.0.0.2 and 3 others"; nothing where there is none */
static void append_phrase(char *text, const struct trials *trials, size_t phrase)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < trials->header.count; i++) {
		const struct wire_trial *trial = &trials->list[i];

		if (trial->outcome != phrases[phrase].outcome ||
		    trial->kind != phrases[phrase].kind)
			continue;
		if (n == 0)
			append(text, "%s%s ", *text ? "; " : "", phrases[phrase].words);
		if (n < NAMED_MAX)
			append(text, "%s%s", n > 0 ? ", " : "", trial->target);
		n++;
	}
	if (n > NAMED_MAX)
		append(text, " and %u other%s", n - NAMED_MAX, n - NAMED_MAX == 1 ? "" : "s");
}

static bool any(const struct trials *trials, enum wire_outcome outcome)
{
	for (unsigned int i = 0; i < trials->header.count; i++)
		if (trials->list[i].outcome == outcome)
			return true;
	return false;
}

/* what is open is said alone; else all of it */
static const char *judge(const struct trials *trials, char words[static WORDS_MAX])
{
	bool is_open = any(trials, WIRE_OPEN);

	*words = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (!is_open || phrases[i].outcome == WIRE_OPEN)
			append_phrase(words, trials, i);
	return is_open ? "open" : any(trials, WIRE_REFUSED) ? "holds" : "unknown";
}

static void say(struct service *service, enum sandbox_program program)
{
	struct sandbox *sandbox = &service->sandboxes->programs[program];
	char words[WORDS_MAX];
	const char *state = judge(&sandbox->trials, words);
	struct event event = event_plain(strcmp(state, "open") == 0 ? EVENT_SANDBOX_OPEN
								    : EVENT_SANDBOX_CHECKED,
					 service_now(service));

	if (strcmp(words, sandbox->words) == 0)
		return;
	sandbox->state = state;
	memcpy(sandbox->words, words, sizeof(words));
	event.name = names[program];
	event.reason = sandbox->words;
	core_event(service->core, &event);
}

/* --- for the others ------------------------------------------------------------------------------
 */

void sandboxes_fit(struct service *service)
{
	struct sandbox *programs = service->sandboxes->programs;

	begin(&programs[SANDBOX_POLLER]);
	list_poller(&programs[SANDBOX_POLLER].trials, service);
	begin(&programs[SANDBOX_SENDER]);
	list_sender(&programs[SANDBOX_SENDER].trials, service);
}

int sandboxes_open(struct service *service)
{
	struct sandbox *own;

	service->sandboxes = calloc(1, sizeof(*service->sandboxes));
	if (!service->sandboxes)
		return -ENOMEM;
	sandboxes_fit(service);
	own = &service->sandboxes->programs[SANDBOX_CORE];
	begin(own);
	add(&own->trials, WIRE_TRIAL_FAMILY, "IPv4");
	add(&own->trials, WIRE_TRIAL_FAMILY, "IPv6");
	sandbox_try_all(&own->trials);
	say(service, SANDBOX_CORE);
	return 0;
}

struct sandboxes *sandboxes_free(struct sandboxes *sandboxes)
{
	free(sandboxes);
	return NULL;
}

int sandboxes_ask(const struct service *service, enum sandbox_program program, struct peer *peer)
{
	struct trials trials;

	if (!service->sandboxes)
		return 0; /* nobody is asked before the core has tried its own */
	trials = service->sandboxes->programs[program].trials;
	return peer_send(peer, &trials,
			 sizeof(trials.header) + trials.header.count * sizeof(*trials.list));
}

static bool is_answer(const struct trials *asked, const struct wire_header *header)
{
	const struct wire_trial *list = (const void *)(header + 1);

	if (header->count != asked->header.count)
		return false;
	for (unsigned int i = 0; i < header->count; i++)
		if (list[i].kind != asked->list[i].kind || list[i].outcome == WIRE_NOT_TRIED ||
		    strcmp(list[i].target, asked->list[i].target) != 0)
			return false;
	return true;
}

void sandboxes_told(struct service *service, enum sandbox_program program, const void *packet)
{
	struct trials *trials = &service->sandboxes->programs[program].trials;
	const struct wire_header *header = packet;

	if (!is_answer(trials, header))
		return;
	memcpy(trials->list, header + 1, header->count * sizeof(*trials->list));
	say(service, program);
}

json_t *sandboxes_object(const struct sandboxes *sandboxes)
{
	json_t *object = json_object();

	for (size_t i = 0; i < N_SANDBOXES; i++) {
		const struct sandbox *sandbox = &sandboxes->programs[i];

		(void)json_object_set_new(object, names[i],
					  json_pack("{ss, ss}", "state",
						    sandbox->state ? sandbox->state : "waiting",
						    "words", sandbox->words));
	}
	return object;
}

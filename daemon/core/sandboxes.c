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

/* struct untried - what is not tried because it is a name, and what there was no room for */
struct untried {
	unsigned int n_names;
	unsigned int n_left_out;
	char names[WIRE_TRIALS_MAX][WIRE_HOST_MAX];
};

/**
 * struct sandbox - of one program
 * @state: "holds", …
 * @words: what of the trials is worth saying; "" it was not told yet
 */
struct sandbox {
	struct trials trials;
	struct untried untried;
	const char *state;
	char words[WORDS_MAX];
};

struct sandboxes {
	struct sandbox programs[N_SANDBOXES];
};

/* --- what is to be tried ------------------------------------------------------------------ */

/* each once; what does not fit is counted */
static void add(struct sandbox *sandbox, enum wire_trial_kind kind, const char *target)
{
	struct trials *trials = &sandbox->trials;
	struct wire_trial *trial = &trials->list[trials->header.count];

	for (unsigned int i = 0; i < trials->header.count; i++)
		if (trials->list[i].kind == kind && strcmp(trials->list[i].target, target) == 0)
			return;
	if (trials->header.count == WIRE_TRIALS_MAX || strlen(target) >= sizeof(trial->target)) {
		sandbox->untried.n_left_out++;
		return;
	}
	*trial = (struct wire_trial){.kind = (uint16_t)kind};
	memcpy(trial->target, target, strlen(target));
	trials->header.count++;
}

/* nothing here resolves one: that asks a server, and may wait for it */
static void add_name(struct untried *untried, const char *name)
{
	for (unsigned int i = 0; i < untried->n_names; i++)
		if (strcmp(untried->names[i], name) == 0)
			return;
	if (untried->n_names == WIRE_TRIALS_MAX || strlen(name) >= sizeof(untried->names[0])) {
		untried->n_left_out++;
		return;
	}
	memcpy(untried->names[untried->n_names++], name, strlen(name) + 1);
}

static void add_address(struct sandbox *sandbox, const char *address)
{
	if (sandbox_is_name(address))
		add_name(&sandbox->untried, address);
	else if (!sandbox_is_loopback(address))
		add(sandbox, WIRE_TRIAL_ADDRESS, address);
}

static void add_record(struct sandbox *sandbox, const struct service *service)
{
	char path[PATH_MAX], whole[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, service->options.state);
	add(sandbox, WIRE_TRIAL_FILE, realpath(path, whole) ? whole : path);
}

/* the host of SCHEME://[USER@]HOST[:PORT][/…] */
static void add_host_of(struct sandbox *sandbox, const char *url)
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
	add_address(sandbox, address);
}

static void list_poller(struct sandbox *sandbox, const struct service *service)
{
	add_record(sandbox, service);
	add_address(sandbox, ANYBODY);
	for (size_t i = 0; i < service->config->n_destinations; i++)
		add_host_of(sandbox, service->config->destinations[i].url);
}

static void list_sender(struct sandbox *sandbox, const struct service *service)
{
	add_record(sandbox, service);
	for (size_t i = 0; i < service->config->n_links; i++)
		if (service->config->links[i].kind != WIRE_LINK_RTU)
			add_address(sandbox, service->config->links[i].host);
}

static void begin(struct sandbox *sandbox)
{
	sandbox->trials.header = (struct wire_header){.type = WIRE_TRIALS};
	sandbox->untried = (struct untried){0};
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

static unsigned int count(const struct trials *trials, enum wire_outcome outcome)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < trials->header.count; i++)
		n += trials->list[i].outcome == outcome;
	return n;
}

/* "; 2 of 5 refused, 1 not shown, 2 not tried (plant.example is a name)" */
static void append_counts(char *text, const struct sandbox *sandbox)
{
	const struct untried *untried = &sandbox->untried;
	unsigned int n_unknown = count(&sandbox->trials, WIRE_UNKNOWN);
	unsigned int n_untried = untried->n_names + untried->n_left_out;

	append(text, "; %u of %u refused", count(&sandbox->trials, WIRE_REFUSED),
	       sandbox->trials.header.count + n_untried);
	if (n_unknown > 0)
		append(text, ", %u not shown", n_unknown);
	if (n_untried == 0)
		return;
	append(text, ", %u not tried (", n_untried);
	for (unsigned int i = 0; i < untried->n_names && i < NAMED_MAX; i++)
		append(text, "%s%s", i > 0 ? ", " : "", untried->names[i]);
	if (untried->n_names > 0)
		append(text, "%s: a name is not resolved for this",
		       untried->n_names > NAMED_MAX ? ", ..." : "");
	if (untried->n_left_out > 0)
		append(text, "%s%u more than the %d that fit", untried->n_names > 0 ? "; " : "",
		       untried->n_left_out, WIRE_TRIALS_MAX);
	append(text, ")");
}

/* what is open is said alone; else all of it. "holds" is said of all that there is, or not said. */
static const char *judge(const struct sandbox *sandbox, char words[static WORDS_MAX])
{
	const struct trials *trials = &sandbox->trials;
	bool is_open = count(trials, WIRE_OPEN) > 0;
	unsigned int n_refused = count(trials, WIRE_REFUSED);
	unsigned int n_untried = sandbox->untried.n_names + sandbox->untried.n_left_out;

	*words = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (!is_open || phrases[i].outcome == WIRE_OPEN)
			append_phrase(words, trials, i);
	append_counts(words, sandbox);
	if (is_open)
		return "open";
	return n_refused == 0				       ? "unknown"
	       : n_refused == trials->header.count + n_untried ? "holds"
							       : "partly";
}

static void say(struct service *service, enum sandbox_program program)
{
	struct sandbox *sandbox = &service->sandboxes->programs[program];
	char words[WORDS_MAX];
	const char *state = judge(sandbox, words);
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
	list_poller(&programs[SANDBOX_POLLER], service);
	begin(&programs[SANDBOX_SENDER]);
	list_sender(&programs[SANDBOX_SENDER], service);
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
	add(own, WIRE_TRIAL_FAMILY, "IPv4");
	add(own, WIRE_TRIAL_FAMILY, "IPv6");
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

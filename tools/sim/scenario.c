/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim_encode.h"
#include "tools/sim_scenario.h"
#include "tools/sim_state.h"

#define WORDS_MAX   8
#define TIME_MAX_MS (INT64_C(366) * 86400000)

struct parser {
	const struct config *config;
	const char *name;
	FILE *errors;
	unsigned int line;
	size_t n_errors;
	char *words[WORDS_MAX];
	size_t n_words;
	size_t next; /* first word not looked at yet */
};

static int fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct parser *p, const char *format, ...)
{
	va_list ap;

	p->n_errors++;
	if (!p->errors)
		return -EINVAL;
	(void)fprintf(p->errors, "%s:%u: ", p->name, p->line);
	va_start(ap, format);
	(void)vfprintf(p->errors, format, ap);
	va_end(ap);
	(void)fputc('\n', p->errors);
	return -EINVAL;
}

/* the next word, "" at the end of the line */
static const char *peek(const struct parser *p)
{
	return p->next < p->n_words ? p->words[p->next] : "";
}

static const char *take(struct parser *p)
{
	return p->next < p->n_words ? p->words[p->next++] : "";
}

static int take_time(struct parser *p, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1e3}, {"min", 60e3}, {"h", 3600e3}};
	const char *text = take(p);
	char *end;
	double x = strtod(text, &end);

	for (size_t i = 0; i < ARRAY_SIZE(units) && end != text; i++)
		if (strcmp(end, units[i].unit) == 0 && x >= 0 &&
		    x * units[i].ms <= (double)TIME_MAX_MS) {
			*ret_ms = llround(x * units[i].ms);
			return 0;
		}
	return fail(p, "\"%s\" is no time; allowed: 0 or more with ms, s, min or h, such as 20s",
		    text);
}

static int take_delay(struct parser *p, uint32_t *ret_ms)
{
	int64_t ms;
	int r = take_time(p, &ms);

	if (r < 0)
		return r;
	if (ms < 1 || ms > 3600000)
		return fail(p, "delay of %lld ms; allowed: 1ms to 1h", (long long)ms);
	*ret_ms = (uint32_t)ms;
	return 0;
}

/* "over TIME", or nothing where that is allowed */
static int take_over(struct parser *p, bool required, int64_t *ret_ms)
{
	if (!required && p->next == p->n_words) {
		*ret_ms = 0;
		return 0;
	}
	if (strcmp(peek(p), "over") != 0)
		return fail(p, "\"%s\" where \"over TIME\" belongs", peek(p));
	(void)take(p);
	return take_time(p, ret_ms);
}

static int take_value(struct parser *p, struct sim_action *a)
{
	const struct config_channel *c = &p->config->channels[a->target];
	const char *text = take(p);
	char *end;
	uint64_t raw;

	a->value = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(a->value))
		return fail(p, "\"%s\" is no value; allowed: a finite number in %s", text,
			    *c->measure ? c->measure : "the channel's unit");
	if (sim_encode_raw(&c->decode, a->value, &raw) == 0)
		return 0;
	return fail(p, "%s cannot show %s: it does not fit into %s with scale %g and offset %g",
		    c->path, text, decode_type_text(c->decode.type), c->decode.scale,
		    c->decode.offset);
}

static int parse_ramp(struct parser *p, struct sim_action *a)
{
	int r = take_value(p, a);

	return r < 0 ? r : take_over(p, true, &a->over_ms);
}

static int parse_normal(struct parser *p, struct sim_action *a)
{
	return take_over(p, false, &a->over_ms);
}

static int parse_nan(struct parser *p, struct sim_action *a)
{
	const struct config_channel *c = &p->config->channels[a->target];

	if (sim_encode_nan(&c->decode, &a->raw) == 0)
		return 0;
	return fail(p, "%s is %s without an invalid code and has no NaN; use \"raw\"", c->path,
		    decode_type_text(c->decode.type));
}

static int take_raw(struct parser *p, struct sim_action *a, enum decode_type type)
{
	const char *text = take(p);
	char *end;

	errno = 0;
	a->raw = strtoull(text, &end, 0);
	if (end == text || *end != '\0' || *text == '-' || errno != 0 ||
	    a->raw > sim_encode_raw_max(type))
		return fail(p, "\"%s\" is no bit pattern of %s; allowed: 0 to 0x%llX", text,
			    decode_type_text(type), (unsigned long long)sim_encode_raw_max(type));
	return 0;
}

static int parse_raw(struct parser *p, struct sim_action *a)
{
	return take_raw(p, a, p->config->channels[a->target].decode.type);
}

static int parse_state_raw(struct parser *p, struct sim_action *a)
{
	return take_raw(p, a, p->config->states[a->target].decode.type);
}

static int parse_link_delay(struct parser *p, struct sim_action *a)
{
	return take_delay(p, &a->delay_ms);
}

/* Modbus TCP leaves that to TCP */
static int parse_badcrc(struct parser *p, struct sim_action *a)
{
	if (p->config->links[a->target].kind != WIRE_LINK_TCP)
		return 0;
	return fail(p, "the link speaks Modbus TCP, which has no check sum; \"badcrc\" is for RTU");
}

static int parse_exception(struct parser *p, struct sim_action *a)
{
	const char *text = take(p);
	char *end;
	long code = strtol(text, &end, 10);

	if (end == text || *end != '\0' || code < 1 || code > 255)
		return fail(p, "\"%s\" is no exception code; allowed: 1 to 255", text);
	a->exception = (uint8_t)code;
	return 0;
}

static int parse_says(struct parser *p, struct sim_action *a)
{
	uint64_t raw;

	for (size_t i = 0; i < p->config->n_states; i++)
		if (p->config->states[i].unit == a->target &&
		    sim_state_find(p->config, i, a->quality, &raw) == 0)
			return 0;
	return fail(p,
		    "no state of the unit can say \"%s\"; its states and their meanings are in "
		    "the configuration",
		    p->words[p->next - 1]);
}

static int parse_refuse(struct parser *p, struct sim_action *a)
{
	static const char *const tables[] = {"", "coil", "discrete", "holding", "input"};
	const char *table = take(p), *text;
	unsigned long first, last;
	char *end;

	for (unsigned int i = 1; i < ARRAY_SIZE(tables); i++)
		if (strcmp(tables[i], table) == 0)
			a->range.function = i;
	if (a->range.function == 0)
		return fail(p, "\"%s\" is no table; allowed: holding, input, coil, discrete",
			    table);
	text = take(p);
	first = last = strtoul(text, &end, 10);
	if (end != text && *end == '-')
		last = strtoul(end + 1, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || first > last || last > UINT16_MAX)
		return fail(p, "\"%s\" are no addresses; allowed: 0 to 65535, such as 12 or 12-13",
			    text);
	a->range.address = (unsigned int)first;
	a->range.count = (unsigned int)(last - first + 1);
	return 0;
}

/* @mode: of links; @quality: of units that say something */
struct verb {
	const char *word;
	enum sim_verb verb;
	enum sim_link_mode mode;
	int (*parse)(struct parser *p, struct sim_action *a);
	enum quality quality;
};

static const struct verb channel_verbs[] = {
	{"ramp", SIM_RAMP, 0, parse_ramp, 0},
	{"set", SIM_SET, 0, take_value, 0},
	{"nan", SIM_NAN, 0, parse_nan, 0},
	{"normal", SIM_NORMAL, 0, parse_normal, 0},
	{"stuck", SIM_STUCK, 0, NULL, 0},
	{"raw", SIM_RAW, 0, parse_raw, 0},
	{NULL, 0, 0, NULL, 0},
};

static const struct verb link_verbs[] = {
	{"normal", SIM_LINK, SIM_LINK_NORMAL, NULL, 0},
	{"dead", SIM_LINK, SIM_LINK_DEAD, NULL, 0},
	{"refuse", SIM_LINK, SIM_LINK_REFUSE, NULL, 0},
	{"reset", SIM_LINK, SIM_LINK_RESET, NULL, 0},
	{"garbage", SIM_LINK, SIM_LINK_GARBAGE, NULL, 0},
	{"late", SIM_LINK, SIM_LINK_LATE, parse_link_delay, 0},
	{"drip", SIM_LINK, SIM_LINK_DRIP, parse_link_delay, 0},
	{"drop", SIM_LINK_DROP, SIM_LINK_NORMAL, NULL, 0},
	{"badcrc", SIM_LINK, SIM_LINK_BADCRC, parse_badcrc, 0},
	{"echo", SIM_LINK, SIM_LINK_ECHO, NULL, 0},
	{"foreign", SIM_LINK, SIM_LINK_FOREIGN, NULL, 0},
	{"noise", SIM_LINK, SIM_LINK_NOISE, NULL, 0},
	{NULL, 0, 0, NULL, 0},
};

static const struct verb unit_verbs[] = {
	{"normal", SIM_UNIT_NORMAL, 0, NULL, 0},
	{"dead", SIM_UNIT_DEAD, 0, NULL, 0},
	{"exception", SIM_UNIT_EXCEPTION, 0, parse_exception, 0},
	{"measuring", SIM_UNIT_SAYS, 0, parse_says, QUALITY_GOOD},
	{"calibrating", SIM_UNIT_SAYS, 0, parse_says, QUALITY_CALIBRATING},
	{"maintenance", SIM_UNIT_SAYS, 0, parse_says, QUALITY_MAINTENANCE},
	{"fault", SIM_UNIT_SAYS, 0, parse_says, QUALITY_DEVICE_FAULT},
	{"refuse", SIM_UNIT_REFUSE, 0, parse_refuse, 0},
	{"allow", SIM_UNIT_ALLOW, 0, NULL, 0},
	{NULL, 0, 0, NULL, 0},
};

static const struct verb state_verbs[] = {
	{"raw", SIM_STATE_RAW, 0, parse_state_raw, 0},
	{NULL, 0, 0, NULL, 0},
};

static int parse_verb(struct parser *p, struct sim_action *a, const struct verb *verbs)
{
	const char *word = take(p);
	char allowed[160] = "";

	for (const struct verb *v = verbs; v->word; v++) {
		if (strcmp(word, v->word) == 0) {
			a->verb = v->verb;
			a->mode = v->mode;
			a->quality = v->quality;
			return v->parse ? v->parse(p, a) : 0;
		}
		(void)snprintf(allowed + strlen(allowed), sizeof(allowed) - strlen(allowed), "%s%s",
			       v == verbs ? "" : ", ", v->word);
	}
	return fail(p, "\"%s\" is no action; allowed here: %s", word, allowed);
}

struct place {
	const char *name;
	const char *site;
};

static struct place link_place(const struct config *config, size_t i)
{
	const struct config_link *l = &config->links[i];

	return (struct place){l->name, config->sites[l->site].name};
}

static struct place unit_place(const struct config *config, size_t i)
{
	const struct config_unit *u = &config->units[i];

	return (struct place){u->name, config->sites[config->links[u->link].site].name};
}

/* is @text "NAME" or "SITE/NAME"? */
static bool names(const char *text, struct place place)
{
	const char *slash = strchr(text, '/');

	if (!slash)
		return strcmp(text, place.name) == 0;
	return strlen(place.site) == (size_t)(slash - text) &&
	       memcmp(text, place.site, (size_t)(slash - text)) == 0 &&
	       strcmp(slash + 1, place.name) == 0;
}

static int find_named(struct parser *p, const char *what, size_t n,
		      struct place (*at)(const struct config *, size_t), size_t *ret)
{
	const char *text = take(p);
	size_t n_found = 0;

	for (size_t i = 0; i < n; i++)
		if (names(text, at(p->config, i)) && n_found++ == 0)
			*ret = i;
	if (n_found == 0)
		return fail(p, "no %s \"%s\" in the configuration; allowed: NAME or SITE/NAME",
			    what, text);
	if (n_found > 1)
		return fail(p, "%zu sites have a %s \"%s\"; write SITE/%s", n_found, what, text,
			    text);
	return 0;
}

static int find_state(struct parser *p, size_t *ret)
{
	const char *path = take(p);

	for (size_t i = 0; i < p->config->n_states; i++)
		if (strcmp(p->config->states[i].path, path) == 0) {
			*ret = i;
			return 0;
		}
	return fail(p, "no state \"%s\" in the configuration; allowed: SITE/UNIT/STATE", path);
}

static int parse_subject(struct parser *p, struct sim_action *a)
{
	const char *word = take(p);
	int r;

	if (strcmp(word, "end") == 0) {
		a->verb = SIM_END;
		return 0;
	}
	if (strcmp(word, "link") == 0) {
		r = find_named(p, "link", p->config->n_links, link_place, &a->target);
		return r < 0 ? r : parse_verb(p, a, link_verbs);
	}
	if (strcmp(word, "unit") == 0) {
		r = find_named(p, "unit", p->config->n_units, unit_place, &a->target);
		return r < 0 ? r : parse_verb(p, a, unit_verbs);
	}
	if (strcmp(word, "state") == 0) {
		r = find_state(p, &a->target);
		return r < 0 ? r : parse_verb(p, a, state_verbs);
	}
	if (config_channel_find(p->config, word, &a->target) < 0)
		return fail(p,
			    "no channel \"%s\" in the configuration; allowed: SITE/SOURCE/CHANNEL, "
			    "\"link\", \"unit\", \"state\" or \"end\"",
			    word);
	if (p->config->channels[a->target].function == 0)
		return fail(p, "%s is derived and follows from its inputs; change those", word);
	return parse_verb(p, a, channel_verbs);
}

/* Return: 1 an action; 0 an empty line; -EINVAL. */
static int parse_line(struct parser *p, char *text, struct sim_action *a)
{
	char *save = NULL, *word;
	int r;

	text[strcspn(text, "#\r\n")] = '\0';
	p->n_words = p->next = 0;
	for (word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (p->n_words == WORDS_MAX)
			return fail(p, "more than %d words; one action per line", WORDS_MAX);
		p->words[p->n_words++] = word;
	}
	if (p->n_words == 0)
		return 0;
	*a = (struct sim_action){.line = p->line};
	if (strcmp(take(p), "at") != 0)
		return fail(p, "\"%s\" where \"at TIME\" belongs", p->words[0]);
	r = take_time(p, &a->at_ms);
	if (r == 0)
		r = parse_subject(p, a);
	if (r == 0 && p->next < p->n_words)
		return fail(p, "\"%s\" is too much; the action is complete before it", peek(p));
	return r < 0 ? r : 1;
}

static int compare_actions(const void *a, const void *b)
{
	const struct sim_action *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int append(struct sim_scenario *s, const struct sim_action *a)
{
	struct sim_action *more;

	if ((s->n & (s->n - 1)) == 0) { /* full at every power of two */
		more = reallocarray(s->actions, s->n == 0 ? 1 : 2 * s->n, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->actions = more;
	}
	s->actions[s->n++] = *a;
	return 0;
}

static int read_lines(struct parser *p, FILE *in, struct sim_scenario *s)
{
	struct sim_action a;
	char *text = NULL;
	size_t size = 0;
	int r = 0;

	while (r != -ENOMEM && getline(&text, &size, in) >= 0) {
		p->line++;
		r = parse_line(p, text, &a);
		if (r > 0)
			r = append(s, &a);
	}
	free(text);
	if (r == -ENOMEM)
		return r;
	return ferror(in) ? -EIO : p->n_errors > 0 ? -EINVAL : 0;
}

int sim_scenario_read(struct sim_scenario **ret, FILE *in, const char *name,
		      const struct config *config, FILE *errors)
{
	CLEANUP(sim_scenario_free) struct sim_scenario *s = calloc(1, sizeof(*s));
	struct parser p = {.config = config, .name = name, .errors = errors};
	int r;

	if (!s)
		return -ENOMEM;
	r = read_lines(&p, in, s);
	if (r < 0)
		return r;
	if (s->n > 1)
		qsort(s->actions, s->n, sizeof(*s->actions), compare_actions);
	*ret = steal(&s);
	return 0;
}

struct sim_scenario *sim_scenario_free(struct sim_scenario *scenario)
{
	if (scenario)
		free(scenario->actions);
	free(scenario);
	return NULL;
}

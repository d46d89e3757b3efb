/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tools/sim_scenario.h"

const char *sim_link_mode_text(enum sim_link_mode mode)
{
	static const char *const texts[] = {
		[SIM_LINK_NORMAL] = "works normally",
		[SIM_LINK_DEAD] = "is dead: it takes requests and does not answer",
		[SIM_LINK_REFUSE] = "refuses connections",
		[SIM_LINK_RESET] = "resets the connection instead of answering",
		[SIM_LINK_GARBAGE] = "answers with garbage",
		[SIM_LINK_LATE] = "answers late",
		[SIM_LINK_DRIP] = "answers byte by byte",
		[SIM_LINK_BADCRC] = "answers with a wrong check sum",
		[SIM_LINK_ECHO] = "sends each request back before the answer",
		[SIM_LINK_FOREIGN] = "answers as another unit",
		[SIM_LINK_NOISE] = "answers after bytes of noise",
	};

	return texts[mode];
}

/* "mm:ss", from an hour on "h:mm:ss"; milliseconds where there are any */
static size_t put_time(char *text, size_t size, int64_t ms)
{
	long long s = ms / 1000;
	size_t n = 0;

	if (s >= 3600)
		n += (size_t)snprintf(text, size, "%lld:", s / 3600);
	n += (size_t)snprintf(text + n, size - n, "%02lld:%02lld", s / 60 % 60, s % 60);
	if (ms % 1000 != 0)
		n += (size_t)snprintf(text + n, size - n, ".%03lld", (long long)ms % 1000);
	return n;
}

static void put_channel(const struct sim_action *a, const struct config *config, double now,
			char *text, size_t size)
{
	const struct config_channel *c = &config->channels[a->target];
	const char *space = *c->measure ? " " : "";
	double over_s = (double)a->over_ms / 1000;
	size_t n;

	n = (size_t)snprintf(text, size, "%s at %s/%s ", c->name,
			     config->sites[config_site_of(config, a->target)].name,
			     config->sources[c->source].name);
	text += n;
	size -= n;
	if (a->verb == SIM_RAMP)
		(void)snprintf(text, size, "begins to %s to %g%s%s over %g s",
			       a->value < now ? "fall" : "rise", a->value, space, c->measure,
			       over_s);
	else if (a->verb == SIM_SET)
		(void)snprintf(text, size, "is held at %g%s%s", a->value, space, c->measure);
	else if (a->verb == SIM_NORMAL && a->over_ms > 0)
		(void)snprintf(text, size, "goes back to normal over %g s", over_s);
	else if (a->verb == SIM_NORMAL)
		(void)snprintf(text, size, "is back to normal");
	else if (a->verb == SIM_NAN)
		(void)snprintf(text, size, "shows no value any more");
	else if (a->verb == SIM_STUCK)
		(void)snprintf(text, size, "is stuck at %g%s%s", now, space, c->measure);
	else
		(void)snprintf(text, size, "shows the raw value 0x%llX",
			       (unsigned long long)a->raw);
}

static void put_link(const struct sim_action *a, const struct config *config, char *text,
		     size_t size)
{
	const struct config_link *l = &config->links[a->target];
	const char *site = config->sites[l->site].name;

	if (a->verb == SIM_LINK_DROP)
		(void)snprintf(text, size, "link %s/%s drops all its connections", site, l->name);
	else if (a->delay_ms > 0)
		(void)snprintf(text, size, "link %s/%s %s, %u ms each", site, l->name,
			       sim_link_mode_text(a->mode), a->delay_ms);
	else
		(void)snprintf(text, size, "link %s/%s %s", site, l->name,
			       sim_link_mode_text(a->mode));
}

static void put_unit(const struct sim_action *a, const struct config *config, char *text,
		     size_t size)
{
	static const char *const tables[] = {"", "coil", "discrete", "holding", "input"};
	const struct config_unit *u = &config->units[a->target];
	const char *site = config->sites[config->links[u->link].site].name;

	text += snprintf(text, size, "unit %s/%s ", site, u->name);
	size -= strlen(site) + strlen(u->name) + 7;
	if (a->verb == SIM_UNIT_EXCEPTION)
		(void)snprintf(text, size, "answers everything with exception %u", a->exception);
	else if (a->verb == SIM_UNIT_SAYS)
		(void)snprintf(text, size, "says %s",
			       a->quality == QUALITY_GOOD ? "measuring" : quality_text(a->quality));
	else if (a->verb == SIM_UNIT_REFUSE)
		(void)snprintf(text, size, "refuses %s %u to %u", tables[a->range.function],
			       a->range.address, a->range.address + a->range.count - 1);
	else if (a->verb == SIM_UNIT_ALLOW)
		(void)snprintf(text, size, "refuses no address any more");
	else
		(void)snprintf(text, size, "%s",
			       a->verb == SIM_UNIT_DEAD ? "is dead: it does not answer"
							: "works normally");
}

void sim_action_text(const struct sim_action *action, const struct config *config, double now,
		     char text[static SIM_TEXT_MAX])
{
	size_t n = put_time(text, SIM_TEXT_MAX, action->at_ms);

	text[n++] = ' ';
	switch (action->verb) {
	case SIM_RAMP:
	case SIM_SET:
	case SIM_NORMAL:
	case SIM_NAN:
	case SIM_STUCK:
	case SIM_RAW:
		put_channel(action, config, now, text + n, SIM_TEXT_MAX - n);
		break;
	case SIM_LINK:
	case SIM_LINK_DROP:
		put_link(action, config, text + n, SIM_TEXT_MAX - n);
		break;
	case SIM_UNIT_NORMAL:
	case SIM_UNIT_DEAD:
	case SIM_UNIT_EXCEPTION:
	case SIM_UNIT_SAYS:
	case SIM_UNIT_REFUSE:
	case SIM_UNIT_ALLOW:
		put_unit(action, config, text + n, SIM_TEXT_MAX - n);
		break;
	case SIM_STATE_RAW:
		(void)snprintf(text + n, SIM_TEXT_MAX - n, "state %s shows the raw value 0x%llX",
			       config->states[action->target].path,
			       (unsigned long long)action->raw);
		break;
	case SIM_END:
		(void)snprintf(text + n, SIM_TEXT_MAX - n, "the scenario ends");
		break;
	}
}

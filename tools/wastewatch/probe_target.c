/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "poller/answer.h"
#include "poller/serial.h"
#include "tools/probe_target.h"

#define TIMEOUT_MS 1000 /* ad hoc: for the slowest analysers behind gateways */
#define CONNECT_MS 3000
#define ID_TCP_MAX 255
#define ID_RTU_MAX 247 /* Serial Line V1.02 §2.2 */

/* @number: as manuals put it in front of the 1-based number */
static const struct {
	const char *text;
	char number;
} tables[] = {
	[PROBE_COIL] = {"coil", '0'},
	[PROBE_DISCRETE] = {"discrete", '1'},
	[PROBE_HOLDING] = {"holding", '4'},
	[PROBE_INPUT] = {"input", '3'},
};

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, PROBE_WHY_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* a decimal number and nothing else. Return: 0; -EINVAL. */
static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end != '\0' || errno != 0 || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

const char *probe_table_text(enum probe_table table)
{
	return tables[table].text;
}

unsigned int probe_manual_number(enum probe_table table, unsigned int address)
{
	/* five digits where they suffice, six where not: 49999 is the last of the short ones */
	unsigned int step = address < 9999 ? 10000 : 100000;

	return (unsigned int)(tables[table].number - '0') * step + address + 1;
}

bool probe_is_address(const char *text)
{
	return strncmp(text, "tcp:", 4) == 0 || strncmp(text, "rtu-tcp:", 8) == 0 ||
	       strncmp(text, "rtu:", 4) == 0;
}

static int parse_id(struct probe_target *t, const char *text, char *why)
{
	bool line = t->wire.kind != WIRE_LINK_TCP;
	unsigned long id;

	if (parse_number(text, line ? ID_RTU_MAX : ID_TCP_MAX, &id) < 0 || (line && id == 0))
		return wrong(why, "\"%s\" is no unit id; allowed: %s", text,
			     line ? "1 to 247" : "0 to 255");
	t->id = (uint8_t)id;
	return 0;
}

/* "HOST:PORT[:ID]", "[HOST]:PORT[:ID]" */
static int parse_tcp(struct probe_target *t, char *text, char *why)
{
	char *host = text, *port = *text == '[' ? strchr(text, ']') : strchr(text, ':');
	uint8_t binary[sizeof(struct in6_addr)];
	unsigned long number;
	char *id;

	if (*text == '[' && port) {
		host++;
		*port++ = '\0';
	}
	if (!port || *port != ':')
		return wrong(why, "\"%s\" has no port; such as tcp:192.0.2.1:502", text);
	*port++ = '\0';
	id = strchr(port, ':');
	if (id)
		*id++ = '\0';
	if (inet_pton(AF_INET, host, binary) != 1 && inet_pton(AF_INET6, host, binary) != 1)
		return wrong(why,
			     "\"%s\" is no address; allowed: numeric IPv4, or IPv6 in [brackets]",
			     host);
	if (parse_number(port, UINT16_MAX, &number) < 0 || number == 0)
		return wrong(why, "\"%s\" is no port; allowed: 1 to 65535", port);
	(void)snprintf(t->wire.host, sizeof(t->wire.host), "%s", host);
	t->wire.port = (uint16_t)number;
	return id ? parse_id(t, id, why) : 0;
}

/* "8E1", "8N2". Return: 0; -EINVAL. */
static int parse_frame(struct wire_link *wire, const char *text)
{
	if (strlen(text) != 3 || text[0] != '8' || !strchr("NEO", text[1]) ||
	    (text[2] != '1' && text[2] != '2'))
		return -EINVAL;
	wire->parity = (uint8_t)text[1];
	wire->stop_bits = (uint8_t)(text[2] - '0');
	return 0;
}

/* "DEVICE:BAUD[:8E1][:ID]" */
static int parse_rtu(struct probe_target *t, char *text, char *why)
{
	char *baud = strchr(text, ':'), *frame, *id;
	unsigned long number;

	if (!baud || *text != '/' || baud - text >= WIRE_HOST_MAX)
		return wrong(why, "\"%s\" is no serial line; such as rtu:/dev/ttyUSB0:9600:8E1:3",
			     text);
	*baud++ = '\0';
	frame = strchr(baud, ':');
	if (frame)
		*frame++ = '\0';
	if (parse_number(baud, UINT32_MAX, &number) < 0 || !serial_baud_supported((uint32_t)number))
		return wrong(why, "\"%s\" is no baud rate that can be set; such as 9600 or 19200",
			     baud);
	(void)snprintf(t->wire.host, sizeof(t->wire.host), "%s", text);
	t->wire.baud = (uint32_t)number;
	/* Serial Line V1.02 §2.5.1: even parity unless agreed otherwise */
	t->wire.parity = WIRE_PARITY_EVEN;
	t->wire.stop_bits = 1;
	if (!frame)
		return 0;
	id = strchr(frame, ':');
	if (id)
		*id++ = '\0';
	if (parse_frame(&t->wire, frame) == 0)
		return id ? parse_id(t, id, why) : 0;
	if (id)
		return wrong(why,
			     "\"%s\" is no frame; allowed: 8N1, 8E1, 8O1, and with 2 stop bits",
			     frame);
	return parse_id(t, frame, why);
}

static void take_link(struct probe_target *t, const struct config *config, size_t i)
{
	const struct config_link *l = &config->links[i];

	t->link = i;
	t->single = l->single;
	t->wire = (struct wire_link){
		.kind = (uint16_t)l->kind,
		.port = l->port,
		.baud = l->baud,
		.connect_timeout_ms = l->connect_timeout_ms,
		.first_delay_ms = l->first_delay_ms,
		.rts_before_ms = l->rts_before_ms,
		.rts_after_ms = l->rts_after_ms,
		.parity = l->parity,
		.stop_bits = l->stop_bits,
		.rs485 = l->rs485,
	};
	(void)snprintf(t->wire.host, sizeof(t->wire.host), "%s", l->host);
	(void)snprintf(t->name, sizeof(t->name), "%s/%s", config->sites[l->site].name, l->name);
}

static void take_unit(struct probe_target *t, const struct config *config, size_t i)
{
	const struct config_unit *u = &config->units[i];

	t->unit = i;
	t->id = u->id;
	t->timeout_ms = u->timeout_ms;
	t->turnaround_ms = u->turnaround_ms;
	t->quiet_ms = u->quiet_ms;
}

/* the link and unit of the configuration that an address is, if any */
static void recognize(struct probe_target *t, const struct config *config)
{
	for (size_t i = 0; i < config->n_links; i++)
		if (config->links[i].port == t->wire.port &&
		    strcmp(config->links[i].host, t->wire.host) == 0) {
			t->link = i;
			t->single = config->links[i].single;
			break;
		}
	for (size_t i = 0; i < config->n_units; i++)
		if (config->units[i].link == t->link && config->units[i].id == t->id)
			t->unit = i;
}

static int parse_address(struct probe_target *t, const char *text, const struct config *config,
			 char *why)
{
	char *copy = strdup(strchr(text, ':') + 1);
	int r;

	if (!copy)
		return wrong(why, "out of memory");
	(void)snprintf(t->name, sizeof(t->name), "%s", text);
	t->id = 1;
	t->timeout_ms = TIMEOUT_MS;
	t->wire.connect_timeout_ms = CONNECT_MS;
	t->wire.kind = text[0] == 't'	? WIRE_LINK_TCP
		       : text[3] == '-' ? WIRE_LINK_RTU_TCP
					: WIRE_LINK_RTU;
	r = t->wire.kind == WIRE_LINK_RTU ? parse_rtu(t, copy, why) : parse_tcp(t, copy, why);
	free(copy);
	if (r == 0 && config)
		recognize(t, config);
	return r;
}

/* is it "LINK" or "SITE/LINK"? @n: bytes of @text that count */
static bool is_link(const struct config *config, size_t i, const char *text, size_t n)
{
	const struct config_link *l = &config->links[i];
	const char *site = config->sites[l->site].name;
	size_t n_site = strlen(site), n_link = strlen(l->name);

	if (n == n_link && memcmp(text, l->name, n) == 0)
		return true;
	return n == n_site + 1 + n_link && memcmp(text, site, n_site) == 0 && text[n_site] == '/' &&
	       memcmp(text + n_site + 1, l->name, n_link) == 0;
}

/* the names of the units of the link, for people */
static void list_units(const struct probe_target *t, const struct config *config, char *ret,
		       size_t size)
{
	size_t n = 0;

	*ret = '\0';
	for (size_t i = 0; i < config->n_units && n < size; i++)
		if (config->units[i].link == t->link)
			n += (size_t)snprintf(ret + n, size - n, "%s%s (%u)", n > 0 ? ", " : "",
					      config->units[i].name, config->units[i].id);
}

static int choose_unit(struct probe_target *t, const struct config *config, const char *name,
		       char *why)
{
	size_t n_units = 0, n_found = 0, found = 0;
	char list[200];
	unsigned long id;

	for (size_t i = 0; i < config->n_units; i++) {
		const struct config_unit *u = &config->units[i];

		if (u->link != t->link)
			continue;
		n_units++;
		if (!name || strcmp(u->name, name) == 0 ||
		    (parse_number(name, ID_TCP_MAX, &id) == 0 && id == u->id)) {
			found = i;
			n_found++;
		}
	}
	list_units(t, config, list, sizeof(list));
	if (!name && n_units != 1)
		return wrong(why, "%s has %zu units; write %s:UNIT, one of: %s", t->name, n_units,
			     t->name, list);
	if (n_found > 0) {
		take_unit(t, config, found);
		return 0;
	}
	t->timeout_ms = TIMEOUT_MS;
	if (parse_number(name, ID_TCP_MAX, &id) < 0)
		return wrong(why, "%s has no unit \"%s\"; allowed: a unit id, or one of: %s",
			     t->name, name, list);
	return parse_id(t, name, why);
}

static int parse_configured(struct probe_target *t, const char *text, const struct config *config,
			    char *why)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text), n_found = 0;

	for (size_t i = 0; i < config->n_links; i++)
		if (is_link(config, i, text, n) && n_found++ == 0)
			take_link(t, config, i);
	if (n_found == 0)
		return wrong(why,
			     "no link \"%.*s\" in the configuration; allowed: LINK, SITE/LINK, "
			     "tcp:HOST:PORT, rtu-tcp:HOST:PORT, rtu:DEVICE:BAUD[:8E1]",
			     (int)MIN(n, 100U), text);
	if (n_found > 1)
		return wrong(why, "%zu sites have a link \"%.*s\"; write SITE/LINK", n_found,
			     (int)MIN(n, 100U), text);
	return choose_unit(t, config, colon ? colon + 1 : NULL, why);
}

int probe_target_parse(struct probe_target *ret, const char *text, const struct config *config,
		       char *why)
{
	*ret = (struct probe_target){.link = PROBE_NONE, .unit = PROBE_NONE};
	if (strlen(text) >= sizeof(ret->name))
		return wrong(why, "the link's name is too long");
	return probe_is_address(text) ? parse_address(ret, text, config, why)
				      : parse_configured(ret, text, config, why);
}

static int find_table(const char *name, enum probe_table *ret, char *why)
{
	for (unsigned int i = PROBE_COIL; i <= PROBE_INPUT; i++)
		if (strcmp(tables[i].text, name) == 0) {
			*ret = (enum probe_table)i;
			return 0;
		}
	return wrong(why, "\"%s\" is no table; allowed: holding, input, coil, discrete", name);
}

/* "4x0013", or six digits, which no address has. Return: is it one? */
static bool parse_manual(const char *text, enum probe_table *ret_table, unsigned long *ret)
{
	bool x = text[0] != '\0' && text[1] == 'x' && text[0] != '0';
	unsigned long number;

	for (unsigned int i = PROBE_COIL; i <= PROBE_INPUT; i++) {
		if (text[0] != tables[i].number || (!x && strlen(text) != 6) ||
		    parse_number(text + (x ? 2 : 1), 65536, &number) < 0 || number == 0)
			continue;
		*ret_table = (enum probe_table)i;
		*ret = number - 1;
		return true;
	}
	return false;
}

int probe_range_parse(struct probe_range *ret, const char *table, const char *address,
		      const char *count, char *why)
{
	struct probe_range range = {.table = PROBE_HOLDING};
	enum probe_table said = PROBE_HOLDING;
	unsigned long first, n, max;
	char *end;

	if (table && find_table(table, &range.table, why) < 0)
		return -EINVAL;
	if (parse_manual(address, &said, &first)) {
		if (table && said != range.table)
			return wrong(why, "%s is in the table %s, but --table says %s", address,
				     tables[said].text, table);
		range.table = said;
	} else {
		errno = 0;
		first = strtoul(address, &end, strncmp(address, "0x", 2) == 0 ? 16 : 10);
		if (*address < '0' || *address > '9' || *end != '\0' || errno != 0 ||
		    first > UINT16_MAX)
			return wrong(why,
				     "\"%s\" is no address; allowed: 0 to 65535, 0-based, or as "
				     "manuals have it 4x0001 to 4x65536 (also 3x, 1x)",
				     address);
	}
	max = MIN((unsigned long)answer_count_max((uint8_t)range.table), 65536 - first);
	n = MIN(range.table >= PROBE_HOLDING ? 4UL : 1UL, max);
	if (count && (parse_number(count, max, &n) < 0 || n == 0))
		return wrong(why, "\"%s\" is no count; allowed from there: 1 to %lu", count, max);
	range.address = (uint16_t)first;
	range.count = (uint16_t)n;
	*ret = range;
	return 0;
}

bool probe_number_hint(const struct probe_range *range, const char *address, char *ret)
{
	if (strlen(address) != 5 || range->address % 10000 == 0)
		return false;
	for (unsigned int i = PROBE_DISCRETE; i <= PROBE_INPUT; i++)
		if (address[0] == tables[i].number &&
		    parse_number(address, 65535, &(unsigned long){0}) == 0) {
			(void)snprintf(ret, PROBE_WHY_MAX,
				       "%s was taken as the 0-based address. If it is a manual's "
				       "number, write %cx%s, which is --table %s %u.",
				       address, address[0], address + 1, tables[i].text,
				       range->address % 10000U - 1);
			return true;
		}
	return false;
}

int probe_time_parse(const char *text, uint32_t min_ms, uint32_t max_ms, uint32_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1e3}, {"", 1e3}, {"min", 60e3}};
	char *end;
	double x = strtod(text, &end);

	for (size_t i = 0; i < ARRAY_SIZE(units) && end != text; i++)
		if (strcmp(end, units[i].unit) == 0 && x * units[i].ms >= min_ms &&
		    x * units[i].ms <= max_ms) {
			*ret_ms = (uint32_t)(x * units[i].ms);
			return 0;
		}
	return -EINVAL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "common/macro.h"
#include "core/decode.h"
#include "tools/probe_table.h"

#define FLOAT_LARGE 1e9
#define FLOAT_SMALL 1e-6

static const struct form {
	enum decode_type type;
	unsigned int n_words;
	const char *orders[4];
} forms[] = {
	{DECODE_FLOAT32, 2, {"ABCD", "CDAB", "BADC", "DCBA"}},
	{DECODE_INT32, 2, {"ABCD", "CDAB", "BADC", "DCBA"}},
	{DECODE_UINT32, 2, {"ABCD", "CDAB", "BADC", "DCBA"}},
	{DECODE_FLOAT64, 4, {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"}},
	{DECODE_INT64, 4, {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"}},
	{DECODE_UINT64, 4, {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"}},
};

int probe_decode(enum decode_type type, const char *order, const uint16_t *words, double *ret)
{
	struct decode d = {.type = type, .scale = 1, .min = -DBL_MAX, .max = DBL_MAX};
	unsigned int n = decode_words(type);

	if (decode_order_parse(order, 2 * n, d.order) < 0)
		return -EINVAL;
	return decode_value(&d, words, n, ret);
}

bool probe_is_plausible(enum decode_type type, double value)
{
	bool is_float = type == DECODE_FLOAT32 || type == DECODE_FLOAT64;
	double size = fabs(value);

	if (decode_words(type) == 1)
		return true;
	return size <= FLOAT_LARGE && (!is_float || size >= FLOAT_SMALL || size == 0);
}

void probe_value_text(enum decode_type type, const char *order, const uint16_t *words,
		      char text[static PROBE_VALUE_MAX])
{
	/* digits that the type holds; whole numbers as far as a double does */
	int digits = type == DECODE_FLOAT32 ? 7 : type == DECODE_FLOAT64 ? 12 : 17;
	double value;
	bool good;

	if (probe_decode(type, order, words, &value) < 0) {
		(void)snprintf(text, PROBE_VALUE_MAX, "-");
		return;
	}
	good = probe_is_plausible(type, value);
	(void)snprintf(text, PROBE_VALUE_MAX, good ? "%.*g" : "(%.*g)", good ? digits : 5, value);
}

static bool have_all(const struct probe_picture *p, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (i >= p->range.count || !p->have[i])
			return false;
	return true;
}

static bool are_bits(const struct probe_picture *p)
{
	return p->range.table <= PROBE_DISCRETE;
}

void probe_print_heading(const struct probe_picture *p, FILE *out)
{
	unsigned int first = p->range.address, last = first + p->range.count - 1U;
	enum probe_table table = p->range.table;

	(void)fprintf(out, "%s, unit %u", p->target->name, p->target->id);
	if (p->target->unit != PROBE_NONE)
		(void)fprintf(out, " (%s)", p->config->units[p->target->unit].name);
	(void)fprintf(out, ", table %s (function %u): ", probe_table_text(table),
		      (unsigned int)table);
	if (first == last)
		(void)fprintf(out, "address %u, 0-based;\nin manuals that count from 1: %05u\n",
			      first, probe_manual_number(table, first));
	else
		(void)fprintf(out,
			      "addresses %u to %u, 0-based;\n"
			      "in manuals that count from 1: %05u to %05u\n",
			      first, last, probe_manual_number(table, first),
			      probe_manual_number(table, last));
}

static void print_bit_pattern(uint16_t word, FILE *out)
{
	for (int bit = 15; bit >= 0; bit--) {
		(void)fputc((word >> bit & 1) != 0 ? '1' : '0', out);
		if (bit % 4 == 0)
			(void)fputc(' ', out);
	}
}

static void print_registers(const struct probe_picture *p, FILE *out)
{
	(void)fprintf(out, "\n%7s %7s %7s %7s %7s %4s %4s  %s\n", "ADDRESS", "MANUAL", "HEX",
		      "UINT16", "INT16", "HIGH", "LOW", "BITS 15 to 0");
	for (size_t i = 0; i < p->range.count; i++) {
		unsigned int address = (unsigned int)(p->range.address + i);
		uint16_t word = p->words[i];

		(void)fprintf(out, "%7u %7.5u ", address,
			      probe_manual_number(p->range.table, address));
		if (!p->have[i]) {
			(void)fputs(" not there\n", out);
			continue;
		}
		(void)fprintf(out, " 0x%04X %7u %7d %4u %4u  ", (unsigned int)word,
			      (unsigned int)word, (int)(int16_t)word, word >> 8 & 0xffU,
			      word & 0xffU);
		print_bit_pattern(word, out);
		(void)fputc('\n', out);
	}
}

static void print_bits(const struct probe_picture *p, FILE *out)
{
	(void)fprintf(out, "\n%7s %7s %5s\n", "ADDRESS", "MANUAL", "VALUE");
	for (size_t i = 0; i < p->range.count; i++) {
		unsigned int address = (unsigned int)(p->range.address + i);

		(void)fprintf(out, "%7u %7.5u ", address,
			      probe_manual_number(p->range.table, address));
		if (p->have[i])
			(void)fprintf(out, "%5u\n", p->words[i]);
		else
			(void)fputs("not there\n", out);
	}
}

/* one row per place and type of a width, a column per order */
static void print_wide(const struct probe_picture *p, unsigned int n_words, FILE *out)
{
	char text[PROBE_VALUE_MAX], place[24];
	bool head = false;

	for (size_t i = 0; i + n_words <= p->range.count; i++) {
		if (!have_all(p, i, n_words))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(forms); k++) {
			const struct form *f = &forms[k];

			if (f->n_words != n_words)
				continue;
			if (!head)
				(void)fprintf(out, "\n%-13s %-8s %18s %18s %18s %18s\n",
					      n_words == 2 ? "PAIRS" : "QUADRUPLES", "TYPE",
					      f->orders[0], f->orders[1], f->orders[2],
					      f->orders[3]);
			head = true;
			(void)snprintf(place, sizeof(place), "%zu-%zu", p->range.address + i,
				       p->range.address + i + n_words - 1);
			(void)fprintf(out, "%-13s %-8s", k == 0 || k == 3 ? place : "",
				      decode_type_text(f->type));
			for (size_t o = 0; o < ARRAY_SIZE(f->orders); o++) {
				probe_value_text(f->type, f->orders[o], p->words + i, text);
				(void)fprintf(out, " %18s", text);
			}
			(void)fputc('\n', out);
		}
	}
}

/* where a configured place lies in the picture. Return: is it there, whole? */
static bool find_place(const struct probe_picture *p, size_t unit, unsigned int function,
		       unsigned int address, const struct decode *d, size_t *ret)
{
	unsigned int n = are_bits(p) ? 1 : decode_words(d->type);

	if (p->target->unit == PROBE_NONE || unit != p->target->unit ||
	    function != (unsigned int)p->range.table || address < p->range.address)
		return false;
	*ret = address - p->range.address;
	return have_all(p, *ret, n);
}

static const char *verdict_text(int r)
{
	return r == 0 ? "good" : r == -ERANGE ? "out of range" : "no value";
}

/* as configured. Return: 0; -ERANGE; -EDOM. */
static int channel_value(const struct probe_picture *p, const struct config_channel *c, size_t i,
			 double *ret)
{
	if (!are_bits(p))
		return decode_value(&c->decode, p->words + i, decode_words(c->decode.type), ret);
	*ret = p->words[i] * c->decode.scale + c->decode.offset;
	return *ret < c->decode.min || *ret > c->decode.max ? -ERANGE : 0;
}

static void print_channels(const struct probe_picture *p, FILE *out)
{
	bool head = false;
	double value;
	size_t place;

	for (size_t i = 0; p->config && i < p->config->n_channels; i++) {
		const struct config_channel *c = &p->config->channels[i];
		int r;

		if (!find_place(p, c->unit, c->function, c->address, &c->decode, &place))
			continue;
		if (!head)
			(void)fprintf(out, "\nConfigured there:\n");
		head = true;
		r = channel_value(p, c, place, &value);
		(void)fprintf(out, "%7u  %-36s %-8s ", c->address, c->path,
			      decode_type_text(c->decode.type));
		if (r == -EDOM)
			(void)fprintf(out, "no value: not a number, or the code for none\n");
		else
			(void)fprintf(out, "%.9g%s%s%s\n", value, *c->measure ? " " : "",
				      c->measure, r < 0 ? ", out of its range" : "");
	}
	for (size_t i = 0; p->config && i < p->config->n_states; i++) {
		const struct config_state *s = &p->config->states[i];

		if (!find_place(p, s->unit, s->function, s->address, &s->decode, &place))
			continue;
		if (!head)
			(void)fprintf(out, "\nConfigured there:\n");
		head = true;
		if (are_bits(p))
			value = p->words[place];
		else if (decode_value(&s->decode, p->words + place, decode_words(s->decode.type),
				      &value) == -EDOM)
			continue;
		(void)fprintf(out, "%7u  %-36s %-8s status 0x%llX\n", s->address, s->path,
			      decode_type_text(s->decode.type), (unsigned long long)value);
	}
}

void probe_print(const struct probe_picture *p, FILE *out)
{
	if (are_bits(p)) {
		print_bits(p, out);
	} else {
		print_registers(p, out);
		print_wide(p, 2, out);
		print_wide(p, 4, out);
		if (p->range.count >= 2)
			(void)fputs(
				"\n\"-\" not a number; (in brackets) hardly a measured value. The "
				"right order is the\none whose values move as the display of the "
				"instrument does.\n",
				out);
	}
	print_channels(p, out);
}

static void add_values(const struct probe_picture *p, json_t *values)
{
	double value;

	for (size_t i = 0; i < p->range.count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(forms); k++)
			for (size_t o = 0; o < ARRAY_SIZE(forms[k].orders); o++) {
				const struct form *f = &forms[k];
				int r;

				if (!have_all(p, i, f->n_words))
					continue;
				r = probe_decode(f->type, f->orders[o], p->words + i, &value);
				(void)json_array_append_new(
					values,
					json_pack("{s:i s:s s:s s:o s:b}", "address",
						  (int)(p->range.address + i), "type",
						  decode_type_text(f->type), "order", f->orders[o],
						  "value", r == 0 ? json_real(value) : json_null(),
						  "plausible",
						  r == 0 && probe_is_plausible(f->type, value)));
			}
}

static void add_channels(const struct probe_picture *p, json_t *channels)
{
	double value = 0;
	size_t place;

	for (size_t i = 0; p->config && i < p->config->n_channels; i++) {
		const struct config_channel *c = &p->config->channels[i];
		int r;

		if (!find_place(p, c->unit, c->function, c->address, &c->decode, &place))
			continue;
		r = channel_value(p, c, place, &value);
		(void)json_array_append_new(
			channels, json_pack("{s:s s:i s:o s:s s:s}", "channel", c->path, "address",
					    (int)c->address, "value",
					    r == -EDOM ? json_null() : json_real(value), "unit",
					    c->measure, "verdict", verdict_text(r)));
	}
}

json_t *probe_json(const struct probe_picture *p)
{
	json_t *registers = json_array(), *values = json_array(), *channels = json_array();

	for (size_t i = 0; i < p->range.count; i++) {
		int address = (int)(p->range.address + i);

		(void)json_array_append_new(
			registers,
			json_pack("{s:i s:i s:o}", "address", address, "manual",
				  (int)probe_manual_number(p->range.table, (unsigned int)address),
				  "raw", p->have[i] ? json_integer(p->words[i]) : json_null()));
	}
	if (!are_bits(p))
		add_values(p, values);
	add_channels(p, channels);
	return json_pack("{s:s s:i s:s s:i s:i s:o s:o s:o}", "link", p->target->name, "unit",
			 (int)p->target->id, "table", probe_table_text(p->range.table), "address",
			 (int)p->range.address, "count", (int)p->range.count, "registers",
			 registers, "values", values, "channels", channels);
}

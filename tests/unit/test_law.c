/* SPDX-License-Identifier: Apache-2.0 */
/* limits that come from a standard: catalogues, coefficients, bounds, origins, what overrides */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/standard_check.h"
#include "load.h"

/* a standard of our own, with everything that a catalogue may have */
#define CATALOGUE_HEAD                                                                    \
	"standard: p\n"                                                                   \
	"title: QCVN P\n"                                                                 \
	"full-name: a test\n"                                                             \
	"document: none\n"                                                                \
	"kind: gas\n"                                                                     \
	"since: 2010-01-01\n"                                                             \
	"since-mark: V\n"                                                                 \
	"until: 2025-08-31\n"                                                             \
	"until-mark: V\n"                                                                 \
	"transition-before: 2025-09-01\n"                                                 \
	"transition-until: 2031-12-31\n"                                                  \
	"transition-mark: C\n"                                                            \
	"replaced-by: QCVN Q\n"                                                           \
	"formula: [Kp]\n"                                                                 \
	"formula-mark: V\n"                                                               \
	"marks: [{mark: V, source: x}, {mark: C, source: y}, {mark: M, source: z}]\n"     \
	"columns:\n"                                                                      \
	"  - {column: A, title: column A, mark: V}\n"                                     \
	"  - {column: B, title: column B, mark: V}\n"                                     \
	"cases:\n"                                                                        \
	"  - {for: furnace, title: furnaces, mark: V}\n"                                  \
	"  - {for: boiler, title: boilers, reference-oxygen: 7, mark: V}\n"               \
	"coefficients:\n"                                                                 \
	"  - {coefficient: Kp, by: gas-flow, unit: m3/h, steps: [{up-to: 100, value: 1, " \
	"mark: V}, {up-to: 200, value: 0.5, mark: M}]}\n"                                 \
	"parameters:\n" /* line 25 */
#define CATALOGUE                                                                             \
	CATALOGUE_HEAD                                                                        \
	"  - {parameter: SO2, unit: mg/Nm3, window: mean-1h, window-mark: V, molar-mass: "    \
	"64.066, values: [{column: A, high: 100, mark: V}, {column: B, high: 200, mark: C}]}" \
	"\n"                                                                                  \
	"  - {parameter: SO2, for: furnace, unit: mg/Nm3, window: mean-1h, window-mark: V, "  \
	"values: [{column: A, high: 300, mark: V}]}\n"                                        \
	"  - {parameter: acid, unit: pH, symbols: [pH], multiplied: no, window: mean-24h, "   \
	"window-mark: M, values: [{column: A, low: 5, high: 9, mark: V}]}\n"                  \
	"  - {parameter: hot, unit: \"°C\", multiplied: no, values: [{column: A, high: 40, " \
	"mark: V}]}\n"

#define HEAD                                      \
	"site: a\n"                               \
	"links:\n"                                \
	"  - {name: l, tcp: \"127.0.0.1:502\"}\n" \
	"units:\n"                                \
	"  - {name: u, link: l, id: 1}\n"         \
	"sources:\n"                              \
	"  - name: s\n"
#define CHANNEL(name, unit)                                           \
	"      - {name: " name ", from: u, address: 0, unit: \"" unit \
	"\", type: float32, range: [0, 9000000]}\n"
#define GAS	       HEAD "    kind: gas\n    channels:\n"		/* next: line 10 */
#define LIQUID	       HEAD "    kind: liquid\n    channels:\n"		/* the same */
#define STANDARD(text) "    standards:\n      - {standard: " text "}\n" /* column 9 */
#define LIMIT(text)    "    limits:\n      - {" text "}\n"		/* column 9 */
#define DERIVED(name, of, reference)                                                       \
	"    derived:\n      - {name: " name ", formula: oxygen, inputs: [" of "], unit: " \
	"mg/Nm3, range: [0, 100000], reference: " reference "}\n"

static void open_directory(struct directory *d)
{
	const char *source = getenv("WASTEWATCH_SOURCE");
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s%sconf/limits", source ? source : "",
		       source ? "/" : "");
	assert_int_equal(setenv("WASTEWATCH_LIMITS", path, 1), 0);
	directory_open(d);
	directory_folder(d, "limits");
	directory_write(d, "wastewatch.yaml", "origin: here\n");
	directory_write(d, "limits/p.yaml", CATALOGUE);
}

static void load(struct directory *d, const char *site)
{
	directory_write(d, "sites.d/a.yaml", site);
	directory_load(d);
}

static void load_good(struct directory *d, const char *site)
{
	load(d, site);
	if (d->result < 0 || d->n_said > 0)
		fail_msg("%d\n%s\nin:\n%s", d->result, d->said, site);
}

static void close_directory(struct directory *d)
{
	directory_close(d);
	assert_int_equal(unsetenv("WASTEWATCH_LIMITS"), 0);
}

static const struct config_limit *find(const struct directory *d, const char *path)
{
	for (size_t i = 0; i < d->config->n_limits; i++)
		if (strcmp(d->config->limits[i].path, path) == 0)
			return &d->config->limits[i];
	fail_msg("there is no limit %s", path);
	return NULL;
}

static void is(double got, double wanted)
{
	if (!(fabs(got - wanted) <= 1e-12 * fabs(wanted)))
		fail_msg("%.17g instead of %.17g", got, wanted);
}

/* facts.md 2.1: COD, column B, Kq 0.9, Kf 1.1 is 148.5 */
static void test_check_value(void **state)
{
	static const char *const rows[] = {
		"qcvn-40-2011, column: B, kq: 0.9, kf: 1.1",
		"qcvn-40-2011, column: B, river-flow: 50 m3/s, discharge: 500 m3/day",
		"qcvn-40-2011, zone: B, river-flow: 4320000 m3/day, discharge: 20.8 m3/h",
	};
	struct directory d;
	char site[2048];

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_limit *limit;

		(void)snprintf(site, sizeof(site), "%s    standards: [{standard: %s}]\n",
			       LIQUID CHANNEL("COD", "mg/l"), rows[i]);
		load_good(&d, site);
		assert_int_equal(d.config->n_limits, 1);
		limit = find(&d, "a/s/COD/limit-24h");
		assert_true(limit->bound >= 148.5 && limit->bound <= 148.5);
		assert_true(limit->high);
		assert_int_equal(limit->class, CLASS_LIMIT);
		assert_int_equal(limit->on, LIMIT_ON_MEAN_24H);
		assert_int_equal(limit->clear_delay_ms, 0);
		assert_int_equal(limit->certainty, CERTAINTY_HEARSAY);
		assert_int_equal(limit->value_mark, CERTAINTY_SEEN);
		assert_string_equal(limit->arithmetic, "C 150 mg/l × Kq 0.9 × Kf 1.1 = 148.5 mg/l");
		assert_non_null(strstr(limit->origin,
				       "QCVN 40:2011/BTNMT column B, COD: C 150 mg/l × Kq 0.9 × Kf "
				       "1.1 = 148.5 mg/l; mean of 24 h [C, seen in public sources "
				       "only: value; M, not checked against any text: "));
		/* what was given needs no confirmation */
		assert_true((strstr(limit->origin, "text: Kq, Kf, formula, window") != NULL) ==
			    (i > 0));
	}
	close_directory(&d);
}

/* every boundary of the tables, equality included */
static void test_coefficients(void **state)
{
	static const struct {
		const char *standard;
		enum factor factor;
		double value;
		const char *how;
	} rows[] = {
#define WATER(text) "qcvn-40-2011, column: A, kf: 1, " text
		{WATER("river-flow: 0.1 m3/s"), FACTOR_KQ, 0.9,
		 "river flow 0.1 m3/s, up to 50 m3/s"},
		{WATER("river-flow: 50 m3/s"), FACTOR_KQ, 0.9, "river flow 50 m3/s, up to 50 m3/s"},
		{WATER("river-flow: 50.01 m3/s"), FACTOR_KQ, 1.0, "up to 200 m3/s"},
		{WATER("river-flow: 200 m3/s"), FACTOR_KQ, 1.0, "up to 200 m3/s"},
		{WATER("river-flow: 200.01 m3/s"), FACTOR_KQ, 1.1, "up to 500 m3/s"},
		{WATER("river-flow: 500 m3/s"), FACTOR_KQ, 1.1, "up to 500 m3/s"},
		{WATER("river-flow: 500.01 m3/s"), FACTOR_KQ, 1.2, "above 500 m3/s"},
		{WATER("river-flow: 50000 l/s"), FACTOR_KQ, 0.9,
		 "river flow 50000 l/s = 50 m3/s, up to 50 m3/s"},
		{WATER("lake-volume: 10e6 m3"), FACTOR_KQ, 0.6, "lake volume"},
		{WATER("lake-volume: 10 hm3"), FACTOR_KQ, 0.6, "lake volume"},
		{WATER("lake-volume: 10000001 m3"), FACTOR_KQ, 0.8, "lake volume"},
		{WATER("lake-volume: 100e6 m3"), FACTOR_KQ, 0.8, "lake volume"},
		{WATER("lake-volume: 100000001 m3"), FACTOR_KQ, 1.0, "above 100000000 m3"},
#define FLOW(text) "qcvn-40-2011, column: A, kq: 1, discharge: " text
		{FLOW("1 m3/day"), FACTOR_KF, 1.2, "up to 50 m3/day"},
		{FLOW("50 m3/day"), FACTOR_KF, 1.2, "up to 50 m3/day"},
		{FLOW("50.1 m3/day"), FACTOR_KF, 1.1, "up to 500 m3/day"},
		{FLOW("500 m3/day"), FACTOR_KF, 1.1, "up to 500 m3/day"},
		{FLOW("500.1 m3/day"), FACTOR_KF, 1.0, "up to 5000 m3/day"},
		{FLOW("5000 m3/d"), FACTOR_KF, 1.0, "up to 5000 m3/day"},
		{FLOW("5000.1 m3/day"), FACTOR_KF, 0.9, "above 5000 m3/day"},
		{FLOW("208.3333 m3/h"), FACTOR_KF, 1.0, "= 4999.9992 m3/day, up to 5000"},
#define CHIMNEY(text) "qcvn-19-2009, column: B, kv: 1, gas-flow: " text
		{CHIMNEY("20000 m3/h"), FACTOR_KP, 1.0, "up to 20000 m3/h"},
		{CHIMNEY("20001 m3/h"), FACTOR_KP, 0.9, "up to 100000 m3/h"},
		{CHIMNEY("100000 m3/h"), FACTOR_KP, 0.9, "up to 100000 m3/h"},
		{CHIMNEY("100001 m3/h"), FACTOR_KP, 0.8, "above 100000 m3/h"},
#define ZONE(text) "qcvn-19-2009, column: B, kp: 1, zone-type: " text
		{ZONE("1"), FACTOR_KV, 0.6, "zone type 1"},
		{ZONE("2"), FACTOR_KV, 0.8, "zone type 2"},
		{ZONE("3"), FACTOR_KV, 1.0, "zone type 3"},
		{ZONE("4"), FACTOR_KV, 1.2, "zone type 4"},
		{ZONE("5"), FACTOR_KV, 1.4, "zone type 5"},
	};
	struct directory d;
	char site[2048];

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_factor *factor;

		(void)snprintf(site, sizeof(site), "%s    standards: [{standard: %s}]\n",
			       strncmp(rows[i].standard, "qcvn-19", 7) == 0
				       ? GAS CHANNEL("x", "")
				       : LIQUID CHANNEL("x", ""),
			       rows[i].standard);
		load_good(&d, site);
		assert_int_equal(d.config->n_standards, 1);
		factor = &d.config->standards[0].factors[rows[i].factor];
		is(factor->value, rows[i].value);
		assert_true(factor->used && !factor->given);
		assert_int_equal(factor->mark, CERTAINTY_HEARSAY);
		if (!strstr(factor->how, rows[i].how))
			fail_msg("%s: %s", rows[i].how, factor->how);
	}
	close_directory(&d);
}

static void test_conversions(void **state)
{
	static const struct {
		const char *site;
		const char *limit;
		double bound;
		const char *arithmetic;
	} rows[] = {
		{GAS CHANNEL("SO2", "ppm") STANDARD("qcvn-19-2009, column: B, kp: 1, kv: 1"),
		 "a/s/SO2/limit-1h", 190.935909843,
		 "C 500 mg/Nm3 × Kp 1 × Kv 1 = 500 mg/Nm3 = 190.9359 ppm (25 °C, 101.325 kPa, "
		 "64.066 g/mol)"},
		{GAS CHANNEL("SO2", "ug/Nm3") STANDARD("qcvn-19-2009, column: B, kp: 0.9, kv: 1.4"),
		 "a/s/SO2/limit-1h", 630000, "= 630 mg/Nm3 = 630000 ug/Nm3"},
		{LIQUID CHANNEL("COD", "g/l") STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/COD/limit-24h", 0.1485, "= 148.5 mg/l = 0.1485 g/l"},
		{LIQUID CHANNEL("Amoni", "mg/L")
			 STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/Amoni/limit-24h", 9.9, "C 10 mg/l × Kq 0.9 × Kf 1.1 = 9.9 mg/l"},
		{LIQUID CHANNEL("Temp", "oC") STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/Temp/limit-24h", 40, "40 °C, not multiplied"},
		{LIQUID CHANNEL("Color", "Pt-Co")
			 STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/Color/limit-24h", 150, "150 Pt-Co, not multiplied"},
		{LIQUID CHANNEL("Coliform", "MPN/100ml")
			 STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/Coliform/limit-24h", 5000, "5000 MPN/100ml, not multiplied"},
		{LIQUID CHANNEL("pH", "") STANDARD("qcvn-40-2011, column: B, kq: 0.9, kf: 1.1"),
		 "a/s/pH/limit-24h-low", 5.5, "at least 5.5, not multiplied"},
		{LIQUID CHANNEL("pH", "pH") STANDARD("qcvn-40-2011, column: A, kq: 0.9, kf: 1.1"),
		 "a/s/pH/limit-24h", 9, "9, not multiplied"},
		{GAS CHANNEL("SO2", "ppb") STANDARD("qcvn-05-2023, column: since-2026"),
		 "a/s/SO2/limit-1h", 133.65513689, "350 ug/Nm3 = 133.6551 ppb (25 °C, "},
		{GAS CHANNEL("SO2", "ug/Nm3") STANDARD("qcvn-05-2023, column: since-2026"),
		 "a/s/SO2/limit-24h", 125, "125 ug/Nm3"},
		{GAS CHANNEL("PM25", "ug/Nm3") STANDARD("qcvn-05-2023, column: since-2026"),
		 "a/s/PM25/limit-24h", 45, "45 ug/Nm3"},
		{LIQUID CHANNEL("DO", "mg/l") STANDARD("qcvn-08-2023, column: B, on: mean-1h"),
		 "a/s/DO/limit-1h-low", 5, "at least 5 mg/l"},
		{GAS CHANNEL("NOx", "mg/Nm3") CHANNEL("O2", "%") DERIVED("N7", "NOx, O2", "7")
			 STANDARD("qcvn-19-2024, zone: B, for: boiler-below-20"),
		 "a/s/N7/limit-1h", 250, "250 mg/Nm3 at 7 % O2"},
		{GAS CHANNEL("NOx", "mg/Nm3") CHANNEL("O2", "%") DERIVED("N15", "NOx, O2", "15")
			 STANDARD("qcvn-19-2024, zone: C, for: gas-turbine-above-1200"),
		 "a/s/N15/limit-1h", 90, "90 mg/Nm3 at 15 % O2"},
		{GAS CHANNEL("NOx", "mg/Nm3")
			 STANDARD("qcvn-19-2009, column: B, for: chemical-plant, kp: 1, kv: 1"),
		 "a/s/NOx/limit-1h", 1000, "C 1000 mg/Nm3"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_limit *limit;

		load_good(&d, rows[i].site);
		limit = find(&d, rows[i].limit);
		is(limit->bound, rows[i].bound);
		if (!strstr(limit->arithmetic, rows[i].arithmetic) ||
		    !strstr(limit->origin, rows[i].arithmetic))
			fail_msg("%s\n%s\n%s", rows[i].arithmetic, limit->arithmetic,
				 limit->origin);
	}
	close_directory(&d);
}

#define P(text) STANDARD("p, column: A, gas-flow: 100 m3/h" text)
#define SO2	GAS CHANNEL("SO2", "mg/Nm3") /* line 10 */

#define ON_1H "channel: SO2, class: limit, on: mean-1h, "

/* what a row of limits may say about a parameter, and what goes before a standard */
static void test_rows_of_limits(void **state)
{
	static const struct {
		const char *site;
		size_t n;
		const char *limit;
		double bound;
		enum limit_class class;
		enum limit_on on;
		bool high;
		const char *origin;
	} rows[] = {
		{SO2 P(""), 1, "a/s/SO2/limit-1h", 100, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true,
		 "QCVN P column A, SO2: C 100 mg/Nm3 × Kp 1 = 100 mg/Nm3; mean of 1 h"},
		{SO2 P(", limits: named") LIMIT("channel: SO2, parameter: SO2"), 1,
		 "a/s/SO2/limit-high", 100, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "QCVN P"},
		{SO2 P("") LIMIT("channel: SO2, parameter: SO2"), 1, "a/s/SO2/limit-high", 100,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "QCVN P"},
		{SO2 P("") LIMIT("channel: SO2"), 1, "a/s/SO2/limit-high", 100, CLASS_LIMIT,
		 LIMIT_ON_MEAN_1H, true, "QCVN P"},
		/* another window is another limit */
		{SO2 P("") LIMIT("channel: SO2, on: mean-1min"), 2, "a/s/SO2/limit-high", 100,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1MIN, true, "mean of 1 min (own choice)"},
		{SO2 P("") LIMIT("channel: SO2, on: mean-1min"), 2, "a/s/SO2/limit-1h", 100,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "mean of 1 h"},
		{SO2 P(", on: mean-5min"), 1, "a/s/SO2/limit-5min", 100, CLASS_LIMIT,
		 LIMIT_ON_MEAN_5MIN, true, "mean of 5 min (own choice)"},
		{SO2 P("") LIMIT("channel: SO2, class: warning, percent: 80"), 2,
		 "a/s/SO2/warning-high", 80, CLASS_WARNING, LIMIT_ON_MEAN_1H, true,
		 "operator's own, a share of QCVN P column A, SO2: C 100 mg/Nm3 × Kp 1 = 100 "
		 "mg/Nm3, "
		 "of it 80 % = 80 mg/Nm3"},
		{SO2 P("") LIMIT("channel: SO2, class: emergency, percent: 250, on: value"), 2,
		 "a/s/SO2/emergency-high", 250, CLASS_EMERGENCY, LIMIT_ON_VALUE, true,
		 "operator's own"},
		{SO2 P("") LIMIT("channel: SO2, name: x, origin: annex 2"), 1, "a/s/SO2/x", 100,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "mean of 1 h; annex 2"},
		/* a permit's number */
		{SO2 P("") LIMIT(ON_1H "high: 60, origin: permit 1"), 1, "a/s/SO2/limit-high", 60,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true,
		 "permit 1; goes before QCVN P column A, SO2: 100 mg/Nm3 (the own number is "
		 "stricter)"},
		{SO2 P("") LIMIT(ON_1H "high: 160, origin: permit 1"), 1, "a/s/SO2/limit-high", 160,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "is laxer)"},
		{SO2 P("") LIMIT(ON_1H "high: 100, origin: permit 1"), 1, "a/s/SO2/limit-high", 100,
		 CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "(the same)"},
		/* on another window it goes before nothing, unless the permit says so */
		{SO2 P("") LIMIT("channel: SO2, class: limit, high: 60, origin: permit 1"), 2,
		 "a/s/SO2/limit-1h", 100, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "QCVN P"},
		{SO2 P("") LIMIT("channel: SO2, class: limit, high: 60, origin: permit 1, "
				 "replaces-law: yes"),
		 1, "a/s/SO2/limit-high", 60, CLASS_LIMIT, LIMIT_ON_VALUE, true,
		 "permit 1; goes before QCVN P column A, SO2: 100 mg/Nm3, mean of 1 h (the own "
		 "number is stricter)"},
		/* that of a warning, an emergency, or of the other side is none */
		{SO2 P("") LIMIT("channel: SO2, class: warning, high: 60"), 2,
		 "a/s/SO2/warning-high", 60, CLASS_WARNING, LIMIT_ON_VALUE, true, ""},
		{SO2 P("") LIMIT("channel: SO2, class: limit, low: 1, origin: x"), 2,
		 "a/s/SO2/limit-low", 1, CLASS_LIMIT, LIMIT_ON_VALUE, false, "x"},
		/* of means of two lengths an own number goes before that of its own only */
		{GAS CHANNEL("SO2", "ug/Nm3") STANDARD("qcvn-05-2023, column: since-2026")
			 LIMIT("channel: SO2, class: limit, on: mean-24h, high: 80, origin: x"),
		 2, "a/s/SO2/limit-1h", 350, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "350 ug/Nm3"},
		{GAS CHANNEL("SO2", "ug/Nm3") STANDARD("qcvn-05-2023, column: since-2026")
			 LIMIT("channel: SO2, class: limit, on: mean-24h, high: 80, origin: x"),
		 2, "a/s/SO2/limit-high", 80, CLASS_LIMIT, LIMIT_ON_MEAN_24H, true,
		 "SO2, mean of the day: 125 ug/Nm3 (the own number is stricter)"},
		/* both sides */
		{GAS CHANNEL("pH", "") P(""), 2, "a/s/pH/limit-24h-low", 5, CLASS_LIMIT,
		 LIMIT_ON_MEAN_24H, false,
		 "acid: at least 5, not multiplied; mean of 24 h [M, not "
		 "checked against any text: window; confirm"},
		{GAS CHANNEL("pH", "") P(", limits: named") LIMIT("channel: pH, parameter: acid"),
		 2, "a/s/pH/limit-low", 5, CLASS_LIMIT, LIMIT_ON_MEAN_24H, false, "acid"},
		{GAS CHANNEL("pH", "") P(", limits: named") LIMIT("channel: pH, parameter: acid"),
		 2, "a/s/pH/limit-high", 9, CLASS_LIMIT, LIMIT_ON_MEAN_24H, true, "acid"},
		{GAS CHANNEL("pH", "") P(", limits: named")
			 LIMIT("channel: pH, side: low, name: y"),
		 1, "a/s/pH/y", 5, CLASS_LIMIT, LIMIT_ON_MEAN_24H, false, "acid"},
		{GAS CHANNEL("pH", "") P("") LIMIT("channel: pH, side: low, name: y"), 2,
		 "a/s/pH/limit-24h", 9, CLASS_LIMIT, LIMIT_ON_MEAN_24H, true, "acid"},
		{GAS CHANNEL("pH", "") P("")
			 LIMIT("channel: pH, class: limit, on: mean-24h, low: 6, origin: permit"),
		 2, "a/s/pH/limit-low", 6, CLASS_LIMIT, LIMIT_ON_MEAN_24H, false,
		 "permit; goes before QCVN P column A, acid: at least 5 (the own number is "
		 "stricter)"},
		/* plants with figures of their own */
		{SO2 P(", for: furnace"), 1, "a/s/SO2/limit-1h", 300, CLASS_LIMIT, LIMIT_ON_MEAN_1H,
		 true, "QCVN P column A, furnaces, SO2: C 300 mg/Nm3"},
		{SO2 P(", confirmed: permit 7"), 1, "a/s/SO2/limit-1h", 100, CLASS_LIMIT,
		 LIMIT_ON_MEAN_1H, true, "mean of 1 h; figures confirmed: permit 7"},
		{GAS CHANNEL("x", "mg/Nm3") P("") LIMIT("channel: x, parameter: SO2"), 1,
		 "a/s/x/limit-high", 100, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "SO2"},
		{GAS CHANNEL("T", "°C") P("") LIMIT("channel: T, parameter: hot, on: value"), 1,
		 "a/s/T/limit-high", 40, CLASS_LIMIT, LIMIT_ON_VALUE, true, "hot: 40 °C, not"},
		/* of two standards the one that the channel is corrected for */
		{SO2 CHANNEL("O2", "%")
			 DERIVED("S7", "SO2, O2", "7") "    standards:\n      - {standard: p, "
						       "column: A, kp: 1}\n      - {standard: "
						       "p, for: boiler, column: A, kp: 0.5}\n",
		 2, "a/s/S7/limit-1h", 50, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "at 7 % O2"},
		{SO2 CHANNEL("O2", "%") DERIVED("S7", "SO2, O2",
						"7") "    standards:\n      - {standard: p, "
						     "column: A, kp: 1, limits: named}\n      "
						     "- {standard: p, for: boiler, column: A, kp: "
						     "0.5, limits: named}\n" LIMIT("channel: S7"),
		 1, "a/s/S7/limit-high", 50, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "at 7 % O2"},
		{SO2
		 "    standards:\n      - {standard: p, column: A, kp: 1}\n      - {standard: p, "
		 "column: B, kp: 0.5}\n",
		 2, "a/s/SO2/p-1h", 100, CLASS_LIMIT, LIMIT_ON_MEAN_1H, true, "column B"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config_limit *limit;

		load(&d, rows[i].site);
		if (d.result < 0)
			fail_msg("%s\nin:\n%s", d.said, rows[i].site);
		if (d.config->n_limits != rows[i].n)
			fail_msg("%zu limits in:\n%s", d.config->n_limits, rows[i].site);
		limit = find(&d, rows[i].limit);
		is(limit->bound, rows[i].bound);
		assert_int_equal(limit->class, rows[i].class);
		assert_int_equal(limit->on, rows[i].on);
		assert_int_equal(limit->high, rows[i].high);
		if (!strstr(limit->origin, rows[i].origin))
			fail_msg("%s\nin: %s", rows[i].origin, limit->origin);
		assert_non_null(limit->arithmetic);
		assert_non_null(limit->overrides);
		assert_true((*limit->overrides != '\0') ==
			    (strstr(limit->origin, "goes before") != NULL));
	}
	close_directory(&d);
}

/* whose figure it is, and what takes the law's place */
static void test_basis(void **state)
{
	static const struct {
		const char *site;
		size_t n;
		const char *limit;
		enum limit_basis basis;
	} rows[] = {
		{SO2 P(""), 1, "a/s/SO2/limit-1h", BASIS_LAW},
		{SO2 P("") LIMIT("channel: SO2"), 1, "a/s/SO2/limit-high", BASIS_LAW},
		/* the law's figure, but not what the law says of it */
		{SO2 P("") LIMIT("channel: SO2, on: mean-1min"), 2, "a/s/SO2/limit-high",
		 BASIS_OWN},
		{SO2 P("") LIMIT("channel: SO2, on: mean-1h"), 1, "a/s/SO2/limit-high", BASIS_LAW},
		{SO2 P(", on: mean-5min"), 1, "a/s/SO2/limit-5min", BASIS_OWN},
		{SO2 P("") LIMIT("channel: SO2, on: mean-1min, basis: permit"), 2,
		 "a/s/SO2/limit-high", BASIS_PERMIT},
		{SO2 P("") LIMIT("channel: SO2, class: emergency, percent: 250"), 2,
		 "a/s/SO2/emergency-high", BASIS_OWN},
		/* a number of the file */
		{SO2 LIMIT(ON_1H "high: 60, origin: x"), 1, "a/s/SO2/limit-high", BASIS_UNSAID},
		{SO2 LIMIT(ON_1H "high: 60, origin: x, basis: law"), 1, "a/s/SO2/limit-high",
		 BASIS_LAW},
		{SO2 P("") LIMIT(ON_1H "high: 60, origin: x, basis: permit"), 1,
		 "a/s/SO2/limit-high", BASIS_PERMIT},
		/* the plant's own takes no law's place, on whatever window */
		{SO2 P("") LIMIT(ON_1H "high: 60, origin: x, basis: own"), 2, "a/s/SO2/limit-high",
		 BASIS_OWN},
		{SO2 P("") LIMIT(ON_1H "high: 60, origin: x, basis: own"), 2, "a/s/SO2/limit-1h",
		 BASIS_LAW},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		load(&d, rows[i].site);
		if (d.result < 0 || d.config->n_limits != rows[i].n)
			fail_msg("row %zu: %s", i, d.said);
		assert_int_equal(find(&d, rows[i].limit)->basis, rows[i].basis);
		assert_null(strstr(find(&d, rows[i].limit)->origin,
				   rows[i].basis == BASIS_OWN ? "goes before" : "nothing"));
	}
	close_directory(&d);
}

/* errors in a site's file */
static void test_bad_use(void **state)
{
	static const struct {
		const char *site;
		const char *place;
		const char *says;
	} rows[] = {
		{SO2 P("") LIMIT("channel: SO2, replaces-law: yes"), "14:38",
		 "the number is the standard's own; allowed: with high or low"},
		{SO2 P("")
			 LIMIT("channel: SO2, class: limit, low: 1, origin: x, replaces-law: yes"),
		 "14:71", "no standard of this source has one figure that this limit could"},
		{SO2 P("") LIMIT("channel: SO2, class: limit, high: 60, origin: x, basis: own, "
				 "replaces-law: yes"),
		 "14:85", "takes no law's place; allowed: with basis permit or law"},
		{SO2 P("") LIMIT("channel: SO2, class: warning, percent: 80, basis: law"), "14:60",
		 "a share of the law's figure is not the law's; allowed: own, or permit"},
		{SO2 P("") LIMIT("channel: SO2, basis: x"), "14:31", "allowed: law, permit, own"},
		{SO2 STANDARD("q"), "12:20", "there is no standard \"q\", did you mean \"p\"?"},
		{SO2 STANDARD("\"\""), "12:20", "not a name"},
		{SO2 P(", x: 1"), "12:54", "unknown key \"x\" in a standard"},
		{SO2 STANDARD("p, kp: 1"), "12:9",
		 "which column or zone of QCVN P; allowed: column: A, B"},
		{SO2 STANDARD("p, kp: 1, column: C"), "12:38", "there is no column or zone \"C\""},
		{SO2 STANDARD("p, kp: 1, column: A, zone: A"), "12:47", "two words for one thing"},
		{SO2 STANDARD("p, kp: 1, column: A, for: oven"), "12:46", "there is no such case"},
		{LIQUID CHANNEL("COD", "mg/l") STANDARD("qcvn-40-2025, column: A, for: x"), "12:50",
		 "no figures for certain plants"},
		{SO2 STANDARD("qcvn-19-2024, column: A"), "12:9",
		 "all figures of QCVN 19:2024/BTNMT are for certain plants; allowed: for: boiler"},
		{LIQUID CHANNEL("x", "mg/l") STANDARD("p, kp: 1, column: A"), "12:20",
		 "QCVN P is about what is gas, this source is liquid"},
		{SO2 STANDARD("p, column: A"), "12:20",
		 "need Kp; allowed: kp: NUMBER, or gas-flow (in m3/h)"},
		{SO2 STANDARD("p, column: A, kp: 0"), "12:38", "no coefficient"},
		{SO2 STANDARD("p, column: A, kp: 5.1"), "12:38", "no coefficient"},
		{SO2 STANDARD("p, column: A, kp: 1, kq: 1"), "12:45", "do not have Kq"},
		{SO2 P(", kp: 1"), "12:58", "Kp is given, and would follow from \"gas-flow\" too"},
		{SO2 P(", discharge: 1 m3/day"), "12:65",
		 "no coefficient of QCVN P follows from it"},
		{SO2 STANDARD("p, column: A, gas-flow: 200.1 m3/h"), "12:44",
		 "beyond the standard's table of Kp; allowed: up to 200"},
		{SO2 STANDARD("p, column: A, gas-flow: 100"), "12:44", "with a unit behind it"},
		{SO2 STANDARD("p, column: A, gas-flow: 100 m3"), "12:44", "cannot be converted"},
		{SO2 STANDARD("p, column: A, gas-flow: 100 Nm3/h"), "12:44", "cannot be converted"},
		{LIQUID CHANNEL("COD", "mg/l")
			 STANDARD("qcvn-40-2011, column: A, kf: 1, river-flow: "
				  "1 m3/s, lake-volume: 1 m3"),
		 "12:85", "Kq follows from another key already"},
		{SO2 P(", operating-since: 2025-02-30"), "12:71", "no such date"},
		/* a key that is wrong says nothing else of the limits that were to follow from it
		 */
		{LIQUID CHANNEL("COD", "mg/l")
			 STANDARD("qcvn-40-2011, column: A, kf: 1, river-flow: abc")
				 LIMIT("channel: COD, class: warning, deadband: 5"),
		 "12:64", "\"abc\": it is no number above 0"},
		{LIQUID CHANNEL("COD", "mg/l")
			 STANDARD("qcvn-40-2011, column: A, kf: 1, rivers-flow: 1 m3/s")
				 LIMIT("channel: COD, class: warning, deadband: 5"),
		 "12:52", "did you mean \"river-flow\"?"},
		{LIQUID CHANNEL("COD", "mg/l")
			 STANDARD("qcvn-40-2011, column: A, kf: x, river-flow: 1 m3/s")
				 LIMIT("channel: COD, class: warning, deadband: 5"),
		 "12:49", "\"kf\" cannot be"},
		/* channels whose unit does not fit */
		{GAS CHANNEL("SO2", "mg/m3") P(""), "12:9",
		 "\"SO2\" is measured in mg/m3, QCVN P column A has SO2 in mg/Nm3, and the one "
		 "cannot"},
		{GAS CHANNEL("SO2", "") P(""), "12:9", "measured in no unit"},
		{GAS CHANNEL("SO2", "ppm") P(", for: furnace"), "12:9", "without the molar mass"},
		{GAS CHANNEL("pH", "mg/l") P(", limits: named")
			 LIMIT("channel: pH, parameter: acid"),
		 "14:19", "cannot be converted"},
		/* oxygen */
		{SO2 P(", for: boiler"), "12:9",
		 "at 7 % oxygen, and no channel is \"SO2\" corrected"},
		{SO2 P(", for: boiler, limits: named") LIMIT("channel: SO2, parameter: SO2"),
		 "14:19", "holds gases at 7 % oxygen, \"SO2\" is not corrected"},
		{SO2 CHANNEL("O2", "%") DERIVED("S6", "SO2, O2", "6")
			 P(", for: boiler, limits: named") LIMIT("channel: S6, parameter: SO2"),
		 "17:19", "\"S6\" is not corrected to it"},
		{SO2 CHANNEL("O2", "%") DERIVED("S7", "SO2, O2", "7") P(", limits: named")
			 LIMIT("channel: S7, parameter: SO2"),
		 "17:19", "has no reference oxygen, \"S7\" is corrected to 7 %"},
		/* rows of limits */
		{SO2 LIMIT("channel: SO2, parameter: SO2"), "12:35", "held to no standard"},
		{SO2 P("") LIMIT("channel: SO2, parameter: CO2"), "14:35", "did you mean \"SO2\"?"},
		{SO2 P("") LIMIT("channel: SO2, parameter: SO2, standard: q"), "14:50",
		 "there is no standard of this source \"q\", did you mean \"p\"?"},
		{GAS CHANNEL("y", "") P("") LIMIT("channel: y, on: value"), "14:19",
		 "no standard of this source knows it by this name"},
		{SO2 P("") LIMIT("channel: SO2, parameter: SO2, high: 3"), "14:46",
		 "the bound of a parameter is the standard's"},
		{SO2 P("") LIMIT("channel: SO2, parameter: SO2, side: low"), "14:46",
		 "no such bound; allowed: high"},
		{SO2 P("") LIMIT("channel: SO2, percent: 80"), "14:33", "not the limit"},
		{GAS CHANNEL("pH", "") P("") LIMIT("channel: pH, class: warning, percent: 80"),
		 "14:48", "a lower bound"},
		{GAS CHANNEL("pH", "") P("") LIMIT("channel: pH, name: x"), "14:29", "two bounds"},
		{SO2 P("") LIMIT("channel: SO2, class: warning, high: 9, percent: 80"), "14:58",
		 "none is named"},
		{SO2 P("") LIMIT("channel: SO2, high: 9, origin: x"), "14:9", "no \"class\""},
		{GAS CHANNEL("hot", "°C") P(""), "12:9", "names no window"},
		{SO2
		 "    standards: [{standard: p, column: A, kp: 1, limits: named}, {standard: p, "
		 "column: B, kp: 1, limits: named}]\n" LIMIT("channel: SO2"),
		 "13:9", "several figures"},
		/* the limit itself is checked like any other, at the standard's row */
		{GAS "      - {name: SO2, from: u, address: 0, unit: mg/Nm3, type: float32, range: "
		     "[0, 99]}\n" P(""),
		 "12:9", "the bound 100 of \"SO2\" is outside the channel's range"},
	};
	struct directory d;
	char start[160];

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *line;

		load(&d, rows[i].site);
		(void)snprintf(start, sizeof(start), "%s/sites.d/a.yaml:%s: ", d.path,
			       rows[i].place);
		line = strstr(d.said, start);
		if (d.result != -EINVAL || d.n_errors != 1 || !line ||
		    !strstr(line, rows[i].says) ||
		    (!strstr(line, "; allowed: ") && !strstr(line, "; it must say ")))
			fail_msg("wanted %s: %s\nin:\n%s\ngot %d, %zu errors:\n%s", rows[i].place,
				 rows[i].says, rows[i].site, d.result, d.n_errors, d.said);
	}
	close_directory(&d);
}

/* errors in a catalogue: one word of it is replaced */
static void test_bad_catalogues(void **state)
{
	static const struct {
		const char *old;
		const char *new;
		const char *says;
	} rows[] = {
		{"standard: p", "standard: q", "not the file's; allowed: p"},
		{"kind: gas", "kind: air", "liquid, gas or solid"},
		{"title: QCVN P\n", "", "no \"title\""},
		{"document: none\n", "", "no \"document\""},
		{"since: 2010-01-01", "since: 2010-02-30", "no such date"},
		{"since-mark: V\n", "", "no \"since-mark\""},
		{"until-mark: V\n", "", "no \"until-mark\""},
		{"until: 2025-08-31", "until: 2009-12-31", "over before it begins"},
		{"until: 2025-08-31\n", "", "no \"until\" that it is about"},
		{"transition-before: 2025-09-01\n", "", "both or none"},
		{"transition-until: 2031-12-31", "transition-until: 2020-01-01", "over before"},
		{"formula: [Kp]", "formula: [Kp, Kx]", "no such coefficient"},
		{"formula: [Kp]", "formula: [Kp, Kp]", "stands there twice"},
		{"formula-mark: V\n", "", "no \"formula-mark\""},
		{", {mark: M, source: z}", "",
		 "figures have the mark M, but it does not say where"},
		{"{mark: V, source: x}", "{mark: X, source: x}", "V, C or M"},
		{"columns:\n", "columns:\n  - {column: A, title: x, mark: V}\n", "a second column"},
		{"column: B, title: column B, mark: V}", "column: B, title: column B}",
		 "no \"mark\""},
		{"reference-oxygen: 7", "reference-oxygen: 20.9", "no such oxygen"},
		{"coefficient: Kp", "coefficient: Kq", "the formula does not have it"},
		{"by: gas-flow", "by: gas", "there is no such word"},
		{"value: 0.5, mark: M", "value: 0.5", "no \"mark\""},
		{"value: 0.5", "value: 0", "no coefficient"},
		{"value: 0.5", "value: 5.5", "no coefficient"},
		{"up-to: 200", "up-to: 100", "reaches as far"},
		{"{parameter: hot, unit", "{parameter: hot, for: oven, unit", "no such case"},
		{"window: mean-1h, window-mark: V, molar", "window: mean-1h, molar",
		 "no \"window-mark\""},
		{"window: mean-1h, window-mark: V, molar", "window-mark: V, molar",
		 "no \"window\" that it is about"},
		{"window: mean-1h, window-mark: V, molar", "window: mean-8h, window-mark: V, molar",
		 "no such word"},
		{"molar-mass: 64.066", "molar-mass: 0", "no gas is that light"},
		{"{column: A, high: 100, mark: V}", "{column: A, high: 100}", "no \"mark\""},
		{"{column: A, high: 100, mark: V}", "{column: A, mark: V}", "no \"high\""},
		{"{column: A, high: 100, mark: V}", "{high: 100, mark: V}", "no such column"},
		{"{column: B, high: 200, mark: C}", "{column: A, high: 200, mark: C}",
		 "one per column"},
		{"low: 5, high: 9", "low: 9, high: 9", "nothing lies between"},
		{"parameter: acid", "parameter: SO2", "a second parameter"},
		{"values: [{column: A, high: 40, mark: V}]", "values: []", "no value"},
	};
	struct directory d;
	char text[4096];

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *at = strstr(CATALOGUE, rows[i].old);

		assert_non_null(at);
		(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - CATALOGUE), CATALOGUE,
			       rows[i].new, at + strlen(rows[i].old));
		directory_write(&d, "limits/p.yaml", text);
		load(&d, SO2 P(""));
		if (d.result != -EINVAL || d.n_errors != 1 || !strstr(d.said, rows[i].says) ||
		    !strstr(d.said, "limits/p.yaml:"))
			fail_msg("wanted %s\nfor %s\ngot %d, %zu errors:\n%s", rows[i].says,
				 rows[i].new, d.result, d.n_errors, d.said);
	}
	/* a source at the figure itself will do */
	directory_write(
		&d, "limits/p.yaml",
		"standard: p\ntitle: T\nfull-name: t\ndocument: d\nkind: gas\nmarks: [{mark: V, "
		"source: x}]\ncolumns: [{column: A, title: a, mark: V}]\nparameters: [{parameter: "
		"SO2, unit: mg/Nm3, window: mean-1h, window-mark: V, values: [{high: 3, mark: M, "
		"source: hearsay}]}]\n");
	load_good(&d, SO2 STANDARD("p"));
	is(find(&d, "a/s/SO2/limit-1h")->bound, 3);
	close_directory(&d);
}

/* the catalogue beside wastewatch.yaml goes before the installed one, and counts in the digest */
static void test_folders_and_digest(void **state)
{
	struct directory d;
	uint8_t digest[32];
	char path[128];

	(void)state;
	open_directory(&d);
	load_good(&d, SO2 P(""));
	memcpy(digest, d.config->digest, sizeof(digest));
	directory_write(&d, "limits/p.yaml", CATALOGUE "# changed\n");
	load_good(&d, SO2 P(""));
	assert_memory_not_equal(digest, d.config->digest, sizeof(digest));
	(void)snprintf(path, sizeof(path), "%s/limits", d.path);
	assert_int_equal(setenv("WASTEWATCH_LIMITS", path, 1), 0);
	load_good(&d, SO2 P(""));
	load(&d, SO2 STANDARD("qcvn-40-2011"));
	assert_int_equal(d.result, -EINVAL);
	assert_non_null(strstr(d.said, "there is no standard \"qcvn-40-2011\"; allowed: p"));
	close_directory(&d);
}

static void check(const struct directory *d, unsigned int today, char **ret)
{
	size_t n;
	FILE *out = open_memstream(ret, &n);

	assert_non_null(out);
	standard_check(d->config, today, CATALOGUE_EN, out);
	assert_int_equal(fclose(out), 0);
}

static void test_warnings(void **state)
{
	static const struct {
		const char *site;
		unsigned int today;
		const char *says; /* NULL nothing at all */
	} rows[] = {
		{SO2 P(""), 20091231, "it is in force from 2010-01-01 [V] only"},
		{SO2 P(""), 20100101, NULL},
		{SO2 P(""), 20240831, NULL},
		{SO2 P(""), 20240901,
		 "it ends on 2025-08-31 [V]; plants from before 2025-09-01 may keep it until "
		 "2031-12-31 [C]: if this is one, say so with operating-since; else: QCVN Q"},
		{SO2 P(""), 20250831, "ends on 2025-08-31"},
		{SO2 P(""), 20250901, "has ended on 2025-08-31 [V]; plants from before"},
		{SO2 P(", operating-since: 2025-08-31"), 20261127, NULL},
		{SO2 P(", operating-since: 2025-08-31"), 20310101,
		 "it ends on 2031-12-31 [C]; then: QCVN Q"},
		{SO2 P(", operating-since: 2025-08-31"), 20320101, "has ended on 2031-12-31 [C]"},
		{SO2 P(", operating-since: 2025-09-01"), 20261127,
		 "has ended on 2025-08-31 [V]; then: QCVN Q"},
		/* figures: once, by name, and not where they are the law's or confirmed */
		{SO2 STANDARD("p, column: B, kp: 1"), 20200101,
		 "not verified: seen in public sources only [C]: SO2; look at"},
		{SO2 STANDARD("p, column: B, kp: 1, confirmed: permit"), 20200101, NULL},
		{SO2 STANDARD("p, column: A, gas-flow: 101 m3/h"), 20200101,
		 "not verified: not checked against any text [M]: Kp; look at"},
		{GAS CHANNEL("pH", "") P(""), 20200101, "against any text [M]: the window; look"},
		/* where the own number goes before them, they are not used */
		{SO2 STANDARD("p, column: B, kp: 1")
			 LIMIT("channel: SO2, class: limit, on: mean-1h, high: 5, origin: x"),
		 20200101, NULL},
		{LIQUID CHANNEL("COD", "mg/l") STANDARD("qcvn-40-2025, column: A"), 20261127,
		 "no figures, so nothing is limited"},
		{LIQUID CHANNEL("COD", "mg/l") STANDARD("qcvn-40-2025, column: A")
			 LIMIT("channel: COD, class: limit, high: 5, origin: x"),
		 20261127, NULL},
		{GAS CHANNEL("PM25", "ug/Nm3")
			 STANDARD("qcvn-05-2023, column: until-2025, confirmed: x"),
		 20261127, "has ended on 2025-12-31 [C]"},
		{GAS CHANNEL("PM25", "ug/Nm3")
			 STANDARD("qcvn-05-2023, column: since-2026, confirmed: x"),
		 20261127, NULL},
		{GAS CHANNEL("PM25", "ug/Nm3")
			 STANDARD("qcvn-05-2023, column: since-2026, confirmed: x"),
		 20251231, "in force from 2026-01-01 [C] only"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *said = NULL;

		load_good(&d, rows[i].site);
		check(&d, rows[i].today, &said);
		if (rows[i].says ? !strstr(said, rows[i].says) ||
					   strchr(said, '\n') != strrchr(said, '\n') ||
					   !strstr(said, "a.yaml:12:9: warning: QCVN ")
				 : *said != '\0')
			fail_msg("wanted %s on %u\nin:\n%s\ngot:\n%s", rows[i].says, rows[i].today,
				 rows[i].site, said);
		free(said);
	}
	close_directory(&d);
}

/* what is said of numbers that are the file's own: both numbers, both windows, both origins */
static void test_own_numbers(void **state)
{
#define BESIDE_ "stands beside, and not in place of, QCVN P column A, SO2: 100 mg/Nm3, mean of 1 h"
#define BOTH_	": both count; where the permit puts it in the law's place: replaces-law: yes\n"
	static const struct {
		const char *site;
		const char *says; /* NULL nothing at all */
	} rows[] = {
		{SO2 P("") LIMIT(ON_1H "high: 99.9, origin: permit 1"), NULL},
		{SO2 P("") LIMIT(ON_1H "high: 100, origin: permit 1"), NULL},
		{SO2 P("") LIMIT(ON_1H "high: 100.1, origin: permit 1"),
		 "a/s/SO2/limit-high: 100.1 mg/Nm3, mean of 1 h (permit 1), takes the place of "
		 "QCVN P column A, SO2: 100 mg/Nm3, mean of 1 h, and is laxer\n"},
		/* other windows */
		{SO2 P("") LIMIT("channel: SO2, class: limit, high: 160, origin: permit 1"),
		 "160 mg/Nm3, each value (permit 1), " BESIDE_ ", and is laxer" BOTH_},
		{SO2 P("") LIMIT("channel: SO2, class: limit, on: mean-24h, high: 60, origin: p"),
		 "60 mg/Nm3, mean of 24 h (p), " BESIDE_ ", and is stricter" BOTH_},
		{SO2 P(", limits: named") LIMIT("channel: SO2, class: limit, high: 100, origin: p"),
		 "does not take the place of QCVN P column A, SO2: 100 mg/Nm3, mean of 1 h, the "
		 "same number: the law's counts where a limit names its parameter only; "},
		{SO2 P("") LIMIT("channel: SO2, class: limit, high: 60, origin: permit 1, "
				 "replaces-law: yes"),
		 "takes, on another window, the place of QCVN P column A, SO2: 100 mg/Nm3, mean "
		 "of 1 h, and is stricter\n"},
		/* the window that the site names for the standard is the law's */
		{SO2 P(", on: value") LIMIT("channel: SO2, class: limit, high: 60, origin: p"),
		 NULL},
		{SO2 P(", on: value") LIMIT(ON_1H "high: 60, origin: p"),
		 "100 mg/Nm3, each value, and is stricter" BOTH_},
		/* a lower bound is laxer below */
		{GAS CHANNEL("pH", "") STANDARD("p, column: A, kp: 1, confirmed: x")
			 LIMIT("channel: pH, class: limit, on: mean-24h, low: 5.1, origin: p"),
		 NULL},
		{GAS CHANNEL("pH", "") STANDARD("p, column: A, kp: 1, confirmed: x")
			 LIMIT("channel: pH, class: limit, on: mean-24h, low: 4.9, origin: p"),
		 "at least 4.9, mean of 24 h (p), takes the place of QCVN P column A, acid: at "
		 "least 5, mean of 24 h, and is laxer\n"},
		/* numbers in other units: 100 mg/Nm3 is 100000 ug/Nm3, and 38.19 ppm of SO2 */
		{GAS CHANNEL("SO2", "ug/Nm3") P("") LIMIT(ON_1H "high: 99999, origin: p"), NULL},
		{GAS CHANNEL("SO2", "ug/Nm3") P("") LIMIT(ON_1H "high: 100001, origin: p"),
		 "100001 ug/Nm3, mean of 1 h (p), takes the place of QCVN P column A, SO2: 100000 "
		 "ug/Nm3, mean of 1 h, and is laxer\n"},
		{GAS CHANNEL("SO2", "ppm")
			 STANDARD("qcvn-19-2009, column: B, kp: 1, kv: 1, operating-since: "
				  "2019-01-01, confirmed: x") LIMIT(ON_1H "high: 190, origin: p"),
		 NULL},
		{GAS CHANNEL("SO2", "ppm")
			 STANDARD("qcvn-19-2009, column: B, kp: 1, kv: 1, operating-since: "
				  "2019-01-01, confirmed: x") LIMIT(ON_1H "high: 191, origin: p"),
		 "SO2: 190.9359 ppm, mean of 1 h, and is laxer\n"},
		/* what is no limit of the law's is not compared with it */
		{SO2 P("") LIMIT("channel: SO2, class: emergency, high: 200, origin: p"), NULL},
		{SO2 P("") LIMIT("channel: SO2, class: warning, high: 200"), NULL},
		/* of means of two lengths the one on its window is meant; on a third one neither */
		{GAS CHANNEL("SO2", "ug/Nm3")
			 STANDARD("qcvn-05-2023, column: until-2025, confirmed: x")
				 LIMIT("channel: SO2, class: limit, on: mean-24h, high: 80, "
				       "origin: x"),
		 NULL},
		{GAS CHANNEL("SO2", "ug/Nm3")
			 STANDARD("qcvn-05-2023, column: until-2025, confirmed: x")
				 LIMIT("channel: SO2, class: limit, on: mean-5min, high: 500, "
				       "origin: x"),
		 "SO2, mean of the hour: 350 ug/Nm3, mean of 1 h, and is laxer: both count;"},
		/* as measured, where the standard wants oxygen and no channel has it */
		{SO2 STANDARD("p, for: boiler, column: A, kp: 0.5")
			 LIMIT(ON_1H "high: 40, origin: p"),
		 "SO2: 50 mg/Nm3 at 7 % O2, mean of 1 h, with which it cannot be compared\n"},
		/* where one has it, the standard's stays there, and nothing is to be asked */
		{SO2 CHANNEL("O2", "%") DERIVED("S7", "SO2, O2", "7") STANDARD(
			 "p, for: boiler, column: A, kp: 0.5") LIMIT(ON_1H "high: 400, origin: p"),
		 NULL},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *said = NULL;

		load_good(&d, rows[i].site);
		check(&d, 20240101, &said);
		if (rows[i].says ? !strstr(said, rows[i].says) ||
					   strchr(said, '\n') != strrchr(said, '\n') ||
					   !strstr(said, ":9: warning: a/s/")
				 : *said != '\0')
			fail_msg("wanted %s\nin:\n%s\ngot:\n%s",
				 rows[i].says ? rows[i].says : "nothing", rows[i].site, said);
		free(said);
	}
	close_directory(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_value),
		cmocka_unit_test(test_coefficients),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_rows_of_limits),
		cmocka_unit_test(test_own_numbers),
		cmocka_unit_test(test_basis),
		cmocka_unit_test(test_bad_use),
		cmocka_unit_test(test_bad_catalogues),
		cmocka_unit_test(test_folders_and_digest),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

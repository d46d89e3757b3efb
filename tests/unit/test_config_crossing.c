/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load.h"

#define LINE                                                                                  \
	"{\"type\": \"LineString\", \"coordinates\": [[107.0, 21.0], [107.0, 22.0], [106.5, " \
	"22.5]]}"

#define MAIN_HEAD "origin: here\n"
#define BOUNDARY                   \
	"boundaries:\n"            \
	"  - name: border\n"       \
	"    file: line.geojson\n" \
	"    kind: national\n"
#define THRESHOLD                                                                         \
	"    thresholds:\n"                                                               \
	"      - {parameter: COD, in: water, high: 15, unit: mg/l, origin: \"QCVN 08\", " \
	"measured-by: a/down/COD}\n"
#define RIVER                                                                                \
	"rivers:\n"                                                                          \
	"  - name: r\n"                                                                      \
	"    flow: 20\n"                                                                     \
	"    reaches:\n"                                                                     \
	"      - {length-km: 30, velocity: [0.5, 1], width: 40, depth: 1.5, slope: 0.001}\n" \
	"      - {length-km: 20, velocity: [0.4, 0.8], width: 50, depth: 2}\n"               \
	"    parameters: [{parameter: COD, background: 4000, unit: ug/l, decay-per-day: 0.2}]\n"
#define CROSSES "    crosses: [{boundary: border, at-km: 45}]\n"
#define MAIN	MAIN_HEAD BOUNDARY THRESHOLD RIVER CROSSES

#define SITE_HEAD                                      \
	"site: a\n"                                    \
	"position: [21.5, 106.5]\n"                    \
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n" \
	"units: [{name: u, link: l, id: 1}]\n"
#define OTHER(name, kind)                                                                          \
	"  - {name: " name ", kind: " kind ", channels: [{name: COD, from: u, address: 20, type: " \
	"float32, range: [0, 9], unit: mg/l}]}\n"
#define OTHERS "sources:\n" OTHER("down", "gas") OTHER("up", "liquid")
#define SOURCE(kind, keys)               \
	SITE_HEAD OTHERS "  - name: s\n" \
			 "    kind: " kind "\n" keys
#define LACKING(kind, keys) SITE_HEAD OTHERS "  - ^name: s\n    kind: " kind "\n" keys
#define CHANNELS                                                                               \
	"    channels:\n"                                                                      \
	"      - {name: COD, from: u, address: 0, type: float32, range: [0, 9], unit: mg/l}\n" \
	"      - {name: Q, from: u, address: 2, type: float32, range: [0, 9], unit: m3/h}\n"   \
	"      - {name: dry, from: u, address: 4, type: float32, range: [0, 9], unit: kg}\n"   \
	"      - {name: wind, from: u, address: 8, type: float32, range: [0, 9], unit: m/s}\n"
#define SITE SOURCE("liquid", "    flow: Q\n    river: r\n    at-km: 5\n" CHANNELS)

static void open_directory(struct directory *d)
{
	directory_open(d);
	directory_folder(d, "boundaries");
	directory_write(d, "boundaries/line.geojson", LINE);
	directory_write(d, "broken.geojson", "{\"type\": \"Point\", \"coordinates\": [1, 2]}");
}

static void load(struct directory *d, const char *main, const char *site)
{
	directory_write(d, "wastewatch.yaml", main);
	directory_write(d, "sites.d/a.yaml", site);
	directory_load(d);
}

/* copy a text without its "^", whose place becomes "LINE:COLUMN"; none: @place stays as it is */
static void take_mark(const char *text, char *copy, size_t n, char place[static 32])
{
	const char *mark = strchr(text, '^');
	unsigned int line = 1, column = 1;

	if (!mark) {
		(void)snprintf(copy, n, "%s", text);
		return;
	}
	for (const char *c = text; c < mark; c++) {
		line += *c == '\n';
		column = *c == '\n' ? 1 : column + 1;
	}
	(void)snprintf(place, 32, "%u:%u", line, column);
	(void)snprintf(copy, n, "%.*s%s", (int)(mark - text), text, mark + 1);
}

struct bad {
	const char *main; /* NULL: the good one */
	const char *site;
	const char *says;
};

static void check(struct directory *d, const struct bad *row)
{
	char main[4096], site[4096], place[32] = "?", wanted[160];
	bool in_site = row->site && strchr(row->site, '^');

	take_mark(row->main ? row->main : MAIN, main, sizeof(main), place);
	take_mark(row->site ? row->site : SITE, site, sizeof(site), place);
	load(d, main, site);
	(void)snprintf(wanted, sizeof(wanted), "%s/%s:%s: ", d->path,
		       in_site ? "sites.d/a.yaml" : "wastewatch.yaml", place);
	if (d->result != -EINVAL || d->n_errors != 1 || !strstr(d->said, wanted) ||
	    !strstr(d->said, row->says) || !strchr(d->said, ';'))
		fail_msg("wanted %s%s\nin:\n%s\n%s\ngot %d, %zu errors:\n%s", wanted, row->says,
			 main, site, d->result, d->n_errors, d->said);
}

#define T(text) MAIN_HEAD BOUNDARY "    thresholds:\n      - {" text "}\n" RIVER CROSSES
#define X(text) MAIN_HEAD BOUNDARY THRESHOLD RIVER "    crosses: [{" text "}]\n"
#define V(text) MAIN_HEAD "rivers:\n  - name: r\n" text
#define REACH	"    reaches: [{length-km: 30, velocity: [0.5, 1], width: 40, depth: 1.5}]\n"
#define P(text) MAIN "receptors:\n  - {" text "}\n"

#define Q(text) MAIN "receptors:\n  - ^{" text "}\n"

#define DESTINATION(receptors) \
	"destinations:\n  - name: d\n    url: \"http://127.0.0.1/\"\n    receptors: " receptors "\n"
#define D(receptors) MAIN DESTINATION(receptors)

static void test_bad_main(void **state)
{
	static const struct bad rows[] = {
		{"origin: here\ncrossing-likely: ^0\n" BOUNDARY RIVER, NULL, "from 0.001 to 1000"},
		{"origin: here\ncrossing-possible: ^2e9\n" BOUNDARY RIVER, NULL, "out of range"},
		{"origin: here\ncrossing-likely: ^0.05\n" BOUNDARY RIVER, NULL,
		 "of at least crossing-possible"},
		{"origin: here\ncrossing-possible: ^2\n" BOUNDARY RIVER, NULL,
		 "of at least crossing-possible"},
		{"origin: here\ncrossing-hysteresis: ^1\n" BOUNDARY RIVER, NULL, "from 0 to 0.9"},
		{"origin: here\ncrossing-covered: ^0\n" BOUNDARY RIVER, NULL, "from 1 to 100"},
		{"origin: here\ncrossing-covered: ^101\n" BOUNDARY RIVER, NULL, "from 1 to 100"},
		{"origin: here\ncrossing-counts: ^maybe\n" BOUNDARY RIVER, NULL,
		 "possible, likely or observed"},
		{MAIN_HEAD
		 "boundaries:\n  - name: b\n    kind: national\n    file: ^none.geojson\n" RIVER,
		 NULL, "there is no file \"none.geojson\""},
		{MAIN_HEAD "boundaries:\n  - name: b\n    kind: national\n    file: "
			   "^broken.geojson\n" RIVER,
		 NULL, "is no boundary"},
		{MAIN_HEAD
		 "boundaries:\n  - name: b\n    kind: ^local\n    file: line.geojson\n" RIVER,
		 NULL, "national, province or commune"},
		{MAIN_HEAD BOUNDARY
		 "  - name: ^border\n    kind: commune\n    file: line.geojson\n" RIVER,
		 NULL, "second boundary"},
		{T("parameter: COD, in: ^soil, high: 1, unit: mg/l, origin: q"), NULL,
		 "water or air"},
		{T("parameter: COD, in: water, high: ^0, unit: mg/l, origin: q"), NULL,
		 "out of range"},
		{T("parameter: COD, in: water, high: 1, unit: ^mg/Nm3, origin: q"), NULL,
		 "no concentration in water"},
		{T("parameter: COD, in: water, high: 1, unit: ^furlong, origin: q"), NULL,
		 "no concentration in water"},
		{T("parameter: SO2, in: air, high: 1, unit: ^ppm, origin: q"), NULL,
		 "no concentration in air"},
		{T("parameter: COD, in: water, high: 1, unit: mg/l, origin: q, measured-by: "
		   "^a/s/CUD"),
		 NULL, "did you mean \"a/s/COD\"?"},
		{T("parameter: COD, in: water, high: 1, unit: mg/l, origin: q, measured-by: "
		   "^a/s/dry"),
		 NULL, "must measure mass concentration"},
		{T("parameter: COD, in: water, high: 1, unit: mg/l, origin: q, measured-by: "
		   "^a/s/COD"),
		 NULL,
		 "a/s/COD is at the source whose release it is to confirm; allowed: a channel"},
		{T("parameter: dry, in: water, high: 1, unit: ^mg/l, origin: q"), NULL,
		 "cannot be held against"},
		{X("boundary: ^bordr, at-km: 45"), NULL, "did you mean \"border\"?"},
		{X("boundary: border, at-km: ^50.1"), NULL, "ends at 50 km"},
		{X("boundary: border, at-km: 45, position: ^[91, 0]"), NULL, "no such place"},
		{V("    flow: ^0.0\n" REACH), NULL, "out of range"},
		{V("    flow-from: ^a/s/dry\n" REACH), NULL, "must measure flow"},
		{V("    temperature-from: ^a/s/Q\n    flow: 1\n" REACH), NULL,
		 "must measure temperature"},
		{V("    flow: 1\n    reaches: [{length-km: 10, velocity: ^[1, 0.5], width: 4, "
		   "depth: "
		   "1}]\n"),
		 NULL, "cannot be slower"},
		{V("    flow: 1\n" REACH "    parameters: [{parameter: COD, unit: ^kg}]\n"), NULL,
		 "no concentration in water"},
		{V("    flow: 1\n" REACH "    parameters: [{parameter: COD}, {parameter: ^COD}]\n"),
		 NULL, "two of"},
		{P("name: p, kind: ^moon, position: [1, 2]"), NULL,
		 "intake, village, neighbour or other"},
		{Q("name: p, kind: village"), NULL, "nobody knows where"},
		{P("name: p, kind: village, position: ^[1, 200]"), NULL, "no such place"},
		{Q("name: p, kind: intake, river: r"), NULL, "no \"at-km\""},
		{P("name: p, kind: intake, river: ^q, at-km: 1"), NULL, "no river \"q\""},
		{P("name: p, kind: intake, river: r, at-km: ^51"), NULL, "ends at 50 km"},
		{P("name: p, kind: intake, position: [1, 2], at-km: ^1"), NULL, "of no river"},
		{P("name: ^border, kind: intake, position: [1, 2]"), NULL, "second receptor"},
		{D("^[bordr]"), NULL,
		 "no boundary or receptor \"bordr\", did you mean \"border\"?; allowed: border"},
		{D("^[border, moon]"), NULL, "no boundary or receptor \"moon\"; allowed: border"},
		{"origin: here\n" DESTINATION("^[moon]"), SOURCE("liquid", CHANNELS),
		 "no boundary or receptor \"moon\"; allowed: none"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(&d, &rows[i]);
	directory_close(&d);
}

/* the place of a crossing has a name, and lies about on the line */
static void test_place_of_a_crossing(void **state)
{
	static const struct {
		const char *main;
		const char *says; /* NULL nothing */
	} rows[] = {
		{X("boundary: border, at-km: 45, place: gate, position: [21.5, 107.019]"), NULL},
		{X("boundary: border, at-km: 45, place: gate, position: [21.5, 107.1]"),
		 ": this is 10.3 km from the line of \"border\"; allowed: where the river"},
		{X("boundary: border, at-km: 45, place: gate, position: [-21.5, 107.1]"),
		 " km from the line of \"border\"; allowed: where the river"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		load(&d, rows[i].main, SITE);
		assert_int_equal(d.result, 0);
		assert_string_equal(d.config->crossing.passages[0].name, "gate");
		if (rows[i].says ? !strstr(d.said, rows[i].says) : *d.said)
			fail_msg("row %zu: %s", i, d.said);
	}
	directory_close(&d);
}

/* a name that no source has: nothing would ever be held against it */
static void test_threshold_of_nothing(void **state)
{
	static const struct {
		const char *main;
		const char *says; /* NULL nothing */
	} rows[] = {
		{T("parameter: COD, in: water, high: 1, unit: mg/l, origin: q"), NULL},
		{T("parameter: COD, in: air, high: 1, unit: ug/m3, origin: q"), NULL},
		{T("parameter: Hg, in: water, high: 1, unit: mg/l, origin: q"),
		 "wastewatch.yaml:7:21: warning: no source of kind liquid or solid has a channel "
		 "\"Hg\""},
		{T("parameter: Q, in: air, high: 1, unit: ug/m3, origin: q"),
		 "no source of kind gas has a channel \"Q\""},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		load(&d, rows[i].main, SITE);
		assert_int_equal(d.result, 0);
		if (rows[i].says ? !strstr(d.said, rows[i].says) : *d.said)
			fail_msg("row %zu: %s", i, d.said);
	}
	directory_close(&d);
}

#define LIMIT "    limits: [{channel: COD, class: limit, high: 1, origin: q}]\n"
#define WARN  "    limits: [{channel: COD, class: warning, high: 1, origin: q}]\n"
#define NOWHERE(keys)                                  \
	"site: a\n"                                    \
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n" \
	"units: [{name: u, link: l, id: 1}]\n" OTHERS "  - name: s\n" keys CHANNELS LIMIT
#define DRY(keys)                                      \
	"site: a\n"                                    \
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n" \
	"units: [{name: u, link: l, id: 1}]\n" OTHERS "  - name: s\n" keys CHANNELS LIMIT_DRY
#define LIMIT_DRY "    limits: [{channel: dry, class: limit, high: 1, origin: q}]\n"
#define OF(parameter, medium, unit)                                                             \
	"    thresholds: [{parameter: " parameter ", in: " medium ", high: 1, unit: " unit ", " \
	"origin: q}]\n"

/* what nobody will be able to say in an incident is said before */
static void test_ways_that_lead_nowhere(void **state)
{
	static const struct {
		const char *main;
		const char *site;
		const char *says; /* NULL nothing */
	} rows[] = {
		{MAIN, NOWHERE("    kind: gas\n"),
		 "a.yaml:7:5: warning: nobody knows where \"s\" is: whether its gas reaches a "
		 "boundary or receptor is not assessed; allowed: \"position\" of it or of the "
		 "site"},
		{MAIN, NOWHERE("    kind: gas\n    position: [21, 106.9]\n"),
		 "wastewatch.yaml:3:5: warning: a/s has limits of COD, which can come here by air, "
		 "and no threshold here is about that: a breach is told as possible here, not "
		 "assessed; allowed: a threshold \"in: air\" for each"},
		/* a limit of what can have no threshold */
		{MAIN, DRY("    kind: gas\n    position: [21, 106.9]\n"),
		 "wastewatch.yaml:3:5: warning: what a/s lets go can come here by air, and no "
		 "threshold here is about anything that is measured there: only the way is told; "
		 "allowed: one \"in: air\" with a channel of it as \"parameter\""},
		/* too far off: 50 km at most */
		{MAIN, NOWHERE("    kind: gas\n    position: [21, 108]\n"), NULL},
		{MAIN_HEAD BOUNDARY OF("COD", "air", "ug/m3") RIVER,
		 NOWHERE("    kind: gas\n    position: [21, 106.9]\n"),
		 "a.yaml:7:5: warning: how much comes from \"s\" is not measured: that it crosses "
		 "\"border\" is never more than possible, which raises no level; allowed: "
		 "\"flow\", "
		 "the name of a channel that measures it"},
		{MAIN_HEAD BOUNDARY RIVER, NOWHERE("    kind: gas\n    position: [21, 106.9]\n"),
		 "a/s has limits of COD, which can come here by air"},
		{MAIN_HEAD "crossing-counts: possible\n" BOUNDARY OF("COD", "air", "ug/m3") RIVER,
		 NOWHERE("    kind: gas\n    position: [21, 106.9]\n"), NULL},
		/* no boundary, no question */
		{MAIN_HEAD RIVER, NOWHERE("    kind: gas\n"), NULL},
		/* what slides has a place, what flows has a river */
		{MAIN, NOWHERE("    kind: solid\n    drop: 20\n    volume: 9\n"),
		 "whether its slide reaches"},
		{MAIN, NOWHERE("    kind: solid\n"), "nobody knows where \"s\" flows to"},
		{MAIN,
		 NOWHERE("    kind: solid\n    position: [2, 1]\n    drop: 2\n    volume: 9\n"),
		 NULL},
		{MAIN,
		 NOWHERE("    kind: solid\n    position: [2, 1]\n    drop: 2\n    volume: 9\n"
			 "    leachate-area: 2\n    leachate-coefficient: 1\n"),
		 "nobody knows where \"s\" flows to"},
		{MAIN, NOWHERE("    kind: liquid\n"),
		 "a.yaml:7:5: warning: nobody knows where \"s\" flows to: whether its water "
		 "reaches "
		 "a boundary or receptor is not assessed; allowed: \"river\" and \"at-km\" of it, "
		 "or "
		 "\"discharges: no\""},
		{MAIN, NOWHERE("    kind: liquid\n    discharges: no\n"), NULL},
		{MAIN_HEAD RIVER, NOWHERE("    kind: liquid\n"), NULL},
		{MAIN_HEAD BOUNDARY OF("COD", "air", "ug/m3") RIVER CROSSES,
		 NOWHERE("    kind: liquid\n    river: r\n    at-km: 5\n"),
		 "a/s has limits of COD, which can come here by water, and no threshold"},
		{MAIN_HEAD BOUNDARY OF("COD", "air", "ug/m3") RIVER CROSSES,
		 NOWHERE("    kind: liquid\n    river: r\n    at-km: 46\n"), NULL},
		/* no limit of the law, no incident; a border station lets nothing go */
		{MAIN,
		 "site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
		 "units: [{name: u, link: l, id: 1}]\n" OTHERS
		 "  - name: s\n    kind: gas\n" CHANNELS WARN,
		 NULL},
		{MAIN, NOWHERE("    kind: gas\n    inbound-from: border\n"), NULL},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		load(&d, rows[i].main, rows[i].site);
		if (d.result != 0 || (rows[i].says ? !strstr(d.said, rows[i].says) : *d.said))
			fail_msg("row %zu: %s", i, d.said);
	}
	directory_close(&d);
}

static void test_bad_site(void **state)
{
	static const struct bad rows[] = {
		{NULL, LACKING("liquid", "    river: r\n" CHANNELS), "no \"at-km\""},
		{NULL, SOURCE("liquid", "    river: ^s\n    at-km: 1\n" CHANNELS),
		 "no river \"s\""},
		{NULL, SOURCE("liquid", "    river: r\n    at-km: ^60\n" CHANNELS),
		 "ends at 50 km"},
		{NULL, SOURCE("liquid", "    position: ^[0, 181]\n" CHANNELS), "no such place"},
		{NULL, SOURCE("liquid", "    stack-height: ^30\n" CHANNELS),
		 "allowed: with kind: gas"},
		{NULL, SOURCE("gas", "    at-km: ^3\n" CHANNELS), "liquid and solid"},
		{NULL, SOURCE("gas", "    stack-height: ^-1\n" CHANNELS), "from 0 to 500"},
		{NULL, LACKING("gas", "    stack-diameter: 1\n" CHANNELS), "no \"stack-height\""},
		{NULL, SOURCE("solid", "    drop: ^20\n" CHANNELS), "nobody knows how far"},
		{NULL, LACKING("solid", "    leachate-area: 20\n" CHANNELS),
		 "no \"leachate-coefficient\""},
		{NULL,
		 SOURCE("solid", "    leachate-area: 20\n    leachate-coefficient: ^2\n" CHANNELS),
		 "from 0 to 1"},
		{NULL,
		 SOURCE("solid", "    leachate-area: 20\n    leachate-coefficient: 0.3\n"
				 "    rain-from: ^a/s/Q\n" CHANNELS),
		 "must measure speed"},
		{NULL, SOURCE("liquid", "    inbound-from: ^boarder\n" CHANNELS),
		 "did you mean \"border\"?"},
		{NULL, SOURCE("liquid", CHANNELS "    upstream: [{source: ^a/t, travel: 6h}]\n"),
		 "no source of any site"},
		{NULL, SOURCE("liquid", CHANNELS "    upstream: [{source: ^a/s, travel: 6h}]\n"),
		 "a/s is this station itself; allowed: another source"},
		{NULL, SOURCE("liquid", CHANNELS "    upstream: [{source: ^a/down, travel: 6h}]\n"),
		 "a/down is of kind gas, and this station of kind liquid; allowed: a source of "
		 "kind liquid or solid"},
		{NULL, SOURCE("gas", CHANNELS "    upstream: [{source: ^a/up, travel: 6h}]\n"),
		 "allowed: a source of kind gas"},
		{NULL, SOURCE("liquid", CHANNELS "    upstream: [{source: a/up, travel: ^59s}]\n"),
		 "1min"},
		{NULL, "wind-speed-from: ^a/s/Q\n" SITE, "must measure speed"},
		{NULL, "wind-direction-from: ^a/s/wind\n" SITE, "must measure angle"},
		{NULL, "wind-direction: ^361\n" SITE, "from 0 to 360"},
		{NULL, "stability: ^G\n" SITE, "A, B, C, D, E or F"},
	};
	struct directory d;

	(void)state;
	open_directory(&d);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(&d, &rows[i]);
	directory_close(&d);
}

static void test_good(void **state)
{
	const struct config_crossing *crossing;
	const struct config_release *release;
	struct directory d;

	(void)state;
	open_directory(&d);
	load(&d, P("name: p, kind: neighbour, river: r, at-km: 12.5, position: [21.2, 106.1]"),
	     "wind-speed-from: a/s/wind\nwind-direction: 90\nstability: F\n" SITE
	     "    upstream: [{source: a/up, travel: 90min}]\n");
	if (d.result != 0)
		fail_msg("%s", d.said);
	crossing = &d.config->crossing;
	release = &d.config->sources[2].release;
	assert_int_equal(crossing->n_targets, 2);
	assert_int_equal(boundary_n_points(crossing->targets[0].line), 3);
	assert_int_equal(crossing->targets[0].n_thresholds, 1);
	assert_int_equal(crossing->targets[1].kind, TARGET_NEIGHBOUR);
	assert_int_equal(crossing->thresholds[0].measured_by, 0);
	assert_true(crossing->rivers[0].length_m == 50000);
	assert_int_equal(crossing->rivers[0].n_reaches, 2);
	assert_true(fabs(crossing->waters[0].background_mg_l - 4) < 1e-12);
	assert_true(crossing->waters[0].theta == 1.047);
	assert_int_equal(crossing->n_passages, 2);
	assert_int_equal(crossing->passages[1].target, 1);
	assert_true(crossing->passages[1].at_m == 12500);
	assert_true(crossing->passages[1].place.lat_deg == 21.2);
	assert_int_equal(d.config->sources[2].flow, 3);
	assert_int_equal(release->river, 0);
	assert_true(release->at_bank);
	assert_true(release->place.lat_deg == 21.5 && release->place.lon_deg == 106.5);
	assert_true(isnan(release->stack_height_m));
	assert_int_equal(release->inbound_from, CONFIG_NONE);
	assert_int_equal(release->n_upstream, 1);
	assert_int_equal(crossing->upstream[0].source, 1);
	assert_true(crossing->upstream[0].travel_s == 5400);
	assert_int_equal(d.config->sites[0].met.speed_from, 5);
	assert_int_equal(d.config->sites[0].met.direction_from, CONFIG_NONE);
	assert_int_equal(d.config->sites[0].met.stability, 6);
	assert_true(crossing->likely == 1 && crossing->possible == 0.1 &&
		    crossing->hysteresis == 0.2);
	directory_close(&d);
}

/* the bytes of a boundary are part of what is in force */
static void test_digest(void **state)
{
	uint8_t before[32];
	struct directory d;

	(void)state;
	open_directory(&d);
	load(&d, MAIN, SITE);
	assert_int_equal(d.result, 0);
	memcpy(before, d.config->digest, sizeof(before));
	load(&d, MAIN, SITE);
	assert_memory_equal(before, d.config->digest, sizeof(before));
	directory_write(&d, "boundaries/line.geojson", LINE "\n");
	load(&d, MAIN, SITE);
	assert_memory_not_equal(before, d.config->digest, sizeof(before));
	directory_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_main),
		cmocka_unit_test(test_place_of_a_crossing),
		cmocka_unit_test(test_threshold_of_nothing),
		cmocka_unit_test(test_ways_that_lead_nowhere),
		cmocka_unit_test(test_bad_site),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

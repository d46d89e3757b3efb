/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "core/cap.h"
#include "core/cap_parts.h"

#define SENT_MS INT64_C(1764255900000) /* 2025-11-27T22:05:00+07:00 */

static xmlSchema *schema;

static int read_schema(void **state)
{
	xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt("tests/data/cap/CAP-v1.2.xsd");

	(void)state;
	schema = xmlSchemaParse(parser);
	xmlSchemaFreeParserCtxt(parser);
	return schema ? 0 : -1;
}

static int free_schema(void **state)
{
	(void)state;
	xmlSchemaFree(schema);
	return 0;
}

/* every alert of these tests is read back by a parser and held against the schema of OASIS */
static xmlDoc *judged(const char *text)
{
	xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
	xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(schema);

	if (!document || xmlSchemaValidateDoc(context, document) != 0)
		fail_msg("not valid:\n%s", text);
	xmlSchemaFreeValidCtxt(context);
	return document;
}

static const xmlNode *find(const xmlNode *node, const char *name, int *n)
{
	for (const xmlNode *at = node ? node->children : NULL; at; at = at->next) {
		const xmlNode *found;

		if (at->type == XML_ELEMENT_NODE && strcmp((const char *)at->name, name) == 0 &&
		    (*n)-- == 0)
			return at;
		found = find(at, name, n);
		if (found)
			return found;
	}
	return NULL;
}

/* text of the @n-th element of a name, from 0; "" there is none */
static const char *text_of(const xmlDoc *document, const char *name, int n)
{
	const xmlNode *node = find((const xmlNode *)document, name, &n);

	return node && node->children ? (const char *)node->children->content : "";
}

/* value of a parameter of the first info block */
static const char *parameter(const xmlDoc *document, const char *name)
{
	for (int i = 0; *text_of(document, "valueName", i); i++)
		if (strcmp(text_of(document, "valueName", i), name) == 0)
			return text_of(document, "value", i);
	return "";
}

static const char plain[] =
	"{\"origin\":\"hop-thanh\",\"incident\":{\"id\":\"mill-liquid-20251127T150500Z\",\"kind\":"
	"\"liquid\",\"class\":\"limit\",\"level\":\"facility\",\"verdict\":\"none\",\"state\":"
	"\"open\","
	"\"status\":\"actual\",\"update\":0,\"notice\":\"early-warning\",\"opened\":"
	"\"2025-11-27T22:05:00.000+07:00\",\"first_out\":\"mill/outfall/COD/"
	"limit-high\"},\"site\":{"
	"\"name\":\"mill\",\"title\":\"Nhà máy giấy\",\"commune\":\"Xã Hợp Thành\",\"position\":{"
	"\"latitude\":\"21.85\",\"longitude\":\"106.76\"}},\"sources\":[{\"name\":\"outfall\","
	"\"title\":"
	"\"Cửa xả "
	"1\"}],\"channels\":[{\"channel\":\"COD\",\"source\":\"outfall\",\"title\":\"COD\"}],"
	"\"alarms\":[{\"limit\":\"mill/outfall/COD/"
	"limit-high\",\"class\":\"limit\",\"side\":\"high\","
	"\"bound\":\"150\",\"peak\":\"320.5\",\"unit\":\"mg/l\",\"origin\":\"GPMT "
	"12/2025\",\"advice\":"
	"\"Close the "
	"gate.\",\"state\":\"raised\",\"since\":\"2025-11-27T22:04:00.000+07:00\"}],\"log\":"
	"{\"origin\":\"hop-thanh\",\"id\":\"0123456789abcdef\",\"seq\":42,\"hash\":\"ab\"}}";

static struct cap_report report_of(const char *data)
{
	return (struct cap_report){
		.data = data,
		.type = "incident.opened",
		.destination = "department",
		.webhook_id = "0123456789abcdef-42-department",
		.sent_ms = SENT_MS,
		.zone_min = 420,
		.first = CATALOGUE_VI,
	};
}

static xmlDoc *alert_of(const struct cap_report *report)
{
	char *text = cap_body(report);
	xmlDoc *document;

	assert_non_null(text);
	document = judged(text);
	free(text);
	return document;
}

/* @plain with some of it exchanged: pairs of texts, NULL behind the last */
static char *with(const char *const *pairs)
{
	char *data = strdup(plain);

	for (; pairs[0]; pairs += 2) {
		char *at = strstr(data, pairs[0]), *changed;

		assert_non_null(at);
		assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - data), data, pairs[1],
				     at + strlen(pairs[0])) > 0);
		free(data);
		data = changed;
	}
	return data;
}
#define WITH(...) with((const char *const[]){__VA_ARGS__, NULL})

static void test_time(void **state)
{
	static const struct {
		int64_t wall_ms;
		int zone_min;
		const char *text;
	} rows[] = {
		{SENT_MS, 420, "2025-11-27T22:05:00+07:00"},
		{SENT_MS + 999, 420, "2025-11-27T22:05:00+07:00"}, /* never ahead */
		{SENT_MS, 0, "2025-11-27T15:05:00-00:00"},	   /* CAP 1.2: UTC is -00:00 */
		{SENT_MS, -210, "2025-11-27T11:35:00-03:30"},
	};
	char text[CAP_TIME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cap_time(rows[i].wall_ms, rows[i].zone_min, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_alert(void **state)
{
	struct cap_report report = report_of(plain);
	xmlDoc *alert = alert_of(&report);
	static const struct {
		const char *name;
		int n;
		const char *text;
	} rows[] = {
		{"identifier", 0, "mill-liquid-20251127T150500Z.0.department"},
		{"sender", 0, "hop-thanh"},
		{"sent", 0, "2025-11-27T22:05:00+07:00"},
		{"status", 0, "Actual"},
		{"msgType", 0, "Alert"},
		{"source", 0, "mill/outfall/COD/limit-high"},
		{"scope", 0, "Restricted"},
		{"note", 0, ""},
		{"references", 0, ""},
		{"incidents", 0, "mill-liquid-20251127T150500Z"},
		{"language", 0, "vi-VN"},
		{"language", 1, "en"},
		{"category", 0, "Env"},
		{"event", 0, "Sự cố chất thải: nước thải"},
		{"event", 1, "Wastewater incident"},
		{"urgency", 0, "Expected"},
		{"severity", 0, "Minor"},
		{"certainty", 0, "Observed"},
		{"effective", 0, "2025-11-27T22:05:00+07:00"},
		{"onset", 0, "2025-11-27T22:04:00+07:00"},
		{"expires", 0, "2025-12-04T22:05:00+07:00"},
		{"senderName", 0, "Nhà máy giấy"},
		{"headline", 0, "Sự cố chất thải: nước thải tại Nhà máy giấy: vượt giới hạn"},
		{"headline", 1, "Wastewater incident at Nhà máy giấy: a limit is broken"},
		{"instruction", 0, "Close the gate."},
		{"areaDesc", 0, "Nhà máy giấy, Xã Hợp Thành"},
		{"circle", 0, "21.85000,106.76000 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(text_of(alert, rows[i].name, rows[i].n), rows[i].text);
	assert_non_null(strstr(text_of(alert, "description", 1),
			       "- COD, Cửa xả 1: 320.5 mg/l; limit: at most 150 mg/l (GPMT "
			       "12/2025)"));
	assert_string_equal(parameter(alert, "webhook-type"), "incident.opened");
	assert_string_equal(parameter(alert, "log-seq"), "42");
	assert_string_equal(parameter(alert, "log-hash"), "ab");
	xmlFreeDoc(alert);
}

/* what the tables of cap.h say */
static void test_map(void **state)
{
	static const struct {
		const char *class, *level, *verdict, *state, *arrival;
		const char *urgency, *severity, *certainty, *responses;
	} rows[] = {
		{"limit", "facility", "none", "open", "", "Expected", "Minor", "Observed",
		 "Assess Monitor "},
		{"emergency", "facility", "none", "open", "", "Immediate", "Moderate", "Observed",
		 "Execute Avoid "},
		{"limit", "commune", "unlikely", "open", "", "Expected", "Moderate", "Unlikely",
		 "Assess Monitor "},
		{"emergency", "commune", "none", "open", "", "Immediate", "Severe", "Observed",
		 "Execute Avoid "},
		{"limit", "province", "possible", "open", "23:04:59", "Expected", "Severe",
		 "Possible", "Assess Monitor Prepare "},
		{"limit", "province", "possible", "open", "23:05:00", "Expected", "Severe",
		 "Possible", "Assess Monitor Prepare "},
		{"limit", "province", "possible", "open", "23:05:01", "Expected", "Severe",
		 "Possible", "Assess Monitor Prepare "},
		{"emergency", "province", "likely", "open", "23:59:00", "Immediate", "Severe",
		 "Likely", "Execute Avoid Prepare "},
		{"limit", "national", "likely", "open", "23:59:00", "Expected", "Severe", "Likely",
		 "Assess Monitor Prepare "},
		{"limit", "national", "observed", "open", "23:59:00", "Immediate", "Severe",
		 "Observed", "Assess Monitor "},
		{"emergency", "national", "observed", "open", "", "Immediate", "Extreme",
		 "Observed", "Execute Avoid "},
		{"emergency", "national", "likely", "ended", "23:59:00", "Past", "Minor", "Likely",
		 "AllClear "},
		{"limit", "facility", "none", "closed", "", "Past", "Minor", "Observed",
		 "AllClear "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char crossing[512], level[64], verdict[64], class[64], status[64],
			responses[128] = "";
		struct cap_report report = report_of(NULL);
		char *data;
		xmlDoc *alert;

		(void)snprintf(
			crossing, sizeof(crossing),
			"\"crossing\":{\"verdict\":\"%s\",\"paths\":[{\"source\":\"outfall\","
			"\"method\":\"river\",\"target\":\"border\",\"target_kind\":"
			"\"national\",\"verdict\":\"%s\"%s%s%s}]},\"sources\"",
			rows[i].verdict, rows[i].verdict,
			*rows[i].arrival ? ",\"arrival\":\"2025-11-27T" : "", rows[i].arrival,
			*rows[i].arrival ? ".000+07:00\"" : "");
		(void)snprintf(level, sizeof(level), "\"level\":\"%s\"", rows[i].level);
		(void)snprintf(verdict, sizeof(verdict), "\"verdict\":\"%s\"", rows[i].verdict);
		(void)snprintf(class, sizeof(class), "\"class\":\"%s\"", rows[i].class);
		(void)snprintf(status, sizeof(status), "\"state\":\"%s\"", rows[i].state);
		data = WITH("\"level\":\"facility\"", level, "\"verdict\":\"none\"", verdict,
			    "\"class\":\"limit\"", class, "\"state\":\"open\"", status,
			    "\"sources\"", crossing);
		report.data = data;
		alert = alert_of(&report);
		for (int n = 0; n < 3 && *text_of(alert, "responseType", n); n++) {
			if (strcmp(text_of(alert, "responseType", n), responses) == 0 ||
			    strstr(responses, text_of(alert, "responseType", n)))
				break; /* those of the other language */
			strcat(responses, text_of(alert, "responseType", n));
			strcat(responses, " ");
		}
		assert_string_equal(text_of(alert, "urgency", 0), rows[i].urgency);
		assert_string_equal(text_of(alert, "severity", 0), rows[i].severity);
		assert_string_equal(text_of(alert, "certainty", 0), rows[i].certainty);
		assert_string_equal(responses, rows[i].responses);
		xmlFreeDoc(alert);
		free(data);
	}
}

#define WORST(key, target, verdict) \
	"\"" key "\":{\"target\":\"" target "\",\"verdict\":\"" verdict "\"},"
#define BORDER(verdict) WORST("worst_boundary", "Border", verdict)
#define INTAKE(verdict) WORST("worst_receptor", "Intake", verdict)
#define PATH_TO(target, kind, verdict)                                      \
	"{\"source\":\"outfall\",\"method\":\"river\",\"target\":\"" target \
	"\",\"target_kind\":\"" kind "\",\"verdict\":\"" verdict "\","      \
	"\"leading_edge\":\"2025-11-28T04:10:00.000+07:00\"}"

/* of a boundary only where one may be crossed, of a receptor only where that is surer */
static void test_what_is_reached(void **state)
{
	static const struct {
		const char *worst;
		const char *target; /* what the destination asks for */
		const char *vi, *en;
		const char *certainty;
	} rows[] = {
		/* after the border was refuted, and where nothing else is near */
		{BORDER("unlikely") INTAKE("likely"), NULL,
		 "; nhiều khả năng ô nhiễm lan tới Intake", "; it is likely to reach Intake",
		 "Likely"},
		{INTAKE("possible"), NULL, "; ô nhiễm có thể lan tới Intake",
		 "; it may reach Intake", "Likely"},
		{INTAKE("observed"), NULL, "; ô nhiễm đã lan tới Intake (đã đo được)",
		 "; it has reached Intake, as measured", "Likely"},
		{BORDER("likely") INTAKE("likely"), NULL,
		 "; nhiều khả năng ô nhiễm lan qua ranh giới", "; it is likely to cross a boundary",
		 "Likely"},
		{BORDER("possible") INTAKE("likely"), NULL,
		 "; ô nhiễm có thể lan qua ranh giới; nhiều khả năng ô nhiễm lan tới Intake",
		 "; it may cross a boundary; it is likely to reach Intake", "Likely"},
		{BORDER("unlikely"), NULL, "", "", "Likely"},
		/* a destination that asks for one of them reads of that one only */
		{BORDER("likely") INTAKE("likely"), "Ferry", "; ô nhiễm có thể lan tới Ferry",
		 "; it may reach Ferry", "Possible"},
		{BORDER("likely"), "Border", "; nhiều khả năng ô nhiễm lan qua ranh giới",
		 "; it is likely to cross a boundary", "Likely"},
		{BORDER("likely"), "Farm", "", "", "Unlikely"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char crossing[2048], vi[512], en[512];
		struct cap_report report;
		xmlDoc *alert;
		char *data;

		(void)snprintf(crossing, sizeof(crossing),
			       "\"crossing\":{\"verdict\":\"likely\",%s\"paths\":[%s,%s,%s,%s]},"
			       "\"sources\"",
			       rows[i].worst, PATH_TO("Border", "national", "likely"),
			       PATH_TO("Intake", "receptor", "likely"),
			       PATH_TO("Ferry", "receptor", "possible"),
			       PATH_TO("Farm", "receptor", "unlikely"));
		(void)snprintf(vi, sizeof(vi),
			       "Sự cố chất thải: nước thải tại Nhà máy giấy: vượt giới hạn%s",
			       rows[i].vi);
		(void)snprintf(en, sizeof(en),
			       "Wastewater incident at Nhà máy giấy: a limit is broken%s",
			       rows[i].en);
		data = WITH("\"verdict\":\"none\"", "\"verdict\":\"likely\"", "\"sources\"",
			    crossing);
		report = report_of(data);
		report.target = rows[i].target;
		alert = alert_of(&report);
		if (strcmp(text_of(alert, "headline", 1), en) != 0 ||
		    strcmp(text_of(alert, "headline", 0), vi) != 0 ||
		    strcmp(text_of(alert, "certainty", 0), rows[i].certainty) != 0)
			fail_msg("row %zu: %s | %s | %s", i, text_of(alert, "headline", 0),
				 text_of(alert, "headline", 1), text_of(alert, "certainty", 0));
		xmlFreeDoc(alert);
		free(data);
	}
}

/* the words say the same moment as the element; when it was noticed only where that is another */
static void test_began(void **state)
{
	static const struct {
		const char *since;
		const char *onset, *began, *detected;
	} rows[] = {
		{"2025-11-27T21:00:00.000+07:00", "2025-11-27T21:00:00+07:00",
		 "Began: 2025-11-27 21:00 (UTC+07:00)\n",
		 "Detected: 2025-11-27 22:05 (UTC+07:00)\n"},
		{"2025-11-27T22:05:00.000+07:00", "2025-11-27T22:05:00+07:00",
		 "Began: 2025-11-27 22:05 (UTC+07:00)\n", NULL},
		{"2025-11-27T22:09:00.000+07:00", "2025-11-27T22:05:00+07:00",
		 "Began: 2025-11-27 22:05 (UTC+07:00)\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *data = WITH("2025-11-27T22:04:00.000+07:00", rows[i].since);
		struct cap_report report = report_of(data);
		xmlDoc *alert = alert_of(&report);
		const char *words = text_of(alert, "description", 1);

		if (strcmp(text_of(alert, "onset", 0), rows[i].onset) != 0 ||
		    !strstr(words, rows[i].began) ||
		    (rows[i].detected ? !strstr(words, rows[i].detected)
				      : !!strstr(words, "Detected")))
			fail_msg("row %zu: %s", i, words);
		xmlFreeDoc(alert);
		free(data);
	}
}

/* opened, told again, told late, ended, closed, and taken out of the configuration */
static void test_message_types(void **state)
{
	static const struct {
		const char *type;
		bool withdrawn;
		int64_t opened_ms, previous_ms;
		uint32_t previous;
		const char *message, *references;
	} rows[] = {
		{"incident.opened", false, 0, 0, 0, "Alert", ""},
		/* told late: nothing of its own to refer to */
		{"incident.opened", false, 0, SENT_MS - 60000, 4, "Alert", ""},
		{"incident.updated", false, SENT_MS - 60000, SENT_MS - 60000, 0, "Update",
		 "hop-thanh,mill-liquid-20251127T150500Z.0.department,2025-11-27T22:04:00+07:00"},
		{"incident.updated", false, SENT_MS - 120000, SENT_MS - 60000, 1, "Update",
		 "hop-thanh,mill-liquid-20251127T150500Z.0.department,2025-11-27T22:03:00+07:00 "
		 "hop-thanh,mill-liquid-20251127T150500Z.1.department,2025-11-27T22:04:00+07:00"},
		{"incident.updated", false, 0, SENT_MS - 60000, 4, "Update",
		 "hop-thanh,mill-liquid-20251127T150500Z.4.department,2025-11-27T22:04:00+07:00"},
		/* late, and only once: what it got first was number 0 to nobody */
		{"incident.ended", false, 0, SENT_MS - 60000, 0, "Update",
		 "hop-thanh,mill-liquid-20251127T150500Z.0.department,2025-11-27T22:04:00+07:00"},
		{"incident.closed", false, 0, SENT_MS - 60000, 7, "Update",
		 "hop-thanh,mill-liquid-20251127T150500Z.7.department,2025-11-27T22:04:00+07:00"},
		{"incident.ended", true, 0, SENT_MS - 60000, 7, "Cancel",
		 "hop-thanh,mill-liquid-20251127T150500Z.7.department,2025-11-27T22:04:00+07:00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cap_report report = report_of(plain);
		xmlDoc *alert;

		report.type = rows[i].type;
		report.withdrawn = rows[i].withdrawn;
		report.opened_ms = rows[i].opened_ms;
		report.previous_ms = rows[i].previous_ms;
		report.previous = rows[i].previous;
		alert = alert_of(&report);
		assert_string_equal(text_of(alert, "msgType", 0), rows[i].message);
		assert_string_equal(text_of(alert, "references", 0), rows[i].references);
		if (rows[i].withdrawn)
			assert_string_equal(text_of(alert, "responseType", 0), "None");
		xmlFreeDoc(alert);
	}
}

static void test_exercise(void **state)
{
	char *data = WITH("\"status\":\"actual\"",
			  "\"status\":\"exercise\",\"drill\":\"acid spill\"");
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);

	(void)state;
	assert_string_equal(text_of(alert, "status", 0), "Exercise");
	assert_string_equal(text_of(alert, "note", 0), "acid spill");
	assert_memory_equal(text_of(alert, "headline", 0), "DIỄN TẬP: ", strlen("DIỄN TẬP: "));
	assert_memory_equal(text_of(alert, "headline", 1), "EXERCISE: ", 10);
	assert_non_null(strstr(text_of(alert, "description", 1), "Nothing was released."));
	xmlFreeDoc(alert);
	free(data);
}

static void test_language_order(void **state)
{
	struct cap_report report = report_of(plain);
	xmlDoc *alert;

	(void)state;
	report.first = CATALOGUE_EN;
	alert = alert_of(&report);
	assert_string_equal(text_of(alert, "language", 0), "en");
	assert_string_equal(text_of(alert, "language", 1), "vi-VN");
	assert_memory_equal(text_of(alert, "restriction", 0), "For the authority", 17);
	xmlFreeDoc(alert);
}

/* not round the Earth, closed, counterclockwise: the area within, Gauss's formula */
static void assert_ring(const char *polygon)
{
	double lat = 0, lon = 0, first_lat = 0, first_lon = 0, west = 180, east = -180, twice = 0;
	int n = 0;

	for (const char *at = polygon; *at;) {
		double before_lat = lat, before_lon = lon;
		int used = 0;

		assert_int_equal(sscanf(at, "%lf,%lf%n", &lat, &lon, &used), 2);
		at += used;
		west = fmin(west, lon);
		east = fmax(east, lon);
		if (n++ == 0) {
			first_lat = lat;
			first_lon = lon;
			continue;
		}
		twice += before_lon * lat - lon * before_lat;
	}
	assert_true(n >= 4 && n <= 100 && lat == first_lat && lon == first_lon);
	assert_true(east - west < 180);
	assert_true(twice > 0);
}

/* a rectangle about the line from the site to 22.1, 106.8: 28 km, so 3 km to either side and
 * beyond both ends. On a plane here; a degree of latitude is 111.195 km. */
static void assert_corridor(const char *polygon)
{
	static const double along_km[] = {-3, 31.1, 31.1, -3, -3}, side_km[] = {3, 3, -3, -3, 3};
	const double km = 111.195, narrow = cos(21.975 * acos(-1) / 180);
	double north = 0.25 * km, east = 0.04 * km * narrow, long_km = hypot(north, east);
	const char *at = polygon;

	assert_ring(polygon);
	for (size_t i = 0; i < 5; i++) {
		double lat, lon, x, y;
		int n = 0;

		assert_int_equal(sscanf(at, "%lf,%lf%n", &lat, &lon, &n), 2);
		at += n;
		y = (lat - 21.85) * km;
		x = (lon - 106.76) * km * narrow;
		assert_true(fabs((y * north + x * east) / long_km - along_km[i]) < 0.1);
		assert_true(fabs((x * north - y * east) / long_km - side_km[i]) < 0.1);
	}
	assert_string_equal(at, "");
	assert_memory_equal(polygon, polygon + strlen(polygon) - strcspn(polygon, " "),
			    strcspn(polygon, " "));
}

/* beside the 180th meridian and the pole: counterclockwise, or a circle; never round the Earth */
static void test_areas_at_the_edge(void **state)
{
	static const struct {
		const char *from, *to;
		bool is_polygon;
	} rows[] = {
		{"\"latitude\":\"10\",\"longitude\":\"179\"",
		 "\"latitude\":\"10\",\"longitude\":\"179.9\"", true},
		{"\"latitude\":\"10\",\"longitude\":\"179.9\"",
		 "\"latitude\":\"10\",\"longitude\":\"-179.9\"", false},
		{"\"latitude\":\"-10\",\"longitude\":\"-178.9\"",
		 "\"latitude\":\"-10\",\"longitude\":\"-178\"", true},
		{"\"latitude\":\"89.9\",\"longitude\":\"0\"",
		 "\"latitude\":\"89.9\",\"longitude\":\"179\"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char crossing[1024];
		struct cap_report report;
		xmlDoc *alert;
		char *data;

		(void)snprintf(crossing, sizeof(crossing),
			       "\"crossing\":{\"sector\":{%s,\"bearing_deg\":\"90\","
			       "\"half_angle_deg\":\"22.5\",\"reach_m\":\"2000\"},"
			       "\"paths\":[{\"source\":\"outfall\",\"method\":\"river\","
			       "\"target\":\"far\",\"target_kind\":\"national\","
			       "\"verdict\":\"likely\",\"from\":{%s},\"position\":{%s}}]},"
			       "\"sources\"",
			       rows[i].from, rows[i].from, rows[i].to);
		data = WITH("\"sources\"", crossing);
		report = report_of(data);
		alert = alert_of(&report);
		for (int k = 0; *text_of(alert, "polygon", k); k++)
			assert_ring(text_of(alert, "polygon", k));
		/* of one language the sector and the corridor: each is the one or the other */
		if ((*text_of(alert, "polygon", 3) != '\0') != rows[i].is_polygon)
			fail_msg("row %zu", i);
		assert_true(*text_of(alert, "polygon", 3) || *text_of(alert, "circle", 2));
		xmlFreeDoc(alert);
		free(data);
	}
}

static void test_areas(void **state)
{
	char *data = WITH(
		"\"sources\"",
		"\"crossing\":{\"verdict\":\"possible\",\"paths\":[{\"source\":\"outfall\","
		"\"method\":"
		"\"river\",\"target\":\"Kỳ "
		"Cùng\",\"target_kind\":\"national\",\"verdict\":\"possible\","
		"\"position\":{\"latitude\":\"22.1\",\"longitude\":\"106.8\"},\"place\":\"Bình "
		"Nhi\",\"concentration\":"
		"\"3.2\","
		"\"unit\":\"mg/l\",\"low\":\"1\",\"high\":\"9\",\"threshold\":\"6\",\"arrival\":"
		"\"2025-11-28T04:10:00.000+07:00\"},{\"source\":\"outfall\",\"method\":\"plume\","
		"\"target\":\"far\",\"target_kind\":\"national\",\"verdict\":\"unlikely\","
		"\"goes_on\":true,\"concentration\":\"0.1\",\"high\":\"7\",\"unit\":\"ug/m3\","
		"\"position\":{"
		"\"latitude\":\"22.2\",\"longitude\":\"106.9\"}}],\"sector\":{\"latitude\":\"21."
		"85\","
		"\"longitude\":\"106.76\",\"bearing_deg\":\"0\",\"half_angle_deg\":\"22.5\","
		"\"reach_m\":"
		"\"10000\"}},\"sources\"");
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);
	const char *polygon = text_of(alert, "polygon", 0);
	int n = 1;

	(void)state;
	for (const char *p = polygon; *p; p++)
		n += *p == ' ';
	assert_int_equal(n, 12); /* the middle twice, ten on the arc: 45° in steps of 5° */
	assert_memory_equal(polygon, "21.85000,106.76000 ", 19);
	assert_string_equal(polygon + strlen(polygon) - 18, "21.85000,106.76000");
	assert_corridor(text_of(alert, "polygon", 1));
	assert_non_null(strstr(text_of(alert, "areaDesc", 5), " to Kỳ Cùng (Bình Nhi), "));
	assert_memory_equal(text_of(alert, "areaDesc", 5), "Corridor of the river from ", 27);
	assert_non_null(strstr(text_of(alert, "areaDesc", 5), "3 km to either side"));
	/* what is unlikely has no area: the next circle is that of the other language */
	assert_string_equal(text_of(alert, "circle", 1), "21.85000,106.76000 0");
	assert_string_equal(text_of(alert, "circle", 2), "");
	assert_non_null(
		strstr(text_of(alert, "description", 1),
		       "- Cửa xả 1 to Kỳ Cùng (national border, along the river): possible; "
		       "arrival 2025-11-28 04:10 (UTC+07:00); concentration 3.2 mg/l (between "
		       "1 and 9); threshold 6 mg/l\n"));
	assert_non_null(strstr(text_of(alert, "description", 1),
			       "concentration 0.1 ug/m3 (of what was let go so far; up to 7 if it "
			       "goes on)"));
	xmlFreeDoc(alert);
	free(data);

	data = WITH("\"sources\"",
		    "\"crossing\":{\"sector\":{\"latitude\":\"21.85\",\"longitude\":\"106.76\","
		    "\"bearing_deg\":\"0\",\"half_angle_deg\":\"180\",\"reach_m\":\"10000\"}},"
		    "\"sources\"");
	report.data = data;
	alert = alert_of(&report);
	assert_string_equal(text_of(alert, "polygon", 0), "");
	assert_string_equal(text_of(alert, "circle", 1), "21.85000,106.76000 10.000");
	xmlFreeDoc(alert);
	free(data);
}

static void test_released_and_findings(void **state)
{
	char *data = WITH("\"sources\"",
			  "\"released\":[{\"channel\":\"COD\",\"source\":\"outfall\",\"unit\":"
			  "\"kg\",\"total\":"
			  "\"12.5\",\"above\":\"3\",\"limit\":\"mill/outfall/COD/"
			  "limit-high\",\"covered_percent\":"
			  "87}],\"response\":{\"plan\":\"KH-12\",\"contact\":{\"name\":\"Trực "
			  "ban\",\"phone\":"
			  "\"0205\"}},\"sources\"",
			  "\"state\":\"open\"",
			  "\"state\":\"closed\",\"nature\":\"sudden\",\"ended\":\"2025-11-27T23:00:"
			  "00.000+07:00\","
			  "\"closed\":{\"cause\":\"a valve\",\"measures\":\"repaired\"}");
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);
	const char *words = text_of(alert, "description", 1);

	(void)state;
	assert_string_equal(parameter(alert, "released"),
			    "outfall/COD total 12.5 kg above 3 kg covered 87 %");
	assert_string_equal(text_of(alert, "contact", 0), "Trực ban, 0205");
	assert_non_null(strstr(words, "- COD, Cửa xả 1: 12.5 kg released, of it 3 kg above the "
				      "limit; measured for 87 % of the time"));
	assert_non_null(strstr(words, "Nature: sudden\nCause: a valve\nMeasures: repaired\n"));
	xmlFreeDoc(alert);
	free(data);
}

/* whose figure it is: the plant's own is neither "legal" nor "allowed" */
static void test_whose_limit(void **state)
{
	static const struct {
		const char *basis, *left_out;
		const char *vi, *en; /* headline */
		const char *line;    /* description, behind the peak */
	} rows[] = {
		{"\"basis\":\"law\",", "0", "vượt giới hạn cho phép", "a legal limit is broken",
		 "; legal limit: at most 150 mg/l (GPMT"},
		{"\"basis\":\"permit\",", "0", "vượt giới hạn theo giấy phép",
		 "a limit of the permit is broken",
		 "; limit of the permit: at most 150 mg/l (GPMT"},
		{"", "0", "vượt giới hạn", "a limit is broken", "; limit: at most 150 mg/l (GPMT"},
		{"\"basis\":\"own\",", "0", "vượt ngưỡng do cơ sở tự đặt",
		 "a figure of the plant's own is passed",
		 "; the plant's own figure, which is no legal limit: at most 150 mg/l (GPMT"},
		/* the others, which there was no room for, may be the law's */
		{"\"basis\":\"own\",", "3", "vượt giới hạn", "a limit is broken",
		 "; the plant's own figure, which is no legal limit: at most 150 mg/l (GPMT"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char basis[128], left_out[64], vi[256], en[256];
		struct cap_report report;
		xmlDoc *alert;
		char *data;

		(void)snprintf(basis, sizeof(basis), "%s\"bound\":\"150\"", rows[i].basis);
		(void)snprintf(left_out, sizeof(left_out), "\"alarms_left_out\":%s,\"alarms\"",
			       rows[i].left_out);
		(void)snprintf(vi, sizeof(vi), "Sự cố chất thải: nước thải tại Nhà máy giấy: %s",
			       rows[i].vi);
		(void)snprintf(en, sizeof(en), "Wastewater incident at Nhà máy giấy: %s",
			       rows[i].en);
		data = WITH("\"bound\":\"150\"", basis, "\"alarms\"", left_out);
		report = report_of(data);
		alert = alert_of(&report);
		assert_string_equal(text_of(alert, "headline", 0), vi);
		assert_string_equal(text_of(alert, "headline", 1), en);
		if (!strstr(text_of(alert, "description", 1), rows[i].line) ||
		    strstr(text_of(alert, "description", 1), "allowed"))
			fail_msg("row %zu: %s", i, text_of(alert, "description", 1));
		xmlFreeDoc(alert);
		free(data);
	}
}

/* what a path is not sure of is said, in both languages; each note once */
static void test_paths_in_words(void **state)
{
	char *data = WITH(
		"\"sources\"",
		"\"crossing\":{\"verdict\":\"possible\",\"paths\":["
		"{\"source\":\"outfall\",\"method\":\"plume\",\"target\":\"Border\","
		"\"target_kind\":\"national\",\"verdict\":\"possible\",\"covered_percent\":66,"
		"\"extrapolated\":true,\"flags\":[\"farther than 10 km: the dispersion formulas "
		"are extrapolated\",\"wind speed not known: 1 m/s taken\"]},"
		"{\"source\":\"outfall\",\"method\":\"river\",\"target\":\"Intake\","
		"\"target_kind\":\"receptor\",\"verdict\":\"unlikely\",\"covered_percent\":100,"
		"\"flags\":[\"wind speed not known: 1 m/s taken\",\"a note of later days\"]},"
		"{\"source\":\"outfall\",\"method\":\"slide\",\"target\":\"Farm\","
		"\"target_kind\":\"receptor\",\"verdict\":\"unlikely\",\"flags\":[]}]},"
		"\"sources\"");
	static const char *const wanted[2][5] = {
		{"- Cửa xả 1 đến Border (biên giới quốc gia, theo gió): có thể; việc thải đo được "
		 "66 % thời gian, phần còn lại là ngoại suy [1, 2]\n",
		 " [2, 3]\n", "\n[1] xa hơn 10 km: công thức phát tán được ngoại suy\n",
		 "\n[2] không rõ tốc độ gió: lấy 1 m/s\n", "\n[3] a note of later days"},
		{"- Cửa xả 1 to Border (national border, with the wind): possible; the release was "
		 "measured for 66 % of its time, the rest is extrapolated [1, 2]\n",
		 "- Cửa xả 1 to Intake (receptor, along the river): unlikely [2, 3]\n"
		 "- Cửa xả 1 to Farm (receptor, reach of a slide): unlikely\n",
		 "\n[1] farther than 10 km: the dispersion formulas are extrapolated\n",
		 "\n[2] wind speed not known: 1 m/s taken\n", "\n[3] a note of later days"},
	};
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);

	(void)state;
	for (int l = 0; l < 2; l++)
		for (size_t i = 0; i < ARRAY_SIZE(wanted[l]); i++)
			if (!strstr(text_of(alert, "description", l), wanted[l][i]))
				fail_msg("%s is not in %s", wanted[l][i],
					 text_of(alert, "description", l));
	xmlFreeDoc(alert);
	free(data);
}

#define STATION(more) "\"sources\":[{\"name\":\"outfall\",\"discharges\":false," more "\"title\":"
#define FROM(kind)    "\"inbound_from\":\"Border\",\"inbound_kind\":\"" kind "\","
#define WAY_IN(kind, verdict)                                                         \
	"\"crossing\":{\"verdict\":\"" verdict "\",\"worst_boundary\":{\"target\":"   \
	"\"Border\",\"verdict\":\"" verdict "\"},\"paths\":[{\"source\":\"outfall\"," \
	"\"method\":\"inbound\",\"target\":\"Border\",\"target_kind\":\"" kind        \
	"\",\"verdict\":\"" verdict "\"}]},"

/* what a station sees is no release of ours, and the headline says where it comes from */
static void test_what_comes_in(void **state)
{
	static const struct {
		const char *crossing, *sources, *en;
	} rows[] = {
		{"", STATION(""), "; measured at a station that lets nothing go itself"},
		{"", STATION(FROM("national")), "; measured in what comes in from abroad (Border)"},
		{"", STATION(FROM("province")), "; measured in what comes in over Border"},
		{WAY_IN("national", "unlikely"), STATION(FROM("national")),
		 "; measured in what comes in from abroad (Border), but a source of our own "
		 "upstream was out of its limits, too"},
		{WAY_IN("national", "possible"), STATION(FROM("national")),
		 "; it may come from abroad (Border)"},
		{WAY_IN("neighbour", "observed"), STATION(FROM("neighbour")),
		 "; it comes from abroad (Border), as measured"},
		{WAY_IN("province", "observed"), STATION(FROM("province")),
		 "; it comes from beyond Border, as measured"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int own = 0; own < 2; own++) {
			char sources[1024], en[512];
			struct cap_report report;
			xmlDoc *alert;
			char *data;

			(void)snprintf(sources, sizeof(sources), "%s%s", rows[i].crossing,
				       rows[i].sources);
			data = WITH("\"sources\":[{\"name\":\"outfall\",\"title\":", sources);
			report = report_of(data);
			report.target = own ? "Border" : NULL;
			alert = alert_of(&report);
			(void)snprintf(
				en, sizeof(en),
				"Water pollution measured at Nhà máy giấy: a limit is broken%s",
				rows[i].en);
			assert_string_equal(text_of(alert, "headline", 1), en);
			assert_string_equal(text_of(alert, "event", 0), "Phát hiện ô nhiễm nước");
			assert_non_null(strstr(text_of(alert, "description", 1),
					       "Measured at a station that lets nothing go itself: "
					       "this is not a release of the place."));
			assert_null(strstr(text_of(alert, "description", 1), "Where it may go"));
			assert_string_equal(parameter(alert, "discharges"), "false");
			if (*rows[i].crossing)
				assert_non_null(strstr(text_of(alert, "description", 1),
						       "- from beyond Border ("));
			xmlFreeDoc(alert);
			free(data);
		}
	}
}

/* the same where one of our own outfalls is out of its limits, too: then both is said */
static void test_both_ways(void **state)
{
	char *data = WITH("\"sources\"",
			  "\"crossing\":{\"verdict\":\"likely\",\"worst_boundary\":{\"target\":"
			  "\"Border\",\"verdict\":\"likely\"},\"paths\":[{\"source\":\"station\","
			  "\"method\":\"inbound\",\"target\":\"Border\",\"target_kind\":"
			  "\"national\",\"verdict\":\"likely\"}," PATH_TO(
				  "Border", "national", "possible") "]},\"sources\"");
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);

	(void)state;
	assert_string_equal(text_of(alert, "headline", 1),
			    "Wastewater incident at Nhà máy giấy: a limit is broken; it is likely "
			    "to come from abroad (Border); it may cross a boundary");
	xmlFreeDoc(alert);
	free(data);
}

/* above which figure, and whose that is */
static void test_above_what(void **state)
{
	char *data = WITH("\"sources\"",
			  "\"released\":[{\"channel\":\"COD\",\"source\":\"outfall\",\"unit\":"
			  "\"kg\",\"total\":\"12.5\",\"above\":\"3\",\"limit\":\"mill/outfall/"
			  "COD/x\",\"bound\":\"75\",\"bound_unit\":\"mg/l\",\"basis\":\"law\","
			  "\"covered_percent\":87}],\"sources\"");
	struct cap_report report = report_of(data);
	xmlDoc *alert = alert_of(&report);

	(void)state;
	assert_string_equal(parameter(alert, "released"),
			    "outfall/COD total 12.5 kg above 3 kg bound 75 mg/l law covered 87 %");
	assert_non_null(strstr(text_of(alert, "description", 1),
			       "12.5 kg released, of it 3 kg above the legal limit of 75 mg/l; "));
	assert_non_null(strstr(text_of(alert, "description", 0),
			       "trong đó 3 kg vượt giới hạn theo quy định pháp luật là 75 mg/l; "));
	xmlFreeDoc(alert);
	free(data);
}

/* any text gives a valid document, and none too long for the sender */
static void test_foreign_texts(void **state)
{
	json_t *data = json_loads(plain, 0, NULL), *alarms = json_object_get(data, "alarms");
	char worst[1001], controls[64] = "a";
	struct cap_report report = report_of(NULL);
	char *text, *body;
	xmlDoc *alert;

	(void)state;
	memset(worst, '&', 1000); /* five bytes each, escaped */
	worst[1000] = '\0';
	for (char c = 1; c < 32; c++)
		strncat(controls, &c, 1);
	(void)json_object_set_new(json_object_get(data, "site"), "title", json_string(worst));
	(void)json_object_set_new(json_object_get(data, "site"), "commune", json_string(controls));
	(void)json_object_set_new(json_object_get(data, "incident"), "id",
				  json_string("a b,c<d&e\xc3\xa9"));
	for (int i = 0; i < 60; i++) {
		json_t *alarm = json_deep_copy(json_array_get(alarms, 0));

		(void)json_object_set_new(alarm, "origin", json_string(worst));
		(void)json_object_set_new(alarm, "advice", json_string(worst));
		(void)json_array_append_new(alarms, alarm);
	}
	text = json_dumps(data, JSON_COMPACT);
	report.data = text;
	body = cap_body(&report);
	assert_non_null(body);
	assert_true(strlen(body) < WIRE_PACKET_MAX * 3 / 4);
	alert = judged(body);
	assert_string_equal(text_of(alert, "identifier", 0), "a_b_c_d_e__.0.department");
	xmlFreeDoc(alert);
	free(body);
	free(text);
	json_decref(data);
}

static void test_no_report(void **state)
{
	static const char *const rows[] = {"", "{", "[]", "{}", "{\"incident\":1}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cap_report report = report_of(rows[i]);

		assert_null(cap_body(&report));
	}
}

static void test_clean(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"", ""},
		{"a\tb\nc", "a\tb\nc"},
		{"Sự cố 😀", "Sự cố 😀"},
		{"\x01", "�"},
		{"\r\x7f", "�\x7f"},
		{"\xff\xc0\x80", "���"},
		{"\xed\xa0\x80", "�"},	   /* a surrogate is no Char */
		{"\xef\xbf\xbe", "�"},	   /* U+FFFE is no Char */
		{"\xef\xbf\xbd", "�"},	   /* U+FFFD is */
		{"\xf4\x90\x80\x80", "�"}, /* beyond U+10FFFF */
		{"\xe1\xbb", "��"},	   /* cut short */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *clean = cap_xml_clean(rows[i].from);

		assert_string_equal(clean, rows[i].to);
		free(clean);
	}
}

/* cut behind a whole character, with dots; a sentence's words exchanged */
static void test_text(void **state)
{
	static const struct {
		size_t room;
		const char *text;
	} rows[] = {
		{64, "Xã Hợp"}, {10, "Xã Hợp"}, {9, "Xã H…"}, {8, "Xã …"},
		{7, "Xã…"},	{6, "X…"},	{5, "X…"},    {4, "…"},
	};
	char bytes[64] = "";
	struct cap_text sentence = {.bytes = bytes, .room = sizeof(bytes)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cap_text text = {.bytes = bytes, .room = rows[i].room};

		*bytes = '\0';
		cap_text_add(&text, "Xã ");
		cap_text_add(&text, "Hợp");
		cap_text_add(&text, "");
		if (strcmp(bytes, rows[i].text) != 0)
			fail_msg("room %zu: \"%s\"", rows[i].room, bytes);
	}
	*bytes = '\0';
	CAP_SAY(&sentence, CATALOGUE_EN, "{a} of {b}, {c}{", {"a", "{b}"}, {"b", "two"});
	assert_string_equal(bytes, "{b} of two, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_message_types),
		cmocka_unit_test(test_exercise),
		cmocka_unit_test(test_language_order),
		cmocka_unit_test(test_what_is_reached),
		cmocka_unit_test(test_began),
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_areas_at_the_edge),
		cmocka_unit_test(test_released_and_findings),
		cmocka_unit_test(test_foreign_texts),
		cmocka_unit_test(test_no_report),
		cmocka_unit_test(test_whose_limit),
		cmocka_unit_test(test_paths_in_words),
		cmocka_unit_test(test_what_comes_in),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_above_what),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, read_schema, free_schema);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "common/clock.h"
#include "core/config_schema.h"
#include "core/config_text.h"

#define FIELD(object, field) offsetof(struct object, field), sizeof(((struct object *)0)->field)
#define REQUIRED	     NULL
#define GROUP(what_, options_, object, finish_)    \
	{                                          \
		.what = what_,                     \
		.options = options_,               \
		.n_options = ARRAY_SIZE(options_), \
		.size = sizeof(struct object),     \
		.finish = finish_,                 \
	};                                         \
	_Static_assert(ARRAY_SIZE(options_) <= CONFIG_OPTIONS_MAX, "raise CONFIG_OPTIONS_MAX")

/* One line per key: key, type, field, default, min, max, help. */
#define TEXT(key_, field_, standard_, max_, check_, help_)                                  \
	{                                                                                   \
		key_, OPTION_TEXT, field_, standard_, 0, max_, help_, 0, NULL, check_, NULL \
	}
#define INTEGER(key_, field_, standard_, min_, max_, help_)                                     \
	{                                                                                       \
		key_, OPTION_INTEGER, field_, standard_, min_, max_, help_, 0, NULL, NULL, NULL \
	}
#define NUMBER(key_, field_, standard_, help_)                                                     \
	{                                                                                          \
		key_, OPTION_NUMBER, field_, standard_, -HUGE_VAL, HUGE_VAL, help_, 0, NULL, NULL, \
			NULL                                                                       \
	}
#define NUMBERS(key_, field_, standard_, help_)                                               \
	{                                                                                     \
		key_, OPTION_NUMBERS, field_, standard_, -HUGE_VAL, HUGE_VAL, help_, 0, NULL, \
			NULL, NULL                                                            \
	}
#define DURATION(key_, field_, standard_, min_, max_, unit_, help_)                             \
	{                                                                                       \
		key_, OPTION_DURATION, field_, standard_, min_, max_, help_, unit_, NULL, NULL, \
			NULL                                                                    \
	}
#define DURATIONS(key_, field_, standard_, min_, max_, unit_, help_)                             \
	{                                                                                        \
		key_, OPTION_DURATIONS, field_, standard_, min_, max_, help_, unit_, NULL, NULL, \
			NULL                                                                     \
	}
#define CHOICE(key_, field_, standard_, choices_, help_)                                     \
	{                                                                                    \
		key_, OPTION_CHOICE, field_, standard_, 0, 0, help_, 0, choices_, NULL, NULL \
	}
#define CODES(key_, field_, help_)                                               \
	{                                                                        \
		key_, OPTION_CODES, field_, "", 0, 0, help_, 0, NULL, NULL, NULL \
	}
#define LIST(key_, min_, group_, help_)                                            \
	{                                                                          \
		key_, OPTION_LIST, 0, 0, "", min_, 0, help_, 0, NULL, NULL, group_ \
	}

#define MS    US_PER_MS
#define DAY   (MS_PER_DAY * US_PER_MS)
#define S_MS  1000.0
#define M_MS  (60 * S_MS)
#define H_MS  (60 * M_MS)
#define D_MS  (24 * H_MS)
#define TITLE 200  /* bytes of a title */
#define PROSE 1000 /* bytes of an origin or advice; goes into reports */

static const struct config_choice classes[] = {
	{"warning", CLASS_WARNING}, {"limit", CLASS_LIMIT}, {"emergency", CLASS_EMERGENCY}, {0}};
static const struct config_choice ons[] = {
	{"value", LIMIT_ON_VALUE}, {"mean-1min", LIMIT_ON_MEAN_1MIN}, {0}};
static const struct config_choice kinds[] = {
	{"liquid", WASTE_LIQUID}, {"gas", WASTE_GAS}, {"solid", WASTE_SOLID}, {0}};
static const struct config_choice tables[] = {
	{"holding", 3}, {"input", 4}, {"coil", 1}, {"discrete", 2}, {0}}; /* Modbus function */
static const struct config_choice types[] = {
	{"int16", DECODE_INT16},     {"uint16", DECODE_UINT16},
	{"int32", DECODE_INT32},     {"uint32", DECODE_UINT32},
	{"int64", DECODE_INT64},     {"uint64", DECODE_UINT64},
	{"float32", DECODE_FLOAT32}, {"float64", DECODE_FLOAT64},
	{"bit", DECODE_BIT},	     {0}};

/* clang-format off */
#define D(field) FIELD(destination_draft, destination.field)
static const struct config_option destination_options[] = {
	TEXT("name", D(name), REQUIRED, 32, config_name_check, "a name for entries and the command"),
	TEXT("url", D(url), REQUIRED, 1000, config_url_check, "where reports are posted, https://HOST/PATH"),
	TEXT("hmac-secret", D(hmac_secret), "", 64, config_credential_check, "credential with the whsec_… secret"),
	TEXT("ca", D(ca), "", 64, config_credential_check, "credential with the authority that signs the receiver"),
	TEXT("certificate", D(certificate), "", 64, config_credential_check, "credential with our client certificate"),
	TEXT("key", D(key), "", 64, config_credential_check, "credential with the certificate's key"),
	CHOICE("min-class", D(min_class), "limit", classes, "least class of an incident that is reported"),
};
static const struct config_group destination_group =
	GROUP("destination", destination_options, destination_draft, config_finish_destination);

#define M(field) FIELD(main_draft, config.field)
static const struct config_option main_options[] = {
	TEXT("origin", M(origin), REQUIRED, 32, config_name_check, "who speaks in the record and in reports"),
	TEXT("timezone", FIELD(main_draft, timezone), "+07:00", 6, config_zone_check, "local time's offset from UTC"),
	DURATION("grid", M(grid_ms), "10ms", 1, S_MS, MS, "due times are multiples of it"),
	INTEGER("capture", M(capture_percent), "75", 1, 100, "percent of values that make a window valid"),
	DURATION("incident-clear", M(incident_clear_ms), "10min", S_MS, 7 * D_MS, MS, "quiet for so long ends an incident"),
	DURATION("report-interval", M(report_interval_ms), "60s", S_MS, D_MS, MS, "least time between updates of an incident"),
	DURATION("minute-retention", M(minute_retention_days), "60d", 60, 36500, DAY, "minute values are kept so long"),
	LIST("destinations", 0, &destination_group, "where reports go"),
};
const struct config_group config_main_group =
	GROUP("configuration", main_options, main_draft, config_finish_main);

#define L(field) FIELD(link_draft, link.field)
static const struct config_option link_options[] = {
	TEXT("name", L(name), REQUIRED, 32, config_name_check, "a name for this connection"),
	TEXT("tcp", FIELD(link_draft, tcp), REQUIRED, 60, config_address_check, "\"IP:PORT\" of the device or gateway"),
	DURATION("connect-timeout", L(connect_timeout_ms), "3s", 10, M_MS, MS, "a connection must stand after it"),
	DURATIONS("backoff", FIELD(link_draft, backoff_ms), "1s 60s", 10, H_MS, MS, "first and longest wait before a reconnect"),
};
static const struct config_group link_group =
	GROUP("link", link_options, link_draft, config_finish_link);

#define U(field) FIELD(unit_draft, unit.field)
static const struct config_option unit_options[] = {
	TEXT("name", U(name), REQUIRED, 32, config_name_check, "a name for this device"),
	TEXT("link", FIELD(unit_draft, link), REQUIRED, 32, config_name_check, "name of the link that it is on"),
	INTEGER("id", U(id), REQUIRED, 0, 255, "Modbus unit id, 0 to 247 or 255"),
	DURATION("interval", U(interval_ms), "1s", 20, H_MS, MS, "time from one read to the next"),
	DURATION("timeout", U(timeout_ms), "500ms", 10, 30 * S_MS, MS, "deadline of one request"),
	INTEGER("max-registers", U(max_registers), "125", 1, 125, "longest request the device answers"),
	INTEGER("max-gap", U(max_gap), "0", 0, 124, "unused registers that a request may read through"),
};
static const struct config_group unit_group =
	GROUP("unit", unit_options, unit_draft, config_finish_unit);

#define C(field) FIELD(channel_draft, channel.field)
#define X(field) FIELD(channel_draft, field)
static const struct config_option channel_options[] = {
	TEXT("name", C(name), REQUIRED, 32, config_name_check, "a name, such as COD"),
	TEXT("title", C(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("unit", C(measure), "", 16, config_text_check, "unit of measure, such as mg/l"),
	TEXT("from", X(from), REQUIRED, 32, config_name_check, "name of the unit that delivers it"),
	CHOICE("table", X(table), "holding", tables, "which of the device's tables"),
	INTEGER("address", C(address), REQUIRED, 0, 65535, "protocol address, 0-based: 40001 in a manual is 0 in holding"),
	CHOICE("type", X(type), "", types, "how the value is stored, such as float32"),
	TEXT("order", X(order), "", 8, NULL, "order of the bytes, such as ABCD"),
	INTEGER("bit", C(decode.bit), "", 0, 15, "bit of the register, 0 the lowest"),
	NUMBER("scale", C(decode.scale), "1", "value = raw × scale + offset"),
	NUMBER("offset", C(decode.offset), "0", "value = raw × scale + offset"),
	NUMBERS("range", X(range), REQUIRED, "[lowest, highest] that the instrument measures"),
	CODES("invalid", X(invalid), "raw values that mean \"no value\", such as [0x7FFF]"),
	DURATION("lost-after", C(lost_after_ms), "60s", 40, D_MS, MS, "without a good value for so long it counts as lost"),
};
static const struct config_group channel_group =
	GROUP("channel", channel_options, channel_draft, config_finish_channel);

#define T(field) FIELD(limit_draft, limit.field)
static const struct config_option limit_options[] = {
	TEXT("channel", FIELD(limit_draft, channel), REQUIRED, 32, config_name_check, "name of a channel of this source"),
	TEXT("name", T(name), "", 32, config_name_check, "default: class and side, such as limit-high"),
	CHOICE("class", T(class), REQUIRED, classes, "how bad it is: warning, limit or emergency"),
	CHOICE("on", T(on), "value", ons, "what is held against it: value or mean-1min"),
	NUMBER("high", FIELD(limit_draft, high), "", "broken above it"),
	NUMBER("low", FIELD(limit_draft, low), "", "broken below it"),
	NUMBER("deadband", T(deadband), "0", "so far back inside before it clears"),
	DURATION("raise-delay", T(raise_delay_ms), "0s", 0, D_MS, MS, "broken for so long raises the alarm"),
	DURATION("clear-delay", T(clear_delay_ms), "60s", 0, D_MS, MS, "in order for so long clears it"),
	TEXT("origin", T(origin), "", PROSE, config_text_check, "where the number comes from, so that it can be looked up"),
	TEXT("advice", T(advice), "", PROSE, config_text_check, "what the operator should do"),
};
static const struct config_group limit_group =
	GROUP("limit", limit_options, limit_draft, config_finish_limit);

#define O(field) FIELD(source_draft, source.field)
static const struct config_option source_options[] = {
	TEXT("name", O(name), REQUIRED, 32, config_name_check, "a name, such as outfall-1"),
	CHOICE("kind", O(kind), REQUIRED, kinds, "liquid, gas or solid"),
	TEXT("title", O(title), "", TITLE, config_text_check, "for people; default: the name"),
	LIST("channels", 1, &channel_group, "what is measured here"),
	LIST("limits", 0, &limit_group, "what the channels are held against"),
};
static const struct config_group source_group =
	GROUP("source", source_options, source_draft, config_finish_source);

#define S(field) FIELD(site_draft, site.field)
static const struct config_option site_options[] = {
	TEXT("site", S(name), REQUIRED, 32, config_name_check, "the site's name"),
	TEXT("title", S(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("cluster", S(cluster), "", TITLE, config_text_check, "industrial cluster that it belongs to"),
	TEXT("commune", S(commune), "", TITLE, config_text_check, "commune that it lies in"),
	TEXT("province", S(province), "", TITLE, config_text_check, "province that it lies in"),
	NUMBERS("position", FIELD(site_draft, position), "", "[latitude, longitude] in degrees WGS84"),
	LIST("links", 1, &link_group, "connections to devices"),
	LIST("units", 1, &unit_group, "devices on the links"),
	LIST("sources", 1, &source_group, "release points with their channels and limits"),
};
const struct config_group config_site_group =
	GROUP("site", site_options, site_draft, config_finish_site);
/* clang-format on */

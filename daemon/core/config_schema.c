/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_rows.h"
#include "core/config_text.h"

static const struct config_choice classes[] = {
	{"warning", CLASS_WARNING}, {"limit", CLASS_LIMIT}, {"emergency", CLASS_EMERGENCY}, {0}};
const struct config_choice config_limit_ons[] = {
	{"value", LIMIT_ON_VALUE},	   {"mean-1min", LIMIT_ON_MEAN_1MIN},
	{"mean-5min", LIMIT_ON_MEAN_5MIN}, {"mean-1h", LIMIT_ON_MEAN_1H},
	{"mean-24h", LIMIT_ON_MEAN_24H},   {0}};
static const struct config_choice kinds[] = {
	{"liquid", WASTE_LIQUID}, {"gas", WASTE_GAS}, {"solid", WASTE_SOLID}, {0}};
static const struct config_choice levels[] = {{"facility", LEVEL_FACILITY},
					      {"commune", LEVEL_COMMUNE},
					      {"province", LEVEL_PROVINCE},
					      {"national", LEVEL_NATIONAL},
					      {0}};
static const struct config_choice verdicts[] = {
	{"none", VERDICT_NONE},	    {"unlikely", VERDICT_UNLIKELY}, {"possible", VERDICT_POSSIBLE},
	{"likely", VERDICT_LIKELY}, {"observed", VERDICT_OBSERVED}, {0}};
static const struct config_choice formats[] = {{"json", FORMAT_JSON}, {"cap", FORMAT_CAP}, {0}};
static const struct config_choice languages[] = {{"vi", CATALOGUE_VI}, {"en", CATALOGUE_EN}, {0}};
static const struct config_choice tables[] = {
	{"holding", 3}, {"input", 4}, {"coil", 1}, {"discrete", 2}, {0}}; /* Modbus function */
static const struct config_choice types[] = {
	{"int16", DECODE_INT16},     {"uint16", DECODE_UINT16},	  {"int32", DECODE_INT32},
	{"uint32", DECODE_UINT32},   {"int64", DECODE_INT64},	  {"uint64", DECODE_UINT64},
	{"float32", DECODE_FLOAT32}, {"float64", DECODE_FLOAT64}, {"int8", DECODE_INT8},
	{"uint8", DECODE_UINT8},     {"bit", DECODE_BIT},	  {0}};
static const struct config_choice state_types[] = {{"uint8", DECODE_UINT8},
						   {"uint16", DECODE_UINT16},
						   {"uint32", DECODE_UINT32},
						   {"bit", DECODE_BIT},
						   {0}};
static const struct config_choice bytes[] = {{"low", 0}, {"high", 8}, {0}}; /* first bit */
static const struct config_choice yes_or_no[] = {{"no", 0}, {"yes", 1}, {0}};
static const struct config_choice bases[] = {
	{"law", BASIS_LAW}, {"permit", BASIS_PERMIT}, {"own", BASIS_OWN}, {0}};
static const struct config_choice discharges[] = {{"yes", 0}, {"no", 1}, {0}};
static const struct config_choice parities[] = {
	{"none", WIRE_PARITY_NONE}, {"even", WIRE_PARITY_EVEN}, {"odd", WIRE_PARITY_ODD}, {0}};
static const struct config_choice stop_bits[] = {{"1", 1}, {"2", 2}, {0}};
/* _get_termios_speed() of libmodbus 3.1.6; any other rate becomes 9600 there, silently */
static const struct config_choice bauds[] = {
	{"110", 110},	      {"300", 300},	    {"600", 600},	  {"1200", 1200},
	{"2400", 2400},	      {"4800", 4800},	    {"9600", 9600},	  {"19200", 19200},
	{"38400", 38400},     {"57600", 57600},	    {"115200", 115200},	  {"230400", 230400},
	{"460800", 460800},   {"500000", 500000},   {"576000", 576000},	  {"921600", 921600},
	{"1000000", 1000000}, {"1152000", 1152000}, {"1500000", 1500000}, {"2500000", 2500000},
	{"3000000", 3000000}, {"3500000", 3500000}, {"4000000", 4000000}, {0}};
static const struct config_choice qualities[] = {{"good", QUALITY_GOOD},
						 {"calibrating", QUALITY_CALIBRATING},
						 {"maintenance", QUALITY_MAINTENANCE},
						 {"fault", QUALITY_DEVICE_FAULT},
						 {"not-in-operation", QUALITY_NOT_IN_OPERATION},
						 {0}};
static const struct config_choice formulas[] = {
	{"oxygen", FORMULA_OXYGEN},	    {"load", FORMULA_LOAD},   {"sum", FORMULA_SUM},
	{"difference", FORMULA_DIFFERENCE}, {"ratio", FORMULA_RATIO}, {0}};
static const struct config_choice sides[] = {{"high", SIDE_HIGH}, {"low", SIDE_LOW}, {0}};
static const struct config_choice which_limits[] = {{"all", 1}, {"named", 0}, {0}};
static const struct config_choice forms[] = {{"lines", 0}, {"one-line", 1}, {0}};
static const struct config_choice line_ends[] = {{"lf", 0}, {"crlf", 1}, {0}};
static const struct config_choice counting[] = {{"possible", VERDICT_POSSIBLE},
						{"likely", VERDICT_LIKELY},
						{"observed", VERDICT_OBSERVED},
						{0}};
static const struct config_choice stabilities[] = {{"A", 1}, {"B", 2}, {"C", 3}, {"D", 4},
						   {"E", 5}, {"F", 6}, {0}};
static const struct config_choice outfalls[] = {{"bank", 1}, {"middle", 0}, {0}};
static const struct config_choice times[] = {{"end", 0}, {"start", 1}, {0}};

/* clang-format off */
#define D(field) FIELD(destination_draft, destination.field)
static const struct config_option destination_options[] = {
	TEXT("name", D(name), REQUIRED, 32, config_name_check, "a name for entries and the command"),
	TEXT("url", D(url), REQUIRED, 1000, config_url_check, "where reports are posted, https://HOST/PATH, or files are put, sftp://HOST/DIRECTORY"),
	TEXT("hmac-secret", D(hmac_secret), "", 64, config_credential_check, "credential with the whsec_… secret"),
	TEXT("ca", D(ca), "", 64, config_credential_check, "credential with the authority that signs the receiver"),
	TEXT("certificate", D(certificate), "", 64, config_credential_check, "credential with our client certificate"),
	TEXT("key", D(key), "", 64, config_credential_check, "credential with the certificate's key; sftp: the key to log in with"),
	TEXT("user", D(user), "", 64, config_user_check, "the name to log in with, for files"),
	TEXT("password", D(password), "", 64, config_credential_check, "the credential with the password, for files"),
	TEXT("host-key", D(host_key), "", 64, config_credential_check, "the credential with the server's key as in known_hosts, for sftp"),
	CHOICE("format", D(format), "json", formats, "json, or cap: an alert of the Common Alerting Protocol 1.2"),
	CHOICE("language", D(language), "vi", languages, "with cap: vi or en, the language that comes first"),
	CHOICE("min-class", D(min_class), "limit", classes, "least class of an incident that is reported"),
	CHOICE("drills", D(drills), "yes", yes_or_no, "whether it gets the reports of drills, which are marked as exercises"),
	INTEGER("rate-per-minute", D(per_min), "600", 1, 6000, "so many a minute at the most when many have piled up; emergencies go at once"),
	CHOICE("min-level", D(min_level), "facility", levels, "least level of an incident that is reported"),
	CHOICE("min-verdict", D(min_verdict), "none", verdicts, "least verdict on a crossing that is reported"),
	DURATION("clock-tolerance", D(clock_tolerance_ms), "5min", 10 * S_MS, D_MS, MS, "how wrong a time stamp its receiver bears; it is said from two fifths of it on"),
	DURATION("heartbeat", D(heartbeat_ms), "1d", 0, 7 * D_MS, MS, "it gets a sign of life when it was told nothing for so long; 0s: never"),
	NAMES("kinds", FIELD(destination_draft, kinds), "", N_WASTE_KINDS, "kinds of waste whose incidents are reported, such as [liquid]"),
	NAMES("sites", D(sites), "", CONFIG_WORDS_MAX, "names of the sites whose incidents are reported"),
	NAMES("receptors", D(receptors), "", CONFIG_WORDS_MAX, "names of the receptors or boundaries that an incident must be able to reach"),
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
	INTEGER("storage-ballast", M(storage.ballast_mib), "8", 4, 4096, "MiB that are kept free for entries by a file in the state directory"),
	INTEGER("storage-low", M(storage.low_mib), "256", 1, 1048576, "MiB: with less free room on the record's disk it is said"),
	INTEGER("storage-critical", M(storage.critical_mib), "32", 1, 1048576, "MiB: with less free room minute values are no longer stored"),
	INTEGER("storage-low-inodes", M(storage.low_inodes), "1000", 1, 1000000000, "free inodes below which it is said"),
	INTEGER("storage-critical-inodes", M(storage.critical_inodes), "100", 1, 1000000000, "free inodes below which minute values are no longer stored"),
	DURATION("verify-interval", M(verify_interval_ms), "24h", S_MS, 7 * D_MS, MS, "the record is gone through so often"),
	TEXT("reporter-name", M(reporter.name), "", TITLE, config_text_check, "who reports: name of the company or station, for the department"),
	TEXT("reporter-address", M(reporter.address), "", TITLE, config_text_check, "the reporter's address"),
	TEXT("reporter-phone", M(reporter.phone), "", 40, config_text_check, "the reporter's phone number"),
	TEXT("reporter-email", M(reporter.email), "", 100, config_text_check, "the reporter's e-mail address"),
	NUMBER_IN("crossing-likely", M(crossing.likely), "1", 0.001, 1000, "likely from so many times the threshold on, in the central estimate of all that is there"),
	NUMBER_IN("crossing-possible", M(crossing.possible), "0.1", 0.0001, 1000, "so much the release must add to matter, in thresholds: possible from it on, in the upper bound"),
	NUMBER_IN("crossing-hysteresis", M(crossing.hysteresis), "0.2", 0, 0.9, "a verdict falls only where the figure is below its bound by this share"),
	NUMBER_IN("crossing-here", M(crossing.here_m), "100", 0, 10000, "m: a release so near to a line is at it"),
	NUMBER_IN("crossing-reach", M(crossing.reach_m), "50000", 1000, 1000000, "m: how far downwind lines are looked for"),
	INTEGER("crossing-covered", M(crossing.covered_percent), "75", 1, 100, "percent of a release's time that was measured; with less it is said, and a plume is judged by what was"),
	CHOICE("crossing-counts", M(crossing.counts), "likely", counting, "the least verdict that counts for the level"),
	LIST("destinations", 0, &destination_group, "where reports and data files go"),
	LIST("boundaries", 0, &config_boundary_group, "lines that a release must not cross"),
	LIST("rivers", 0, &config_river_group, "where discharges flow"),
	LIST("receptors", 0, &config_receptor_group, "what is to be protected"),
};
const struct config_group config_main_group =
	GROUP("configuration", main_options, main_draft, config_finish_main);

#define L(field) FIELD(link_draft, link.field)
static const struct config_option link_options[] = {
	TEXT("name", L(name), REQUIRED, 32, config_name_check, "a name for this connection"),
	TEXT("tcp", FIELD(link_draft, tcp), "", 60, config_address_check, "\"IP:PORT\" of the device or gateway"),
	TEXT("rtu", FIELD(link_draft, rtu), "", 200, config_device_check, "path of the serial device"),
	TEXT("rtu-tcp", FIELD(link_draft, rtu_tcp), "", 60, config_address_check, "\"IP:PORT\" of a serial server"),
	CHOICE("baud", L(baud), "", bauds, "bits per second, such as 9600"),
	CHOICE("parity", L(parity), "", parities, "none, even or odd; default: even"),
	CHOICE("stop-bits", L(stop_bits), "", stop_bits, "1 or 2; default: 1 with parity, 2 without"),
	CHOICE("rs485", FIELD(link_draft, rs485), "no", yes_or_no, "yes: the kernel switches the line driver"),
	DURATION("rts-before", FIELD(link_draft, rts_before_ms), "", 0, RTS, MS, "the driver is on so long before a frame"),
	DURATION("rts-after", FIELD(link_draft, rts_after_ms), "", 0, RTS, MS, "the driver is on so long after a frame"),
	CHOICE("rts-low-on-send", FIELD(link_draft, rts_low_on_send), "", yes_or_no, "yes: RTS low switches the driver on"),
	CHOICE("rx-during-tx", FIELD(link_draft, rx_during_tx), "", yes_or_no, "yes: what is sent is received too"),
	DURATION("first-delay", L(first_delay_ms), "0s", 0, M_MS, MS, "from connect to the first request"),
	CHOICE("single", L(single), "", yes_or_no, "yes: the device bears one connection only"),
	DURATION("connect-timeout", L(connect_timeout_ms), "3s", 10, M_MS, MS, "a connection must stand after it"),
	DURATIONS("backoff", FIELD(link_draft, backoff_ms), "1s 60s", 10, H_MS, MS, "first and longest wait before a reconnect"),
};
static const struct config_group link_group =
	GROUP("link", link_options, link_draft, config_finish_link);

#define R(field) FIELD(rule_draft, rule.field)
static const struct config_option rule_options[] = {
	INTEGER("mask", R(mask), "", 1, MASK, "bits that are looked at, such as 0x0F; default: all"),
	INTEGER("is", R(is), "", 0, MASK, "what the masked bits are; default: any of them set"),
	CHOICE("quality", R(quality), REQUIRED, qualities, "what values are worth then, such as maintenance"),
};
static const struct config_group rule_group =
	GROUP("rule", rule_options, rule_draft, config_finish_rule);

#define A(field) FIELD(state_draft, field)
static const struct config_option state_options[] = {
	TEXT("name", A(state.name), REQUIRED, 32, config_name_check, "a name for this status"),
	CHOICE("table", A(table), "holding", tables, "which of the device's tables"),
	INTEGER("address", A(state.address), REQUIRED, 0, 65535, "protocol address, 0-based"),
	CHOICE("type", A(type), "", state_types, "uint8, uint16, uint32 or bit"),
	TEXT("order", A(order), "", 4, NULL, "order of the bytes, such as ABCD"),
	CHOICE("byte", A(byte), "", bytes, "which byte of the register a uint8 is"),
	INTEGER("bit", A(state.decode.bit), "", 0, 15, "bit of the register, 0 the lowest"),
	CHOICE("otherwise", A(state.otherwise), "good", qualities, "what values are worth where no rule fits"),
	LIST("rules", 1, &rule_group, "what its bits mean, the first that fits counts"),
};
static const struct config_group state_group =
	GROUP("state", state_options, state_draft, config_finish_state);

#define E(field) FIELD(hole_draft, field)
static const struct config_option hole_options[] = {
	CHOICE("table", E(table), "holding", tables, "which of the device's tables"),
	INTEGER("from", E(hole.first), REQUIRED, 0, 65535, "the first address that must not be read"),
	INTEGER("to", E(hole.last), REQUIRED, 0, 65535, "the last address that must not be read"),
};
static const struct config_group hole_group =
	GROUP("hole", hole_options, hole_draft, config_finish_hole);

#define U(field) FIELD(unit_draft, unit.field)
static const struct config_option unit_options[] = {
	TEXT("name", U(name), REQUIRED, 32, config_name_check, "a name for this device"),
	TEXT("link", FIELD(unit_draft, link), REQUIRED, 32, config_name_check, "name of the link that it is on"),
	INTEGER("id", U(id), REQUIRED, 0, 255, "Modbus unit id: TCP 0 to 247 or 255, RTU 1 to 247"),
	TEXT("profile", U(profile), "", 32, config_name_check, "name of the instrument's profile"),
	DURATION("interval", U(interval_ms), "1s", 20, H_MS, MS, "time from one read to the next"),
	DURATION("timeout", U(timeout_ms), "500ms", 10, 30 * S_MS, MS, "deadline of one request"),
	DURATION("turnaround", U(turnaround_ms), "0s", 0, 10 * S_MS, MS, "silence between its answer and the next request"),
	DURATION("quiet", U(quiet_ms), "", 10, M_MS, MS, "RTU: its worst answer time; default: the timeout"),
	INTEGER("max-registers", U(max_registers), "125", 1, 125, "longest request the device answers; 16 bits count as a register"),
	INTEGER("max-gap", U(max_gap), "0", 0, 124, "unused registers that a request may read through"),
	LIST("holes", 0, &hole_group, "what must never be read"),
	LIST("states", 0, &state_group, "its status registers and bits"),
};
static const struct config_group unit_group =
	GROUP_ON("unit", unit_options, unit_draft, config_base_unit, config_finish_unit);

#define C(field) FIELD(channel_draft, channel.field)
#define X(field) FIELD(channel_draft, field)
/* what a channel and a profile's signal have in common */
#define HOW_STORED \
	CHOICE("table", X(table), "holding", tables, "which of the device's tables"), \
	CHOICE("type", X(type), "", types, "how the value is stored, such as float32"), \
	TEXT("order", X(order), "", 8, NULL, "order of the bytes, such as ABCD"), \
	CHOICE("byte", X(byte), "", bytes, "which byte of the register an int8 or uint8 is"), \
	INTEGER("bit", C(decode.bit), "", 0, 15, "bit of the register, 0 the lowest"), \
	NUMBER("scale", C(decode.scale), "1", "value = raw × scale + offset"), \
	NUMBER("offset", C(decode.offset), "0", "value = raw × scale + offset"), \
	NUMBERS("range", X(range), "", "[lowest, highest] that the instrument measures"), \
	CODES("invalid", X(invalid), "raw values that mean \"no value\", such as [0x7FFF]"), \
	NAMES("states", X(states), "", CONFIG_STATES_MAX, "names of the unit's states that tell what the value is worth"), \
	DURATION("frozen-after", C(frozen_after_ms), "", S_MS, 7 * D_MS, MS, "unchanged for so long it counts as frozen"), \
	NUMBER("frozen-change", C(frozen_change), "", "what counts as no change, the instrument's resolution"), \
	NUMBER("max-rate", C(max_rate), "", "believable change per minute")
/* what a measured and a derived channel have in common */
#define WHEN \
	DURATION("lost-after", C(lost_after_ms), "60s", 40, D_MS, MS, "without a good value for so long it counts as lost"), \
	TEXT("enabled-by", X(enabled_by), "", 32, config_name_check, "name of a channel before this one, such as the pump's"), \
	NUMBER("enabled-above", X(enabled_above), "", "it is measured only while that channel is above"), \
	NUMBER("enabled-below", X(enabled_below), "", "it is measured only while that channel is below")

static const struct config_option channel_options[] = {
	TEXT("name", C(name), REQUIRED, 32, config_name_check, "a name, such as COD"),
	TEXT("title", C(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("unit", C(measure), "", 16, config_text_check, "unit of measure, such as mg/l"),
	TEXT("from", X(from), REQUIRED, 32, config_name_check, "name of the unit that delivers it"),
	TEXT("signal", X(signal), "", 32, config_name_check, "name of a signal of the unit's profile"),
	INTEGER("address", C(address), "", 0, 65535, "protocol address, 0-based: 40001 in a manual is 0 in holding"),
	HOW_STORED,
	WHEN,
};
static const struct config_group channel_group =
	GROUP_ON("channel", channel_options, channel_draft, config_base_channel, config_finish_channel);

static const struct config_option derived_options[] = {
	TEXT("name", C(name), REQUIRED, 32, config_name_check, "a name, such as COD-load"),
	TEXT("title", C(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("unit", C(measure), "", 16, config_text_check, "unit of measure, such as g/h"),
	CHOICE("formula", C(formula), REQUIRED, formulas, "oxygen, load, sum, difference or ratio"),
	NAMES("inputs", X(inputs), REQUIRED, CONFIG_INPUTS_MAX, "names of channels of this source, [A, B]"),
	NUMBER("factor", C(factor), "1", "the result is multiplied by it"),
	NUMBER("reference", C(reference), "", "reference oxygen, per cent by volume"),
	NUMBER("least", C(least), "", "nearer to 0 than this nothing is divided by it"),
	NUMBERS("range", X(range), REQUIRED, "[lowest, highest] that can be believed"),
	WHEN,
};
static const struct config_group derived_group =
	GROUP("derived channel", derived_options, channel_draft, config_finish_derived);

static const struct config_option signal_options[] = {
	TEXT("name", C(name), REQUIRED, 32, config_name_check, "a name, such as COD"),
	TEXT("title", C(title), "", TITLE, config_text_check, "for people"),
	TEXT("unit", C(measure), "", 16, config_text_check, "unit of measure, such as mg/l"),
	INTEGER("address", C(address), REQUIRED, 0, 65535, "protocol address, 0-based: 40001 in a manual is 0 in holding"),
	HOW_STORED,
};
static const struct config_group signal_group =
	GROUP("signal", signal_options, channel_draft, config_finish_signal);

#define P(field) FIELD(profile_draft, field)
static const struct config_option profile_options[] = {
	TEXT("profile", P(profile), REQUIRED, 32, config_name_check, "the profile's name, that of the file without .yaml"),
	TEXT("title", P(title), REQUIRED, TITLE, config_text_check, "maker and model of the instrument"),
	TEXT("document", P(document), REQUIRED, PROSE, config_text_check, "where the register map was read"),
	TEXT("unverified", P(unverified), "", PROSE, config_text_check, "what of it was not verified"),
	DURATION("timeout", P(unit.timeout_ms), "", 10, 30 * S_MS, MS, "deadline of one request"),
	DURATION("turnaround", P(unit.turnaround_ms), "", 0, 10 * S_MS, MS, "silence between its answer and the next request"),
	INTEGER("max-registers", P(unit.max_registers), "", 1, 125, "longest request the device answers; 16 bits count as a register"),
	INTEGER("max-gap", P(unit.max_gap), "", 0, 124, "unused registers that a request may read through"),
	LIST("holes", 0, &hole_group, "what must never be read"),
	LIST("states", 0, &state_group, "its status registers and bits"),
	LIST("signals", 1, &signal_group, "what it measures"),
};
const struct config_group config_profile_group =
	GROUP("profile", profile_options, profile_draft, config_finish_profile);

#define T(field) FIELD(limit_draft, limit.field)
static const struct config_option limit_options[] = {
	TEXT("channel", FIELD(limit_draft, channel), REQUIRED, 32, config_name_check, "name of a channel of this source"),
	TEXT("name", T(name), "", 32, config_name_check, "default: class and side, such as limit-high"),
	CHOICE("class", T(class), "", classes, "how bad it is: warning, limit or emergency"),
	CHOICE("on", T(on), "value", config_limit_ons, "what is held against it: value, or the mean of a window"),
	TEXT("parameter", T(parameter), "", 32, config_name_check, "parameter of the source's standard, instead of a number"),
	TEXT("standard", FIELD(limit_draft, standard), "", 32, config_name_check, "which of the source's standards, where several have the parameter"),
	CHOICE("side", FIELD(limit_draft, side), "", sides, "high or low: which bound of the parameter; default: both"),
	INTEGER("percent", FIELD(limit_draft, percent), "", 1, 1000, "share of the parameter's bound, for warnings and emergencies"),
	NUMBER("high", FIELD(limit_draft, high), "", "broken above it"),
	NUMBER("low", FIELD(limit_draft, low), "", "broken below it"),
	NUMBER("deadband", T(deadband), "0", "so far back inside before it clears"),
	DURATION("raise-delay", T(raise_delay_ms), "0s", 0, D_MS, MS, "broken for so long raises the alarm"),
	DURATION("clear-delay", T(clear_delay_ms), "60s", 0, D_MS, MS, "in order for so long clears it; 0s where the limit is on a mean of 1 h or 24 h"),
	TEXT("origin", T(origin), "", PROSE, config_origin_check, "where the number comes from, so that it can be looked up"),
	CHOICE("basis", T(basis), "", bases, "whose number it is: law, permit, or own, which takes no standard's place; default: of a standard's parameter law, else not said"),
	CHOICE("replaces-law", T(replaces), "no", yes_or_no, "yes: the permit puts this number in place of the standard's though it is on another window; else both count"),
	TEXT("advice", T(advice), "", PROSE, config_text_check, "what the operator should do"),
	INTEGER("count", T(alarm.count), "1", 1, ALARM_COUNT_MAX, "raised when broken so many times, see within"),
	DURATION("within", T(alarm.within_ms), "", S_MS, D_MS, MS, "with count: so many times within this time"),
	CHOICE("latch", T(alarm.latch), "no", yes_or_no, "stays until somebody resets it"),
	DURATION("re-alarm", T(alarm.re_alarm_ms), "", M_MS, 7 * D_MS, MS, "acknowledged but standing for so long it needs somebody again"),
	DURATION("shelve-max", T(alarm.shelve_max_ms), "8h", M_MS, 7 * D_MS, MS, "longest time that it may be shelved for"),
	TEXT("enabled-by", FIELD(limit_draft, enabled_by), "", 32, config_name_check, "name of a channel of this source, such as the burner's"),
	NUMBER("enabled-above", FIELD(limit_draft, enabled_above), "", "the limit counts only while that channel is above"),
	NUMBER("enabled-below", FIELD(limit_draft, enabled_below), "", "the limit counts only while that channel is below"),
	TEXT("suppressed-by", FIELD(limit_draft, suppressed_by), "", 132, config_text_check, "a limit before this one: LIMIT of the same channel, CHANNEL/LIMIT, or the whole path"),
};
const struct config_group config_limit_group =
	GROUP("limit", limit_options, limit_draft, config_finish_limit);

#define G(field) FIELD(standard_draft, field)
#define QUANTITY(key_, by_, help_) TEXT(key_, G(by[by_]), "", 32, standard_quantity_check, help_)
static const struct config_option standard_options[] = {
	TEXT("standard", G(standard.name), REQUIRED, 32, config_name_check, "name of a catalogue, such as qcvn-40-2011"),
	TEXT("column", G(column), "", 32, config_name_check, "which column of its tables"),
	TEXT("zone", G(zone), "", 32, config_name_check, "the same where the standard has zones"),
	TEXT("for", G(which), "", 32, config_name_check, "which of the plants that have figures of their own"),
	NUMBER("kq", G(factors[FACTOR_KQ]), "", "coefficient of the receiving water"),
	NUMBER("kf", G(factors[FACTOR_KF]), "", "coefficient of the discharge"),
	NUMBER("kp", G(factors[FACTOR_KP]), "", "coefficient of the gas flow"),
	NUMBER("kv", G(factors[FACTOR_KV]), "", "coefficient of the zone"),
	QUANTITY("river-flow", BY_RIVER_FLOW, "flow of the receiving river, such as 35 m3/s"),
	QUANTITY("lake-volume", BY_LAKE_VOLUME, "volume of the receiving lake, such as 8e6 m3"),
	QUANTITY("discharge", BY_DISCHARGE, "discharge, such as 500 m3/day"),
	QUANTITY("gas-flow", BY_GAS_FLOW, "flow of waste gas, such as 15000 m3/h"),
	INTEGER("zone-type", G(zone_type), "", 1, 9, "type of the zone that the plant lies in"),
	TEXT("operating-since", G(operating_since), "", 10, standard_date_check, "day of operation or permit, for the law's transition"),
	TEXT("confirmed", G(standard.confirmed), "", TITLE, config_text_check, "by what the figures were confirmed, such as the permit's number"),
	CHOICE("limits", G(all), "all", which_limits, "all: of every channel that it knows; named: of those that name a parameter"),
	CHOICE("on", G(on), "", config_limit_ons, "what is held against it, instead of the standard's window"),
	TEXT("advice", G(advice), "", PROSE, config_text_check, "what the operator should do about limits that have no row of their own"),
};
static const struct config_group standard_group =
	GROUP("standard", standard_options, standard_draft, config_finish_standard);

#define O(field) FIELD(source_draft, source.field)
#define H(field) FIELD(source_draft, field)
#define W(field) FIELD(source_draft, source.release.field)
static const struct config_option source_options[] = {
	TEXT("name", O(name), REQUIRED, 32, config_name_check, "a name, such as outfall-1"),
	CHOICE("kind", O(kind), REQUIRED, kinds, "liquid, gas or solid"),
	TEXT("title", O(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("flow", FIELD(source_draft, flow), "", 32, config_name_check, "name of the channel that measures the flow, for the mass released"),
	CHOICE("level", O(level), "facility", levels, "least level (Art. 123) of an incident from here: facility, commune, province or national"),
	NUMBERS("position", H(position), "", "[latitude, longitude] in degrees WGS84; default: the site's"),
	TEXT("river", H(river), "", 32, config_name_check, "name of the river that it flows into"),
	NUMBER_IN("at-km", H(at_km), "", 0, 10000, "where on the river, km from its beginning"),
	CHOICE("outfall", H(at_bank), "bank", outfalls, "where in the river: bank or middle"),
	NUMBER_IN("stack-height", W(stack_height_m), "", 0, 500, "m above the ground"),
	NUMBER_IN("stack-diameter", W(stack_diameter_m), "", 0.01, 50, "m, inside, at the top"),
	NUMBER_IN("exit-velocity", W(exit_velocity_m_s), "", 0.01, 200, "m/s at the top"),
	TEXT("exit-velocity-from", H(velocity_from), "", 32, config_name_check, "name of the channel of this source that measures it"),
	NUMBER_IN("exit-temperature", W(exit_temperature_c), "", -50, 1500, "°C at the top"),
	TEXT("exit-temperature-from", H(temperature_from), "", 32, config_name_check, "name of the channel of this source that measures it"),
	NUMBER_IN("drop", W(drop_m), "", 0, 2000, "m from the upper edge of the solid waste to the ground below"),
	NUMBER_IN("volume", W(volume_m3), "", 1, 1e9, "m3 that may slide"),
	NUMBER_IN("travel-ratio", W(travel_ratio), "", 0.01, 10, "drop to reach of a slide; default: from the volume"),
	NUMBER_IN("leachate-area", W(leachate_area_m2), "", 1, 1e8, "m2 that rain falls on"),
	NUMBER_IN("leachate-coefficient", W(leachate_coefficient), "", 0, 1, "share of the rain that runs off"),
	NUMBER_IN("rain", W(rain_mm_h), "", 0, 500, "mm/h, where no channel measures it"),
	TEXT("rain-from", H(rain_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures the rain"),
	CHOICE("discharges", W(only_measures), "yes", discharges, "no: a station that measures a river or the air and lets nothing go: limits count, but no mass, and nothing crosses from here"),
	TEXT("inbound-from", H(inbound_from), "", 32, config_name_check, "name of the boundary from beyond which this border station is reached"),
	LIST("channels", 1, &channel_group, "what is measured here"),
	LIST("derived", 0, &derived_group, "what is computed from the channels"),
	LIST("standards", 0, &standard_group, "legal standards that it is held to"),
	LIST("limits", 0, &config_limit_group, "what the channels are held against"),
	LIST("upstream", 0, &config_upstream_group, "our own sources upstream of this border station"),
};
static const struct config_group source_group = GROUP_HOOKS(
	"source", source_options, source_draft, NULL, config_finish_source, config_done_source);

#define Y(field) FIELD(parameter_draft, field)
static const struct config_option parameter_options[] = {
	TEXT("channel", Y(channel), REQUIRED, 65, config_text_check, "SOURCE/CHANNEL of this site"),
	TEXT("symbol", Y(parameter.symbol), REQUIRED, 32, config_symbol_check, "the parameter's symbol, such as COD"),
	TEXT("unit", Y(parameter.measure), "", 32, config_text_check, "its unit in the file; default: the channel's"),
};
static const struct config_group parameter_group =
	GROUP("parameter", parameter_options, parameter_draft, config_finish_parameter);

#define Z(field) FIELD(station_draft, station.field)
static const struct config_option station_options[] = {
	TEXT("name", Z(name), REQUIRED, 32, config_name_check, "the station's name, TenTram"),
	TEXT("file", Z(file), REQUIRED, 100, config_file_check, "how file names begin, TenTinh_TenCoSo_TenTram"),
	TEXT("destination", FIELD(station_draft, destination), REQUIRED, 32, config_name_check, "name of the destination that files go to"),
	TEXT("directory", Z(directory), "", 200, config_directory_form_check, "below the destination's; %Y, %m and %d become the date"),
	CHOICE("form", Z(in_one_line), "lines", forms, "lines: a line per parameter, or one-line"),
	CHOICE("line-end", Z(crlf), "lf", line_ends, "lf or crlf"),
	INTEGER("decimals", Z(decimals), "4", 0, 9, "places of a value"),
	TEXT("missing", Z(missing), "---", 16, config_missing_check, "what stands where there is no value"),
	CHOICE("time", Z(time_is_start), "end", times, "end or start of the five minutes"),
	LIST("parameters", 1, &parameter_group, "what its files hold"),
};
static const struct config_group station_group =
	GROUP("station", station_options, station_draft, config_finish_station);

#define S(field) FIELD(site_draft, site.field)
static const struct config_option site_options[] = {
	TEXT("site", S(name), REQUIRED, 32, config_name_check, "the site's name"),
	TEXT("title", S(title), "", TITLE, config_text_check, "for people; default: the name"),
	TEXT("cluster", S(cluster), "", TITLE, config_text_check, "industrial cluster that it belongs to"),
	TEXT("commune", S(commune), "", TITLE, config_text_check, "commune that it lies in"),
	TEXT("province", S(province), "", TITLE, config_text_check, "province that it lies in"),
	NUMBERS("position", FIELD(site_draft, position), "", "[latitude, longitude] in degrees WGS84"),
	NUMBER_IN("wind-speed", S(met.wind_m_s), "", 0, 100, "m/s at 10 m, where no channel measures it"),
	NUMBER_IN("wind-direction", S(met.wind_from_deg), "", 0, 360, "degrees that the wind comes from, where no channel measures it"),
	CHOICE("stability", S(met.stability), "", stabilities, "Pasquill class of the air, where no channel tells it"),
	NUMBER_IN("air-temperature", S(met.air_c), "", -50, 60, "°C, where no channel measures it"),
	TEXT("wind-speed-from", FIELD(site_draft, speed_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it at 10 m"),
	TEXT("wind-direction-from", FIELD(site_draft, direction_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it"),
	TEXT("stability-from", FIELD(site_draft, stability_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that tells it, 1 (A) to 6 (F)"),
	TEXT("air-temperature-from", FIELD(site_draft, air_from), "", PATH, config_text_check, "SITE/SOURCE/CHANNEL that measures it"),
	TEXT("plan", S(response.plan), "", TITLE, config_text_check, "reference of the response plan"),
	TEXT("command", S(response.command), "", ROSTER, config_text_check, "who commands on the spot"),
	TEXT("forces", S(response.forces), "", ROSTER, config_text_check, "people on the spot"),
	TEXT("means", S(response.means), "", ROSTER, config_text_check, "equipment on the spot"),
	TEXT("supplies", S(response.supplies), "", ROSTER, config_text_check, "supplies on the spot"),
	TEXT("contact-name", S(response.contact_name), "", TITLE, config_text_check, "whom the department calls"),
	TEXT("contact-phone", S(response.contact_phone), "", 32, config_phone_check, "by which number"),
	TEXT("contact-email", S(response.contact_email), "", 100, config_email_check, "by which address"),
	DURATION("drill-interval", S(drill_interval_min), "", 1, 3650 * D_MIN, MINUTE, "a drill is due so long after the last one, such as 365d; default: never"),
	LIST("links", 1, &link_group, "connections to devices"),
	LIST("units", 1, &unit_group, "devices on the links"),
	LIST("sources", 1, &source_group, "release points with their channels and limits"),
	LIST("stations", 0, &station_group, "data files for the department"),
};
const struct config_group config_site_group =
	GROUP("site", site_options, site_draft, config_finish_site);
/* clang-format on */

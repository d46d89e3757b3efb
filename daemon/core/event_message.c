/* SPDX-License-Identifier: Apache-2.0 */
/* what happened as a sentence for people */
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "core/event_sentences.h"
#include "core/limit.h"

#define MASSES_IN_MESSAGE 6 /* all of them are in the entry */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static const char *path_of(const struct event *event, const struct config *config)
{
	return event->channel == EVENT_NONE ? "" : config->channels[event->channel].path;
}

/* "312.5 mg/l" */
static void value_and_unit(double number, size_t channel, const struct config *config, char *text,
			   size_t n)
{
	char value[EVENT_VALUE_MAX];
	const char *unit = config->channels[channel].measure;

	event_value_text(number, value);
	(void)snprintf(text, n, "%s%s%s", value, *unit ? " " : "", unit);
}

static void message_of_alarm(const struct event *event, const struct config *config, char *text)
{
	const struct config_limit *limit = &config->limits[event->limit];
	const char *path = config->channels[event->channel].path;
	char value[96], bound[96];

	value_and_unit(event->value, event->channel, config, value, sizeof(value));
	value_and_unit(limit->bound, event->channel, config, bound, sizeof(bound));
	if (event->type == EVENT_ALARM_RAISED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%s is at %s (%s), %s its %s of %s%s%s%s%s%s%s%s", path, value,
			       limit_on_words(limit->on), limit->high ? "above" : "below",
			       limit_class_text(limit->class), bound, *limit->origin ? ", " : "",
			       limit->origin, event->reason ? " (" : "", or_empty(event->reason),
			       event->reason ? ")" : "", *limit->advice ? ". " : "", limit->advice);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%s is back at %s, within its %s of %s",
			       path, value, limit_class_text(limit->class), bound);
}

/* "; COD: 12.5 kg released, 3.1 kg of it above the permit's limit of 75 mg/l (98 % of the time was
 * measured)" */
static void append_mass(const struct event_mass *mass, const struct config *config, char *text)
{
	const char *name = config->channels[mass->channel].name;
	const struct config_limit *limit = &config->limits[mass->limit];
	size_t n = strlen(text);
	char total[EVENT_VALUE_MAX], above[EVENT_VALUE_MAX], bound[96];

	event_value_text(mass->total_kg, total);
	event_value_text(mass->above_kg, above);
	value_and_unit(limit->bound, mass->channel, config, bound, sizeof(bound));
	if (mass->known)
		(void)snprintf(text + n, EVENT_MESSAGE_MAX - n,
			       "; %s: %s kg released, %s kg of it above %s of %s (%u %% of the "
			       "time was measured)",
			       name, total, above, limit_basis_words(limit->basis), bound,
			       mass->covered_percent);
	else
		(void)snprintf(text + n, EVENT_MESSAGE_MAX - n,
			       "; %s: nothing is known of the mass released", name);
}

static void message_of_incident(const struct event *event, const struct config *config, char *text)
{
	const char *what = event->type == EVENT_INCIDENT_OPENED	   ? "has begun"
			   : event->type == EVENT_INCIDENT_UPDATED ? "goes on"
								   : "has ended";

	(void)snprintf(text, EVENT_MESSAGE_MAX,
		       "%s waste incident of class %s at %s %s (%s); see: wastewatch show %s",
		       waste_kind_text(event->kind), limit_class_text(event->incident_class),
		       config->sites[event->site].name, what, event->reason ? event->reason : "",
		       event->incident);
	text[0] = (char)(text[0] - 'a' + 'A');
	for (size_t i = 0; i < event->n_masses && i < MASSES_IN_MESSAGE; i++)
		append_mass(&event->masses[i], config, text);
}

static void message_of_measuring(const struct event *event, const struct config *config, char *text)
{
	const char *path = path_of(event, config);
	const char *reason = or_empty(event->reason);
	long long number = (long long)event->number;

	if (event->type == EVENT_MEASUREMENT_LOST)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%s is not being measured: %s; check the instrument and its line",
			       path, reason);
	else if (event->type == EVENT_MEASUREMENT_RESTORED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%s %s%s", path,
			       *reason ? "is no longer missed: " : "is being measured again",
			       reason);
	else if (event->type == EVENT_READINGS_LOST)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%lld readings are lost: %s", number,
			       reason);
	else if (event->type == EVENT_POLLER_STARTED)
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"A poller has begun anew; what an earlier one read and had not handed "
			"over is missing");
	else if (event->type == EVENT_POLLER_SILENT)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Nothing comes from the poller: %s; see: systemctl status "
			       "wastewatch-poller",
			       reason);
	else if (event->type == EVENT_POLLER_RETURNED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "The poller is reading again");
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "The wall clock was set %s by %lld ms",
			       number < 0 ? "back" : "forward", number < 0 ? -number : number);
}

static void message_of_state(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name);
	const char *reason = or_empty(event->reason);
	char since[CLOCK_TEXT_MAX];

	clock_format(event->since_ms, config->zone_min, since);
	(void)snprintf(text, EVENT_MESSAGE_MAX, "State %s: %s since %s", name, reason, since);
}

static void message_of_window(const struct event *event, const struct config *config, char *text)
{
	const char *path = path_of(event, config);
	const char *name = or_empty(event->name);
	char since[CLOCK_TEXT_MAX];

	clock_format(event->since_ms, config->zone_min, since);
	(void)snprintf(
		text, EVENT_MESSAGE_MAX,
		"The %s window of %s from %s has only %lld %% of its values: its limits were "
		"not judged",
		name, path, since, (long long)event->number);
}

static void message_of_report(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name);
	const char *reason = or_empty(event->reason);
	const char *report = or_empty(event->report);
	bool is_file = strncmp(report, "file:", 5) == 0; /* files.h */
	const char *what = is_file ? "Data file" : "Report";

	(void)config;
	report += is_file ? 5 : 0;
	if (event->type == EVENT_REPORTS_STRANDED)
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"%lld %s wait for %s, which is no longer configured for them; put it back "
			"into wastewatch.yaml until they are delivered",
			(long long)event->number, *reason ? reason : "reports", name);
	else if (event->type == EVENT_REPORT_DELIVERED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%s %s was accepted by %s", what, report,
			       name);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%s %s was refused by %s: %s; it is kept and tried again every "
			       "2 h, but somebody must mend this",
			       what, report, name, reason);
}

/* what people do to reports, and what a receiver does to all of them */
static void message_of_outbox(const struct event *event, const struct config *config, char *text)
{
	static const struct {
		enum event_type type;
		const char *words;
	} acts[] = {
		{EVENT_REPORT_RETRIED, "made due at once"},
		{EVENT_REPORT_STOPPED, "held back"},
		{EVENT_REPORT_RELEASED, "let go again"},
		{EVENT_REPORT_ABANDONED, "abandoned"},
	};
	const char *name = or_empty(event->name), *reason = or_empty(event->reason);
	const char *user = event->user ? event->user : "somebody";

	(void)config;
	if (event->type == EVENT_DESTINATION_PAUSED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Destination %s wants no more reports (%s): nothing is sent there, "
			       "all is kept; ask it, then: wastewatch outbox resume %s",
			       name, reason, name);
	else if (event->type == EVENT_DESTINATION_RESUMED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Reports go to %s again%s%s%s%s%s", name,
			       event->user ? ", by " : "", or_empty(event->user),
			       *reason ? " (" : "", reason, *reason ? ")" : "");
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (acts[i].type == event->type)
			(void)snprintf(text, EVENT_MESSAGE_MAX, "%s%s for %s: %s by %s%s%s%s",
				       event->report ? "Report " : "All reports",
				       or_empty(event->report), name, acts[i].words, user,
				       *reason ? " (" : "", reason, *reason ? ")" : "");
}

/* "10 min 5 s" is what people compare with a clock */
static void time_apart(int64_t seconds, char *text, size_t n)
{
	long long apart = seconds < 0 ? -seconds : seconds;

	if (apart < 60)
		(void)snprintf(text, n, "%lld s", apart);
	else
		(void)snprintf(text, n, "%lld min %lld s", apart / 60, apart % 60);
}

static void message_of_anchor(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name);
	const char *reason = or_empty(event->reason);
	long long number = (long long)event->number;
	char apart[48];

	(void)config;
	time_apart(event->number, apart, sizeof(apart));
	if (event->type == EVENT_CLOCK_DIFFERS)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The clock of %s is %s %s this machine's; see which one is wrong: "
			       "timedatectl timesync-status",
			       name, apart, event->number < 0 ? "behind" : "ahead of");
	else if (event->type == EVENT_ANCHOR_BEHIND)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Destination %s has lost reports: it holds nothing above entry "
			       "%lld, %s; they are sent again",
			       name, number, reason);
	else if (event->type == EVENT_ANCHOR_AHEAD)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Destination %s holds entry %lld of this record, which was set back "
			       "or restored from a backup: what came after is missing here; %s",
			       name, number, reason);
	else if (event->type == EVENT_ANCHOR_CONFLICT)
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"Destination %s holds another entry %lld of this record, which was set "
			"back, restored from a backup, or changed; %s",
			name, number, reason);
	else if (event->type == EVENT_ANCHOR_AGREED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Destination %s is in agreement again: %s",
			       name, reason);
	else if (event->type == EVENT_ANCHOR_SEEN)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "That %s holds another record than this machine was seen%s%s", name,
			       event->user ? ", by " : "", or_empty(event->user));
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Daily sign of life for the department: %s",
			       reason);
}

static void message_of_service(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name);
	const char *reason = or_empty(event->reason);

	(void)config;
	if (event->type == EVENT_RECORD_CREATED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "A new record begins: %s", reason);
	else if (event->type == EVENT_CORE_STARTED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "wastewatchd has started: %s", reason);
	else if (event->type == EVENT_CORE_STOPPED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "wastewatchd was stopped");
	else if (event->type == EVENT_CONFIG_LOADED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Configuration %s is in force", name);
	else if (event->type == EVENT_CONFIG_REFUSED)
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"The new configuration was refused (%lld errors, the first: %s); the "
			"old one stays in force; see: wastewatch check",
			(long long)event->number, reason);
	else if (event->type == EVENT_ALARM_FLOOD)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%lld alarms in ten minutes are a flood: begin with the incidents; "
			       "see: wastewatch incidents --open",
			       (long long)event->number);
	else if (event->type == EVENT_ALARM_REMOVED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Alarm %s is gone: %s", name, reason);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Incident %s was ended without an end that was measured: %s; the "
			       "department is told so",
			       name, reason);
}

/* what people do to alarms, and what alarms do beside being raised and cleared */
static const char *alarm_words(enum event_type type)
{
	static const char *const words[] = {
		[EVENT_ALARM_ACKNOWLEDGED] = "was acknowledged",
		[EVENT_ALARM_RESET] = "was reset",
		[EVENT_ALARM_SHELVED] = "was shelved; it is judged and recorded all the same",
		[EVENT_ALARM_UNSHELVED] = "is no longer shelved",
		[EVENT_ALARM_OUT_OF_SERVICE] =
			"was taken out of service; it is judged and recorded all the same",
		[EVENT_ALARM_RETURNED] = "is in service again",
		[EVENT_ALARM_SUPPRESSED] = "is suppressed; it is judged and recorded all the same",
		[EVENT_ALARM_UNSUPPRESSED] = "is no longer suppressed",
		[EVENT_ALARM_REPEATED] = "still stands and needs somebody again",
	};

	return words[type];
}

/* "PATH/LIMIT was shelved by USER until TIME (REASON)" */
static void message_of_act(const struct event *event, const struct config *config, char *text)
{
	char until[CLOCK_TEXT_MAX] = "";

	if (event->until_ms)
		clock_format(event->until_ms, config->zone_min, until);
	(void)snprintf(text, EVENT_MESSAGE_MAX, "Alarm %s %s%s%s%s%s%s%s%s",
		       config->limits[event->limit].path, alarm_words(event->type),
		       event->user ? ", by " : "", event->user ? event->user : "",
		       *until ? ", until " : "", until, event->reason ? " (" : "",
		       event->reason ? event->reason : "", event->reason ? ")" : "");
}

static void message_of_forecast(const struct event *event, const struct config *config, char *text)
{
	const char *reason = or_empty(event->reason);
	const struct config_limit *limit = &config->limits[event->limit];
	char bound[96];

	value_and_unit(limit->bound, event->channel, config, bound, sizeof(bound));
	if (event->number > 0)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "At this rate the %s of %s will be %s its %s of %s in %lld min; "
			       "until then that can be prevented",
			       limit_on_words(limit->on), config->channels[event->channel].path,
			       limit->high ? "over" : "below", limit_class_text(limit->class),
			       bound, (long long)(event->number + 59) / 60);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "That the %s of %s breaks its %s of %s %s%s",
			       limit_on_words(limit->on), config->channels[event->channel].path,
			       limit_class_text(limit->class), bound,
			       strcmp(reason, EVENT_FORECAST_GONE) == 0 ? "is " : "",
			       *reason ? reason : "can no longer be avoided");
}

static void message_of_level(const struct event *event, const struct config *config, char *text)
{
	static const struct {
		enum event_type type;
		const char *words;
	} acts[] = {
		{EVENT_INCIDENT_ACKNOWLEDGED, "was acknowledged"},
		{EVENT_INCIDENT_CLOSED, "was closed"},
		{EVENT_INCIDENT_LEVEL, "is now of level"},
	};
	const char *reason = or_empty(event->reason);

	(void)config;
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (acts[i].type == event->type)
			(void)snprintf(text, EVENT_MESSAGE_MAX, "Incident %s %s%s%s%s%s%s%s%s%s%s",
				       event->incident, acts[i].words, event->level ? " " : "",
				       event->level ? event->level : "", event->user ? " by " : "",
				       event->user ? event->user : "", *reason ? " (" : "", reason,
				       *reason ? ")" : "", event->measures ? "; measures: " : "",
				       event->measures ? event->measures : "");
}

static void message_of_crossing(const struct event *event, const struct config *config, char *text)
{
	const char *reason = or_empty(event->reason);
	const char *site = event->site == EVENT_NONE ? "?" : config->sites[event->site].name;
	const char *where = event->boundary ? event->boundary : "a boundary";
	const char *incident = event->incident ? event->incident : "";
	const char *sure = or_empty(event->verdict);
	if (event->type == EVENT_INBOUND_SUSPECTED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "What %s measures comes from beyond %s, %s: %s", site, where,
			       event->verdict ? event->verdict : "possible", reason);
	else if (event->type == EVENT_CROSSING_ASSESSED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Release of %s reaching %s: %s; %s",
			       incident, where, strcmp(sure, "none") == 0 ? "not assessed" : sure,
			       reason);
	else
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"That the release of %s reaches %s is %s by what is measured there: %s",
			incident, where,
			event->type == EVENT_CROSSING_CONFIRMED ? "confirmed" : "refuted", reason);
}

static void message_of_drill(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name);
	const char *reason = or_empty(event->reason);
	const char *site = event->site == EVENT_NONE ? "?" : config->sites[event->site].name;

	if (event->type == EVENT_DRILL_DUE)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "A drill is due at %s: %s; see: wastewatch drill list", site,
			       reason);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Drill \"%s\" at %s has %s%s%s%s%s%s", name,
			       site, event->type == EVENT_DRILL_STARTED ? "begun" : "ended",
			       event->user ? ", by " : "", event->user ? event->user : "",
			       *reason ? " (" : "", reason, *reason ? ")" : "");
}

/* who says it; every type has one */
static event_sentence *const sentences[EVENT_TYPE_MAX + 1] = {
	[EVENT_ALARM_RAISED] = message_of_alarm,
	[EVENT_ALARM_CLEARED] = message_of_alarm,
	[EVENT_ALARM_ACKNOWLEDGED] = message_of_act,
	[EVENT_ALARM_RESET] = message_of_act,
	[EVENT_ALARM_SHELVED] = message_of_act,
	[EVENT_ALARM_UNSHELVED] = message_of_act,
	[EVENT_ALARM_OUT_OF_SERVICE] = message_of_act,
	[EVENT_ALARM_RETURNED] = message_of_act,
	[EVENT_ALARM_SUPPRESSED] = message_of_act,
	[EVENT_ALARM_UNSUPPRESSED] = message_of_act,
	[EVENT_ALARM_REPEATED] = message_of_act,
	[EVENT_ALARM_FORECAST] = message_of_forecast,
	[EVENT_INCIDENT_OPENED] = message_of_incident,
	[EVENT_INCIDENT_UPDATED] = message_of_incident,
	[EVENT_INCIDENT_ENDED] = message_of_incident,
	[EVENT_INCIDENT_ACKNOWLEDGED] = message_of_level,
	[EVENT_INCIDENT_CLOSED] = message_of_level,
	[EVENT_INCIDENT_LEVEL] = message_of_level,
	[EVENT_CROSSING_ASSESSED] = message_of_crossing,
	[EVENT_CROSSING_CONFIRMED] = message_of_crossing,
	[EVENT_CROSSING_REFUTED] = message_of_crossing,
	[EVENT_INBOUND_SUSPECTED] = message_of_crossing,
	[EVENT_DRILL_STARTED] = message_of_drill,
	[EVENT_DRILL_STOPPED] = message_of_drill,
	[EVENT_DRILL_DUE] = message_of_drill,
	[EVENT_MEASUREMENT_LOST] = message_of_measuring,
	[EVENT_MEASUREMENT_RESTORED] = message_of_measuring,
	[EVENT_READINGS_LOST] = message_of_measuring,
	[EVENT_STORAGE_LOW... EVENT_JOURNAL_RESENT] = event_sentence_storage,
	[EVENT_SANDBOX_CHECKED... EVENT_SANDBOX_OPEN] = event_sentence_sandbox,
	[EVENT_POLLER_STARTED] = message_of_measuring,
	[EVENT_POLLER_SILENT] = message_of_measuring,
	[EVENT_POLLER_RETURNED] = message_of_measuring,
	[EVENT_CLOCK_STEPPED] = message_of_measuring,
	[EVENT_CLOCK_DIFFERS] = message_of_anchor,
	[EVENT_ANCHOR_BEHIND] = message_of_anchor,
	[EVENT_ANCHOR_AHEAD] = message_of_anchor,
	[EVENT_ANCHOR_CONFLICT] = message_of_anchor,
	[EVENT_ANCHOR_AGREED] = message_of_anchor,
	[EVENT_ANCHOR_SEEN] = message_of_anchor,
	[EVENT_HEARTBEAT] = message_of_anchor,
	[EVENT_WINDOW_INVALID] = message_of_window,
	[EVENT_DEVICE_STATE] = message_of_state,
	[EVENT_REPORT_DELIVERED] = message_of_report,
	[EVENT_REPORT_HELD] = message_of_report,
	[EVENT_REPORTS_STRANDED] = message_of_report,
	[EVENT_RECORD_VERIFIED] = event_message_record,
	[EVENT_RECORD_DAMAGED] = event_message_record,
	[EVENT_RECORD_REPLACED] = event_message_record,
	[EVENT_RECORD_SEEN] = event_message_record,
	[EVENT_KEY_ROTATED] = event_message_record,
	[EVENT_REPORTS_FIXED] = event_message_record,
	[EVENT_REPORT_ALTERED] = event_message_record,
	[EVENT_CREDENTIAL_MISSING] = event_sentence_credential,
	[EVENT_DESTINATION_PAUSED] = message_of_outbox,
	[EVENT_DESTINATION_RESUMED] = message_of_outbox,
	[EVENT_REPORT_RETRIED] = message_of_outbox,
	[EVENT_REPORT_STOPPED] = message_of_outbox,
	[EVENT_REPORT_RELEASED] = message_of_outbox,
	[EVENT_REPORT_ABANDONED] = message_of_outbox,
	[EVENT_RECORD_CREATED] = message_of_service,
	[EVENT_CORE_STARTED] = message_of_service,
	[EVENT_CORE_STOPPED] = message_of_service,
	[EVENT_CONFIG_LOADED] = message_of_service,
	[EVENT_CONFIG_REFUSED] = message_of_service,
	[EVENT_ALARM_REMOVED] = message_of_service,
	[EVENT_ALARM_FLOOD] = message_of_service,
	[EVENT_INCIDENT_REMOVED] = message_of_service,
};

void event_message(const struct event *event, const struct config *config,
		   char text[static EVENT_MESSAGE_MAX])
{
	static const char mark[] = "EXERCISE: ";
	size_t n;

	sentences[event->type](event, config, text);
	if (!event->exercise)
		return;
	n = strnlen(text, EVENT_MESSAGE_MAX - sizeof(mark));
	memmove(text + sizeof(mark) - 1, text, n);
	memcpy(text, mark, sizeof(mark) - 1);
	text[n + sizeof(mark) - 1] = '\0';
}

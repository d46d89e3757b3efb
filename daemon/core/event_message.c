/* SPDX-License-Identifier: Apache-2.0 */
/* what happened as a sentence for people */
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "core/limit.h"

/* "312.5 mg/l" */
static void value_and_unit(const struct event *event, const struct config *config, char *text,
			   size_t n)
{
	char value[EVENT_VALUE_MAX];
	const char *unit = event->channel == EVENT_NONE ? ""
							: config->channels[event->channel].measure;

	event_value_text(event->value, value);
	(void)snprintf(text, n, "%s%s%s", value, *unit ? " " : "", unit);
}

static void message_of_alarm(const struct event *event, const struct config *config, char *text)
{
	const struct config_limit *limit = &config->limits[event->limit];
	const char *path = config->channels[event->channel].path;
	char value[96], bound[EVENT_VALUE_MAX];

	value_and_unit(event, config, value, sizeof(value));
	event_value_text(limit->bound, bound);
	if (event->type == EVENT_ALARM_RAISED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%s is at %s (%s), %s its %s of %s%s%s%s%s",
			       path, value, limit_on_words(limit->on),
			       limit->high ? "above" : "below", limit_class_text(limit->class),
			       bound, *limit->origin ? ", " : "", limit->origin,
			       *limit->advice ? ". " : "", limit->advice);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "%s is back at %s, within its %s of %s",
			       path, value, limit_class_text(limit->class), bound);
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
}

static void message_of_measuring(const struct event *event, const char *path, const char *reason,
				 char *text)
{
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

static void message_of_state(const struct event *event, const struct config *config,
			     const char *name, const char *reason, char *text)
{
	char since[CLOCK_TEXT_MAX];

	clock_format(event->since_ms, config->zone_min, since);
	(void)snprintf(text, EVENT_MESSAGE_MAX, "State %s: %s since %s", name, reason, since);
}

static void message_of_window(const struct event *event, const struct config *config,
			      const char *path, const char *name, char *text)
{
	char since[CLOCK_TEXT_MAX];

	clock_format(event->since_ms, config->zone_min, since);
	(void)snprintf(
		text, EVENT_MESSAGE_MAX,
		"The %s window of %s from %s has only %lld %% of its values: its limits were "
		"not judged",
		name, path, since, (long long)event->number);
}

static void message_of_report(const struct event *event, const char *name, const char *reason,
			      char *text)
{
	const char *report = event->report ? event->report : "";
	bool is_file = strncmp(report, "file:", 5) == 0; /* files.h */
	const char *what = is_file ? "Data file" : "Report";

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

static void message_of_service(const struct event *event, const char *name, const char *reason,
			       char *text)
{
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
	else if (event->type == EVENT_ALARM_REMOVED)
		(void)snprintf(text, EVENT_MESSAGE_MAX, "Alarm %s is gone: %s", name, reason);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Incident %s was closed without an end that was measured: %s; the "
			       "department is told so",
			       name, reason);
}

static void sentence(const struct event *event, const struct config *config, char *text)
{
	const char *path = event->channel == EVENT_NONE ? ""
							: config->channels[event->channel].path;
	const char *reason = event->reason ? event->reason : "";
	const char *name = event->name ? event->name : "";

	switch (event->type) {
	case EVENT_ALARM_RAISED:
	case EVENT_ALARM_CLEARED:
		message_of_alarm(event, config, text);
		return;
	case EVENT_INCIDENT_OPENED:
	case EVENT_INCIDENT_UPDATED:
	case EVENT_INCIDENT_ENDED:
		message_of_incident(event, config, text);
		return;
	case EVENT_MEASUREMENT_LOST:
	case EVENT_MEASUREMENT_RESTORED:
	case EVENT_READINGS_LOST:
	case EVENT_POLLER_STARTED:
	case EVENT_POLLER_SILENT:
	case EVENT_POLLER_RETURNED:
	case EVENT_CLOCK_STEPPED:
		message_of_measuring(event, path, reason, text);
		return;
	case EVENT_WINDOW_INVALID:
		message_of_window(event, config, path, name, text);
		return;
	case EVENT_DEVICE_STATE:
		message_of_state(event, config, name, reason, text);
		return;
	case EVENT_REPORT_DELIVERED:
	case EVENT_REPORT_HELD:
	case EVENT_REPORTS_STRANDED:
		message_of_report(event, name, reason, text);
		return;
	case EVENT_RECORD_CREATED:
	case EVENT_CORE_STARTED:
	case EVENT_CORE_STOPPED:
	case EVENT_CONFIG_LOADED:
	case EVENT_CONFIG_REFUSED:
	case EVENT_ALARM_REMOVED:
	case EVENT_INCIDENT_REMOVED:
		message_of_service(event, name, reason, text);
		return;
	}
}

void event_message(const struct event *event, const struct config *config,
		   char text[static EVENT_MESSAGE_MAX])
{
	static const char mark[] = "EXERCISE: ";
	size_t n;

	sentence(event, config, text);
	if (!event->exercise)
		return;
	n = strnlen(text, EVENT_MESSAGE_MAX - sizeof(mark));
	memmove(text + sizeof(mark) - 1, text, n);
	memcpy(text, mark, sizeof(mark) - 1);
	text[n + sizeof(mark) - 1] = '\0';
}

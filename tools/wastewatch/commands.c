/* SPDX-License-Identifier: Apache-2.0 */
/* the table of commands, in the order of --help */
#include <limits.h>
#include <string.h>

#include "core/catalogue.h"
#include "tools/options.h"

#define ANY_NUMBER INT_MAX

static const struct command commands[] = {
	{N_("What is going on"), "status", command_status, 0, 0, "",
	 N_("what needs attention now, on one screen"), "", NULL},
	{NULL, "channels", command_channels, 0, 1, "[CHANNEL]",
	 N_("last value, quality and limits of each channel"), "all",
	 N_("CHANNEL may be the beginning of a name.\n")},
	{NULL, "links", command_links, 0, 0, "",
	 N_("the lines to the devices, and how busy they are"), "", NULL},
	{NULL, "alarms", command_alarms, 0, 0, "", N_("alarms that stand or are hidden, and why"),
	 "", NULL},
	{NULL, "incidents", command_incidents, 0, 0, "", N_("incidents, those not closed first"),
	 "open", NULL},
	{NULL, "show", command_show, 1, 1, "INCIDENT",
	 N_("the story of one incident: what to do, its course, who was told"), "", NULL},
	{NULL, "means", command_means, 0, 1, "[CHANNEL]",
	 N_("means of a channel; without one: the channels on record"), "window from to csv", NULL},
	{NULL, "metrics", command_metrics, 0, 0, "",
	 N_("figures for monitoring, as OpenMetrics text"), "", NULL},

	{N_("What people do"), "ack", command_act, 1, ANY_NUMBER, "TARGET...",
	 N_("acknowledge alarms or incidents"), "reason exercise", NULL},
	{NULL, "reset", command_act, 1, ANY_NUMBER, "ALARM...", N_("reset alarms that are latched"),
	 "reason exercise", NULL},
	{NULL, "shelve", command_act, 1, ANY_NUMBER, "ALARM...",
	 N_("hide alarms for a time; they are judged and recorded all the same"),
	 "for until once reason exercise", NULL},
	{NULL, "unshelve", command_act, 1, ANY_NUMBER, "ALARM...", N_("show them again"),
	 "reason exercise", NULL},
	{NULL, "out-of-service", command_act, 1, ANY_NUMBER, "ALARM...",
	 N_("take alarms out of service"), "for until reason exercise", NULL},
	{NULL, "return", command_act, 1, ANY_NUMBER, "ALARM...", N_("and back into it"),
	 "reason exercise", NULL},
	{NULL, "close", command_act, 1, ANY_NUMBER, "INCIDENT...",
	 N_("close incidents that have ended: --cause and --measures"), "cause measures exercise",
	 NULL},
	{NULL, "drill", command_drill, 1, 3, "VERB",
	 N_("start SITE SCENARIO, stop SITE, list or scenarios"), "", NULL},
	{NULL, "outbox", command_outbox, 1, ANY_NUMBER, "VERB",
	 N_("reports on their way: list, show, retry, hold, release, abandon, resume"),
	 "all body reason",
	 N_("list [DESTINATION] [--all]    what waits, and why\n"
	    "show ID [--body]              one report; --body: its bytes alone\n"
	    "retry ID|DESTINATION...       try it now\n"
	    "hold ID|DESTINATION... --reason TEXT\n"
	    "release ID|DESTINATION...     let go what somebody holds\n"
	    "abandon ID|DESTINATION... --reason TEXT\n"
	    "resume DESTINATION...         after its receiver has said 410\n")},

	{N_("The record"), "verify", command_verify, 0, 1, "[PATH]",
	 N_("is the record, or an export, what was written?"), "key",
	 N_("Without PATH: the record in --state; else a record's file, or the directory of an\n"
	    "export.\n")},
	{NULL, "export", command_export, 0, 0, "",
	 N_("entries of a time, up to the signed head behind them, for others"),
	 "since until format csv output", NULL},
	{NULL, "backup", command_backup, 1, 1, "FILE",
	 N_("copy the record, while it is written or not, and verify the copy"), "", NULL},
	{NULL, "record", command_record, 1, 1, "seen",
	 N_("say that you know that the record was damaged"), "reason", NULL},

	{N_("The configuration"), "check", command_check, 0, 0, "", N_("check the configuration"),
	 "date", NULL},
	{NULL, "reload", command_reload, 0, 0, "",
	 N_("have the daemon read the configuration anew, and say what came of it"), "", NULL},
	{NULL, "limits", command_limits, 0, 1, "[SOURCE]",
	 N_("what each source is held to, by which law, and how sure that is"), "date",
	 N_("SOURCE is SITE or SITE/SOURCE.\n")},
	{NULL, "plan", command_plan, 0, 0, "",
	 N_("what is read from each unit, and how busy the lines are"), "", NULL},
	{NULL, "probe", command_probe, 0, ANY_NUMBER, "LINK ADDRESS",
	 N_("read registers of a device, in every decoding"), "table watch timeout force",
	 N_("probe LINK[:UNIT] ADDRESS [COUNT] reads only, 0-based; LINK is LINK or SITE/LINK of\n"
	    "the configuration, or tcp:HOST:PORT[:ID], rtu-tcp:HOST:PORT[:ID],\n"
	    "rtu:DEVICE:BAUD[:8E1][:ID]\n")},
	{NULL, "keygen", command_keygen, 0, 1, "[NAME]",
	 N_("make the keys that are missing; --rotate: a new one, NAME or sign-key"), "rotate",
	 NULL},

	{N_("Judging by hand"), "replay", command_replay, 1, ANY_NUMBER, "FILE...",
	 N_("judge recorded readings as production would"), "reports minutes files actions drill",
	 N_("FILE is a table (time,channel,value,status), or the department's data files or\n"
	    "directories of them.\n")},
	{NULL, "assess", NULL, 1, ANY_NUMBER, "METHOD",
	 N_("a plume, river or boundary by hand; assess METHOD --help"), "", NULL},
	{0},
};

const struct command *command_table(void)
{
	return commands;
}

const struct command *command_named(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

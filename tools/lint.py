#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no general tool checks: who may include whom, what a module may call, sizes, headers.

    lint.py --build DIR     with DIR as "make" has built it
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_MAX, FILE_MAX = 60, 500

# Which parts may include which.
PARTS = {
    "common": {"common"},
    "poller": {"common", "poller"},
    "sender": {"common", "sender"},
    "core": {"common", "core"},
    "tools": {"common", "core", "poller", "tools"},
    "tests": {"common", "core", "poller", "sender", "tools"},
}

# The core's modules from low to high: a module includes headers of its own line and of the
# lines before it only. A family of files shares its line.
CORE_ORDER = """
quality alarm_rules decode units catalogue boundary river plume solid
boundary_file
window
config_crossing config config_yaml config_text config_address config_value config_names config_schema config_walk \
config_build config_destination config_link config_unit config_channel config_derived config_limit config_alarm config_flow config_station config_reference config_crossing_schema config_boundary config_river config_release \
config_profile config_library config_rows config_catalogue config_catalogue_schema config_standard config_factor config_law config_law_words config_law_own config_law_all config_held standard
standard_check
drill_scenario drill_library
plan plan_requests plan_packets budget
outbox hash anchor sign sign_public screen formula circular tally
ration accounts
event event_sentences event_message event_record event_storage event_sandbox canon head verify verify_reports verify_text fields limit alarm forecast flood mass crossing
cap_xml
cap cap_parts cap_map cap_text cap_words cap_paths cap_area cap_heartbeat
batch facts
core action alarms foresee measure verdict derive windows judge reason incident incident_report incident_act audience heartbeat release assess assess_inside assess_round assess_river assess_plume assess_solid assess_verdict assess_source assess_seen assess_due assess_tick inbound report report_parts report_released report_response report_crossing report_form report_heartbeat report_skipped snapshot files
drill drill_inside drill_fit drill_save
sqlite record record_minute record_statements record_commit record_anchor record_anchor_sql record_outbox record_fix record_legacy record_whole record_past record_unclosed record_schema record_tables record_read_back record_mend record_incidents record_upkeep record_rebuild record_open record_degraded record_backup record_journal record_drill record_verify record_verify_outbox record_aside record_rescue history history_inside history_outbox history_windows history_chain
journal_ask journal_doubt journal journal_send peer memory
service storage unstored late legacy chain chain_keys chain_people chain_mend act drilling anchoring service_restore control control_inside control_calls control_places control_methods sandboxes control_lists control_objects control_views control_interfaces control_signals keys losses pollers delivery delivery_inside delivery_act delivery_peer delivery_unstored delivery_unsaved delivery_job reload status_setup status service_notify
main
"""

# A foreign library is known to one module (or family) of each program only.
FOREIGN = {
    "modbus": r"poller/(tcp|serial)",
    "sqlite3.h": r"core/(sqlite|record\w*|history\w*)|tools/receiver_?\w*|tools/receiver/store",
    "curl": r"sender/(attempt\w*|transfer|worker)",
    "yaml.h": r"core/config_yaml",
    "openssl": r"core/(sign|sign_public|event|hash|keys|record|config_yaml|memory)|tools/receiver/\w+|tools/wastewatch/\w+",
    "jansson.h": r"core/(audience|cap|cap_(?!xml)\w+|event|fields|report\w*|journal_send|status\w*|storage|unstored|boundary_file|memory|sandboxes)|tools/(\w+/)?\w+",
    "systemd/sd-bus.h": r"core/control\w*|tools/wastewatch/bus",
    "libxml": r"core/(cap_xml|memory)|tools/receiver/body",
    "microhttpd.h": r"tools/receiver/(server|answer)|tools/receiver_answer",
}

# Time is an argument: these read no clock, do no input or output and log nothing.
PURE = ("ration hash "
        "quality decode window limit core incident report event fields snapshot outbox batch "
        "plan plan_requests plan_packets screen formula alarm alarms foresee forecast flood "
        "measure verdict derive windows judge reason circular files tally "
        "config_text config_address config_value config_names "
        "boundary river plume solid units action event_message event_storage event_sandbox "
        "report_released report_response report_crossing report_skipped "
        "standard crossing assess assess_round assess_river assess_plume assess_solid assess_verdict assess_source assess_seen assess_due assess_tick inbound "
        "incident_report incident_act mass release "
        "alarm alarms foresee forecast flood "
        "catalogue cap cap_xml cap_map cap_text cap_words cap_paths cap_area audience report_form "
        "drill drill_fit drill_save drill_scenario head anchor heartbeat report_heartbeat cap_heartbeat "
        "canon verify event_record "
        "")
PURE_POLLER = "answer instep link link_state pace parts rtu silence split ring timeline work"
IMPURE_CALLS = re.compile(
    r"^(clock_now|clock_stamp|log_\w+|sd_\w+|sqlite3_\w+|time|clock_gettime|gettimeofday|open|"
    r"openat|fopen|read|write|send|recv|sendmsg|recvmsg|socket|connect|printf|puts|rand|random|"
    r"getrandom|getenv|usleep|nanosleep)$")

# Nothing in this project can write to a device.
WRITING_CALLS = re.compile(r"^modbus_(write|mask_write|send_raw_request_tid|reply)\w*$")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


class Lint:
    def __init__(self, build, compiler):
        self.build, self.compiler, self.findings = build, compiler, []
        self.sources = sorted(p for d in ("daemon", "tools", "tests") for p in
                              (ROOT / d).glob("*/*.c"))
        self.headers = sorted((ROOT / "include").glob("*/*.h"))
        self.level = {name: i for i, line in enumerate(CORE_ORDER.strip().splitlines())
                      for name in line.split()}

    def say(self, path, line, text):
        where = path.relative_to(ROOT) if path.is_absolute() else path
        self.findings.append(f"{where}:{line}: {text}")

    @staticmethod
    def place(path):
        """("core", "limit") of daemon/core/limit.c and of include/core/limit.h."""
        top, part = path.relative_to(ROOT).parts[:2]
        return (top if top in ("tools", "tests") else part), path.stem

    def check_includes(self, path):
        part, module = self.place(path)
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if match[1] == '"':
                self.check_own(path, line, part, module, match[2])
            else:
                self.check_foreign(path, line, part, match[2])

    def check_own(self, path, line, part, module, header):
        other, _, name = header.partition("/")
        if not (ROOT / "include" / header).exists():
            if not (path.parent / header).exists():
                self.say(path, line, f'"{header}" is no header of include/')
            return
        if other not in PARTS[part]:
            self.say(path, line, f"{part} may not include {other}: \"{header}\"")
        if part != "core" or other != "core":
            return
        name = name.removesuffix(".h")
        for wanted in (module, name):
            if wanted not in self.level:
                self.say(path, line, f"{wanted} has no place in CORE_ORDER of tools/lint.py")
                return
        if self.level[name] > self.level[module]:
            self.say(path, line, f"{module} is lower than {name} and may not include it")

    def check_foreign(self, path, line, part, header):
        library = next((key for key in FOREIGN if header == key or
                        header.startswith(key + "/")), None)
        if library is None or part == "tests":
            return
        name = "/".join(path.relative_to(ROOT).with_suffix("").parts[
            0 if path.relative_to(ROOT).parts[0] == "tools" else 1:])
        if not re.fullmatch(FOREIGN[library], name):
            self.say(path, line, f"<{header}> is for {FOREIGN[library]} only")

    def check_sizes(self, path):
        if self.place(path)[0] == "tests":
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > FILE_MAX:
            self.say(path, len(lines), f"{len(lines)} lines; {FILE_MAX} at most")
        start = None
        for i, text in enumerate(lines, 1):
            # the house style puts a function's braces, and nothing else, into column 1
            if text == "{":
                start = i
            elif text == "}" and start:
                if i - start + 1 > FUNCTION_MAX:
                    self.say(path, start, f"function of {i - start + 1} lines; "
                             f"{FUNCTION_MAX} at most")
                start = None

    def check_form(self, path):
        text = path.read_text(encoding="utf-8")
        if not text.startswith("/* SPDX-License-Identifier: Apache-2.0 */\n"):
            self.say(path, 1, "begins without the SPDX line")
        if path.suffix == ".h" and "\n#pragma once\n" not in text:
            self.say(path, 1, "has no #pragma once")
        if match := re.search(r"\bTODO\b|\bFIXME\b|\bXXX\b", text):
            self.say(path, text.count("\n", 0, match.start()) + 1, f"{match[0]}: do it now")

    def check_alone(self, header):
        done = subprocess.run(
            [*self.compiler.split(), "-std=gnu17", "-D_GNU_SOURCE", "-Iinclude", "-Wall", "-Wextra",
             "-Werror", "-fsyntax-only", "-x", "c", "-"], cwd=ROOT, encoding="utf-8",
            input=f'#include "{header.relative_to(ROOT / "include")}"\n', check=False,
            stderr=subprocess.PIPE)
        if done.returncode != 0:
            self.say(header, 1, "does not compile alone: " + done.stderr.splitlines()[0])

    def check_calls(self, path, forbidden, why):
        built = self.build / "obj" / path.relative_to(ROOT).with_suffix(".o")
        if not built.exists():
            self.say(path, 1, f"is not built in {self.build}")
            return
        done = subprocess.run(["nm", "-u", built], encoding="utf-8", check=True,
                              stdout=subprocess.PIPE)
        for name in re.findall(r"\bU (\w+)", done.stdout):
            plain = re.sub(r"^__(\w+)_chk$", r"\1", name)
            if forbidden.match(plain):
                self.say(path, 1, f"calls {plain}(): {why}")

    def run(self):
        for path in self.sources + self.headers:
            self.check_includes(path)
            self.check_sizes(path)
            self.check_form(path)
        for part, names in (("core", PURE), ("poller", PURE_POLLER)):
            for name in names.split():
                self.check_calls(ROOT / "daemon" / part / f"{name}.c", IMPURE_CALLS,
                                 "time is an argument here; no clock, no I/O, no log")
        for path in (ROOT / "daemon").glob("*/*.c"):
            self.check_calls(path, WRITING_CALLS, "function codes 1-4 are all that exists")
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.check_alone, self.headers))
        for finding in sorted(self.findings):
            print(finding)
        return 1 if self.findings else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--cc", default="cc")
    options = parser.parse_args()
    return Lint(options.build, options.cc).run()


if __name__ == "__main__":
    sys.exit(main())

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plant, a spill, and what becomes of it: the whole chain on this machine's loopback.
# Leaves configuration, state, received reports and logs under build/demo to look around in.
# Exits 0 only if the department's receiver holds verified reports of an incident that
# opened and ended, and the record shows the same incident, with its mass, its level, the
# verdict on the border, and who acknowledged and closed it.
set -euo pipefail

cd "$(dirname "$0")/.."
B=$(realpath "${B:-build}")
DIR=$B/demo
SECONDS_MAX=55
pids=()

say() { printf '%s\n' "$*"; }
fail() {
	say "demo: FAILED: $*; the logs are in $DIR/logs" >&2
	exit 1
}

stop_all() {
	local i
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill "${pids[i]}" 2>/dev/null || true
	done
	for i in "${pids[@]}"; do
		wait "$i" 2>/dev/null || true
	done
	[ -z "${bus_socket:-}" ] || rm -rf "$(dirname "$bus_socket")"
}
trap stop_all EXIT

# start NAME COMMAND...: in the background, its lines into logs/NAME.log
start() {
	local name=$1
	shift
	"$@" >"$DIR/logs/$name.log" 2>&1 &
	pids+=($!)
}

# follow LABEL FILE: show the lines of a log as they come
follow() {
	local label=$1 file=$2
	tail -n +1 -F "$file" 2>/dev/null | sed -u -e 's/^<[0-9]>//' -e "s/^/$label/" &
	pids+=($!)
}

# the next port from $1 on that nobody listens on
free_port() {
	local port=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	echo "$port"
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || fail "$what did not happen in time"
		sleep 0.1
	done
}

rm -rf "$DIR"
mkdir -p "$DIR"/{conf/sites.d,state,run,credentials,received,logs}
chmod 700 "$DIR/credentials"
bus_socket=$(mktemp -d)/bus # the address of a socket is short, and $DIR may be long
bus=unix:path=$bus_socket
SECONDS=0

# The example cluster, with an ending that comes sooner than in production.
wwtp=$(free_port 15021)
boiler=$(free_port $((wwtp + 1)))
department=$(free_port 18930)
sed -e 's/^incident-clear: .*/incident-clear: 5s/' -e 's/^report-interval: .*/report-interval: 4s/' \
	-e "s/127.0.0.1:18930/127.0.0.1:$department/" conf/wastewatch.yaml >"$DIR/conf/wastewatch.yaml"
sed -e 's/clear-delay: 60s/clear-delay: 2s/' -e "s/127.0.0.1:15021/127.0.0.1:$wwtp/" \
	-e "s/127.0.0.1:15022/127.0.0.1:$boiler/" conf/sites.d/hop-thanh.yaml \
	>"$DIR/conf/sites.d/hop-thanh.yaml"
# so that the commands at the end find them too
cp -r conf/profiles conf/limits conf/boundaries conf/drills "$DIR/conf/"
cat >"$DIR/spill.scenario" <<-END
	at 5s  hop-thanh/outfall-1/COD ramp 420 over 4s
	at 18s hop-thanh/outfall-1/COD normal over 2s
	at 120s end
END

checked=$("$B/wastewatch" check --config "$DIR/conf" 2>"$DIR/logs/check.log") || {
	cat "$DIR/logs/check.log" >&2
	fail "the configuration is not good"
}
say "$checked"
say "$(grep -c ': warning: ' "$DIR/logs/check.log") warnings: figures that nobody has compared with the permit yet."
say ""
say "What the outfall's COD is held to, and by which law (wastewatch limits):"
say ""
"$B/wastewatch" limits --config "$DIR/conf" hop-thanh/outfall-1 |
	sed -n -e '/^  COD  /,/^  TSS  /{/^  TSS  /!p}'
say ""
say "What will be read, and how busy that keeps the lines (wastewatch plan):"
say ""
"$B/wastewatch" plan --config "$DIR/conf"
say ""
"$B/wastewatch" keygen --config "$DIR/conf" --credentials "$DIR/credentials" >"$DIR/logs/keygen.log"
public_key=$(tail -n 1 "$DIR/logs/keygen.log")

# What people do goes over D-Bus; this one is the demo's own, for whoever runs it.
cat >"$DIR/bus.conf" <<-END
	<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
	 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
	<busconfig>
	  <listen>unix:path=$bus_socket</listen>
	  <auth>EXTERNAL</auth>
	  <policy context="default">
	    <allow own="vn.wastewatch1"/>
	    <allow send_destination="*"/>
	    <allow receive_sender="*"/>
	  </policy>
	</busconfig>
END
start bus dbus-daemon --config-file="$DIR/bus.conf" --nofork --nopidfile --nosyslog
wait_for 5 "the bus's start" test -S "$bus_socket"

start receiver "$B/wastewatch-receiver" --listen "127.0.0.1:$department" --store "$DIR/received" \
	--secret "$DIR/credentials/department-secret" --public-key "$public_key"
start plant "$B/wastewatch-sim" --config "$DIR/conf" --scenario "$DIR/spill.scenario"
wait_for 5 "the receiver's start" grep -q listening "$DIR/logs/receiver.log"
wait_for 5 "the plant's start" grep -q serving "$DIR/logs/plant.log"
start core "$B/wastewatchd" --bus "$bus" --config "$DIR/conf" --state "$DIR/state" --runtime "$DIR/run" \
	--credentials "$DIR/credentials"
core=${pids[-1]}
wait_for 5 "the core's start" test -S "$DIR/run/sender.sock"
start poller "$B/wastewatch-poller" --runtime "$DIR/run"
start sender "$B/wastewatch-sender" --runtime "$DIR/run"

say "Running: a simulated plant, wastewatch-poller, wastewatchd, wastewatch-sender, and a department."
say ""
follow "plant        " "$DIR/logs/plant.log"
follow "department   " "$DIR/logs/receiver.log"
# wastewatchd writes to the journal; where none is running its sentences are on stderr
if [ -S /run/systemd/journal/socket ] && command -v journalctl >/dev/null; then
	journalctl -f -n all -o cat "_PID=$core" 2>/dev/null | sed -u 's/^/wastewatchd  /' &
	pids+=($!)
else
	follow "wastewatchd  " "$DIR/logs/core.log"
fi

ask() { "$B/wastewatch" "$@" --state "$DIR/state" --runtime "$DIR/run"; }
tell() { ask "$@" --bus "$bus"; }
reports_of() { grep -l "\"type\":\"incident.$1\"" "$DIR"/received/*.json; }
wait_for "$SECONDS_MAX" "the report that an incident has begun" reports_of opened
alarm=hop-thanh/outfall-1/COD/emergency-high
# the worst value comes from status.json, which is written once a second
stands() { ask alarms --json | grep "\"$alarm\"" | grep -q '"worst"'; }
wait_for 20 "the alarm $alarm" stands
code=0
ask status >"$DIR/logs/status.log" || code=$?
((code == 4)) || fail "wastewatch status says $code while the incident goes on, and not 4"
say ""
say "What needs attention in these moments (wastewatch status):"
say ""
cat "$DIR/logs/status.log"
say ""
id=$(sed -n 's/.*"id":"\(hop-thanh-liquid-[0-9TZ]*\)".*/\1/p' "$(reports_of opened | head -n 1)")
[ -n "$id" ] || fail "the first report names no incident"
say "The operator has seen the incident and the alarm (wastewatch ack INCIDENT ALARM):"
say ""
tell ack "$id" "$alarm"
say ""
wait_for "$SECONDS_MAX" "the report that the incident has ended" reports_of ended
say ""
say "The gate was closed, it is over, somebody writes down why (wastewatch close $id):"
say ""
tell close "$id" --cause "valve V12 leaked" --measures "gasket replaced, basin pumped out"
say ""
wait_for 20 "the report that the incident was closed" reports_of closed
none_waits() { ask status --json | grep -q '"outbox":{"held":0,"stopped":0,"waiting":0}'; }
wait_for 5 "the entry that the report was accepted" none_waits
sleep 0.5 # for the followers to show the last lines

for kind in opened ended closed; do
	reports_of "$kind" | xargs grep -q "\"id\":\"$id\"" || fail "the receiver holds no $kind report of $id"
done
closing=$(reports_of closed | head -n 1)
for key in '"released":' '"level":"' '"verdict":"' '"acknowledged":{' '"cause":"valve V12 leaked"'; do
	grep -q "$key" "$closing" || fail "the last report says nothing of $key"
done
ask incidents --json | grep "\"id\":\"$id\"" | grep -q '"state":"closed"' ||
	fail "the record does not show $id as closed"

say ""
say "The story, as an operator sees it (wastewatch show):"
say ""
"$B/wastewatch" show --state "$DIR/state" "$id"
# The first minute ends at most a minute after the core's start.
means=("$B/wastewatch" means hop-thanh/outfall-1/COD --window 1min --state "$DIR/state")
has_minute() { "${means[@]}" --json | grep -q '"channel"'; }
wait_for 60 "the first minute's end" has_minute
say ""
say "What stays of the minute, without a value that is not good (wastewatch means):"
say ""
"${means[@]}"
say ""
say "The department holds $(find "$DIR/received" -name '*.json' | wc -l) reports of $id, both signatures verified;"
say "the record shows the same incident. Took $SECONDS s."
say ""
say "Look around in $DIR:"
say "  $B/wastewatch status --state $DIR/state --runtime $DIR/run"
say "  $B/wastewatch incidents --state $DIR/state"
say "  ls $DIR/received $DIR/logs"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# restart-others UNIT OTHER...: when somebody has asked for a restart of UNIT, restart the
# others with it. For ExecStop= of UNIT: a restart that systemd does on its own after a failure
# has no job yet at that time, so that a failure of UNIT leaves the others alone.
set -eu

unit=$1
shift
systemctl list-jobs --no-legend --plain "$unit" | while read -r _ name type _; do
    if [ "$name" = "$unit" ] && [ "$type" = restart ]; then
        systemctl --no-block try-restart "$@"
    fi
done

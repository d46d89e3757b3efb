#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh PACKAGE...: install the Debian packages that are missing, or say which they are.
# Asks no network where nothing is missing.
set -eu

if ! command -v dpkg-query >/dev/null; then
    echo "deps: this is no Debian; go on and hope for: $*" >&2
    exit 0
fi
missing=
for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}\n' "$package" 2>/dev/null | head -n 1) || true
    [ "$state" = "ii " ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "deps: missing; install them as root with: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Tests start servers of their own: what is installed for them must not run on this machine.
# invoke-rc.d asks this program first (its answer 101: no); one that is there already stays.
policy=${DEPS_POLICY:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
# Lists of packages may be missing (fresh container) or out of date (404 at the download).
# shellcheck disable=SC2086 # words on purpose
if ! apt-get install -y --no-install-recommends $missing; then
    apt-get update
    apt-get install -y --no-install-recommends $missing
fi

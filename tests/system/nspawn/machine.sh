#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# machine.sh up DIR [TREE] | boot DIR NAME | down DIR
# A machine with a systemd of its own, made of this machine's files or those of TREE: DIR/root
# shows them with a layer in memory on top, so that nothing written there reaches them. Needs root
# and systemd-nspawn. "boot" stays until the machine is powered off or reboots.
set -euo pipefail

verb=$1
dir=$2
tree=${3:-/}

up() {
    mount -t tmpfs -o mode=755,size=1g wastewatch-machine "$dir"
    mkdir "$dir/up" "$dir/work" "$dir/root"
    mount -t overlay overlay -o "lowerdir=$tree,upperdir=$dir/up,workdir=$dir/work" "$dir/root"
    rm -f "$dir/root/etc/machine-id"
    touch "$dir/root/etc/machine-id"
    # Only what is needed: this machine's own services stay out of it.
    cat >"$dir/root/etc/systemd/system/machine.target" <<'UNIT'
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
UNIT
}

# The unified hierarchy, all capabilities and bpf make IPAddressDeny= work inside.
boot() {
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --directory "$dir/root" \
        --machine "$1" --register=no --keep-unit --private-network --link-journal=no \
        --console=pipe --capability=all --system-call-filter=bpf \
        --boot systemd.unit=machine.target
}

down() {
    umount -l "$dir/root" || true
    umount -l "$dir" || true
}

case $verb in
up) up ;;
boot) boot "$3" ;;
down) down ;;
*) exit 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# wastewatch-verify-export DIRECTORY [PUBLIC-KEY.pem]
# Is an export of wastewatch's record what was written? Needs coreutils, sed and openssl 3 only, and
# is short enough to be read first. The key must come from the department, not from the plant.
set -u
LC_ALL=C
export LC_ALL
bad() { echo "BAD: $*"; exit 1; }
if [ $# -lt 1 ] || [ ! -f "$1/entries.jsonl" ] || [ ! -f "$1/hashes.txt" ]; then
    echo "wastewatch-verify-export DIRECTORY [PUBLIC-KEY.pem]" >&2
    exit 2
fi
d=$1
key=${2:-$d/key.pem}

# Who: the head is signed by that key, and is five lines: origin, number, hash, time, id of the key.
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$d/head.txt" -sigfile "$d/head.sig" \
    >/dev/null 2>&1 || bad "the head was not signed by $key"
[ "$(sed -n 5p "$d/head.txt")" = "$(openssl pkey -pubin -in "$key" -outform DER | tail -c 32 |
    openssl dgst -sha256 -r | cut -c1-8)" ] || bad "the head names another key"
[ "$(wc -l <"$d/head.txt")" -eq 5 ] || bad "head.txt has not five lines"

# What: from the hash before the first entry through each line, H = SHA-256(tag, H before, line).
[ "$(tr -d '\000' <"$d/entries.jsonl" | wc -c)" -eq "$(wc -c <"$d/entries.jsonl")" ] ||
    bad "entries.jsonl holds zero bytes"
[ -z "$(tail -c 1 "$d/entries.jsonl")" ] || bad "the last line of entries.jsonl is cut or added"
n=$(sed -n '1s/.*"seq":\([0-9]*\).*/\1/p' "$d/entries.jsonl")
n=$((${n:-1} - 1))
first=$((n + 1))
exec 3<"$d/hashes.txt"
IFS= read -r hash <&3
while IFS= read -r line; do
    n=$((n + 1))
    case $line in *"\"seq\":${n},"* | *"\"seq\":${n}}"*) ;; *) bad "entry $n is not there" ;; esac
    hash=$(printf 'wastewatch-log/1\n%s\n%s' "$hash" "$line" | openssl dgst -sha256 -r | cut -c1-64)
    IFS= read -r beside <&3
    [ "$hash" = "$beside" ] || bad "entry $n or its hash was changed"
done <"$d/entries.jsonl"
beside=
if IFS= read -r beside <&3 || [ -n "$beside" ]; then bad "hashes.txt has more lines than there are entries"; fi

# All of it: the head counts as many, and signs the last hash.
[ "$(sed -n 2p "$d/head.txt")" = "$n" ] || bad "it ends at entry $n, the head is of $(sed -n 2p "$d/head.txt")"
[ "$(sed -n 3p "$d/head.txt")" = "$hash" ] || bad "the entries do not lead to the hash that is signed"
echo "Good: entries $first to $n of $(sed -n 1p "$d/head.txt"), signed by key $(sed -n 5p "$d/head.txt")."
[ $# -ge 2 ] || echo "Not checked: whether that key is the plant's. Give the one that the department has."

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# wastewatch-verify-export DIRECTORY [PUBLIC-KEY.pem]
# Is an export of wastewatch's record what was written? Needs coreutils, sed and openssl 3 only, and
# is short enough to be read first. The key must come from the department, not from the plant; one
# that was replaced within these entries will do. One replaced before them will not: for that,
# wastewatch verify --state DIRECTORY --key KEY goes through the whole record.
set -u
LC_ALL=C
export LC_ALL
bad() { echo "BAD: $*"; exit 1; }
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    echo "wastewatch-verify-export DIRECTORY [PUBLIC-KEY.pem]" >&2
    exit 2
fi
d=$1
for name in entries.jsonl hashes.txt head.txt head.sig; do [ -f "$d/$name" ] || bad "there is no $name"; done
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cp "${2:-$d/key.pem}" "$tmp/key.pem" 2>/dev/null || bad "there is no key ${2:-$d/key.pem}"
[ $# -ge 2 ] ||
    { openssl pkey -pubin -in "$tmp/key.pem" -out "$tmp/again.pem" 2>/dev/null && cmp -s "$tmp/again.pem" "$tmp/key.pem"; } ||
    bad "key.pem was changed: it is not a public key in three lines and nothing else"
raw() { openssl pkey -pubin -in "$tmp/key.pem" -outform DER 2>/dev/null | tail -c 32; }
signed() { openssl pkeyutl -verify -pubin -inkey "$tmp/key.pem" -rawin -in "$1" -sigfile "$2" >/dev/null 2>&1; }
text() { printf '%s\n' "$line" | sed -n "s/.*[{,]\"$1\":\"\\([^\"\\\\]*\\)\".*/\\1/p"; }
# another key from here on: signed by the one before, or that is the key we were given already
rotated() {
    old=$(text old_public_key) new=$(text public_key)
    [ "$new" != "whpk_$(raw | base64 -w0)" ] || return 0
    printf 'wastewatch-key/1\n%s\n%s\n%s\n' "$(text origin)" "$old" "$new" >"$tmp/text"
    text signature | base64 -d >"$tmp/sig" 2>/dev/null
    [ "$old" = "whpk_$(raw | base64 -w0)" ] && signed "$tmp/text" "$tmp/sig" || return 1
    (printf '\060\052\060\005\006\003\053\145\160\003\041\000'; echo "${new#whpk_}" | base64 -d) |
        openssl pkey -pubin -inform DER -out "$tmp/new.pem" 2>/dev/null && mv "$tmp/new.pem" "$tmp/key.pem"
}

# What: from the hash before the first entry through each line, H = SHA-256(tag, H before, line).
for name in entries.jsonl hashes.txt head.txt; do # what a shell passes over, and others show
    [ "$(tr -d '\000' <"$d/$name" | wc -c)" -eq "$(wc -c <"$d/$name")" ] || bad "$name holds zero bytes"
    [ -z "$(tail -c 1 "$d/$name")" ] || bad "the last line of $name is cut or added"
done
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
    case $line in *'"type":"key.rotated"'*) rotated || bad "entry $n names a key that the one before has not signed" ;; esac
done <"$d/entries.jsonl"
beside=
if IFS= read -r beside <&3 || [ -n "$beside" ]; then bad "hashes.txt has more lines than there are entries"; fi

# Who: the head is signed by that key, and is five lines: origin, number, hash, time, id of the key.
signed "$d/head.txt" "$d/head.sig" || bad "the head was not signed by the key, nor by one that it names as its successor"
[ "$(sed -n 5p "$d/head.txt")" = "$(raw | openssl dgst -sha256 -r | cut -c1-8)" ] || bad "the head names another key"
[ "$(wc -l <"$d/head.txt")" -eq 5 ] || bad "head.txt has not five lines"

# All of it: the head counts as many, and signs the last hash.
[ "$(sed -n 2p "$d/head.txt")" = "$n" ] || bad "it ends at entry $n, the head is of $(sed -n 2p "$d/head.txt")"
[ "$(sed -n 3p "$d/head.txt")" = "$hash" ] || bad "the entries do not lead to the hash that is signed"
echo "Good: entries $first to $n of $(sed -n 1p "$d/head.txt"), signed by key $(sed -n 5p "$d/head.txt")."
[ $# -ge 2 ] || echo "Not checked: whether that key is the plant's. Give the one that the department has."

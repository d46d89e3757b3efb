#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deb.sh VERSION DIR: a Debian package of the tree's files, in DIR. Built from a copy, so that the
# tree stays as it is; the same files and the same last commit give the same bytes. LINTIAN=no leaves
# out the judge.
set -eu

version=$1
# what is not released yet is older than what will be
! grep -q "^## $1 (not released)" NEWS.md || version=$1~dev
mkdir -p "$2"
out=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/wastewatch-$version
mkdir "$tree"
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y NEWS.md)}
export SOURCE_DATE_EPOCH="$epoch"

# what git knows, as it stands now; without git, all but what was built
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z | xargs -0 cp --parents -a -t "$tree"
else
    tar -c --exclude='./build*' . | tar -x -C "$tree"
fi
cp -a tools/debian "$tree/debian"
{
    printf 'wastewatch (%s) unstable; urgency=medium\n\n' "$version"
    printf '  * What changed: /usr/share/doc/wastewatch/NEWS.md.gz\n\n'
    printf ' -- wastewatch maintainers <maintainers@wastewatch.invalid>  %s\n' \
        "$(LC_ALL=C date -u -R -d "@$epoch")"
} >"$tree/debian/changelog"
# dpkg-deb moves only what is newer to the epoch; when a file was checked out is nobody's business
find "$tree" -exec touch -h -d "@$epoch" {} +
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign --jobs="$(nproc)" >"$out/deb.log" 2>&1) || {
    tail -n 40 "$out/deb.log" >&2
    exit 1
}
cp "$work"/*.deb "$out/"
test "${LINTIAN-yes}" = no || lintian --fail-on error,warning "$work"/wastewatch_*.changes
ls "$out"/*.deb

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh unit|corpus|valgrind PROGRAM... | pytest DIRECTORY | total
# Runs tests to their end whatever fails, keeps the numbers under $B/check/, and says them in
# one line. Exit code 0: none failed. pytest has three workers per processor, or WORKERS: tests wait
# for programs most of the time, not for the processor.
set -uo pipefail

B=${B:-build}
mkdir -p "$B/check"

# report NAME PASSED FAILED SKIPPED
report() {
    echo "$2 $3 $4" >"$B/check/$1.count"
    echo "$1: $2 passed, $3 failed, $4 skipped"
    [ "$3" -eq 0 ]
}

# numbers of a cmocka program: "[  PASSED  ] 7 test(s)."
cmocka_number() {
    sed -n "s/^\[  $1  \] \([0-9]*\) test(s).*/\1/p" "$2" | tail -n 1
}

# descriptors that a program under valgrind had opened itself and left open: "Open file descriptor 5:
# NAME" or "Open AF_UNIX socket 5: NAME", and in the next line from where
left_open() {
    awk '/==[0-9]+== Open .*[0-9]+:/ { open = $0; next }
         open != "" { if (!/<inherited from parent>/) print open; open = "" }' "$1"
}

run_programs() {
    local kind=$1 passed=0 failed=0 program log status p f
    shift
    local wrap=()
    if [ "$kind" = valgrind ]; then
        wrap=(valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite
              --error-exitcode=99 --track-fds=yes --suppressions=tests/valgrind.supp)
    fi
    for program in "$@"; do
        log=$B/check/$kind-$(basename "$program").log
        "${wrap[@]}" "$program" >"$log" 2>&1
        status=$?
        p=$(cmocka_number PASSED "$log")
        f=$(cmocka_number FAILED "$log")
        if [ "$kind" = valgrind ] && [ -n "$(left_open "$log")" ]; then
            left_open "$log"
            status=98
        fi
        # died before its summary, or complained at its end
        if [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; then f=1; fi
        # a program without a single test proves nothing
        if [ "$status" -eq 0 ] && [ "${p:-0}" -eq 0 ]; then f=1; fi
        passed=$((passed + ${p:-0}))
        failed=$((failed + ${f:-0}))
        if [ "${f:-0}" -gt 0 ]; then
            echo "FAILED $program (exit code $status):"
            cat "$log"
        else
            echo "ok     $(basename "$program") (${p:-0})"
        fi
    done
    report "$kind" "$passed" "$failed" 0
}

# pytest_number WORD FILE: "3 failed, 10 passed, 1 skipped in 2.10s"
pytest_number() {
    tail -n 1 "$2" | grep -o "[0-9]* $1" | grep -o '[0-9]*' || echo 0
}

run_pytest() {
    local directory=$1 name log status failed workers=$((3 * ${JOBS:-2}))
    name=$(basename "$directory")
    log=$B/check/$name.log
    if ! compgen -G "$directory/test_*.py" >/dev/null; then
        report "$name" 0 0 0
        return
    fi
    if [ "$name" = faults ]; then
        rm -f "$B/faults/figures.log"
        workers=$((2 * ${JOBS:-2})) # these share a disk, and several rigs are parallel themselves
    fi
    WASTEWATCH_BUILD=$(realpath "$B") WASTEWATCH_SANITIZE=${SANITIZE:-} PYTHONDONTWRITEBYTECODE=1 \
        "${PYTHON:-/usr/bin/python3}" -m pytest -p no:cacheprovider -q -rfEs --durations=5 \
        -n "${WORKERS:-$workers}" --dist loadgroup \
        "$directory" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    failed=$(($(pytest_number failed "$log") + $(pytest_number error "$log")))
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    # seeds and numbers of points, which pytest keeps to itself where all went well
    [ "$name" != faults ] || cat "$B/faults/figures.log" 2>/dev/null
    report "$name" "$(pytest_number passed "$log")" "$failed" "$(pytest_number skipped "$log")"
}

total() {
    cat "$B"/check/*.count 2>/dev/null |
        awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }'
}

kind=$1
shift
case $kind in
unit | corpus | valgrind) run_programs "$kind" "$@" ;;
pytest) run_pytest "$1" ;;
total) total ;;
*)
    echo "run.sh: unit, corpus, valgrind, pytest or total" >&2
    exit 2
    ;;
esac

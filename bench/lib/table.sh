# The table that bench/run prints. To be sourced.
# shellcheck shell=bash

heading() {
    printf '\n%s\n' "$*"
}

# row WHAT VALUE [FLOOR] [BAR] [UNIT]: a line of the table; with FLOOR also the ratio. BAR is `≤N` for the ratio, or
# `<=N` for the value itself.
row() {
    local what=$1 value=$2 floor=${3:-} bar=${4:-} unit=${5:-ms}
    awk -v what="$what" -v value="$value" -v floor="$floor" -v bar="$bar" -v unit="$unit" 'BEGIN {
        number = bar; sub(/^[^0-9]*/, "", number)
        ratio = floor == "" ? "" : sprintf("%.2f", value / floor)
        against = bar ~ /^ratio/ ? ratio : value
        verdict = bar == "" ? "" : (against + 0 <= number + 0 ? "met" : "missed")
        bound = bar == "" ? "" : (bar ~ /^ratio/ ? "≤ " number " ×" : "≤ " number " " unit)
        printf "  %-58s %9s %-4s %9s  %6s  %-9s %s\n", what, value, unit, floor, ratio, bound, verdict
    }'
}

# The rows of the table, each measured in turns with its floor. To be sourced.
# shellcheck shell=bash disable=SC2154

# (a) and (d)
measure_deploy() {
    local round blue green last bgd_ms=() order_ms=() bare_ms=() stop_ms=() naive_ms=() lost=(0 0 0) seen=(0 0 0) peaks=()
    edge bgd && edge order && edge naive
    # The naive script knows nothing of this.
    sed -i '/keepalive_min_timeout/d' "$work/naive/default.conf"
    app a bgd 'retire: stop' 'drain: { timeout: 10s }'
    deploy a
    deploy a
    start_by_hand "$id-order-1"
    start_by_hand "$id-naive-1"
    write_route order "$id-order-1" 1
    write_route naive "$id-naive-1" 1
    timed reload_verified order "$address_order" 1
    timed reload_verified naive "$address_naive" 1
    : >"$work/steps"
    for ((round = 1; round <= rounds; round++)); do
        in_time || break
        load_on "$address_bgd" a.localhost
        timed deploy a
        load_off
        bgd_ms+=("$took") && lost[0]=$((lost[0] + failed)) && seen[0]=$((seen[0] + answered))
        cat "$work/events" >>"$work/steps"

        # Two names in turns, as blue and green are.
        blue=$id-order-$(((round + 1) % 2 + 1)) green=$id-order-$((round % 2 + 1))
        load_on "$address_order" bench.localhost
        timed by_order "$blue" "$green" "$((round + 1))"
        load_off
        order_ms+=("$took") && bare_ms+=($((took - freed))) && stop_ms+=("$stopped")
        lost[1]=$((lost[1] + failed)) && seen[1]=$((seen[1] + answered))

        load_on "$address_naive" bench.localhost
        timed naively "$id-naive-$round" "$id-naive-$((round + 1))"
        load_off
        naive_ms+=("$took") && lost[2]=$((lost[2] + failed)) && seen[2]=$((seen[2] + answered))
        docker rm "$id-naive-$round" >/dev/null
    done
    heading "(a) a deploy under load (${kinds[*]}), ${#bgd_ms[@]} rounds in turns"
    last=$(median "${order_ms[@]}")
    row "bgd deploy --no-watch : reference order" "$(median "${bgd_ms[@]}")" "$last" 'ratio 1.0'
    row "  : reference order that does not free green's name" "$(median "${bgd_ms[@]}")" "$(median "${bare_ms[@]}")"
    row "  : naive script" "$(median "${bgd_ms[@]}")" "$(median "${naive_ms[@]}")"
    row "  requests failed, bgd (of ${seen[0]})" "${lost[0]}" '' '<= 0' ' '
    row "  requests failed, reference order (of ${seen[1]})" "${lost[1]}" '' '' ' '
    row "  requests failed, naive script (of ${seen[2]})" "${lost[2]}" '' '' ' '
    printf '  bgd, all rounds: %s; order: %s; naive: %s\n' "${bgd_ms[*]}" "${order_ms[*]}" "${naive_ms[*]}"
    printf '  bgd, median of each step:'
    cp "$work/steps" "$work/events"
    local step
    for step in create start ready stage switch verify record drain retire; do
        # shellcheck disable=SC2046
        printf ' %s %s' "$step" "$(median $(sed -n "/\"event\":\"step-done\"/{/\"step\":\"$step\"/s/.*\"took_ms\":\([0-9]*\).*/\1/p}" "$work/steps"))"
    done
    printf '\n  reference order, median of its docker stop: %s\n' "$(median "${stop_ms[@]}")"

    heading '(d) peak memory of a deploy'
    for round in 1 2 3; do
        peak
        peaks+=("$kib")
    done
    row 'most memory that bgd deploy had' "$(awk -v k="$(median "${peaks[@]}")" 'BEGIN { printf "%.1f", k / 1024 }')" '' '<= 30' MB
    all_gone
}

# peak: the peak of a deploy of the app a, in $kib: by time(1), or by looking until the process is gone.
peak() {
    local pid seen
    if [[ -x /usr/bin/time ]]; then
        kib=$(/usr/bin/time -f %M -o "$work/peak" "$bgd" deploy "$image" -f "$work/apps/a.yaml" --no-watch &>/dev/null && tail -n 1 "$work/peak")
        return
    fi
    "$bgd" deploy "$image" -f "$work/apps/a.yaml" --no-watch &>/dev/null &
    pid=$!
    # The figure only rises, so the last one that is seen is the peak.
    while seen=$(sed -n 's/^VmHWM: *\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null) && [[ -n $seen ]]; do
        kib=$seen
        sleep 0.005
    done
    wait "$pid"
}

# (b)
measure_rollback() {
    local round began to_verified=() whole=() floor=()
    edge warm && edge hand
    app b warm 'retire: keep'
    deploy b
    deploy b
    start_by_hand "$id-hand-1"
    start_by_hand "$id-hand-2"
    write_route hand "$id-hand-1" 1
    timed reload_verified hand "$address_hand" 1
    for ((round = 1; round <= rounds * 2; round++)); do
        in_time || break
        now && began=$now
        timed rollback "$id-b"
        to_verified+=($((($(step_ended verify) - began) / 1000))) && whole+=("$took")
        write_route hand "$id-hand-$((round % 2 + 1))" "$((round + 1))"
        timed reload_verified hand "$address_hand" "$((round + 1))"
        floor+=("$took")
    done
    heading "(b) a rollback to a warm release, $((round - 1)) rounds in turns"
    row 'bgd rollback, until verified : nginx -t, reload, verified' "$(median "${to_verified[@]}")" "$(median "${floor[@]}")" 'ratio 1.3'
    row '  whole command, with drain : the same floor' "$(median "${whole[@]}")" "$(median "${floor[@]}")"
    printf '  last rollback, each step:'
    local step
    for step in stage switch verify record drain retire; do printf ' %s %s' "$step" "$(step_took "$step")"; done
    printf '\n'
    all_gone
}

rollback() {
    timeout 90 "$bgd" rollback "$1" --output json >"$work/events"
}

# (c)
measure_status() {
    local n one few
    export BGD_STATE_DIR=$work/state-of-many
    edge many
    app c1 many 'retire: stop'
    deploy c1
    statuses
    one=$took
    for ((n = 2; n <= many; n++)); do
        in_time || break
        app "c$n" many 'retire: stop'
        deploy "c$n"
    done
    statuses
    few=$((n - 1))
    heading "(c) status, medians of 20; the floor is one app"
    row "bgd status, 1 app" "$one"
    row "bgd status, $few apps" "$took" "$one" 'ratio 3'
    row "bgd status, $few apps" "$took" '' '<= 100'
    export BGD_STATE_DIR=$work/state
}

# statuses: the median of 20, in $took.
statuses() {
    local n all=()
    for n in {1..20}; do
        timed "$bgd" status
        all+=("$took")
    done
    [[ $(wc -l <"$work/said") -gt 0 ]] || die "status shows nothing"
    took=$(median "${all[@]}")
}

# (e)
measure_size() {
    heading '(e) size'
    row 'the release binary' "$(awk -v b="$(stat -c %s "$bgd")" 'BEGIN { printf "%.2f", b / 1048576 }')" '' '<= 10' MB
}

# (f)
measure_replicas() {
    local count round times created total hand by_api floor which bar
    edge wide
    heading '(f) replicas: create and start : Docker, as many in parallel; 3 rounds in turns'
    for count in 1 5 20; do
        app "f$count" wide 'retire: remove' "replicas: $count"
        deploy "f$count"
        times=() created=() total=() hand=() by_api=()
        for round in 1 2 3; do
            in_time || break
            timed deploy "f$count"
            total+=("$took") && created+=($(($(step_took create) + $(step_took start))))
            timed side_by_side start_by_hand "$count" "$id-side-h"
            hand+=("$took")
            remove_side
            timed side_by_side start_by_api "$count" "$id-side-a"
            by_api+=("$took")
            remove_side
        done
        [[ ${#total[@]} -gt 0 ]] || return 0
        floor=$(median "${hand[@]}") which='docker create, start'
        if (($(median "${by_api[@]}") < floor)); then floor=$(median "${by_api[@]}") which='API by curl'; fi
        bar=''
        [[ $count != 20 ]] || bar='ratio 1.3'
        row "$count, create + start : $which" "$(median "${created[@]}")" "$floor" "$bar"
        row "  the whole deploy" "$(median "${total[@]}")"
        docker ps -aq --filter "label=bgd.app=$id-f$count" | xargs -r docker rm -f >/dev/null
    done
    all_gone
}

remove_side() {
    docker ps -aq --filter "name=$id-side-" | xargs -r docker rm -f >/dev/null
}

# all_gone: so that what was measured costs the next row nothing.
all_gone() {
    remove_ours
}

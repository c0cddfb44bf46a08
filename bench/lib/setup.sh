# What every row of bench/run stands on: names, an nginx per way, loads, time and medians. To be sourced.
# shellcheck shell=bash disable=SC2154

# Printed times have a point, whatever the locale.
export LC_ALL=C

# now: microseconds since 1970, in $now; without a process of its own, which would cost more than some rows measure.
now() {
    now=${EPOCHREALTIME/./}
}

# timed COMMAND...: runs it and leaves its wall time in $took, in milliseconds. Its output goes to $work/said.
timed() {
    local began
    now && began=$now
    # No `|| die` here: it would make bash go on after a failure inside of the function.
    "$@" &>"$work/said"
    now && took=$(((now - began) / 1000))
}

# median NUMBER...
median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : int((v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

# in_time: whether another round may begin.
in_time() {
    ((SECONDS < limit))
}

# edge NAME: an nginx of the version that the tests use, with its conf.d in $work/NAME; its address in $address_NAME.
edge() {
    local name=$1
    mkdir -p "$work/$name"
    cp "$root/compose/nginx/conf.d/default.conf" "$work/$name/"
    docker run -d --name "$id-$name" --label "bgd.test=$id" --network "$id" -p 127.0.0.1::80 \
        -v "$work/$name:/etc/nginx/conf.d" "$nginx" >/dev/null
    printf -v "address_$name" '%s' "$(docker port "$id-$name" 80/tcp | head -n 1)"
}

# app NAME EDGE [LINE...]: writes $work/apps/NAME.yaml for the app $id-NAME behind an edge; LINEs are added to it.
app() {
    local name=$1 edge=$2
    shift 2
    cat >"$work/apps/$name.yaml" <<YAML
app: $id-$name
image: bgd-test/app
port: 3000
network: $id
health: { http: /health }
labels: { bench.run: $id }
proxy:
  nginx:
    container: $id-$edge
    config_dir: /etc/nginx/conf.d
    server: { host: $name.localhost, listen: 80 }
$(printf '%s\n' "$@")
YAML
}

# deploy NAME [IMAGE]: the next deploy of an app, its events in $work/events.
deploy() {
    timeout 90 "$bgd" deploy "${2:-$image}" -f "$work/apps/$1.yaml" --no-watch --output json >"$work/events"
}

# step_took STEP: the milliseconds that a step took, by $work/events.
step_took() {
    sed -n "/\"event\":\"step-done\"/{/\"step\":\"$1\"/s/.*\"took_ms\":\([0-9]*\).*/\1/p}" "$work/events" | tail -n 1
}

# step_ended STEP, step_began STEP: when it did, in microseconds since 1970.
step_ended() {
    when step-done "$1"
}

step_began() {
    when step-started "$1"
}

when() {
    local at
    at=$(sed -n "/\"event\":\"$1\"/{/\"step\":\"$2\"/s/.*\"at\":\"\([^\"]*\)\".*/\1/p}" "$work/events" | tail -n 1)
    date -d "$at" +%s%6N
}

# load_on ADDRESS HOST: the light load of row (a), until load_off.
load_on() {
    rm -f "$work/go-on"
    mkfifo "$work/go-on"
    "$bgd_load" --target "$1" --host "$2" --duration 60s --until-stdin-closes --output json \
        "${kinds[@]/#/--kind=}" <"$work/go-on" >"$work/load" &
    load=$!
    exec 9>"$work/go-on"
    # So that its connections are open and warm. The slow requests begin together every 300 ms: each round meets them at
    # another point, and all ways of a round at the same one.
    sleep "0.$((400 + round * 130 % 300))"
}

# load_off: ends it and leaves the counts in $answered and $failed.
load_off() {
    # So that what the way left behind is seen, too.
    sleep 0.3
    exec 9>&-
    wait "$load" || true
    load=''
    answered=$(sed -n '0,/"answered"/s/.*"answered": *\([0-9]*\).*/\1/p' "$work/load" | head -n 1)
    failed=$(sed -n '0,/"failed"/s/.*"failed": *\([0-9]*\).*/\1/p' "$work/load" | head -n 1)
}

# remove_ours: removes all containers of this run. bgd gives its own labels to nobody, so there are two of them.
remove_ours() {
    {
        docker ps -aq --filter "label=bgd.test=$id"
        docker ps -aq --filter "label=bench.run=$id"
    } | sort -u | xargs -r docker rm -f &>/dev/null
}

tidy() {
    local code=$?
    # The output may still be that of the function that failed.
    exec 1>&8 2>&8
    [[ $code == 0 ]] || { say "error: stopped with $code; last words:" && tail -n 20 "$work/said" "$work/events" >&2 || true; }
    [[ -z ${load:-} ]] || kill "$load" 2>/dev/null || true
    remove_ours || true
    docker network rm "$id" &>/dev/null || true
    rm -rf "$work"
}

# Row (g): the switch of a Traefik, by a file and by labels, against the same by hand. To be sourced.
# shellcheck shell=bash disable=SC2154

# How many fresh connections in a row have to meet the new release; bgd asks as many.
agree=3

# gate NAME MODE THROTTLE: a Traefik with one provider and that throttle, in milliseconds; its folder is $work/NAME, its
# address in $address_NAME. By labels it sees only containers with the label bench.gate=$id-NAME.
gate() {
    local name=$1 mode=$2 throttle=$3 mount options
    if [[ $mode == file ]]; then
        mkdir -p "$work/$name" "$work/aside"
        mount=$work/$name:/etc/traefik/dynamic
        options=(--providers.file.directory=/etc/traefik/dynamic)
    else
        mount=/var/run/docker.sock:/var/run/docker.sock:ro
        options=(--providers.docker.exposedbydefault=false "--providers.docker.constraints=Label(\`bench.gate\`,\`$id-$name\`)")
    fi
    # The default is left to Traefik.
    [[ $throttle == 2000 ]] || options+=("--providers.providersthrottleduration=${throttle}ms")
    docker run -d --name "$id-$name" --label "bgd.test=$id" --network "$id" -p 127.0.0.1::80 -v "$mount" "$traefik" \
        --entrypoints.web.address=:80 --api.insecure=true --accesslog=true \
        --global.checknewversion=false --global.sendanonymoususage=false "${options[@]}" >/dev/null
    printf -v "address_$name" '%s' "$(docker port "$id-$name" 80/tcp | head -n 1)"
}

# app_behind_gate NAME GATE MODE: writes $work/apps/NAME.yaml, as `app` does for nginx.
app_behind_gate() {
    local folder=''
    [[ $3 != file ]] || folder='dynamic_dir: /etc/traefik/dynamic'
    cat >"$work/apps/$1.yaml" <<YAML
app: $id-$1
image: bgd-test/app
port: 3000
network: $id
health: { http: /health }
labels: { bench.run: $id, bench.gate: $id-$2 }
proxy:
  traefik:
    container: $id-$2
    mode: $3
    $folder
    rule: Host(\`bench.localhost\`)
    entrypoints: web
retire: keep
YAML
}

# idle MODE THROTTLE: waits until nothing that Traefik looks at has happened for longer than its throttle, so that the
# next change is the first of a burst. Where this machine does not come to rest, $restless is counted up.
idle() {
    local span=$(($2 + 500))
    if [[ $1 == file ]]; then
        # Nobody else writes there, and the last change is over.
        sleep "$((span / 1000)).$(printf %03d $((span % 1000)))"
        return
    fi
    # Traefik looks again when any container of the machine starts, ends or changes its health, whosoever it is.
    for _ in {1..100}; do
        [[ -n $(docker events --since "${span}ms" --until 0s --filter type=container --filter event=start \
            --filter event=die --filter event=health_status --format '{{.ID}}') ]] || return 0
        sleep 0.1
    done
    restless=$((restless + 1))
}

# version_at ADDRESS: asks for /version over a connection of its own and leaves the answer's body in $version; without a
# process, because starting curl takes as long as what is measured here.
version_at() {
    local line status
    version=''
    exec {connection}<>"/dev/tcp/${1%:*}/${1##*:}"
    printf 'GET /version HTTP/1.1\r\nHost: bench.localhost\r\nConnection: close\r\n\r\n' >&"$connection"
    IFS= read -r -t 5 -u "$connection" status || true
    while IFS= read -r -t 5 -u "$connection" line && [[ $line != $'\r' ]]; do :; done
    IFS= read -r -t 5 -u "$connection" version || true
    exec {connection}>&-
    [[ $status == *' 200 '* ]] || version=''
}

# switched ADDRESS VERSION: fresh connections through the entry point meet this release, several in a row.
switched() {
    local met=0
    while ((met < agree)); do
        version_at "$1"
        if [[ $version == "$2" ]]; then
            met=$((met + 1))
        else
            met=0
            read -r -t 0.01 <>"$work/never" || true
        fi
    done
}

# write_file GATE CONTAINER: a route by one rename. What is written inside of the watched folder under another name
# would be a change already, and the rename would have to wait for the throttle.
write_file() {
    cat >"$work/aside/hand.yml" <<YAML
http:
  routers:
    hand: { rule: "Host(\`bench.localhost\`)", entryPoints: [web], service: hand }
  services:
    hand: { loadBalancer: { servers: [ { url: "http://$2:3000" } ] } }
YAML
    mv "$work/aside/hand.yml" "$work/$1/hand.yml"
}

# run_carrier GATE CONTAINER NUMBER: a route by the labels of a container that runs and is in no network. Its routers come
# before those of the carriers with lower numbers.
run_carrier() {
    local route=hand-$3
    docker run -d --name "$id-$1-carrier-$3" --network none --label "bgd.test=$id" --label "bench.gate=$id-$1" \
        --label traefik.enable=true --label "traefik.http.routers.$route.rule=Host(\`bench.localhost\`)" \
        --label "traefik.http.routers.$route.entrypoints=web" --label "traefik.http.routers.$route.priority=$((100 + $3))" \
        --label "traefik.http.routers.$route.service=$route" \
        --label "traefik.http.services.$route.loadbalancer.server.url=http://$2:3000" "$image"
}

# by_file GATE CONTAINER NUMBER VERSION and by_labels, the same: the floors.
by_file() {
    write_file "$1" "$2"
    local at=address_$1
    switched "${!at}" "$4"
}

by_labels() {
    run_carrier "$1" "$2" "$3"
    local at=address_$1
    switched "${!at}" "$4"
}

# (g)
measure_traefik() {
    local mode throttle versions=(1.0 1.1)
    heading "(g) a switch behind Traefik ${traefik##*:}, until verified, under load (${kinds[*]}); $rounds rounds in turns"
    # Read from to pause, for what `sleep` would need a process.
    mkfifo "$work/never"
    start_by_hand "$id-hand-1"
    docker run -d --name "$id-hand-2" --label "bgd.test=$id" --network "$id" "${image/1.0/1.1}" >/dev/null
    for mode in file labels; do
        for throttle in 2000 100; do
            if in_time; then measure_switches; else printf '  no time left for mode %s, throttle %s ms\n' "$mode" "$throttle"; fi
        done
    done
    all_gone
}

# measure_switches: one mode with one throttle, of measure_traefik.
measure_switches() {
    local ours=gb_${mode}_$throttle hands=gh_${mode}_$throttle name=g-$mode-$throttle
    local round at_ours=address_$ours at_hands=address_$hands restless=0
    local bgd_ms=() whole_ms=() hand_ms=() switch_ms=() verify_ms=() lost=(0 0) seen=(0 0)
    gate "$ours" "$mode" "$throttle" && gate "$hands" "$mode" "$throttle"
    app_behind_gate "$name" "$ours" "$mode"
    deploy "$name"
    deploy "$name" "${image/1.0/1.1}"
    timed "by_$mode" "$hands" "$id-hand-1" 0 "${versions[0]}"
    for ((round = 1; round <= rounds; round++)); do
        in_time || break
        idle "$mode" "$throttle"
        load_on "${!at_ours}" bench.localhost
        timed rollback "$id-$name"
        load_off
        bgd_ms+=($((($(step_ended verify) - $(step_began switch)) / 1000))) && whole_ms+=("$took")
        switch_ms+=("$(step_took switch)") && verify_ms+=("$(step_took verify)")
        lost[0]=$((lost[0] + failed)) && seen[0]=$((seen[0] + answered))

        idle "$mode" "$throttle"
        load_on "${!at_hands}" bench.localhost
        timed "by_$mode" "$hands" "$id-hand-$((round % 2 + 1))" "$round" "${versions[round % 2]}"
        # Only the new one is needed now, and the load sees the former one go.
        [[ $mode == file ]] || docker rm -f "$id-$hands-carrier-$((round - 1))" >/dev/null
        load_off
        hand_ms+=("$took") && lost[1]=$((lost[1] + failed)) && seen[1]=$((seen[1] + answered))
    done
    [[ ${#hand_ms[@]} -gt 0 ]] || return 0
    row "mode $mode, throttle $throttle ms : by hand" "$(median "${bgd_ms[@]}")" "$(median "${hand_ms[@]}")" 'ratio 1.2'
    row '  the whole rollback, with drain and what is tidied up' "$(median "${whole_ms[@]}")"
    row "  requests failed, bgd (of ${seen[0]})" "${lost[0]}" '' '<= 0' ' '
    row "  requests failed, by hand (of ${seen[1]})" "${lost[1]}" '' '' ' '
    printf '  bgd, all rounds: %s (switch %s, verify %s); by hand: %s' "${bgd_ms[*]}" \
        "$(median "${switch_ms[@]}")" "$(median "${verify_ms[@]}")" "${hand_ms[*]}"
    [[ $restless == 0 ]] || printf '; %s turns began while the machine was restless' "$restless"
    printf '\n'
    docker rm -f "$id-$ours" "$id-$hands" >/dev/null
    docker ps -aq --filter "label=bench.gate=$id-$ours" --filter "label=bench.run=$id" | xargs -r docker rm -f >/dev/null
    docker ps -aq --filter "label=bench.gate=$id-$hands" | xargs -r docker rm -f >/dev/null
}

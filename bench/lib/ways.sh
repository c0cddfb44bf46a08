# The ways that bgd is held against, written out as a careful person, and a hasty one, would. To be sourced.
# shellcheck shell=bash disable=SC2154

# start_by_hand NAME: what `docker run -d` does, in the two calls that bgd makes, too.
start_by_hand() {
    docker create --name "$1" --label "bgd.test=$id" --network "$id" "$image" >/dev/null
    docker start "$1" >/dev/null
}

# write_route EDGE NAME GENERATION: an upstream, its server block and a marker server, whole or not at all.
write_route() {
    local folder=$work/$1
    cat >"$folder/app.new" <<NGINX
upstream bench { server $2:3000; keepalive 32; }
server {
    listen 80;
    server_name bench.localhost;
    location / {
        proxy_pass http://bench;
        proxy_http_version 1.1;
        proxy_set_header Host \$http_host;
        proxy_set_header Connection "";
    }
}
server { listen 80; server_name marker.localhost; return 200 "$3\n"; }
NGINX
    mv "$folder/app.new" "$folder/app.conf"
}

# workers EDGE: the process ids of the workers that take new connections.
workers() {
    docker top "$id-$1" -eo pid,args | awk '/nginx: worker process/ && !/shutting down/ { print $1 }'
}

# any_of NAMES TEXT: whether one of the words in NAMES is a line in TEXT.
any_of() {
    local word
    for word in $1; do
        [[ $'\n'$2$'\n' != *$'\n'"$word"$'\n'* ]] || return 0
    done
    return 1
}

# verified EDGE ADDRESS GENERATION OLD: fresh connections meet the new generation, and the old workers are on their way out.
verified() {
    until [[ $(curl -s -H 'Host: marker.localhost' "http://$2/") == "$3" ]] && ! any_of "$4" "$(workers "$1")"; do :; done
}

# reload_verified EDGE ADDRESS GENERATION: `nginx -t`, reload, and the proof; the floor of a rollback to a warm release.
# The old workers' ids are left in $old.
reload_verified() {
    old=$(workers "$1")
    docker exec "$id-$1" nginx -t
    docker exec "$id-$1" nginx -s reload
    verified "$1" "$2" "$3" "$old"
}

# drained BLUE: the old workers are gone, and nobody is connected to blue's port 3000 (0BB8) any more.
drained() {
    local pid worker
    pid=$(docker inspect --format '{{.State.Pid}}' "$1")
    for worker in $old; do
        while [[ -e /proc/$worker ]]; do sleep 0.01; done
    done
    while cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" | grep -q '^ *[0-9]*: [0-9A-F]*:0BB8 [0-9A-F:]* 01 '; do sleep 0.01; done
}

# by_order BLUE GREEN GENERATION: the reference order. Frees green's name first, as bgd does; the milliseconds that this
# takes are left in $freed, in case somebody wants them left out, and those of the stop in $stopped.
by_order() {
    local began ip
    now && began=$now
    if [[ $3 -gt 2 ]]; then docker rm "$2"; fi
    now && freed=$(((now - began) / 1000))
    start_by_hand "$2"
    ip=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$2")
    until curl -sf -o "$work/health" "http://$ip:3000/health"; do sleep 0.02; done
    write_route order "$2" "$3"
    reload_verified order "$address_order" "$3"
    drained "$1"
    now && began=$now
    docker stop "$1"
    now && stopped=$(((now - began) / 1000))
}

# naively BLUE GREEN: the script that one finds everywhere.
naively() {
    docker run -d --name "$2" --label "bgd.test=$id" --network "$id" "$image"
    sed -i "s/server [^ ]*:3000;/server $2:3000;/" "$work/naive/app.conf"
    docker exec "$id-naive" nginx -s reload
    docker stop "$1"
}

# api PATH [JSON]: a POST to Docker's API.
api() {
    curl -sf --unix-socket "${socket:-/var/run/docker.sock}" -X POST -H 'Content-Type: application/json' \
        -d "${2:-}" "http://docker/v1.41$1" >/dev/null
}

start_by_api() {
    api "/containers/create?name=$1" \
        "{\"Image\":\"$image\",\"Labels\":{\"bgd.test\":\"$id\"},\"HostConfig\":{\"NetworkMode\":\"$id\"}}"
    api "/containers/$1/start"
}

# side_by_side HOW COUNT NAME: that many containers at once, started by `start_by_hand` or `start_by_api`.
side_by_side() {
    local n starting=()
    for ((n = 1; n <= $2; n++)); do
        "$1" "$3-$n" &
        starting+=($!)
    done
    wait "${starting[@]}"
}

#!/bin/sh
# Records the answers of a real engine for the wire tests: record.sh SOCKET IMAGE FOLDER
# IMAGE needs a program that keeps running by default. Needs curl, jq and docker.
set -eu
socket=$1 image=$2 folder=$3
export DOCKER_HOST="unix://$socket"
mkdir -p "$folder"
# What tells of the machine is replaced.
scrub='walk(if type == "object" then with_entries(
  if (.key | IN("KernelVersion", "ID", "NCPU", "MemTotal", "DockerRootDir", "GitCommit", "BuildTime", "GoVersion", "OperatingSystem", "OSVersion"))
    and (.value | type | IN("string", "number")) and (.value | tostring | length) < 60
  then .value |= (if type == "number" then 1 else "x" end) else . end) else . end)
  | (.Name? | strings) |= (if startswith("/") or startswith("rec-") then . else "host" end)'
root=$(docker info --format '{{.DockerRootDir}}')
get() {
    curl -sS --unix-socket "$socket" "http://d$2" | jq "$scrub" | sed "s#$root#/var/lib/docker#g; s#\"/[^\"]*/exec/#\"/run/docker/#" > "$folder/$1.json"
}
clean() {
    docker rm -fv rec-api >/dev/null 2>&1 || true
    docker network rm rec-front rec-back >/dev/null 2>&1 || true
    docker volume rm rec-data >/dev/null 2>&1 || true
}
trap clean EXIT
clean
get version /version
get info /info
begun=$(date +%s)
docker network create rec-front >/dev/null
docker network create rec-back >/dev/null
docker create --name rec-api --network rec-front --network-alias api --label bgd.test=rec --restart unless-stopped \
    --env A=1 -v rec-data:/data -v /usr:/host:ro --tmpfs /scratch:size=1m --memory 64m -p 127.0.0.1::8080 \
    --health-interval 1s --log-driver json-file --log-opt max-size=1m "$image" >/dev/null
docker network connect --alias back rec-back rec-api
docker start rec-api >/dev/null
until [ "$(docker inspect -f '{{.State.Health.Status}}' rec-api)" = healthy ]; do sleep 0.2; done
get container /containers/rec-api/json
get image "/images/$image/json"
get containers '/containers/json?all=true&filters=%7B%22label%22%3A%5B%22bgd.test%3Drec%22%5D%7D'
get network /networks/rec-front
get volume /volumes/rec-data
get top '/containers/rec-api/top?ps_args=-eo%20pid,ppid,args'
get missing /containers/rec-missing/json
docker kill rec-api >/dev/null
docker rm rec-api >/dev/null
curl -sS --unix-socket "$socket" -G http://d/events --data-urlencode "since=$begun" --data-urlencode "until=$(date +%s.999999999)" \
    --data-urlencode 'filters={"type":["container"],"label":["bgd.test=rec"],"event":["start","die","oom","health_status","destroy"]}' \
    > "$folder/events.jsonl"

# What scripts/test is made of: its runner, a folder for a run, what a killed run has left behind, the table at the end.
# To be sourced after common.sh.
# shellcheck shell=bash

nextest_version=0.9.143

# nextest: prints the cargo that has nextest: the machine's, or one that is built into the target folder.
nextest() {
    local tools=$target/tools
    if cargo nextest --version &>/dev/null; then
        echo cargo
        return
    fi
    if [[ ! -x $tools/bin/cargo-nextest ]]; then
        say "building cargo-nextest $nextest_version, once, into $tools"
        # Outside of the checkout, whose .cargo/config.toml is for bgd.
        (cd / && cargo install --quiet --locked --root "$tools" --target-dir "$tools/build" \
            --no-default-features --features default-no-update "cargo-nextest@$nextest_version") >&2
        rm -rf "$tools/build"
    fi
    echo "$tools/bin/cargo-nextest"
}

# suite_folder: makes a folder for this run, named in $suite, in which its temporary files are. It goes when the script ends.
# In memory where that is, because bgd waits for each line of its journal to be on the disk.
suite_folder() {
    local parent=/tmp
    [[ ! -w /dev/shm ]] || parent=/dev/shm
    suite=$parent/bgd-test-$$
    mkdir -p "$suite/tmp"
    export TMPDIR=$suite/tmp
    trap 'remove_folder "$suite"' EXIT
}

# remove_folder FOLDER: removes it with what a test has mounted in it. What cannot be removed is told and left.
remove_folder() {
    awk -v below="$1/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n 1 umount --lazy || true
    rm -rf "$1" || say "left behind: $1"
}

# sweep: removes what runs that were killed have left. Engines and namespaces of theirs go when the next engine starts.
sweep() {
    local folder pid id tag what
    for folder in /tmp/bgd-test-* /dev/shm/bgd-test-*; do
        pid=${folder##*-}
        [[ ! -d $folder || ! $pid =~ ^[0-9]+$ || -e /proc/$pid/exe ]] || remove_folder "$folder"
    done
    for what in container network volume; do
        while read -r id tag; do
            pid=${tag#t}
            pid=${pid%n*}
            [[ -e /proc/$pid/exe ]] || docker "$what" rm --force "$id" >/dev/null || true
        done < <(left "$what")
    done
}

# left WHAT: prints the id and the tag of everything that tests have made: the tag is part of a label's value.
left() {
    local what=$1 flags=() format='{{.ID}} {{.Labels}}'
    case $what in
    container) flags=(--all) ;;
    volume) format='{{.Name}} {{.Labels}}' ;;
    esac
    docker "$what" ls "${flags[@]}" --format "$format" |
        sed -nE 's/^([^ ]+) .*(bgd\.(test\.run|app|carrier|hook|claim\.app)|com\.docker\.compose\.project)=([a-z0-9-]*-)?(t[0-9]+n[0-9]+)(,.*|$)/\1 \5/p'
}

# report SECONDS JUNIT...: prints a table of the run from nextest's files, and its ten slowest tests.
report() {
    local seconds=$1
    shift
    local files=() file
    for file in "$@"; do [[ ! -e $file ]] || files+=("$file"); done
    [[ ${#files[@]} != 0 ]] || return 0
    cat "${files[@]}" | awk -v wall="$seconds" '
        function attribute(name,   from) {
            from = index($0, " " name "=\"")
            if (!from) return ""
            from += length(name) + 3
            return substr($0, from, index(substr($0, from), "\"") - 1)
        }
        /<testcase / {
            suite = attribute("classname")
            time = attribute("time")
            tests[suite]++
            spent[suite] += time
            total++
            sum += time
            names[total] = suite " " attribute("name")
            times[total] = time
        }
        /<failure / { failed++ }
        END {
            printf "\n%-28s %6s %8s\n", "binary", "tests", "minutes"
            for (suite in tests)
                printf "%-28s %6d %8.1f\n", suite, tests[suite], spent[suite] / 60 | "sort -k3,3nr -k1,1"
            close("sort -k3,3nr -k1,1")
            printf "%-28s %6d %8.1f, in %.1f minutes\n", "all", total, sum / 60, wall / 60
            printf "\nthe slowest tests\n"
            for (at = 1; at <= total; at++)
                printf "%8.1f s  %s\n", times[at], names[at] | "sort -nr | head -n 10"
            close("sort -nr | head -n 10")
            printf "\ntests: %d passed, %d failed\n", total - failed, failed
        }'
}

# Shared by the scripts of the folder above. To be sourced, by bash with `set -euo pipefail`.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "error: $*"
    exit 1
}

# needs COMMAND...: fails with the first that is not installed.
needs() {
    local command
    for command in "$@"; do
        [[ -n $(command -v "$command") ]] || die "$command is needed and not installed"
    done
}

# locked FILE SECONDS: waits for the lock and holds it until the script ends.
locked() {
    exec {lock}>"$1"
    flock --timeout "$2" "$lock" || die "$1 has been held by another run for $2 s"
}

# workspace: makes a folder, named in $work, that goes when the script ends.
workspace() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
}

# release_binary PACKAGE BINARY: builds it and prints its path.
release_binary() {
    (cd "$root" && cargo build --quiet --release --package "$1" --bin "$2") >&2
    local binary
    # The target triple is the host's, whatever that is.
    for binary in "$target"/*/release/"$2"; do
        [[ -x $binary ]] && printf '%s\n' "$binary" && return
    done
    die "cargo built no $2 in $target"
}

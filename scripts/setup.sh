#!/usr/bin/env bash
# setup.sh [--tests | --chart | --kubernetes]: installs what is missing to build Darter and, with --tests, what its tests, its
# demo and its benchmarks need besides; with --chart only what the chart's tests need, with packages of PyPI in .build/chart,
# and with --kubernetes what a kube-apiserver and the tests with one need besides those. Runs as root or through sudo, and does
# nothing, quickly, when nothing is missing.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

build_packages=(ca-certificates git libcurl4-openssl-dev libsqlite3-dev make pkg-config)
test_packages=(
    apache2-utils aria2 containerd curl debootstrap docker-registry docker.io iproute2 iptables jq nginx opentracker openssl podman
    procps python3 python3-cryptography python3-jwt python3-pip runc shellcheck skopeo umoci util-linux wget wrk
)

# Of prometheus only promtool is used.
chart_packages=(openssl prometheus python3 python3-venv)
# The first lines build kube-apiserver, the last ones run it.
kubernetes_packages=(
    debian-archive-keyring dpkg-dev golang-github-modern-go-reflect2-dev golang-go make rsync
    etcd-server iproute2 util-linux
)

packages=("${build_packages[@]}")
case "${1:-}" in
    "") ;;
    --tests) packages+=("${test_packages[@]}") ;;
    --chart) packages=("${chart_packages[@]}") ;;
    --kubernetes) packages=("${chart_packages[@]}" "${kubernetes_packages[@]}") ;;
    *) echo "usage: setup.sh [--tests | --chart | --kubernetes]" >&2; exit 2 ;;
esac
purpose=${1:-}

# Whether Python's packages are wanted instead of what builds Darter.
with_pypi() { [ "$purpose" = --chart ] || [ "$purpose" = --kubernetes ]; }

# What is not in Debian goes into the build directory, when the lists of it are others.
finish() {
    with_pypi || exit 0
    local project place log wanted=()
    project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    place=$project/.build/chart
    # More is there than the chart's tests need: it stays.
    [ "$purpose" = --chart ] && [ ! -e "$place/kubernetes.txt" ] || wanted+=(kubernetes)
    wanted=(chart "${wanted[@]}")
    local name fresh=yes
    for name in "${wanted[@]}"; do
        cmp -s "$project/scripts/$name/requirements.txt" "$place/$name.txt" || fresh=no
    done
    if [ "$fresh" = yes ]; then exit 0; fi
    echo "setup: installing packages of PyPI in .build/chart" >&2
    mkdir -p "$project/.build"
    log=$(mktemp)
    local pip=("$place/bin/pip" install -q --disable-pip-version-check --retries 2)
    for name in "${wanted[@]}"; do pip+=(-r "$project/scripts/$name/requirements.txt"); done
    if ! { python3 -m venv --clear "$place" && "${pip[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "setup: could not install what scripts/{$(IFS=,; echo "${wanted[*]}")}/requirements.txt list" >&2
        exit 1
    fi
    rm -f "$log"
    for name in "${wanted[@]}"; do cp "$project/scripts/$name/requirements.txt" "$place/$name.txt"; done
    exit 0
}

if ! with_pypi && ! command -v "${SWIFT:-swift}" >/dev/null; then
    echo "setup: no Swift toolchain found: install Swift 6.2 or newer (https://www.swift.org/install)" >&2
    exit 1
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    # Not Debian: nothing is installed, but everything may be there under other names.
    commands=(git make pkg-config)
    ! with_pypi || commands=(openssl promtool python3)
    [ "$purpose" != --kubernetes ] || commands+=(dpkg-source etcd go ip make rsync setpriv)
    [ "$purpose" != --tests ] || commands+=(aria2c containerd ctr curl docker docker-registry dockerd htpasswd ip jq nginx openssl
        podman python3 runc skopeo wget wrk)
    if command -v "${commands[@]}" >/dev/null && [ "$(command -v "${commands[@]}" | wc -l)" = "${#commands[@]}" ] \
        && { with_pypi || pkg-config --exists libcurl sqlite3; }; then
        finish
    fi
    {
        echo "setup: this script installs packages on Debian and Ubuntu only."
        echo "setup: please install what these Debian packages hold and run the command again:"
        printf 'setup:   %s\n' "${packages[@]}"
    } >&2
    exit 1
fi

missing=()
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
for package in "${packages[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || finish

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: missing: ${missing[*]}" >&2
        echo "setup: run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

# A server must not start because its package was installed: invoke-rc.d asks this file, 101 means "no".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi

echo "setup: installing ${missing[*]}" >&2
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends)
log=$(mktemp)
if ! "${install[@]}" "${missing[@]}" >"$log" 2>&1; then
    # The package lists may be old or were never fetched.
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -q >"$log" 2>&1 || true
    if ! "${install[@]}" "${missing[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "setup: apt-get could not install: ${missing[*]}" >&2
        exit 1
    fi
fi
rm -f "$log"
finish

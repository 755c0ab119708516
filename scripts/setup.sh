#!/usr/bin/env bash
# setup.sh [--tests | --chart]: installs what is missing to build Darter and, with --tests, what its tests, its demo and its
# benchmarks need besides; with --chart only what the chart's tests need, with packages of PyPI in .build/chart. Runs as
# root or through sudo, and does nothing, quickly, when nothing is missing.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

build_packages=(ca-certificates git libcurl4-openssl-dev libsqlite3-dev make pkg-config)
test_packages=(
    apache2-utils aria2 containerd curl debootstrap docker-registry docker.io iproute2 iptables jq nginx opentracker openssl podman
    procps python3 python3-cryptography python3-jwt python3-pip runc shellcheck skopeo umoci util-linux wget wrk
)

chart_packages=(openssl python3 python3-venv)

packages=("${build_packages[@]}")
case "${1:-}" in
    "") ;;
    --tests) packages+=("${test_packages[@]}") ;;
    --chart) packages=("${chart_packages[@]}") ;;
    *) echo "usage: setup.sh [--tests | --chart]" >&2; exit 2 ;;
esac
purpose=${1:-}

# What is not in Debian goes into the build directory, when the list of it is another one.
finish() {
    [ "$purpose" = --chart ] || exit 0
    local project wanted place log
    project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    wanted=$project/scripts/chart/requirements.txt
    place=$project/.build/chart
    if cmp -s "$wanted" "$place/requirements.txt"; then exit 0; fi
    echo "setup: installing packages of PyPI in .build/chart" >&2
    mkdir -p "$project/.build"
    log=$(mktemp)
    if ! { python3 -m venv --clear "$place" && "$place/bin/pip" install -q --disable-pip-version-check --retries 2 -r "$wanted"; } >"$log" 2>&1
    then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "setup: could not install what scripts/chart/requirements.txt lists" >&2
        exit 1
    fi
    rm -f "$log"
    cp "$wanted" "$place/requirements.txt"
    exit 0
}

if [ "$purpose" != --chart ] && ! command -v "${SWIFT:-swift}" >/dev/null; then
    echo "setup: no Swift toolchain found: install Swift 6.2 or newer (https://www.swift.org/install)" >&2
    exit 1
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    # Not Debian: nothing is installed, but everything may be there under other names.
    commands=(git make pkg-config)
    [ "$purpose" != --chart ] || commands=(openssl python3)
    [ "$purpose" != --tests ] || commands+=(aria2c containerd ctr curl docker docker-registry dockerd htpasswd ip jq nginx openssl
        podman python3 runc skopeo wget wrk)
    if command -v "${commands[@]}" >/dev/null && [ "$(command -v "${commands[@]}" | wc -l)" = "${#commands[@]}" ] \
        && { [ "$purpose" = --chart ] || pkg-config --exists libcurl sqlite3; }; then
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

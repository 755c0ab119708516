#!/usr/bin/env bash
# build-apiserver.sh [DIRECTORY]: a kube-apiserver in DIRECTORY (.build/kubernetes), of the source that Debian 12 has for kubectl:
# Kubernetes 1.20. It is built once, in a few minutes and 4 GB of that directory, which are given back; its path is printed.
# `setup.sh --kubernetes` installs what this needs. Nothing is changed that apt-get has for the system.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${1:-$project/.build/kubernetes}
server=$cache/kube-apiserver
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -d ' ' -f 1)

if [ -x "$server" ] && [ "$(cat "$cache/recipe" 2>/dev/null)" = "$recipe" ]; then
    echo "$server"
    exit 0
fi

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
reflect2=github.com/modern-go/reflect2
for needed in "$keys" "/usr/share/gocode/src/$reflect2"; do
    [ -e "$needed" ] || { echo "build-apiserver: there is no $needed: run scripts/setup.sh --kubernetes" >&2; exit 1; }
done

mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock "$lock"
work=$cache/work
rm -rf "$work"
mkdir -p "$work"/{lists/partial,archives/partial,source,home}
log=$cache/build.log
: >"$log"
finish() {
    local code=$?
    # What go has downloaded or made may be read-only.
    chmod -R u+w "$work" 2>/dev/null || true
    rm -rf "$work"
    [ "$code" = 0 ] || { tail -n 20 "$log"; echo "build-apiserver: failed; all of it is in $log"; } >&2
}
trap finish EXIT

echo "build-apiserver: fetching Debian's source of Kubernetes" >&2
echo "deb-src [signed-by=$keys] $mirror bookworm main" >"$work/sources.list"
apt=(apt-get -q
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o "Dir::Cache=$work" -o "Dir::Cache::archives=$work/archives" -o APT::Sandbox::User= -o APT::Get::List-Cleanup=false)
"${apt[@]}" update >>"$log" 2>&1
(cd "$work/source" && "${apt[@]}" source kubernetes >>"$log" 2>&1)
trees=("$work"/source/kubernetes-*/)
tree=${trees[0]%/}

# The version that Kubernetes brings along crashes with newer versions of Go as soon as there is a pod.
rm -rf "${tree:?}/vendor/$reflect2"
mkdir "$tree/vendor/$reflect2"
cp "/usr/share/gocode/src/$reflect2"/*.{go,s} "$tree/vendor/$reflect2"

echo "build-apiserver: building kube-apiserver, which takes a few minutes" >&2
# Its makefile wants to be where Go looked for sources before there were modules.
mkdir -p "$work/go/src/k8s.io"
ln -s "$tree" "$work/go/src/k8s.io/kubernetes"
env -u GOFLAGS HOME="$work/home" GOPATH="$work/go" GOCACHE="$work/home/cache" GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 \
    make -C "$tree" WHAT=cmd/kube-apiserver >>"$log" 2>&1
install -m 755 "$tree/_output/bin/kube-apiserver" "$server.new"
"$server.new" --version >>"$log"
mv "$server.new" "$server"
echo "$recipe" >"$cache/recipe"
echo "$server"

#!/usr/bin/env bash
# image-test.sh [LAYOUT]: runs the image that scripts/image.sh made (out/image) with podman as a node would, a supernode and a
# dfdaemon: not as root, nothing writable but the store, no capabilities. skopeo pulls an image through them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/rig/common.sh
source scripts/rig/common.sh

layout=$(realpath -m "${1:-out/image}")
[ -e "$layout/index.json" ] || die "$layout is no image: run scripts/image.sh"
version=$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' "$layout/index.json")

work=$(mktemp -d "${TMPDIR:-/tmp}/darter-image.XXXXXX")
chmod 755 "$work"
# Lower than what podman asks for by itself, which it may not have in a machine that is a container or a small one.
limits=(--ulimit nofile=16384:16384 --ulimit nproc=4096:4096)
# Storage of its own: nothing of the machine's podman is touched, and nothing stays behind.
# runc takes every kind of cgroups; crun refuses machines that have both versions.
podman() {
    command podman --root "$work/storage" --runroot "$work/run" --cgroup-manager cgroupfs --runtime "$(command -v runc)" "$@"
}
cleanup() {
    local status=$?
    trap '' INT TERM HUP
    for name in dfdaemon supernode; do
        [ "$status" = 0 ] || podman logs --tail 5 "$name" >&2 2>/dev/null || true
        podman rm --force --time 5 "$name" >/dev/null 2>&1 || true
    done
    [ ! -d "$work/registry" ] || "$rig/stop.sh" "$work/registry"
    podman unshare rm -rf "$work/storage" 2>/dev/null || true
    umount "$work"/storage/overlay 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

podman pull -q "oci:$layout:$version" >"$work/id"
image=$(cat "$work/id")

# start NAME WORDS...: runs a tool of the image, and sets ready to its ready line.
start() {
    local name=$1
    shift
    mkdir -p "$work/$name"
    chown 65532:65532 "$work/$name"
    podman run --detach "${limits[@]}" --name "$name" --network host --read-only --cap-drop all --security-opt no-new-privileges \
        --volume "$work/$name.yml:/etc/darter/$name.yml:ro" --volume "$work/$name:/var/lib/darter/$name" \
        "$image" "$name" --config "/etc/darter/$name.yml" >/dev/null
    for _ in $(seq 400); do
        ready=$(podman logs "$name" 2>/dev/null | grep "^$name ready " || true)
        [ -z "$ready" ] || return 0
        [ "$(podman inspect --format '{{.State.Running}}' "$name")" = true ] || break
        sleep 0.05
    done
    die "$name did not start"
}
field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$ready"; }

echo "image-test: tools, user, certificates"
for tool in supernode dfdaemon dfget dfwebhook; do
    [ "$(podman run --rm "${limits[@]}" --network none "$image" "$tool" --version)" = "$tool $version" ] || die "$tool is not $version"
done
[ "$(podman run --rm "${limits[@]}" --network none "$image" id -u)" = 65532 ] || die "the image runs as root"
podman run --rm "${limits[@]}" --network none "$image" test -s /etc/ssl/certs/ca-certificates.crt || die "no certificates"

registry=$("$rig/start-registry.sh" none "$work/registry")
"$rig/make-image.py" "$work/layout" --layers 5,10,20 >/dev/null
skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$work/layout:v1" "docker://${registry#http://}/lib/app:v1"

cat >"$work/supernode.yml" <<YAML
api: {address: 127.0.0.1:0}
pieces: {address: 127.0.0.1:0}
origin: {allow_addresses: [127.0.0.0/8]}
YAML
start supernode
supernode_api=$(field api)
podman exec supernode darter healthcheck "http://$supernode_api/readyz"
cat >"$work/dfdaemon.yml" <<YAML
proxy: {address: 127.0.0.1:0}
pieces: {address: 127.0.0.1:0}
health: {address: 127.0.0.1:0}
supernodes: ["$supernode_api"]
origin: {allow_addresses: [127.0.0.0/8]}
registry_mirror: {remote: $registry}
YAML
start dfdaemon
proxy=$(field proxy)
podman exec dfdaemon darter healthcheck "http://$(field health)/readyz"
! podman exec dfdaemon darter healthcheck "http://127.0.0.1:1/" 2>/dev/null || die "healthcheck takes nobody for healthy"

echo "image-test: a pull through supernode and dfdaemon"
skopeo copy -q --insecure-policy --src-tls-verify=false "docker://$proxy/lib/app:v1" "dir:$work/pulled"
for blob in "$work"/layout/blobs/sha256/*; do
    name=$(basename "$blob")
    [ ! -e "$work/pulled/$name" ] || cmp "$blob" "$work/pulled/$name"
done
[ "$(find "$work/pulled" -type f -size +1M | wc -l)" = 3 ] || die "not all layers came"
# A request is in the log after its end.
for _ in $(seq 100); do
    podman logs dfdaemon >"$work/log" 2>&1
    ! grep -q "kind=blob.* supernode=" "$work/log" || break
    sleep 0.05
done
grep -q "kind=blob.* supernode=" "$work/log" || die "no layer came from the supernode"

echo "image-test: SIGTERM"
for name in dfdaemon supernode; do
    podman stop --time 20 "$name" >/dev/null
    code=$(podman inspect --format '{{.State.ExitCode}}' "$name")
    [ "$code" = 0 ] || die "$name ended with $code"
done
echo "image-test: passed"

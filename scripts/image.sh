#!/usr/bin/env bash
# image.sh [--binary FILE] [--out DIR] [--base TARBALL]: builds Darter's image as an OCI layout without an engine for containers: the same
# root file system as deploy/docker/Dockerfile makes, from Debian's packages. Prints the layout and the image's compressed
# size; fails if that is more than 120 MiB. Needs root for debootstrap and chroot.
#   skopeo copy oci:out/image:0.1.0 docker://registry.example.com/darter:0.1.0
# --binary: a `darter` that is built already with --static-swift-stdlib. --base: where Debian's base system is kept between runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/sbin

die() { echo "image: $*" >&2; exit 1; }

most=$((120 << 20))
out=$PWD/out/image binary='' base=''
while [ $# -gt 0 ]; do
    case $1 in
        --binary) binary=$(realpath "$2"); shift ;;
        --out) out=$(realpath -m "$2"); shift ;;
        --base) base=$(realpath -m "$2"); shift ;;
        *) die "unknown option $1" ;;
    esac
    shift
done
[ "$(id -u)" = 0 ] || die "run as root: debootstrap makes a root file system"
for tool in debootstrap umoci jq; do
    command -v "$tool" >/dev/null || die "$tool is missing: scripts/setup.sh --tests installs it"
done

if [ -z "$binary" ]; then
    "${SWIFT:-swift}" build -c release --static-swift-stdlib --product darter --explicit-target-dependency-import-check error
    binary=$PWD/.build/release/darter
fi
[ -x "$binary" ] || die "$binary is no executable"
! ldd "$binary" | grep libswift >/dev/null || die "$binary needs the Swift runtime: build it with --static-swift-stdlib"
version=$("$binary" --version | cut -d ' ' -f 2)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

work=$(mktemp -d)
root=$work/root
cleanup() {
    umount "$root/proc" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

if [ -n "$base" ] && [ -e "$base" ]; then
    mkdir "$root"
    tar -C "$root" --numeric-owner -xpf "$base"
else
    debootstrap --variant=minbase bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$work/log" 2>&1 || {
        tail -n 5 "$work/log" >&2
        die "debootstrap failed"
    }
    [ -z "$base" ] || tar -C "$root" --numeric-owner -cpf "$base" .
fi
install -s -m 755 "$binary" "$root/tmp/darter"
install -m 755 deploy/docker/install.sh "$root/tmp/install.sh"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
# Nothing of this machine but the way out, where it has a proxy.
env -i PATH="$PATH" http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
    chroot "$root" /tmp/install.sh /tmp/darter >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    die "the packages could not be installed"
}
umount "$root/proc"
rm "$root/tmp/darter" "$root/tmp/install.sh" "$root/etc/resolv.conf"
find "$root/dev" -mindepth 1 -delete

rm -rf "$out"
mkdir -p "$(dirname "$out")"
image=$out:$version
umoci init --layout "$out"
umoci new --image "$image"
umoci insert --image "$image" "$root" /
umoci config --image "$image" --config.user 65532:65532 --config.workingdir /var/lib/darter \
    --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --config.cmd darter --config.cmd --help \
    --config.exposedports 8001 --config.exposedports 8002 \
    --config.exposedports 65001 --config.exposedports 65002 --config.exposedports 65003 \
    --config.label org.opencontainers.image.title=Darter \
    --config.label "org.opencontainers.image.description=P2P distribution of files and container images: supernode, dfdaemon, dfget, dfwebhook" \
    --config.label "org.opencontainers.image.version=$version" \
    --config.label "org.opencontainers.image.revision=$revision"
umoci gc --layout "$out"

manifest=$(jq -r '.manifests[0].digest' "$out/index.json")
size=$(jq '.config.size + ([.layers[].size] | add)' "$out/blobs/${manifest/://}")
echo "oci:$image $((size * 10 / 1048576 / 10)).$((size * 10 / 1048576 % 10)) MiB compressed"
[ "$size" -le "$most" ] || die "more than $((most >> 20)) MiB"

#!/usr/bin/env bash
# demo.sh: the main job on this machine. A supernode and three dfdaemons on loopback; a docker-registry with a generated
# image, which skopeo pulls through each of the three at once; an nginx with a 200 MB file, which dfget downloads on each
# of the three at once. Every digest is verified, and a table says where the bytes came from. Everything that was
# started is stopped at the end, also after a failure or Ctrl-C.
# DARTER_BIN names the directory of the executables (.build/release); LAYERS and FILE_MB the sizes in MiB and MB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/rig/common.sh
source scripts/rig/common.sh

bin=$(realpath -m "${DARTER_BIN:-.build/release}")
layers=${LAYERS:-10,30,60}
file_mb=${FILE_MB:-200}
nodes=(1 2 3)

# How our executables are configured, called and asked: all that this script knows of them.
supernode_config() {
    cat <<YAML
api: {address: 127.0.0.1:0}
pieces: {address: 127.0.0.1:0}
home: $work/supernode
origin: {allow_addresses: [127.0.0.0/8]}
log: {level: warning}
YAML
}
dfdaemon_config() { # NODE
    cat <<YAML
proxy: {address: 127.0.0.1:0}
pieces: {address: 127.0.0.1:0}
health: {address: 127.0.0.1:0}
home: $work/node$1
supernodes: ["$supernode_api"]
origin: {allow_addresses: [127.0.0.0/8]}
registry_mirror: {remote: $registry}
log: {level: warning}
YAML
}
dfget() { "$bin/dfget" --home "$work/node$1" -u "$2" -o "$3" --json; } # NODE URL FILE
# The JSON summary's fields and the metric that say where bytes came from.
from_json() { jq -er "[.from.origin, .from.supernode, .from.peers] | map(. // 0) | @tsv"; }
from_metrics() { # HOST:PORT
    curl -sSf --noproxy '*' "http://$1/metrics" | awk -v OFS='\t' '
        /^darter_received_bytes_total\{/ {
            if (match($0, /from="[a-z]+"/)) sum[substr($0, RSTART + 6, RLENGTH - 7)] += $NF
        }
        END { printf "%.0f\t%.0f\t%.0f\n", sum["origin"], sum["supernode"], sum["peer"] }'
}

for executable in supernode dfdaemon dfget; do
    [ -x "$bin/$executable" ] || die "$bin/$executable is not built: run make build"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/darter-demo.XXXXXX")
chmod 755 "$work" # nginx's worker reads below it
children=()
cleanup() {
    local status=$?
    trap '' INT TERM HUP
    if [ "$status" != 0 ]; then
        for log in "$work"/run/*/*.log; do
            [ ! -s "$log" ] || { echo "--- $(basename "$log")"; tail -n 5 "$log" | cut -c 1-300; } >&2
        done
    fi
    for child in "${children[@]}"; do kill -- "-$child" 2>/dev/null || true; done
    for dir in "$work"/run/dfdaemon* "$work"/run/supernode "$work"/run/registry "$work"/run/nginx; do
        [ ! -d "$dir" ] || "$rig/stop.sh" "$dir"
    done
    wait
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start NAME COMMAND ...: runs one of our servers until its ready line, and sets ready to that line.
start() {
    local name=$1 command=$2
    mkdir -p "$work/run/$name"
    ready=$(
        cd "$work/run/$name"
        launch "$name" "$command ready " "$bin/$command" --config "$work/$name.yml"
        grep -m 1 -F "$command ready " "$name.log"
    )
}
field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$ready"; } # KEY

echo "Preparing an image with layers of $layers MiB and a file of $file_mb MB ..."
mkdir "$work/files" "$work/results"
head -c "${file_mb}000000" /dev/urandom >"$work/files/file.bin"
file_digest=$(sha256sum <"$work/files/file.bin" | cut -d ' ' -f 1)
image_digest=$("$rig/make-image.py" "$work/image" --layers "$layers" --seed 1)
image_bytes=$(find "$work/image/blobs" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.0f", sum }')
origin=$("$rig/start-nginx.sh" "$work/run/nginx" "$work/files")
registry=$("$rig/start-registry.sh" none "$work/run/registry")
skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$work/image:v1" "docker://${registry#*://}/demo/image:v1"

supernode_config >"$work/supernode.yml"
start supernode supernode
supernode_api=$(field api)
echo "supernode  $supernode_api"
declare -A proxy health
for node in "${nodes[@]}"; do
    dfdaemon_config "$node" >"$work/dfdaemon$node.yml"
    start "dfdaemon$node" dfdaemon
    proxy[$node]=$(field proxy) health[$node]=$(field health)
    echo "dfdaemon$node  ${proxy[$node]}"
done

now() { date +%s.%N; }
difference() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a - b }'; }
# Each job leaves WHAT.NODE with seconds, bytes from origin, supernode and peers, and "verified".
pull_image() { # NODE
    local started seconds before after out=$work/results/image$1
    before=$(from_metrics "${health[$1]}")
    started=$(now)
    skopeo --insecure-policy copy -q --src-tls-verify=false "docker://${proxy[$1]}/demo/image:v1" "dir:$out"
    seconds=$(difference "$(now)" "$started")
    after=$(from_metrics "${health[$1]}")
    [ "sha256:$(sha256sum <"$out/manifest.json" | cut -d ' ' -f 1)" = "$image_digest" ] || die "node $1: wrong manifest"
    local blob name
    for blob in $(jq -r '.config.digest, .layers[].digest' "$out/manifest.json"); do
        name=${blob#sha256:}
        [ "$(sha256sum <"$out/$name" | cut -d ' ' -f 1)" = "$name" ] || die "node $1: wrong bytes in $blob"
    done
    paste <(echo "$seconds") <(paste <(echo "$before") <(echo "$after") \
        | awk -v OFS='\t' '{ printf "%.0f\t%.0f\t%.0f\n", $4 - $1, $5 - $2, $6 - $3 }') >"$work/results/image.$1"
}
download_file() { # NODE
    local started seconds summary out=$work/results/file$1
    started=$(now)
    summary=$(dfget "$1" "$origin/file.bin" "$out")
    seconds=$(difference "$(now)" "$started")
    [ "$(sha256sum <"$out" | cut -d ' ' -f 1)" = "$file_digest" ] || die "node $1: wrong bytes in the file"
    paste <(echo "$seconds") <(from_json <<<"$summary") >"$work/results/file.$1"
}
on_each_node() { # FUNCTION
    local node failed=''
    children=()
    set -m # a process group for each job, so that cleanup reaches the client that it runs
    for node in "${nodes[@]}"; do
        "$1" "$node" &
        children+=($!)
    done
    set +m
    for child in "${children[@]}"; do wait "$child" || failed=1; done
    children=()
    [ -z "$failed" ] || die "$1 failed"
}

echo "Pulling the image through all three at once ..."
on_each_node pull_image
echo "Downloading the file on all three at once ..."
on_each_node download_file

megabytes='function mb(bytes) { return sprintf("%.1f MB", bytes / 1e6) }'
echo
printf '%-10s %-6s %8s %14s %14s %14s   %s\n' node what seconds 'from origin' 'from supernode' 'from peers' digest
for what in image file; do
    for node in "${nodes[@]}"; do
        awk -F '\t' -v node="dfdaemon$node" -v what="$what" "$megabytes"'
            { printf "%-10s %-6s %8.2f %14s %14s %14s   verified\n", node, what, $1, mb($2), mb($3), mb($4) }
        ' "$work/results/$what.$node"
    done
done

# What left the origins, as their own logs have it.
curl -sSf --noproxy '*' "$origin/-/barrier" # what was answered before it is in the log now
nginx_bytes=$(awk '{ sum += $4 } END { printf "%.0f", sum }' "$work/run/nginx/access.log")
registry_bytes=$(sed -n 's/.*"GET [^"]*\/blobs\/[^"]*" 20[06] \([0-9]*\) .*/\1/p' \
    "$work/run/registry/registry.log" | awk '{ sum += $1 } END { printf "%.0f", sum }')
echo
once() { # NAME BYTES SIZE
    awk -v name="$1" -v bytes="$2" -v size="$3" "$megabytes"' BEGIN {
        printf "%-9s sent %s for %s: %.2f times\n", name, mb(bytes), mb(size), bytes / size
        exit !(bytes <= 1.02 * size)
    }' || die "$1 sent it more than once"
}
once registry "$registry_bytes" "$image_bytes"
once nginx "$nginx_bytes" "${file_mb}000000"

#!/usr/bin/env bash
# start-dockerd.sh DIR [--settings DIR] [--containerd SOCKET] [--foreground]: dockerd (as root) with data and state of its
# own in DIR and its socket at DIR/d.sock, which it prints when it answers; no bridge and no firewall rules. --settings:
# what it has for /etc/docker (daemon.json). --containerd: one that runs already; without, it starts one itself.
# Pull with: docker -H unix://DIR/d.sock pull REFERENCE
set -euo pipefail
# shellcheck source=scripts/rig/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dir=$(realpath -m "${1:?usage: start-dockerd.sh DIR [options]}")
shift
settings=$dir/settings foreground='' options=()
while [ $# -gt 0 ]; do
    case $1 in
        --settings) settings=$(realpath -m "$2"); shift ;;
        --containerd) options+=(--containerd "$2"); shift ;;
        --foreground) foreground=1 ;;
        *) die "unknown option $1" ;;
    esac
    shift
done

mkdir -p "$dir" "$settings" /etc/docker
cd "$dir"
# It reads and writes (key.json) below /etc/docker, whatever it is told: a mount namespace of its own has another one.
# shellcheck disable=SC2016
run=(unshare --mount --propagation private bash -c 'mount --bind "$0" /etc/docker && exec dockerd "$@"' "$settings"
    --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.lock" --host "unix://$dir/d.sock"
    --storage-driver vfs --bridge none --iptables=false --ip6tables=false "${options[@]}")
[ -z "$foreground" ] || exec "${run[@]}"
launch dockerd "API listen on" "${run[@]}"
echo "$dir/d.sock"

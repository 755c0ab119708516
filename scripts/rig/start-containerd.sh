#!/usr/bin/env bash
# start-containerd.sh DIR [--foreground]: containerd (as root) with root, state and configuration of its own in DIR and
# its socket at DIR/c.sock, which it prints when it answers. Hosts for its CRI plugin are below DIR/certs.d.
# Pull with: ctr -a DIR/c.sock images pull --hosts-dir DIR/certs.d --snapshotter native REFERENCE
set -euo pipefail
# shellcheck source=scripts/rig/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dir=$(realpath -m "${1:?usage: start-containerd.sh DIR [--foreground]}")
foreground=${2:-}
mkdir -p "$dir/root" "$dir/state" "$dir/certs.d" "$dir/cni" "$dir/opt"
cd "$dir"
# The namespaces of one containerd would share blobs: a second pull would transfer nothing. The opt plugin would
# write below /opt.
cat >containerd.toml <<TOML
version = 2
root = "$dir/root"
state = "$dir/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "$dir/c.sock"
[ttrpc]
  address = "$dir/c.ttrpc.sock"
[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$dir/certs.d"
TOML
run=(containerd --config "$dir/containerd.toml")
case $foreground in
    --foreground) exec "${run[@]}" ;;
    "") ;;
    *) die "unknown option $foreground" ;;
esac
launch containerd "containerd successfully booted" "${run[@]}"
echo "$dir/c.sock"

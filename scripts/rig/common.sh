# shellcheck shell=bash
# common.sh: what the start scripts of the rig share; sourced, never run.
# A server runs in a directory of its own, which holds its configuration, its logs and NAME.pid; stop.sh DIR ends it.
# With --foreground the script becomes the server itself (exec), so that whoever started it owns the process.
PATH=$PATH:/usr/sbin:/sbin
rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Debian's own interpreter is the one that python3-jwt and python3-cryptography were installed for.
python=${RIG_PYTHON:-/usr/bin/python3}

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# A port of 127.0.0.1 that was free a moment ago, from below the range that the kernel gives to clients and to port 0,
# so that nobody takes it by accident before the server does.
free_port() {
    "$python" - <<'PYTHON'
import random, socket, sys
for _ in range(200):
    port = random.randrange(10000, 32000)
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    sys.exit()
sys.exit("no free port")
PYTHON
}

# launch NAME READY COMMAND...: starts COMMAND in a session of its own with NAME.log and NAME.pid in the current
# directory, and returns once its log holds the text READY; if it ends before, says why.
launch() {
    local name=$1 ready=$2
    shift 2
    : >"$name.log"
    setsid "$@" </dev/null >"$name.log" 2>&1 &
    echo $! >"$name.pid"
    for _ in $(seq 400); do
        ! grep -qF -- "$ready" "$name.log" || return 0
        kill -0 "$(cat "$name.pid")" 2>/dev/null || break
        sleep 0.05
    done
    tail -n 5 "$name.log" >&2
    "$rig/stop.sh" "$PWD"
    die "$name did not start"
}

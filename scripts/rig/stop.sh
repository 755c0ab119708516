#!/usr/bin/env bash
# stop.sh DIR: ends what the start scripts left running in DIR (its *.pid files), and returns when it is gone.
set -u
for file in "${1:?usage: stop.sh DIR}"/*.pid; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    rm -f "$file"
    [[ $pid =~ ^[0-9]+$ ]] || continue
    kill "$pid" 2>/dev/null || continue
    for attempt in $(seq 100); do
        # A zombie that nobody has reaped yet is gone as well.
        case $(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null) in "" | Z) break ;; esac
        [ "$attempt" -lt 80 ] || kill -KILL "$pid" 2>/dev/null
        sleep 0.05
    done
done

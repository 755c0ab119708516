#!/usr/bin/env bash
# start-nginx.sh DIR ROOT [--port N] [--tls] [--rate 20m] [--workers N] [--extra 'DIRECTIVES'] [--foreground]
# nginx serving the files below ROOT with Range, ETag and Last-Modified, configuration and logs in DIR. Prints its URL.
# DIR/access.log has a line for each request: method, URI, status, body bytes sent, the Range asked for (or -).
# The log line of a request is there once a later request to /-/barrier (not logged) was answered: one worker writes it
# in the same turn as the last byte. --rate limits each response; --extra goes into the server block.
set -euo pipefail
# shellcheck source=scripts/rig/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dir=$(realpath -m "${1:?usage: start-nginx.sh DIR ROOT [options]}")
root=$(realpath -m "${2:?usage: start-nginx.sh DIR ROOT [options]}")
shift 2
port=0 tls='' rate=0 workers=1 extra='' foreground=''
while [ $# -gt 0 ]; do
    case $1 in
        --port) port=$2; shift ;;
        --tls) tls=1 ;;
        --rate) rate=$2; shift ;;
        --workers) workers=$2; shift ;;
        --extra) extra=$2; shift ;;
        --foreground) foreground=1 ;;
        *) die "unknown option $1" ;;
    esac
    shift
done
[ "$port" != 0 ] || port=$(free_port)

mkdir -p "$dir/tmp"
cd "$dir"
scheme=http listen="listen 127.0.0.1:$port"
if [ -n "$tls" ]; then
    "$rig/make-ca.sh" "$dir/tls"
    scheme=https listen="$listen ssl; ssl_certificate $dir/tls/server.crt; ssl_certificate_key $dir/tls/server.key"
    # Before 1.23.4 nginx left out TLS 1.3 unless told.
    listen="$listen; ssl_protocols TLSv1.2 TLSv1.3"
fi
# Started by root, the workers must still be able to read files of root's.
user=''
[ "$(id -u)" != 0 ] || user='user root;'
cat >nginx.conf <<CONF
daemon off;
$user
worker_processes $workers;
pid $dir/tmp/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
    log_format bytes '\$request_method \$request_uri \$status \$body_bytes_sent \$http_range';
    access_log $dir/access.log bytes;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    default_type application/octet-stream;
    sendfile on; tcp_nopush on; tcp_nodelay on;
    server {
        $listen;
        root $root;
        limit_rate $rate;
        location = /-/barrier { access_log off; return 204; }
        $extra
    }
}
CONF
: >>access.log
run=(nginx -p "$dir" -e stderr -c "$dir/nginx.conf")
[ -z "$foreground" ] || exec "${run[@]}"
launch nginx "start worker process" "${run[@]}"
echo "$scheme://127.0.0.1:$port"

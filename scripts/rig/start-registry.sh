#!/usr/bin/env bash
# start-registry.sh none|basic|token DIR [--address A] [--port N] [--tls] [--proxy URL] [--ttl SECONDS] [--anonymous-pull]
#                   [--realm URL] [--foreground]
# Debian's docker-registry on 127.0.0.1 (or A), configuration, data and logs in DIR. Prints its URL when it answers.
# basic and token: user u, password p. --tls: the CA is DIR/tls/ca.crt. --proxy: a pull-through cache of URL.
# token: a token server is started beside it (--ttl, --anonymous-pull are its options), unless --realm names one that
# runs already with its certificate in DIR/token.crt.
set -euo pipefail
# shellcheck source=scripts/rig/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: start-registry.sh none|basic|token DIR [options]"
mode=${1:?$usage}
dir=$(realpath -m "${2:?$usage}")
shift 2
address=127.0.0.1 port=0 tls='' proxy='' realm='' foreground='' token_options=()
while [ $# -gt 0 ]; do
    case $1 in
        --address) address=$2; shift ;;
        --port) port=$2; shift ;;
        --tls) tls=1 ;;
        --proxy) proxy=$2; shift ;;
        --ttl) token_options+=(--ttl "$2"); shift ;;
        --anonymous-pull) token_options+=(--anonymous-pull) ;;
        --realm) realm=$2; shift ;;
        --foreground) foreground=1 ;;
        *) die "unknown option $1" ;;
    esac
    shift
done

mkdir -p "$dir/data"
cd "$dir"
scheme=http
if [ -n "$tls" ]; then
    scheme=https
    "$rig/make-ca.sh" "$dir/tls"
fi
if [ "$mode" = token ] && [ -z "$realm" ]; then
    [ -z "$foreground" ] || die "token with --foreground needs --realm"
    launch token "token server ready" "$python" "$rig/token-server.py" --dir "$dir" "${token_options[@]}"
    realm=$(sed -n 's/^token server ready //p' token.log)
fi

{
    echo "version: 0.1"
    echo "log: {level: info, accesslog: {disabled: false}}"
    echo "storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}"
    echo "http:"
    echo "  addr: $address:$port"
    [ -z "$tls" ] || echo "  tls: {certificate: $dir/tls/server.crt, key: $dir/tls/server.key}"
    [ -z "$proxy" ] || echo "proxy: {remoteurl: $proxy}"
    case $mode in
        none) ;;
        basic)
            htpasswd -Bbn u p >passwords
            echo "auth: {htpasswd: {realm: test-realm, path: $dir/passwords}}"
            ;;
        token)
            echo "auth: {token: {realm: \"$realm\", service: test-registry, issuer: test-issuer, rootcertbundle: $dir/token.crt}}"
            ;;
        *) die "unknown mode $mode: none, basic or token" ;;
    esac
} >registry.yml
run=(docker-registry serve "$dir/registry.yml")
[ -z "$foreground" ] || exec "${run[@]}"
launch registry "listening on" "${run[@]}"
# With port 0 the kernel chooses; the log tells.
echo "$scheme://$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' registry.log | head -n 1)"

#!/usr/bin/env bash
# make-ca.sh DIR [NAME|ADDRESS...]: a CA of its own (ca.crt, ca.key; kept if it is there) and a certificate for servers
# and clients (server.crt, server.key) for localhost, 127.0.0.1, ::1 and the given names and addresses.
set -euo pipefail
dir=${1:?usage: make-ca.sh DIR [NAME|ADDRESS...]}
shift
mkdir -p "$dir"
cd "$dir"

names="DNS:localhost,IP:127.0.0.1,IP:::1"
for name in "$@"; do
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then names="$names,IP:$name"; else names="$names,DNS:$name"; fi
done

quietly() { "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }
[ -f ca.crt ] || quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt \
    -days 3650 -subj "/CN=Test CA" -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj "/CN=test-server"
printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >server.ext
quietly openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 3650 -extfile server.ext
openssl verify -CAfile ca.crt server.crt >/dev/null

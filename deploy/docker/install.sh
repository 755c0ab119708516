#!/bin/sh
# install.sh BINARY: makes the running Debian the root file system of Darter's image: what `darter` is linked with, the
# tools' names, a user, its directories. Run by the Dockerfile and by scripts/image.sh, so that both make the same.
set -eu

apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ca-certificates libcurl4 libsqlite3-0 libstdc++6 tzdata

install -m 755 "$1" /usr/local/bin/darter
for tool in supernode dfdaemon dfget dfwebhook; do
    ln -s darter "/usr/local/bin/$tool"
done

# The number that images without a user of their own use for one: nothing on a node belongs to it.
groupadd --gid 65532 darter
useradd --uid 65532 --gid 65532 --home-dir /var/lib/darter --no-create-home --shell /usr/sbin/nologin darter
install -d -m 750 -o darter -g darter /var/lib/darter /var/lib/darter/supernode /var/lib/darter/dfdaemon
install -d -m 755 /etc/darter

# Licences stay; nobody reads manuals here, and packages are not installed into running containers.
apt-get clean
find /usr/share/doc -mindepth 2 ! -name copyright ! -type d -delete
find /usr/share/doc -mindepth 1 -type d -empty -delete
rm -rf /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/bug \
    /var/lib/apt/lists /var/cache/apt /var/cache/debconf /var/cache/ldconfig /var/log /etc/machine-id
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial /var/log

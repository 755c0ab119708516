#!/usr/bin/env bash
# install.sh [PREFIX]: installs the `darter` that was built in release mode below PREFIX (/usr/local), with the tools' names
# and what shells complete their arguments from. DESTDIR goes before PREFIX, for packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=${DARTER_BIN:-.build/release}/darter
prefix=${DESTDIR:-}${1:-/usr/local}
[ -x "$binary" ] || { echo "install: there is no $binary: run make build" >&2; exit 1; }
! ldd "$binary" | grep libswift >/dev/null || {
    echo "install: $binary needs the Swift runtime, which other machines have not: run make build" >&2
    exit 1
}
install -D -s -m 755 "$binary" "$prefix/bin/darter"
share=$prefix/share
install -d "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
for tool in supernode dfdaemon dfget dfwebhook; do
    ln -sfn darter "$prefix/bin/$tool"
    complete() { "$prefix/bin/$tool" --generate-completion-script "$1"; }
    complete bash >"$share/bash-completion/completions/$tool"
    complete zsh >"$share/zsh/site-functions/_$tool"
    complete fish >"$share/fish/vendor_completions.d/$tool.fish"
done

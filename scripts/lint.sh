#!/usr/bin/env bash
# lint.sh: the Swift sources are formatted (.swift-format), the shell and Python scripts parse, and shellcheck, where it
# is installed, has nothing to say. The import check and "warnings are errors" are part of every build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

"${SWIFT:-swift}" format lint --strict --recursive --parallel Package.swift Sources Plugins Tests

mapfile -t shell_scripts < <(find scripts .ci Benchmarks deploy/docker -type f \( -name '*.sh' -o -path '.ci/run' \) | sort)
for script in "${shell_scripts[@]}"; do
    bash -n "$script"
    [ -x "$script" ] || { echo "$script: not executable" >&2; exit 1; }
done
if command -v shellcheck >/dev/null; then shellcheck --external-sources "${shell_scripts[@]}"; fi

command -v python3 >/dev/null || exit 0
mapfile -t python_scripts < <(find scripts Benchmarks Tests -type f -name '*.py' | sort)
python3 - "${python_scripts[@]}" <<'PYTHON'
import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as source:
        ast.parse(source.read(), path)
PYTHON

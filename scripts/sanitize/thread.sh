#!/usr/bin/env bash
# Runs tests under ThreadSanitizer: thread.sh [FILTER...]; without filters all unit tests. Fails if it reports a race.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=.build-tsan
swift build --build-tests --disable-xctest --sanitize=thread --scratch-path "$build"
clang -O1 -shared -fPIC -o "$build/mutex.so" scripts/sanitize/mutex.c -ldl
selection=(--skip IntegrationTests)
if (($# > 0)); then
    selection=()
    for filter in "$@"; do selection+=(--filter "$filter"); done
fi
LD_PRELOAD="$PWD/$build/mutex.so" TSAN_OPTIONS="exitcode=66" \
    "$build/debug/darterPackageTests.xctest" --testing-library swift-testing --experimental-maximum-parallelization-width 4 "${selection[@]}"

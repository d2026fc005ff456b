#!/usr/bin/env bash
# The tests of the extension's functions, on a build that AddressSanitizer and UndefinedBehaviorSanitizer watch.
# It stops at the first mistake. Arguments go to pytest: tests/native/sanitized.sh -k explain
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.venv/bin/python
compiler=${CC:-cc}
export SEDSQL_NATIVE=$($python -m sedsql.native.build --sanitize)
# The sanitizer must be there before anything else is, and the C++ library before the first exception of DuckDB's.
# What Python and its libraries leave behind at the end is no leak of the extension's: valgrind looks for those.
preload="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libstdc++.so.6)"
LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    $python -m pytest -q tests/native/test_extension.py "$@"

#!/usr/bin/env bash
# The tests of the extension's functions, some cases of the fuzzer, and cards of all kinds, on a build that AddressSanitizer and UndefinedBehaviorSanitizer watch.
# It stops at the first mistake. Arguments go to pytest: tests/native/sanitized.sh -k explain
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=$PWD # this checkout's, whichever one the environment has installed
python=.venv/bin/python
compiler=${CC:-cc}
export SEDSQL_NATIVE=$($python -m sedsql.native.build --sanitize)
# The sanitizer must be there before anything else is, and the C++ library before the first exception of DuckDB's.
# What Python and its libraries leave behind at the end is no leak of the extension's: valgrind looks for those.
preload="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libstdc++.so.6)"
export LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
position=tests/inference/test_position.py
$python -m pytest -q tests/native/test_extension.py tests/native/test_batches.py $position::test_the_dear_functions_too \
    $position::test_every_function_takes_it $position::test_log_odds_are_those_of_the_probabilities \
    tests/inference/test_model_fuzz.py tests/inference/test_cards_agree.py "$@"

#!/usr/bin/env bash
# A thousand queries in the DuckDB shell under valgrind, those that end in an error too: no memory may be lost, none
# used that is not the extension's. Models that are loaded stay, for they are the process's; more queries load no more.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/sedsql shell --print > "$scratch/sed.sql"
shell=$(.venv/bin/python -c 'from sedsql.integrations.duckdb_shell import find_shell; print(find_shell())')
cat > "$scratch/round.sql" <<'SQL'
SELECT count(DISTINCT sed_class(s)) FROM t AS s;
SELECT count(sed_proba(s, 'yso', 'lite-2')) FROM t AS s WHERE w4mpro < 10;
SELECT count(sed_predict(s, parallax, 0.1, 'luminosity-2')) FROM t AS s;
SELECT count(sed_predict_errors(s, 'lite-2')) FROM (FROM t LIMIT 20) AS s;
SELECT count(sed_explain(s)) FROM (FROM t LIMIT 20) AS s;
SELECT count(sed_node(s, 0.9)), count(sed_set(s, 0.9, 'lite-2')) FROM t AS s;
SELECT sed_class(s, 'nonesuch') FROM t AS s;
SELECT sed_proba(s, 'nonesuch') FROM t AS s;
SELECT sed_models('k', 'shape-2', ['/nowhere']);
SELECT sed_class(1, 2, 3);
SQL
{
    .venv/bin/python -c '
from sedsql.photometry.bands import COLUMNS
from sedsql.inference.macros import ERROR_COLUMNS
magnitudes = ", ".join(f"CASE WHEN random() < 0.9 THEN 8 + 10 * random() END::FLOAT AS {c}" for c in COLUMNS)
errors = ", ".join(f"0.05::FLOAT AS {c}" for c in ERROR_COLUMNS)
print(f"CREATE TABLE t AS SELECT 10 * random() AS parallax, {magnitudes}, {errors} FROM range(200);")'
    for _ in $(seq "${1:-100}"); do cat "$scratch/round.sql"; done
} > "$scratch/queries.sql"
# valgrind knows no AVX-512.
SEDSQL_KERNEL=avx2 valgrind --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --log-file="$scratch/valgrind" \
    "$shell" -unsigned -init "$scratch/sed.sql" < "$scratch/queries.sql" > "$scratch/answers" 2> "$scratch/errors" || true
sort "$scratch/errors" | grep Error | uniq -c | cut -c 1-150
grep -A 12 -E "HEAP SUMMARY|ERROR SUMMARY" "$scratch/valgrind" | cut -d ' ' -f 2-
grep -q "ERROR SUMMARY: 0 errors" "$scratch/valgrind" || { cat "$scratch/valgrind"; exit 1; }

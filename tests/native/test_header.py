"""The extension's own header says of DuckDB's C API what DuckDB's header says: slots, prototypes, layouts, numbers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sedsql.native.build import SOURCES, compiler

pytestmark = pytest.mark.old_duckdb

HEADERS = sorted(Path(sys.prefix, "duckdb-header").glob("*/duckdb_extension.h"))

# DuckDB's header makes duckdb_NAME a macro for duckdb_ext_api.duckdb_NAME, so the struct stands in one of that name.
CALLS = """
#include "duckdb_extension.h"
#include "duckdb/calls.h"
struct outer { duckdb_ext_api_v1 duckdb_ext_api; };
#define CHECK(slot, returns, name, parameters) \\
    _Static_assert(offsetof(struct outer, duckdb_##name) == (slot) * sizeof(void *), "slot of " #name); \\
    _Static_assert(__builtin_types_compatible_p(__typeof__(((struct outer *)0)->duckdb_##name), \\
                                                returns(*) parameters), "prototype of " #name);
SED_DUCKDB_CALLS(CHECK)
"""

LAYOUTS = [
    *(f"sizeof({name})" for name in ("duckdb_string_t", "duckdb_list_entry", "idx_t", "duckdb_state")),
    "sizeof(struct duckdb_extension_access)",
    *(
        f"offsetof({name}, {field})"
        for name, fields in {
            "duckdb_string_t": ["value.pointer.length", "value.pointer.prefix", "value.pointer.ptr"],
            "duckdb_string_t ": ["value.inlined.length", "value.inlined.inlined"],
            "duckdb_list_entry": ["offset", "length"],
            "struct duckdb_extension_access": ["set_error", "get_database", "get_api"],
        }.items()
        for field in fields
    ),
    "DuckDBSuccess",
    "DuckDBError",
]


@pytest.fixture(params=HEADERS or [None], ids=lambda header: header.parent.name if header else "none")
def header(request):
    """DuckDB's own header."""
    assert request.param is not None, "no header of DuckDB's; `make old-duckdb` fetches it"
    return request.param


def test_headers_of_the_oldest_and_the_newest_duckdb_are_there():
    versions = [tuple(map(int, header.parent.name.split("."))) for header in HEADERS]
    assert min(versions)[:2] == (1, 4)
    assert max(versions)[:1] == (2,)


def compiled(text, *folders, tmp_path, run=False):
    """The compiler's complaints about a C file; or what the program prints."""
    source, program = tmp_path / "check.c", tmp_path / "check"
    source.write_text(text)
    include = [f"-I{folder}" for folder in folders]
    done = subprocess.run(
        [*compiler(), "-std=gnu11", *include, str(source), *(["-o", str(program)] if run else ["-fsyntax-only"])],
        capture_output=True,
        text=True,
    )
    if not run:
        return done.stderr
    assert not done.returncode, done.stderr
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def test_calls_stand_at_their_slots_with_their_prototypes(header, tmp_path):
    assert compiled(CALLS, header.parent, SOURCES, tmp_path=tmp_path) == ""


@pytest.mark.parametrize(
    "right, wrong, said",
    [
        ("X(190, duckdb_vector,", "X(191, duckdb_vector,", "slot of data_chunk_get_vector"),
        ("(duckdb_connection *connection))", "(duckdb_connection connection))", "prototype of disconnect"),
        ("X(191, idx_t,", "X(191, int,", "prototype of data_chunk_get_size"),
    ],
)
def test_a_wrong_slot_or_prototype_is_seen(header, tmp_path, right, wrong, said):
    calls = (SOURCES / "duckdb/calls.h").read_text()
    assert right in calls
    (tmp_path / "duckdb").mkdir()
    (tmp_path / "duckdb/calls.h").write_text(calls.replace(right, wrong))
    assert said in compiled(CALLS, header.parent, tmp_path, tmp_path=tmp_path)


def test_structs_and_numbers_are_the_same(header, tmp_path):
    types = re.findall(r"\bDUCKDB_TYPE_\w+", (SOURCES / "duckdb/api.h").read_text())
    assert len(types) == 5
    prints = "\n".join(f'printf("{asked} %zu\\n", (size_t){asked});' for asked in (*LAYOUTS, *types))
    program = '#include <stdio.h>\n#include <stddef.h>\n#include "{}"\nint main(void) {{ {} return 0; }}\n'
    ours = compiled(program.format("duckdb/api.h", prints), SOURCES, tmp_path=tmp_path, run=True)
    assert ours == compiled(program.format("duckdb_extension.h", prints), header.parent, tmp_path=tmp_path, run=True)


def test_callbacks_are_the_same(header):
    def callbacks(text):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        found = re.findall(r"typedef\s+([^;{}]*?)\(\*(duckdb_\w+_t)\)\(([^;]*)\);", text)
        return {name: (returns.split(), parameters.split()) for returns, name, parameters in found}

    ours, theirs = (callbacks(path.read_text()) for path in (SOURCES / "duckdb/api.h", header.with_name("duckdb.h")))
    assert list(ours) == ["duckdb_delete_callback_t", "duckdb_scalar_function_t"]
    assert ours == {name: theirs.get(name) for name in ours}
    access = r"struct duckdb_extension_access \{(.*?)\};"
    bodies = [
        re.search(access, path.read_text(), re.DOTALL)[1]
        for path in (SOURCES / "duckdb/api.h", header.with_name("duckdb.h"))
    ]
    assert re.sub(r"//[^\n]*", "", bodies[1]).split() == bodies[0].split()

"""Arrow's stream format: Arrow reads what was written, all of it."""

import pyarrow as pa
import pytest
from hypothesis import given

from .answers import INTEGERS, REALS, TEXT, TIMES, broken_off, everything, same, tables, written


def test_every_type_and_what_is_told_of_columns():
    table = everything().replace_schema_metadata({"sedsql": "{}"})
    content, _ = written("arrow", table, infos={"query": "SELECT é"})
    found = pa.ipc.open_stream(content).read_all()
    same(found, table)
    assert found.schema.equals(table.schema)
    assert found.field("ra").metadata == table.field("ra").metadata
    assert found.schema.metadata == {b"sedsql": b"{}", b"query": "SELECT é".encode()}


def test_an_answer_that_fails_has_no_mark_of_the_end():
    """Arrow's readers take the end of a file for the end of a stream, so the mark alone tells."""
    end = b"\xff\xff\xff\xff\x00\x00\x00\x00"
    assert written("arrow", everything())[0].endswith(end)
    assert not broken_off("arrow", everything()).endswith(end)


def test_arrows_pipe_stays_open():
    class Closing:
        def write(self, data):
            return len(data)

        def close(self):
            pytest.fail("what bytes are written to is another's to close")

    from sedsql.files.streams import FORMATS, write_stream

    table = everything()
    write_stream(Closing(), FORMATS["arrow"], table.schema, table.to_batches())


@given(tables({**REALS, **INTEGERS, **TIMES, pa.string(): TEXT}))
def test_any_table(table):
    same(pa.ipc.open_stream(written("arrow", table)[0]).read_all(), table)

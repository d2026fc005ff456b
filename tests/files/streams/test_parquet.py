"""Parquet: Arrow, astropy and DuckDB read what was written, with the metadata of VOParquet."""

import gc
import io

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from astropy.table import Table
from hypothesis import given

from sedsql.files import TableError
from sedsql.files.streams import FORMATS, write_stream
from sedsql.files.streams import parquet as writer

from .answers import INTEGERS, REALS, TEXT, TIMES, BrokenError, Pipe, everything, same, tables, written

CONTENT = b"IVOA.VOTable-Parquet.content"


def metadata(content):
    return pq.read_metadata(io.BytesIO(content)).metadata


def described(content):
    """The VOTable in the metadata."""
    return votable.parse(io.BytesIO(metadata(content)[CONTENT]))


def test_arrow_reads_every_type():
    table = everything()
    content, _ = written("parquet", table, infos={"query": "SELECT é"})
    found = pq.read_table(io.BytesIO(content))
    same(found, table)
    assert found.schema.types == table.schema.types
    assert found.field("ra").metadata[b"unit"] == b"deg"
    assert metadata(content)[b"query"] == "SELECT é".encode()


def test_voparquet_describes_every_column():
    """IVOA Note "Parquet in the VO" 1.0, Section 2.2: the first TABLE has no DATA, and a FIELD for each column."""
    content, _ = written("parquet", everything(), infos={"query": "a<b"})
    assert metadata(content)[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    assert b"<DATA>" not in metadata(content)[CONTENT]
    table = described(content).get_first_table()
    assert [field.name for field in table.fields] == everything().column_names
    ra = table.fields[0]
    assert (ra.datatype, str(ra.unit), ra.ucd, ra.description) == (
        *("double", "deg", "pos.eq.ra", 'Right <ascension> & "more"'),
    )
    assert {info.name: info.value for info in described(content).resources[0].infos} == {
        "QUERY_STATUS": "OK",
        "query": "a<b",
    }


def test_astropy_reads_units_with_the_rows(tmp_path):
    table = everything().select(["ra", "mag", "source_id", "short"]).slice(2)  # of NULL it makes NaN
    (tmp_path / "a.parquet").write_bytes(written("parquet", table)[0])
    found = Table.read(tmp_path / "a.parquet", format="parquet.votable")
    assert (str(found["ra"].unit), str(found["mag"].unit)) == ("deg", "mag")
    assert found["source_id"].tolist() == table["source_id"].to_pylist()


def test_an_overflow_and_models_are_told():
    table = everything().replace_schema_metadata({"sedsql": '{"model": "m-1"}'})
    content, _ = written("parquet", table, maxrec=3)
    document = described(content)
    assert [(info.name, info.value) for info in document.infos] == [("sedsql_model", "m-1")]
    infos = [(info.name, info.value) for info in document.resources[0].infos]
    assert infos == [("QUERY_STATUS", "OK"), ("QUERY_STATUS", "OVERFLOW")]
    assert metadata(content)[b"sedsql"] == b'{"model": "m-1"}'
    assert pq.read_table(io.BytesIO(content)).num_rows == 3


def test_no_rows():
    content, _ = written("parquet", everything().slice(0, 0))
    assert pq.read_table(io.BytesIO(content)).num_rows == 0
    assert len(described(content).get_first_table().fields) == len(everything().column_names)


def test_row_groups_are_of_duckdbs_size_or_smaller(monkeypatch):
    table = pa.table({"a": pa.array(range(300_000))})
    batches = table.to_batches(max_chunksize=2_048)
    groups = pq.read_metadata(io.BytesIO(of(table.schema, batches)))
    assert [groups.row_group(k).num_rows for k in range(groups.num_row_groups)][:2] == [122_880, 122_880]
    monkeypatch.setattr(writer, "_GROUP_BYTES", 100_000)
    groups = pq.read_metadata(io.BytesIO(of(table.schema, batches)))
    assert groups.row_group(0).num_rows < 20_000


def of(schema, batches):
    pipe = Pipe()
    write_stream(pipe, FORMATS["parquet"], schema, batches)
    return pipe.content


def test_an_answer_that_fails_has_no_footer(monkeypatch):
    """Even when Python throws the writer away, which would close it."""
    monkeypatch.setattr(writer, "_GROUP", 2)

    def batches():
        yield from everything().to_batches(max_chunksize=2)[:2]
        raise BrokenError

    pipe = Pipe()
    with pytest.raises(BrokenError):
        write_stream(pipe, FORMATS["parquet"], everything().schema, batches())
    gc.collect()
    assert len(pipe.content) > 1000
    assert not pipe.content.endswith(b"PAR1")


def test_what_parquet_cannot_hold_is_text_or_an_error():
    answer = duckdb.sql("SELECT INTERVAL 3 DAY AS age, union_value(a := 1) AS either").to_arrow_table()
    found = pq.read_table(io.BytesIO(of(answer.schema, answer.to_batches())))
    assert found.schema.types == [pa.string(), pa.string()]
    nested = duckdb.sql("SELECT {'age': INTERVAL 3 DAY} AS record").to_arrow_table()
    with pytest.raises(TableError, match=r"Parquet cannot hold such columns: .*month_day_nano"):
        of(nested.schema, nested.to_batches())


def test_duckdb_reads_it(tmp_path):
    (tmp_path / "a.parquet").write_bytes(written("parquet", everything())[0])
    found = duckdb.sql(f"SELECT count(*), sum(source_id), list(word) FROM '{tmp_path / 'a.parquet'}'").fetchall()
    values = everything()["source_id"].to_pylist()
    assert found == [(7, sum(filter(None, values)), everything()["word"].to_pylist())]


@given(tables({**REALS, **INTEGERS, **TIMES, pa.string(): TEXT}))
def test_any_table(table):
    same(pq.read_table(io.BytesIO(written("parquet", table, rows_a_batch=7)[0])), table)

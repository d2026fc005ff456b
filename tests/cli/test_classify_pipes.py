"""`sedsql classify` in a pipe: every format in and out, nothing but data on standard output."""

import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from classify_files import ADDED, read_output, write_input

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()", "classify", "--model", "shape-2"]
READERS = {
    "csv": lambda data: pacsv.read_csv(io.BytesIO(data)),
    "parquet": lambda data: pq.read_table(io.BytesIO(data)),
    "arrow": lambda data: pa.ipc.open_stream(data).read_all(),
    "json": lambda data: pa.Table.from_pylist(json.loads(data)),
    "votable": lambda data: Table.read(io.BytesIO(data), format="votable"),
    "fits": lambda data: Table.read(io.BytesIO(data), format="fits"),
    "ecsv": lambda data: Table.read(io.BytesIO(data), format="ascii.ecsv"),
    "tsv": lambda data: pacsv.read_csv(io.BytesIO(data), parse_options=pacsv.ParseOptions(delimiter="\t")),
}
ENDINGS = {"votable": "vot"}


def piped(source, *options):
    with open(source, "rb") as file:
        return subprocess.run([*COMMAND, "-", *options], stdin=file, capture_output=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    source = write_input(folder / "in.parquet")
    subprocess.run([*COMMAND, source, "-o", folder / "out.parquet"], check=True, capture_output=True)
    return pq.read_table(folder / "out.parquet").select(ADDED).to_pydict()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("csv", None), ("csv", "json"), ("tsv", "tsv"), ("parquet", "arrow"), ("arrow", "parquet"), ("votable", "ecsv"),
     ("fits", "votable"), ("ecsv", "fits")],
)  # fmt: skip
def test_formats_in_and_out(tmp_path, expected, given, wanted):
    source = write_input(tmp_path / f"in.{ENDINGS.get(given, given)}")
    done = piped(source, "--from", given, "-o", "-", *(["--format", wanted] if wanted else []))
    assert done.returncode == 0, done.stderr
    table = READERS[wanted or "csv"](done.stdout)
    for name in ADDED:
        values = table[name].to_pylist() if isinstance(table, pa.Table) else table[name].tolist()
        values = [None if value in ("", b"") or value != value else value for value in values]
        if name == "sed_probability":
            assert values == [None if p is None else pytest.approx(p, abs=1e-6) for p in expected[name]]
        else:
            assert [v.decode() if isinstance(v, bytes) else v for v in values] == expected[name]


def test_a_file_may_have_any_name(sedsql, tmp_path, expected):
    source = write_input(tmp_path / "in.csv").rename(tmp_path / "in.dat")
    ran = sedsql("classify", "--model", "shape-2", source, "--from", "csv", "-o", tmp_path / "o", "--format", "arrow")
    assert (ran.code, ran.err) == (0, "")
    assert feather.read_table(tmp_path / "o")["sed_class"].to_pylist() == expected["sed_class"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.dat", "o"]
    ran = sedsql("classify", "--model", "shape-2", tmp_path / "o", "--from", "arrow", "-o", tmp_path / "o2.csv")
    assert (ran.code, "has a column sed_class already" in ran.err) == (1, True)


def test_json_rows_are_those_of_the_table(sedsql, tmp_path):
    source = write_input(tmp_path / "in.parquet")
    assert sedsql("classify", "--model", "shape-2", source, "-o", tmp_path / "out.json").code == 0
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [row["source_id"] for row in rows] == read_output(source)["source_id"]
    pq.write_table(pq.read_table(source).slice(0, 0), tmp_path / "none.parquet")
    assert sedsql("classify", "--model", "shape-2", tmp_path / "none.parquet", "-o", tmp_path / "none.json").code == 0
    assert json.loads((tmp_path / "none.json").read_text()) == []


def test_mistakes_are_one_sentence(sedsql, tmp_path):
    source = write_input(tmp_path / "in.csv")
    for options, words in (
        (["-o", "-"], b"say the format of standard input"),
        (["--from", "json", "-o", "-"], b"no format is called 'json'"),
        (["--from", "fits", "-o", "-"], b"Error: Standard input cannot be read as fits"),
        (["--from", "csv", "-o", "-", "--format", "table"], b"no format is called 'table'"),
        (["--from", "csv", "-o", "-", "--json"], b"standard output has the table"),
    ):
        done = piped(source, *options)
        assert (done.returncode > 0, done.stdout) == (True, b"")
        assert words in done.stderr
    ran = sedsql("classify", source, "-o", tmp_path / "out.csv", "--from", "parquet")
    assert ran.err.startswith(f"Error: {source} cannot be read as parquet")
    ran = sedsql("classify", tmp_path / "a.json", "-o", tmp_path / "out.csv")
    assert ran.code == 1


def test_a_reader_that_has_enough_is_no_error(tmp_path):
    rows = pq.read_table(write_input(tmp_path / "in.parquet"))
    pq.write_table(pa.concat_tables([rows] * 4_000), tmp_path / "many.parquet")
    command = [*COMMAND, str(tmp_path / "many.parquet"), "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"source_id")
        process.stdout.close()
        assert process.stderr.read() == b""

"""The report of a classification: one file, with all in it, refused before the work where it cannot be written."""

import base64
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from classify_files import BANDS

from sedsql.simulate import simulate


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    magnitudes = np.concatenate([simulate(name, 60, rng).magnitudes for name in ("giant", "yso", "agn")])
    columns = {band: pa.array(magnitudes[:, k], from_pandas=True) for k, band in enumerate(BANDS)}
    pq.write_table(pa.table({**columns, "parallax": np.full(180, 2.0)}), tmp_path / "mine.parquet")
    return tmp_path / "mine.parquet"


def test_the_report_is_one_page_with_its_pictures(sedsql, tmp_path, table):
    out, report = tmp_path / "out.parquet", tmp_path / "r.html"
    ran = sedsql("classify", table, "-o", out, "--model", "shape-2", "--report", report)
    assert ran.code == 0
    assert f"Report written to {report}" in ran.out
    page = report.read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    pictures = [base64.b64decode(one) for one in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert len(pictures) >= 7
    assert all(one.startswith(b"\x89PNG") for one in pictures)
    text = re.sub(r"<[^>]+>", " ", page)
    labels = pq.read_table(out)["sed_class"].to_pylist()
    for name in ("giant", "yso", "agn"):
        assert re.search(rf"\b{name}\s+{labels.count(name)}\b", text)
    assert "Absolute magnitudes" in text
    assert re.search(
        r"180 rows, classified by the model\s+shape-2\s*, by sedsql \S+ on 20\d\d-\d\d-\d\d at \d\d:\d\d UTC", text
    )


def test_json_has_the_counts(sedsql, tmp_path, table):
    ran = sedsql("classify", table, "-o", tmp_path / "out.parquet", "--model", "shape-2", "--json")
    found = json.loads(ran.out)
    out = pq.read_table(tmp_path / "out.parquet").to_pylist()
    for one in found["findings"]["classes"]:
        mine = [row["sed_probability"] for row in out if row["sed_class"] == one["class"]]
        assert one["rows"] == len(mine) == found["classes"][str(one["class"])]
        if one["purity"] is not None:
            assert one["purity"] == pytest.approx(np.mean(mine), abs=1e-4)
    assert found["findings"]["bands"]["phot_g_mean_mag"] == sum(row["phot_g_mean_mag"] is not None for row in out)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_of_no_or_one_row(sedsql, tmp_path, table, rows):
    pq.write_table(pq.read_table(table).slice(0, rows), tmp_path / "few.parquet")
    out, report = tmp_path / "out.parquet", tmp_path / "r.html"
    ran = sedsql("classify", tmp_path / "few.parquet", "-o", out, "--model", "shape-2", "--report", report)
    assert (ran.code, report.is_file()) == (0, True)


def test_too_few_bands_in_every_row(sedsql, tmp_path, table):
    rows = pq.read_table(table)
    pq.write_table(pa.table({band: pa.nulls(len(rows), pa.float64()) for band in BANDS}), tmp_path / "none.parquet")
    ran = sedsql(
        "classify", tmp_path / "none.parquet", "-o", tmp_path / "o.csv", "--model", "shape-2",
        "--report", tmp_path / "r.html",
    )  # fmt: skip
    assert ran.code == 0
    assert "none: too few bands" in (tmp_path / "r.html").read_text()


def test_a_report_that_cannot_be_written_is_refused_before_the_work(sedsql, tmp_path, table):
    out = tmp_path / "out.parquet"
    ran = sedsql("classify", table, "-o", out, "--report", tmp_path / "r.pdf")
    assert (ran.code, out.exists()) == (2, False)
    (tmp_path / "r.html").write_text("mine")
    ran = sedsql("classify", table, "-o", out, "--report", tmp_path / "r.html")
    assert (ran.code, out.exists()) == (1, False)
    assert (tmp_path / "r.html").read_text() == "mine"
    assert "exists already" in ran.err

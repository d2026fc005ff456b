"""Write tables for `sedsql classify`, and read its output with the formats' own readers, not with ours."""

import csv
import gzip

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
from astropy.table import MaskedColumn, Table

from sedsql.photometry.bands import COLUMNS

BANDS = list(COLUMNS)
ADDED = ["sed_class", "sed_probability", "sed_path", "sed_n_bands"]
INPUTS = ["csv", "csv.gz", "tsv", "ecsv", "vot", "fits", "parquet", "arrow"]
OUTPUTS = [*INPUTS, "ecsv.gz", "vot.gz", "fits.gz", "tsv.gz"]

IDS = [2**53 + 1, 636411074052224, 2**63 - 1, 5, 7]
NAMES = ["a,b", 'x "q"', "", "null", "two\nlines"]
COUNTS = [999999, None, 3, 4, 5]
FLUXES = [1.5, float("nan"), None, 1e-30, 123456789.123456789]
MAGNITUDES = [
    [round(12 + 0.1 * k, 1) for k in range(10)],
    [None] * 10,
    [None] * 8 + [9.5, 8.25],
    [14.0] * 10,
    [15.5] * 10,
]


def write_input(path):
    """Write the same five rows in each format, without sedsql."""
    if ".csv" in path.suffixes or ".tsv" in path.suffixes:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if ".tsv" in path.suffixes else ",")
            writer.writerow(["source_id", "name", *BANDS, "count", "flux"])
            for row in zip(IDS, NAMES, *zip(*MAGNITUDES, strict=True), COUNTS, FLUXES, strict=True):
                writer.writerow(row)
        return path
    flux = [np.nan if value is None else value for value in FLUXES]
    table = Table({"source_id": np.array(IDS), "name": NAMES})
    for band, values in zip(BANDS, zip(*MAGNITUDES, strict=True), strict=True):
        mask = [value is None for value in values]
        table[band] = MaskedColumn([value or np.nan for value in values], mask=mask, dtype=np.float32, unit="mag")
        table[band].description = f"magnitude {band}"
    table["count"] = MaskedColumn([value or 0 for value in COUNTS], mask=[value is None for value in COUNTS])
    table["count"].fill_value = -1  # FITS says so where a count is missing
    table["flux"] = MaskedColumn(flux, mask=[value is None for value in FLUXES], unit="Jy")
    if path.suffix in (".parquet", ".arrow"):
        columns = {name: table[name].tolist() for name in table.colnames}
        types = {**dict.fromkeys(table.colnames, pa.float32()), "source_id": pa.int64(), "name": pa.string()}
        types |= {"count": pa.int64(), "flux": pa.float64()}
        arrays = [pa.array(columns[name], types[name]) for name in table.colnames]
        write = pq.write_table if path.suffix == ".parquet" else feather.write_feather
        write(pa.table(arrays, table.colnames), path)
    else:
        kinds = {".ecsv": "ascii.ecsv", ".vot": "votable", ".fits": "fits"}
        table.write(path, format=kinds[path.suffix])
    return path


def read_output(path):
    """Read rows of Python values by the format's own reader; None and NaN are both missing."""
    if ".csv" in path.suffixes or ".tsv" in path.suffixes:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", newline="") as file:
            names, *rows = csv.reader(file, delimiter="\t" if ".tsv" in path.suffixes else ",")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    elif path.suffix == ".parquet":
        columns = pq.read_table(path).to_pydict()
    elif path.suffix == ".arrow":
        columns = feather.read_table(path).to_pydict()
    else:
        kind = next(
            k for e, k in (("ecsv", "ascii.ecsv"), ("vot", "votable"), ("fits", "fits")) if f".{e}" in path.name
        )
        table = Table.read(path, format=kind)
        columns = {name: table[name].tolist() for name in table.colnames}
    return {name: [_value(value) for value in values] for name, values in columns.items()}


def _value(value):
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str) and value.lower() == "nan":
        return None
    return None if value is None or value == "" or value != value else value


def numbers(values, kind=float):
    return [None if value is None else kind(value) for value in values]

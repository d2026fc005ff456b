"""Files as the Gaia Archive's bulk download has them: ECSV under the name of CSV, `null` for what is not there."""

import gzip

import pyarrow as pa

ECSV = {
    pa.int64(): "int64",
    pa.int32(): "int32",
    pa.int16(): "int16",
    pa.float64(): "float64",
    pa.float32(): "float32",
    pa.string(): "string",
    pa.bool_(): "bool",
}


def write_bulk(path, rows, about=None, newline="\n"):
    """Write an Arrow table, with `about[column]` as further words of its header, such as a unit."""
    lines = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:"]
    for field in rows.schema:
        words = {"name": field.name, "datatype": ECSV[field.type], **(about or {}).get(field.name, {})}
        lines.append("# - {" + ", ".join(f"{key}: {value!r}" for key, value in words.items()) + "}")
    lines += ["# meta: !!omap", "# - {description: 'A piece of a table'}"]
    lines.append(",".join(rows.column_names))
    lines += [",".join(map(_word, row)) for row in zip(*(column.to_pylist() for column in rows.columns), strict=True)]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(newline.join([*lines, ""]))
    return path


def _word(value):
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str | bool) else repr(value)

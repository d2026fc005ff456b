"""Put the findings of a classification and their pictures on a page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sedsql.inference.findings import LOW, OUTLIER, Findings
from sedsql.photometry.bands import BANDS
from sedsql.plot.report import figures
from sedsql.plot.report.document import Block, Heading, Paragraph, Picture, Rows, html
from sedsql.plot.report.figures import Drawn
from sedsql.plot.style import pyplot

_DPI = 130
_SHORT = {band.column: band.short for band in BANDS}


def write_report(
    path: Path,
    table: str,
    findings: Findings,
    mapping: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    notes: Sequence[str],
) -> None:
    """Write the report of the classification of a table, one HTML file with its pictures inside.

    Parameters
    ----------
    table : the name of the table
    findings : with `whole`
    mapping, provenance : of the summary that `classify_table` gives
    notes : what was told of how the table was read
    """
    title = f"Classes of {table}"
    with TemporaryDirectory(prefix="sedsql-") as folder:
        blocks = list(_blocks(title, Path(folder), findings, mapping, provenance, notes))
        path.write_text(html(title, blocks, Path(folder)), encoding="utf-8")


def _blocks(
    title: str,
    folder: Path,
    findings: Findings,
    mapping: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    notes: Sequence[str],
) -> Iterator[Block]:
    yield Heading(title, 1)
    yield Paragraph(_made_by(findings, provenance))
    if not findings.rows:
        yield Paragraph("The table has no rows.")
        return
    yield Heading("Classes")
    yield _classes(findings)
    yield Paragraph(
        "**Expected right** is the sum of the probabilities of these sources; the model's card says how well they are "
        "calibrated. **In all rows** is the sum of the probabilities of a class over all sources, also those that were "
        "given another."
    )
    if any(one["purity"] is not None for one in findings.by_class()):
        yield _kept(folder, figures.counts(findings))
        yield _kept(folder, figures.probabilities(findings))
    yield Heading("What was read")
    yield _columns(mapping)
    yield from map(Paragraph, notes)
    yield _sets(findings)
    if drawn := figures.seds(findings):
        yield Heading("SEDs")
        yield _kept(folder, drawn)
    if pictures := [_kept(folder, drawn) for drawn in figures.diagrams(findings)]:
        yield Heading("Diagrams")
        yield from pictures
    yield Heading("To look at")
    yield Paragraph(_doubtful(findings))
    for drawn in figures.examples(findings):
        yield _kept(folder, drawn)


def _kept(folder: Path, drawn: Drawn) -> Picture:
    """Write a picture into a folder, and free its memory."""
    file = f"{drawn.name}.png"
    drawn.figure.savefig(folder / file, dpi=_DPI)
    pyplot().close(drawn.figure)
    return Picture(file, drawn.caption)


def _made_by(findings: Findings, provenance: Mapping[str, Any]) -> str:
    prior = {"sky": " with its prior", "flat": " with a flat prior"}.get(provenance.get("prior") or "", "")
    time = datetime.fromisoformat(provenance["time"]).astimezone(UTC)
    return (
        f"{findings.rows:,} rows, classified by the model `{provenance['model']}`{prior}, by sedsql "
        f"{provenance['sedsql']} on {time:%Y-%m-%d at %H:%M} UTC. The SHA-256 of the model begins with "
        f"`{provenance['model_sha256'][:16]}`."
    )


def _classes(findings: Findings) -> Rows:
    numbers = findings.expected_numbers()
    lines = []
    for one in findings.by_class():
        name, rows = one["class"], one["rows"]
        share = _percent(rows, findings.rows)
        if one["purity"] is None:
            what = "none: too few bands" if name is None else f"{name}: no branch is probable"
            lines.append([what, f"{rows:,}", share, "", "", "", ""])
            continue
        right, purity, low = f"{one['expected_right']:,.1f}", f"{one['purity']:.1%}", f"{one['low_probability']:,}"
        lines.append([name, f"{rows:,}", share, right, purity, low, f"{numbers[name]:,.1f}" if name in numbers else ""])
    for name in sorted(set(numbers) - set(findings.counts)):
        lines.append([name, "0", "0", "", "", "", f"{numbers[name]:,.1f}"])
    below = f"probability below {LOW}"
    return Rows(["class", "sources", "share", "expected right", "purity expected", below, "in all rows"], lines)


def _columns(mapping: Sequence[Mapping[str, Any]]) -> Rows:
    lines = [
        [
            str(one["column"]),
            str(one["name"]),
            str(one["unit"] or ""),
            "" if one["missing"] is None else f"{one['missing']:.1%}",
            "" if one["range"] is None else f"{one['range'][0]:.6g} to {one['range'][1]:.6g}",
        ]
        for one in mapping
    ]
    return Rows(["column", "taken as", "unit", "missing", "range"], lines)


def _sets(findings: Findings) -> Rows:
    lines = [
        [" ".join(_SHORT[band] for band in bands) or "none", f"{rows:,}", _percent(rows, findings.rows)]
        for bands, rows in findings.sets_of_bands()
    ]
    return Rows(["the most frequent sets of bands", "sources", "share"], lines)


def _doubtful(findings: Findings) -> str:
    low = sum(findings.low.values())
    text = f"{low:,} sources ({_percent(low, findings.rows)}) have a class with a probability below {LOW}."
    if findings.outliers is None:
        return text
    return (
        f"{text} {findings.outliers:,} sources ({_percent(findings.outliers, findings.rows)}) are more unusual than "
        f"{OUTLIER:.0%} of the sources that the model was trained on, where it can only guess."
    )


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if 1000 * part >= whole else f"{part / whole:.2%}"

"""Print what a model found in a table: classes, how many are expected to be right, bands, and what is doubtful."""

from sedsql.cli.render import print_rows, say
from sedsql.inference.findings import LOW, OUTLIER, Findings
from sedsql.photometry.bands import BANDS


def print_findings(findings: Findings) -> None:
    """Print a table of classes, and a line each on outliers and bands."""
    print_rows(["class", "sources", "right, by the model's probabilities", f"probability < {LOW}"], _lines(findings))
    if not findings.rows:
        return
    if findings.outliers:
        say(f"Sources more unusual than {OUTLIER:.0%} of the training sources: {findings.outliers:,}")
    rows = findings.bands()
    shares = [f"{band.short} {rows[band.column] / findings.rows:.0%}" for band in BANDS if rows[band.column]]
    say(f"Bands: {', '.join(shares) or 'none'}")


def _lines(findings: Findings) -> list[tuple]:
    lines: list[tuple] = []
    for one in findings.by_class():
        if one["purity"] is None:
            lines.append((one["class"], one["rows"], "", ""))
        else:
            lines.append((one["class"], one["rows"], f"{one['purity']:.0%}", one["low_probability"]))
    return lines

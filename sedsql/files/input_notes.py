"""Tell, in a sentence each, how a table was read where it may have been meant otherwise."""

from collections.abc import Iterator, Mapping, Sequence

from sedsql.files.input_columns import InputColumn, ReadOptions
from sedsql.files.names import is_another_g, near_names
from sedsql.files.sentinels import Sentinels
from sedsql.photometry.bands import AB_ZERO_POINT_JY, BANDS, BRIGHTEST, COLUMNS, FAINTEST


def of_names(
    names: Sequence[str], columns: Mapping[str, InputColumn], absent: Sequence[str], options: ReadOptions
) -> Iterator[str]:
    """Tell which bands have no column, or several.

    columns : that were taken, by the archive's names
    """
    if absent:
        hints = near_hints(names, columns, absent)
        yield f"The table has no column for {', '.join(absent)}: missing in every row{hints}."
    for name in names:
        if is_another_g(names, name) and name not in options.columns.values():
            yield (
                f"Column {name} was not taken for Gaia's G, for beside r or i it is the g of SDSS or Pan-STARRS; "
                f"--map {BANDS[0].column}={name} takes it."
            )
    for source in columns.values():
        if (count := list(names).count(source.column)) > 1:
            yield (
                f"The table has {count} columns {source.column}, and the first was taken as {source.name}; rename them "
                "to choose."
            )
        if source.others and source.name not in options.columns:
            *first, last = source.column, *source.others
            yield (
                f"Columns {', '.join(first)} and {last} could be {source.name}, and {source.column} was taken; "
                f"--map {source.name}={source.others[0]} takes another."
            )


def near_hints(names: Sequence[str], columns: Mapping[str, InputColumn], absent: Sequence[str]) -> str:
    """Suggest columns whose names are like those of absent bands."""
    taken = {source.column for source in columns.values()}
    near = {band: [name for name in near_names(names, band) if name not in taken] for band in absent}
    hints = [f"--map {band}={found[0]}" for band, found in near.items() if found]
    return f" (perhaps {' '.join(hints)})" if hints else ""


def of_numbers(
    columns: Mapping[str, InputColumn], sentinels: Sentinels, nowhere: int, options: ReadOptions
) -> Iterator[str]:
    """Tell which numbers were converted, which stand for a missing one, and which are strange.

    nowhere : rows whose declination is beyond the pole
    """
    for source in columns.values():
        if source.scale and source.scale.kind != "vega":
            yield _converted(source)
    yield from of_sentinels(sentinels, options)
    for source in columns.values():
        if source.strange:
            yield (
                f"The magnitude {source.name}, in column {source.column}, is brighter than {BRIGHTEST:g} or fainter "
                f"than {FAINTEST:g} in {_rows(source.strange)}, and was taken as it is: say with --missing VALUE what "
                f"stands for a missing one, or with --unit {source.column}=mJy that it is a flux."
            )
    error = columns.get("parallax_error")
    if error is not None and error.least <= 0:
        yield (
            f"The error of the parallax, in column {error.column}, is 0 or less in some rows, down to {error.least:g}: "
            "their parallaxes count as exact; make those missing that are not."
        )
    if nowhere and "dec" in columns:
        yield (
            f"The column {columns['dec'].column} is beyond 90 degrees in {_rows(nowhere)}: they count as without "
            "position."
        )


def of_sentinels(sentinels: Sentinels, options: ReadOptions) -> Iterator[str]:
    """Tell which numbers stand for a missing one, and how they were taken."""
    if not sentinels.counts:
        return
    kept = options.keep_sentinels
    taken = "they are" if kept else "missing"
    way_out = "" if kept or options.missing else "; with --keep-sentinels they are magnitudes"
    yield f"Numbers that stand for a missing one, {sentinels}, were taken as {taken}{way_out}."


def _converted(source: InputColumn) -> str:
    zero_point = BANDS[COLUMNS.index(source.name)].zero_point_jy
    text = (
        f"Column {source.column}, in {source.unit}, was made Vega magnitudes of {source.name} by its zero point, "
        f"{zero_point:.5g} Jy"
    )
    if source.scale and source.scale.kind == "ab":
        return f"{text}; an AB magnitude is 0 at {AB_ZERO_POINT_JY:g} Jy."
    refused = f"; fluxes of zero or less, in {_rows(source.refused)}, are missing" if source.refused else ""
    return f"{text}{refused}."


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"

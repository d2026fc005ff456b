"""Make the functions of sql/macros.sql in Spark's SQL, which calls no Python for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sedsql.photometry.bands import BANDS, Band
from sedsql.photometry.sed import INDEX_BANDS, SPEED_OF_LIGHT_UM_S, STAGES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PARAMETERS = ", ".join(f"{band.column} DOUBLE" for band in BANDS)
_ARGUMENTS = ", ".join(band.column for band in BANDS)


def register_photometry(spark: SparkSession) -> None:
    """Make `sed_points`, `sed_alpha` and `sed_stage` callable in a session, each with the ten magnitudes."""
    point = "STRUCT<band: STRING, wavelength_um: DOUBLE, flux_jy: DOUBLE, lambda_flux: DOUBLE>"
    for name, kind, body in (
        ("sed_points", f"ARRAY<{point}>", _points()),
        ("sed_alpha", "DOUBLE", _alpha()),
        ("sed_stage", "STRING", _stage()),
    ):
        spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}({_PARAMETERS}) RETURNS {kind} RETURN {body}")


def _points() -> str:
    """The points of the bands that are there; a flux of NaN is above infinity, as Spark compares."""
    points = ", ".join(
        f"named_struct('band', '{band.column}', 'wavelength_um', {band.wavelength_um!r}D, 'flux_jy', {_flux(band)},"
        f" 'lambda_flux', {_flux(band)} * 1e-26 * {SPEED_OF_LIGHT_UM_S!r}D / {band.wavelength_um!r}D)"
        for band in BANDS
    )
    there = "p.flux_jy > 0 AND p.flux_jy < CAST('Infinity' AS DOUBLE)"
    return f"filter(array({points}), p -> {there})"


def _flux(band: Band) -> str:
    return f"{band.zero_point_jy!r}D * pow(10, -0.4D * {band.column})"


def _alpha() -> str:
    """The slope of a least-squares line through the infrared bands that are there, as sums over them."""
    terms: dict[str, list[str]] = {"n": [], "x": [], "xx": [], "y": [], "xy": []}
    for band in BANDS[INDEX_BANDS]:
        place = math.log10(band.wavelength_um)
        level = f"({math.log10(band.zero_point_jy / band.wavelength_um)!r}D - 0.4D * {band.column})"
        values = ("1", f"{place!r}D", f"{place * place!r}D", level, f"{place!r}D * {level}")
        for listed, value in zip(terms.values(), values, strict=True):
            listed.append(f"CASE WHEN {band.column} < CAST('NaN' AS DOUBLE) THEN {value} ELSE 0 END")
    n, x, xx, y, xy = (f"({' + '.join(listed)})" for listed in terms.values())
    slope = f"({n} * {xy} - {x} * {y}) / ({n} * {xx} - {x} * {x})"
    return f"CASE WHEN {n} >= 2 THEN nullif({slope}, CAST('NaN' AS DOUBLE)) END"


def _stage() -> str:
    *above, (_, last) = STAGES
    whens = " ".join(f"WHEN a >= {least!r}D THEN '{name}'" for least, name in above)
    stages = f"CASE {whens} WHEN a < {above[-1][0]!r}D THEN '{last}' END"
    return f"get(transform(array(sed_alpha({_ARGUMENTS})), a -> {stages}), 0)"

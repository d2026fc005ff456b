"""Define functions that other public TAP services declare, and say why some are not supported."""

from __future__ import annotations

from sqlglot import exp

from sedsql.adql.geometry.errors import UnsupportedError
from sedsql.adql.geometry.sphere import let, place_of, real
from sedsql.adql.tree.signature import Function, Write, bracketed

FNU = "1e-30"  # erg / (s cm2 Hz), the unit of J-PLUS and J-PAS fluxes
AB_ZERO = "48.6e0"


def spectral(arguments: list[exp.Expr], write: Write) -> str:
    """Convert a wavelength, frequency or energy to another unit (VOUnit): y = k x, or y = k / x."""
    import astropy.units as u  # most queries convert no units

    value, start, end = arguments
    if not isinstance(start, exp.Literal) or not isinstance(end, exp.Literal):
        raise UnsupportedError("GAVO_SPECCONV with a unit that is no constant")
    try:
        one = u.Unit(start.name, format="vounit")
        there = u.Quantity([1.0, 2.0], one).to_value(u.Unit(end.name, format="vounit"), equivalencies=u.spectral())
    except (ValueError, u.UnitsError, TypeError):
        raise UnsupportedError(f"GAVO_SPECCONV from {start.name!r} to {end.name!r}, which has no conversion") from None
    factor = real(there[0])
    return (
        f"({bracketed(write)(value)} * {factor})" if there[1] > there[0] else f"({factor} / {bracketed(write)(value)})"
    )


def apply_pm(arguments: list[exp.Expr], write: Write) -> str:
    """Move a position in the tangential plane by proper motions in degrees a year."""
    ra, dec, east, north, years = map(write, arguments)
    given = {"a": f"radians({ra})", "d": f"radians({dec})", "x": f"radians({east}) * {years}",
             "y": f"radians({north}) * {years}"}  # fmt: skip
    vector = (
        "[cos(__m.d) * cos(__m.a) - sin(__m.a) * __m.x - sin(__m.d) * cos(__m.a) * __m.y,"
        " cos(__m.d) * sin(__m.a) + cos(__m.a) * __m.x - sin(__m.d) * sin(__m.a) * __m.y,"
        " sin(__m.d) + cos(__m.d) * __m.y]"
    )
    return let(given, let({"v": vector}, place_of("__t.v"), "__t"), "__m")


def trim(arguments: list[exp.Expr], write: Write) -> str:
    if len(arguments) == 1:
        return f"trim({write(arguments[0])}, ' ')"
    which = arguments[0].name.upper()
    if which not in ("LEADING", "TRAILING", "BOTH"):
        raise UnsupportedError("TRIM of other than 'LEADING', 'TRAILING' or 'BOTH'")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim", "BOTH": "trim"}[which]
    return f"{name}({write(arguments[1])}, ' ')"


STRINGS = {
    "LOWERCASE": Function(("s",), "s", "lower({0})"),
    "UPPERCASE": Function(("s",), "s", "upper({0})"),
    "CDS_LOWER": Function(("s",), "s", "lower({0})"),
    "CDS_UPPER": Function(("s",), "s", "upper({0})"),
    "REGEXP": Function(("ss",), "i", "CAST(regexp_matches({0}, {1}) AS INT)"),
    "GAVO_MATCH": Function(("ss",), "i", "CAST(regexp_matches({1}, {0}) AS INT)"),
    "GAVO_GETAUTHORITY": Function(("s",), "s", "regexp_extract({0}, '^[^:/]+://([^/?#]*)', 1)"),
    "INITCAP": Function(
        ("s",),
        "s",
        "array_to_string(list_transform(regexp_extract_all(lower({0}), '[\\p{{L}}\\p{{N}}]+|[^\\p{{L}}\\p{{N}}]+'),"
        " lambda __x: upper(left(__x, 1)) || substring(__x, 2)), '')",
    ),
    "RPAD": Function(("sns",), "s", "rpad({0}, CAST({1} AS INT), {2})"),
    "RTRIM": Function(("s",), "s", "rtrim({0}, ' ')"),
    "ESO_SUBSTRING": Function(("snn",), "s", "substring({0}, CAST({1} AS BIGINT), CAST({2} AS BIGINT))"),
    "ESDC_LEFT": Function(("sn",), "s", "left({0}, CAST({1} AS BIGINT))"),
    "ESDC_RIGHT": Function(("sn",), "s", "right({0}, CAST({1} AS BIGINT))"),
    "ESDC_SUBSTRING": Function(("snn",), "s", "substring({0}, CAST({1} AS BIGINT), CAST({2} AS BIGINT))"),
    "ESDC_POSITION": Function(("ss",), "i", "instr({1}, {0})"),
    "ESDC_TRANSLATE": Function(("sss",), "s", "translate({0}, {1}, {2})"),
    "ESDC_TRIM": Function(("s", "ss"), "s", trim),
    "STRING_AGG": Function(("as",), "s", "string_agg({0}, {1})", aggregate=True),
}
VALUES = {
    "RANDOM": Function(("",), "r", "random()"),
    "GETDATE": Function(("",), "t", "CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP)"),
    "ESO_DATEADD_SEC": Function(("nt",), "t", "(CAST({1} AS TIMESTAMP) + to_seconds({0}))"),
    "ESDC_COALESCE": Function(("a",), "=", "coalesce({0})", more=lambda size: ("a" * size,) if size else ()),
    "ESDC_NULLIF": Function(("aa",), "=", "nullif({0}, {1})"),
    "ESDC_TO_BOOLEAN": Function(("a",), "b", "CAST({0} AS BOOLEAN)"),
    "ESDC_TO_SMALLINT": Function(("a",), "i", "CAST({0} AS SMALLINT)"),
    "IVO_BIT_AND_AGG": Function(("i",), "i", "bit_and({0})", aggregate=True),
    "IVO_BIT_OR_AGG": Function(("i",), "i", "bit_or({0})", aggregate=True),
    "GAVO_APPLY_PM": Function(("nnnnn",), "P", apply_pm),
    "GAVO_SPECCONV": Function(("nss",), "r", spectral),
    "CEFCA_FNUFLUXTOJANSKY": Function(("n",), "r", "({0} * 1e-7)"),
    "CEFCA_JANSKYTOFNUFLUX": Function(("n",), "r", "({0} * 1e7)"),
    "CEFCA_FNUFLUXTOMAGAB": Function(
        ("n",), "r", f"CASE WHEN {{0}} < 0 THEN -99e0 ELSE -2.5e0 * log10({{0}} * {FNU}) - {AB_ZERO} END"
    ),
    "CEFCA_MAGABTOFNUFLUX": Function(("n",), "r", f"(pow(10, -0.4e0 * ({{0}} + {AB_ZERO})) / {FNU})"),
}

NETWORK = "it asks a server, and sedsql asks none without being told to"
OWN_DATA = "it reads tables of the service that declares it"
UNDOCUMENTED = "what it yields is not documented"
REFUSED = {
    "IVO_SIMBADPOINT": NETWORK,
    "GAVO_SIMBADPOINT": NETWORK,
    "TO_DATE": UNDOCUMENTED,
    "ESDC_EPOCH_PROP_COVARIANCE": "its units are not documented; ESDC_EPOCH_PROP_ERROR gives the same numbers",
    "ESDC_RADIAL_VELOCITY": "services declare its arguments in opposite orders; divide and multiply by hand",
    "RADIAL_VELOCITY": "services declare its arguments in opposite orders; divide and multiply by hand",
    "ESDC_CASE_CONDITION": "it takes conditions as text; CASE WHEN does the same",
    "ESDC_CASE_EXPRESSION": "it takes lists as text; CASE WHEN does the same",
    "ESDC_ARRAY": UNDOCUMENTED,
    "ESDC_CROSSMATCH_POSITIONAL": "it writes a table; join with DISTANCE(...) < r instead",
    "CDS_CAST": "it is internal to VizieR; CAST does the same",
    "CDS_ROUND": "it is internal to VizieR; ROUND does the same",
    "CDS_CONVERT_SYS_POS": "its systems with equinoxes are not documented; ivo_geom_transform turns frames",
    "CDS_CONVERT_EPOCH_PROP_POS": "its systems with equinoxes are not documented; see ivo_epoch_prop_pos",
    "CDS_HEALPIX_INDEX": "its order is that of VizieR's tables; ivo_healpix_index takes an order",
    "CEFCA_FLAMBDATOFNU": "it needs the wavelengths of the service's filters",
    "CEFCA_FNUTOFLAMBDA": "it needs the wavelengths of the service's filters",
    "ESO_INTERSECTION": UNDOCUMENTED,
    "GAVO_IPIX": "q3c's own index; ivo_healpix_index is the common one",
    "GAVO_MOCINTERSECT": "sedsql has no coverage maps (MOC)",
    "GAVO_MOCUNION": "sedsql has no coverage maps (MOC)",
    "GAVO_VOCMATCH": "it looks into the IVOA's vocabularies on the network",
    "NORMID": "it needs SIMBAD's rules of names",
    "RADEC2SEXA": UNDOCUMENTED,
    "SMB_GET_IDS": OWN_DATA,
    "UNNEST": "ADQL has no functions that yield several rows",
}

"""Spell out `sed.photometry` (sql/views.sql), with its quality rules, for services that do not have it.

Queries for these services contain `{magnitudes}`, `{parallax}` and `{joined}`: the ten magnitudes, and the parallax
with its error, as expressions over the archive's tables, and the join of these tables. Letters of a flag are tested by
LIKE in ADQL, and by substr in SQLite, whose LIKE ignores case.
"""

from sedsql.photometry.bands import COLUMNS

_JOINED = """gaiadr3.gaia_source AS g
LEFT OUTER JOIN gaiadr3.tmass_psc_xsc_best_neighbour AS tm ON tm.source_id = g.source_id
LEFT OUTER JOIN gaiadr3.tmass_psc_xsc_join AS tj ON tj.clean_tmass_psc_xsc_oid = tm.clean_tmass_psc_xsc_oid
      AND tj.original_psc_source_id = tm.original_ext_source_id
LEFT OUTER JOIN gaiadr1.tmass_original_valid AS t ON t.designation = tj.original_psc_source_id
LEFT OUTER JOIN gaiadr3.allwise_best_neighbour AS wm ON wm.source_id = g.source_id
LEFT OUTER JOIN gaiadr1.allwise_original_valid AS w ON w.allwise_oid = wm.allwise_oid"""

_JOINED_SQLITE = """gaiadr3.gaia_source AS g
LEFT JOIN gaiadr3.tmasspscxsc_best_neighbour AS tm ON tm.source_id = g.source_id
LEFT JOIN tmass.twomass_psc AS t ON t.designation = tm.original_ext_source_id
LEFT JOIN gaiadr3.allwise_best_neighbour AS wm ON wm.source_id = g.source_id
LEFT JOIN allwise.allwise AS w ON w.designation = wm.original_ext_source_id"""

GOOD_ASTROMETRY = "(g.ruwe IS NULL OR g.ruwe <= 1.4)"
_PARALLAX = ", ".join(
    f"CASE WHEN {GOOD_ASTROMETRY} THEN g.{column} END AS {column}" for column in ("parallax", "parallax_error")
)


def spelled_out(query: str, *, sqlite: bool) -> str:
    """Fill in `{magnitudes}`, `{parallax}`, `{joined}` and `{good_astrometry}` in a query."""
    filled = {
        "{magnitudes}": ",\n       ".join(_magnitudes(sqlite)),
        "{parallax}": _PARALLAX,
        "{joined}": _JOINED_SQLITE if sqlite else _JOINED,
        "{good_astrometry}": GOOD_ASTROMETRY,
    }
    for mark, text in filled.items():
        query = query.replace(mark, text)
    return query


def _magnitudes(sqlite: bool) -> list[str]:
    found = [f"g.{column}" for column in COLUMNS[:3]]
    for place, band in enumerate(("j", "h", "ks")):
        name = "k" if sqlite and band == "ks" else band
        kept = [
            _letter("t.ph_qual", place, 3, "ABCD", sqlite),
            f"t.{name}_msigcom IS NOT NULL",
            "(tm.number_of_mates IS NULL OR tm.number_of_mates = 0)",
        ]
        found.append(f"CASE WHEN {' AND '.join(kept)} THEN t.{name}_m END AS {band}_m")
    for place in range(4):
        band = f"w{place + 1}"
        error, flag = (f"w.{band}sigmpro", "w.ext_flg") if sqlite else (f"w.{band}mpro_error", "w.ext_flag")
        kept = [
            _letter("w.ph_qual", place, 4, "ABC", sqlite),
            _letter("w.cc_flags", place, 4, "DPHO", sqlite, none=True),
            f"{error} IS NOT NULL",
            f"({flag} IS NULL OR {flag} < 2)",
            "(wm.number_of_mates IS NULL OR wm.number_of_mates = 0)",
        ]
        found.append(f"CASE WHEN {' AND '.join(kept)} THEN w.{band}mpro END AS {band}mpro")
    return found


def _letter(column: str, place: int, length: int, letters: str, sqlite: bool, none: bool = False) -> str:
    """Write a condition that the letter at a place is one of these, or none of them; it holds without a flag."""
    if sqlite:
        words = ", ".join(f"'{letter}'" for letter in letters)
        test = f"substr({column}, {place + 1}, 1) {'NOT ' if none else ''}IN ({words})"
        return f"({column} IS NULL OR {test})"
    patterns = ["_" * place + letter + "_" * (length - place - 1) for letter in letters]
    word, joint = ("NOT LIKE", " AND ") if none else ("LIKE", " OR ")
    return f"({column} IS NULL OR ({joint.join(f'{column} {word} {pattern!r}' for pattern in patterns)}))"

"""List the quality rules of sed.photometry, and switch them off and on in a mirror.

A rule is a macro of sql/rules.sql, true where a value is kept. That file also describes it, in the view `sed.rules`.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

import duckdb

from sedsql.errors import Error
from sedsql.files.resources import folder
from sedsql.mirror.views import make_photometry_view


class RuleError(Error):
    """A rule does not exist, or a mirror has none."""


@dataclass(frozen=True)
class Rule:
    """A quality rule.

    about : what it keeps and drops, and why
    source : the paper or documentation that it follows, with section
    written : the definition as this DuckDB writes it
    probe : SQL of the rule applied to a value that it refuses
    """

    name: str
    about: str
    source: str
    parameters: str
    definition: str
    written: str
    probe: str


OFF = "true"
"""The definition of a rule that is switched off."""


def _read() -> tuple[dict[str, Rule], str]:
    """The rules, and OFF as DuckDB writes it."""
    sql = (folder("sql") / "rules.sql").read_text(encoding="utf-8")
    macros = re.findall(r"^CREATE OR REPLACE MACRO sed\.(\w+)\((.+?)\) AS (.+?);$", sql, re.MULTILINE)
    with duckdb.connect() as con:
        con.execute(f"{sql}; CREATE MACRO sed.off() AS {OFF}")
        said = {name: (about, source) for name, _, about, source in con.execute("FROM sed.rules").fetchall()}
        written = _written(con)
    probes = dict(re.findall(r"^ *'(\w+)', NOT (sed\.\w+\(.+?\)),$", sql, re.MULTILINE))
    rules = {name: Rule(name, *said[name], taken, text, written[name], probes[name]) for name, taken, text in macros}
    return rules, written["off"]


def _written(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The definitions of the macros of the schema `sed` in the connection's current database, as DuckDB writes them."""
    found = con.execute(
        "SELECT function_name, macro_definition FROM duckdb_functions() "
        "WHERE database_name = current_database() AND schema_name = 'sed'"
    )
    return dict(found.fetchall())


RULES, _OFF = _read()
"""By name, in the order of sql/rules.sql."""


def definitions(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each rule is in the connection's current database: as sql/rules.sql has it, OFF, or what a user made of it.

    They are the same in every DuckDB, but for a user's own.
    """
    found = _written(con)
    known = {_OFF: OFF}
    return {
        name: rule.definition if found[name] == rule.written else known.get(found[name], found[name])
        for name, rule in RULES.items()
        if name in found
    }


def switch(con: duckdb.DuckDBPyConnection, rule: str, on: bool) -> None:
    """Switch a rule on or off in the connection's current database: a mirror that is open to be changed.

    It holds for all who open the mirror afterwards, until it is switched back. A stored sed.photometry is joined anew
    by each query from then on, until `mirror refresh` stores it again or the rule is switched back.
    Raises RuleError for a rule that does not exist, and for a mirror that was written before there were rules.
    """
    if rule not in RULES:
        near = get_close_matches(rule.lower(), RULES, 3, 0.4) or list(RULES)
        raise RuleError(f"there is no rule {rule!r}; did you mean {_or(near)}?")
    there = con.execute(
        "SELECT count(*) FROM duckdb_functions() "
        "WHERE database_name = current_database() AND schema_name = 'sed' AND function_name = ?",
        [rule],
    ).fetchone()
    if not there or not there[0]:
        raise RuleError(f"this mirror has no rule {rule!r}: it was written before there were rules; write it again")
    known = RULES[rule]
    con.execute(f"CREATE OR REPLACE MACRO sed.{rule}({known.parameters}) AS {known.definition if on else OFF}")
    make_photometry_view(con)


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

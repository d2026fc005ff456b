"""The quality rules of sed.photometry: which there are, and switching them off and on in a mirror.

A rule is a macro of sql/rules.sql, true where a value is kept. What is said of it stands in that file too, in the view
`sed.rules`.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

import duckdb

from ..errors import Error
from ..resources import folder


class RuleError(Error):
    """A rule that does not exist, or a mirror that has none."""


@dataclass(frozen=True)
class Rule:
    """A quality rule.

    about : what it keeps and drops, and why
    source : the paper or documentation that it follows, with section
    """

    name: str
    about: str
    source: str
    parameters: str
    definition: str


def _read() -> dict[str, Rule]:
    sql = (folder("sql") / "rules.sql").read_text(encoding="utf-8")
    macros = re.findall(r"^CREATE OR REPLACE MACRO sed\.(\w+)\((.+?)\) AS (.+?);$", sql, re.MULTILINE)
    with duckdb.connect() as con:
        con.execute(sql)
        said = {name: (about, source) for name, _, about, source in con.execute("FROM sed.rules").fetchall()}
    return {name: Rule(name, *said[name], parameters, definition) for name, parameters, definition in macros}


RULES: dict[str, Rule] = _read()
"""By name, in the order of sql/rules.sql."""


def switch(con: duckdb.DuckDBPyConnection, rule: str, on: bool) -> None:
    """Switch a rule on or off in the connection's current database: a mirror that is open to be changed.

    It holds for all who open the mirror afterwards, until it is switched back.
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
    con.execute(f"CREATE OR REPLACE MACRO sed.{rule}({known.parameters}) AS {known.definition if on else 'true'}")


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""Whole queries, drawn from choices: SELECT lists, FROM clauses, groups, set operations, WITH."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sedsql.photometry.bands import COLUMNS

from .choices import Choices
from .places import REGULAR, Scope, Source
from .sources import MOST_PAIRS, Sources, derived
from .tables import Column, Table
from .values import PLAIN

NAMES = ("x", "y", "n", '"Mixed Case"', "b", "l", "ra", "source_id", "Dec", "all_", '"select"', "struct", "X")


@dataclass
class Query:
    """A query, and what is known of its answer.

    untopped : the same without TOP and OFFSET
    keys : the places of columns by which the answer is ordered, the first ones that are known
    notes : see Places
    """

    text: str
    untopped: str
    parameters: list | dict
    keys: list[int]
    notes: set[str]

    @property
    def cut(self) -> bool:
        return self.text != self.untopped


@dataclass
class Selected:
    """A SELECT that was drawn: its parts as text, and the columns that it gives."""

    items: str
    rest: str
    columns: list[Column]
    names: list[str]
    scope: Scope
    rows: int
    distinct: str = ""
    grouped: bool = False
    aliased: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"SELECT {self.distinct}{self.items} {self.rest}"


class Queries(Sources):
    """Draws a query over some tables."""

    def __init__(
        self,
        choices: Choices,
        tables: Sequence[Table],
        places: list[tuple[float, float]],
        models: tuple[str, ...] = ("shape-2", "sky-1", "lite-2", "luminosity-2"),
    ):
        super().__init__(choices, places, parameters=choices.chance(8))
        # To plan a query of the view sed.photometry takes ten times as long, so others come more often.
        uploads = [table for table in tables if table.name.startswith("tap_upload.")]
        celled = [table for table in tables if table.cells and table.name.startswith("gaia")]
        self.tables = [*tables, *2 * celled, *uploads]
        self.models = models
        self.known: list[Table] = []  # by WITH
        self.named = 0

    def query(self) -> Query:
        ctes = ""
        if self.choices.chance(10):
            ctes = f"WITH {self.cte()}" + (f", {self.cte()}" if self.choices.chance(30) else "") + " "
        if self.choices.chance(10):
            text, keys = self.combined()
            return self.finished(ctes, text, text, keys)
        selected = self.select(2)
        order, keys = self.order(selected) if self.choices.chance(35) else ("", [])
        whole = f"SELECT {selected.distinct}{selected.items} {selected.rest}{order}"
        top = f"TOP {self.choices.one((10, 3, 100, 1, 0))} " if self.choices.chance(15) else ""
        offset = f" OFFSET {self.choices.one((2, 0, 20))}" if self.choices.chance(5) else ""
        text = f"SELECT {selected.distinct}{top}{selected.items} {selected.rest}{order}{offset}"
        if self.choices.chance(4):
            self.given.clear()
            return self.finished("", *self.first_rows())
        return self.finished(ctes, text, whole, keys)

    def first_rows(self) -> tuple[str, str, list[int]]:
        """The first rows of a table by a column that is not NULL, the same without TOP, and the column's place."""
        table = self.choices.one([table for table in self.tables if table.of("ir")])
        scope = Scope([Source("q", table)])
        numbers = [f'q."{column.name}"' for column in table.of("ir")]
        key = self.choices.one(numbers)
        items = f"{key} AS first_, {self.choices.one(('q.*', ', '.join(numbers)))}"
        tests = [f"{key} IS NOT NULL", *(self.simple(scope, 0) for _ in range(self.choices.below(2)))]
        order = [self.choices.one(("first_", key)) + self.choices.one(("", " DESC")), *self.choices.some(numbers)]
        rest = f"{items} FROM {table.name} AS q WHERE {' AND '.join(tests)} ORDER BY {', '.join(order)}"
        return f"SELECT TOP {self.choices.one((3, 10, 40))} {rest}", f"SELECT {rest}", [0]

    def finished(self, ctes: str, text: str, untopped: str, keys: list[int]) -> Query:
        """With parameters in their places: `?` by their order in the text, or names."""
        text, untopped = ctes + text, ctes + untopped
        if not self.given or self.choices.chance(50):
            names = {f"p{place}": value for place, value in enumerate(self.given) if f"\x01{place}\x01" in text}
            text, untopped = (re.sub("\x01(\\d+)\x01", r":p\1", one) for one in (text, untopped))
            return Query(text, untopped, names, keys, self.notes)
        values = [self.given[int(place)] for place in re.findall("\x01(\\d+)\x01", text)]
        text, untopped = (re.sub("\x01\\d+\x01", "?", one) for one in (text, untopped))
        return Query(text, untopped, values, keys, self.notes)

    # --- SELECT ---------------------------------------------------------------------------------------

    def select(self, depth: int, kinds: Sequence[str] | None = None, outer: Scope | None = None) -> Selected:
        """A SELECT; with `kinds` it gives columns of these, with `outer` it may name those of the query around it."""
        from_, scope, joins, rows = self.from_(depth, outer)
        conditions = [
            *joins,
            *(self.condition(scope) for _ in range(self.choices.weighed((3, 0), (4, 1), (2, 2), (1, 3)))),
        ]
        # What the rewrites look for are conditions that AND joins.
        if self.positions(scope) and self.choices.chance(25):
            conditions.append(self.inside(scope))
        if self.row(scope) and self.choices.chance(30):
            conditions.append(self.of_model(scope) or "1 = 1")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rest = f"FROM {from_}{where}"
        if kinds is None and self.choices.chance(20):
            return self.groups(rest, scope, rows)
        if kinds is None and outer is None and self.choices.chance(15):
            return self.starred(rest, scope, rows)
        items: list[str] = []
        columns: list[Column] = []
        names: list[str] = []
        aliased: list[int] = []
        for kind in kinds or self.kinds(depth):
            text, column = self.item(scope, kind)
            if self.choices.chance(50) or column is None or kinds:
                name = self.alias(names)
                text += self.choices.weighed((4, f" AS {name}"), (1, f" {name}"))
                aliased.append(len(items))
                column = replace(column or Column("", kind, wild=True), name=name.strip('"'))
            items.append(text)
            columns.append(column)
            names.append(column.name)
        distinct = "DISTINCT " if self.choices.chance(8) else ""
        return Selected(", ".join(items), rest, columns, names, scope, rows, distinct, aliased=aliased)

    def kinds(self, depth: int) -> list[str]:
        """What a SELECT list gives; structs, lists and geometries only at the top."""
        one = [(6, "r"), (5, "i"), (5, "s"), (1, "b"), (1, "t"), (1, "d")]
        if depth == 2:
            one += [(1, "P"), (1, "S")]
        return [self.choices.weighed(*one) for _ in range(self.choices.weighed((3, 1), (3, 2), (2, 3), (1, 5)))]

    def item(self, scope: Scope, kind: str) -> tuple[str, Column | None]:
        """A value, and the column that it is if it is one."""
        if kind in "ris" and self.choices.chance(50):
            return self.value(scope, kind), None
        if kind == "P":
            return self.geometry(scope), None
        if kind == "S" and (call := self.model_whole(scope)):
            return call, None
        found = self.column(scope, kind if kind != "S" else "s")
        if found is None:
            return self.literal(kind if kind in PLAIN else "i"), None
        return found[1], found[0]

    def alias(self, names: list[str]) -> str:
        """A name for a column, mostly a new one."""
        self.named += 1
        name = self.choices.weighed((2, f"c{self.named}"), (1, self.choices.one(NAMES)))
        taken = {known.lower() for known in names}
        return f"c{self.named}" if name.strip('"').lower() in taken and not self.choices.chance(10) else name

    def starred(self, rest: str, scope: Scope, rows: int) -> Selected:
        first = scope.sources[0]
        if len(scope.sources) == 1:
            columns = list(first.table.columns)
            if first.table.has_bands and self.choices.chance(20):
                columns = [
                    column for column in columns if column.name in (*COLUMNS, "source_id", "ra", "dec", "parallax")
                ]
                star = ", ".join(f"{first.name}.{column.name}" for column in columns)
            else:
                star = self.choices.one(("*", f"{first.name}.*"))
        else:
            columns = [c for source in scope.sources for c in source.table.columns]
            star = self.choices.one(("*", f"{first.name}.*", ", ".join(f"{source.name}.*" for source in scope.sources)))
            if star == f"{first.name}.*":
                columns = list(first.table.columns)
        if self.choices.chance(25):
            text, column = self.item(scope, self.choices.one("ris"))
            self.named += 1
            columns.append(replace(column or Column("", "x"), name=f"c{self.named}", kind="x"))
            star += f", {text} AS c{self.named}"
        if any(column.name.startswith("class") or column.name == "outlier" for column in columns):
            self.notes.add("models")
        return Selected(star, rest, columns, [column.name for column in columns], scope, rows)

    def groups(self, rest: str, scope: Scope, rows: int) -> Selected:
        """A SELECT with aggregates, and mostly with groups."""
        items: list[str] = []
        columns: list[Column] = []
        names: list[str] = []
        keys: list[str] = []
        aliased: list[int] = []
        for kind in [self.choices.one("sir") for _ in range(self.choices.weighed((5, 1), (2, 2), (2, 0)))]:
            text, column = self.item(scope, kind)
            if column is None or self.choices.chance(30):
                name = self.alias(names)
                items.append(f"{text} AS {name}")
                keys.append(self.choices.weighed((2, name), (1, text)))
                column = replace(column or Column("", kind, wild=True), name=name.strip('"'))
                aliased.append(len(columns))
            else:
                items.append(text)
                keys.append(text)
            columns.append(column)
            names.append(column.name)
        for _ in range(self.choices.weighed((3, 1), (2, 2), (1, 3))):
            text, kind = self.aggregate(scope)
            name = self.alias(names) if self.choices.chance(70) else ""
            items.append(f"{text} AS {name}" if name else text)
            if name:
                aliased.append(len(columns))
            columns.append(Column(name.strip('"'), kind, wild=True))
            names.append(name.strip('"'))
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = ""
        if self.choices.chance(25):
            having = f" HAVING {self.choices.one(('COUNT(*) > 0', 'COUNT(*) > 1', 'COUNT(*) < 50'))}"
            if self.choices.chance(30):
                text, kind = self.aggregate(scope)
                having += f" {self.choices.one(('AND', 'OR'))} {text} >= {self.literal(kind)}"
        return Selected(
            ", ".join(items), rest + group + having, columns, names, scope, rows, grouped=True, aliased=aliased
        )

    def aggregate(self, scope: Scope) -> tuple[str, str]:
        form = self.choices.below(10)
        if form < 3:
            return "COUNT(*)", "i"
        if form < 5:
            kind = self.choices.one("rist")
            quantifier = self.choices.weighed((2, ""), (1, "DISTINCT "))
            return f"COUNT({quantifier}{self.value(scope, kind, 1)})", "i"
        if form < 8:
            kind = self.choices.one("ris")
            return f"{self.choices.one(('MIN', 'MAX'))}({self.value(scope, kind, 1)})", kind
        if form == 8 and (call := self.model_number(scope)) and call.startswith("sed_proba"):
            self.notes.add("sums")
            return f"{self.choices.one(('AVG', 'MAX', 'SUM'))}({call})", "r"
        self.notes.add("sums")
        name = self.choices.one(("AVG", "SUM", "STDDEV", "MEDIAN"))
        return f"{name}({self.tame(scope, self.choices.one('ri'))})", "r"

    # --- queries in queries ---------------------------------------------------------------------------

    def subquery(self, depth: int, most: int) -> tuple[str, Table]:
        """A query whose columns have names that differ, and what it stands for."""
        known, self.tables = self.tables, [t for t in self.tables if t.rows <= most] or self.tables[-1:]
        selected = self.select(depth)
        self.tables = known
        names = [name.lower() for name in selected.names]
        if len(set(names)) < len(names) or not all(names):
            # What has no name, or that of another, gets none.
            selected = self.plain(depth, most)
        text = selected.text
        single = all(selected.scope.times(column.name) < 2 and column.kind in "risbtd" for column in selected.columns)
        if single and len(selected.columns) < 8 and self.choices.chance(10):
            # By all columns the order tells what the first are.
            keys = ", ".join(f'"{column.name}"' for column in selected.columns)
            top = f"TOP {self.choices.one((20, 5))} "
            text = f"SELECT {selected.distinct}{top}{selected.items} {selected.rest} ORDER BY {keys}"
        return text, derived("", selected.columns, min(selected.rows, most))

    def plain(self, depth: int, most: int) -> Selected:
        """All columns of one table."""
        table = self.choices.one([table for table in self.tables if table.rows <= most] or self.tables[-1:])
        scope = Scope([Source("q", table)])
        where = f" WHERE {self.simple(scope, 0)}" if self.choices.chance(40) else ""
        if any(column.name.startswith("class") for column in table.columns):
            self.notes.add("models")
        columns = list(table.columns)
        return Selected("q.*", f"FROM {table.name} AS q{where}", columns, [c.name for c in columns], scope, table.rows)

    def cte(self) -> str:
        self.named += 1
        name = f"w{self.named}"
        query, table = self.subquery(1, MOST_PAIRS)
        columns = ""
        if self.choices.chance(20) and len(table.columns) < 6:
            renamed = [replace(column, name=f"k{place}") for place, column in enumerate(table.columns)]
            columns = f" ({', '.join(column.name for column in renamed)})"
            table = derived("", renamed, table.rows)
        self.known.append(replace(table, name=name))
        return f"{name}{columns} AS ({query})"

    def exists(self, scope: Scope) -> str:
        """EXISTS of a query that names the columns of the one around it."""
        inner = self.select(0, ["i"], scope)
        keys = [
            (source, a, other, b)
            for source in inner.scope.sources
            for a in source.table.columns
            for other in scope.sources
            for b in other.table.columns
            if a.key and a.key == b.key
        ]
        text = inner.text
        if keys:
            source, a, other, b = self.choices.one(keys)
            equal = f"{source.name}.{self.name(a.name)} = {other.name}.{self.name(b.name)}"
            text += f"{' AND' if ' WHERE ' in text else ' WHERE'} {equal}"
        return f"{self.choices.weighed((3, ''), (1, 'NOT '))}EXISTS ({text})"

    def listed(self, scope: Scope, column: Column) -> str | None:
        """A query for IN."""
        if column.kind not in "is":
            return None
        found = [table for table in self.tables if any(c.key and c.key == column.key for c in table.columns)]
        if not found:
            return None
        table = self.choices.one(found)
        inner = Scope([Source("i", table)])
        name = next(c for c in table.columns if c.key == column.key)
        where = f" WHERE {self.simple(inner, 0)}" if self.choices.chance(50) else ""
        return f"SELECT i.{self.name(name.name)} FROM {table.name} AS i{where}"

    def combined(self) -> tuple[str, list[int]]:
        """Queries with UNION, EXCEPT and INTERSECT in between."""
        kinds = [self.choices.one("irs") for _ in range(1 + self.choices.below(3))]
        if self.choices.chance(40):
            kinds, parts = ["i"], []
            for _ in "ab":
                tables = [t for t in self.tables if any(c.key == "gaia" for c in t.columns)]
                table = self.choices.one(tables)
                scope = Scope([Source("k", table)])
                parts.append(f"SELECT k.source_id AS x FROM {table.name} AS k WHERE {self.condition(scope, 1)}")
            names = ["x"]
        else:
            first, other = self.select(1, kinds), self.select(1, kinds)
            parts, names = [first.text, other.text], first.names
        word = self.choices.one(("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"))
        text = f"{parts[0]} {word} {self.choices.weighed((2, parts[1]), (1, f'({parts[1]})'))}"
        if self.choices.chance(30) and REGULAR.fullmatch(names[0]) and names[0].lower() != "select":
            return f"{text} ORDER BY {names[0]}", [0] if names.count(names[0]) == 1 else []
        return text, []

    def order(self, selected: Selected) -> tuple[str, list[int]]:
        """ORDER BY, and the places of the columns that it orders by as far as they are known."""
        terms, keys, known = [], [], True
        for _ in range(self.choices.weighed((3, 1), (2, 2))):
            lower = [name.lower() for name in selected.names]
            single = [
                k for k in selected.aliased if REGULAR.fullmatch(selected.names[k]) and lower.count(lower[k]) == 1
            ]
            if single and self.choices.chance(70):
                place = self.choices.one(single)
                name = selected.names[place]
                term = f'"{name}"' if name.upper() in ("SELECT", "ALL", "DEC") or not name.islower() else name
                known = known and selected.columns[place].kind in "risbt"
                keys += [place] if known else []
            elif selected.grouped or selected.distinct:
                continue
            else:
                term, known = self.value(selected.scope, self.choices.one("ris")), False
            terms.append(term + self.choices.weighed((3, ""), (2, " DESC"), (1, " ASC")))
        return (f" ORDER BY {', '.join(terms)}", keys) if terms else ("", [])

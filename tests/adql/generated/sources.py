"""FROM clauses, drawn from choices: tables, subqueries, joins of all kinds."""

from __future__ import annotations

from .conditions import Conditions
from .places import REGULAR, Scope, Source
from .tables import Column, Table

ALIASES = ("s", "t", "g", "b", "l", "ra", '"My Table"', "parallax", "struct", '"S"', "Obj", "j_m", "source_id")
MOST_PAIRS = 400_000
"""What a join without the rewrite may look at, so that a query takes a fraction of a second."""


class Sources(Conditions):
    """Draws FROM clauses over `tables` and the queries of WITH, which are `known`; `named` counts names made."""

    tables: list[Table]
    known: list[Table]
    named: int

    def subquery(self, depth: int, most: int) -> tuple[str, Table]:
        raise NotImplementedError

    def from_(self, depth: int, outer: Scope | None = None) -> tuple[str, Scope, list[str], int]:
        """A FROM clause; what it lets a query name; conditions on tables that commas stand between; rows at most."""
        scope, taken, joins = Scope([], outer), set(), []
        if outer:
            taken |= {source.name.strip('"').lower() for source in outer.sources}
        text, rows = self.reference_of_tables(scope, taken, depth)
        for _ in range(self.choices.weighed((14, 0), (2, 1), (1, 2) if depth == 2 else (0, 1))):
            before, other = list(scope.sources), Scope([], outer)
            more, count = self.reference_of_tables(other, taken, depth, most=max(1, MOST_PAIRS // rows))
            scope.sources += other.sources
            scope.merged |= other.merged
            condition = self.link(before, other.sources, scope, rows * count)
            joins += [condition] if condition else []
            text, rows = f"{text}, {more}", rows * count
        scope.merged = {name for name in scope.merged if scope.times(name) <= 2}
        return text, scope, joins, rows

    def reference_of_tables(self, scope: Scope, taken: set[str], depth: int, most: int = MOST_PAIRS) -> tuple[str, int]:
        """A table with its joins."""
        text, source = self.one_table(taken, depth, most)
        scope.sources.append(source)
        rows = source.table.rows
        for _ in range(self.choices.weighed((14, 0), (5, 1), (1, 2))):
            if most // max(1, rows) < 2:
                break
            join, rows = self.join(scope, taken, depth, rows, most)
            text += join
        return text, max(1, rows)

    def join(self, scope: Scope, taken: set[str], depth: int, rows: int, most: int) -> tuple[str, int]:
        text, source = self.one_table(taken, depth, most // rows)
        before = list(scope.sources)
        if self.choices.chance(8) and most // rows // max(1, source.table.rows) > 60:
            inner = Scope([source], scope.outer)
            more, _ = self.join(inner, taken, depth, source.table.rows, most // rows)
            text = f"({text}{more})"
            scope.sources += inner.sources
            scope.merged |= inner.merged
        else:
            scope.sources.append(source)
        added = scope.sources[len(before) :]
        word = self.choices.weighed((5, "JOIN"), (1, "INNER JOIN"), (3, "LEFT JOIN"), (1, "LEFT OUTER JOIN"),
                                    (1, "RIGHT JOIN"), (1, "FULL JOIN"))  # fmt: skip
        common = self.common(before, added)
        if common and len(added) == 1 and self.choices.chance(40):
            scope.merged |= {name.lower() for name in common}
            return f" {word} {text} USING ({', '.join(common)})", max(rows, source.table.rows)
        if common and len(added) == 1 and len(common) == len(self.shared(before, added)) and self.choices.chance(50):
            scope.merged |= {name.lower() for name in common}
            return f" NATURAL {word} {text}", max(rows, source.table.rows)
        inside = Scope([*before, *added], scope.outer)
        condition = self.link(before, added, inside, rows * source.table.rows) or "1 = 1"
        if self.choices.chance(25) and "FULL" not in word:
            condition += f" AND {self.simple(inside, 0)}"
        by_keys = condition.split(" AND ")[0].count(" = ") == 1 and not condition.startswith("1 = ")
        most_rows = max(rows, source.table.rows) if by_keys else rows * source.table.rows
        return f" {word} {text} ON {condition}", most_rows

    def shared(self, before: list[Source], added: list[Source]) -> set[str]:
        left, right = (
            {c.name.lower() for source in sources for c in source.table.columns} for sources in (before, added)
        )
        return left & right

    def common(self, before: list[Source], added: list[Source]) -> list[str]:
        """Columns by which both sides can be joined, and which are there once in each."""
        found = []
        for name in sorted(self.shared(before, added)):
            sides = [
                [column for source in sources for column in source.table.columns if column.name.lower() == name]
                for sources in (before, added)
            ]
            if all(len(side) == 1 and side[0].key for side in sides) and REGULAR.fullmatch(name) and name != "class":
                found.append(name)
        return found

    def link(self, before: list[Source], added: list[Source], scope: Scope, pairs: int) -> str | None:
        """A condition between two sides of a join."""
        keys = [
            (one, a, other, b)
            for one in before
            for a in one.table.columns
            for other in added
            for b in other.table.columns
            if a.key and a.key == b.key
        ]
        placed = [(one, other) for one in before for other in added if one.table.position and other.table.position]
        if placed and (not keys or self.choices.chance(45)):
            return self.near(*self.choices.one(placed), scope)
        if keys:
            one, a, other, b = self.choices.one(keys)
            sides = [self.reference(one, a, scope), self.reference(other, b, scope)]
            return f"{sides[0]} = {sides[1]}"
        if pairs > 30_000 and before and added:
            one, a = before[0], before[0].table.columns[0]
            return f"{self.reference(one, a, scope)} = {self.literal(a.kind, a)}"
        return None

    def one_table(self, taken: set[str], depth: int, most: int) -> tuple[str, Source]:
        """A table, a query of WITH, or a subquery, with a name that is not taken."""
        if depth and most > 2 and self.choices.chance(10):
            query, table = self.subquery(depth - 1, most)
            alias = self.table_alias(taken)
            return f"({query}){self.choices.weighed((4, ' AS'), (1, ''))} {alias}", Source(alias, table)
        if self.known and self.choices.chance(60):
            small = self.known
        else:
            small = [table for table in self.tables if table.rows <= most] or self.tables[-1:]
        table = self.choices.one(small)
        schema, _, name = table.name.rpartition(".")
        written = name if not schema else self.choices.weighed((5, table.name), (1, table.name.upper()))
        if schema in ("gaiadr3", "sed") and self.choices.chance(10):
            written = name
        if self.choices.chance(20) and name.lower() not in taken:
            taken.add(name.lower())
            called = table.name if schema and written != name and self.choices.chance(30) else name
            return written, Source(called, table)
        alias = self.table_alias(taken)
        return f"{written}{self.choices.weighed((4, ' AS'), (1, ''))} {alias}", Source(alias, table)

    def table_alias(self, taken: set[str]) -> str:
        alias = self.choices.weighed((3, "s"), (2, "t"), (4, self.choices.one(ALIASES)))
        if alias.strip('"').lower() in taken:
            self.named += 1
            alias = f"t{self.named}"
        taken.add(alias.strip('"').lower())
        return alias


def derived(name: str, columns: list[Column], rows: int) -> Table:
    """The table that a subquery stands for."""
    names = {column.name: column for column in columns}
    position = ("ra", "dec") if {"ra", "dec"} <= names.keys() and names["ra"].kind == names["dec"].kind == "r" else None
    radii = tuple(
        column for column in ("radius", "Small Radius", "size") if column in names and names[column].kind == "r"
    )
    return Table(name, tuple(columns), rows, position, radii)

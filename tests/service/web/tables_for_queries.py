"""Tables made for queries: each that a query names, with the columns that queries read of it, of types that fit."""

from collections.abc import Callable

from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import Scope, traverse_scope

from sedsql.adql import ADQL
from sedsql.adql.parser.identifiers import quoted

OF_TEXT = ("LOWER", "UPPER", "IVO_NOCASEMATCH", "IVO_HASWORD", "IVO_HASHLIST_HAS")
OF_SHAPES = ("CONTAINS", "INTERSECTS", "COORD1", "COORD2", "COORDSYS", "AREA", "CENTROID")
"""Functions whose arguments, where they are columns, are text or points."""
FIRST = "id"
"""A column that every table has, so that none is empty."""

Columns = dict[str, tuple[str, str]]
"""By lower-case name: the name as SQL writes it, and its type, "" where no query tells."""


class Tables:
    """Tables that grow with the queries that are added; `columns` has those of each, by lower-case name."""

    def __init__(self) -> None:
        self.columns: dict[str, Columns] = {}
        self._names: dict[str, str] = {}

    def add(self, query: str) -> None:
        """Add what a query reads."""
        for scope in traverse_scope(parse_one(query, read=ADQL)):
            sources = {alias: one for alias, one in scope.sources.items() if isinstance(one, exp.Table)}
            tables = {alias.lower(): self._table(one) for alias, one in sources.items() if _is_made(one)}
            for join in scope.expression.find_all(exp.Join):
                for name in join.args.get("using") or ():
                    for table in tables.values():
                        _put(table, name, "BIGINT")
            for column in scope.columns:
                for table in _tables_of(column, tables, scope):
                    _put(table, column.this, _type(column))

    def _table(self, table: exp.Table) -> Columns:
        name = ".".join(quoted(part.name if part.quoted else part.name.lower()) for part in table.parts)
        self._names.setdefault(name.lower(), name)  # DuckDB has no two that differ in case alone
        return self.columns.setdefault(name.lower(), {FIRST: (FIRST, "BIGINT")})

    def statements(self, value: Callable[[str, int], str]) -> list[str]:
        """SQL that makes them, with five rows.

        value : gives SQL for a type and the number of a column, in which `k` is the number of the row
        """
        schemas = {name.rpartition(".")[0] for name in self.columns if "." in name}
        made = [f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in sorted(schemas)]
        for name, columns in self.columns.items():
            cells = []
            for c, (column, told) in enumerate(columns.values()):
                kind = told or "DOUBLE"
                cells.append(f"CAST({value(kind, c)} AS {kind}) AS {column}")
            made.append(f"CREATE TABLE {self._names[name]} AS SELECT {', '.join(cells)} FROM range(5) AS t(k)")
        return made


def _is_made(table: exp.Table) -> bool:
    """Whether a table can be made: TAP_SCHEMA is there, and no mirror has catalogues."""
    return table.db.lower() != "tap_schema" and not table.catalog


def _put(table: Columns, name: exp.Identifier, kind: str) -> None:
    before = table.get(name.name.lower(), (quoted(name.name), ""))
    table[name.name.lower()] = (before[0], before[1] or kind)


def _tables_of(column: exp.Column, tables: dict[str, Columns], scope: Scope) -> list[Columns]:
    """The tables that are to have a column which a query reads: one at most."""
    if column.table:
        return [tables[alias] for alias in [column.table.lower()] if alias in tables]
    name = column.name.lower()
    derived = [one.expression.named_selects for one in scope.sources.values() if isinstance(one, Scope)]
    aliases = [] if _is_selected(column) else [scope.expression.named_selects]
    if any(name == other.lower() for names in (*derived, *aliases) for other in names):
        return []
    having = [table for table in tables.values() if name in table]
    return [*having, *tables.values()][:1]


def _is_selected(column: exp.Column) -> bool:
    """Whether it stands where an alias is not known."""
    return column.find_ancestor(exp.Order, exp.Group, exp.Having) is None


def _type(column: exp.Column) -> str:
    parent = column.parent
    if isinstance(parent, exp.DPipe | exp.Like | exp.ILike):
        return "VARCHAR"
    if isinstance(parent, exp.Binary | exp.Between | exp.In):
        literals = [other for other in parent.iter_expressions() if isinstance(other, exp.Literal)]
        return "VARCHAR" if any(one.is_string for one in literals) else "DOUBLE" if literals else ""
    call = str(parent.this).upper() if parent and isinstance(parent.this, str) else ""
    return "VARCHAR" if call in OF_TEXT else "DOUBLE[]" if call in OF_SHAPES else ""

"""Names: what tables and columns a query means, by the catalogue it is handed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from sqlglot import exp

from sedsql.adql import answer, kinds, rows
from sedsql.adql import functions as language
from sedsql.adql.errors import AdqlError
from sedsql.adql.grouping import ungrouped
from sedsql.adql.nodes import Call
from sedsql.adql.scope import Catalogue, Columns, Known, ModelFunction, Scope, Source
from sedsql.adql.selects import is_brackets
from sedsql.adql.shadows import is_shadowed, rename
from sedsql.adql.words import span

# What DuckDB, or an extension of it, would open as a file where it knows no table of that name: it puts the
# parts of a name together with dots and looks at the ending.
_FILES = re.compile(
    r"\.(csv|tsv|txt|parquet|parq|pq|json|jsonl|ndjson|geojson|xlsx?|avro|arrows?|feather|ipc|orc|vortex|lance|db|ddb|duckdb"
    r"|sqlite3?|shp|gpkg|fgb|gdb|kml|gml|osm|pbf|h5|hdf5|gz|zst|bz2|xz|zip|tar)(?![A-Za-z0-9_])|://",
    re.IGNORECASE,
)


class Resolver:
    """Checks the names of one query and notes the kinds of its columns on the tree."""

    def __init__(
        self,
        sql: str,
        catalogue: Catalogue | None = None,
        functions: Mapping[str, ModelFunction] | None = None,
    ):
        self.sql, self.catalogue = sql, catalogue
        self.functions = {name.lower(): function for name, function in (functions or {}).items()}
        self.lax = functions is None and catalogue is None
        self.short: dict[str, list[str]] = {}
        self.shadowed: dict[int, Source] = {}
        for key in catalogue.tables if catalogue else ():
            self.short.setdefault(key.rsplit(".", 1)[-1], []).append(key)

    def error(self, node: exp.Expr, message: str, hint: str | None = None) -> AdqlError:
        return AdqlError(message, self.sql, *span(node), hint)

    # --- queries ---------------------------------------------------------------------------------------

    def whole(self, query: exp.Expr) -> Columns | None:
        """Resolves the whole query."""
        columns = self.query(query, {})
        rename(query, self.shadowed.values())
        return columns

    def query(self, query: exp.Expr, ctes: Mapping[str, Columns | None], outer: Scope | None = None) -> Columns | None:
        """Resolves a query; gives the columns that it yields, None when they cannot be known."""
        if with_ := query.args.get("with_"):
            ctes = dict(ctes)
            for cte in with_.expressions:
                columns = self.query(cte.this, ctes)
                names = cte.args["alias"].args.get("columns")
                if names:
                    found = columns.every if columns is not None else [Known()] * len(names)
                    if len(found) != len(names):
                        raise self.error(names[0], f"{len(names)} names are given to {len(found)} columns")
                    pairs = zip(names, found, strict=True)
                    columns = Columns(known._replace(name=name.name) for name, known in pairs)
                ctes[cte.alias.lower()] = columns
        if isinstance(query, exp.Select):
            return self.select(query, ctes, outer)
        columns = self.query(query.this, ctes, outer)
        if isinstance(query, exp.SetOperation):
            self.query(query.expression, ctes, outer)
        if order := query.args.get("order"):
            scope = Scope([Source("", False, columns)], outer=None)
            for key in order.expressions:
                self.expression(key, scope, ctes)
        return columns

    def select(self, select: exp.Select, ctes: Mapping[str, Columns | None], outer: Scope | None) -> Columns | None:
        scope = Scope(outer=outer)
        conditions = self.sources(select.args["from_"].this, scope, ctes)
        for join in select.args.get("joins") or []:
            conditions += self.join(join, scope, ctes)
        for condition in conditions:
            self.expression(condition, scope, ctes)
        rows.write_stars(select, scope)
        if outer is None:  # what EXISTS and IN ask for has no name that anyone sees
            select.set("expressions", [answer.named(item) for item in select.expressions])
        every: list[Known] | None = []
        aliases: dict[str, exp.Expr] = {}
        for item in list(select.expressions):
            found = self.item(item, scope, ctes)
            every = None if found is None or every is None else every + found
            if isinstance(item, exp.Alias):
                aliases.setdefault(_plain(item.args["alias"]), item.this)
            elif "call" in item.meta:
                aliases.setdefault(item.name.lower(), item.meta["call"])
        select.meta["scope"] = scope
        if where := select.args.get("where"):
            self.expression(where, scope, ctes)
        for clause in ("group", "having"):
            if found_clause := select.args.get(clause):
                self.expression(found_clause, scope, ctes, aliases)
        if order := select.args.get("order"):
            for key in order.expressions:
                if wrong := answer.ambiguous(key.this, select, scope, aliases):
                    raise self.error(*wrong)
                self.expression(key.this, scope, ctes, aliases, aliases_first=answer.is_name(key.this))
        if self.catalogue is not None and (wrong := ungrouped(select, scope, aliases)):
            raise self.error(*wrong)
        for source in scope.sources:
            rows.leave_out(source)
        return None if every is None else Columns(every)

    def item(self, item: exp.Expr, scope: Scope, ctes: Mapping[str, Columns | None]) -> list[Known] | None:
        """The columns that an item of the SELECT list yields."""
        if isinstance(item, exp.Star):
            sources = scope.sources
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            source = self.source_of(item, scope)
            sources = [source] if source else []
            item.meta["star_of"] = source
            if not sources:
                return None
        else:
            self.expression(item, scope, ctes)
            if isinstance(item, exp.Alias):
                return [_known(item.this)._replace(name=item.alias)]
            if made := item.meta.get("call"):
                alias = exp.Alias(alias=exp.Identifier(this=item.name))
                made.replace(alias)
                alias.set("this", made)
                return [_known(made)._replace(name=item.name)]
            known = _known(item)
            return [known if known.name else known._replace(name=item.name)]
        if hidden := sorted(name for source in sources for name in source.hidden):
            star: Any = item if isinstance(item, exp.Star) else item.this
            star.set("except_", [exp.Identifier(this=name, quoted=True) for name in dict.fromkeys(hidden)])
        every: list[Known] = []
        for source in sources:
            if source.shown is None:
                return None
            every += source.shown
            source.used.update(known.name.lower() for known in source.shown)
        return every

    # --- tables ----------------------------------------------------------------------------------------

    def sources(self, node: exp.Expr, scope: Scope, ctes: Mapping[str, Columns | None]) -> list[exp.Expr]:
        """Adds what a table reference brings; gives the conditions of its joins, to be resolved later."""
        joins = node.args.get("joins") or []
        if is_brackets(node):
            conditions = self.sources(node.this, scope, ctes)
        else:
            conditions = []
            if isinstance(node, exp.Subquery):
                columns = self.query(node.this, ctes)
                alias = node.args["alias"].this
                source = Source(alias.name, alias.quoted, columns)
            else:
                source = self.table(node, ctes)
            if any(_same(source, other) for other in scope.sources) and self.catalogue is not None:
                raise self.error(node, f"'{source.name}' is there twice in FROM", "give one of them another name")
            source.node = node
            scope.sources.append(source)
        for join in joins:
            conditions += self.join(join, scope, ctes)
        return conditions

    def join(self, join: exp.Expr, scope: Scope, ctes: Mapping[str, Columns | None]) -> list[exp.Expr]:
        before = list(scope.sources)
        conditions = self.sources(join.this, scope, ctes)
        after = scope.sources[len(before) :]
        left, right = _names(before), _names(after)
        if join.args.get("method") and left is not None and right is not None:
            scope.merged |= left & right
        if wrong := sorted(scope.merged & {name for source in scope.sources for name in source.asked}):
            raise self.error(join.this, f"NATURAL JOIN compares '{wrong[0]}', which a model gives", "write ON")
        for name in join.args.get("using") or []:
            if any(name.name.lower() in source.asked for source in scope.sources):
                raise self.error(name, f"USING cannot ask for '{name.name}', which a model gives", "write ON")
            for columns in (left, right):
                if self.catalogue is not None and columns is not None and name.name.lower() not in columns:
                    hint = _nearest(name.name, columns)
                    raise self.error(name, f"USING asks for a column of both sides, and one has no '{name.name}'", hint)
            scope.merged.add(name.name.lower())
        for source in scope.sources:
            source.used |= scope.merged
        if on := join.args.get("on"):
            conditions.append(on)
        return conditions

    def table(self, node: exp.Expr, ctes: Mapping[str, Columns | None]) -> Source:
        parts = [part for part in (node.args.get(key) for key in ("catalog", "db", "this")) if part]
        alias = node.args.get("alias")
        named = alias.this if alias else parts[-1]
        key = ".".join(part.name.lower() for part in parts)
        if len(parts) == 1 and key in ctes:
            return Source(named.name, named.quoted, ctes[key])
        if self.catalogue is None:
            self.refuse_files(node, parts)
            full = () if alias else tuple(key.split("."))
            return Source(named.name, named.quoted, None, full)
        tables = self.catalogue.tables
        if key not in tables and len(parts) == 1:
            candidates = self.short.get(key, [])
            if len(candidates) > 1:
                raise self.error(node, f"Table '{key}' is there more than once", f"write {' or '.join(candidates)}")
            if candidates:
                key = candidates[0]
                for name, part in zip(("db", "catalog"), reversed(key.split(".")[:-1]), strict=False):
                    node.set(name, exp.to_identifier(part, quoted=True))
        if key not in tables or not _as_written(parts, getattr(tables[key], "name", key)):
            written = ".".join(part.name for part in parts)
            raise self.error(node, f"There is no table '{written}'", _nearest(key, [*tables, *ctes], self.short))
        table = tables[key]
        if table.base:
            rows.read_base(node, named, table.base)
        found = table.columns.values()
        columns = Columns(Known(kinds.of_datatype(column.datatype), column, column.name) for column in found)
        return Source(named.name, named.quoted, columns, () if alias else tuple(key.split(".")), table)

    def refuse_files(self, node: exp.Expr, parts: list[Any]) -> None:
        """Without a catalogue any name goes, but for those that DuckDB would take for a file."""
        if _FILES.search(".".join(part.name for part in parts)):
            raise self.error(node, "A file is no table of ADQL", "load it into the database under a name of its own")

    # --- expressions -----------------------------------------------------------------------------------

    def expression(
        self,
        node: exp.Expr,
        scope: Scope,
        ctes: Mapping[str, Columns | None],
        aliases: Mapping[str, exp.Expr] | None = None,
        aliases_first: bool = False,
    ) -> None:
        taken: set[int] = set()
        for part in node.walk(prune=lambda found: isinstance(found, exp.Query)):
            if isinstance(part, exp.Query):
                self.query(part, ctes, scope)
            elif isinstance(part, Call) and part.meta.get("unknown"):
                if row := self.user_function(part, scope):
                    taken.add(id(row))
            elif isinstance(part, exp.Column) and id(part) not in taken and "source" not in part.meta:
                self.column(part, scope, aliases, aliases_first)
        for part in node.walk(prune=lambda found: isinstance(found, exp.Query)):
            if isinstance(part, Call) and (function := language.find(part.name)):
                self.arguments(part, function)

    def arguments(self, node: Call, function: language.Function) -> None:
        if function.match(node.arguments) is None:
            raise self.error(node, f"{node.name} does not take columns of these types", language.explain(node.name))

    def column(
        self, node: exp.Column, scope: Scope, aliases: Mapping[str, exp.Expr] | None, aliases_first: bool
    ) -> None:
        name: Any = node.this
        key = name.name.lower()
        if node.args.get("table"):
            source = self.source_of(node, scope)
            if source is None or source.columns is None:
                return
            if not source.has(name):
                if self.catalogue is None:
                    return
                hint = _nearest(key, source.columns)
                raise self.error(name, f"'{source.name}' has no column '{name.name}'", hint)
            self.note(node, source.columns[key], source, scope)
            return
        if aliases_first and aliases and key in aliases:
            self.note(node, _known(aliases[key]))
            return
        level: Scope | None = scope
        while level:
            found = [source for source in level.sources if source.has(name)]
            if len(found) > 1 and key not in level.merged and self.catalogue is not None:
                choices = " or ".join(f"{source.name}.{name.name}" for source in found)
                raise self.error(node, f"'{name.name}' is ambiguous", f"write {choices}")
            if found:
                self.note(node, (found[0].columns or {})[key], found[0], scope)
                return
            if any(source.columns is None for source in level.sources):
                return
            level = level.outer
        if aliases and key in aliases:
            self.note(node, _known(aliases[key]))
            # DuckDB would group by the rows of a table of that name.
            self.shadowed |= {id(source): source for source in scope.sources if source.is_called(name)}
            return
        if self.catalogue is None:
            return
        names = {column for source in scope.every() for column in source.columns or ()}
        if any(source.is_called(name) for source in scope.every()):
            raise self.error(node, f"'{name.name}' is a table where a column is expected")
        raise self.error(node, f"There is no column '{name.name}'", _nearest(key, names | set(aliases or ())))

    def note(self, node: exp.Expr, known: Known, source: Source | None = None, scope: Scope | None = None) -> None:
        if known.kind:
            node.meta["kind"] = known.kind
        if source and scope:
            node.meta["source"] = source
            source.used.add(node.name.lower())
            if source.table and source.table.base:
                self.of_base(node, known, source, scope)

    def of_base(self, node: exp.Expr, known: Known, source: Source, scope: Scope) -> None:
        """A column of a table that another stands in for, or the call of the function that gives it."""
        if node.args.get("db"):
            node.set("db", None)
            node.set("table", rows.identifier(source))
        name = source.asked.get(node.name.lower())
        if name is None:
            return
        if name not in self.functions:
            raise self.error(node, f"'{node.name}' is what a model says, and there are no models here")
        made = rows.column_call(name, self.functions[name], source, scope)
        made.meta["start"], made.meta["end"] = span(node)
        made.meta["known"] = known
        if known.kind:
            made.meta["kind"] = known.kind
        node.meta["call"] = made
        node.replace(made)

    def source_of(self, node: exp.Expr, scope: Scope) -> Source | None:
        """The table that qualifies a column; None when it cannot be told."""
        qualifier = [node.args[key] for key in ("catalog", "db", "table") if node.args.get(key)]
        if len(qualifier) == 1:
            named = [source for source in scope.sources if source.name and source.is_called(qualifier[0])]
            if len(named) > 1 and self.catalogue is not None:
                choices = " or ".join(".".join(source.parts) for source in named)
                raise self.error(qualifier[0], f"'{qualifier[0].name}' is ambiguous", f"write {choices}")
            for source in scope.every():
                if source.name and source.is_called(qualifier[0]):
                    if is_shadowed(source, scope):
                        self.shadowed[id(source)] = source
                    return source
        else:
            wanted = tuple(part.name.lower() for part in qualifier)
            for source in scope.every():
                if source.parts[-len(wanted) :] == wanted:
                    return source
        if self.catalogue is None:
            return None
        written = ".".join(part.name for part in qualifier)
        hint = _nearest(written, [source.name for source in scope.every()])
        raise AdqlError(f"'{written}' is no table of this query", self.sql, *span(qualifier[0]), hint)

    def user_function(self, node: Call, scope: Scope) -> exp.Expr | None:
        """Checks a function of the handed-in table; gives its first argument when that is a row."""
        name, values = node.name.lower(), node.arguments
        function = self.functions.get(name)
        if function is None:
            upper = node.name.upper()
            if upper in language.REFUSED:
                raise self.error(node, f"sedsql does not support {upper}: {language.REFUSED[upper]}")
            if self.lax:
                return None
            raise self.error(
                node,
                f"There is no function '{node.name}'",
                _nearest(name, [*(known for known in self.functions if known[0] != "_"), *_all_functions()]),
            )
        if len(values) not in function.arity:
            counts = " or ".join(map(str, function.arity))
            raise self.error(node, f"{node.name} takes {counts} arguments, not {len(values)}")
        node.meta["model"] = function
        first: Any = values[0] if values else None
        if not function.row or len(values) >= len(function.columns):
            return None
        if isinstance(first, exp.Column) and not first.args.get("table"):
            for source in scope.every():
                if source.name and source.is_called(first.this):
                    missing = [c for c in function.columns if source.columns is not None and c not in source.columns]
                    if missing:
                        raise self.error(first, f"{node.name} asks for columns that '{first.name}' does not have",
                                         ", ".join(missing))  # fmt: skip
                    first.meta["row"] = source
                    rows.complete(node, function, source, scope)
                    return first
        names = [source.name for source in scope.every() if source.name]
        raise self.error(first, f"{node.name} asks for a table of this query", f"such as {node.name}({names[0]})")


def _all_functions() -> list[str]:
    return [name.lower() for name in (*language.LANGUAGE, *language.USER_DEFINED)]


def _as_written(parts: list[Any], name: str) -> bool:
    """Whether the delimited ones among the parts of a table's name have its very letters."""
    at = 0
    for part in parts if len(".".join(part.name for part in parts)) == len(name) else ():
        if part.quoted and name[at : at + len(part.name)] != part.name:
            return False
        at += len(part.name) + 1
    return True


def _known(node: exp.Expr) -> Known:
    if "known" in node.meta:
        return node.meta["known"]
    source = node.meta.get("source") if isinstance(node, exp.Column) else None
    found = source.columns.get(node.name.lower()) if source and source.columns else None
    return found._replace(kind=kinds.of(node)) if found else Known(kinds.of(node))


def _plain(name: exp.Expr) -> str:
    return name.name.lower()


def _same(one: Source, other: Source) -> bool:
    """Whether two tables of a FROM clause cannot be told apart."""
    if one.name.lower() != other.name.lower():
        return False
    return not (one.parts and other.parts and one.parts != other.parts)


def _names(sources: list[Source]) -> set[str] | None:
    names: set[str] = set()
    for source in sources:
        if source.columns is None:
            return None
        names |= set(source.columns)
    return names


def _nearest(name: str, names: Iterable[str], short: Mapping[str, list[str]] | None = None) -> str | None:
    near = get_close_matches(name.lower(), list(names))
    if not near and short:
        near = [key for word in get_close_matches(name.rsplit(".", 1)[-1], list(short)) for key in short[word]]
    return f"did you mean {' or '.join(near)}?" if near else None

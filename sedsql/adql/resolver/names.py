"""Resolve the names of a query by the catalogue: its tables, its columns and its functions."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from sedsql.adql.resolver import answer_columns, model_output, operands, row_calls
from sedsql.adql.resolver.calls import Calls
from sedsql.adql.resolver.columns import Aliases, ColumnNames, known_of
from sedsql.adql.resolver.context import Context
from sedsql.adql.resolver.grouping import misnumbered, misnumbered_in_union, misplaced, ungrouped
from sedsql.adql.resolver.impossible import impossible
from sedsql.adql.resolver.scope import Catalogue, Columns, KnownColumn, Scope, Source
from sedsql.adql.resolver.shadowed_names import rename
from sedsql.adql.resolver.tables import CTEs, Tables
from sedsql.adql.tree.model_function import ModelFunction
from sedsql.adql.tree.nodes import Call
from sedsql.adql.tree.notes import notes


class Resolver:
    """Checks the names of one query, and notes on its tree what they mean."""

    def __init__(
        self,
        sql: str,
        catalogue: Catalogue | None = None,
        functions: Mapping[str, ModelFunction] | None = None,
    ):
        by_name = {name.lower(): function for name, function in (functions or {}).items()}
        self.context = Context(sql, catalogue, by_name, lax=functions is None and catalogue is None)
        self.tables = Tables(self.context, self.query)
        self.columns = ColumnNames(self.context)
        self.calls = Calls(self.context)

    def whole(self, query: exp.Expr) -> Columns | None:
        """Resolve the whole query."""
        columns = self.query(query, {})
        rename(query, self.context.shadowed.values())
        return columns

    def query(self, query: exp.Expr, ctes: CTEs, outer: Scope | None = None) -> Columns | None:
        """Resolve a query, and give the columns that it yields; None when they cannot be known."""
        if with_ := query.args.get("with_"):
            ctes = self.with_clause(with_, ctes)
        if isinstance(query, exp.Select):
            return self.select(query, ctes, outer)
        columns = self.query(query.this, ctes, outer)
        if isinstance(query, exp.SetOperation):
            others = self.query(query.expression, ctes, outer)
            if columns is not None and others is not None:
                columns = self.of_both(query, columns, others)
        if order := query.args.get("order"):
            scope = Scope([Source("", False, columns)], outer=None)
            if columns is not None and (wrong := misnumbered_in_union(order, len(columns.every))):
                raise self.context.error(*wrong)
            for key in order.expressions:
                self.expression(key, scope, ctes)
                _nulls_last(key, {})
        return columns

    def of_both(self, query: exp.SetOperation, one: Columns, other: Columns) -> Columns:
        """The columns of UNION and the like, whose queries must have as many of the same types."""
        if self.context.catalogue is not None and (wrong := operands.wrong_union(query, one.every, other.every)):
            raise self.context.error(*wrong)
        if len(one.every) != len(other.every):
            return one
        return Columns(known.or_else(second) for known, second in zip(one.every, other.every, strict=True))

    def with_clause(self, with_: exp.Expr, outer: CTEs) -> CTEs:
        """Resolve the queries of WITH, each of which may name those before it."""
        ctes = dict(outer)
        for cte in with_.expressions:
            columns = self.query(cte.this, ctes)
            if names := cte.args["alias"].args.get("columns"):
                found = columns.every if columns is not None else [KnownColumn()] * len(names)
                if len(found) != len(names):
                    message = f"{len(names)} names are given to {len(found)} columns"
                    raise self.context.error(names[0], message)
                pairs = zip(names, found, strict=True)
                columns = Columns(known._replace(name=name.name) for name, known in pairs)
            if cte.alias.lower() in ctes.keys() - outer.keys():
                message = f"WITH has two queries '{cte.alias}'"
                raise self.context.error(cte.args["alias"].this, message, "give one of them another name")
            ctes[cte.alias.lower()] = columns
        return ctes

    def select(self, select: exp.Select, ctes: CTEs, outer: Scope | None) -> Columns | None:
        """Resolve a SELECT in the order in which SQL gives names: FROM, the items, WHERE, and the clauses after it."""
        scope = notes(select).scope = Scope(outer=outer)
        conditions = self.from_clause(select, scope, ctes)
        row_calls.write_stars(select, scope)
        if outer is None:  # what EXISTS and IN ask for has no name that anyone sees
            select.set("expressions", [answer_columns.named(item) for item in select.expressions])
        every: list[KnownColumn] | None = []
        aliases: dict[str, exp.Expr] = {}
        for item in list(select.expressions):
            found = self.item(item, scope, ctes)
            every = None if found is None or every is None else every + found
            if isinstance(item, exp.Alias):
                aliases.setdefault(item.alias.lower(), item.this)
            elif made := notes(item).call:
                aliases.setdefault(item.name.lower(), made)
        if where := select.args.get("where"):
            self.expression(where, scope, ctes)
        for clause in ("group", "having"):
            if found_clause := select.args.get(clause):
                self.expression(found_clause, scope, ctes, aliases)
        if order := select.args.get("order"):
            for key in order.expressions:
                if wrong := answer_columns.ambiguous(key.this, select, scope, aliases):
                    raise self.context.error(*wrong)
                self.expression(key.this, scope, ctes, aliases, aliases_first=answer_columns.is_name(key.this))
                _nulls_last(key, aliases)
        if self.context.catalogue is not None:
            count = None if every is None else len(every)
            mistake = misplaced(select, conditions, scope, aliases) or misnumbered(select, count)
            if mistake := mistake or ungrouped(select, scope, aliases):
                raise self.context.error(*mistake)
        for source in scope.sources:
            row_calls.leave_out(source)
        return None if every is None else Columns(every)

    def from_clause(self, select: exp.Select, scope: Scope, ctes: CTEs) -> list[exp.Expr]:
        """Bring the tables of FROM into scope, resolve the conditions of its joins, and return these."""
        conditions = self.tables.bring(select.args["from_"].this, scope, ctes)
        for join in select.args.get("joins") or []:
            conditions += self.tables.join(join, scope, ctes)
        for condition, count in conditions:
            # A condition knows the tables before it, and none that is joined later.
            later = scope.sources[count:]
            if later:
                known = Scope(scope.sources[:count], scope.merged, scope.outer, later)
                self.expression(condition, known, ctes)
            else:
                self.expression(condition, scope, ctes)
        return [condition for condition, _ in conditions]

    def item(self, item: exp.Expr, scope: Scope, ctes: CTEs) -> list[KnownColumn] | None:
        """The columns that an item of the SELECT list yields."""
        if isinstance(item, exp.Star):
            return _of_star(item, scope.sources)
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            source = notes(item).star_of = self.columns.source_of(item, scope)
            return _of_star(item.this, [source]) if source else None
        self.expression(item, scope, ctes)
        if isinstance(item, exp.Alias):
            return [known_of(item.this)._replace(name=item.alias)]
        if made := notes(item).call:
            alias = exp.Alias(alias=exp.Identifier(this=item.name))
            made.replace(alias)
            alias.set("this", made)
            return [known_of(made)._replace(name=item.name)]
        known = known_of(item)
        return [known if known.name else known._replace(name=item.name)]

    def expression(
        self, node: exp.Expr, scope: Scope, ctes: CTEs, aliases: Aliases | None = None, aliases_first: bool = False
    ) -> None:
        """Resolve the columns, calls and subqueries of an expression.

        `aliases` are the items of SELECT that the expression may name; with `aliases_first` they come before the
        columns of tables.
        """
        if isinstance(node, exp.Column) and not notes(node).source:
            self.columns.resolve(node, scope, aliases or {}, aliases_first)
            return
        calls: list[Call] = []
        operations: list[exp.Expr] = []
        queries: dict[int, Columns | None] = {}
        rows: set[int] = set()  # arguments that stand for a row, and are no columns
        for part in node.walk(prune=lambda found: isinstance(found, exp.Query)):
            if isinstance(part, exp.Query):
                queries[id(part)] = self.query(part, ctes, scope)
            elif isinstance(part, Call):
                calls.append(part)
                if notes(part).unknown and (row := self.calls.handed_in(part, scope)):
                    rows.add(id(row))
            elif isinstance(part, exp.Column) and id(part) not in rows and not notes(part).source:
                self.columns.resolve(part, scope, aliases or {}, aliases_first)
            elif isinstance(part, operands.CHECKED):
                operations.append(part)
        for call in calls:
            self.calls.check_arguments(call)
        if self.context.catalogue is not None:
            for operation in [*operations, *calls]:
                self.check_operands(operation, aliases or {}, queries)

    def check_operands(self, node: exp.Expr, aliases: Aliases, queries: Mapping[int, Columns | None]) -> None:
        """Check that operands are of types that go together, and that conditions tell rows apart.

        queries : the columns of the queries in an expression, by their `id`
        """
        wrong: operands.Wrong | None = impossible(node, aliases) or operands.wrong_operand(node)
        if wrong is None and isinstance(node, exp.In) and (query := node.args.get("query")):
            wrong = operands.wrong_query(node.this, query, queries.get(id(query)))
        if wrong is not None:
            raise self.context.error(*wrong)


def _nulls_last(key: exp.Expr, aliases: Aliases) -> None:
    """Have NULL come last, in descending order too, where nothing but models orders: they say NULL of most faint rows.

    Elsewhere NULL is the largest value, as in PostgreSQL.
    """
    if key.args.get("desc") and model_output.is_of_models(key.this, aliases):
        key.set("nulls_first", False)


def _of_star(star: exp.Expr, sources: list[Source]) -> list[KnownColumn] | None:
    """The columns of tables that `*` stands for, without those that are hidden; None where they cannot be known."""
    if hidden := sorted(name for source in sources for name in source.hidden):
        star.set("except_", [exp.Identifier(this=name, quoted=True) for name in dict.fromkeys(hidden)])
    every: list[KnownColumn] = []
    for source in sources:
        if source.shown is None:
            return None
        every += source.shown
        source.used.update(known.name.lower() for known in source.shown)
    return every

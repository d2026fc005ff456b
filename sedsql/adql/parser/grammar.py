"""Parse a query of ADQL 2.1: tokens in, sqlglot's syntax tree out, and nothing that the standard does not have.

Each method is a rule of the standard's BNF, and has its name (ADQL 2.1, appendix A). A query that no rule allows is
refused, so nothing else can reach the database.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sedsql.adql.parser.conditions import ConditionGrammar
from sedsql.adql.parser.token_stream import qualified
from sedsql.adql.tree.notes import mark, notes

SET_OPERATIONS: dict[str, type[exp.SetOperation]] = {"UNION": exp.Union, "EXCEPT": exp.Except}
AFTER_FROM = "WHERE, GROUP BY, HAVING, ORDER BY, OFFSET, UNION, EXCEPT, INTERSECT or the end"


class Grammar(ConditionGrammar):
    """Parses the tokens of one query."""

    def statement(self) -> exp.Query:
        if not self.tokens:
            what = "is nothing but a comment" if self.sql.strip() else "is empty"
            raise self.error(f"The query {what}", hint="write SELECT ... FROM ...")
        if self.ahead() not in ("SELECT", "WITH", "("):
            raise self.error(
                f"'{self.tokens[0].text}' starts no query of ADQL",
                hint="only SELECT and WITH do; nothing is changed",
            )
        ctes = self.with_clause() if self.accept("WITH") else None
        query = self.query_expression()
        if ctes:
            query.set("with_", exp.With(expressions=ctes))
        self.accept(";")
        if self.token is not None:
            raise self.unexpected(AFTER_FROM)
        self.parameters.end()
        return query

    def with_clause(self) -> list[exp.Expr]:
        ctes: list[exp.Expr] = []
        while True:
            name = self.identifier("a name for the query")
            columns = self.column_names() if self.ahead() == "(" else None
            self.expect("AS")
            self.expect("(", "a query in brackets")
            query = self.query_expression()
            self.expect(")")
            ctes.append(exp.CTE(this=query, alias=exp.TableAlias(this=name, columns=columns)))
            if not self.accept(","):
                return ctes

    def query_expression(self) -> exp.Query:
        self.deeper()
        query = self.query_term()
        while word := self.accept(*SET_OPERATIONS):
            query = self.combine(SET_OPERATIONS[word], query, self.query_term)
        if self.accept("ORDER"):
            self.expect("BY")
            query.set("order", exp.Order(expressions=self.listed(self.sort_specification)))
        if self.accept("OFFSET"):
            query.set("offset", exp.Offset(expression=self.unsigned_integer()))
        self.depth -= 1
        return query

    def query_term(self) -> exp.Query:
        query = self.query_primary()
        while self.accept("INTERSECT"):
            query = self.combine(exp.Intersect, query, self.query_primary)
        return query

    def combine(self, operation: type[exp.SetOperation], left: exp.Query, rest: Callable[[], exp.Query]) -> exp.Query:
        everything = self.accept("ALL") is not None
        right = rest()
        return operation(this=operand(left), expression=operand(right), distinct=not everything)

    def query_primary(self) -> exp.Query:
        if self.accept("("):
            query = self.query_expression()
            self.expect(")")
            return exp.Subquery(this=query)
        if self.ahead() == "WITH":
            raise self.error("WITH stands only at the start of a query")
        self.expect("SELECT")
        return self.select_query()

    def select_query(self) -> exp.Select:
        quantifier = self.accept("ALL", "DISTINCT")
        select = exp.Select(distinct=exp.Distinct() if quantifier == "DISTINCT" else None)
        if self.accept("TOP"):
            select.set("limit", exp.Limit(expression=self.unsigned_integer()))
        select.set("expressions", self.listed(self.select_item))
        self.expect("FROM")
        first, *rest = self.listed(self.table_reference)
        select.set("from_", exp.From(this=first))
        joins: list[exp.Expr] = list(first.args.pop("joins", None) or [])
        for table in rest:
            inner = table.args.pop("joins", None) or []
            # In `a, b JOIN c` the join binds b and c: it is a table of its own, written in brackets.
            if inner:
                table.set("joins", inner)
                table = exp.Subquery(this=table)
            joins.append(exp.Join(this=table))
        if joins:
            select.set("joins", joins)
        if self.accept("WHERE"):
            select.set("where", exp.Where(this=self.search_condition()))
        if self.accept("GROUP"):
            self.expect("BY")
            select.set("group", exp.Group(expressions=self.listed(self.value_expression)))
        if self.accept("HAVING"):
            select.set("having", exp.Having(this=self.search_condition()))
        return select

    def select_item(self) -> exp.Expr:
        if self.accept("*"):
            star = self.tokens[self.place - 1]
            return mark(exp.Star(), star.start, star.end)
        steps = 0
        while self.ahead(steps + 1) == ".":
            steps += 2
        if steps and self.ahead(steps) == "*":
            parts = [self.identifier()]
            while self.accept(".") and not self.accept("*"):
                parts.append(self.identifier())
            return qualified(exp.Column, [*parts, exp.Star()], self)
        start = self.place
        value = self.value_expression()
        notes(value).text = self.text(start)
        if self.accept("AS"):
            return exp.Alias(this=value, alias=self.identifier("a name"))
        return exp.Alias(this=value, alias=self.identifier()) if self.names_ahead() else value

    def sort_specification(self) -> exp.Expr:
        value = self.value_expression()
        descending = self.accept("ASC", "DESC") == "DESC"
        # PostgreSQL, behind the archives, takes NULL for the largest value.
        return exp.Ordered(this=value, desc=descending or None, nulls_first=descending)

    def table_reference(self) -> exp.Expr:
        """Parse a table; its joins, if any, are in its `joins`."""
        table = self.table_primary()
        joins: list[exp.Expr] = list(table.args.get("joins") or [])
        while join := self.joined():
            joins.append(join)
        if joins:
            table.set("joins", joins)
        return table

    def table_primary(self) -> exp.Expr:
        if not self.accept("("):
            table = qualified(exp.Table, self.name_parts("a table"), self)
            self.correlation(table)
            return table
        self.deeper()
        if self.ahead() == "SELECT" or (self.ahead() == "(" and self.is_query_in_brackets()):
            query = self.query_expression()
            self.expect(")")
            subquery = exp.Subquery(this=query)
            self.correlation(subquery)
            if not subquery.args.get("alias"):
                raise self.unexpected("a name for the subquery")
            self.depth -= 1
            return subquery
        inner = self.table_reference()
        if not inner.args.get("joins") and (inner.alias or not isinstance(inner, exp.Subquery)):
            raise self.unexpected("JOIN")
        self.expect(")")
        self.depth -= 1
        return exp.Subquery(this=inner) if inner.args.get("joins") else inner

    def is_query_in_brackets(self) -> bool:
        """Whether `((((SELECT` comes: a query, and not a join, in brackets."""
        steps = 0
        while self.ahead(steps) == "(":
            steps += 1
        if self.ahead(steps) != "SELECT":
            return False
        level = 0
        for place in range(self.place, len(self.tokens)):
            word = self.ahead(place - self.place)
            level += (word == "(") - (word == ")")
            if level == 0:
                # After a query's own bracket comes a set operation or the end; after a table, its name.
                return self.ahead(place - self.place + 1) in (
                    "UNION",
                    "EXCEPT",
                    "INTERSECT",
                    ")",
                    "ORDER",
                    "OFFSET",
                )
        return False

    def correlation(self, table: exp.Expr) -> None:
        if self.accept("AS") or self.names_ahead():
            table.set("alias", exp.TableAlias(this=self.identifier("a name")))

    def joined(self) -> exp.Join | None:
        start = self.place
        natural = self.accept("NATURAL")
        side = self.accept("LEFT", "RIGHT", "FULL")
        kind = self.accept("OUTER") if side else self.accept("INNER")
        if not self.accept("JOIN"):
            if self.place > start:
                raise self.unexpected("JOIN")
            if self.ahead() in ("CROSS", "OUTER"):
                raise self.error(f"ADQL has no {self.ahead()} JOIN", hint="JOIN, LEFT, RIGHT and FULL JOIN are there")
            return None
        table = self.table_primary()
        if table.args.get("joins"):
            table = exp.Subquery(this=table)
        join = exp.Join(this=table, method=natural, side=side, kind=kind)
        if natural:
            return join
        if self.accept("ON"):
            join.set("on", self.search_condition())
        elif self.accept("USING"):
            join.set("using", self.column_names())
        else:
            raise self.unexpected("ON or USING")
        return join


def operand(query: exp.Query) -> exp.Query:
    """Put a side of UNION, EXCEPT or INTERSECT in brackets where it has a limit of its own, as SQL asks for."""
    return exp.Subquery(this=query) if isinstance(query, exp.Select) and query.args.get("limit") else query

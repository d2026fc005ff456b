"""Parse conditions: comparisons, IN, LIKE, BETWEEN, EXISTS, joined by AND, OR and NOT (ADQL 2.1, appendix A)."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from sedsql.adql.errors import AdqlError
from sedsql.adql.parser.values import ValueGrammar, truth
from sedsql.adql.tree import value_types
from sedsql.adql.tree.notes import notes
from sedsql.adql.tree.value_types import ValueType

COMPARISONS: dict[str, type[exp.Expr]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    ">": exp.GT,
    "<=": exp.LTE,
    ">=": exp.GTE,
}


class ConditionGrammar(ValueGrammar):
    """Parses conditions."""

    def query_expression(self) -> exp.Query:
        raise NotImplementedError

    def search_condition(self) -> exp.Expr:
        return self.condition(self.disjunction())

    def condition(self, node: exp.Expr) -> exp.Expr:
        """Give back the node if it may stand where a condition is asked for."""
        if value_types.of(node) is ValueType.BOOLEAN or notes(node).unknown:
            return node
        if node.name in ("CONTAINS", "INTERSECTS"):
            raise self.at(node, f"{node.name} yields a number, 1 or 0", f"write 1 = {node.name}(...)")
        raise self.at(node, "A condition is expected here", "compare this with something")

    def disjunction(self) -> exp.Expr:
        """Parse a condition or a value; its value type tells which."""
        return self.chain(lambda: self.chain(self.negation, "AND", exp.And), "OR", exp.Or)

    def chain(self, rule: Callable[[], exp.Expr], word: str, node: type[exp.Expr]) -> exp.Expr:
        left = rule()
        while self.accept(word):
            left = truth(node(this=self.condition(left), expression=self.condition(rule())))
        return left

    def negation(self) -> exp.Expr:
        if self.accept("NOT"):
            return truth(exp.Not(this=self.condition(self.predicate())))
        return self.predicate()

    def predicate(self) -> exp.Expr:
        if self.accept("EXISTS"):
            return truth(exp.Exists(this=self.table_subquery()))
        left = self.concatenation()
        if word := self.accept(*COMPARISONS):
            right = self.operand(self.concatenation())
            return truth(COMPARISONS[word](this=self.operand(left), expression=right))
        if self.accept("IS"):
            negated = self.accept("NOT")
            self.expect("NULL")
            if not isinstance(left, exp.Column):
                raise self.at(left, "IS NULL asks for a column")
            null: exp.Expr = exp.Is(this=left, expression=exp.Null())
            return truth(exp.Not(this=null) if negated else null)
        negated = self.accept("NOT") if self.ahead(1) in ("BETWEEN", "IN", "LIKE", "ILIKE") else None
        test: exp.Expr
        if self.accept("BETWEEN"):
            low = self.operand(self.concatenation())
            self.expect("AND")
            test = exp.Between(this=self.operand(left), low=low, high=self.operand(self.concatenation()))
        elif self.accept("IN"):
            test = self.in_predicate(self.operand(left))
        elif word := self.accept("LIKE", "ILIKE"):
            pattern = self.typed(self.concatenation(), ValueType.STRING)
            like = exp.Like if word == "LIKE" else exp.ILike
            test = like(this=self.typed(left, ValueType.STRING), expression=pattern)
        else:
            return left
        return truth(exp.Not(this=test) if negated else test)

    def in_predicate(self, left: exp.Expr) -> exp.Expr:
        if self.ahead() == "(" and self.ahead(1) in ("SELECT", "("):
            place = self.place
            try:
                return exp.In(this=left, query=exp.Subquery(this=self.table_subquery()))
            except AdqlError:
                if self.ahead(place - self.place + 1) == "SELECT":
                    raise
                self.place = place  # a list whose first value stands in brackets
        self.expect("(", "a list or a subquery in brackets")
        values = self.listed(self.value_expression)
        self.expect(")")
        return exp.In(this=left, expressions=values)

    def table_subquery(self) -> exp.Expr:
        self.expect("(", "a subquery in brackets")
        query = self.query_expression()
        self.expect(")")
        return query

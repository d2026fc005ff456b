"""The grammar of conditions and values (ADQL 2.1, appendix A)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from sedsql.adql import functions, kinds
from sedsql.adql.errors import AdqlError
from sedsql.adql.lexer import RESERVED
from sedsql.adql.nodes import call
from sedsql.adql.words import Words, qualified

COMPARISONS: dict[str, type[exp.Expr]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    ">": exp.GT,
    "<=": exp.LTE,
    ">=": exp.GTE,
}
TYPES = {
    "BIGINT": "BIGINT",
    "CHAR": "CHAR",
    "INT": "INT",
    "INTEGER": "INT",
    "REAL": "FLOAT",
    "SMALLINT": "SMALLINT",
    "TIMESTAMP": "TIMESTAMP",
    "VARCHAR": "VARCHAR",
}


GEOMETRIES = {"POINT": "P", "CIRCLE": "C", "POLYGON": "Y"}


def marked(node: exp.Expr, token: Token, kind: str | None) -> exp.Expr:
    """The node, with its place in the query and its kind."""
    node.meta.update(start=token.start, end=token.end, kind=kind)
    return node


class Expressions(Words):
    """Conditions and values; which of them an expression is, is told by its kind."""

    def query_expression(self) -> exp.Query:
        raise NotImplementedError

    def search_condition(self) -> exp.Expr:
        return self.condition(self.disjunction())

    def condition(self, node: exp.Expr) -> exp.Expr:
        """The node, if it may stand where a condition is asked for."""
        if kinds.of(node) == "b" or node.meta.get("unknown"):
            return node
        if node.name in ("CONTAINS", "INTERSECTS"):
            raise self.at(node, f"{node.name} yields a number, 1 or 0", f"write 1 = {node.name}(...)")
        raise self.at(node, "A condition is expected here", "compare this with something")

    def disjunction(self) -> exp.Expr:
        """A condition or a value: which of them is told by its kind."""
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
            pattern = self.typed(self.concatenation(), "s")
            like = exp.Like if word == "LIKE" else exp.ILike
            test = like(this=self.typed(left, "s"), expression=pattern)
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

    def value_expression(self) -> exp.Expr:
        return self.operand(self.concatenation())

    def operand(self, node: exp.Expr) -> exp.Expr:
        """The node, if it is a value and not a condition; TRUE and FALSE are both."""
        if kinds.of(node) == "b" and not isinstance(node, exp.Boolean | exp.Func | exp.Cast | exp.Parameter):
            raise self.at(node, "A condition stands where a value is expected")
        return node

    def typed(self, node: exp.Expr, family: str) -> exp.Expr:
        found = kinds.family(kinds.of(node))
        if found not in (None, family):
            raise self.at(node, f"{kinds.WORDS[family].capitalize()} is expected here, this is "
                                f"{kinds.WORDS[str(found)]}")  # fmt: skip
        return node

    def concatenation(self) -> exp.Expr:
        left = self.addition()
        for _ in self.operators("||"):
            right = self.typed(self.addition(), "s")
            left = exp.DPipe(this=self.typed(left, "s"), expression=right, safe=True)
            left.meta["kind"] = "s"
        return left

    def addition(self) -> exp.Expr:
        return self.arithmetic(self.multiplication, {"+": exp.Add, "-": exp.Sub})

    def multiplication(self) -> exp.Expr:
        return self.arithmetic(self.signed, {"*": exp.Mul, "/": exp.Div})

    def arithmetic(self, rule: Callable[[], exp.Expr], nodes: dict[str, type[exp.Expr]]) -> exp.Expr:
        left = first = rule()
        for word in self.operators(*nodes):
            right = self.typed(rule(), "n")
            typed = {"typed": True, "safe": False} if word == "/" else {}
            left = nodes[word](this=self.typed(left, "n") if left is first else left, expression=right, **typed)
        return left

    def signed(self) -> exp.Expr:
        sign = self.accept("+", "-")
        value = self.primary()
        if sign:
            self.typed(value, "n")
        return exp.Neg(this=value) if sign == "-" else value

    def primary(self) -> exp.Expr:
        token = self.token
        if token is None:
            raise self.unexpected("a value")
        if token.token_type in (TokenType.NUMBER, TokenType.HEX_STRING):
            return self.number()
        if token.token_type == TokenType.STRING:
            return self.string()
        if token.token_type == TokenType.PARAMETER:
            self.place += 1
            return self.parameters.node(token)
        if token.token_type == TokenType.VAR:
            word = token.text.upper()
            if rule := PRIMARIES.get(word):
                self.place += 1
                return rule(self, token)
            if self.ahead(1) == "(" and (word not in RESERVED or word in functions.LANGUAGE):
                self.place += 1
                return self.function(token)
            if word in functions.LANGUAGE:
                raise self.error(f"'{word}' is a function of ADQL and takes its arguments in brackets",
                                 hint=f'as a name it goes between double quotes: "{token.text}"')  # fmt: skip
        if self.accept("("):
            if self.ahead() == "SELECT":
                raise self.error("ADQL has no subquery as a value", hint="join with it instead")
            self.deeper()
            inner = self.disjunction()
            self.expect(")")
            self.depth -= 1
            node = exp.Paren(this=inner)
            node.meta.update(start=token.start, end=self.tokens[self.place - 1].end)
            return node
        return qualified(exp.Column, self.name_parts("a value"), self)

    def string(self) -> exp.Expr:
        first = self.tokens[self.place]
        text = ""
        while self.token is not None and self.token.token_type == TokenType.STRING:
            text += self.token.text  # 'a' 'b' is 'ab'
            self.place += 1
        node = exp.Literal(this=text, is_string=True)
        node.meta.update(start=first.start, end=self.tokens[self.place - 1].end, kind="s")
        return node

    def arguments(self) -> list[exp.Expr]:
        self.expect("(")
        self.deeper()
        values: list[exp.Expr] = []
        if not self.accept(")"):
            values = self.listed(self.disjunction)
            self.expect(")")
        self.depth -= 1
        return values

    def function(self, token: Token) -> exp.Expr:
        name = token.text.upper()
        values = self.arguments()
        meta: dict[str, Any] = {"start": token.start, "end": token.end}
        function = functions.find(name)
        if function is None:
            return call(token.text, list(map(self.operand, values)), unknown=True, **meta)
        if function.match(values) is None:
            if len(values) not in {len(form) for form in function.forms} and not function.more:
                raise self.error(f"{name} takes {function.sizes()}, not {len(values)}", token)
            raise self.error(f"{name} does not take these arguments", token, hint=functions.explain(name))
        return call(name, values, function.kind, **meta)

    def aggregate(self, token: Token) -> exp.Expr:
        name = token.text.upper()
        self.expect("(")
        quantifier = self.accept("ALL", "DISTINCT")
        value: exp.Expr
        if name == "COUNT" and not quantifier and self.accept("*"):
            value = exp.Star()
        else:
            self.deeper()
            value = self.value_expression()
            self.depth -= 1
            if name in ("AVG", "SUM"):
                self.typed(value, "n")
        self.expect(")")
        if quantifier == "DISTINCT":
            value = exp.Distinct(expressions=[value])
        node: exp.Expr = AGGREGATE_NODES[name](this=value)
        node.meta.update(start=token.start, end=token.end, kind=functions.AGGREGATES[name])
        return node

    def cast(self, token: Token) -> exp.Expr:
        self.expect("(")
        value = self.value_expression()
        self.expect("AS")
        place = self.place
        word = self.ahead()
        if self.accept("DOUBLE"):
            self.expect("PRECISION")
            name = "DOUBLE"
        elif word in GEOMETRIES:
            self.place += 1
            self.expect(")")
            to = exp.DataType(this=exp.DType.USERDEFINED, kind=word)
            return marked(exp.Cast(this=value, to=to), token, GEOMETRIES[word])
        elif word in TYPES:
            self.place += 1
            name = TYPES[word]
        else:
            self.place = place
            raise self.unexpected(", ".join(TYPES) + " or DOUBLE PRECISION")
        size: list[exp.Expr] = []
        if word in ("CHAR", "VARCHAR") and self.accept("("):
            size = [exp.DataTypeParam(this=self.unsigned_integer())]
            self.expect(")")
        self.expect(")")
        node = exp.Cast(this=value, to=exp.DataType(this=exp.DType[name], expressions=size, nested=False))
        node.meta.update(start=token.start, end=token.end, kind=kinds.of_datatype(name))
        return node

    def coalesce(self, token: Token) -> exp.Expr:
        values = list(map(self.operand, self.arguments()))
        if not values:
            raise self.error("COALESCE asks for one value at least", token)
        node = exp.Coalesce(this=values[0], expressions=values[1:])
        node.meta.update(start=token.start, end=token.end)
        return node

    def case(self, token: Token) -> exp.Expr:
        self.deeper()
        value = None if self.ahead() == "WHEN" else self.value_expression()
        branches = []
        while self.accept("WHEN"):
            test = self.value_expression() if value else self.search_condition()
            self.expect("THEN")
            branches.append(exp.If(this=test, true=self.value_expression()))
        if not branches:
            raise self.unexpected("WHEN")
        default = self.value_expression() if self.accept("ELSE") else None
        self.expect("END")
        self.depth -= 1
        node = exp.Case(this=value, ifs=branches, default=default)
        node.meta.update(start=token.start, end=token.end)
        return node

    def null(self, token: Token) -> exp.Expr:
        return exp.Null()

    def boolean(self, token: Token) -> exp.Expr:
        return truth(exp.Boolean(this=token.text.upper() == "TRUE"))


AGGREGATE_NODES: dict[str, type[exp.Expr]] = {
    "AVG": exp.Avg,
    "COUNT": exp.Count,
    "MAX": exp.Max,
    "MIN": exp.Min,
    "SUM": exp.Sum,
}
PRIMARIES: dict[str, Callable[[Expressions, Token], exp.Expr]] = {
    **dict.fromkeys(AGGREGATE_NODES, Expressions.aggregate),
    "CASE": Expressions.case,
    "CAST": Expressions.cast,
    "COALESCE": Expressions.coalesce,
    "FALSE": Expressions.boolean,
    "NULL": Expressions.null,
    "TRUE": Expressions.boolean,
}


def truth(node: exp.Expr) -> exp.Expr:
    node.meta["kind"] = "b"
    return node

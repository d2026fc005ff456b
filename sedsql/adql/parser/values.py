"""Parse values: columns, numbers, functions, arithmetic (ADQL 2.1, appendix A)."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from sedsql.adql.functions import registry
from sedsql.adql.functions.coordinate_systems import wrong_system
from sedsql.adql.parser.lexer import FUNCTION_WORDS, RESERVED
from sedsql.adql.parser.token_stream import TokenStream, qualified
from sedsql.adql.tree import value_types
from sedsql.adql.tree.nodes import call
from sedsql.adql.tree.notes import mark, note_type, notes
from sedsql.adql.tree.value_types import ValueType

CAST_TYPES = {
    "BIGINT": "BIGINT",
    "CHAR": "CHAR",
    "INT": "INT",
    "INTEGER": "INT",
    "REAL": "FLOAT",
    "SMALLINT": "SMALLINT",
    "TIMESTAMP": "TIMESTAMP",
    "VARCHAR": "VARCHAR",
    "DOUBLE PRECISION": "DOUBLE",
}


"""The types of CAST: their names in sqlglot by those in ADQL."""
LONGEST = (1 << 32) - 1
"""Characters of a text, as the database counts them."""
GEOMETRIES = {"POINT": ValueType.POINT, "CIRCLE": ValueType.CIRCLE, "POLYGON": ValueType.POLYGON}


class ValueGrammar(TokenStream):
    """Parses values. A condition in brackets is parsed as one as well, and refused where a value is asked for."""

    def search_condition(self) -> exp.Expr:
        raise NotImplementedError

    def disjunction(self) -> exp.Expr:
        raise NotImplementedError

    def value_expression(self) -> exp.Expr:
        return self.operand(self.concatenation())

    def operand(self, node: exp.Expr) -> exp.Expr:
        """Give back the node if it is a value and not a condition; TRUE and FALSE are both."""
        either = exp.Boolean | exp.Func | exp.Cast | exp.Parameter
        if value_types.of(node) is ValueType.BOOLEAN and not isinstance(node, either):
            raise self.at(node, "A condition stands where a value is expected")
        return node

    def typed(self, node: exp.Expr, family: ValueType) -> exp.Expr:
        """Give back the node if its value is a number, a string ... or may be one."""
        found = value_types.family(value_types.of(node))
        if found and found is not family:
            wanted = value_types.NAMES[family].capitalize()
            raise self.at(node, f"{wanted} is expected here, this is {value_types.NAMES[found]}")
        return node

    def concatenation(self) -> exp.Expr:
        left = self.addition()
        for _ in self.operators("||"):
            right = self.typed(self.addition(), ValueType.STRING)
            both = exp.DPipe(this=self.typed(left, ValueType.STRING), expression=right, safe=True)
            left = note_type(both, ValueType.STRING)
        return left

    def addition(self) -> exp.Expr:
        return self.arithmetic(self.multiplication, {"+": exp.Add, "-": exp.Sub})

    def multiplication(self) -> exp.Expr:
        return self.arithmetic(self.signed, {"*": exp.Mul, "/": exp.Div})

    def arithmetic(self, rule: Callable[[], exp.Expr], nodes: dict[str, type[exp.Expr]]) -> exp.Expr:
        left = first = rule()
        for word in self.operators(*nodes):
            right = self.typed(rule(), ValueType.NUMBER)
            left = self.typed(left, ValueType.NUMBER) if left is first else left
            division = {"typed": True, "safe": False} if word == "/" else {}
            left = nodes[word](this=left, expression=right, **division)
        return left

    def signed(self) -> exp.Expr:
        start = self.token
        sign = self.accept("+", "-")
        value = self.primary()
        if sign:
            self.typed(value, ValueType.NUMBER)
        if sign == "-" and start is not None:
            negative = exp.Neg(this=value)
            found = notes(negative)
            found.start, found.end = start.start, self.tokens[self.place - 1].end
            return negative
        return value

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
        if token.token_type == TokenType.VAR and not (token.text.upper() in FUNCTION_WORDS and self.names_ahead()):
            word = token.text.upper()
            if rule := PRIMARIES.get(word):
                self.place += 1
                return rule(self, token)
            if self.ahead(1) == "(" and (word not in RESERVED or word in registry.LANGUAGE):
                self.place += 1
                return self.function(token)
            if word in registry.LANGUAGE:
                raise self.error(f"'{word}' is a function of ADQL and takes its arguments in brackets",
                                 hint=f'as a name it goes between double quotes: "{token.text}"')  # fmt: skip
        if self.accept("("):
            if self.ahead() == "SELECT":
                raise self.error("ADQL has no subquery as a value", hint="join with it instead")
            self.deeper()
            inner = self.disjunction()
            self.expect(")")
            self.depth -= 1
            return mark(exp.Paren(this=inner), token.start, self.tokens[self.place - 1].end)
        return qualified(exp.Column, self.name_parts("a value"), self)

    def string(self) -> exp.Expr:
        first = self.tokens[self.place]
        text = ""
        while self.token is not None and self.token.token_type == TokenType.STRING:
            text += self.token.text  # 'a' 'b' is 'ab'
            self.place += 1
        end = self.tokens[self.place - 1].end
        return mark(exp.Literal(this=text, is_string=True), first.start, end, ValueType.STRING)

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
        function = registry.find(name)
        if function is None:
            node = call(token.text, list(map(self.operand, values)))
            notes(node).unknown = True
            return mark(node, token.start, token.end)
        form = function.match(values)
        if form is None:
            if len(values) not in {len(form) for form in function.forms} and not function.more:
                raise self.error(f"{name} takes {function.sizes()}, not {len(values)}", token)
            raise self.error(f"{name} does not take these arguments", token, hint=registry.explain(name))
        if wrong := wrong_system(name, form, values):
            raise self.at(*wrong)
        return mark(call(name, values), token.start, token.end, function.value_type)

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
                self.typed(value, ValueType.NUMBER)
        self.expect(")")
        if quantifier == "DISTINCT":
            value = exp.Distinct(expressions=[value])
        return mark(AGGREGATE_NODES[name](this=value), token.start, token.end, registry.AGGREGATES[name])

    def cast(self, token: Token) -> exp.Expr:
        self.expect("(")
        value = self.value_expression()
        self.expect("AS")
        to, value_type = self.data_type()
        self.expect(")")
        return mark(exp.Cast(this=value, to=to), token.start, token.end, value_type)

    def data_type(self) -> tuple[exp.DataType, ValueType | None]:
        """Parse a type of CAST; give the value type with it."""
        word = self.ahead()
        if word in GEOMETRIES:
            self.place += 1
            return exp.DataType(this=exp.DType.USERDEFINED, kind=word), GEOMETRIES[word]
        if self.accept("DOUBLE"):
            self.expect("PRECISION")
            word = "DOUBLE PRECISION"
        elif not self.accept(*CAST_TYPES):
            *names, last = CAST_TYPES
            raise self.unexpected(f"{', '.join(names)} or {last}")
        name = CAST_TYPES[str(word)]
        size: list[exp.Expr] = []
        if word in ("CHAR", "VARCHAR") and self.accept("("):
            length = self.unsigned_integer()
            if int(length.name) > LONGEST:
                raise self.at(length, f"A text has at most {LONGEST} characters")
            size = [exp.DataTypeParam(this=length)]
            self.expect(")")
        to = exp.DataType(this=exp.DType[name], expressions=size, nested=False)
        return to, value_types.of_datatype(name)

    def coalesce(self, token: Token) -> exp.Expr:
        values = list(map(self.operand, self.arguments()))
        if not values:
            raise self.error("COALESCE asks for one value at least", token)
        return mark(exp.Coalesce(this=values[0], expressions=values[1:]), token.start, token.end)

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
        return mark(exp.Case(this=value, ifs=branches, default=default), token.start, token.end)

    def null(self, token: Token) -> exp.Expr:
        return mark(exp.Null(), token.start, token.end)

    def boolean(self, token: Token) -> exp.Expr:
        return mark(exp.Boolean(this=token.text.upper() == "TRUE"), token.start, token.end, ValueType.BOOLEAN)


AGGREGATE_NODES: dict[str, type[exp.Expr]] = {
    "AVG": exp.Avg,
    "COUNT": exp.Count,
    "MAX": exp.Max,
    "MIN": exp.Min,
    "SUM": exp.Sum,
}
PRIMARIES: dict[str, Callable[[ValueGrammar, Token], exp.Expr]] = {
    **dict.fromkeys(AGGREGATE_NODES, ValueGrammar.aggregate),
    "CASE": ValueGrammar.case,
    "CAST": ValueGrammar.cast,
    "COALESCE": ValueGrammar.coalesce,
    "FALSE": ValueGrammar.boolean,
    "NULL": ValueGrammar.null,
    "TRUE": ValueGrammar.boolean,
}


def truth(node: exp.Expr) -> exp.Expr:
    """Note that a node yields TRUE or FALSE."""
    return note_type(node, ValueType.BOOLEAN)

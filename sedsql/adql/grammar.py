"""The grammar of ADQL 2.1: words in, sqlglot's syntax tree out, and nothing that the standard does not have.

One method a rule, named after the rule of the standard's BNF (ADQL 2.1, appendix A). What is not written here
cannot be parsed, so nothing else can reach the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from sedsql.adql import functions, kinds
from sedsql.adql.errors import AdqlError
from sedsql.adql.lexer import IDLE_WORDS, RESERVED
from sedsql.adql.nodes import call

MAX_DEPTH = 40  # of brackets in brackets; deeper ones would exhaust Python's stack further on
MAX_CHAIN = 400  # of operators in a row: DuckDB stops at expressions 1,000 deep

COMPARISONS: dict[str, type[exp.Expr]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    ">": exp.GT,
    "<=": exp.LTE,
    ">=": exp.GTE,
}
SET_OPERATIONS: dict[str, type[exp.SetOperation]] = {"UNION": exp.Union, "EXCEPT": exp.Except}
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
AFTER_FROM = "WHERE, GROUP BY, HAVING, ORDER BY, OFFSET, UNION, EXCEPT, INTERSECT or the end"


class Grammar:
    """Parses the words of one query.

    The standard reserves many words that it has no use for. As the name of a schema they always pass; as
    other names they do when the grammar is `lenient`.
    """

    def __init__(self, tokens: list[Token], sql: str, lenient: bool = False):
        self.tokens, self.sql, self.lenient = tokens, sql, lenient
        self.place = self.depth = 0

    # --- words -----------------------------------------------------------------------------------------

    @property
    def token(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def ahead(self, steps: int = 0) -> str | None:
        """The word or symbol that comes, in upper case; None for strings, numbers, delimited names, the end."""
        place = self.place + steps
        if place >= len(self.tokens):
            return None
        token = self.tokens[place]
        if token.token_type in (TokenType.STRING, TokenType.NUMBER, TokenType.HEX_STRING, TokenType.IDENTIFIER):
            return None
        return token.text.upper()

    def accept(self, *words: str) -> str | None:
        """Takes one of these words, if it comes."""
        word = self.ahead()
        if word is not None and word in words:
            self.place += 1
            return word
        return None

    def expect(self, word: str, what: str | None = None) -> None:
        if not self.accept(word):
            raise self.unexpected(what or word)

    def error(self, message: str, token: Token | None = None, hint: str | None = None) -> AdqlError:
        token = token or self.token
        if token is None:
            end = self.tokens[-1].end if self.tokens else 0
            return AdqlError(message, self.sql, end, end + 1, hint)
        return AdqlError(message, self.sql, token.start, token.end, hint)

    def at(self, node: exp.Expr, message: str, hint: str | None = None) -> AdqlError:
        start, end = span(node)
        return AdqlError(message, self.sql, start, end, hint)

    def unexpected(self, expected: str) -> AdqlError:
        token = self.token
        if token is None:
            return self.error(f"The query ends where {expected} is expected")
        before = self.tokens[self.place - 1].text.upper() if self.place else ""
        if "LIMIT" in (before, self.ahead()):
            return self.error("ADQL has no LIMIT", hint="write SELECT TOP n")
        text = self.sql[token.start : token.end]
        return self.error(f"{text!r} is not expected here" if len(text) < 60 else "Unexpected here",
                          hint=f"what can stand here is {expected}")  # fmt: skip

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"More than {MAX_DEPTH} brackets within brackets")

    # --- queries ---------------------------------------------------------------------------------------

    def statement(self) -> exp.Query:
        if not self.tokens:
            raise self.error("The query is empty", hint="write SELECT ... FROM ...")
        if self.ahead() not in ("SELECT", "WITH", "("):
            raise self.error(
                f"'{self.tokens[0].text}' starts no query of ADQL", hint="only SELECT and WITH do; nothing is changed"
            )
        ctes = self.with_clause() if self.accept("WITH") else None
        query = self.query_expression()
        if ctes:
            query.set("with_", exp.With(expressions=ctes))
        self.accept(";")
        if self.token is not None:
            raise self.unexpected(AFTER_FROM)
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

    def combine(
        self, operation: type[exp.SetOperation], left: exp.Query, rest: Callable[[], exp.Query]
    ) -> exp.Query:
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

    def listed(self, rule: Callable[[], exp.Expr]) -> list[exp.Expr]:
        found = [rule()]
        while self.accept(","):
            found.append(rule())
        return found

    def select_item(self) -> exp.Expr:
        if self.accept("*"):
            return exp.Star()
        steps = 0
        while self.ahead(steps + 1) == ".":
            steps += 2
        if steps and self.ahead(steps) == "*":
            parts = [self.identifier()]
            while self.accept(".") and not self.accept("*"):
                parts.append(self.identifier())
            return qualified(exp.Column, [*parts, exp.Star()], self)
        value = self.value_expression()
        if self.accept("AS"):
            return exp.Alias(this=value, alias=self.identifier("a name"))
        return exp.Alias(this=value, alias=self.identifier()) if self.names_ahead() else value

    def sort_specification(self) -> exp.Expr:
        value = self.value_expression()
        descending = self.accept("ASC", "DESC") == "DESC"
        # PostgreSQL, behind the archives, takes NULL for the largest value.
        return exp.Ordered(this=value, desc=descending, nulls_first=descending)

    def unsigned_integer(self) -> exp.Expr:
        token = self.token
        if token is None or token.token_type != TokenType.NUMBER or not token.text.isdigit():
            raise self.unexpected("a whole number")
        return self.number()

    # --- tables ----------------------------------------------------------------------------------------

    def table_reference(self) -> exp.Expr:
        """A table with its joins, if any, in its `joins`."""
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
        if not inner.args.get("joins"):
            raise self.unexpected("JOIN")
        self.expect(")")
        self.depth -= 1
        return exp.Subquery(this=inner)

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
                return self.ahead(place - self.place + 1) in ("UNION", "EXCEPT", "INTERSECT", ")", "ORDER", "OFFSET")
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

    def column_names(self) -> list[exp.Expr]:
        self.expect("(")
        names = self.listed(self.identifier)
        self.expect(")")
        return names

    # --- names -----------------------------------------------------------------------------------------

    def names_ahead(self) -> bool:
        token = self.token
        if token is None:
            return False
        if token.token_type != TokenType.VAR:
            return token.token_type == TokenType.IDENTIFIER
        word = token.text.upper()
        return word not in RESERVED or (word in IDLE_WORDS and (self.lenient or self.ahead(1) == "."))

    def identifier(self, what: str = "a name") -> exp.Identifier:
        token = self.token
        if token is None or not self.names_ahead():
            if token is not None and token.token_type == TokenType.VAR:
                raise self.error(f"'{token.text}' is a reserved word of ADQL where {what} is expected",
                                 hint=f'as a name it goes between double quotes: "{token.text}"')  # fmt: skip
            raise self.unexpected(what)
        self.place += 1
        node = exp.Identifier(this=token.text, quoted=token.token_type == TokenType.IDENTIFIER)
        node.meta.update(start=token.start, end=token.end)
        return node

    def name_parts(self, what: str) -> list[exp.Expr]:
        parts: list[exp.Expr] = [self.identifier(what)]
        while self.accept("."):
            parts.append(self.identifier())
        return parts

    # --- conditions ------------------------------------------------------------------------------------

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

    # --- values ----------------------------------------------------------------------------------------

    def value_expression(self) -> exp.Expr:
        return self.operand(self.concatenation())

    def operand(self, node: exp.Expr) -> exp.Expr:
        """The node, if it is a value and not a condition; TRUE and FALSE are both."""
        if kinds.of(node) == "b" and not isinstance(node, exp.Boolean | exp.Func | exp.Cast):
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

    def operators(self, *words: str) -> Iterator[str]:
        """The operators that come one after the other, with their operands in between."""
        for _ in range(MAX_CHAIN):
            word = self.accept(*words)
            if not word:
                return
            yield word
        raise self.error(f"More than {MAX_CHAIN} operators in a row")

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

    def number(self) -> exp.Expr:
        token = self.tokens[self.place]
        self.place += 1
        text = token.text if token.token_type == TokenType.NUMBER else str(int(token.text, 16))
        node = exp.Literal(this=text, is_string=False)
        whole = text.isdigit()
        node.meta.update(start=token.start, end=token.end, kind="i" if whole else "r")
        if whole:  # sqlglot asks for types before it divides whole numbers
            node.type = exp.DType.BIGINT
        return node

    def string(self) -> exp.Expr:
        first = self.tokens[self.place]
        text = ""
        while self.token is not None and self.token.token_type == TokenType.STRING:
            text += self.token.text  # 'a' 'b' is 'ab'
            self.place += 1
        node = exp.Literal(this=text, is_string=True)
        node.meta.update(start=first.start, end=self.tokens[self.place - 1].end, kind="s")
        return node

    # --- functions -------------------------------------------------------------------------------------

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
        meta = {"start": token.start, "end": token.end}
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
PRIMARIES: dict[str, Callable[[Grammar, Token], exp.Expr]] = {
    **dict.fromkeys(AGGREGATE_NODES, Grammar.aggregate),
    "CASE": Grammar.case,
    "CAST": Grammar.cast,
    "COALESCE": Grammar.coalesce,
    "FALSE": Grammar.boolean,
    "NULL": Grammar.null,
    "TRUE": Grammar.boolean,
}


def truth(node: exp.Expr) -> exp.Expr:
    node.meta["kind"] = "b"
    return node


def operand(query: exp.Query) -> exp.Query:
    """A side of UNION, EXCEPT or INTERSECT; a limit of its own needs brackets in SQL."""
    return exp.Subquery(this=query) if isinstance(query, exp.Select) and query.args.get("limit") else query


def qualified(node: type[exp.Expr], parts: list[exp.Expr], grammar: Grammar) -> exp.Expr:
    """`catalog.schema.table.column`, as far as given."""
    names = ("this", "table", "db", "catalog") if node is exp.Column else ("this", "db", "catalog")
    if len(parts) > len(names):
        raise grammar.at(parts[0], f"A name has {len(names)} parts at most")
    return node(**dict(zip(names, reversed(parts), strict=False)))


def span(node: exp.Expr) -> tuple[int, int]:
    """Where a node stands in the query, from the words that it is made of."""
    if "start" in node.meta:
        return node.meta["start"], node.meta["end"]
    places = [part.meta for part in node.walk() if part is not node and "start" in part.meta]
    if not places:
        return 0, 1
    return min(place["start"] for place in places), max(place["end"] for place in places)

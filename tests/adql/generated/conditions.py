"""Conditions, drawn from choices."""

from __future__ import annotations

from .places import Scope
from .tables import Column
from .values import LABELS, Values

NODES = (*LABELS, "source", "young", "evolved")


class Conditions(Values):
    """Draws conditions; what draws whole queries gives those of EXISTS and IN."""

    def exists(self, scope: Scope) -> str:
        raise NotImplementedError

    def listed(self, scope: Scope, column: Column) -> str | None:
        raise NotImplementedError

    def condition(self, scope: Scope, depth: int = 2) -> str:
        form = self.choices.weighed((10, "simple"), (depth, "and"), (2 * depth, "or"), (depth, "not"))
        if form == "simple":
            return self.simple(scope, depth)
        if form == "not":
            return f"NOT ({self.condition(scope, depth - 1)})"
        parts = [self.condition(scope, depth - 1) for _ in range(2 + self.choices.chance(20))]
        return f"({f' {form.upper()} '.join(parts)})"

    def simple(self, scope: Scope, depth: int) -> str:
        form = self.choices.weighed(
            (10, "values"), (6, "inside"), (5, "model"), (3, "null"), (2, "between"), (2, "like"), (2, "in"),
            (3, "computed"), (1, "boolean"), (2, "exists"), (1, "listed"), (1, "near"), (1, "distance"),
        )  # fmt: skip
        if form == "inside" and self.positions(scope):
            return self.inside(scope)
        if form == "model" and (found := self.of_model(scope)):
            return found
        if form == "near" and len(self.positions(scope)) > 1:
            one, other = self.positions(scope)[:2]
            return self.near(one, other, scope)
        if form == "distance" and (source := self.row(scope)) and self.positions(scope):
            # What bounds a distance may be what a model says.
            proba = self.call("sed_proba", source, scope, ("'yso'",))
            self.notes.add("noise")
            return f"{self.sphere(scope)} BETWEEN {proba} AND {self.value(scope, 'r', 0)}"
        if form == "exists" and depth:
            return self.exists(scope)
        if form == "computed":
            kind = self.choices.one("ris")
            left, operator = self.value(scope, kind), self.choices.one(("<", ">", "<=", "<>", ">="))
            return f"{left} {operator} {self.value(scope, kind, 1)}"
        column = self.column(scope, {"like": "s", "boolean": "b", "values": "risst"}.get(form, "risbtd"))
        return self.of_column(scope, form, *column) if column else "1 = 1"

    def of_column(self, scope: Scope, form: str, column: Column, reference: str) -> str:
        if form == "null":
            return f"{reference} IS {self.choices.weighed((3, 'NOT '), (1, ''))}NULL"
        if form == "listed" and (found := self.listed(scope, column)):
            return f"{reference} {self.choices.weighed((4, ''), (1, 'NOT '))}IN ({found})"
        if column.kind == "b":
            return f"{reference} = {self.choices.one(('TRUE', 'FALSE'))}"
        if form == "like":
            pattern = self.choices.one(("'%'", "'%s%'", "'_%'", "'y%'", "'%\\%%'", "'A%'", "''", "'%Gaia%'"))
            word = self.choices.one(("LIKE", "ILIKE", "NOT LIKE", "LIKE", "ILIKE", "NOT ILIKE"))
            return f"{reference} {word} {pattern}"
        if form == "between":
            low, high = (self.literal(column.kind, column) for _ in "lh")
            return f"{reference} {self.choices.weighed((3, ''), (1, 'NOT '))}BETWEEN {low} AND {high}"
        if form == "in":
            values = ", ".join(self.literal(column.kind, column) for _ in range(1 + self.choices.below(4)))
            return f"{reference} {self.choices.weighed((2, ''), (2, 'NOT '))}IN ({values})"
        operator = self.choices.weighed((4, ">="), (4, "<="), (2, "<"), (2, ">"), (2, "="), (2, "<>"))
        left, right = reference, self.literal(column.kind, column)
        if self.choices.chance(10):
            left, right = right, left
        return f"{left} {operator} {right}"

    def of_model(self, scope: Scope) -> str | None:
        """What becomes a cheap condition: a class, a node or a probability compared with a constant."""
        source = self.row(scope)
        if source is None:
            return None
        form = self.choices.below(6)
        if form < 3:
            call = self.call("sed_class", source, scope)
            label = f"'{self.choices.one(LABELS)}'" if not self.choices.chance(2) else "'nonsense'"  # is refused
            return self.choices.weighed((4, f"{call} = {label}"), (1, f"{label} = {call}"), (2, f"{call} <> {label}"),
                                        (1, f"{call} IN ({label}, 'giant')"), (1, f"{call} LIKE 'm%'"))  # fmt: skip
        if form == 3:
            node = self.call("sed_node", source, scope, (self.choices.one(("0.5", "0.9")),))
            return f"{node} {self.choices.one(('=', '<>'))} '{self.choices.one(NODES)}'"
        self.notes.add("noise")
        proba = self.call("sed_proba", source, scope, (f"'{self.choices.one(LABELS)}'",))
        operator = self.choices.one((">", ">=", "<", "<="))
        limit = self.constant(self.choices.one(("0.05", "0.5", "0.9", "0.0", "1.0")))
        return self.choices.weighed((3, f"{proba} {operator} {limit}"), (1, f"{limit} {operator} {proba}"))

"""Values of known types, drawn from choices."""

from __future__ import annotations

from sedsql.photometry.bands import COLUMNS

from .places import Places, Scope, Source
from .tables import Column

PLAIN = {
    "i": ("1", "0", "2", "7", "-3", "100", "0x1F"),
    "r": ("1.0", "0.5", "-2.5", "10.0", "1e3", ".25", "1e-3"),
    "s": ("'yso'", "''", "'a'", "'it''s'", "'50%'", "'ICRS'"),
    "b": ("TRUE", "FALSE"),
    "t": ("'2000-01-01 00:00:00'", "'2016-06-30T12:00:00'"),
    "d": ("'2020-01-31'",),
}
LABELS = ("yso", "main_sequence", "giant", "agn", "agb_carbon")
OF_ONE = (
    "ABS({})", "SQRT(ABS({}))", "LOG(1 + ABS({}))", "LOG10({})", "SIN({})", "COS({})", "TAN({})", "COT({})", "ATAN({})",
    "ACOS({})", "ASIN({})", "FLOOR({})", "CEILING({})", "ROUND({})", "ROUND({}, 2)", "TRUNCATE({}, 1)", "DEGREES({})",
    "RADIANS({})", "EXP({} / 100.)", "POWER({}, 2)", "ATAN2({}, 2.5)", "CBRT({})", "TO_DOUBLE({})", "- {}",
)  # fmt: skip


class Values(Places):
    """Draws values; `models` are the names of the models that may be asked."""

    models: tuple[str, ...] = ()
    asked_models = True

    def condition(self, scope: Scope, depth: int = 2) -> str:
        raise NotImplementedError

    # --- columns --------------------------------------------------------------------------------------

    def column(self, scope: Scope, kinds: str, wild: bool = True) -> tuple[Column, str] | None:
        """A column of these kinds, and how it is referred to; rarely one of the query around."""
        if scope.outer and self.choices.chance(15):
            found = [
                (source, column)
                for source in scope.outer.sources
                for column in source.table.of(kinds)
                if not scope.times(column.name)
            ]
            if found:
                source, column = self.choices.one(found)
                return column, f"{source.name}.{self.name(column.name)}"
        sources = [source for source in scope.sources if any(wild or not c.wild for c in source.table.of(kinds))]
        if not sources:
            return None
        source = self.choices.one(sources)
        column = self.choices.one([c for c in source.table.of(kinds) if wild or not c.wild])
        if column.name.startswith("class") or column.name == "outlier":
            self.notes.add("models")
        return column, self.reference(source, column, scope)

    def literal(self, kind: str, column: Column | None = None) -> str:
        """A constant: one of a column's values, if it has some."""
        if column and column.values and not self.choices.chance(15):
            return self.constant(self.choices.one(column.values)) if kind in "irs" else self.choices.one(column.values)
        text = self.choices.one(PLAIN.get(kind, PLAIN["d"]))
        return self.constant(text) if kind in "irs" and "0x" not in text else text

    # --- values ---------------------------------------------------------------------------------------

    def value(self, scope: Scope, kind: str, depth: int = 2) -> str:
        draw = {"r": self.real, "i": self.whole, "s": self.text}.get(kind)
        if draw and depth and self.choices.chance(45):
            return draw(scope, depth - 1)
        found = self.column(scope, kind)
        if found is None or self.choices.chance(4):
            return self.literal(kind)
        return found[1]

    def tame(self, scope: Scope, kind: str) -> str:
        """A column whose sums do not overflow."""
        found = self.column(scope, kind, wild=False)
        return found[1] if found else self.literal(kind)

    def real(self, scope: Scope, depth: int) -> str:
        form = self.choices.weighed((6, "arithmetic"), (5, "function"), (4, "model"), (2, "case"), (2, "coalesce"),
                                    (1, "cast"), (3, "sphere"), (1, "unit"), (1, "least"))  # fmt: skip
        if form == "model" and (call := self.model_number(scope)):
            return call
        if form == "sphere" and self.positions(scope):
            return self.sphere(scope)
        if form == "case":
            return self.case(scope, "r", depth)
        if form == "coalesce":
            return f"COALESCE({self.value(scope, 'r', depth)}, {self.literal('r')})"
        if form == "cast":
            # REAL does not hold all that a DOUBLE does.
            return f"CAST({self.tame(scope, 'r')} AS {self.choices.one(('DOUBLE PRECISION', 'REAL'))})"
        if form == "unit" and (found := self.column(scope, "r")) and found[0].unit in ("deg", "mas", "arcsec"):
            return f"IN_UNIT({found[1]}, '{self.choices.one(('deg', 'arcsec', 'rad'))}')"
        if form == "least":
            name = self.choices.one(("LEAST", "GREATEST"))
            return f"{name}({self.value(scope, 'r', depth)}, {self.value(scope, 'r', depth)})"
        if form == "function":
            return self.choices.one(OF_ONE).format(self.value(scope, "r", 0))
        left, right = self.value(scope, "r", depth), self.value(scope, self.choices.one("ri"), depth)
        return self.choices.one(("{} + {}", "{} - {}", "({} * {})", "{} / {}", "({} - {}) * 2.0")).format(left, right)

    def whole(self, scope: Scope, depth: int) -> str:
        form = self.choices.weighed((5, "arithmetic"), (2, "case"), (2, "test"), (1, "length"), (1, "cast"),
                                    (1, "wild"), (1, "cell"))  # fmt: skip
        if form == "case":
            return self.case(scope, "i", depth)
        if form == "test" and self.positions(scope):
            ra, dec = self.position(self.choices.one(self.positions(scope)), scope)
            return f"CONTAINS(POINT({ra}, {dec}), {self.shape()})"
        if form == "length":
            return f"LENGTH({self.value(scope, 's', 0)})"
        if form == "cast":
            self.notes.add("fails")  # of what is too large or no number
            return f"CAST({self.value(scope, 'r', 0)} AS {self.choices.one(('INTEGER', 'BIGINT'))})"
        if form == "wild":
            self.notes.add("fails")  # by overflow, or division by zero
            left, right = self.value(scope, "i", 0), self.value(scope, "i", 0)
            return self.choices.one(("{} + {}", "{} * {}", "{} / {}", "MOD({}, {})", "ABS({}) - {}")).format(
                left, right
            )
        if form == "cell" and (found := self.column(scope, "i")) and found[0].key == "gaia":
            return f"GAIA_HEALPIX_INDEX({self.choices.one('5309')}, {found[1]})"
        value = self.tame(scope, "i")
        return self.choices.one(("{} + 1", "{} * 2", "{} / 3", "MOD({}, 5)", "SIGN({})", "- {}", "2 - {}")).format(
            value
        )

    def text(self, scope: Scope, depth: int) -> str:
        form = self.choices.weighed((4, "model"), (2, "join"), (2, "case"), (2, "function"), (2, "cast"))
        if form == "model" and (call := self.model_text(scope)):
            return call
        if form == "case":
            return self.case(scope, "s", depth)
        if form == "function":
            return self.choices.one(("LOWER({})", "UPPER({})", "COALESCE({}, 'none')")).format(
                self.value(scope, "s", 0)
            )
        if form == "cast":
            kind = self.choices.one("irs")
            return f"CAST({self.value(scope, kind, 0)} AS {self.choices.one(('VARCHAR', 'CHAR(3)', 'VARCHAR(5)'))})"
        return f"{self.value(scope, 's', 0)} || {self.value(scope, 's', 0)}"

    def case(self, scope: Scope, kind: str, depth: int) -> str:
        test = self.condition(scope, min(depth, 1))
        if self.choices.chance(25) and (found := self.column(scope, "is")):
            column, reference = found
            when = f"CASE {reference} WHEN {self.literal(column.kind, column)} THEN {self.value(scope, kind, 0)}"
        else:
            when = f"CASE WHEN {test} THEN {self.value(scope, kind, 0)}"
        return f"{when}{self.choices.weighed((3, f' ELSE {self.literal(kind)}'), (1, ''))} END"

    def sphere(self, scope: Scope) -> str:
        ra, dec = self.position(self.choices.one(self.positions(scope)), scope)
        a, b = map(self.degrees, self.place())
        return self.choices.one((
            f"DISTANCE({ra}, {dec}, {a}, {b})", f"DISTANCE(POINT({a}, {b}), POINT({ra}, {dec}))",
            f"COORD1(POINT({ra}, {dec}))", f"COORD2(CENTROID(CIRCLE({ra}, {dec}, 1)))",
            f"AREA(CIRCLE({ra}, {dec}, 2.0))", f"AREA(BOX({ra}, {dec}, 5, 5))",
        ))  # fmt: skip

    def geometry(self, scope: Scope) -> str:
        if not self.positions(scope):
            return self.shape() if self.choices.chance(50) else "POINT(1, 2)"
        ra, dec = self.position(self.choices.one(self.positions(scope)), scope)
        return self.choices.one(
            (f"POINT({ra}, {dec})", f"CIRCLE({ra}, {dec}, 0.5)", f"CENTROID(BOX({ra}, {dec}, 1, 1))")
        )

    # --- functions of models --------------------------------------------------------------------------

    def row(self, scope: Scope) -> Source | None:
        rows = [source for source in scope.sources if source.table.has_bands] if self.asked_models else []
        return self.choices.one(rows) if rows else None

    def call(self, function: str, source: Source, scope: Scope, own: tuple[str, ...] = ()) -> str:
        """A call with the row's alias, or its ten magnitudes, or what stands beside them written out."""
        self.notes.add("models")
        model = f"'{self.choices.one(self.models)}'"
        form = self.choices.weighed((12, "row"), (3, "model"), (1, "bands"), (1, "parallax"), (1, "position"))
        bands = ", ".join(f"{source.name}.{band}" for band in COLUMNS)
        names = {column.name for column in source.table.columns}
        row, rest = source.name.rpartition(".")[2], [*own]
        if form == "model":
            rest = [*own, model]
        elif form == "bands":
            row = bands
        elif form == "parallax" and {"parallax", "parallax_error"} <= names:
            rest = [f"{source.name}.parallax", f"{source.name}.parallax_error", *own, model]
        elif form == "position" and {"parallax", "parallax_error", "ra", "dec"} <= names:
            four = [f"{source.name}.{name}" for name in ("parallax", "parallax_error", "ra", "dec")]
            rest = [*four, *own, model]
        return f"{function}({', '.join([row, *rest])})"

    def model_number(self, scope: Scope) -> str | None:
        source = self.row(scope)
        if source is None:
            return None
        if self.choices.chance(15):
            return f"sed_alpha({source.name})"
        self.notes.add("noise")
        if self.choices.chance(20):
            return self.call(self.choices.one(("sed_probability", "sed_outlier")), source, scope)
        return self.call("sed_proba", source, scope, (f"'{self.choices.one(LABELS)}'",))

    def model_text(self, scope: Scope) -> str | None:
        source = self.row(scope)
        if source is None:
            return None
        form = self.choices.below(10)
        if form == 0:
            return f"sed_stage({source.name})"
        if form < 3:
            return self.call("sed_node", source, scope, (self.choices.one(("0.5", "0.9", "0.75")),))
        return self.call("sed_class", source, scope)

    def model_whole(self, scope: Scope) -> str | None:
        """A struct or a list that a model gives."""
        source = self.row(scope)
        if source is None:
            return None
        form = self.choices.below(6)
        if form == 0:
            return f"sed_points({source.name})"
        if form == 1:
            return self.call("sed_set", source, scope, ("0.95",))
        return self.call("sed_predict", source, scope)

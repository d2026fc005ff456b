"""Write a model's output for a source as SQL: what `inference/answers.py` gives, in DuckDB's words alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sedsql.inference import binding, graph
from sedsql.inference.answers import ANSWER
from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import POLE, STRANGE_MAG
from sedsql.inference.sql_engine.arithmetic import place_of_largest
from sedsql.inference.sql_engine.expressions import (
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INTEGER,
    Parts,
    Value,
    constant,
    joined,
    select,
)
from sedsql.inference.sql_engine.operators import translate
from sedsql.photometry import classes
from sedsql.sql_text import literal


@dataclass
class Answer:
    """The SQL of a model, its inputs being the SQL of its bands and what it takes besides.

    Attributes
    ----------
    enough : are there enough bands?
    strange : is a magnitude beyond what any source has?
    n_bands, place : how many bands there are; the class's place, from 0
    probabilities : of each class
    distance : from the nearest of the typical SEDs; None if the model does not tell
    """

    model: Model
    enough: Value
    strange: Value
    n_bands: Value
    place: Value
    probabilities: list[Value]
    distance: Value | None

    @classmethod
    def of(cls, model: Model, inputs: Sequence[str]) -> "Answer":
        """Translate a model's graph; ModelError where it has what plain SQL cannot do."""
        columns = [
            Value([f"CASE WHEN {_there(name, text)} THEN {text} END"], null=True)
            for name, text in zip((*model.bands, *model.extra), inputs, strict=True)
        ]
        bands = columns[: len(model.bands)]
        there = [part for band in bands for part in ("+(", band, " IS NOT NULL)::INTEGER")]
        n_bands = Value(["(0", *there, ")"], INTEGER)
        enough = Value([n_bands, f" >= {model.min_bands}"], BOOLEAN)
        sizes = [part for band in bands for part in (", abs(", band, ")")]
        strange = Value(["greatest(0", *sizes, f") > {STRANGE_MAG}"], BOOLEAN)
        try:
            return cls._translated(model, columns, n_bands, enough, strange)
        except ModelError as error:
            raise ModelError(f"Model {model.name} cannot be written as plain SQL. {error}") from None

    @classmethod
    def _translated(cls, model: Model, columns: list[Value], n_bands: Value, enough: Value, strange: Value) -> "Answer":
        found = graph.read(model.graph())
        given = model.card.outputs
        wanted = [given.get(name, name) for name in (binding.PROBABILITIES, binding.CLASS_INDEX)]
        names = [name for name in wanted if name in found.outputs]
        if wanted[0] not in names:
            raise ModelError(f"It has no output {wanted[0]!r}.")
        has_distance = model.card.outlier is not None and binding.DISTANCE in found.outputs
        outputs = translate(
            found, _fed(model, found, columns), [*names, *([binding.DISTANCE] if has_distance else [])], enough
        )
        probabilities = outputs[wanted[0]]
        if len(probabilities) != len(model.classes):
            raise ModelError(f"It gives {len(probabilities)} probabilities for {len(model.classes)} classes.")
        place = outputs[wanted[1]][0] if wanted[1] in names else place_of_largest(probabilities)
        distance = outputs[binding.DISTANCE][0] if has_distance else None
        return cls(model, enough, strange, n_bands, place, probabilities, distance)

    def label(self) -> str:
        """Write a query that gives the label."""
        return select(self._if_enough(_item(self.model.classes, self.place)))

    def probabilities_list(self) -> str:
        """Write a query that gives the probabilities as a list."""
        return select(self._listed())

    def answer(self) -> str:
        """Write a query that gives all: ANSWER."""
        chances_listed = Value(self._listed(), "DOUBLE[]")
        chances = [Value([probability, "::DOUBLE"], DOUBLE) for probability in self.probabilities]
        terms = [part for p in chances for part in (" - CASE WHEN ", p, " > 0 THEN ", p, " * log2(", p, ") ELSE 0 END")]
        paths = [listed([literal(node) for node in classes.path(label, self._parents)]) for label in self.model.classes]
        outlier: Parts = self._if_enough(self._outlier(self.distance)) if self.distance else ["NULL"]
        prediction: Parts = [
            *["{'class': ", *self._if_enough(_item(self.model.classes, self.place))],
            *[", 'probability': ", *self._if_enough(["greatest(", *joined(chances, ", "), ")"])],
            *[", 'entropy': ", *self._if_enough(["0", *terms])],
            *[", 'outlier': ", *outlier],
            ", 'n_bands': ",
            self.n_bands,
            f", 'model': {literal(self.model.name)}",
            *[", 'path': ", *self._if_enough([f"({listed(paths)})[", self.place, " + 1]"]), "}"],
        ]
        return select(["{'prediction': ", *prediction, ", 'probabilities': ", chances_listed, f"}}::{ANSWER}"])

    @property
    def _parents(self) -> Mapping[str, str]:
        return self.model.card.parents

    def _if_enough(self, parts: Sequence[str | Value]) -> Parts:
        return ["CASE WHEN ", self.enough, " THEN ", *parts, " END"]

    def _listed(self) -> Parts:
        return ["[", *joined([Value(self._if_enough([p, "::DOUBLE"]), DOUBLE) for p in self.probabilities], ", "), "]"]

    def _outlier(self, nearest: Value) -> Parts:
        """Interpolate the share of the training rows that are nearer between the card's quantiles (as numpy.interp)."""
        distance = Value([nearest, "::DOUBLE"], DOUBLE)
        outlier = self.model.card.outlier
        quantiles = [float(value) for value in outlier.quantiles] if outlier else []
        last = len(quantiles) - 1
        below = Value(_count(distance, quantiles, 1, last), INTEGER)
        low, high = (
            Value([listed([f"{q!r}::DOUBLE" for q in part]), "[", below, "]"], DOUBLE)
            for part in (quantiles[:-1], quantiles[1:])
        )
        ends: Parts = ["CASE WHEN ", self.strange, " OR ", distance, f" >= {quantiles[-1]!r} THEN 1.0"]
        ends += [" WHEN ", distance, f" < {quantiles[0]!r} THEN 0.0"]
        between: Parts = [
            " ELSE (",
            below,
            " - 1 + (",
            distance,
            " - ",
            low,
            ") / (",
            high,
            " - ",
            low,
            f")) / {last} END",
        ]
        return ends + between


def _count(value: Value, quantiles: Sequence[float], low: int, high: int) -> Parts:
    """Count the quantiles that are not above the value: between `low` and `high`."""
    if low == high:
        return [str(low)]
    middle = (low + high) // 2
    below = _count(value, quantiles, low, middle)
    test: Parts = ["CASE WHEN ", value, f" < {quantiles[middle]!r} THEN "]
    return [*test, *below, " ELSE ", *_count(value, quantiles, middle + 1, high), " END"]


def _fed(model: Model, found: graph.Graph, columns: list[Value]) -> dict[str, list[Value]]:
    """Give the graph its inputs: one for all columns, or one for each (see `binding.py`)."""
    if model.card.missing is not None:
        fill = constant(model.card.missing, FLOAT)
        columns = [Value(["coalesce(", column, ", ", fill, ")"]) for column in columns]
    name = binding.INPUT if model.card.input is None else model.card.input
    if len(found.inputs) == 1 and (len(columns) > 1 or found.inputs[0] == name):
        return {found.inputs[0]: columns}
    given = model.card.inputs
    names = [given.get(column, column) for column in (*model.bands, *model.extra)]
    if sorted(names) != sorted(found.inputs):
        raise ModelError(f"It takes {', '.join(found.inputs)}, and its card says {', '.join(names)}.")
    return {name: [column] for name, column in zip(names, columns, strict=True)}


def _there(name: str, number: str) -> str:
    """Test whether a number is there; NaN, which is above all others, is not."""
    return f"abs({number}) <= {POLE}" if name == "dec" else f"isfinite({number})"


def _item(texts: Sequence[str], place: Value) -> Parts:
    return ["(", listed([literal(text) for text in texts]), ")[", place, " + 1]"]


def listed(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"

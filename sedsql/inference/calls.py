"""Tell the translator what the functions take, and what several of them have in common."""

from dataclasses import replace

from sqlglot import exp

from sedsql.adql.tree.nodes import RawSQL
from sedsql.adql.tree.value_types import ValueType
from sedsql.catalogue.classified import LABEL
from sedsql.inference.answering import Answering
from sedsql.inference.argument_checks import nodes, wrong_label, wrong_level, wrong_share
from sedsql.inference.macros import ERROR_COLUMNS, GIVEN
from sedsql.inference.necessary_conditions import Bounds
from sedsql.inference.row_function import FromAnswer, RowFunction, database_call, whole_answer
from sedsql.photometry import classes
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF
from sedsql.photometry.sed import STAGES


def _field(struct: exp.Expr, *names: str) -> exp.Expr:
    for name in names:
        struct = exp.Dot(this=struct, expression=exp.Identifier(this=name))
    return struct


def _asked(from_answer: FromAnswer | None, arguments: int = 0, columns=COLUMNS, **rest) -> RowFunction:
    """Make a function of a row, perhaps what comes with it, the function's own arguments, and perhaps a model."""
    last = (0, *(len(given) + 1 for given in GIVEN.values()))
    arity = tuple(width + arguments + more for width in (1, len(columns)) for more in last)
    return RowFunction(arity, columns, from_answer=from_answer, arguments=arguments, **rest)


def _of_probabilities(name: str) -> FromAnswer:
    """Apply the function `name` to the probabilities of an answer."""
    return lambda answer, own, model: database_call(name, _field(answer, "probabilities"), own[0], model)


def _probability(answer: exp.Expr, own: list[exp.Expr], model: exp.Expr) -> exp.Expr:
    place = database_call("sed_place", own[0], model)
    return exp.Bracket(this=_field(answer, "probabilities"), expressions=[place], offset=1)


def _of_prediction(name: str) -> FromAnswer:
    """Take a field of the prediction."""
    return lambda answer, own, model: _field(answer, "prediction", name)


FUNCTIONS: dict[str, RowFunction] = {
    "sed_class": _asked(
        _of_prediction("class"), answer=LABEL, gives=lambda model: model.classes, value_type=ValueType.STRING
    ),
    "sed_proba": _asked(_probability, 1, check=wrong_label, value_type=ValueType.REAL, is_share=True),
    "sed_probability": _asked(_of_prediction("probability"), value_type=ValueType.REAL, is_share=True),
    "sed_outlier": _asked(_of_prediction("outlier"), answer="outlier", value_type=ValueType.REAL, is_share=True),
    "sed_predict": _asked(lambda answer, own, model: _field(answer, "prediction"), value_type=ValueType.RECORD),
    "sed_node": _asked(
        _of_probabilities("sed_node_of"),
        1,
        gives_node=True,
        answer="class",
        gives=nodes,
        check=wrong_share,
        value_type=ValueType.STRING,
    ),
    "sed_set": _asked(_of_probabilities("sed_set_of"), 1, check=wrong_level, value_type=ValueType.LIST),
    "sed_explain": _asked(None, value_type=ValueType.LIST),
    "sed_predict_errors": _asked(None, columns=(*COLUMNS, *ERROR_COLUMNS), value_type=ValueType.RECORD),
    "sed_points": RowFunction((1, 10), value_type=ValueType.LIST),
    "sed_alpha": RowFunction((1, 10), COLUMNS[5:], value_type=ValueType.REAL),
    "sed_stage": RowFunction(
        (1, 10), COLUMNS[5:], labels=tuple(name for _, name in STAGES), value_type=ValueType.STRING
    ),
}
"""The functions that `register` makes callable."""

_HALF = RawSQL(this=str(HALF))


def _column(from_answer: FromAnswer, **rest) -> RowFunction:
    """Make the function that gives a column of `sed.classified`."""
    alone = rest.pop("alone", lambda parts: from_answer(whole_answer(parts), parts.own, parts.model))
    return _asked(from_answer, alone=alone, **rest)


def _of_branch(name: str) -> FromAnswer:
    """Take a field of the node that the class is."""

    def field_of(answer: exp.Expr, own: list[exp.Expr], model: exp.Expr) -> exp.Expr:
        return _field(database_call("sed_branch_of", _field(answer, "probabilities"), _HALF, model), name)

    return field_of


CLASSIFIED = {
    "_class": _column(
        _of_branch("node"),
        alone=lambda parts: database_call("sed_node", *parts.row, *parts.extra, _HALF, parts.model),
        gives_node=True,
        answer="class",
        gives=nodes,
        value_type=ValueType.STRING,
    ),
    "_class_probability": _column(
        _of_branch("probability"), answer="class_probability", is_share=True, value_type=ValueType.REAL
    ),
    "_class_path": _column(
        _of_branch("path"),
        answer="class_path",
        gives=lambda model: [classes.written_path(node, model.card.parents) for node in nodes(model)],
        value_type=ValueType.STRING,
    ),
    "_outlier": _column(_of_prediction("outlier"), answer="outlier", is_share=True, value_type=ValueType.REAL),
    "_class_model": _asked(None, names_model=True, value_type=ValueType.STRING),
}
"""Those that give the columns of `sed.classified`, and cannot be called by these names."""

_BOUNDED = ("sed_class", "sed_proba", "sed_node", "_class")


def functions(bounds: Bounds, answering: Answering | None = None) -> dict[str, RowFunction]:
    """Give all functions the bounds of a connection's models, and the model that answers."""
    answering = answering or Answering.of(bounds.models, bounds.default)
    found = {**FUNCTIONS, **CLASSIFIED}
    found |= {name: replace(found[name], bounds=bounds) for name in _BOUNDED}
    of_models = (name for name in found if name not in ("sed_points", "sed_alpha", "sed_stage"))
    return found | {name: replace(found[name], answering=answering) for name in of_models}

"""Write the functions of models as macros of plain SQL, for any DuckDB without Python and without an extension."""

import re
from collections.abc import Callable, Sequence

from sedsql.inference.answers import ANSWER, BRANCH
from sedsql.inference.card import EXTRA
from sedsql.inference.macros import GIVEN, create, macros
from sedsql.inference.model import Model
from sedsql.inference.sql_engine.answers import Answer, listed
from sedsql.photometry import classes
from sedsql.photometry.bands import COLUMNS
from sedsql.sql_text import literal

_NOT_HERE = ("sed_explain", "sed_predict_errors")
"""They would ask a model a thousand times a source, and sixteen times."""


_RETURNS = {"class": "VARCHAR", "probabilities": "DOUBLE[]", "answer": ANSWER}
"""What is asked of a model, and the type of the answer."""


def script(models: dict[str, Model], default: str, *, temporary: bool) -> str:
    """Write the macros of all functions of the models.

    models : by name; a query that names one of several takes the time to read all of them
    default : the model that answers when a query names none
    temporary : macros of a connection alone, or of its current database

    Raises ModelError where a model's graph has what plain SQL cannot do.
    """
    # DuckDB reads all that a macro calls when it makes it: with these in its place for a while, that is little.
    stubs = [
        f"{create(temporary)} {_name(model, what)}({', '.join(_parameters(model))}) AS NULL::{kind};\n"
        for model in models.values()
        for what, kind in _RETURNS.items()
    ]
    made = [_of_model(model, temporary) for model in models.values()]
    return "".join([*stubs, macros(_Functions(models, default), temporary=temporary), *made])


def _of_model(model: Model, temporary: bool) -> str:
    """Write the macros of the model's own inputs, which all others call."""
    parameters = _parameters(model)
    answer = Answer.of(model, parameters)
    queries = {"class": answer.label(), "probabilities": answer.probabilities_list(), "answer": answer.answer()}
    taken = ", ".join(parameters)
    made = [f"{create(temporary)} {_name(model, what)}({taken}) AS ({queries[what]});\n" for what in _RETURNS]
    return "".join(made)


def _parameters(model: Model) -> list[str]:
    return [f"b{k}" for k in range(len(model.bands) + len(model.extra))]


def _name(model: Model, what: str) -> str:
    """Name a model's macro: a file's and a connection's may be of different models of the same name."""
    return f"_sed_{re.sub('[^a-z0-9]+', '_', model.name.lower())}_{model.digest[:8]}_{what}"


class _Functions:
    """From the name of a function and the SQL of its arguments, the model's name last, to its SQL (`macros.Called`)."""

    def __init__(self, models: dict[str, Model], default: str):
        self._models = models
        self._default = default

    def __call__(self, name: str, arguments: list[str]) -> str:
        more = next((more for more in GIVEN if more and name.endswith(more)), "")
        function = name.removeprefix("_").removesuffix(more)
        *given, asked = arguments
        if function in _NOT_HERE:
            return f"error('{function} is not there in plain SQL; sedsql in Python has it.')"
        if function == "sed_place":
            return self._by_model(asked, lambda model, _: _place(model, given[0]))
        if of_list := _OF_LISTS.get(function):
            return self._by_model(asked, lambda model, _: of_list(model, *given))
        width = len(COLUMNS) + len(GIVEN[more])
        row, own = given[:width], given[width:]
        return self._by_model(asked, lambda model, test: _of_row(function, model, _inputs(model, row, test), own))

    def _by_model(self, asked: str, of_model: Callable[[Model, str | None], str]) -> str:
        """Write SQL for the model that is asked.

        of_model : from a model, and from SQL of whether it is the one that is asked, to its SQL; all are computed
        """
        if asked == "NULL":
            return of_model(self._models[self._default], None)
        name = f"coalesce({asked}, {literal(self._default)})"
        cases = []
        for model in self._models.values():
            test = f"{name} = {literal(model.name)}"
            cases.append(f"WHEN {test} THEN {of_model(model, test if len(self._models) > 1 else None)}")
        before, after = literal("No model '"), literal(f"'; there are {', '.join(self._models)}.")
        return f"CASE {' '.join(cases)} ELSE error({before} || {name} || {after}) END"


def _inputs(model: Model, row: Sequence[str], test: str | None) -> list[str]:
    """Choose the inputs of a model from a row; all NULL where another model is asked, so that it costs nothing."""
    every = dict(zip((*COLUMNS, *EXTRA), row, strict=False))
    taken = [every.get(column, "NULL::FLOAT") for column in (*model.bands, *model.extra)]
    return [f"CASE WHEN {test} THEN {value} END" for value in taken] if test else taken


def _of_row(function: str, model: Model, inputs: list[str], own: list[str]) -> str:
    def of(what: str) -> str:
        return f"{_name(model, what)}({', '.join(inputs)})"

    match function:
        case "sed_class":
            return of("class")
        case "sed_proba":
            return f"{of('probabilities')}[{_place(model, own[0])}]"
        case "sed_predict":
            return f"struct_extract({of('answer')}, 'prediction')"
        case "sed_node":
            return _node(model, of("probabilities"), own[0])
        case "sed_set":
            return _set(model, of("probabilities"), own[0])
    return of("answer")


def _place(model: Model, label: str) -> str:
    """Find a label's place, from 1."""
    cases = " ".join(f"WHEN {literal(known)} THEN {place}" for place, known in enumerate(model.classes, 1))
    before, after = f"Model {model.name} has no class '", f"'; it has {', '.join(model.classes)}."
    unknown = f"error({literal(before)} || {label} || {literal(after)})"
    return f"CASE WHEN {label} IS NULL THEN NULL ELSE CASE {label} {cases} ELSE {unknown} END END"


def _node(model: Model, probabilities: str, least: str) -> str:
    """Find the deepest node that has the probability: see `answers.deepest_nodes`."""
    return _deepest(model, probabilities, least, lambda node, _: literal(node))


def _branch(model: Model, probabilities: str, least: str) -> str:
    """Give that node, its probability and its path: see `answers.branches`."""
    parents = model.card.parents

    def struct(node: str, share: str) -> str:
        path = literal(classes.written_path(node, parents))
        return f"{{'node': {literal(node)}, 'probability': least({share}, 1.0::DOUBLE), 'path': {path}}}::{BRANCH}"

    return _deepest(model, probabilities, least, struct)


def _deepest(model: Model, probabilities: str, least: str, written: Callable[[str, str], str]) -> str:
    """Write SQL that finds the deepest node and gives what `written` makes of its name and probability."""
    names, members = classes.nodes(model.classes, model.card.parents)
    cases = []
    for node, row in zip(names[::-1], members[::-1], strict=True):
        places = [str(place + 1) for place in row.nonzero()[0]]
        share = " + ".join(f"p[{place}]" for place in places)
        most = f"list_position(p, list_max(p)) IN ({', '.join(places)})"
        reached = f"WHEN {share} >= {least} AND ({share} > 0.5 OR {most}) THEN"
        cases.append(f"{'ELSE' if node == names[0] else reached} {written(node, share)}")
    wrong = literal("sed_node takes a probability from 0.5 to 1, not {:g}: with less, two nodes could have it.")
    return _of_list(probabilities, least, f"{least} >= 0.5 AND {least} <= 1", wrong, cases)


def _set(model: Model, probabilities: str, level: str) -> str:
    """Find the classes that cannot be excluded: see `answers.sets`."""
    conformal = model.card.conformal
    if not conformal:
        none = f"Model {model.name} has no sets: its card lacks 'conformal'."
        return f"error({literal(none)})"
    levels = conformal.levels
    members = []
    for place, label in enumerate(model.classes, 1):
        limits = zip(levels, conformal.thresholds[label], strict=True)
        threshold = " ".join(f"WHEN {level} <= {known!r} THEN {limit!r}::DOUBLE" for known, limit in limits)
        members.append(
            f"{{'p': p[{place}], 'order': {-place}, 'label': {literal(label)}, "
            f"'member': p[{place}] >= CASE {threshold} END}}"
        )
    ordered = f"list_sort({listed(members)}, 'DESC')"
    chosen = f"list_transform(list_filter({ordered}, lambda e: e.member), lambda e: e.label)"
    wrong = literal(f"sed_set takes a level above 0 and at most {levels[-1]:g}, not {{:g}}.")
    return _of_list(probabilities, level, f"{level} > 0 AND {level} <= {levels[-1]!r}", wrong, [f"ELSE {chosen}"])


def _of_list(probabilities: str, number: str, right: str, wrong: str, cases: list[str]) -> str:
    """Write SQL that computes the probabilities, which are p, once."""
    return (
        f"list_transform([{probabilities}], lambda p: CASE WHEN p[1] IS NULL OR {number} IS NULL THEN NULL "
        f"WHEN NOT ({right}) THEN error(format({wrong}, {number}::DOUBLE)) {' '.join(cases)} END)[1]"
    )


_OF_LISTS = {"sed_node_of": _node, "sed_branch_of": _branch, "sed_set_of": _set}

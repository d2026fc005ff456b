"""Check what a call of a model's function is given: its class, its probability, its level."""

from sqlglot import exp

from sedsql.adql.geometry.numbers import constant
from sedsql.adql.tree import value_types
from sedsql.adql.tree.model_function import Mistake
from sedsql.adql.tree.nodes import text_of
from sedsql.adql.tree.value_types import ValueType
from sedsql.inference.model import Model
from sedsql.photometry import classes


def nodes(model: Model) -> list[str]:
    """List all nodes of a model's tree of classes, the root first."""
    found = [classes.ROOT, *(node for label in model.classes for node in classes.path(label, model.card.parents))]
    return list(dict.fromkeys(found))


def is_other(node: exp.Expr, family: ValueType) -> bool:
    """Tell whether a value is known to be of another sort."""
    return value_types.family(value_types.of(node)) not in (None, family)


def wrong_label(label: exp.Expr, model: Model) -> Mistake | None:
    if is_other(label, ValueType.STRING):
        return Mistake(label, "sed_proba takes a class, which is a text")
    text = text_of(label)
    if text is None or text in model.classes:
        return None
    return Mistake(label, f"Model {model.name} has no class '{text}'; it has {', '.join(model.classes)}", model.classes)


def wrong_share(share: exp.Expr, model: Model) -> Mistake | None:
    if is_other(share, ValueType.NUMBER):
        return Mistake(share, "sed_node takes a probability, which is a number")
    number = constant(share)
    if number is None or 0.5 <= number <= 1:
        return None
    return Mistake(
        share, f"sed_node takes a probability from 0.5 to 1, not {number:g}: with less, two nodes could have it"
    )


def wrong_level(level: exp.Expr, model: Model) -> Mistake | None:
    conformal, number = model.card.conformal, constant(level)
    if not conformal:
        return Mistake(level, f"Model {model.name} has no sets: its card lacks 'conformal'")
    if is_other(level, ValueType.NUMBER):
        return Mistake(level, "sed_set takes a level, which is a number")
    most = conformal.levels[-1]
    if number is None or 0 < number <= most:
        return None
    return Mistake(level, f"sed_set takes a level above 0 and at most {most:g}, not {number:g}")

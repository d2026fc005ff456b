"""List what a service's ADQL has beyond the standard's least: features of the language (TAPRegExt 1.0, Section 2.3).

Clients that check queries refuse a function that is not declared once one of its kind is, so all are.
"""

from collections.abc import Iterator
from string import ascii_lowercase
from typing import NamedTuple

from sedsql.adql.functions.ivoa import ALIASES, GAIA, IVOA, USER_DEFINED
from sedsql.adql.tree.signature import Function
from sedsql.adql.tree.value_types import ValueType
from sedsql.inference.calls import FUNCTIONS
from sedsql.inference.macros import GIVEN
from sedsql.inference.row_function import RowFunction


class Feature(NamedTuple):
    """A form, such as `f(a DOUBLE, b VARCHAR) -> BIGINT`, and what it means."""

    form: str
    description: str


_TYPES = {
    **{"n": "DOUBLE", "i": "BIGINT", "s": "VARCHAR", "t": "TIMESTAMP", "b": "CONDITION", "a": "ANY", "l": "ARRAY"},
    **{"g": "REGION", "p": "POINT"},
}
"""The type of an argument by its letter in `Function.forms`; words that TAP lacks are taken for unknown types."""
_YIELDS = {
    **{"i": "BIGINT", "r": "DOUBLE", "n": "DOUBLE", "s": "VARCHAR", "t": "TIMESTAMP", "b": "BOOLEAN", "P": "POINT"},
    **dict.fromkeys("CBYG", "REGION"),
}
_MOST_OF_ANY = 8
"""Arguments up to which a function that takes any number is declared."""

LANGUAGE_FEATURES: dict[str, tuple[str, ...]] = {
    "adqlgeo": (
        *("AREA", "BOX", "CENTROID", "CIRCLE", "CONTAINS", "COORD1", "COORD2", "COORDSYS", "DISTANCE"),
        *("INTERSECTS", "POINT", "POLYGON", "REGION"),
    ),
    "adql-string": ("LOWER", "UPPER", "ILIKE"),
    "adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "adql-common-table": ("WITH",),
    "adql-type": ("CAST",),
    "adql-unit": ("IN_UNIT",),
    "adql-offset": ("OFFSET",),
}
"""Optional parts of ADQL 2.1 (Section 5) by the end of their type.

COALESCE, of `adql-conditional`, is not declared: clients from before ADQL 2.1 was final take that type for an error."""

# What each function of a model gives, and its type: VARCHAR for text and for records, which are written as JSON.
_OF_MODELS = {
    "sed_class": ("The most probable class of the source", "VARCHAR"),
    "sed_proba": ("Probability of a class", "DOUBLE"),
    "sed_probability": ("Probability of the class that sed_class gives", "DOUBLE"),
    "sed_outlier": ("How unusual the source is, from 0 to 1", "DOUBLE"),
    "sed_predict": ("Class, probability, entropy, outlier, number of bands, model and path", "ANY"),
    "sed_node": ("The deepest node of the tree of classes that has this probability", "VARCHAR"),
    "sed_set": ("The classes that cannot be excluded at this level", "ARRAY"),
    "sed_explain": ("What each band adds to the probability of the class", "ANY"),
    "sed_predict_errors": ("As sed_predict, averaged over the errors of the magnitudes", "ANY"),
    "sed_points": ("The points of the SED as fluxes", "ANY"),
    "sed_alpha": ("Slope of the infrared SED", "DOUBLE"),
    "sed_stage": ("Stage of a young star by that slope", "VARCHAR"),
}
_BANDS = ("g", "bp", "rp", "j", "h", "ks", "w1", "w2", "w3", "w4")
"""The magnitudes as arguments, whose names are letters and digits alone: TOPCAT's parser takes no underscore there."""
_OWN_ARGUMENTS = {"sed_proba": "label VARCHAR", "sed_node": "least DOUBLE", "sed_set": "level DOUBLE"}


def user_defined() -> Iterator[Feature]:
    """Give each function that is not ADQL's own, one feature an arity."""
    for name, function in sorted(USER_DEFINED.items()):
        for form in _forms(function):
            yield Feature(_signature(name.lower(), form, function), _about(name))
    for name, (about, yields) in _OF_MODELS.items():
        for arguments in _arguments(name, FUNCTIONS[name]):
            text = f"{about}. With a row that has these columns: {name}(s{_after_row(name)})"
            yield Feature(f"{name}({', '.join(arguments)}) -> {yields}", text)


def _after_row(name: str) -> str:
    return "".join(f", {argument.split()[0]}" for argument in [_OWN_ARGUMENTS.get(name, "")] if argument)


def _forms(function: Function) -> list[str]:
    """Argument lists of a function, one for each number of arguments."""
    forms = list(function.forms)
    if function.more:
        forms += [form for size in range(1, _MOST_OF_ANY + 1) for form in function.more(size)]
    return list({len(form): form for form in reversed(forms)}.values())[::-1]


def _signature(name: str, form: str, function: Function) -> str:
    arguments = ", ".join(f"{ascii_lowercase[k]} {_TYPES[letter]}" for k, letter in enumerate(form))
    yields = _TYPES[form[0]] if function.yields == ValueType.OF_ARGUMENT.value else _YIELDS.get(function.yields or "")
    return f"{name}({arguments}) -> {yields or 'ANY'}"


def _about(name: str) -> str:
    if name in ALIASES:
        return f"The same as {ALIASES[name].lower()}"
    if name in IVOA:
        return "Of the IVOA's catalogue of user-defined functions"
    return "Of the Gaia Archive" if name in GAIA else "Of other TAP services"


def _arguments(name: str, function: RowFunction) -> Iterator[list[str]]:
    """Argument lists with magnitudes one by one: alone, with a model, and with what the model takes besides them."""
    asks_model = max(function.arity) > len(_BANDS)
    row = [f"{band} REAL" for band in _BANDS]
    if len(function.columns) > len(_BANDS):
        row += [f"{band}error REAL" for band in _BANDS]
    own = [_OWN_ARGUMENTS[name]] if name in _OWN_ARGUMENTS else []
    yield [*row, *own]
    for given in GIVEN.values() if asks_model else ():
        yield [*row, *(f"{column.replace('_', '')} DOUBLE" for column in given), *own, "model VARCHAR"]

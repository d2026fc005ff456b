"""The macros through which SQL calls the functions of `functions.py` and of the C extension.

Functions take neither a row nor a varying number of arguments; a macro with overloads does:
`sed_class(s)`, `sed_class(s, model)`, `sed_class(s, parallax, parallax_error, model)`,
`sed_class(s, parallax, parallax_error, ra, dec, model)`, and each of them with ten magnitudes in the place of `s`, the
alias of any table or subquery with the ten columns. Overloads differ by number alone. Numbers come as FLOAT, because
models compare float32 values; a NULL model is the connection's default.
"""

from collections.abc import Callable, Sequence

from ..bands import BANDS, COLUMNS
from .card import EXTRA, PARALLAX

ERROR_COLUMNS = tuple(band.error_column or f"{band.column}_error" for band in BANDS)
"""The errors of the magnitudes, under their names in `sed.photometry`."""

GIVEN: dict[str, tuple[str, ...]] = {"": (), "_parallax": PARALLAX, "_position": EXTRA}
"""How the names of functions end that take so much after the row."""


def parameters(names: Sequence[str]) -> list[str]:
    """Names of a macro's parameters: DEC is a type, and before DuckDB 2.0 no name for one."""
    return [f'"{name}"' if name == "dec" else name for name in names]


def as_float(number: str) -> str:
    """SQL of a number as FLOAT; a DOUBLE beyond it is infinite, and so as missing as an infinity: NULL.

    Of a FLOAT nothing is left to compute. `+` is for numbers alone: a text that is none would be NULL as well.
    """
    return f"TRY_CAST(+{number} AS FLOAT)"


Called = Callable[[str, list[str]], str]
"""From the name of a function and the SQL of its arguments, the model's name last, to the SQL that calls it."""


def macros(called: Called) -> str:
    """The SQL that makes all of them, as temporary macros."""
    parts = [
        _macro(called, "sed_class"),
        _macro(called, "sed_proba", ["label"]),
        _macro(called, "sed_predict"),
        _macro(called, "sed_node", ["least_probability"]),
        _macro(called, "sed_set", ["level"]),
        _macro(called, "sed_explain"),
        _macro(called, "sed_predict_errors", columns=(*COLUMNS, *ERROR_COLUMNS)),
        _macro(called, "sed_answer", models="given"),
    ]
    for name, taken in (
        ("sed_place", ["label", "model"]),
        ("sed_node_of", ["probabilities", "least_probability", "model"]),
        ("sed_branch_of", ["probabilities", "least_probability", "model"]),
        ("sed_set_of", ["probabilities", "level", "model"]),
    ):
        parts.append(f"CREATE OR REPLACE TEMP MACRO {name}({', '.join(taken)}) AS {called(f'_{name}', taken)};\n")
    return "\n".join(parts)


def lead_macro(called: Called) -> str:
    """The SQL that makes `sed_lead(s, label, rival, model)`, which the C extension alone has."""
    return _macro(called, "sed_lead", ["label", "rival"], models="given")


def of_extension(key: str) -> Called:
    """Calls of the C extension's functions, which are told last the key of the set of models."""
    return lambda name, arguments: f"{name}({', '.join(arguments)}, '{key}')"


def _macro(
    called: Called, name: str, arguments: Sequence[str] = (), columns: Sequence[str] = COLUMNS, *, models: str = "any"
) -> str:
    """SQL of the macro `name`, which calls `_name`, `_name_parallax` or `_name_position`.

    arguments : between the row and the model
    columns : of the row
    models : 'any': the model may be left out; 'given': it may not
    """
    single = [f"x{k}" for k in range(len(columns))]
    overloads = []
    for source, row in ((["s"], [f"s.{column}" for column in columns]), (single, single)):
        for more, before, model in (
            ("", (), None),
            *((more, parameters(given), "model") for more, given in GIVEN.items()),
        ):
            if models == "given" and model is None:
                continue
            taken = [*source, *before, *arguments, *([model] if model else [])]
            passed = [*map(as_float, (*row, *before)), *arguments, model or "NULL"]
            overloads.append(f"    ({', '.join(taken)}) AS {called(f'_{name}{more}', passed)}")
    return f"CREATE OR REPLACE TEMP MACRO {name}\n" + ",\n".join(overloads) + ";\n"

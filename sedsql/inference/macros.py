"""Write the macros through which SQL calls the functions of each engine.

Functions take neither a row nor a varying number of arguments; a macro with overloads does:
`sed_class(s)`, `sed_class(s, model)`, `sed_class(s, parallax, parallax_error, model)`,
`sed_class(s, parallax, parallax_error, ra, dec, model)`, and each of them with ten magnitudes in the place of `s`, the
alias of any table or subquery with the ten columns. Overloads differ by number alone, and those of all other numbers
say what the function takes. Numbers come as FLOAT, because models compare float32 values; a NULL model is the
connection's default.
"""

from collections.abc import Callable, Sequence
from string import Template

from sedsql.files.resources import folder
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.usage import other_numbers, usage
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.sql_text import literal

ERROR_COLUMNS = tuple(band.error_column or f"{band.column}_error" for band in BANDS)
"""The errors of the magnitudes, under their names in `sed.photometry`."""

GIVEN: dict[str, tuple[str, ...]] = {"": (), "_parallax": PARALLAX, "_position": EXTRA}
"""How the names of functions end that take so much after the row."""


def parameters(names: Sequence[str]) -> list[str]:
    """Name a macro's parameters: DEC is a type, and before DuckDB 2.0 no name for one."""
    return [f'"{name}"' if name == "dec" else name for name in names]


def as_float(number: str) -> str:
    """Write a number as FLOAT; a DOUBLE beyond it is infinite, and so as missing as an infinity: NULL.

    Of a FLOAT nothing is left to compute. `+` is for numbers alone: a text that is none would be NULL as well.
    """
    return f"TRY_CAST(+{number} AS FLOAT)"


Called = Callable[[str, list[str]], str]
"""From the name of a function and the SQL of its arguments, the model's name last, to the SQL that calls it."""


def create(temporary: bool) -> str:
    """Begin a statement that makes a macro, for this connection alone or in its current database."""
    return "CREATE OR REPLACE TEMP MACRO" if temporary else "CREATE OR REPLACE MACRO"


def photometry_macros(*, temporary: bool) -> str:
    """Write the macros that need no model: `sql/macros.sql`."""
    text = (folder("sql") / "macros.sql").read_text(encoding="utf-8")
    return Template(text).substitute(create=create(temporary))


def macros(called: Called, *, temporary: bool) -> str:
    """Write the macros of all functions of models."""
    parts = [
        _macro(called, temporary, "sed_class"),
        _macro(called, temporary, "sed_proba", ["label"]),
        _macro(called, temporary, "sed_predict"),
        _macro(called, temporary, "sed_probability", field="probability"),
        _macro(called, temporary, "sed_outlier", field="outlier"),
        _macro(called, temporary, "sed_node", ["least_probability"]),
        _macro(called, temporary, "sed_branch", ["least_probability"], models="given"),
        _macro(called, temporary, "sed_set", ["level"]),
        _macro(called, temporary, "sed_explain"),
        _macro(called, temporary, "sed_predict_errors", columns=(*COLUMNS, *ERROR_COLUMNS)),
        _macro(called, temporary, "sed_answer", models="given"),
    ]
    for name, taken in (
        ("sed_place", ["label", "model"]),
        ("sed_node_of", ["probabilities", "least_probability", "model"]),
        ("sed_branch_of", ["probabilities", "least_probability", "model"]),
        ("sed_set_of", ["probabilities", "level", "model"]),
    ):
        parts.append(f"{create(temporary)} {name}({', '.join(taken)}) AS {called(f'_{name}', taken)};\n")
    return "\n".join(parts)


def extension_macros(called: Called, *, temporary: bool) -> str:
    """Write the macros of what the C extension alone has: `sed_log_odds` and `sed_classified`, with their models."""
    return "\n".join(
        _macro(called, temporary, name, arguments, models="given")
        for name, arguments in (("sed_log_odds", ["label", "reference"]), ("sed_classified", []))
    )


def of_extension(key: str) -> Called:
    """Call the C extension's functions, whose last argument is the key of the set of models."""
    return lambda name, arguments: f"{name}({', '.join(arguments)}, '{key}')"


def _refusal(name: str, number: int) -> str:
    """Write the overload for a number of arguments that a function does not take."""
    taken = ", ".join(f"a{k}" for k in range(number))
    return f"    ({taken}) AS error({literal(usage(name, number))})"


def _macro(
    called: Called,
    temporary: bool,
    name: str,
    arguments: Sequence[str] = (),
    columns: Sequence[str] = COLUMNS,
    *,
    models: str = "any",
    field: str | None = None,
) -> str:
    """Write the macro `name`, which calls `_name`, `_name_parallax` or `_name_position`.

    arguments : between the row and the model
    columns : of the row
    models : 'any': the model may be left out; 'given': it may not
    field : of the struct that `sed_predict` gives, for a macro that gives that alone
    """
    single = [f"x{k}" for k in range(len(columns))]
    overloads, numbers = [], list[int]()
    for source, row in ((["s"], [f"s.{column}" for column in columns]), (single, single)):
        for more, before, model in (
            ("", (), None),
            *((more, parameters(given), "model") for more, given in GIVEN.items()),
        ):
            if models == "given" and model is None:
                continue
            taken = [*source, *before, *arguments, *([model] if model else [])]
            passed = [*map(as_float, (*row, *before)), *arguments, model or "NULL"]
            call = called(f"_{'sed_predict' if field else name}{more}", passed)
            overloads.append(f"    ({', '.join(taken)}) AS {f'struct_extract({call}, {field!r})' if field else call}")
            numbers.append(len(taken))
    if models == "any":  # what queries name; the others are called by what is generated
        overloads += [_refusal(name, number) for number in other_numbers(numbers)]
    return f"{create(temporary)} {name}\n" + ",\n".join(overloads) + ";\n"

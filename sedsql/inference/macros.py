"""The macros through which SQL calls the functions of `functions.py`.

DuckDB's Python functions take neither a row nor a varying number of arguments; a macro with overloads does:
`sed_class(s)`, `sed_class(s, model)`, `sed_class(s, parallax, parallax_error, model)`, and each of them with ten
magnitudes in the place of `s`, the alias of any table or subquery with the ten columns. Overloads differ by number
alone. FLOAT, because models compare float32 values; a NULL model is the connection's default.
"""

from collections.abc import Sequence

from ..bands import BANDS, COLUMNS

ERROR_COLUMNS = tuple(band.error_column or f"{band.column}_error" for band in BANDS)
"""The errors of the magnitudes, under their names in `sed.photometry`."""


def macro(name: str, arguments: Sequence[str] = (), columns: Sequence[str] = COLUMNS, *, models: str = "any") -> str:
    """SQL of the macro `name`, which calls `_name` or, with a parallax, `_name_parallax`.

    arguments : between the row and the model
    columns : of the row
    models : 'any': the model may be left out; 'given': it may not
    """
    single = [f"x{k}" for k in range(len(columns))]
    overloads = []
    for parameters, row in ((["s"], [f"s.{column}" for column in columns]), (single, single)):
        for before, model in (([], None), ([], "model"), (["parallax", "parallax_error"], "model")):
            if models == "given" and model is None:
                continue
            taken = [*parameters, *before, *arguments, *([model] if model else [])]
            passed = [*(f"{value}::FLOAT" for value in (*row, *before)), *arguments, model or "NULL"]
            function = f"_{name}_parallax" if before else f"_{name}"
            overloads.append(f"    ({', '.join(taken)}) AS {function}({', '.join(passed)})")
    return f"CREATE OR REPLACE TEMP MACRO {name}\n" + ",\n".join(overloads) + ";\n"


MACROS = "\n".join(
    [
        macro("sed_class"),
        macro("sed_proba", ["label"]),
        macro("sed_predict"),
        macro("sed_node", ["least_probability"]),
        macro("sed_set", ["level"]),
        macro("sed_explain"),
        macro("sed_predict_errors", columns=(*COLUMNS, *ERROR_COLUMNS)),
        macro("sed_answer", models="given"),
        *(
            f"CREATE OR REPLACE TEMP MACRO {name}({', '.join(taken)}) AS _{name}({', '.join(taken)});\n"
            for name, taken in (
                ("sed_place", ("label", "model")),
                ("sed_node_of", ("probabilities", "least_probability", "model")),
                ("sed_set_of", ("probabilities", "level", "model")),
            )
        ),
    ]
)

"""Say what the functions of models take, to who gives another number of arguments."""

from collections.abc import Iterable

from sedsql.photometry.bands import COLUMNS

_OWN = {"sed_proba": ", 'yso'", "sed_node": ", 0.5", "sed_set": ", 0.9"}
"""An example of what stands between row and model."""
_WITHOUT_MODEL = ("sed_points", "sed_alpha", "sed_stage")


def usage(name: str, given: int, row: str = "s") -> str:
    """Say what a function takes of whoever gave it so many arguments, in a sentence without a full stop.

    row : how a row is written
    """
    own = _OWN.get(name, "")
    forms = f"as {name}({row}{own})"
    if name not in _WITHOUT_MODEL:
        forms += f" or, with the name of a model, {name}({row}{own}, 'shape-2')"
    of_bands = f"the magnitudes of all ten bands ({', '.join(COLUMNS)})"
    if name == "sed_predict_errors":
        of_bands += " and then the errors of all ten"
    number = "no arguments are" if not given else "1 argument is" if given == 1 else f"{given} arguments are"
    return f"{name} takes a row, {forms}, or in the place of {row} {of_bands}; {number} given here"


def other_numbers(taken: Iterable[int]) -> list[int]:
    """List the numbers of arguments, up to the largest that a function takes and one more, that it does not take."""
    numbers = set(taken)
    return [number for number in range(max(numbers) + 2) if number not in numbers]

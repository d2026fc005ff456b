"""Give each class a colour, which colour-blind readers can distinguish, and a mark: in pictures and on the page."""

from collections.abc import Sequence

# Okabe & Ito 2008, "Color Universal Design", with three of Tol 2021, "Colour Schemes"; marks distinguish them too.
CLASSES = {
    "main_sequence": ("#56b4e9", "o"),
    "massive": ("#0072b2", "^"),
    "brown_dwarf": ("#332288", "v"),
    "giant": ("#e69f00", "o"),
    "supergiant": ("#d55e00", "^"),
    "agb_oxygen": ("#cc79a7", "s"),
    "agb_carbon": ("#882255", "D"),
    "wolf_rayet": ("#ddcc77", "P"),
    "yso": ("#009e73", "*"),
    "yso_discless": ("#44aa99", "h"),
    "white_dwarf": ("#000000", "X"),
    "agn": ("#999999", "p"),
}
"""The colour and the mark of each class of the shipped models."""
BRANCHES = {
    "star": ("#555555", "o"),
    "evolved": ("#555555", "^"),
    "young": ("#555555", "*"),
    "compact": ("#555555", "X"),
    "extragalactic": ("#555555", "p"),
    "source": ("#bbbbbb", "d"),
}
"""Of the branches of the tree of classes, for sources of no single class."""
_OTHERS = tuple(CLASSES.values())


def looks(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Choose a colour and a mark for each label, the same in all pictures for the classes of the shipped models."""
    known = {**CLASSES, **BRANCHES}
    others = [label for label in labels if label not in known]
    return {label: known.get(label) or _OTHERS[others.index(label) % len(_OTHERS)] for label in labels}

"""Define the tree of classes, whose branches are the answer when the exact class is unsure.

    source ─┬─ star ────────── main_sequence, massive, brown_dwarf
            ├─ evolved ─────── agb_oxygen, agb_carbon, supergiant, giant, wolf_rayet
            ├─ young ───────── yso, yso_discless
            ├─ compact ─────── white_dwarf
            └─ extragalactic ─ agn

A model's card gives the branch of each class; a class without one hangs from the root.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

ROOT = "source"

HALF = 0.5
"""The class of a source is the deepest node of the tree that is so probable; of these there is one path."""

PARENTS = {
    "main_sequence": "star",
    "massive": "star",
    "brown_dwarf": "star",
    "agb_carbon": "evolved",
    "agb_oxygen": "evolved",
    "supergiant": "evolved",
    "giant": "evolved",
    "wolf_rayet": "evolved",
    "yso": "young",
    "yso_discless": "young",
    "white_dwarf": "compact",
    "agn": "extragalactic",
}


MEANINGS = {
    "main_sequence": "dwarfs, as the Sun is one, and subgiants",
    "massive": "O and B stars",
    "brown_dwarf": "L, T and Y dwarfs",
    "agb_carbon": "carbon stars of the asymptotic giant branch",
    "agb_oxygen": "oxygen-rich stars of the asymptotic giant branch",
    "supergiant": "very luminous evolved stars, mostly red",
    "giant": "red giants",
    "wolf_rayet": "Wolf-Rayet stars",
    "yso": "young stars with a disc or an envelope",
    "yso_discless": "young stars without a disc",
    "white_dwarf": "white dwarfs",
    "agn": "active galactic nuclei",
}
"""What a class holds, in a few words (docs/models.md has more)."""


def path(label: str, parents: Mapping[str, str]) -> list[str]:
    """List the nodes from the one below the root to the class itself."""
    nodes = [label]
    while nodes[0] in parents:
        nodes.insert(0, parents[nodes[0]])
    return nodes


def written_path(node: str, parents: Mapping[str, str]) -> str:
    """Write the path of any node as text, such as evolved/agb_carbon; the path of the root is its name."""
    return "/".join(path(node, parents))


def nodes(classes: Sequence[str], parents: Mapping[str, str]) -> tuple[list[str], NDArray[np.bool_]]:
    """Return the names of all nodes, each branch before its classes, and which classes each holds: (nodes, classes)."""
    paths = {label: [ROOT, *path(label, parents)] for label in classes}
    depth = {node: k for nodes in paths.values() for k, node in enumerate(nodes)}
    names = sorted(depth, key=lambda node: depth[node])
    return names, np.array([[node in paths[label] for label in classes] for node in names])

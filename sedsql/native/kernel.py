"""Call the kernel: models in C on Arrow columns, without DuckDB and without Python's lock."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql import native

INTERFACE = 2
"""The functions that are called here; src/arrow/kernel.c has the number of those that the library has."""

WANT_CLASS, WANT_PROBABILITIES, WANT_DISTANCE, WITH_ERRORS, EVERY_ROW = 1, 2, 4, 8, 16
COLUMNS = 24
"""The bands, their errors, and what models may take besides: `input_columns` of src/model/evaluate.h."""

_LENGTH = 600  # of `failure`


class _Answers(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("n_bands", "place", "probabilities", "outlier", "node", "share")),
        ("least", ctypes.c_double),
    ]


class KernelError(Exception):
    """A sentence of the kernel's.

    for_good : whether it will always be so: only ONNX Runtime runs the model
    """

    def __init__(self, sentence: str, for_good: bool = False):
        super().__init__(sentence)
        self.for_good = for_good


class Answers(NamedTuple):
    """What a model says of n rows; what was not asked for is None.

    Attributes
    ----------
    n_bands : how many of the model's bands are there, shape (n,)
    place : of the most probable class among the model's, -1 where bands are too few, shape (n,)
    probabilities : of each class, shape (n, classes); NaN where bands are too few
    outlier : share of the training rows that are more usual, shape (n,); NaN where the model does not tell
    node : place of the deepest node of the tree of classes that has `least`, -1 where bands are too few, shape (n,)
    share : its probability, shape (n,)
    """

    n_bands: NDArray[np.int32]
    place: NDArray[np.int32]
    probabilities: NDArray[np.float32] | None
    outlier: NDArray[np.float64] | None
    node: NDArray[np.int32] | None
    share: NDArray[np.float64] | None


class Loaded:
    """A model that the kernel has loaded; any number of threads may ask it at once.

    folder, digest : of the model, and of its card; KernelError where they are not what was read, or only ONNX Runtime
        runs the model
    classes : how many it tells
    """

    def __init__(self, folder: Path, digest: str, classes: int):
        library = _library()
        if library is None:
            raise KernelError(why_not() or "", for_good=True)
        message, for_good = ctypes.create_string_buffer(_LENGTH), ctypes.c_bool()
        self._library, self._classes = library, classes
        self._model = library.sed_kernel_load(
            str(folder).encode(), digest.encode(), ctypes.byref(for_good), ctypes.byref(message)
        )
        if not self._model:
            raise KernelError(message.value.decode(errors="replace"), for_good.value)
        # At the end of the process threads may still be asking.
        weakref.finalize(self, library.sed_kernel_free, self._model).atexit = False

    def run(self, columns: Sequence[pa.Array | None], rows: int, wanted: int, least: float | None = None) -> Answers:
        """Ask the model of rows: COLUMNS columns of FLOAT or DOUBLE, None where one is not there.

        least : of the probability of the node, where one is asked for
        """
        probabilities = wanted & WANT_PROBABILITIES
        wanted |= WANT_PROBABILITIES if least is not None else 0
        there = [column for column in columns if column is not None]
        batch = pa.RecordBatch.from_arrays(there, names=[str(k) for k in range(len(there))])
        places, place = (ctypes.c_int32 * COLUMNS)(*[-1] * COLUMNS), 0
        for k, column in enumerate(columns):
            if column is not None:
                places[k], place = place, place + 1
        found = Answers(
            np.empty(rows, np.int32),
            np.empty(rows, np.int32),
            np.empty((self._classes, rows), np.float32) if probabilities else None,
            np.empty(rows) if wanted & WANT_DISTANCE else None,
            None if least is None else np.empty(rows, np.int32),
            None if least is None else np.empty(rows),
        )
        to = _Answers(*(None if array is None else array.ctypes.data for array in found), least or 0)
        message = ctypes.create_string_buffer(_LENGTH)
        schema, array = batch.__arrow_c_array__()
        fine = self._library.sed_kernel_run(
            self._model,
            _pointer(array, b"arrow_array"),
            _pointer(schema, b"arrow_schema"),
            places,
            wanted,
            ctypes.byref(to),
            ctypes.byref(message),
        )
        if not fine:
            raise KernelError(message.value.decode(errors="replace"))
        return found._replace(probabilities=found.probabilities.T) if found.probabilities is not None else found


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
"""The address in a capsule of Arrow's PyCapsule interface, which frees what it points to when it goes."""
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def path() -> Path | None:
    """The library's file; None where there is none."""
    file = native.EXTENSION.with_name(native.KERNEL)
    return file if file.is_file() else None


def why_not() -> str | None:
    """Give a sentence that says why the kernel is not there; None where it is."""
    if _library() is not None:
        return None
    if path() is None:
        return native.why_not() or f"There is no kernel beside sedsql's C extension. {native.BUILD}"
    return f"The kernel is of another version of sedsql. {native.BUILD}"


def _library() -> ctypes.CDLL | None:
    file = path()
    return _opened(file) if file else None


@cache
def _opened(file: Path) -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(file))
        if library.sed_kernel() != INTERFACE:
            return None
    except (OSError, AttributeError):  # of another machine or version
        return None
    pointer = ctypes.c_void_p
    library.sed_kernel_load.restype = pointer
    library.sed_kernel_load.argtypes = [ctypes.c_char_p, ctypes.c_char_p, pointer, pointer]
    library.sed_kernel_free.restype, library.sed_kernel_free.argtypes = None, [pointer]
    library.sed_kernel_run.restype = ctypes.c_bool
    library.sed_kernel_run.argtypes = [pointer, pointer, pointer, pointer, ctypes.c_uint32, pointer, pointer]
    return library

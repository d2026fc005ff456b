"""Export a scikit-learn pipeline as one ONNX graph from magnitudes to probabilities, and check it row by row."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from sedsql.errors import Error
from sedsql.inference.binding import CLASS_INDEX, INPUT, PROBABILITIES
from sedsql.learn.converters import OPSET
from sedsql.learn.outlier import add_distance

TOLERANCE = 1e-5
"""The largest difference of probabilities that is allowed; labels have to be the same."""


def to_onnx(classifier, inputs: int, seds: NDArray[np.float32] | None = None) -> bytes:
    """Export a fitted pipeline as an ONNX graph.

    Its input is `magnitudes`, float (n, inputs), missing = NaN. Its outputs are `label`, string (n,), `probabilities`,
    float (n, classes), `class_index`, int64 (n,), the label's place among the classes, and, with typical SEDs of shape
    (k, bands), `distance`, float (n,), from the nearest of them.
    """
    model = convert_sklearn(
        classifier,
        initial_types=[(INPUT, FloatTensorType([None, inputs]))],
        final_types=[
            ("label", StringTensorType([None])),
            (PROBABILITIES, FloatTensorType([None, len(classifier.classes_)])),
        ],
        options={"zipmap": False},
        target_opset=OPSET,
    )
    _name_class_index(model.graph)
    if seds is not None:
        add_distance(model.graph, seds)
    _number_names(model.graph)
    _sort_domains(model)
    model.graph.name = "sedsql"
    model.doc_string = ""
    model.producer_name = "sedsql"
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


class DisagreementError(Error):
    """Raised for an exported graph whose answers differ from the scikit-learn classifier's."""


def check(graph: bytes, classifier, X: NDArray[np.float32]) -> float:
    """Return the largest difference in probability between ONNX Runtime and scikit-learn, for inputs (n, inputs).

    Raises DisagreementError for one different label, or one probability that differs by more than TOLERANCE.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found, place, probabilities = session.run(["label", CLASS_INDEX, PROBABILITIES], {INPUT: X})
    expected = classifier.predict(X)
    differ = np.flatnonzero((found != expected) | (classifier.classes_[place] != expected))
    if differ.size:
        raise DisagreementError(
            f"The exported graph says {found[differ[0]]!r} where scikit-learn says {expected[differ[0]]!r} "
            f"({differ.size:,} of {len(found):,} rows differ)."
        )
    difference = float(abs(probabilities - classifier.predict_proba(X)).max())
    if not difference <= TOLERANCE:
        raise DisagreementError(f"A probability of the exported graph is {difference:.1e} from scikit-learn's.")
    return difference


def _name_class_index(graph) -> None:
    """Make the place of the highest score an output under its own name, in place of skl2onnx's."""
    argmax = next(node for node in graph.node if node.op_type == "ArgMax")
    given = argmax.output[0]
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [CLASS_INDEX if name == given else name for name in names]
    graph.output.append(helper.make_tensor_value_info(CLASS_INDEX, TensorProto.INT64, [None]))


def _sort_domains(model: onnx.ModelProto) -> None:
    """Sort the versions of operators by domain; skl2onnx's order changes from run to run."""
    versions = sorted(model.opset_import, key=lambda version: version.domain)
    del model.opset_import[:]
    model.opset_import.extend(versions)


def _number_names(graph) -> None:
    """Number the names of all but inputs and outputs; skl2onnx's names come from addresses and differ in every run."""
    names = {end.name: end.name for end in (*graph.input, *graph.output)}
    for number, constant in enumerate(graph.initializer):
        constant.name = names.setdefault(constant.name, f"constant_{number}")
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        for place, name in enumerate(node.output):
            node.output[place] = names.setdefault(name, f"{node.name}_{place}")

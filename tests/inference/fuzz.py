"""Mutates models' cards, graphs and bounds, and reads and uses them: each is taken, or refused by one ModelError.

    python -m tests.inference.fuzz --seconds 600 --seed 0 [--target cards|graphs|bounds]

Cases come in batches, each in a process of its own, so that one which ends the process is told by its number. A case
of a number is always the same; `--seed` is the number of the first batch.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from sedsql import native
from sedsql.adql.tree.model_function import Comparison
from sedsql.cli.render_evaluation import print_models
from sedsql.inference import answers, graph
from sedsql.inference.bounds_file import BoundsFile
from sedsql.inference.macros import of_extension
from sedsql.inference.model import Model, ModelError, find_models
from sedsql.inference.necessary_conditions import Bounds, Row
from sedsql.inference.session import Session
from sedsql.inference.sql_engine import install
from sedsql.photometry.bands import COLUMNS
from tests.inference.mutations import mutated_graph, mutated_json

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/native/fuzz"))

import seeds as small_graphs  # noqa: E402

BATCH = 300
SLOWEST_S, MOST_MB, MOST_ADDRESSES = 20, 2_000, 8 << 30
"""The last for ONNX Runtime, which gives a graph what it asks for; the readers must stay below the second."""


class WrongError(Exception):
    """A case that was neither taken nor refused as it should be."""


def refused(error: Exception, *names: str) -> None:
    """Raise WrongError unless an error is one sentence that has these words in it."""
    said = str(error)
    if not isinstance(error, ModelError) or "\n" in said.strip() or not all(name in said for name in names):
        raise WrongError(f"{type(error).__name__}: {said[:300]}") from error


@cache
def linear(classes: int, inputs: int) -> bytes:
    """A graph that any card of so many classes and inputs goes with."""
    weights = np.arange(classes * inputs, dtype=np.float32).reshape(inputs, classes) % 7
    made = helper.make_graph(
        [
            helper.make_node("IsNaN", ["magnitudes"], ["gone"]),
            helper.make_node("Where", ["gone", "none", "magnitudes"], ["there"]),
            helper.make_node("MatMul", ["there", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
            helper.make_node("ReduceSum", ["there", "axis"], ["distance"], keepdims=0),
        ],
        "linear",
        [helper.make_tensor_value_info("magnitudes", TensorProto.FLOAT, [None, inputs])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes]),
            helper.make_tensor_value_info("distance", TensorProto.FLOAT, [None]),
        ],
        [
            numpy_helper.from_array(np.float32(0).reshape(()), "none"),
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1]), "axis"),
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


class Cases:
    """Cases of a target by number.

    folder : is written to
    """

    def __init__(self, target: str, folder: Path):
        self.run = getattr(self, f"_{target}")
        self.folder = folder / "mine-1"
        self.folder.mkdir()
        self.con = duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 1})
        self.con.execute(f"LOAD '{native.path()}'")
        shipped = find_models()
        self.cards = [model.card.as_object() for model in shipped.values()]
        bounds = json.loads((shipped["lite-2"].folder / "bounds.json").read_text())
        self.bounds = {**bounds, "parts": [{**part, "tree": _shallow(part["tree"])} for part in bounds["parts"]]}
        self.graphs = [data[1:] for data in small_graphs.seeds().values() if data[0] == 1]
        self.graphs += [linear(3, 10)]

    def case(self, number: int) -> None:
        """Raise WrongError where something is wrong."""
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            self.run(np.random.default_rng(number), number)
        if time.process_time() - started > SLOWEST_S:
            raise WrongError(f"It took the processor {time.process_time() - started:.0f} s.")

    def _write(self, card: bytes, content: bytes) -> None:
        (self.folder / "card.json").write_bytes(card)
        (self.folder / "model.onnx").write_bytes(content)

    def _model(self, key: str) -> Model | None:
        """The model in the folder, if it is one; the C extension takes the same cards."""
        model, said = None, ""
        try:
            model = Model.read(self.folder)
        except Exception as error:
            refused(error, "card.json")
            said = str(error)
        try:
            self.con.execute("SELECT sed_models(?, ?, [?])", [key, model.name if model else "mine-1", str(self.folder)])
        except duckdb.InvalidInputException as error:
            if model or "No model 'mine-1'" in str(error):
                raise WrongError(f"Python says {said[:300] or 'nothing'}, the C extension {error}") from error
        else:
            if not model:
                raise WrongError(f"The C extension takes a card of which Python says: {said[:300]}")
        return model

    def _use(self, model: Model, key: str) -> None:
        """Ask the model in each engine; each may refuse it."""
        rows = np.random.default_rng(1).uniform(-5, 25, (30, 14)).astype(np.float32)
        rows[::3, 2:6] = np.nan
        try:
            if ends_onnx_runtime((self.folder / "model.onnx").read_bytes()):
                raise ModelError("ONNX Runtime takes all memory for it, or ends the process.")
            prediction = Session(model).predict(rows)
            for made in (answers.struct, answers.answer):
                made(model, prediction).validate(full=True)
            answers.branches(model, prediction.probabilities, 0.5).validate(full=True)
            if model.card.conformal:
                answers.sets(model, prediction.probabilities, model.card.conformal.levels[-1]).validate(full=True)
        except Exception as error:
            refused_by_engine(error)
        (why,) = self.con.execute("SELECT sed_refused(?, ?)", [model.name, key]).fetchone()
        if why is None:
            called = of_extension(key)("_sed_predict", [*(f"{10 + k}::FLOAT" for k in range(10)), "NULL"])
            self.con.execute(f"SELECT {called}").fetchall()
        if int(key, 16) % 5 == 0:
            with duckdb.connect(config={"threads": 1}) as con:
                try:
                    install(con, {model.name: model}, model.name, temporary=True)
                    con.execute(f"SELECT sed_predict({', '.join(map(str, range(10)))})").fetchall()
                except duckdb.Error as error:
                    if not isinstance(
                        error, duckdb.InvalidInputException | duckdb.OutOfRangeException | duckdb.ConversionException
                    ):
                        raise
                except Exception as error:
                    refused(error)

    def _cards(self, rng, number: int) -> None:
        card = self.cards[rng.integers(len(self.cards))]
        keys = [key for key in card if key != "metrics" or rng.random() < 0.1]
        content = linear(len(card["classes"]), len(card["bands"]) + len(card.get("extra", ())))
        card = {key: card[key] for key in keys} | {"sha256": hashlib.sha256(content).hexdigest()}
        self._write(mutated_json(card, rng), content)
        model = self._model(key := f"{number:012x}")
        if model:
            with contextlib.redirect_stdout(io.StringIO()):
                print_models({model.name: model}, {})
            self._use(model, key)

    def _graphs(self, rng, number: int) -> None:
        content = mutated_graph(self.graphs[rng.integers(len(self.graphs))], rng)
        try:
            for node in graph.read(content).nodes:
                if node.op.startswith("TreeEnsemble"):
                    graph.trees(node)
        except Exception as error:
            refused(error)
        card = {"name": "mine-1", "classes": ["a", "b", "c"], "bands": COLUMNS, "min_bands": 1}
        card |= {"outlier": {"quantiles": list(range(101))}} if rng.random() < 0.5 else {}
        self._write(json.dumps(card | {"sha256": hashlib.sha256(content).hexdigest()}).encode(), content)
        model = self._model(key := f"{number:012x}")
        if model is None:
            raise WrongError("The card was refused.")
        self._use(model, key)

    def _bounds(self, rng, number: int) -> None:
        lite = find_models()["lite-2"]
        (self.folder / "bounds.json").write_bytes(mutated_json(self.bounds, rng))
        model = Model(**{**lite.__dict__, "folder": self.folder, "name": f"mine-{number}"})
        model = Model(**{**model.__dict__, "folder": self._moved(number)})
        try:
            BoundsFile.read(model)
        except Exception as error:
            refused(error, "bounds.json")
            return
        for engine in ("native", "onnx"):
            bounds = Bounds({model.name: model}, model.name, {model.name: engine})
            for operator, value, label in (
                ("=", "yso", None),
                ("<>", "yso", None),
                (">", 0.9, "yso"),
                ("<", 0.1, "agn"),
            ):
                found = bounds.condition(Comparison(operator, value), label, model.name, Row.of(["s"]))
                if found and engine == "onnx":
                    nothing = ", ".join(f"1::FLOAT AS {column}" for column in COLUMNS)
                    self.con.execute(f"SELECT {found} FROM (SELECT {nothing}) AS s").fetchall()

    def _moved(self, number: int) -> Path:
        """What is read of a folder is kept, so each case has another."""
        folder = self.folder.with_name(f"mine-{number}")
        self.folder = self.folder.rename(folder)
        return folder


def _shallow(tree: list, depth: int = 3) -> list:
    """The upper part of a tree; its first leaf below stands for the rest."""
    if not isinstance(tree[0], list):
        return tree
    return [tree[0], *(_shallow(branch, depth - 1) for branch in tree[1:])] if depth else _shallow(tree[1], 0)


def ends_onnx_runtime(content: bytes) -> bool:
    """Columns that double, and an input without a name where an operator takes any number of them."""
    try:
        nodes = onnx.load_from_string(content).graph.node
    except DecodeError:
        return False
    return sum(node.op_type == "Concat" for node in nodes) > 20 or any("" in node.input for node in nodes)


def refused_by_engine(error: Exception) -> None:
    """ONNX Runtime's own words may have several lines."""
    if not isinstance(error, ModelError):
        raise WrongError(f"{type(error).__name__}: {str(error)[:300]}") from error


def run(target: str, first: int, cases: int) -> None:
    """Run cases by number; raises WrongError, which names the first that is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        made = Cases(target, Path(folder))
        for number in range(first, first + cases):
            try:
                made.case(number)
            except Exception as error:
                raise WrongError(f"Case {number} of {target}: {type(error).__name__}: {str(error)[:500]}") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the first batch")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--batch", type=int, help="run this one, in this process")
    parser.add_argument("--cases", type=int, default=BATCH, help="of a batch")
    given = parser.parse_args()
    targets = given.target or TARGETS
    if given.batch is not None:
        if "asan" not in os.environ.get("LD_PRELOAD", ""):  # AddressSanitizer needs terabytes of them
            resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
        onnxruntime.set_default_logger_severity(4)
        run(targets[0], given.batch * BATCH, given.cases)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
        return
    end, done, wrong = time.monotonic() + given.seconds, dict.fromkeys(targets, 0), 0
    batch = given.seed
    while time.monotonic() < end:
        target = targets[(batch - given.seed) % len(targets)]
        command = [sys.executable, "-m", "tests.inference.fuzz", "--target", target, "--batch", str(batch)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        used = ran.stdout.split()[-1:] if not ran.returncode else ["0"]
        if ran.returncode or int(used[0]) > MOST_MB:
            wrong += 1
            print(f"batch {batch} of {target}: exit {ran.returncode}, {used[0]} MB\n{ran.stderr[-3000:]}", flush=True)
        done[target] += BATCH
        batch += 1
    print(", ".join(f"{n:,} {target}" for target, n in done.items()), f"cases; {wrong} batches with a mistake")
    sys.exit(wrong > 0)


TARGETS = ["cards", "graphs", "bounds"]

if __name__ == "__main__":
    main()

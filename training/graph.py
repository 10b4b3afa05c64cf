"""The graph that serves a model: ONNX, written node by node, including the calibration.

With a converter for scikit-learn's estimators, the served model could differ from the explained one, and the
best-maintained converter fails on histogram boosting: see docs/decisions/0007-models.md.

Input ``x``: float32 [claims, features], nan where missing. Outputs: ``probability`` and ``margin``, float32
[claims].
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from claimwatch.domain.model.calibration import HIGHEST, LOWEST, Calibration
from claimwatch.domain.model.features import Matrix
from claimwatch.domain.model.model import LEAF, Forest, Linear, Model

type Floats = npt.NDArray[np.float64]
type Score = Callable[[Matrix], Floats]
"""The probabilities that a model gives encoded claims."""

OPSET, ML_OPSET, IR_VERSION = 21, 3, 10
"""Versions that onnxruntime has supported for years; newer ones add nothing that is used here."""


class _Graph:
    """Nodes and constants in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator, and return the name of its output."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: npt.ArrayLike, kind: type = np.float64) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name


def onnx_of(model: Model, calibration: Calibration) -> bytes:
    """Return the graph of a model; the same model gives the same bytes."""
    graph = _Graph()
    total = _forest(graph, model) if isinstance(model, Forest) else _linear(graph, model)
    graph.add("Cast", total, output="margin", to=TensorProto.FLOAT)
    odds = total
    if model.link == "identity":
        bounded = graph.add("Clip", total, graph.constant(LOWEST), graph.constant(HIGHEST))
        odds = graph.add("Log", graph.add("Div", bounded, graph.add("Sub", graph.constant(1.0), bounded)))
    line = graph.add("Mul", odds, graph.constant(calibration.slope))
    line = graph.add("Add", line, graph.constant(calibration.offset))
    graph.add("Cast", graph.add("Sigmoid", line), output="probability", to=TensorProto.FLOAT)
    written = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "claimwatch",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["claims", model.features])],
            [
                helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["claims"]),
                helper.make_tensor_value_info("margin", TensorProto.FLOAT, ["claims"]),
            ],
            initializer=graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="claimwatch",
    )
    onnx.checker.check_model(written)
    bytes_written: bytes = written.SerializeToString(deterministic=True)
    return bytes_written


def _forest(graph: _Graph, model: Forest) -> str:
    """Add the sum over the trees, float64 [claims].

    Given doubles, the operator adds in double and rounds only its sum to 32 bits. Thresholds are 32-bit
    numbers, so branches stay the same. The base rate is added after the rounding.
    """
    nodes = len(model.feature)
    roots = model.roots.tolist()
    tree = np.repeat(np.arange(len(roots)), np.diff([*roots, nodes]))
    own = np.arange(nodes) - np.asarray(roots)[tree]
    leaf = model.feature == LEAF
    start = np.asarray(roots)[tree]
    single = graph.add(
        "TreeEnsembleRegressor",
        graph.add("Cast", "x", to=TensorProto.DOUBLE),
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=tree.tolist(),
        nodes_nodeids=own.tolist(),
        nodes_featureids=np.where(leaf, 0, model.feature).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values_as_tensor=_doubles("thresholds", model.threshold),
        nodes_truenodeids=np.where(leaf, 0, model.left - start).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, model.right - start).tolist(),
        nodes_missing_value_tracks_true=model.missing_left.astype(int).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=own[leaf].tolist(),
        target_ids=[0] * int(leaf.sum()),
        target_weights_as_tensor=_doubles("weights", model.value[leaf]),
    )
    flat = graph.add("Reshape", single, graph.constant([-1], np.int64))
    return graph.add("Add", graph.add("Cast", flat, to=TensorProto.DOUBLE), graph.constant(model.base))


def _doubles(name: str, values: npt.NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(values.astype(np.float64), name)


def _linear(graph: _Graph, model: Linear) -> str:
    """Add the sum over the features, float64 [claims]."""
    total = graph.constant([model.intercept])
    numbers, categories = np.flatnonzero(model.first < 0), np.flatnonzero(model.first >= 0)
    if len(numbers):
        values, absent = _columns(graph, numbers)
        added = graph.add("Sub", values, graph.constant(model.center[numbers]))
        added = graph.add("Mul", added, graph.constant(model.weight[numbers]))
        total = _plus(graph, total, added, absent, model.missing[numbers])
    if len(categories):
        values, absent = _columns(graph, categories)
        codes = graph.add("Where", absent, graph.constant(0.0), values)
        index = graph.add("Cast", codes, to=TensorProto.INT64)
        index = graph.add("Add", index, graph.constant(model.first[categories], np.int64))
        added = graph.add("Gather", graph.constant(model.table), index)
        total = _plus(graph, total, added, absent, model.missing[categories])
    return total


def _columns(graph: _Graph, places: npt.NDArray[np.intp]) -> tuple[str, str]:
    """Add some of the columns, in double, and whether they are missing."""
    values = graph.add("Gather", "x", graph.constant(places, np.int64), axis=1)
    return graph.add("Cast", values, to=TensorProto.DOUBLE), graph.add("IsNaN", values)


def _plus(graph: _Graph, total: str, added: str, absent: str, missing: npt.NDArray[np.float64]) -> str:
    whole = graph.add("Where", absent, graph.constant(missing), added)
    # The order in which a row is added up, and so its last bit, depends on where in memory it begins. With a
    # multiple of eight numbers, the rows of all claims begin alike.
    widened = graph.add("Pad", whole, graph.constant([0, 0, 0, -len(missing) % 8], np.int64))
    summed = graph.add("ReduceSum", widened, graph.constant([1], np.int64), keepdims=0)
    return graph.add("Add", total, summed)


def scorer_of(graph: bytes) -> Score:
    """Return a function that scores encoded claims by the graph, as serving does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, sess_options=options, providers=["CPUExecutionProvider"])

    def score(matrix: Matrix) -> Floats:
        served: Floats = session.run(["probability"], {"x": matrix})[0].astype(np.float64)
        return served

    return score

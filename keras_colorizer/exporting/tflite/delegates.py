"""What the delegates of LiteRT take: GPUs and NPUs by rule, the CPU by trial.

A delegate runs ops in place of LiteRT's own kernels, which are slower.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.exporting.tflite.flatbuffer import (
    Op,
    graphs,
    ops_of,
    pack,
    sizes,
    unpack,
)

GPU_RANK = 4  # Dimensions of a tensor, at most.

# Of the ops that GPUs take, those whose conditions are checked below.
# Source: google-ai-edge/LiteRT, tflite/tools/versioning/gpu_compatibility.cc
# fmt: off
GPU_OPS = {
    # Of one operand, and activations.
    "ABS", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LEAKY_RELU",
    "LOG", "LOGISTIC", "NEG", "PRELU", "RELU", "RELU6", "RELU_N1_TO_1", "ROUND",
    "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH",
    # Of two.
    "ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "POW", "SQUARED_DIFFERENCE",
    "SUB",
    # With kernels.
    "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED",
    "MAX_POOL_2D", "TRANSPOSE_CONV",
    # That move values.
    "CONCATENATION", "DEPTH_TO_SPACE", "MIRROR_PAD", "PAD", "PADV2", "RESHAPE",
    "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "SPACE_TO_DEPTH",
    "SPLIT", "SPLIT_V", "STRIDED_SLICE", "TILE", "TRANSPOSE",
    # The rest.
    "DEQUANTIZE", "MEAN", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "SUM",
}
# fmt: on


@dataclass(frozen=True)
class CpuPlan:
    """Which kernels run the ops of a signature on a CPU.

    Args:
        delegated: Names of the ops that XNNPACK runs, in the file's order.
        others: Names of those that LiteRT's own kernels run.
    """

    delegated: list[str]
    others: list[str]


def assert_gpu_ready(tflite: bytes) -> None:
    """Checks that GPUs and NPUs can take the whole model.

    None is needed: this looks for what is known to be refused. It cannot
    promise that a certain device takes the rest.

    Raises:
        ArtifactError: If sizes are open, tensors have more than 4 dimensions
            or ops are refused; it names them all. Also if the bytes are no
            `.tflite` file.
    """
    model = unpack(tflite)
    found = [_refused(model, graph) for _, graph in graphs(model)]
    reasons = [
        f"{kind} ({', '.join(dict.fromkeys(names))})"
        for kind in found[0]
        if (names := [name for refused in found for name in refused[kind]])
    ]
    if reasons:
        raise ArtifactError(
            "GPUs and NPUs cannot take the whole model, because of "
            f"{' and '.join(reasons)}: give its inputs fixed sizes and build "
            "the network of other layers."
        )


def cpu_plan(
    tflite: bytes, signature: str, shapes: Mapping[str, Sequence[int]]
) -> CpuPlan:
    """Asks LiteRT which ops of a signature XNNPACK runs on this CPU.

    Counted is every op of the file that a call runs, also where XNNPACK makes
    one of several. What depends on constants alone, such as the DEQUANTIZE of
    float16 weights, is computed once, before the first call, and not counted.
    The number of ops says nothing of the time that each takes.

    Args:
        tflite: A file.
        signature: Name of one of its signatures.
        shapes: Sizes of inputs, by name; where the file leaves them open.

    Raises:
        ArtifactError: If there is no such signature, or LiteRT cannot run it
            with such inputs, or the bytes are no `.tflite` file.
    """
    model = unpack(tflite)
    index = _graph_index(model, signature)
    if index:  # LiteRT tells of its first graph only.
        _swap_with_first(model, index)
        tflite = pack(model)
    try:
        delegated = _delegated_tensors(tflite, signature, shapes)
    except (RuntimeError, ValueError) as error:
        raise ArtifactError(
            f"LiteRT cannot run `{signature}` with inputs of {dict(shapes)} "
            f"({first_line(error)}): take other sizes or export it anew."
        ) from None
    plan = CpuPlan([], [])
    for op in ops_of(model, model.subgraphs[0]):
        if not op.is_constant:
            is_other = delegated.isdisjoint(op.outputs)
            (plan.others if is_other else plan.delegated).append(op.name)
    return plan


def _refused(model, graph) -> dict[str, list[str]]:
    """Returns names by kind of refusal."""
    shapes = [(f"`{t.name.decode()}`", sizes(t)) for t in graph.tensors]
    return {
        "open sizes": [name for name, shape in shapes if -1 in shape],
        f"more than {GPU_RANK} dimensions": [
            name for name, shape in shapes if len(shape) > GPU_RANK
        ],
        "ops": list(_refused_ops(model, graph)),
    }


def _refused_ops(model, graph) -> Iterator[str]:
    for op in ops_of(model, graph):
        if op.name not in GPU_OPS:
            yield op.name
        for names, is_refused, how in GPU_CONDITIONS:
            if op.name in names and is_refused(op):
                yield f"{op.name} {how}"


def _changes_axes(op: Op) -> bool:
    masks = ("ellipsisMask", "newAxisMask", "shrinkAxisMask")
    return any(op.option(mask) for mask in masks)


# When ops are refused although they are listed above; from the same source.
GPU_CONDITIONS: list[tuple[set[str], Callable[[Op], bool], str]] = [
    (
        {"RESIZE_BILINEAR"},
        lambda op: op.option("alignCorners") and op.option("halfPixelCenters"),
        "with both aligned corners and half-pixel centers",
    ),
    (
        {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH"},
        lambda op: op.option("blockSize") < 2,
        "with blocks of one pixel",
    ),
    (
        {"MIRROR_PAD"},
        lambda op: op.option("mode") != schema.MirrorPadMode.REFLECT,
        "that repeats the edge",
    ),
    ({"STRIDED_SLICE"}, _changes_axes, "that adds or drops axes"),
    (
        {"MIRROR_PAD", "PAD", "PADV2", "SLICE", "STRIDED_SLICE"},
        lambda op: len(sizes(op.inputs[0])) not in (3, 4),
        "of other than 3 or 4 dimensions",
    ),
    (
        {"MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"},
        lambda op: not op.constants[1],
        "over axes that are not constant",
    ),
    (
        {"DEQUANTIZE"},
        lambda op: op.inputs[0].type == schema.TensorType.INT16,
        "of 16-bit integers",
    ),
]


def _graph_index(model, signature: str) -> int:
    indices = {
        entry.signatureKey.decode(): entry.subgraphIndex
        for entry in model.signatureDefs or ()
    }
    if signature not in indices:
        raise ArtifactError(
            f"The `.tflite` file has no signature `{signature}`: ask for one "
            f"of {sorted(indices)}."
        )
    return indices[signature]


def _swap_with_first(model, index):
    order = list(range(len(model.subgraphs)))
    order[0], order[index] = index, 0
    model.subgraphs = [model.subgraphs[i] for i in order]
    for entry in model.signatureDefs:
        entry.subgraphIndex = order[entry.subgraphIndex]


def _delegated_tensors(tflite, signature, shapes) -> set[int]:
    """Returns the indices of the tensors that XNNPACK computes."""
    # Unfused, each op that XNNPACK takes is replaced by one of its own.
    interpreter = Interpreter(
        model_content=tflite, experimental_disable_delegate_node_fusion=True
    )
    inputs = interpreter.get_signature_runner(signature).get_input_details()
    for name, shape in shapes.items():
        index = inputs[name]["index"]
        interpreter.resize_tensor_input(index, shape, strict=True)
    interpreter.allocate_tensors()
    return {
        int(tensor)
        for op in interpreter._get_ops_details()
        if op["op_name"] == "DELEGATE"
        for tensor in op["outputs"]
    }

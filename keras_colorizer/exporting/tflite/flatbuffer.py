"""The inside of a `.tflite` file: its signatures, ops and texts.

It is a FlatBuffer, whose schema comes with LiteRT. No TensorFlow is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from keras_colorizer.errors import ArtifactError, first_line

FILE_IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # Bytes: what the schema demands for the data of a buffer.
CUSTOM = "CUSTOM:"  # Precedes the name of an op that LiteRT does not know.


@dataclass(frozen=True)
class TensorSpec:
    """What an input or output of a signature holds.

    Args:
        dtype: Such as "float32".
        shape: Sizes, -1 where any is taken.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of an entry point, by name."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


@dataclass(frozen=True)
class Op:
    """An op of a graph.

    Args:
        name: Such as "CONV_2D", or "CUSTOM:FlexErf" if LiteRT does not know it.
        options: Its attributes; None if it has none.
        inputs: Tensors, as the schema describes them.
        constants: Of each input, whether it is the same at every call.
        outputs: Indices of tensors.
    """

    name: str
    options: Any
    inputs: list[Any]
    constants: list[bool]
    outputs: list[int]

    @property
    def is_constant(self) -> bool:
        """Whether its result is the same at every call."""
        return bool(self.inputs) and all(self.constants)

    def option(self, name: str) -> Any:
        """Returns an attribute by its name in the schema, 0 by default."""
        return getattr(self.options, name, 0)


def signatures(tflite: bytes) -> dict[str, Signature]:
    """Returns the entry points of a `.tflite` file by name.

    Raises:
        ArtifactError: If the bytes are no `.tflite` file.
    """
    model = unpack(tflite)
    return {
        entry.signatureKey.decode(): _signature(model, entry)
        for entry in model.signatureDefs or ()
    }


def operators(tflite: bytes) -> dict[str, list[str]]:
    """Returns the names of the ops of a `.tflite` file, in its order.

    Returns:
        Names, see `Op`, by signature. A graph that is no signature, such as
        the body of a loop, goes by its own name.

    Raises:
        ArtifactError: If the bytes are no `.tflite` file.
    """
    model = unpack(tflite)
    return {
        name: [op.name for op in ops_of(model, graph)]
        for name, graph in graphs(model)
    }


def assert_builtin_ops(tflite: bytes) -> None:
    """Checks that LiteRT knows every op.

    Raises:
        ArtifactError: If it does not, or the bytes are no `.tflite` file.
    """
    names = {name for names in operators(tflite).values() for name in names}
    custom = sorted(name for name in names if name.startswith(CUSTOM))
    if custom:
        raise ArtifactError(
            "LiteRT alone cannot run the whole model, which needs "
            f"{', '.join(custom)}: build the network of other layers."
        )


def embed_text(tflite: bytes, name: str, text: str) -> bytes:
    """Puts a text, such as a model card, into a `.tflite` file.

    All else stays, except for gaps: data is aligned as the schema demands,
    which TensorFlow's converter does not.

    Args:
        tflite: A file.
        name: Of its entry in the metadata; an earlier text is replaced.
        text: Stored as UTF-8.

    Returns:
        The new file.

    Raises:
        ArtifactError: If the bytes are no `.tflite` file, or one that `pack`
            cannot write.
    """
    model = unpack(tflite)
    key = name.encode()
    entries = {entry.name: entry for entry in model.metadata or ()}
    if key not in entries:
        entries[key] = schema.MetadataT(name, len(model.buffers))
        model.buffers.append(schema.BufferT())
    model.metadata = list(entries.values())
    model.buffers[entries[key].buffer].data = np.frombuffer(
        text.encode(), np.uint8
    )
    return pack(model)


def read_text(tflite: bytes, name: str) -> str | None:
    """Returns a text from a `.tflite` file, None if it has none of this name.

    Raises:
        ArtifactError: If the entry is no UTF-8, or the bytes are no `.tflite`
            file.
    """
    model = _verified(tflite)
    entries = (model.Metadata(i) for i in range(model.MetadataLength()))
    for entry in entries:
        if entry.Name() == name.encode():
            return _text(model.Buffers(entry.Buffer()), name)
    return None


def unpack(tflite: bytes) -> schema.ModelT:
    """Reads a `.tflite` file as objects of the schema.

    Raises:
        ArtifactError: If the bytes are no `.tflite` file.
    """
    return schema.ModelT.InitFromObj(_verified(tflite))


def pack(model: schema.ModelT) -> bytes:
    """Writes a `.tflite` file.

    Raises:
        ArtifactError: If data lies outside the FlatBuffer, as it does in files
            beyond 2 GB.
    """
    if any(buffer.offset for buffer in model.buffers):
        raise ArtifactError(
            "This `.tflite` file holds weights outside its FlatBuffer and "
            "cannot be written anew: export a model of less than 2 GB."
        )
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    # As large as the model, so that it need not grow while it is filled.
    size = sum(len(buffer) for buffer in model.buffers)
    builder = flatbuffers.Builder(size + 2**20)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def graphs(model: schema.ModelT) -> Iterator[tuple[str, schema.SubGraphT]]:
    """Yields the graphs of a model, named as in `operators`."""
    names = {
        entry.subgraphIndex: entry.signatureKey
        for entry in model.signatureDefs or ()
    }
    for index, graph in enumerate(model.subgraphs):
        name = names.get(index) or graph.name or b"graph %d" % index
        yield name.decode(), graph


def ops_of(model: schema.ModelT, graph: schema.SubGraphT) -> Iterator[Op]:
    """Yields the ops of a graph of a model, in the file's order."""
    constants = {
        index
        for index, tensor in enumerate(graph.tensors)
        if model.buffers[tensor.buffer].data is not None
    }
    for operator in graph.operators or ():
        inputs = [i for i in _numbers(operator.inputs) if i >= 0]
        op = Op(
            _name(model.operatorCodes[operator.opcodeIndex]),
            operator.builtinOptions,
            [graph.tensors[i] for i in inputs],
            [i in constants for i in inputs],
            _numbers(operator.outputs),
        )
        if op.is_constant:
            constants.update(op.outputs)
        yield op


def sizes(tensor: schema.TensorT) -> tuple[int, ...]:
    """Returns the shape of a tensor, -1 where any size is taken."""
    # Of such a tensor the plain shape claims a size of 1.
    return tuple(_numbers(tensor.shapeSignature) or _numbers(tensor.shape))


class _AlignedBuffer(schema.BufferT):
    """A buffer that keeps its alignment, which the schema's class does not."""

    def __len__(self):
        return 0 if self.data is None else len(self.data)

    def Pack(self, builder):  # noqa: N802, named by the schema
        if self.data is not None:
            builder.Prep(ALIGNMENT, len(self))
            data = builder.CreateByteVector(bytes(self.data))
        schema.BufferStart(builder)
        if self.data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _verified(tflite):
    """Opens a file in place once LiteRT has found every offset in order."""
    try:
        Interpreter(
            model_content=tflite,
            experimental_op_resolver_type=(
                OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
    except ValueError as error:
        raise ArtifactError(
            f"The bytes are no `.tflite` file ({first_line(error)}): export "
            "the model anew or take another copy."
        ) from None
    return schema.Model.GetRootAs(tflite)


def _text(buffer, name) -> str:
    try:
        return bytes(schema.BufferT.InitFromObj(buffer).data).decode()
    except UnicodeDecodeError:
        raise ArtifactError(
            f"`{name}` in the `.tflite` file is no text: ask for another entry."
        ) from None


def _signature(model, entry) -> Signature:
    tensors = model.subgraphs[entry.subgraphIndex].tensors
    inputs, outputs = (
        {each.name.decode(): _spec(tensors[each.tensorIndex]) for each in ends}
        for ends in (entry.inputs, entry.outputs)
    )
    return Signature(inputs, outputs)


def _spec(tensor) -> TensorSpec:
    return TensorSpec(TYPE_NAMES[tensor.type].lower(), sizes(tensor))


def _name(code) -> str:
    # The older of the two fields has no room for numbers above 127.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return CUSTOM + code.customCode.decode()
    return OP_NAMES[number]


def _numbers(vector) -> list[int]:
    return [] if vector is None else vector.tolist()


def _names(enumeration) -> dict[int, str]:
    return {
        value: name
        for name, value in vars(enumeration).items()
        if not name.startswith("_")
    }


OP_NAMES = _names(schema.BuiltinOperator)
TYPE_NAMES = _names(schema.TensorType)

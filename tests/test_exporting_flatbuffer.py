"""`.tflite` files: what is in them, who takes them, and texts put into them.

The files are TensorFlow's own, converted here from graphs of a few ops.
"""

import contextlib
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from keras_colorizer.errors import ArtifactError
from keras_colorizer.exporting.tflite import delegates, flatbuffer

SQUARE = (1, 8, 8, 1)
ANY_SIZE = (1, None, None, 1)
CARD = '{"name": "Kolorierer für alte Fotos", "license": "Apache-2.0"}'

_random = np.random.default_rng(0)
FIRST_KERNEL = _random.normal(size=(3, 3, 1, 32)).astype("float32")
SECOND_KERNEL = _random.normal(size=(3, 3, 32, 32)).astype("float32")


def network(x):
    x = tf.nn.relu(tf.nn.conv2d(x, FIRST_KERNEL, 1, "SAME"))
    x = tf.tanh(tf.nn.conv2d(x, SECOND_KERNEL, 1, "SAME"))
    return tf.nn.depth_to_space(x, 4)


def doubled(x):
    return tf.image.resize(x, 2 * tf.shape(x)[1:3])


def summed(x):
    return tf.tanh(tf.cumsum(tf.nn.conv2d(x, FIRST_KERNEL, 1, "SAME"), axis=2))


def of_rank_5(x):
    blocks = tf.reshape(x, (1, 4, 2, 8, 1))
    return tf.reshape(tf.transpose(blocks, (0, 2, 1, 3, 4)), SQUARE)


def padded(mode):
    return lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode)


def resized(**options):
    return lambda x: tf.raw_ops.ResizeBilinear(
        images=x, size=(16, 16), **options
    )


def averaged_over(axes):
    return lambda x: tf.reduce_mean(x, axes(x))


@pytest.fixture(scope="module")
def convert(tmp_path_factory):
    """Converts functions of one tensor, each a signature of its name."""

    def converted(shape, *functions, set_up=lambda converter: None):
        signatures = {
            f"signature_{number}": _traced(function, shape)
            for number, function in enumerate(functions)
        }
        folder = str(tmp_path_factory.mktemp("saved_model"))
        tf.saved_model.save(tf.Module(), folder, signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        set_up(converter)
        return converter.convert()

    return converted


def _traced(function, shape):
    return tf.function(
        lambda x: {"y": function(x)},
        input_signature=[tf.TensorSpec(shape, tf.float32, name="x")],
    )


def with_float16_weights(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def with_tensorflow_ops(converter):
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]


def with_weights_outside(converter):
    converter._experimental_use_buffer_offset = True


@pytest.fixture(scope="module")
def float32_file(convert):
    return convert(SQUARE, network)


@pytest.fixture(scope="module")
def float16_file(convert):
    return convert(SQUARE, network, set_up=with_float16_weights)


@pytest.fixture(scope="module")
def open_file(convert):
    """Two signatures that take any size."""
    return convert(ANY_SIZE, tf.tanh, doubled)


@pytest.fixture(scope="module")
def flex_file(convert):
    return convert(SQUARE, tf.math.erf, set_up=with_tensorflow_ops)


@pytest.fixture(scope="module")
def summed_file(convert):
    return convert(SQUARE, summed)


@pytest.fixture(
    params=["float32_file", "float16_file", "open_file", "summed_file"]
)
def tflite(request):
    return request.getfixturevalue(request.param)


def described(tflite):
    """TensorFlow's own description of a file, all but the statistics."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        tf.lite.experimental.Analyzer.analyze(model_content=tflite)
    return printed.getvalue().rpartition("-----")[0]


def outputs(tflite):
    x = np.random.default_rng(1).normal(size=SQUARE).astype("float32")
    interpreter = Interpreter(model_content=tflite)
    return {
        name: interpreter.get_signature_runner(name)(x=x)["y"]
        for name in interpreter.get_signature_list()
    }


def edited(tflite, edit):
    model = flatbuffer.unpack(tflite)
    edit(model)
    return flatbuffer.pack(model)


# What is in a file.


@pytest.mark.parametrize(
    "file", ["float32_file", "float16_file", "open_file", "flex_file"]
)
def test_ops_are_those_that_tensorflow_lists(request, file):
    tflite = request.getfixturevalue(file)
    listed = re.findall(r"^ +Op#\d+ (\w+)\(", described(tflite), re.MULTILINE)
    found = flatbuffer.operators(tflite).values()
    names = [name.removeprefix("CUSTOM:") for names in found for name in names]
    assert names == listed


def test_ops_are_listed_by_signature(open_file):
    found = flatbuffer.operators(open_file)
    assert found["signature_0"] == ["TANH"]
    assert found["signature_1"][-1] == "RESIZE_BILINEAR"


def test_ops_of_tensorflow_are_listed_as_custom(flex_file):
    assert flatbuffer.operators(flex_file) == {
        "signature_0": ["CUSTOM:FlexErf"]
    }


def test_ops_of_a_loop_are_listed_under_its_body(convert):
    def loop(x):
        more = lambda i, x: i < 3  # noqa: E731
        body = lambda i, x: (i + 1, tf.tanh(x))  # noqa: E731
        return tf.while_loop(more, body, (tf.reduce_sum(x), x))[1]

    found = flatbuffer.operators(convert(SQUARE, loop))
    main = found.pop("signature_0")
    assert "WHILE" in main
    assert "TANH" not in main
    assert sum("TANH" in names for names in found.values()) == 1


def test_signatures_are_those_that_litert_finds(tflite):
    interpreter = Interpreter(model_content=tflite)
    found = flatbuffer.signatures(tflite)
    assert set(found) == set(interpreter.get_signature_list())
    for name, signature in found.items():
        runner = interpreter.get_signature_runner(name)
        for specs, details in (
            (signature.inputs, runner.get_input_details()),
            (signature.outputs, runner.get_output_details()),
        ):
            assert specs == {
                each: flatbuffer.TensorSpec(
                    np.dtype(detail["dtype"]).name,
                    tuple(detail["shape_signature"]),
                )
                for each, detail in details.items()
            }


def test_open_sizes_are_minus_one(open_file):
    x = flatbuffer.signatures(open_file)["signature_1"].inputs["x"]
    assert x == flatbuffer.TensorSpec("float32", (1, -1, -1, 1))


def test_builtin_ops_pass(tflite):
    flatbuffer.assert_builtin_ops(tflite)


def test_an_op_of_tensorflow_is_refused_by_name(flex_file):
    with pytest.raises(ArtifactError, match="FlexErf"):
        flatbuffer.assert_builtin_ops(flex_file)


# Texts.


@pytest.mark.parametrize("text", [CARD, "", "x" * 100_000])
def test_a_text_is_read_as_it_was_embedded(tflite, text):
    with_card = flatbuffer.embed_text(tflite, "card", text)
    assert flatbuffer.read_text(with_card, "card") == text


def test_a_file_without_the_text_has_none(tflite):
    assert flatbuffer.read_text(tflite, "card") is None


def test_a_text_changes_no_bit_of_the_outputs(tflite):
    before = outputs(tflite)
    after = outputs(flatbuffer.embed_text(tflite, "card", CARD))
    assert set(before) == set(after)
    for name, y in before.items():
        np.testing.assert_array_equal(after[name], y, strict=True)


def test_a_text_changes_nothing_that_tensorflow_describes(tflite):
    with_card = flatbuffer.embed_text(tflite, "card", CARD)
    assert described(with_card) == described(tflite)


def test_a_text_keeps_what_the_converter_noted(float32_file):
    # An entry that the converter writes, in zeros up to 16 bytes.
    note = flatbuffer.read_text(float32_file, "min_runtime_version")
    assert re.fullmatch(r"\d+\.\d+\.\d+\0*", note)
    with_card = flatbuffer.embed_text(float32_file, "card", CARD)
    assert flatbuffer.read_text(with_card, "min_runtime_version") == note


def test_data_is_aligned_whatever_the_length_of_the_text(
    float32_file, float16_file
):
    for tflite, dtype in ((float32_file, "float32"), (float16_file, "float16")):
        for length in range(1, 40, 3):
            text = "*" * length
            with_card = flatbuffer.embed_text(tflite, "card", text)
            for kernel in (FIRST_KERNEL, SECOND_KERNEL):
                # As LiteRT stores it: output channels first.
                data = kernel.transpose(3, 0, 1, 2).astype(dtype).tobytes()
                assert with_card.index(data) % 16 == 0
            assert with_card.index(text.encode()) % 16 == 0
            assert len(with_card) % 16 == 0


def test_a_file_grows_by_the_text_and_gaps_only(tflite):
    growth = len(flatbuffer.embed_text(tflite, "card", CARD)) - len(tflite)
    # Gaps of up to 15 bytes before each buffer, and 64 bytes for an entry.
    buffers = len(flatbuffer.unpack(tflite).buffers)
    assert 0 <= growth - len(CARD.encode()) < 16 * buffers + 64


def test_a_later_text_replaces_one_of_the_same_name(float32_file):
    once = flatbuffer.embed_text(float32_file, "card", CARD)
    twice = flatbuffer.embed_text(once, "card", CARD[::-1])
    assert flatbuffer.read_text(twice, "card") == CARD[::-1]
    assert len(twice) == len(once)


def test_texts_of_two_names_stand_side_by_side(float32_file):
    tflite = flatbuffer.embed_text(float32_file, "card", CARD)
    tflite = flatbuffer.embed_text(tflite, "licence", "Apache-2.0")
    assert flatbuffer.read_text(tflite, "card") == CARD
    assert flatbuffer.read_text(tflite, "licence") == "Apache-2.0"


def test_a_file_without_metadata_takes_a_text(float32_file):
    bare = edited(float32_file, lambda model: setattr(model, "metadata", None))
    with_card = flatbuffer.embed_text(bare, "card", CARD)
    assert flatbuffer.read_text(with_card, "card") == CARD


def test_an_entry_that_is_no_text_is_an_error(float32_file):
    with pytest.raises(ArtifactError, match="`CONVERSION_METADATA`.*no text"):
        flatbuffer.read_text(float32_file, "CONVERSION_METADATA")


def test_weights_outside_the_flatbuffer_are_not_lost(convert):
    tflite = convert(SQUARE, network, set_up=with_weights_outside)
    with pytest.raises(ArtifactError, match="less than 2 GB"):
        flatbuffer.embed_text(tflite, "card", CARD)


@pytest.mark.parametrize(
    "use",
    [
        flatbuffer.assert_builtin_ops,
        flatbuffer.operators,
        flatbuffer.signatures,
        delegates.assert_gpu_ready,
        lambda tflite: delegates.cpu_plan(tflite, "signature_0", {}),
        lambda tflite: flatbuffer.embed_text(tflite, "card", CARD),
        lambda tflite: flatbuffer.read_text(tflite, "card"),
    ],
)
def test_bytes_that_are_no_whole_file_are_an_error(float32_file, use):
    half = float32_file[: len(float32_file) // 2]
    for damaged in (b"", b"TFL3" * 10, half, float32_file[:-16]):
        with pytest.raises(ArtifactError, match="no `.tflite` file"):
            use(damaged)


def test_reading_needs_no_tensorflow():
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; import keras_colorizer.exporting.tflite.delegates; "
            "assert 'tensorflow' not in sys.modules",
        ],
        check=True,
    )


# GPUs and NPUs.


@pytest.mark.parametrize("file", ["float32_file", "float16_file"])
def test_a_network_of_fixed_size_is_ready_for_gpus(request, file):
    delegates.assert_gpu_ready(request.getfixturevalue(file))


REFUSED = {
    "more than 4 dimensions (`": of_rank_5,
    "CUMSUM": summed,
    "GATHER_ND": lambda x: tf.gather_nd(x, [[0, 1]]),
    "BROADCAST_TO": lambda x: tf.broadcast_to(x, (1, 8, 8, 3)),
    "STRIDED_SLICE that adds or drops axes": lambda x: 2 * x[:, 0],
    "MIRROR_PAD that repeats the edge": padded("SYMMETRIC"),
    "PAD of other than 3 or 4 dimensions": lambda x: tf.pad(
        tf.reshape(x, (8, 8)), [[1, 1], [0, 0]]
    ),
    "RESIZE_BILINEAR with both aligned corners and half-pixel centers": resized(
        align_corners=True, half_pixel_centers=True
    ),
    "MEAN over axes that are not constant": averaged_over(
        lambda x: tf.cast(x[0, 0, 0], tf.int32)
    ),
}


@pytest.fixture(scope="module")
def refusal(convert):
    """What is said of a file with all that GPUs refuse."""
    with pytest.raises(ArtifactError) as error:
        delegates.assert_gpu_ready(convert(SQUARE, *REFUSED.values()))
    return str(error.value)


@pytest.mark.parametrize("reason", REFUSED)
def test_what_gpus_refuse_is_named(refusal, reason):
    assert re.search(rf"\b{re.escape(reason)}", refusal)


def test_close_relatives_of_what_gpus_refuse_pass(convert):
    relatives = (
        padded("REFLECT"),
        padded("CONSTANT"),
        resized(align_corners=True),
        resized(half_pixel_centers=True),
        averaged_over(lambda x: (1, 2)),
        lambda x: tf.nn.avg_pool2d(x[:, 1:7, 2:6], 2, 2, "VALID"),
        lambda x: tf.concat([x, tf.nn.leaky_relu(x)], axis=-1),
    )
    delegates.assert_gpu_ready(convert(SQUARE, *relatives))


def test_depth_to_space_of_one_pixel_is_refused(float32_file):
    def one_pixel(model):
        model.subgraphs[0].operators[-1].builtinOptions.blockSize = 1

    with pytest.raises(
        ArtifactError, match="DEPTH_TO_SPACE with blocks of one"
    ):
        delegates.assert_gpu_ready(edited(float32_file, one_pixel))


def test_dequantizing_16_bit_integers_is_refused(float16_file):
    def of_int16(model):
        weights = model.subgraphs[0].operators[0].inputs[0]
        model.subgraphs[0].tensors[weights].type = 7  # INT16 in the schema.

    with pytest.raises(ArtifactError, match="DEQUANTIZE of 16-bit integers"):
        delegates.assert_gpu_ready(edited(float16_file, of_int16))


def test_all_that_gpus_refuse_is_named_at_once(open_file):
    with pytest.raises(ArtifactError) as error:
        delegates.assert_gpu_ready(open_file)
    inputs = "`signature_0_x:0`", "`signature_1_x:0`"
    for each in ("open sizes", *inputs, "ops (SHAPE"):
        assert each in str(error.value)


# The CPU.


def plan_by_default(tflite, shape):
    """What LiteRT hands to XNNPACK, with the ops in as few parts as it makes.

    A part is what lies between its outputs and its inputs.
    """
    interpreter = Interpreter(model_content=tflite)
    interpreter.resize_tensor_input(0, shape)
    interpreter.allocate_tensors()
    details = interpreter._get_ops_details()
    parts = [op for op in details if op["op_name"] == "DELEGATE"]
    ops = [op for op in details if op["op_name"] != "DELEGATE"]
    makers = {output: op["index"] for op in ops for output in op["outputs"]}
    found = set()
    for part in parts:
        tensors = list(part["outputs"])
        while tensors:
            tensor = tensors.pop()
            if tensor not in part["inputs"] and tensor in makers:
                found.add(makers[tensor])
                tensors.extend(ops[makers[tensor]]["inputs"])
    return [op["op_name"] for op in ops if op["index"] in found]


@pytest.fixture(scope="module")
def open_network_file(convert):
    return convert(ANY_SIZE, lambda x: doubled(network(x)))


@pytest.mark.parametrize(
    ("file", "sizes"),
    [
        ("float32_file", SQUARE),
        ("summed_file", SQUARE),
        ("open_file", (1, 12, 16, 1)),
        ("open_network_file", (1, 12, 16, 1)),
    ],
)
def test_xnnpack_runs_what_litert_hands_it_by_default(request, file, sizes):
    tflite = request.getfixturevalue(file)
    plan = delegates.cpu_plan(tflite, "signature_0", {"x": sizes})
    assert plan.delegated == plan_by_default(tflite, sizes)
    ops = flatbuffer.operators(tflite)["signature_0"]
    assert sorted(plan.delegated + plan.others) == sorted(ops)


def test_xnnpack_takes_all_of_a_network_of_fixed_size(float32_file):
    plan = delegates.cpu_plan(float32_file, "signature_0", {})
    assert plan.delegated == ["CONV_2D", "CONV_2D", "TANH", "DEPTH_TO_SPACE"]
    assert not plan.others


def test_what_xnnpack_does_not_take_is_told_apart(summed_file):
    # CUMSUM is not among the ops that XNNPACK's documentation lists.
    plan = delegates.cpu_plan(summed_file, "signature_0", {})
    assert plan == delegates.CpuPlan(["CONV_2D", "TANH"], ["CUMSUM"])


def test_unpacking_float16_weights_is_not_counted(float32_file, float16_file):
    assert "DEQUANTIZE" in flatbuffer.operators(float16_file)["signature_0"]
    assert delegates.cpu_plan(
        float16_file, "signature_0", {}
    ) == delegates.cpu_plan(float32_file, "signature_0", {})


def test_the_second_signature_has_a_plan_of_its_own(open_file):
    sizes = {"x": (1, 12, 16, 1)}
    first = delegates.cpu_plan(open_file, "signature_0", sizes)
    second = delegates.cpu_plan(open_file, "signature_1", sizes)
    assert first == delegates.CpuPlan(["TANH"], [])
    assert second.others[-1] == "RESIZE_BILINEAR"


def test_a_signature_that_is_not_there_is_an_error(float32_file):
    with pytest.raises(ArtifactError, match=r"`colorize`.*\['signature_0'\]"):
        delegates.cpu_plan(float32_file, "colorize", {})


def test_sizes_that_the_model_does_not_take_are_an_error(float32_file):
    with pytest.raises(ArtifactError, match="take other sizes"):
        delegates.cpu_plan(float32_file, "signature_0", {"x": (1, 9, 9, 1)})


def test_what_litert_cannot_run_is_an_error(flex_file):
    with pytest.raises(ArtifactError, match="FlexErf"):
        delegates.cpu_plan(flex_file, "signature_0", {})

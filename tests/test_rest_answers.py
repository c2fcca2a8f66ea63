"""Answers to predict requests, as TF Serving documents and tests them."""

import base64
import ctypes
import json

import numpy as np
import pytest

from keras_colorizer.serving.rest.predict import PredictBody
from keras_colorizer.serving.rest.status import RestError

ROW = b'{"instances": [0]}'
COLUMNAR = b'{"inputs": [0]}'


def strings(values):
    """Returns an array of objects, as the answer wants it."""
    return np.array(values, object)


def answer(request, **outputs):
    outputs = {
        name: value if isinstance(value, np.ndarray) else np.array(value)
        for name, value in outputs.items()
    }
    return json.loads(PredictBody.read(request).answer(outputs))


INTS = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


@pytest.mark.parametrize(
    ("outputs", "rows", "columns"),
    [
        ({"y": INTS}, INTS, INTS),
        (
            {"y": [1, 2], "z": [[True], [False]]},
            [{"y": 1, "z": [True]}, {"y": 2, "z": [False]}],
            {"y": [1, 2], "z": [[True], [False]]},
        ),
        (
            {"s": strings([b"p", b"\xc3\xa9\n"])},
            ["p", "é\n"],
            ["p", "é\n"],
        ),
        (
            {"s_bytes": strings([[b"hello"], [b"\xff\x00"]])},
            [[{"b64": "aGVsbG8="}], [{"b64": "/wA="}]],
            [[{"b64": "aGVsbG8="}], [{"b64": "/wA="}]],
        ),
        (
            {"s_bytes": strings([b"p"]), "n%s_bytes": [1]},
            [{"s_bytes": {"b64": "cA=="}, "n%s_bytes": 1}],
            {"s_bytes": [{"b64": "cA=="}], "n%s_bytes": [1]},
        ),
        ({"y": np.zeros((0, 2), "float32")}, [], []),
        ({"y": np.zeros((2, 0, 3), "float32")}, [[], []], [[], []]),
        ({"y": np.zeros((2, 2, 0))}, [[[], []]] * 2, [[[], []]] * 2),
        (
            {"y": np.zeros((0, 1)), "z": np.zeros((0, 2, 2), "int32")},
            [],
            {"y": [], "z": []},
        ),
        ({"y": np.uint8([[0, 255]])}, [[0, 255]], [[0, 255]]),
        ({"y": np.int8([-128])}, [-128], [-128]),
        ({"y": np.uint64([2**64 - 1])}, [2**64 - 1], [2**64 - 1]),
        ({"y": np.int64([-(2**63)])}, [-(2**63)], [-(2**63)]),
    ],
)
def test_outputs_in_both_formats(outputs, rows, columns):
    assert answer(ROW, **outputs) == {"predictions": rows}
    assert answer(COLUMNAR, **outputs) == {"outputs": columns}


@pytest.mark.parametrize(
    ("output", "value"),
    [
        (np.float32(2.5), 2.5),
        (np.int32(7), 7),
        (np.bool_(True), True),
        (np.array(b"text", object), "text"),
    ],
)
def test_columns_may_be_scalars(output, value):
    assert answer(COLUMNAR, y=np.asarray(output)) == {"outputs": value}


def test_columns_may_differ_in_length():
    assert answer(COLUMNAR, y=[1], z=[1.5, 2.5]) == {
        "outputs": {"y": [1], "z": [1.5, 2.5]}
    }


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"y": 1.0}, "Tensor name: y has no shape information "),
        (
            {"y": [1, 2], "z": [1]},
            "Tensor name: z has inconsistent batch size: 1 expecting: 2",
        ),
        (
            {"y": np.zeros((0, 2)), "z": np.zeros((1, 2))},
            "Tensor name: z has inconsistent batch size: 1 expecting: 0",
        ),
        ({}, "Cannot convert empty tensor map to JSON"),
        (
            {"y": np.float16([1])},
            "Failed to write JSON value for tensor type: half",
        ),
        (
            {"y": np.complex64([1])},
            "Failed to write JSON value for tensor type: complex64",
        ),
        (
            {"y": np.uint16([1])},
            "Failed to write JSON value for tensor type: uint16",
        ),
    ],
)
def test_outputs_without_row_format(outputs, message):
    with pytest.raises(RestError) as refused:
        answer(ROW, **outputs)
    assert (refused.value.message, refused.value.http_status) == (message, 400)


def test_text_that_is_not_utf8_passes_through():
    body = PredictBody.read(ROW).answer({"s": strings([b"\xff"])})
    assert body == b'{"predictions": ["\xff"]}'


@pytest.mark.parametrize("shape", [(5,), (4, 1), (2, 3, 4), (3, 1, 1, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_nesting_is_the_shape(rng, shape, dtype):
    values = (100 * rng.random(shape)).astype(dtype)
    alone = answer(ROW, y=values)["predictions"]
    pairs = answer(ROW, y=values, z=values)["predictions"]
    columns = answer(COLUMNAR, y=values)["outputs"]
    for nested in (alone, [pair["z"] for pair in pairs], columns):
        decoded = np.array(nested)
        assert decoded.shape == shape
        np.testing.assert_array_equal(decoded.astype(dtype), values)


def printed(values):
    """Returns the texts of numbers in an answer."""
    body = PredictBody.read(ROW).answer({"y": values})
    return body.decode().removeprefix('{"predictions": [')[:-2].split(", ")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (9_000_000, "9e+06"),
        (999_999, "999999.0"),
        (0.5, "0.5"),
        (0.0003, "0.0003"),
        (0.00003, "3e-05"),
        (555_557.5, "555557.5"),
        (0.1, "0.1"),
        (1 / 3, "0.333333343"),
        (16_777_216, "16777216.0"),
        (717_887_168, "717887168.0"),
        (1_435_774_336, "1.43577434e+09"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (np.nan, "NaN"),
        (np.inf, "Infinity"),
        (-np.inf, "-Infinity"),
    ],
)
def test_float32_has_six_digits_if_they_tell_it_and_nine_if_not(number, text):
    assert printed(np.float32([number])) == [text]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.33333333333333331"),
        (123_456, "123456.0"),
        (1_234_567, "1234567.0"),
        (1e16 + 2, "10000000000000002.0"),
        (1e300, "1e+300"),
    ],
)
def test_float64_has_six_digits_if_they_tell_it_and_17_if_not(number, text):
    assert printed(np.float64([number])) == [text]


LIBC = ctypes.CDLL(None)


def c_text(value, n_digits):
    """Prints a number with the C library's `%.*g`, as TF Serving does."""
    text = ctypes.create_string_buffer(64)
    LIBC.snprintf(text, 64, b"%.*g", n_digits, ctypes.c_double(value))
    return text.value.decode()


def edge_cases(dtype):
    """Returns numbers at which six digits just tell them, or just do not."""
    powers = 10.0 ** np.arange(-45, 39)
    ulps = np.arange(-3, 4) * np.finfo(dtype).eps
    digits = np.arange(999_990, 1_000_011)
    scaled = (digits[:, None] * powers[30:60]).ravel()
    exact = np.array([67_108_900, 1e5, 1e6, 8_388_607.5, 100_000.5, 1e22])
    tiny = np.array([np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny])
    around = (powers[:, None] * (1 + ulps)).ravel()
    return np.concatenate([around, scaled, exact, tiny, [3.4028234e38]])


@pytest.mark.parametrize(("dtype", "full"), [("float32", 9), ("float64", 17)])
def test_numbers_are_printed_as_in_c(rng, dtype, full):
    bits = rng.integers(0, 256, 8 * 4000, dtype=np.uint8).view(dtype)
    with np.errstate(all="ignore"):
        rounded = np.round(rng.normal(size=4000), 4) * 10.0 ** rng.integers(
            -12, 20, 4000
        )
        values = np.concatenate([bits, rounded, edge_cases(dtype)])
        values = values.astype(dtype)[np.isfinite(values.astype(dtype))]
    for value, text in zip(values, printed(values), strict=True):
        expected = c_text(value, 6)
        if np.dtype(dtype).type(expected) != value:
            expected = c_text(value, full)
        if "." not in expected and "e" not in expected:
            expected += ".0"
        assert text == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_survive_the_way_there_and_back(rng, dtype):
    values = rng.normal(size=(50, 20)).astype(dtype)
    returned = answer(ROW, y=values)["predictions"]
    np.testing.assert_array_equal(np.array(returned, dtype), values)


def test_a_photo_of_megabytes_arrives_intact(rng):
    photo = rng.bytes(2_000_000)
    item = answer(ROW, image_bytes=strings([photo]))["predictions"][0]
    assert base64.b64decode(item["b64"]) == photo


def test_a_million_numbers_are_printed(rng):
    values = rng.random((1, 512, 651, 3), dtype=np.float32)
    returned = answer(ROW, y=values)["predictions"]
    np.testing.assert_array_equal(np.array(returned, "float32"), values)

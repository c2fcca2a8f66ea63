"""Bodies of predict requests, as TF Serving documents and tests them.

Each row of a table is a body, the inputs of a signature, and what TF Serving's
`json_tensor.cc` makes of them.
"""

import base64
import json
import math

import numpy as np
import pytest

from keras_colorizer.serving.rest.predict import PredictBody
from keras_colorizer.serving.rest.status import Code, RestError

FLOAT = {"x": "float"}
INT32 = {"x": "int32"}
STRING = {"x": "string"}
TWO = {"a": "int32", "s": "string"}


def tensors(body, inputs):
    return PredictBody.read(body.encode()).tensors(inputs)


@pytest.mark.parametrize(
    ("body", "inputs", "expected"),
    [
        ('{"instances": [1.0, 2, 3e0]}', FLOAT, [1, 2, 3]),
        ('{"instances": [[1, 2], [3, 4]]}', FLOAT, [[1, 2], [3, 4]]),
        ('{"instances": [{"x": 3}, {"x": 4}]}', FLOAT, [3, 4]),
        ('{"instances": [[], []]}', FLOAT, np.empty((2, 0))),
        ('{"instances": [1], "extra": {"y": 1}}', FLOAT, [1]),
        ('{"instances": [1], "instances": [2]}', FLOAT, [1]),
        ('{"instances": [{"x": 1, "x": 2}]}', FLOAT, [1]),
        ('{"instances": [1]} trailing', FLOAT, [1]),
        ('{"inputs": [3, 4]}', FLOAT, [3, 4]),
        ('{"inputs": {"x": [3, 4]}}', FLOAT, [3, 4]),
        ('{"inputs": {"x": [3], "y": 1}}', FLOAT, [3]),
        ('{"inputs": 1.5}', FLOAT, 1.5),
        ('{"inputs": []}', FLOAT, np.empty(0)),
        ('{"inputs": [[[1], [2]]]}', FLOAT, [[[1], [2]]]),
        ('{"instances": [1435774380]}', FLOAT, [1435774336]),
        ('{"instances": [18446744073709551616]}', FLOAT, [2.0**64]),
        ('{"instances": [1.797e308, -1.797e308]}', FLOAT, [np.inf, -np.inf]),
        ('{"instances": [NaN, Infinity]}', FLOAT, [np.nan, np.inf]),
    ],
)
def test_floats(body, inputs, expected):
    x = tensors(body, inputs)["x"]
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("double", "[0.1, 1435774380, 1e300]", [0.1, 1435774380, 1e300]),
        ("int8", "[-1, 127, 128, 300]", [-1, 127, -128, 44]),
        ("int16", "[-32768, 32768]", [-32768, -32768]),
        ("int32", "[-2147483648, 2147483647, -0]", [-(2**31), 2**31 - 1, 0]),
        ("int64", "[-9223372036854775808]", [-(2**63)]),
        ("int64", "[9223372036854775807]", [2**63 - 1]),
        ("uint8", "[255, 300, -1]", [255, 44, 255]),
        ("uint32", "[4294967295]", [2**32 - 1]),
        ("uint64", "[18446744073709551615, 0]", [2**64 - 1, 0]),
        ("bool", "[true, false]", [True, False]),
    ],
)
@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_types(key, dtype, values, expected):
    x = tensors(f'{{"{key}": {values}}}', {"x": dtype})["x"]
    assert x.dtype == np.dtype({"double": "float64"}.get(dtype, dtype))
    np.testing.assert_array_equal(x, np.array(expected, x.dtype))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"instances": ["plain", {"b64": "aGVsbG8="}]}', [b"plain", b"hello"]),
        ('{"instances": [{"x": {"b64": "aGVsbG8="}}]}', [b"hello"]),
        ('{"instances": [[{"b64": "aGVsbG8="}, "a"]]}', [[b"hello", b"a"]]),
        ('{"inputs": [{"b64": "aGVsbG8="}]}', [b"hello"]),
        ('{"inputs": {"b64": "aGVsbG8="}}', b"hello"),
        ('{"inputs": {"x": {"b64": "aGVsbG8="}}}', b"hello"),
        ('{"inputs": "aGVsbG8="}', b"aGVsbG8="),
        ('{"inputs": "\\u00e9\\u0000"}', b"\xc3\xa9\x00"),
        ('{"inputs": {"b64": ""}}', b""),
        ('{"inputs": {"b64": "aGVsbG8"}}', b"hello"),
        ('{"inputs": {"b64": "aGVs bG8.\\n"}}', b"hello"),
        ('{"inputs": {"b64": "+/+/"}}', b"\xfb\xff\xbf"),
    ],
)
def test_strings(body, expected):
    x = tensors(body, STRING)["x"]
    assert x.dtype == object
    assert x.tolist() == expected


def test_bytes_that_are_not_utf8_reach_a_string_as_they_are():
    body = PredictBody.read(b'{"inputs": "\xff\xd8"}')
    assert body.tensors(STRING)["x"].item() == b"\xff\xd8"


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": [{"a": 1, "s": "p"}, {"s": "q", "a": 2}]}',
        '{"inputs": {"s": ["p", "q"], "a": [1, 2]}}',
    ],
)
def test_several_inputs(body):
    both = tensors(body, TWO)
    assert both["a"].tolist() == [1, 2]
    assert both["s"].tolist() == [b"p", b"q"]


def test_columns_may_differ_in_length():
    both = tensors('{"inputs": {"a": [[1]], "s": ["x", "y"]}}', TWO)
    assert (both["a"].shape, both["s"].shape) == ((1, 1), (2,))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"signature_name": "s"}', "s"),
        ('{"signature_name": ""}', "serving_default"),
        ("{}", "serving_default"),
    ],
)
def test_the_signature_is_known_before_the_tensors(body, name):
    assert PredictBody.read(body.encode()).signature_name == name


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[1, 2]", "JSON Value: [1, 2] Is not object"),
        ("null", "JSON Value: null Is not object"),
        ("1.5", "JSON Value: 1.5 Is not object"),
        (
            '{"signature_name": 100}',
            'JSON Value: {\n    "signature_name": 100\n} not formatted '
            "correctly. 'signature_name' key must be a string value.",
        ),
        ("instances", "JSON Parse error: Invalid value. at offset: 0"),
    ],
)
def test_what_is_refused_before_the_model_is_known(body, message):
    with pytest.raises(RestError) as refused:
        PredictBody.read(body.encode())
    assert (refused.value.message, refused.value.http_status) == (message, 400)


@pytest.mark.parametrize(
    ("body", "inputs", "message"),
    [
        ("{}", FLOAT, "Missing 'inputs' or 'instances' key"),
        (
            '{"instances":[1],"inputs":[1]}',
            FLOAT,
            'JSON Value: {\n    "instances": [1],\n    "inputs": [1]\n} Not '
            "formatted correctly expecting only one of 'inputs' or "
            "'instances' keys to exist ",
        ),
        (
            '{"instances":1}',
            FLOAT,
            "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to "
            "be an list/array",
        ),
        (
            '{"instances":[]}',
            FLOAT,
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' "
            "array",
        ),
        ("{}", {}, "Failed to get input map for signature: DEFAULT"),
        (
            '{"signature_name":"none"}',
            {},
            "Failed to get input map for signature: none",
        ),
        (
            '{"instances":[1]}',
            TWO,
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map",
        ),
        (
            '{"inputs":[1]}',
            TWO,
            "inputs is a plain value/list, but expecting an object as multiple "
            "input tensors required as per tensorinfo_map",
        ),
        (
            '{"instances":[{"b64":"aA=="}]}',
            {"s": "string", "a": "int32"},
            "input size does not match signature: 1!=2 len({s}) != len({a,s}). "
            "Sent extra: {}. Missing but required: {a}.",
        ),
        (
            '{"inputs":{"a":1}}',
            TWO,
            "Missing named input: s in 'inputs' object.",
        ),
        (
            '{"instances":[{"x":1},2]}',
            FLOAT,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            '{"instances":[{"b64":5},{"b64":"aA=="}]}',
            {"b64": "int32"},
            "Expecting object but got list at item 1 of input list",
        ),
        (
            '{"instances":[1,{"x":1}]}',
            FLOAT,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            '{"instances":[{"a":1,"s":"p"},{"a":1}]}',
            {"s": "string", "a": "int32"},
            "Failed to process element: 1 of 'instances' list. JSON object: "
            '{\n    "a": 1\n} keys must be equal to: a,s',
        ),
    ],
)
def test_bodies_that_do_not_fit_the_signature(body, inputs, message):
    with pytest.raises(RestError) as refused:
        tensors(body, inputs)
    assert (refused.value.message, refused.value.http_status) == (message, 400)


OBJECT = '{\n    "b": 1\n}'


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        ('"x"', "float", 'JSON Value: "x" Type: String is not of expected'),
        ("true", "float", "JSON Value: true Type: True is not of expected"),
        ("false", "float", "JSON Value: false Type: False is not of expected"),
        ("null", "float", "JSON Value: null Type: Null is not of expected"),
        ('{"b":1}', "float", f"JSON Value: {OBJECT} Type: Object is not of"),
        ("1.0", "int32", "JSON Value: 1.0 Type: Number is not of expected"),
        ("1e1", "int64", "JSON Value: 10.0 Type: Number is not of expected"),
        ("NaN", "int32", "JSON Value: NaN Type: Number is not of expected"),
        ("true", "int32", "JSON Value: true Type: True is not of expected"),
        ("1", "bool", "JSON Value: 1 Type: Number is not of expected"),
        ("5", "string", "JSON Value: 5 Type: Number is not of expected"),
        ("2147483648", "int32", "JSON Value: 2147483648 Type: Number is not"),
        ("-2147483649", "uint8", "JSON Value: -2147483649 Type: Number is not"),
        ("9223372036854775808", "int64", "JSON Value: 9223372036854775808 T"),
        ("-1", "uint32", "JSON Value: -1 Type: Number is not of expected"),
        ("-1", "uint64", "JSON Value: -1 Type: Number is not of expected"),
        ("18446744073709551616", "uint64", "JSON Value: 1.84467441e+19 Type"),
        ('{"b":1}', "string", f"JSON Value: {OBJECT} not formatted correctly"),
        ('{"b64":"***"}', "string", "Unable to base64 decode"),
        ('{"b64":"-_-_"}', "string", "Unable to base64 decode"),
        ('{"b64":"aGVsb"}', "string", "Unable to base64 decode"),
        ('{"b64":"aGVsbG8=="}', "string", "Unable to base64 decode"),
        ('{"b64":"aGVs===="}', "string", "Unable to base64 decode"),
        ('{"b64":"aGVs="}', "string", "Unable to base64 decode"),
        ('{"b64":"a=Vs"}', "string", "Unable to base64 decode"),
        ('{"b64":"\\u00e9"}', "string", "Unable to base64 decode"),
    ],
)
def test_values_of_other_types(value, dtype, message):
    with pytest.raises(RestError) as columnar:
        tensors(f'{{"inputs": {{"x": [{value}]}}}}', {"x": dtype})
    assert columnar.value.message.startswith(message)
    if "Type:" in columnar.value.message:
        assert columnar.value.message.endswith(f"of expected type: {dtype}")
    with pytest.raises(RestError) as row:
        tensors(f'{{"instances": [{{"x": {value}}}]}}', {"x": dtype})
    assert row.value.message == (
        "Failed to process element: 0 key: x of 'instances' list. Error: "
        f"INVALID_ARGUMENT: {columnar.value.message}"
    )


@pytest.mark.parametrize("dtype", ["half", "bfloat16", "complex64", "uint16"])
def test_types_without_json_form(dtype):
    with pytest.raises(RestError) as columnar:
        tensors('{"inputs": [1.5]}', {"x": dtype})
    message = f"Conversion of JSON Value: 1.5 to type: {dtype}"
    assert columnar.value.message == message
    assert columnar.value.http_status == 501
    with pytest.raises(RestError) as row:
        tensors('{"instances": [1.5]}', {"x": dtype})
    assert row.value.code is Code.INVALID_ARGUMENT
    assert row.value.message == (
        "Failed to process element: 0 of 'instances' list. Error: "
        f"UNIMPLEMENTED: {message}"
    )


@pytest.mark.parametrize(
    ("instances", "i", "message"),
    [
        ("[[1,2],[3,4],[5,6,7]]", 2, "Expecting tensor size: 2 but got: 3"),
        ("[[1,2],[3,4],[[5,6]]]", 2, "Expecting shape [2] but got: [1,2]"),
        ("[1,[1]]", 1, "Expecting shape [] but got: [1]"),
        ("[[1],2]", 1, "Expecting shape [1] but got: []"),
        ("[[],[1]]", 1, "Expecting tensor size: 0 but got: 1"),
        (
            "[[[1,2],[3]]]",
            0,
            "Encountered list at unexpected size: 1 at level: 1 expected size: "
            "2",
        ),
        (
            "[[1,[2]]]",
            0,
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            "[[[1],2]]",
            0,
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. "
            "Expected at level: 2",
        ),
        (
            '[[1,2],["a","b"]]',
            1,
            'JSON Value: "a" Type: String is not of expected type: int32',
        ),
        (
            '[[1,"a"],[2]]',
            0,
            'JSON Value: "a" Type: String is not of expected type: int32',
        ),
    ],
)
def test_instances_of_other_shapes(instances, i, message):
    with pytest.raises(RestError) as refused:
        tensors(f'{{"instances": {instances}}}', INT32)
    assert refused.value.message == (
        f"Failed to process element: {i} of 'instances' list. Error: "
        f"INVALID_ARGUMENT: {message}"
    )


def test_an_unknown_input_is_named():
    with pytest.raises(RestError) as refused:
        tensors('{"instances": [{"zzz": 1}]}', FLOAT)
    assert refused.value.message == (
        "Failed to process element: 0 key: zzz of 'instances' list. Error: "
        "INVALID_ARGUMENT: JSON object: does not have named input: zzz"
    )


@pytest.mark.parametrize("value", ['{"b64": 5}', '{"b64": "aA==", "x": 1}'])
def test_an_object_that_is_not_base64_names_inputs(value):
    with pytest.raises(RestError, match="does not have named input: b64$"):
        tensors(f'{{"instances": [{value}]}}', STRING)


@pytest.mark.parametrize("depth", [64, 65, 100_000])
@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_too_many_dimensions_are_refused(key, depth):
    body = f'{{"{key}": {"[" * (depth + 1)}1{"]" * (depth + 1)}}}'
    with pytest.raises(RestError, match="tensor parsing error: x$"):
        tensors(body, FLOAT)


@pytest.mark.parametrize("fault", ['"x"', "[1]", "null", '{"x": 1}'])
@pytest.mark.parametrize("i", [0, 1, 500, 999])
def test_the_first_of_several_faults_is_reported(fault, i):
    values = ["1"] * 1000
    for j in (i, 999):
        values[j] = fault
    with pytest.raises(RestError) as refused:
        tensors(f'{{"instances": [{",".join(["0", *values])}]}}', FLOAT)
    assert (
        f"element: {i + 1} of" in refused.value.message
        or f"item {i + 1} of" in refused.value.message
    )


@pytest.mark.parametrize("last", ['"x"', "[1]", '{"x": 1}'])
def test_a_fault_behind_many_values_is_found(last):
    body = f'{{"instances": [{"0.5," * 100_000}{last}]}}'
    with pytest.raises(RestError, match="100000 of"):
        tensors(body, FLOAT)


def test_a_photo_of_megabytes_arrives_intact(rng):
    photo = rng.bytes(2_000_001)
    body = json.dumps(
        {"instances": [{"b64": base64.b64encode(photo).decode()}]}
    )
    assert tensors(body, STRING)["x"].tolist() == [photo]


def test_the_json_is_let_go_once_it_was_read():
    body = PredictBody.read(b'{"instances": [1]}')
    body.tensors(FLOAT)
    assert not body.document
    assert (
        body.answer({"y": np.zeros(1, "float32")}) == b'{"predictions": [0.0]}'
    )


def test_nan_survives():
    assert math.isnan(tensors('{"inputs": NaN}', FLOAT)["x"])

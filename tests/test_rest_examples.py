"""Classify and regress, as TF Serving documents and tests them."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_colorizer.serving.rest.examples import (
    ExamplesBody,
    check_signature,
    classify_answer,
    regress_answer,
)
from keras_colorizer.serving.rest.metadata import Signature, TensorInfo
from keras_colorizer.serving.rest.status import RestError


def feature(values):
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def example(**features):
    by_name = {name: feature(values) for name, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=by_name))


def read(body):
    return ExamplesBody.read(body.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"x": 80.0}', example(x=[80.0])),
        ('{"x": [8.0, 0.1]}', example(x=[8.0, 0.1])),
        ('{"x": [1, -1, true, false]}', example(x=[1, -1, 1, 0])),
        (
            '{"x": [9223372036854775807, -9223372036854775808]}',
            example(x=[2**63 - 1, -(2**63)]),
        ),
        ('{"x": "foo", "y": ["b", {"b64": "aGVsbG8="}]}', None),
        ('{"x": "é"}', example(x=["é".encode()])),
        ("{}", example()),
        ('{"x": 18446744073709551616}', example(x=[2.0**64])),
    ],
)
def test_examples_are_protos(value, expected):
    if expected is None:
        expected = example(x=[b"foo"], y=[b"b", b"hello"])
    [serialized] = read(f'{{"examples": [{value}]}}').examples
    assert tf.train.Example.FromString(serialized) == expected


def test_long_lists_and_names_are_protos():
    body = {"examples": [{"n" * 300: list(range(1000)), "f": [0.5] * 1000}]}
    [serialized] = read(json.dumps(body)).examples
    assert tf.train.Example.FromString(serialized) == example(
        **{"n" * 300: list(range(1000)), "f": [0.5] * 1000}
    )


def test_an_empty_list_is_a_feature_without_kind():
    [serialized] = read('{"examples": [{"x": []}]}').examples
    features = tf.train.Example.FromString(serialized).features.feature
    assert features["x"].WhichOneof("kind") is None


def test_numbers_too_large_for_float32_become_infinite():
    [serialized] = read('{"examples": [{"x": [1e300, NaN]}]}').examples
    features = tf.train.Example.FromString(serialized).features.feature
    np.testing.assert_array_equal(
        features["x"].float_list.value, [np.inf, np.nan]
    )


def test_the_context_is_part_of_every_example():
    body = read('{"context": {"q": "pizza"}, "examples": [{"a": 1}, {"a": 2}]}')
    for serialized, a in zip(body.examples, (1, 2), strict=True):
        parsed = tf.train.Example.FromString(serialized)
        assert parsed == example(q=[b"pizza"], a=[a])


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"signature_name": "s", "examples": [{}]}', "s"),
        ('{"examples": [{}]}', "serving_default"),
    ],
)
def test_the_signature_is_named(body, name):
    assert read(body).signature_name == name


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("[1]", "JSON Value: [1] Is not object"),
        (
            '{"signature_name":["s"]}',
            'JSON Value: {\n    "signature_name": ["s"]\n} not formatted '
            "correctly. 'signature_name' key must be a string value.",
        ),
        ('{"context":[1]}', "Example must be JSON object but got JSON Array"),
        (
            "{}",
            "JSON Value: {} When method is classify, key 'examples' is "
            "expected and was not found",
        ),
        (
            '{"examples":{}}',
            "JSON Value: {\n    \"examples\": {}\n} Expecting 'examples' value "
            "to be an list/array",
        ),
        (
            '{"examples":[]}',
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an "
            "empty array",
        ),
        (
            '{"examples":[1]}',
            "Example must be JSON object but got JSON Number",
        ),
        (
            '{"examples":[{"n":[10,null]}]}',
            "Feature: n has element with unexpected JSON type: Null",
        ),
        (
            '{"examples":[{"n":{"test":10}}]}',
            "Feature: n has element with unexpected JSON type: Object",
        ),
        (
            '{"examples":[{"n":[[10],20]}]}',
            "Feature: n has element with unexpected JSON type: Array",
        ),
        (
            '{"examples":[{"n":[10,10.0]}]}',
            "Unexpected element type in feature: n expecting type: int64",
        ),
        (
            '{"examples":[{"n":[10.0,"a"]}]}',
            "Unexpected element type in feature: n expecting type: float",
        ),
        (
            '{"examples":[{"n":["a",true]}]}',
            "Unexpected element type in feature: n expecting type: bytes",
        ),
        (
            '{"examples":[{"n":[20,18446744073709551603]}]}',
            "Feature: n has uint64_t element. Only int64_t is supported.",
        ),
        ('{"examples":[{"n":{"b64":"*"}}]}', "Unable to base64 decode"),
    ],
)
def test_bodies_without_examples_are_refused(body, message):
    with pytest.raises(RestError) as refused:
        read(body)
    assert (refused.value.message, refused.value.http_status) == (message, 400)


TENSOR = TensorInfo("t:0", "DT_FLOAT", (-1, 1))


def signature(inputs, outputs):
    return Signature(
        dict.fromkeys(inputs, TENSOR), dict.fromkeys(outputs, TENSOR)
    )


@pytest.mark.parametrize(
    ("method", "outputs"),
    [
        ("classify", ["scores"]),
        ("classify", ["classes"]),
        ("classify", ["classes", "scores"]),
        ("regress", ["outputs"]),
    ],
)
def test_fitting_signatures_are_taken_whatever_their_method(method, outputs):
    check_signature(method, "s", {"s": signature(["inputs"], outputs)})


@pytest.mark.parametrize(
    ("method", "inputs", "outputs", "message"),
    [
        ("classify", ["a", "b"], ["scores"], "Expected one input Tensor."),
        (
            "classify",
            ["inputs"],
            ["a", "b", "c"],
            "Expected one or two output Tensors, found 3",
        ),
        (
            "classify",
            ["x"],
            ["scores"],
            "No classification inputs found in SignatureDef: ",
        ),
        (
            "classify",
            ["inputs"],
            ["y"],
            "Expected classification signature outputs to contain at least one "
            'of "classes" or "scores". Signature was: ',
        ),
        ("regress", ["a", "b"], ["outputs"], "Expected one input Tensor."),
        ("regress", ["inputs"], ["a", "b"], "Expected one output Tensor."),
        (
            "regress",
            ["x"],
            ["outputs"],
            "No regression inputs found in SignatureDef: ",
        ),
        (
            "regress",
            ["inputs"],
            ["y"],
            "No regression outputs found in SignatureDef: ",
        ),
    ],
)
def test_other_signatures_are_refused(method, inputs, outputs, message):
    with pytest.raises(RestError) as refused:
        check_signature(method, "s", {"s": signature(inputs, outputs)})
    assert refused.value.message.startswith(message)
    assert refused.value.http_status == 400


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_an_unknown_signature_is_named(method):
    with pytest.raises(RestError) as refused:
        check_signature(method, "nope", {})
    assert refused.value.message == (
        "No signature was found with the name: nope"
    )


LABELS = np.array([[b"car", b"bus"]], object)
SCORES = np.float32([[0.2, 0.7]])


@pytest.mark.parametrize(
    ("outputs", "result"),
    [
        ({"classes": LABELS, "scores": SCORES}, [["car", 0.2], ["bus", 0.7]]),
        ({"scores": SCORES}, [["", 0.2], ["", 0.7]]),
        ({"classes": LABELS}, [["car", 0.0], ["bus", 0.0]]),
    ],
)
def test_classes_have_scores(outputs, result):
    body = classify_answer(outputs, n_examples=1)
    assert json.loads(body) == {"results": [result]}


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_regression_has_one_value_an_example(shape):
    values = np.float32([0.2, np.inf, 42]).reshape(shape)
    body = regress_answer({"outputs": values}, n_examples=3)
    assert body == b'{"results": [0.2, Infinity, 42.0]}'


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {"scores": SCORES[0]},
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        (
            {"scores": SCORES.astype("float64")},
            "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
        ),
        (
            {"classes": SCORES},
            "Expected classes Tensor of DT_STRING. Got: DT_FLOAT",
        ),
        (
            {"scores": np.float32([[1], [2]])},
            "Expected scores output batch size of 1. Got: 2",
        ),
        (
            {"classes": LABELS, "scores": SCORES[:, :1]},
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
    ],
)
def test_other_outputs_do_not_classify(outputs, message):
    with pytest.raises(RestError) as refused:
        classify_answer(outputs, n_examples=1)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.float32([[1, 2]]),
            "Expected output Tensor shape to be either [batch_size] or "
            "[batch_size, 1] but got [1,2]",
        ),
        (
            np.float32(1),
            "Expected output Tensor shape to be either [batch_size] or "
            "[batch_size, 1] but got []",
        ),
        (
            np.float32([1, 2]),
            "Input batch size did not match output batch size: 1 vs. 2",
        ),
        (
            np.int32([1]),
            "Expected output Tensor of DT_FLOAT.  Got: DT_INT32",
        ),
    ],
)
def test_other_outputs_do_not_regress(values, message):
    with pytest.raises(RestError) as refused:
        regress_answer({"outputs": values}, n_examples=1)
    assert refused.value.message == message

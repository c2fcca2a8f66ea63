"""Targets, as TF Serving's REST API documents them."""

import pytest

from keras_colorizer.serving.rest.status import Code, RestError
from keras_colorizer.serving.rest.targets import (
    Classify,
    Metadata,
    ModelSpec,
    Predict,
    Regress,
    Status,
    parse_target,
)

MODEL = ModelSpec("m")
VERSION = ModelSpec("m", version=7)
LABEL = ModelSpec("m", label="stable")


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", "/v1/models/m:predict", Predict(MODEL)),
        ("POST", "/v1/models/m/versions/7:predict", Predict(VERSION)),
        ("POST", "/v1/models/m/labels/stable:predict", Predict(LABEL)),
        ("POST", "/v1/models/m:classify", Classify(MODEL)),
        ("POST", "/v1/models/m/versions/7:regress", Regress(VERSION)),
        ("GET", "/v1/models/m", Status(MODEL)),
        ("GET", "/v1/models/m/versions/7", Status(VERSION)),
        ("GET", "/v1/models/m/labels/stable", Status(LABEL)),
        ("GET", "/v1/models/m/metadata", Metadata(MODEL)),
        ("GET", "/v1/models/m/versions/7/metadata", Metadata(VERSION)),
        ("GET", "/v1/models/m/labels/stable/metadata", Metadata(LABEL)),
    ],
)
def test_every_documented_target_is_read(method, target, expected):
    assert parse_target(method, target) == expected


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", "/V1/Models/m:predict", Predict(MODEL)),
        ("GET", "/v1/models/m/METADATA", Status(MODEL)),
        ("GET", "/v1/models/metadata", Status(ModelSpec("metadata"))),
        ("GET", "/v1/models/m/versions/0007", Status(VERSION)),
        ("GET", "/v1/models/versions", Status(ModelSpec("versions"))),
        ("GET", "/v1/models/m?x=1", Status(ModelSpec("m?x=1"))),
    ],
)
def test_oddities_of_the_patterns_are_kept(method, target, expected):
    assert parse_target(method, target) == expected


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        ("half%5Fplus", "half_plus"),
        ("a+b", "a+b"),
        ("a%2Fb%3Ac", "a/b:c"),
        ("caf%C3%A9", "café"),
        ("100%", "100%"),
    ],
)
def test_names_and_labels_are_percent_decoded(quoted, name):
    target = f"/v1/models/{quoted}/labels/{quoted}:predict"
    assert parse_target("POST", target) == Predict(ModelSpec(name, label=name))


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/foo"),
        ("POST", "/v1/foo"),
        ("GET", "/v1/models/debug/model_name"),
        ("POST", "/v1/models"),
        ("POST", "/v1/models/foo"),
        ("GET", "/v1/models/foo:predict"),
        ("GET", "/v1/models/foo/version/50:predict"),
        ("POST", "/v1/models/foo/version/50:regress"),
        ("POST", "/v1/models/foo/versions/HELLO:regress"),
        ("POST", "/v1/models/foo/metadata"),
        ("POST", "/v1/models/foo/label/some_label:regress"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
        ("POST", "/v1/models/foo:PREDICT"),
        ("POST", "/v1/models/foo:predict/"),
        ("POST", "/v1/models/foo:predict?x=1"),
        ("POST", "/v1/models/foo:explain"),
        ("GET", "/v1/models/foo/"),
        ("GET", "/v1/models/foo/versions/abc"),
        ("GET", "/v1/models/foo/versions/"),
        ("GET", "/v1/models/foo/metadata?x=1"),
        ("PUT", "/v1/models/foo:predict"),
        ("DELETE", "/v1/models/foo"),
        ("HEAD", "/v1/models/foo"),
    ],
)
def test_all_else_is_malformed(method, target):
    with pytest.raises(RestError) as refused:
        parse_target(method, target)
    assert refused.value.message == f"Malformed request: {method} {target}"
    assert refused.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("target", ["/v1/models", "/v1/models/versions/7"])
def test_a_model_has_to_be_named(target):
    with pytest.raises(RestError, match="^Missing model name in request.$"):
        parse_target("GET", target)


@pytest.mark.parametrize("n", [2**63 - 1, 0])
def test_versions_have_63_bits(n):
    target = f"/v1/models/m/versions/{n}"
    assert parse_target("GET", target) == Status(ModelSpec("m", version=n))


@pytest.mark.parametrize("digits", [str(2**63), str(2**64), "9" * 10_000])
def test_larger_versions_are_refused(digits):
    with pytest.raises(RestError) as refused:
        parse_target("POST", f"/v1/models/m/versions/{digits}:regress")
    assert refused.value.message == (
        f"Failed to convert version: {digits} to numeric."
    )

"""TF Serving's own files, as its documentation writes them."""

from pathlib import Path

import pytest

from keras_colorizer.errors import ConfigError
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.config_files import (
    read_batching,
    read_models,
    read_monitoring,
)
from keras_colorizer.serving.models.config import (
    LATEST,
    ModelConfig,
    VersionPolicy,
)

MODELS = """
# Comments, commas and semicolons are fine.
model_config_list {
  config {
    name: 'plain', base_path: "/models/plain";
    model_platform: "tensorflow"
  }
  config: {
    name: "labeled"
    base_path: "/models/labeled/"
    model_version_policy: { specific: { versions: 42 versions: [43, 44] } }
    version_labels { key: "stable" value: 43 }
    version_labels { key: "canary" value: 44 }
  }
  config {
    name: "two" base_path: "b"
    model_version_policy { latest { num_versions: 2 } }
  }
  config { name: "every" base_path: "b" model_version_policy { all {} } }
  config { name: "none" base_path: "b" model_version_policy { latest {} } }
}
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "file.config"
        path.write_text(text)
        return path

    return write


def test_models_have_policies_and_labels(write):
    plain, labeled, *others = read_models(write(MODELS))
    assert plain == ModelConfig("plain", Path("/models/plain"), LATEST, {})
    assert labeled == ModelConfig(
        "labeled",
        Path("/models/labeled"),
        VersionPolicy(specific=frozenset({42, 43, 44})),
        {"stable": 43, "canary": 44},
    )
    policies = [model.policy for model in others]
    assert policies == [VersionPolicy(latest=2), VersionPolicy(), LATEST]


def test_batching_parameters_are_read(write):
    path = write(
        "max_batch_size { value: 128 } batch_timeout_micros { value: 0 }\n"
        "max_enqueued_batches { value: 1000000 }\n"
        "num_batch_threads { value: 8 } thread_pool_name { value: 'pool' }\n"
        "allowed_batch_sizes: 1 allowed_batch_sizes: 128\n"
        "pad_variable_length_inputs: true\n"
        "enable_large_batch_splitting { value: true }\n"
        "max_execution_batch_size { value: 128 }"
    )
    assert read_batching(path) == BatchingParameters(
        max_batch_size=128,
        batch_timeout_micros=0,
        max_enqueued_batches=1_000_000,
        num_batch_threads=8,
        allowed_batch_sizes=(1, 128),
        pad_variable_length_inputs=True,
        enable_large_batch_splitting=True,
        max_execution_batch_size=128,
    )
    assert read_batching(write("")) == BatchingParameters()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('prometheus_config { enable: true, path: "/metrics" }', "/metrics"),
        # As TF Serving's http_server.cc.
        (
            "prometheus_config { enable: true }",
            "/monitoring/prometheus/metrics",
        ),
        ('prometheus_config { enable: false, path: "/metrics" }', None),
        ('prometheus_config: { path: "/metrics" }', None),
        ("", None),
    ],
)
def test_prometheus_is_on_only_where_it_is_enabled(write, text, path):
    assert read_monitoring(write(text)) == path


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_models, "model_config_list { confi", "ModelServerConfig: 1:"),
        (read_models, "", "holds no model_config_list"),
        (read_models, "model_config_list {}", "lists no model"),
        (read_models, "custom_model_config {}", "holds no model_config_list"),
        (
            read_models,
            'model_config_list { config { name: "a" } }',
            "needs a name and base_path",
        ),
        (
            read_models,
            'model_config_list { config { name: "a" base_path: "b" } '
            'config { name: "a" base_path: "c" } }',
            "two models of the name `a`",
        ),
        (
            read_models,
            'model_config_list { config { name: "a" base_path: "b" '
            'model_platform: "caffe" } }',
            'must have model_platform: "tensorflow"',
        ),
        (
            read_models,
            'model_config_list { config { name: "a" base_path: "b" '
            "model_version_policy { specific {} } } }",
            "names no specific versions",
        ),
        (read_batching, "max_batch_size: 3", "BatchingParameters: 1:"),
        (read_batching, "max_batchsize {}", 'no field named "max_batchsize"'),
        (read_batching, "max_batch_size { value: 0 }", "must be at least 1"),
        (read_monitoring, "prometheus {}", "MonitoringConfig: 1:"),
        (
            read_monitoring,
            'prometheus_config { enable: true path: "metrics" }',
            "must begin with /",
        ),
    ],
)
def test_mistakes_are_told_with_the_name_of_the_file(
    write, read, text, message
):
    path = write(text)
    with pytest.raises(ConfigError) as refusal:
        read(path)
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "models.config"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="Error parsing text-format"):
        read_models(path)

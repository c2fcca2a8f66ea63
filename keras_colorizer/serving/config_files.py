"""TF Serving's own files: models.config, batching and monitoring parameters.

All are protobuf text.

Source: TF Serving's config/model_server_config.proto.
"""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import (
    ModelServerConfig,
)

from keras_colorizer.errors import ConfigError
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.config_messages import (
    BatchingMessage,
    MonitoringMessage,
)
from keras_colorizer.serving.models.config import (
    LATEST,
    ModelConfig,
    VersionPolicy,
)

PLATFORM = "tensorflow"

# Source: TF Serving's util/prometheus_exporter.cc.
METRICS_PATH = "/monitoring/prometheus/metrics"


def read_models(path: Path) -> list[ModelConfig]:
    """Reads models.config.

    Args:
        path: The file.

    Raises:
        ConfigError: If it cannot be read, or asks for what there is not.
    """
    config = _parse(path, ModelServerConfig())
    if config.WhichOneof("config") != "model_config_list":
        raise ConfigError(f"`{path}` holds no model_config_list.")
    models = [_model(path, model) for model in config.model_config_list.config]
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"`{path}` lists two models of the name `{twice}`.")
    if not models:
        raise ConfigError(f"`{path}` lists no model.")
    return models


def read_batching(path: Path) -> BatchingParameters:
    """Reads a file of batching parameters.

    Args:
        path: The file.

    Raises:
        ConfigError: If it cannot be read, or its parameters are wrong.
    """
    message = _parse(path, BatchingMessage())
    given = {
        field.name: getattr(message, field.name).value
        for field, _ in message.ListFields()
        if field.message_type is not None
        and field.name in BatchingParameters.__dataclass_fields__
    }
    try:
        return BatchingParameters(
            **given,
            allowed_batch_sizes=tuple(message.allowed_batch_sizes),
            pad_variable_length_inputs=message.pad_variable_length_inputs,
        )
    except ConfigError as error:
        raise ConfigError(f"`{path}`: {error}") from None


def read_monitoring(path: Path) -> str | None:
    """Reads a file of monitoring parameters.

    Args:
        path: The file.

    Returns:
        The path of the metrics, by default that of TF Serving; None if they are
        off.

    Raises:
        ConfigError: If it cannot be read, or gives a path that is none.
    """
    prometheus = _parse(path, MonitoringMessage()).prometheus_config
    if not prometheus.enable:
        return None
    metrics_path = prometheus.path or METRICS_PATH
    if not metrics_path.startswith("/"):
        raise ConfigError(
            f"`{path}`: the path of prometheus_config must begin with /. "
            f'Received: "{metrics_path}"'
        )
    return metrics_path


def _parse(path, message):
    try:
        return text_format.Parse(path.read_text(), message)
    except OSError as error:
        raise ConfigError(
            f"`{path}` cannot be read: {error.strerror}."
        ) from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"`{path}`: Error parsing text-format "
            f"{message.DESCRIPTOR.full_name}: {error}"
        ) from None


def _model(path, config):
    if not config.name or not config.base_path:
        raise ConfigError(f"`{path}`: every model needs a name and base_path.")
    if config.model_platform not in ("", PLATFORM):
        raise ConfigError(
            f'`{path}`: `{config.name}` must have model_platform: "{PLATFORM}".'
            f' Received: "{config.model_platform}"'
        )
    return ModelConfig(
        config.name,
        Path(config.base_path),
        _policy(path, config),
        dict(config.version_labels),
    )


def _policy(path, config):
    policy = config.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy()
    if kind == "specific":
        if not policy.specific.versions:
            raise ConfigError(
                f"`{path}`: `{config.name}` names no specific versions."
            )
        return VersionPolicy(specific=frozenset(policy.specific.versions))
    if kind == "latest" and policy.latest.num_versions:
        return VersionPolicy(latest=policy.latest.num_versions)
    return LATEST

"""All models of a server: found, loaded and replaced while it serves."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keras_colorizer.errors import ConfigError, ServingError, first_line
from keras_colorizer.serving.models.config import ModelConfig
from keras_colorizer.serving.models.folders import find_versions
from keras_colorizer.serving.models.model import (
    Model,
    not_servable,
    unknown_label,
)
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.version import Version
from keras_colorizer.serving.rest.model_status import VersionStatus
from keras_colorizer.serving.rest.status import Code, RestError
from keras_colorizer.serving.rest.targets import ModelSpec


class ModelManager:
    """Keeps the models that a configuration names; any thread may ask.

    `configure` and `refresh` load and unload, which takes seconds: they are
    called by one thread, never by one that answers requests.

    Args:
        load: Loads a SavedModel and warms it up; raises `RestError`.
        allow_unavailable_labels: Whether a label that names no version so far
            may name one that does not serve yet.
    """

    def __init__(
        self,
        load: Callable[[Path], LoadedModel],
        *,
        allow_unavailable_labels: bool,
    ):
        self._load = load
        self._allow_unavailable_labels = allow_unavailable_labels
        self._models: dict[str, Model] = {}

    @property
    def names(self) -> list[str]:
        """The names of all models."""
        return list(self._models)

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that serves."""
        models = self._models.values()
        return all(model.available for model in models)

    @property
    def available(self) -> dict[str, list[int]]:
        """The versions of each model that serve, the latest first."""
        return {
            name: [version.number for version in model.available]
            for name, model in self._models.items()
        }

    def acquire(self, spec: ModelSpec) -> Version:
        """Returns the version that a request means, to be released after use.

        Raises:
            RestError: If there is none, as TF Serving says it.
        """
        model = self._models.get(spec.name)
        number = spec.version
        if spec.label is not None:
            number = model.labels.get(spec.label) if model else None
            if number is None:
                raise unknown_label(spec.label)
        if model is None:
            raise not_servable(spec.name, number)
        return model.acquire(number)

    def statuses(self, spec: ModelSpec) -> list[VersionStatus]:
        """Returns the states of a model's versions, the latest first.

        A label is ignored, as by TF Serving's get_model_status_impl.cc.

        Raises:
            RestError: NOT_FOUND if there are none.
        """
        model = self._models.get(spec.name)
        versions = model.versions if model else {}
        if spec.version is not None:
            if spec.version not in versions:
                raise RestError(
                    Code.NOT_FOUND,
                    f"Could not find version {spec.version} of model "
                    f"{spec.name}",
                )
            return [versions[spec.version].status]
        if not versions:
            raise RestError(
                Code.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        return [versions[number].status for number in sorted(versions)[::-1]]

    def configure(self, configs: Sequence[ModelConfig]) -> None:
        """Serves exactly these models from now on.

        Versions that serve already go on; models that are left out stop. No
        request by label fails meanwhile: what labels name from now on is
        loaded before, and what they named is unloaded afterwards.

        Raises:
            ConfigError: If a label names a version that does not serve. Then
                nothing changes; only the labels do not, if that version was
                loaded in vain.
        """
        for config in configs:
            self._check_labels(config, self._numbers_to_serve(config))
        before = self._models
        models = {config.name: self._configured(config) for config in configs}
        for model in models.values():
            model.load()
        self._models = models
        try:
            self._label(configs)
        finally:
            for model in models.values():
                model.unload_unwanted()
            for name, model in before.items():
                if models.get(name) is not model:
                    model.unload()

    def refresh(self) -> None:
        """Looks for new versions on disk."""
        for model in list(self._models.values()):
            model.refresh()

    def check_loaded(self) -> None:
        """Raises an error if the versions of a model all failed.

        Raises:
            ServingError: Naming the model and why.
        """
        for name, model in self._models.items():
            errors = [version.error for version in model.versions.values()]
            failed = [error for error in errors if error is not None]
            if failed and not model.available:
                raise ServingError(
                    f"No version of `{name}` in `{model.config.base_path}` can "
                    f"be served: {first_line(failed[0])}"
                )

    def close(self) -> None:
        """Unloads everything."""
        for model in self._models.values():
            model.unload()

    def _configured(self, config):
        model = self._models.get(config.name)
        if model is None or model.config.base_path != config.base_path:
            return Model(config, self._load)
        model.config = config
        return model

    def _numbers_to_serve(self, config):
        """Of the versions that serve, and those that will."""
        try:
            numbers = config.policy.choose(find_versions(config.base_path))
        except OSError:
            numbers = set()
        model = self._models.get(config.name)
        if model is not None and model.config.base_path == config.base_path:
            numbers |= {version.number for version in model.available}
        return numbers

    def _label(self, configs):
        for config in configs:
            serving = self._models[config.name].available
            self._check_labels(config, {v.number for v in serving})
        for config in configs:
            self._models[config.name].labels = config.labels

    def _check_labels(self, config, numbers):
        for label, number in config.labels.items():
            if number in numbers or self._may_be_early(config, label):
                continue
            raise ConfigError(
                f"Request to assign label to version {number} of model "
                f"{config.name}, which is not currently available for "
                "inference"
            )

    def _may_be_early(self, config, label):
        """Whether a label may wait for its version.

        As TF Serving's server_core.cc: not one that names another version so
        far, whose requests would fail.
        """
        model = self._models.get(config.name)
        named = None if model is None else model.labels.get(label)
        return self._allow_unavailable_labels and (
            named in (None, config.labels[label])
        )

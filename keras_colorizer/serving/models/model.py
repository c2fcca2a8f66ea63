"""One model: the versions on disk, and those that serve."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from keras_colorizer.errors import first_line
from keras_colorizer.serving.models.config import ModelConfig
from keras_colorizer.serving.models.folders import find_versions, fingerprint
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.version import State, Version
from keras_colorizer.serving.rest.status import (
    Code,
    RestError,
    as_rest_error,
    invalid_argument,
)

log = logging.getLogger(__name__)


class Model:
    """A model's versions. One thread refreshes them, any thread looks.

    Args:
        config: Where they are, and which to serve.
        load: Loads a SavedModel and warms it up; raises `RestError`.

    Attributes:
        config: As given; may be replaced, but for the base path.
        versions: By number: loaded, failed, or gone.
        labels: Version numbers by label.
    """

    def __init__(
        self, config: ModelConfig, load: Callable[[Path], LoadedModel]
    ):
        self.config = config
        self.versions: Mapping[int, Version] = {}
        self.labels: Mapping[str, int] = {}
        self._load = load
        self._wanted: set[int] | None = None  # None while nobody can tell.
        self._failed: dict[int, tuple] = {}
        self._problem = ""

    @property
    def available(self) -> list[Version]:
        """The versions that serve, the latest first."""
        numbers = sorted(self.versions, reverse=True)
        versions = [self.versions[number] for number in numbers]
        return [version for version in versions if version.is_available]

    def acquire(self, number: int | None) -> Version:
        """Returns a version, to be released after use.

        Args:
            number: Of the version; None for the latest that serves.

        Raises:
            RestError: NOT_FOUND if it does not serve.
        """
        wanted = self.available
        if number is not None:
            wanted = [version for version in wanted if version.number == number]
        for version in wanted:
            if version.acquire():
                return version
        raise not_servable(self.config.name, number)

    def refresh(self) -> None:
        """Loads what is new on disk, then unloads what is no longer wanted.

        While the folder cannot be read, all stays as it is.
        """
        self.load()
        self.unload_unwanted()

    def load(self) -> None:
        """Loads what is new on disk.

        A version that fails is tried again once its files change.
        """
        found = self._find()
        if found is None:
            self._wanted = None
            return
        self._wanted = self.config.policy.choose(found)
        for number in sorted(self._wanted, reverse=True):
            self._try(number, found[number])
        if self.config.policy.latest is not None:
            self._fall_back(found)

    def unload_unwanted(self) -> None:
        """Unloads what was not wanted any more at the last `load`.

        As TF Serving's availability_preserving_policy.cc: what is wanted has
        to serve before anything else stops.
        """
        wanted = self._wanted
        serving = {version.number for version in self.available}
        if wanted is None or (wanted and not wanted & serving):
            return
        for version in self.available:
            if version.number not in wanted:
                self._unload(version)

    def unload(self) -> None:
        """Unloads all versions."""
        for version in self.available:
            self._unload(version)

    def _find(self):
        base_path, found, problem = self.config.base_path, None, ""
        try:
            found = find_versions(base_path)
            if not found:
                problem = (
                    f"no versions in `{base_path}`, folders with numbers as "
                    "names: waiting for one."
                )
        except OSError as error:
            problem = first_line(error)
        if problem and problem != self._problem:  # Once, not at every look.
            log.warning("%s: %s", self.config.name, problem)
        self._problem = problem
        return found

    def _try(self, number, folder):
        version = self.versions.get(number)
        if version is not None and version.is_available:
            return
        files = fingerprint(folder)
        if self._failed.get(number) == files:
            return
        version = Version(self.config.name, number, folder)
        version.state = State.LOADING
        self.versions = {**self.versions, number: version}
        self._failed.pop(number, None)
        try:
            version.become_available(self._load(folder))
            log.info("%s: version %d is available.", version.model_name, number)
        except Exception as error:
            version.fail(as_rest_error(error))
            self._failed[number] = files
            log.error(
                "%s: version %d cannot be served: %s",
                version.model_name,
                number,
                first_line(error),
            )

    def _fall_back(self, found):
        """Where the latest is broken from the start, serves the one before."""
        for number in sorted(found, reverse=True):
            if self.available:
                return
            self._try(number, found[number])

    def _unload(self, version):
        version.unload()
        log.info(
            "%s: version %d is unloaded.", version.model_name, version.number
        )


def not_servable(name: str, number: int | None) -> RestError:
    """Returns TF Serving's error for a version that does not serve."""
    request = f"Latest({name})"
    if number is not None:
        request = f"Specific({name}, {number})"
    return RestError(
        Code.NOT_FOUND, f"Servable not found for request: {request}"
    )


def unknown_label(label: str) -> RestError:
    """Returns TF Serving's error for a label that no version has."""
    return invalid_argument(f"Unrecognized servable version label: {label}")

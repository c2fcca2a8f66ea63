"""A server put together: models, batching, API, page, metrics."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from keras_colorizer.errors import ConfigError
from keras_colorizer.serving.batching.dispatch import Dispatcher
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.config_files import read_batching
from keras_colorizer.serving.http.app import build_app
from keras_colorizer.serving.http.body import BodyReader
from keras_colorizer.serving.http.endpoints import RestEndpoint
from keras_colorizer.serving.http.inference import Inference
from keras_colorizer.serving.http.rest_api import RestApi
from keras_colorizer.serving.models.config import ModelConfig
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.warmup import REQUESTS, warm_up
from keras_colorizer.serving.monitoring import Monitoring
from keras_colorizer.serving.rest.status import (
    Code,
    as_rest_error,
    invalid_argument,
)

# In a version's folder.
# Source: TF Serving's servables/tensorflow/bundle_factory_util.cc.
BATCHING_FILE = "batching_params.pbtxt"


@dataclass(frozen=True)
class ServiceOptions:
    """How to serve.

    Attributes:
        timeout_ms: The longest a request may take; 0 for no limit.
        max_body_bytes: Of a request.
        has_cors: Whether scripts of any web page may read the answers.
        batching: The user's parameters; None for those made for photos.
        metrics_path: Where Prometheus asks; None for nowhere.
        allow_unavailable_labels: See `ModelManager`.
        per_model_batching: Whether versions bring their own parameters in a
            file `batching_params.pbtxt`; those of others then count no more.
    """

    timeout_ms: int
    max_body_bytes: int
    has_cors: bool
    batching: BatchingParameters | None
    metrics_path: str | None
    allow_unavailable_labels: bool
    per_model_batching: bool


class Service:
    """Everything of a server but its socket.

    Args:
        configs: The models, which are loaded now.
        options: How to serve them.

    Attributes:
        app: The ASGI application.
        models: What serves.

    Raises:
        ServingError: If all versions of a model are broken.
        ConfigError: If a label names a version that does not serve.
    """

    def __init__(self, configs: Sequence[ModelConfig], options: ServiceOptions):
        self._options = options
        self._monitoring = Monitoring()
        self._dispatcher = Dispatcher(
            options.batching,
            self._monitoring,
            per_model=options.per_model_batching,
        )
        self.models = ModelManager(
            self._load,
            allow_unavailable_labels=options.allow_unavailable_labels,
        )
        self.models.configure(configs)
        self.models.check_loaded()
        self._api = RestApi(
            self.models,
            Inference(self.models, self._dispatcher),
            self._monitoring,
            timeout=options.timeout_ms / 1000 or math.inf,
        )
        self.app = build_app(
            self.models,
            RestEndpoint(
                self._api,
                BodyReader(options.max_body_bytes),
                has_cors=options.has_cors,
            ),
            self._monitoring,
            metrics_path=options.metrics_path,
        )

    def stop(self, *, timeout: float) -> None:
        """Ends the threads and unloads the models.

        Args:
            timeout: The longest to wait for what runs, in seconds.
        """
        self._api.stop()
        self._dispatcher.stop(timeout=timeout)
        self.models.close()

    def _load(self, folder: Path) -> LoadedModel:
        add_load = partial(self._monitoring.add_load, str(folder))
        with _timed(add_load):
            model = LoadedModel(folder, timeout_ms=self._options.timeout_ms)
        try:
            self._adopt_batching(model, folder / BATCHING_FILE)
            self._warm_up(model, folder)
        except BaseException:
            model.close()
            raise
        return model

    def _adopt_batching(self, model, path):
        if not self._options.per_model_batching or not path.exists():
            return
        try:
            self._dispatcher.adopt(model, read_batching(path))
        except ConfigError as error:
            raise invalid_argument(str(error)) from None

    def _warm_up(self, model, folder):
        if not (folder / REQUESTS).exists():
            return
        records = 0
        with _timed(
            lambda code, *, seconds: self._monitoring.add_warmup(
                str(folder), code, records=records, seconds=seconds
            )
        ):
            records = warm_up(model, folder)


@contextmanager
def _timed(record: Callable[..., None]) -> Iterator[None]:
    """Records how what happens inside ends, and how long it takes."""
    started, code = time.monotonic(), Code.OK
    try:
        yield
    except Exception as error:
        code = as_rest_error(error).code
        raise
    finally:
        record(code, seconds=time.monotonic() - started)

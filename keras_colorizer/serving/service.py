"""A server put together: models, batching, API, page, metrics."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_colorizer.serving.batching.dispatch import Dispatcher
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.http.app import build_app
from keras_colorizer.serving.http.body import BodyReader
from keras_colorizer.serving.http.endpoints import RestEndpoint
from keras_colorizer.serving.http.inference import Inference
from keras_colorizer.serving.http.rest_api import RestApi
from keras_colorizer.serving.models.config import ModelConfig
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.warmup import warm_up
from keras_colorizer.serving.monitoring import Monitoring
from keras_colorizer.serving.rest.status import Code


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
    """

    timeout_ms: int
    max_body_bytes: int
    has_cors: bool
    batching: BatchingParameters | None
    metrics_path: str | None
    allow_unavailable_labels: bool


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
        self.models = ModelManager(
            self._load,
            allow_unavailable_labels=options.allow_unavailable_labels,
        )
        self.models.configure(configs)
        self.models.check_loaded()
        self._dispatcher = Dispatcher(options.batching, self._monitoring)
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
        model = LoadedModel(folder, timeout_ms=self._options.timeout_ms)
        started = time.monotonic()
        code = Code.OK
        try:
            warm_up(model, folder)
        except BaseException as error:
            code = getattr(error, "code", Code.INTERNAL)
            model.close()
            raise
        finally:
            self._monitoring.add_warmup(
                str(folder), code, seconds=time.monotonic() - started
            )
        return model

"""`python -m keras_colorizer serve`."""

import logging
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_colorizer.cli.running import INTERRUPTED
from keras_colorizer.errors import ConfigError
from keras_colorizer.silence import silent_stderr

SECONDS_TO_FINISH = 5  # Beyond the longest that a request may take.


@dataclass(frozen=True)
class Serve:
    """Serve models as TF Serving does, with a page to try them on.

    The REST API is TF Serving's, at /v1; its files of models, batching and
    monitoring are taken as they are. The page is at /, the state at /healthz.
    Ctrl-C finishes what was accepted, a second one stops at once.

    Attributes:
        model: The folder of a SavedModel's versions, which are folders with
            numbers as names; the highest is served, and a higher one once it
            appears. By default the pretrained `small`, which comes with the
            package.
        name: The model's name in URLs.
        host: 127.0.0.1 is reached from this machine only; 0.0.0.0 from others,
            too.
        port: 0 for any that is free; the URL is printed.
        config: TF Serving's models.config, for several models, or for other
            versions than the latest; instead of --model.
        batching_parameters: TF Serving's file of batching parameters. Without
            it, photos that wait are run together, four at most.
        enable_per_model_batching_parameters: Take those that lie in a
            version's folder as `batching_params.pbtxt`; of
            --batching-parameters, only the number of threads then counts.
        monitoring_config: TF Serving's file of monitoring parameters, for
            Prometheus.
        rest_api_timeout_in_ms: The longest a request may take, in
            milliseconds; 0 for no limit.
        rest_api_enable_cors_support: Let scripts of any web page use the API.
        max_body_mib: Refuse larger requests, before reading them.
        file_system_poll_wait_seconds: How often to look for new versions; 0
            for never.
        model_config_file_poll_wait_seconds: How often to read the file of
            --config again; 0 for never.
        allow_version_labels_for_unavailable_models: Let new labels name
            versions that are not served yet.
        verbose: Print a line for each request.
    """

    model: Path | None = None
    name: str = "colorizer"
    host: str = "127.0.0.1"
    port: int = 8501
    config: Path | None = None
    batching_parameters: Path | None = None
    enable_per_model_batching_parameters: bool = False
    monitoring_config: Path | None = None
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    max_body_mib: float = 100
    file_system_poll_wait_seconds: float = 1
    model_config_file_poll_wait_seconds: float = 0
    allow_version_labels_for_unavailable_models: bool = False
    verbose: bool = False


def serve(options: Serve) -> int:
    """Serves until it is told to stop, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to serve, or nowhere to.
    """
    _check(options)
    _log_to_stderr(options.verbose)
    with silent_stderr():
        from keras_colorizer.serving.http import server
    listener = server.listen(options.host, options.port)
    url = server.url_of(listener)
    with listener, _configs(options) as configs:
        print("Loading and warming up ...", flush=True)
        service = _service(options, configs)
        poller = _poller(options, service)
        poller.start()
        listener.listen()  # Who reads the next line may ask at once.
        names = ", ".join(service.models.names)
        print(f"Serving {names} at {url} (Ctrl-C stops it)", flush=True)
        has_finished = server.serve(
            service.app, listener, patience=_patience(options)
        )
        poller.stop(timeout=SECONDS_TO_FINISH)
        if has_finished:
            service.stop(timeout=SECONDS_TO_FINISH)
    if not has_finished:
        os._exit(INTERRUPTED)  # Without waiting for what TensorFlow runs.
    return 0


def _patience(options):
    timeout = options.rest_api_timeout_in_ms
    return math.ceil(timeout / 1000) + SECONDS_TO_FINISH if timeout else None


def _check(options):
    if options.config is not None and options.model is not None:
        raise ConfigError("Give --model or --config, not both.")
    if options.model is not None:
        _check_base_path(options.model, "--model")
    for name in ("port", "rest_api_timeout_in_ms"):
        if getattr(options, name) < 0:
            raise ConfigError(
                f"--{name} must be at least 0. Received: "
                f"{getattr(options, name)}"
            )
    if not 0 < options.max_body_mib < math.inf:
        raise ConfigError(
            f"--max-body-mib must be above 0. Received: {options.max_body_mib}"
        )
    if not options.name or set(options.name) & set("/:"):
        raise ConfigError(
            "--name must not be empty, nor hold / or :. Received: "
            f"{options.name}"
        )


def _check_base_path(path, origin):
    if not path.is_dir():
        raise ConfigError(f"{origin}: there is no folder `{path}`.")
    if (path / "saved_model.pb").exists():
        raise ConfigError(
            f"{origin}: `{path}` is one version: name the folder that holds "
            "it, and see that its own name is a number."
        )


def _log_to_stderr(verbose):
    log = logging.getLogger("keras_colorizer.serving")
    log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)
    log.propagate = False  # TensorFlow's absl would print it once more.
    # Notes on functions that are to be removed, for programmers.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    access = logging.getLogger("keras_colorizer.serving.access")
    access.setLevel(logging.INFO if verbose else logging.WARNING)


@contextmanager
def _configs(options) -> Iterator[list]:
    """The models to serve; the pretrained one exists only inside."""
    if options.config is not None:
        yield _read_configs(options.config)
        return
    with silent_stderr():
        from keras_colorizer.serving.models.config import ModelConfig
    if options.model is not None:
        yield [ModelConfig(options.name, options.model)]
        return
    print("Exporting the pretrained model ...", flush=True)
    with ExitStack() as stack:
        with silent_stderr():
            from keras_colorizer.serving.pretrained import exported_pretrained

            base_path = stack.enter_context(exported_pretrained())
        yield [ModelConfig(options.name, base_path)]


def _read_configs(path):
    with silent_stderr():
        from keras_colorizer.serving.config_files import read_models
    configs = read_models(path)
    for config in configs:
        _check_base_path(config.base_path, f"`{path}`")
    return configs


def _service(options, configs):
    with silent_stderr():
        from keras_colorizer.serving.config_files import (
            read_batching,
            read_monitoring,
        )
        from keras_colorizer.serving.service import Service, ServiceOptions
    batching, metrics_path = None, None
    if options.batching_parameters is not None:
        batching = read_batching(options.batching_parameters)
    if options.monitoring_config is not None:
        metrics_path = read_monitoring(options.monitoring_config)
    return Service(
        configs,
        ServiceOptions(
            timeout_ms=options.rest_api_timeout_in_ms,
            max_body_bytes=round(options.max_body_mib * 2**20),
            has_cors=options.rest_api_enable_cors_support,
            batching=batching,
            metrics_path=metrics_path,
            allow_unavailable_labels=(
                options.allow_version_labels_for_unavailable_models
            ),
            per_model_batching=options.enable_per_model_batching_parameters,
        ),
    )


def _poller(options, service):
    from keras_colorizer.serving.models.polling import Poller

    def read_again():
        service.models.configure(_read_configs(options.config))

    period = options.model_config_file_poll_wait_seconds
    return Poller(
        [
            (service.models.refresh, options.file_system_poll_wait_seconds),
            (read_again, 0 if options.config is None else period),
        ]
    )

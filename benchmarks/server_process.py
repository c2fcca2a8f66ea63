"""A `serve` process to measure, and a lean client that asks it.

The client shares the processor with the server: it sends bodies made
beforehand, over connections that stay open, and compares answers as bytes.
"""

import base64
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil

from keras_colorizer.silence import silent_stderr

PREDICT = "/v1/models/colorizer:predict"
PATIENCE = 120  # Seconds, for the server to start, answer and stop.


class ServerProcess:
    """A server that runs.

    Args:
        process: The process.
        url: As it printed it.

    Attributes:
        host: To connect to.
        port: To connect to.
        process: For what it takes of the machine.
    """

    def __init__(self, process: subprocess.Popen, url: str):
        self.host, port = url.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)
        self.process = psutil.Process(process.pid)

    @property
    def cpu_seconds(self) -> float:
        """What it has taken of the processor, by all its threads."""
        times = self.process.cpu_times()
        return times.user + times.system

    def connection(self) -> HTTPConnection:
        """Returns a connection, which opens with the first request."""
        return HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def socket(self) -> socket.socket:
        """Opens a connection for what is no HTTP."""
        return socket.create_connection((self.host, self.port), PATIENCE)


@contextmanager
def served(
    base_path: Path, *arguments: str, log: Path
) -> Iterator[ServerProcess]:
    """Serves a model on a free port, and stops it in the end.

    Args:
        base_path: Of the model.
        *arguments: More of `serve`.
        log: Where its stderr goes.

    Raises:
        SystemExit: If it does not start, or does not stop in peace.
    """
    command = [sys.executable, "-m", "keras_colorizer", "serve", "--port", "0"]
    command += ["--model", str(base_path), *arguments]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield ServerProcess(process, _url(process, log))
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(PATIENCE)
    if code:
        raise SystemExit(f"The server ended with {code}: {log.read_text()}")


def _url(process, log):
    for line in process.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return found[0]
    raise SystemExit(f"The server did not start: {log.read_text()}")


@contextmanager
def base_path_of(model: Path | None) -> Iterator[Path]:
    """Yields the base path of a model, by default the pretrained `small`."""
    if model is not None:
        yield model
        return
    from measuring import in_new_process

    with tempfile.TemporaryDirectory() as folder:
        in_new_process(_export, Path(folder, "1"))
        yield Path(folder)


def _export(folder):
    with silent_stderr():
        from keras_colorizer.exporting import MAX_PIXELS
        from keras_colorizer.exporting.saved_model import write_saved_model
        from keras_colorizer.inference.keras_network import KerasNetwork
        from keras_colorizer.pretrained import KERAS, pretrained_file

        network = KerasNetwork.load(pretrained_file("small", KERAS))
        write_saved_model(network, folder, max_pixels=MAX_PIXELS)


def latest_version(base_path: Path) -> Path:
    """Returns the folder of the version that is served."""
    numbers = [path for path in base_path.iterdir() if path.name.isdigit()]
    return max(numbers, key=lambda path: int(path.name))


def colored_directly(version: Path, files: Sequence[bytes]) -> list[bytes]:
    """Colors files without a server; meant for a process of its own.

    Args:
        version: Folder of the SavedModel.
        files: Photos.

    Returns:
        PNGs.
    """
    colorize = direct_colorizer(version)
    return [colorize([file])[0] for file in files]


def direct_colorizer(
    version: Path,
) -> Callable[[Sequence[bytes]], list[bytes]]:
    """Returns a function from files to PNGs that calls the SavedModel."""
    with silent_stderr():
        import tensorflow as tf
    model = tf.saved_model.load(str(version))

    def colorize(files):
        run = model.signatures["serving_default"]
        outputs = run(image_bytes=tf.constant(files))
        return outputs["image_bytes"].numpy().tolist()

    return colorize


def request_body(*files: bytes) -> bytes:
    """Returns the JSON that asks for photos to be colored."""
    instances = [{"b64": _base64(file)} for file in files]
    return json.dumps({"instances": instances}).encode()


def answer_body(*pngs: bytes) -> object:
    """Returns the JSON value that must come back."""
    return {"predictions": [{"b64": _base64(png)} for png in pngs]}


def _base64(content):
    return base64.b64encode(content).decode()

"""Every command and snippet of serving/README.md works as printed.

Those of Docker and kubectl are parsed only. Servers listen on a free port.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from fixtures.colorizing_server import free_port
from google.protobuf import text_format
from PIL import Image
from tensorflow_serving.config.model_server_config_pb2 import (
    ModelServerConfig,
)

from keras_colorizer import Colorizer
from keras_colorizer.exporting.saved_model import write_saved_model

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "serving/README.md").read_text()
ELSEWHERE = ("docker", "kubectl")
SERVERS = ("python -m keras_colorizer serve", "prometheus")


def blocks(language):
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [text for name, text in fenced.findall(README) if name == language]


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
SERVING = [line for line in COMMANDS if line.startswith(SERVERS[0])]


def test_no_command_is_left_out():
    assert len(COMMANDS) == 14
    assert len(SERVING) == 2
    for command in COMMANDS:
        assert shlex.split(command)


def test_docker_runs_the_image_that_compose_runs():
    (run,) = [line for line in COMMANDS if line.startswith("docker run")]
    compose = (REPOSITORY / "serving/docker-compose.yml").read_text()
    assert f"image: {shlex.split(run)[-1]}\n" in compose


def test_the_example_of_several_models_is_a_models_config():
    (example,) = [b for b in blocks("") if "model_config_list" in b]
    config = text_format.Parse(example, ModelServerConfig())
    names = [model.name for model in config.model_config_list.config]
    assert names == ["colorizer", "portraits"]


def test_files_named_in_it_exist():
    for link in re.findall(r"\]\(([^)#:]+)[)#]", README):
        assert (REPOSITORY / "serving" / link).exists(), link


@pytest.fixture
def home(tmp_path, tiny_run):
    """A user's folder: the checkout, an exported model, old scans."""
    for name in ("serving", "keras_colorizer"):
        os.symlink(REPOSITORY / name, tmp_path / name)
    model = tmp_path / "exported/saved_model/colorizer/1"
    model.parent.mkdir(parents=True)
    network = Colorizer.load(tiny_run.run_dir).network
    write_saved_model(network, model, max_pixels=10_000_000)
    (tmp_path / "scans").mkdir()
    camera = Image.fromarray(skimage.data.camera()).resize((80, 60))
    camera.save(tmp_path / "scans/old.jpg")
    camera.save(tmp_path / "old.jpg")
    return tmp_path


@contextmanager
def started(command, home, port, url):
    """Runs a server until it answers, and then to the end of the block."""
    words = shlex.split(command.replace("8501", str(port)))
    if words[0] == "python":
        words = [sys.executable, *words[1:], "--port", str(port)]
    with subprocess.Popen(
        words, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: httpx.get(url).status_code == 200)
            yield
        finally:
            process.terminate()
            process.wait(60)


def wait_until(condition):
    for _ in range(600):
        try:
            if condition():
                return
        except (httpx.TransportError, LookupError):
            pass
        time.sleep(0.2)
    pytest.fail("It never came.")


def run(command, home, port):
    command = command.replace("8501", str(port))
    if "client.py" in command:
        command += f" --url http://localhost:{port}"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY / "serving"),
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def is_in_color(path):
    with Image.open(path) as image:
        assert image.size == (80, 60)
        return np.ptp(np.asarray(image.convert("RGB")), axis=-1).max() > 0


@pytest.mark.slow
def test_commands_and_snippets_run_in_the_order_printed(home):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    port = free_port()
    url = f"http://localhost:{port}/v1/models/colorizer"
    with started(SERVING[0], home, port, url):
        for command in COMMANDS:
            if not command.startswith((*ELSEWHERE, *SERVERS)):
                told = run(command, home, port)
                if command.endswith("v1/models/colorizer"):
                    assert '"AVAILABLE"' in told
        assert is_in_color(home / "new.png")
        for snippet in blocks("python"):
            (home / "new.png").unlink()
            run(f"python -c {shlex.quote(snippet)}", home, port)
            assert is_in_color(home / "new.png")
        refused = httpx.post(
            f"{url}:predict", content='{"instances": [{"b64": "aGVsbG8="}]}'
        )
    assert is_in_color(home / "colored/old.jpg")
    assert is_in_color(home / "large/old.jpg")
    assert refused.status_code == 400
    (sentence,) = re.findall(
        r"(`image_bytes` element 0 is no .*?file\.)", README
    )
    assert sentence in refused.json()["error"]


@pytest.mark.slow
def test_prometheus_scrapes_what_serves(home):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    port, metrics_port = free_port(), free_port()
    settings = (REPOSITORY / "serving/prometheus.yml").read_text()
    settings = settings.replace("8501", str(port))
    often = "scrape_interval: 1s\n    scrape_timeout: 1s"
    settings = settings.replace("scrape_interval: 15s", often)
    (home / "prometheus.yml").write_text(settings)
    (command,) = [c for c in COMMANDS if c.startswith(SERVERS[1])]
    command = command.replace("serving/prometheus.yml", "prometheus.yml")
    command += f" --web.listen-address=127.0.0.1:{metrics_port}"
    model = f"http://localhost:{port}/v1/models/colorizer"
    prometheus = f"http://127.0.0.1:{metrics_port}"

    def value(query):
        answer = httpx.get(
            f"{prometheus}/api/v1/query", params={"query": query}
        )
        return float(answer.json()["data"]["result"][0]["value"][1])

    with (
        started(SERVING[1], home, port, model),
        started(command, home, port, f"{prometheus}/-/ready"),
    ):
        run("python serving/client.py scans/ -o out/", home, port)
        wait_until(lambda: value('up{job="colorizer"}') == 1)
        count = ':tensorflow:serving:request_count{status="OK"}'
        wait_until(lambda: value(count) == 1)

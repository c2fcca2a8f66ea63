"""Every command and snippet of serving/README.md works as printed.

Those of Docker are parsed only. The server listens on a free port.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from fixtures.embedded_server import serving
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "serving/README.md").read_text()
SERVER = "keras-colorizer serve"
MODEL = "http://localhost:8501/v1/models/colorizer"


def blocks(language):
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [text for name, text in fenced.findall(README) if name == language]


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


def test_no_command_is_left_out():
    assert len(COMMANDS) == 13
    assert COMMANDS[0] == SERVER
    for command in COMMANDS:
        assert shlex.split(command)


def test_docker_runs_the_image_that_compose_runs():
    (run,) = [line for line in COMMANDS if "tensorflow/serving:" in line]
    compose = (REPOSITORY / "serving/docker-compose.yml").read_text()
    assert f"image: {shlex.split(run)[-1]}\n" in compose


def test_files_named_in_it_exist():
    for link in re.findall(r"\]\(([^)#:]+)[)#]", README):
        assert (REPOSITORY / "serving" / link).exists(), link


@pytest.fixture
def home(tmp_path):
    """A user's folder: the checkout, old scans, the installed command."""
    for name in ("serving", "keras_colorizer"):
        os.symlink(REPOSITORY / name, tmp_path / name)
    (tmp_path / "scans").mkdir()
    camera = Image.fromarray(skimage.data.camera()).resize((80, 60))
    camera.save(tmp_path / "scans/old.jpg")
    camera.save(tmp_path / "old.jpg")
    (tmp_path / "keras-colorizer").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m keras_colorizer "$@"\n'
    )
    (tmp_path / "keras-colorizer").chmod(0o755)
    return tmp_path


def run(command, home, url):
    python = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", command.replace("http://localhost:8501", url)],
        cwd=home,
        env=os.environ | {"PATH": f"{home}:{python}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def assert_is_in_color(path):
    with Image.open(path) as image:
        assert image.size == (80, 60)
        pixels = np.asarray(image.convert("RGB"))
    assert np.ptp(pixels, axis=-1).max() > 0


@pytest.mark.slow
def test_commands_and_snippets_run_in_the_order_printed(home):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    with serving() as server:
        for command in COMMANDS:
            if not command.startswith((SERVER, "docker")):
                (home / "new.png").unlink(missing_ok=True)
                told = run(command, home, server.url)
                if "new.png" in command:
                    assert_is_in_color(home / "new.png")
                if command == f"curl -s {MODEL}":
                    (printed,) = blocks("json")
                    assert json.loads(told) == json.loads(printed)
        (snippet,) = blocks("python")
        run(f"python -c {shlex.quote(snippet)}", home, server.url)
        refused = httpx.post(
            f"{server.url}/v1/models/colorizer:predict",
            content='{"instances": [{"b64": "aGVsbG8="}]}',
        )
    for name in ("new.png", "on_device.png", "colored/old.jpg"):
        assert_is_in_color(home / name)
    assert refused.status_code == 400
    assert list(refused.json()) == ["error"]

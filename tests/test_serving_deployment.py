"""The Compose file and the Dockerfile of serving/.

Docker does not run here: the files are held against their schema and against
what they name, and the commands in them are run.
"""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from fixtures.embedded_server import serving
from fixtures.served_model import running

from keras_colorizer.cli.running import parse
from keras_colorizer.cli.serve import Serve

REPOSITORY = Path(__file__).parents[1]
COMPOSE = REPOSITORY / "serving/docker-compose.yml"
SERVICE = yaml.safe_load(COMPOSE.read_text())["services"]["colorizer"]
DOCKERFILE = (REPOSITORY / "serving/Dockerfile").read_text()


def validate_compose(path):
    schema = ["--builtin-schema", "vendor.compose-spec"]
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_compose_file_follows_the_compose_specification(tmp_path):
    done = validate_compose(COMPOSE)
    assert done.returncode == 0, done.stdout
    wrong = COMPOSE.read_text().replace("retries: 3", "tries: 3")
    (tmp_path / "wrong.yml").write_text(wrong)
    assert validate_compose(tmp_path / "wrong.yml").returncode == 1


def test_the_server_is_pinned_to_the_tensorflow_that_exports():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    train = " ".join(project["project"]["optional-dependencies"]["train"])
    (version,) = re.findall(r"tensorflow>=([\d.]+)", train)
    assert SERVICE["image"] == f"tensorflow/serving:{version}.0"


def test_the_model_lies_where_the_image_looks_and_is_read_only():
    (volume,) = SERVICE["volumes"]
    name = SERVICE["environment"]["MODEL_NAME"]
    assert volume["target"] == f"/models/{name}"
    assert volume["source"].endswith(f"exported/saved_model/{name}}}")
    assert volume["read_only"] is True


@pytest.mark.parametrize(
    ("state", "healthy"),
    [("AVAILABLE", True), ("LOADING", False), ("END", False)],
)
def test_health_is_that_the_model_is_available(state, healthy):
    with running() as server:
        server.state = state
        port = server.server_address[1]
        done = run_check(port)
    assert (done.returncode == 0) is healthy, done.stderr
    assert run_check(port).returncode != 0  # Now it is gone.


def run_check(port):
    check = SERVICE["healthcheck"]["test"][1:]
    command = [word.replace("8501", f"{port}") for word in check]
    return subprocess.run(command, capture_output=True, check=False, timeout=5)


def test_nothing_runs_as_root():
    user, group = SERVICE["user"].split(":")
    assert int(user) > 0 < int(group)
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert "USER nobody\n" in DOCKERFILE


def test_the_dockerfile_copies_what_exists_and_runs_the_server():
    for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = shlex.split(line)
        assert all((REPOSITORY / source).exists() for source in sources)
    (entry,) = re.findall(r"^ENTRYPOINT \[(.*)\]$", DOCKERFILE, re.MULTILINE)
    program, command, *flags = re.findall(r'"(.*?)"', entry)
    assert (program, command) == ("keras-colorizer", "serve")
    assert parse(Serve, flags, prog=program).host == "0.0.0.0"


def test_the_image_is_slim_and_installs_the_server_alone():
    assert re.search(r"^FROM python:3\.\d+-slim$", DOCKERFILE, re.MULTILINE)
    (extra,) = re.findall(r'pip install .*"/src\[(\w+)\]"', DOCKERFILE)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    project = project["project"]
    wanted = project["optional-dependencies"][extra] + project["dependencies"]
    names = {re.match(r"[\w-]+", line)[0] for line in wanted}
    assert {"starlette", "uvicorn", "ai-edge-litert"} <= names
    assert not {"tensorflow", "keras"} & names


def test_the_context_holds_what_the_image_copies():
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    lines = re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert kept == {source for line in lines for source in line.split()}
    assert "*" in ignored


@pytest.mark.slow
def test_the_image_is_healthy_while_the_server_runs():
    (check,) = re.findall(
        r"^HEALTHCHECK .* CMD (.*)$", DOCKERFILE, re.MULTILINE
    )
    _, flag, code = json.loads(check)
    with serving() as server:
        url = "http://127.0.0.1:8501"
        assert url in code
        words = [sys.executable, flag, code.replace(url, server.url)]
        subprocess.run(words, check=True)
    assert subprocess.run(words, capture_output=True).returncode != 0

"""Every command and snippet of the README and of docs/train.md works.

Trainings are made small by flags added at the end, and the server listens on a
free port; commands that install, or run this very suite, are compared with the
Makefile instead of being run.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
from fixtures.embedded_server import serving
from fixtures.film_files import pictures, write_film
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
TRAIN = (REPOSITORY / "docs/train.md").read_text()
HOW = (REPOSITORY / "docs/how_it_works.md").read_text()
SMALL = "--batch-size 4 --draws 1 --epochs 1 --pretrain-epochs 0"
INSTALLING = ("make", "pip install", "python3 -m venv", ".venv/bin/")
SERVER = "keras-colorizer serve"
PROGRAMS = {
    "python": [sys.executable],
    "keras-colorizer": [sys.executable, "-m", "keras_colorizer"],
    "curl": ["curl"],
}


def blocks(language):
    pages = README + TRAIN
    return re.findall(rf"```{language}\n(.*?)```", pages, flags=re.DOTALL)


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if not line.startswith(INSTALLING)]


@pytest.fixture(scope="module")
def home(tmp_path_factory, photo_folder):
    """A user's folder: the checkout, photos to train on, and old scans."""
    home = tmp_path_factory.mktemp("home")
    for name in ("train.py", "export.py", "serving", "keras_colorizer"):
        os.symlink(REPOSITORY / name, home / name)
    shutil.copytree(photo_folder, home / "my_photos")
    (home / "scans").mkdir()
    camera = Image.fromarray(skimage.data.camera()).resize((80, 60))
    camera.save(home / "scans/old.jpg")
    camera.save(home / "old.jpg")
    write_film(home / "film.mp4", pictures(4))
    return home


def test_readme_has_commands_to_try():
    assert len(commands()) >= 10
    assert SERVER in commands()
    for command in commands():
        assert shlex.split(command)[0] in PROGRAMS, command


def run(command, home):
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [*PROGRAMS[program], *arguments],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def smaller(command):
    return SMALL if "--init" in command else f"--preset tiny {SMALL}"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_commands_and_snippets_run_in_the_order_printed(home):
    with serving() as server:
        for command in commands():
            command = command.replace("http://localhost:8501", server.url)
            starts_a_run = "train.py" in command and "--resume" not in command
            if command != SERVER:
                flags = f" {smaller(command)}" if starts_a_run else ""
                run(command + flags, home)
    for folder in ("colored", "bolder", "mine", "exact", "served"):
        assert (home / folder / "old.jpg").exists()
    (snippet,) = (b for b in blocks("python") if "from_preset" in b)
    run(f"python -c {shlex.quote(snippet)}", home)
    for name in ("new.png", "on_device.png", "served.png"):
        with Image.open(home / name) as photo:
            assert photo.size == (80, 60)


@pytest.mark.slow
def test_keras_script_trains_saves_loads_and_colorizes(home):
    (script,) = (b for b in blocks("python") if "photo_dataset" in b)
    assert len([line for line in script.splitlines() if line]) <= 15
    run(f"python -c {shlex.quote(script)}", home)
    with Image.open(home / "by_keras.png") as photo:
        assert photo.size == (80, 60)
    assert (home / "gan.keras").exists()
    assert any((home / "logs").rglob("events.out.tfevents*"))


def test_make_does_what_is_printed_for_those_without_it():
    (plain,) = (b for b in blocks("sh") if "venv" in b)
    printed = [line.split() for line in plain.splitlines()]
    made = subprocess.run(
        ["make", "--dry-run", "--always-make", "train", "test"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    silent = {"--clear", "--quiet", "--disable-pip-version-check"}
    made_words = [
        [word for word in line.split() if word not in silent]
        for line in made.splitlines()
    ]
    for line in printed:
        assert line in made_words


def test_files_named_in_the_readme_exist():
    for folder, page in (("", README), ("docs", TRAIN), ("docs", HOW)):
        for link in re.findall(r"\]\(([^)#:]+)\)", page):
            assert (REPOSITORY / folder / link).exists(), link
    (tree,) = re.findall(r"```\n(train\.py .*?)```", HOW, flags=re.DOTALL)
    for line in tree.splitlines():
        name = line.split()[0]
        base = "keras_colorizer" if line.startswith("  ") else "."
        assert (REPOSITORY / base / name).exists(), name

"""Damaged photos among good ones, by `colorize` and by a server.

    python tests/fuzz/fuzz_photos.py --seconds 120 --seed 1

Nothing may crash, hang, be left out without a word, or be half written; good
photos come out as they do alone. Photos of a round that fails are kept in
`fuzz_failures/`.
"""

import argparse
import io
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import skimage.color
import skimage.data
import tifffile
from PIL import Image

PROGRAM = [sys.executable, "-m", "keras_colorizer"]
PATIENCE = 120  # Seconds, for one photo or for a folder of them.
A_ROUND = 24  # Damaged photos.
KINDS = "jpg", "png", "tif", "webp", "bmp", "gif"
# Each encoder takes those that it knows.
OPTIONS = {"progressive": 1, "lossless": True, "compression": "tiff_lzw"}
KEPT = Path("fuzz_failures")
EXTREMES = b"\0", b"\xff", b"\x80", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"


def main(seconds: float, seed: int) -> None:
    """Runs rounds until the time is over, or something is wrong."""
    dice, rounds = random.Random(seed), 0
    over, photos = time.monotonic() + seconds, {}
    command = [*PROGRAM, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        urls = (re.search(r"http:\S+", line) for line in server.stdout)
        url = next(filter(None, urls))[0]
        try:
            photos = good = good_photos()
            alone = colored(good)
            check_lightness(good["p_bmp.bmp"], alone["p_bmp.bmp"])
            answers = {name: posted(url, name, good[name]) for name in good}
            while time.monotonic() < over:
                bad = [damaged(n, good, dice) for n in range(A_ROUND)]
                photos = good | dict(bad)
                assert alone.items() <= colored(photos).items()
                again = {n: posted(url, n, f) for n, f in photos.items()}
                assert answers.items() <= again.items()
                rounds += 1
        except BaseException:
            KEPT.mkdir(exist_ok=True)
            for name, file in photos.items():
                (KEPT / name).write_bytes(file)
            raise
        finally:
            server.terminate()
    print(f"Seed {seed}: {rounds} x {A_ROUND} damaged photos, nothing wrong.")


def good_photos():
    """Small photos of every format, by name."""
    grey = Image.fromarray(skimage.data.camera()).resize((96, 64))
    files = {f"{a}_{kind}.{kind}": io.BytesIO() for kind in KINDS for a in "po"}
    for name, file in files.items():
        format_ = Image.registered_extensions()[Path(name).suffix]
        grey.save(file, format_, **OPTIONS if name[0] == "o" else {})
    files["deep.tif"] = io.BytesIO()
    deep = np.asarray(grey).astype("uint16") * 257
    tifffile.imwrite(files["deep.tif"], deep, metadata=None)
    return {name: file.getvalue() for name, file in files.items()}


def damaged(number, good, dice):
    """Returns a name and a photo, of which something is wrong."""
    origin = dice.choice(sorted(good))
    file = bytearray(good[origin])
    for _ in range(dice.choice((1, 1, 2, 8))):
        # Headers are small, and most of what can go wrong is in them.
        start = dice.randrange(dice.choice((64, 512, len(file) + 1)))
        end = start + dice.choice((1, 2, 4, 100))
        other = good[dice.choice(sorted(good))][dice.randrange(500) :]
        again = file[start:end] * dice.choice((0, 2, 50))
        new = dice.randbytes(4), dice.choice(EXTREMES), again, other
        file[start : dice.choice((end, end, len(file)))] = dice.choice(new)
    return f"bad_{number}_{origin}", bytes(file)


def colored(photos):
    """Returns the results of `colorize` by names; nothing for a failure."""
    with tempfile.TemporaryDirectory() as folder:
        scans, out = Path(folder) / "scans", Path(folder) / "out"
        scans.mkdir()
        for name, file in photos.items():
            (scans / name).write_bytes(file)
        command = [*PROGRAM, "colorize", str(scans), "-o", str(out)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE
        )
        said = re.sub(r"\s+", " ", done.stderr)
        assert "Traceback" not in said, said
        found = {path.stem: path.read_bytes() for path in out.iterdir()}
    results = {name: found.pop(Path(name).stem, None) for name in photos}
    assert not found, f"More files: {found.keys()}"
    failed = [name for name in photos if results[name] is None]
    assert done.returncode == bool(failed), (done.returncode, said)
    for name in failed:
        assert name in said, f"{name} is left out without a word: {said}"
    return {name: whole(name, file) for name, file in results.items()}


def posted(url, name, file):
    """Returns a PNG by the server; nothing where it says what is wrong."""
    answer = httpx.post(f"{url}/colorize", content=file, timeout=PATIENCE)
    if answer.is_success:
        return whole("result.png", answer.content)
    assert answer.status_code in (400, 413), (name, answer.text)
    assert answer.json()["error"], name
    return None


def whole(name, file):
    """Returns a file that the decoders of others can read, or nothing."""
    if file is not None and name.endswith(".tif"):
        tifffile.imread(io.BytesIO(file))
    elif file is not None:
        Image.open(io.BytesIO(file)).load()
    return file


def check_lightness(photo, result):
    """Expects colors with the lightness of the photo."""
    files = io.BytesIO(photo), io.BytesIO(result)
    grey, rgb = (np.asarray(Image.open(file).convert("RGB")) for file in files)
    true, found = (skimage.color.rgb2lab(x)[..., 0] for x in (grey, rgb))
    assert np.abs(found - true).mean() < 1
    assert np.ptp(rgb, axis=-1).max() > 9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))

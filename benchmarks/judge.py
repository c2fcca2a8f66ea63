"""Scores a model on photos it has not seen, beside leaving them grey.

Every photo is colorized at its own size; scores are means over photos.
"""

from pathlib import Path

import numpy as np
import tyro
from rich.progress import track

from keras_colorizer.silence import silent_stderr

with silent_stderr():
    from keras_colorizer import Colorizer
    from keras_colorizer.metrics import Scores, colorfulness, mean_scores, score
    from keras_colorizer.photos import find_photos, read_rgb


def main(model: Path, data: Path) -> None:
    """Prints a table.

    Args:
        model: A run folder or a .keras file.
        data: A folder of color photos.
    """
    colorizer = Colorizer.load(model)
    rows: dict[str, list[Scores]] = {"left grey (ab = 0)": [], str(model): []}
    truth = []
    for photo in track(find_photos([data]), "Judging", transient=True):
        real = read_rgb(photo.path, short_side=None)
        truth.append(colorfulness(real))
        for name, saturation in zip(rows, (0.0, 1.0), strict=True):
            fake = np.asarray(colorizer.colorize(real, saturation=saturation))
            rows[name].append(score(real, fake))
    print(f"{len(truth)} photos of colorfulness {np.mean(truth):.1f}\n")
    print("| model | PSNR (dB) | CIEDE2000 | colorfulness |\n|---|---|---|---|")
    for name, scores in rows.items():
        mean = mean_scores(scores)
        print(
            f"| {name} | {mean.psnr:.2f} | {mean.ciede2000:.2f} "
            f"| {mean.colorfulness:.1f} |"
        )


if __name__ == "__main__":
    tyro.cli(main)

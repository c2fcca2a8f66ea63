"""Colors photos by a server, as `keras-colorizer colorize` does by itself.

    pip install "keras-colorizer[client]"
    python client.py scans/ -o colored/ --url http://localhost:8501

The server, TF Serving or `keras-colorizer serve`, predicts colors of small
squares of lightness. Photos stay here, so size, 16 bits and EXIF are kept,
and results that exist are skipped. From Python:

    from keras_colorizer import Colorizer

    url = "http://localhost:8501/v1/models/colorizer"
    Colorizer.load(url).colorize("old.jpg").save("new.png")
"""

import argparse
import sys

try:
    from keras_colorizer import __version__
    from keras_colorizer.__main__ import main as keras_colorizer
except ModuleNotFoundError:
    sys.exit('Error: pip install "keras-colorizer[client]"')


def main() -> int:
    """Parses the command line, colors, and returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Color photos by a server.",
        epilog="For more flags: keras-colorizer colorize --model URL ...",
    )
    parser.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER")
    parser.add_argument("-o", "--output", default="colorized")
    parser.add_argument("--url", default="http://localhost:8501")
    version = f"keras-colorizer {__version__}"
    parser.add_argument("--version", action="version", version=version)
    options = parser.parse_args()
    model = f"{options.url.rstrip('/')}/v1/models/colorizer"
    flags = ["-o", options.output, "--model", model]
    return keras_colorizer(arguments=["colorize", *options.photos, *flags])


if __name__ == "__main__":
    sys.exit(main())

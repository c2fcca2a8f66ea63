"""Exports a trained colorizer: `python export.py --run runs/NAME`."""

import sys

from keras_colorizer.cli.export import main

if __name__ == "__main__":
    sys.exit(main())

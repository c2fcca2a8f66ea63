"""Trains a colorizer: `python train.py --epochs 50`; see `--help`."""

import sys

from keras_colorizer.cli.train import main

if __name__ == "__main__":
    sys.exit(main())

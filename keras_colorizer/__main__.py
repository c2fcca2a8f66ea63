"""The command `python -m keras_colorizer`, installed as `keras-colorizer`."""

import sys

from keras_colorizer.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())

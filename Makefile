# Two commands: `make train` and `make test`. Each sets everything up first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A black-and-white photo that comes with scikit-image.
OLD_PHOTO = $(VENV)/lib/python3*/site-packages/skimage/data/camera.png

.PHONY: train test check clean

train: $(VENV)/installed
	$(BIN)/python train.py --epochs 50
	$(BIN)/python -m keras_colorizer colorize $(OLD_PHOTO) -o colorized/ \
		--overwrite --model "$$(ls -td runs/*/ | head -1)"

test: $(VENV)/installed
	$(BIN)/python -m pytest

# What CI checks besides the tests.
check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

clean:
	rm -rf $(VENV)

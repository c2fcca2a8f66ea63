# Two commands: `make train` and `make test`. Each sets everything up first.
# And `make web`, which needs node: the page that colors photos in a browser.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A black-and-white photo that comes with scikit-image.
OLD_PHOTO = $(VENV)/lib/python3*/site-packages/skimage/data/camera.png

WEB := ondevice/web

.PHONY: train test check web clean

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

# Into $(WEB)/dist, a folder for any web server.
web:
	cd $(WEB) && npm ci --no-audit --no-fund && npm run build

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

clean:
	rm -rf $(VENV)

# Two commands: `make train` and `make test`. Each sets everything up first.
# And `make web`, which needs node: the app that colors photos in a browser.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

WEB := serving/web
WEB_SOURCES = $(filter-out %.tflite %/wasm,$(wildcard $(addprefix $(WEB)/, \
	index.html package.json vite.config.js public/* src/* src/*/*)))
WEB_MODEL := keras_colorizer/pretrained/small/ab_float16.tflite
PACKAGED_WEB := keras_colorizer/serving/web

.PHONY: train test check site web clean

train: $(VENV)/installed
	$(BIN)/python train.py --epochs 50

test: $(VENV)/installed
	$(BIN)/python -m pytest

# What CI checks besides the tests.
check: $(VENV)/installed site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site, with every link checked, in site/. With --quiet
# MkDocs would not count warnings, and not be strict.
site: $(VENV)/installed
	$(MKDOCS) build --strict

# The web app: $(WEB)/dist for any web server, and a copy that `serve` shows.
web: $(PACKAGED_WEB)/index.html

$(PACKAGED_WEB)/index.html: $(WEB_SOURCES) $(WEB_MODEL) $(WEB)/node_modules/ready
	cp $(WEB_MODEL) $(WEB)/public/ab_float16.tflite
	cp -r $(WEB)/node_modules/@litertjs/core/wasm $(WEB)/public/
	cd $(WEB) && npm run build
	rm -rf $(@D) && cp -r $(WEB)/dist $(@D)

$(WEB)/node_modules/ready: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	touch $@

$(VENV)/installed: requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

clean:
	rm -rf $(VENV)

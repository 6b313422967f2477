# What people and CI call. `make help` lists it.

export DEBIAN_FRONTEND ?= noninteractive
# Outside the clone, so that a fresh clone does not compile RocksDB again (over ten minutes on two cores).
export CARGO_TARGET_DIR ?= $(HOME)/.cache/sheaf/target

CARGO ?= cargo
SHEAF = $(CARGO_TARGET_DIR)/release/sheaf
DEMO ?= demo
FUZZ_SECONDS ?= 60
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)
# What building needs besides Rust: a C++ compiler for RocksDB, and libclang for its bindings.
PACKAGES = $(if $(shell command -v g++),,g++) $(if $(shell command -v make),,make) \
	$(if $(wildcard /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang-*.so*),,libclang-dev)
SNARKJS = aggregator/tests/snarkjs

.PHONY: help deps node l1-tools snarkjs-tools fleet-tools build demo test bench lint lint-deploy fuzz clean-demo

help: ## list what there is
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 15

deps: ## install what building needs, if it is missing
	@if [ -n "$(strip $(PACKAGES))" ]; then \
		echo "installing:$(strip $(PACKAGES))" && \
		$(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q $(PACKAGES); \
	fi
	@command -v $(CARGO) > /dev/null || { echo "Rust is missing: see https://rustup.rs" >&2; exit 1; }

# Node runs the Solidity compiler; npm fetches that, forge and anvil. Kept in ~/.cache/sheaf, outside the clone.
NODE_PACKAGES = $(if $(shell command -v node),,nodejs) $(if $(shell command -v npm),,npm)

node:
	@if [ -n "$(strip $(NODE_PACKAGES))" ]; then \
		echo "installing:$(strip $(NODE_PACKAGES))" && \
		$(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(NODE_PACKAGES); \
	fi

l1-tools: node ## install forge, anvil, cast and solc for the L1 contracts, if they are missing
	@verifier-contract/tools/install

build: deps ## build the sheaf binary
	$(CARGO) build --release --locked -p sheaf-cli

demo: build l1-tools ## prove real mainnet transactions, then live and leave a rollup on an L1 of its own; again: resume
	@[ -f $(DEMO)/batch.jsonl ] || $(SHEAF) import fixtures/demo/transactions.csv --out $(DEMO)
	$(SHEAF) execute $(DEMO)/batch.jsonl
	$(SHEAF) prove $(DEMO)/batch.jsonl --data-dir $(DEMO)/data --out $(DEMO)/proof.bin
	$(SHEAF) verify $(DEMO)/proof.bin
	tools/demo-l1 $(abspath $(SHEAF)) $(DEMO)/l1

# Debian's packages, unpacked and not installed: installing NATS would start a service.
FLEET_TOOLS = $(HOME)/.cache/sheaf/fleet-tools
fleet-tools: ## get nats-server and libfaketime for the tests of fleets, if they are missing
	@if [ ! -d $(FLEET_TOOLS) ]; then \
		$(SUDO) apt-get update -q && mkdir -p $(FLEET_TOOLS).partial && cd $(FLEET_TOOLS).partial && \
		apt-get download -q nats-server libfaketime && \
		for package in *.deb; do dpkg-deb -x $$package . || exit 1; done && mv $(FLEET_TOOLS).partial $(FLEET_TOOLS); \
	fi

# One folder for each lock, so that what is there is what the lock says.
snarkjs-tools: node ## install the snarkjs that tests run a ceremony with
	@tools=$(HOME)/.cache/sheaf/node/$$(sha256sum $(SNARKJS)/package-lock.json | cut -c1-16); \
	if [ ! -d $$tools ]; then \
		mkdir -p $$tools.partial && cp $(SNARKJS)/package*.json $$tools.partial && \
		(cd $$tools.partial && npm ci --ignore-scripts --no-audit --no-fund) && mv $$tools.partial $$tools; \
	fi

test: deps l1-tools snarkjs-tools fleet-tools ## run every test
	$(CARGO) test --release --locked --workspace

bench: deps ## run the benchmarks
	$(CARGO) bench --locked --workspace

lint: deps l1-tools ## formatting, clippy, and links in the docs
	verifier-contract/tools/l1 forge fmt --check
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --workspace

lint-deploy: fleet-tools ## what deploy/ has: its linters, and nats.conf tried on a real server
	deploy/lint

fuzz: deps ## fuzz each decoder for FUZZ_SECONDS, 60 unless set (installs cargo-fuzz)
	@command -v cargo-fuzz > /dev/null || $(CARGO) install cargo-fuzz --locked
	@export RUSTC_BOOTSTRAP=1; for target in $$($(CARGO) fuzz list); do \
		echo "fuzzing $$target for $(FUZZ_SECONDS) s"; mkdir -p fuzz/corpus/$$target fuzz/seeds/$$target; \
		$(CARGO) fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=262144 || exit 1; \
	done

clean-demo: ## remove what the demo made
	rm -rf $(DEMO)

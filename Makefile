# The two main commands are `make run` and `make test`. Each installs its requirements, or prints the missing ones.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

CARGO ?= cargo
BENCH ?=
RUNS := survival conformance chaos soak
VERIFY ?= $(RUNS)
.PHONY: test-mongodb schemathesis hostile help run build page shots man test verify $(addprefix verify-,$(RUNS)) conformance lint cross bench fuzz clean

help: ## Show the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: page ## Build wxcode and start it on 127.0.0.1 with the embedded store
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder
	exec "$${CARGO_TARGET_DIR:-target}/release/wxcode" serve

build: page ## Build the programs and the page
	@scripts/need cargo
	$(CARGO) build -p wxcode -p wxcode-holder

page: ## Build the web page, if Node is installed
	@if scripts/need --quiet node npm; then
	  scripts/packages web
	  npm --prefix web run --silent build
	else
	  echo "building wxcode without its page:" >&2
	  scripts/need node npm || true
	fi

shots: page ## Take the pictures of README and docs, of a pretend agent
	@scripts/need node
	folder="$${CARGO_TARGET_DIR:-target}/shots"
	CHROMIUM="$$(scripts/chromium)" node web/e2e/shots.mjs "$$folder"
	cp "$$folder/desktop-light-ask-ask.png" docs/images/desktop.png
	cp "$$folder/phone-light-ask-question.png" docs/images/phone.png
	echo "all pictures in $$folder, those of the docs in docs/images"

man: build ## Build the man pages into target/man
	@folder="$${CARGO_TARGET_DIR:-target}/man"
	"$${CARGO_TARGET_DIR:-target}/debug/wxcode" man "$$folder"
	echo "man pages in $$folder: man $$folder/wxcode.1"

test: ## Run all tests; WXCODE_TEST_STORE=mongodb: on the shared store only
	@scripts/test

test-mongodb: ## Test the shared store on a MongoDB of yours: URL=mongodb://HOST/?replicaSet=…; its databases wxcode_test_… stay
	@[[ "$(URL)" ]] || { echo "name the server: make test-mongodb URL=mongodb://HOST:27017" >&2; exit 2; }
	export WXCODE_TEST_MONGODB="$(URL)"
	$(CARGO) test -p wxcode-store-mongodb
	$(CARGO) test -p wxcode --test e2e -- mongodb::

verify: $(addprefix verify-,$(VERIFY)) ## Run the long checks; VERIFY='survival conformance chaos soak' selects some

# The tests behind the table "What survives what", and the table with their outcomes.
verify-survival:
	@scripts/survival

# The facts about Claude Code; CLAUDE=/path checks another version.
verify-conformance:
	@scripts/conformance

# Random kills, stops and cuts for CHAOS_SECONDS (60); CHAOS_SEED or CHAOS_REPLAY repeat a run.
verify-chaos:
	@scripts/chaos

# SOAK_SESSIONS (200) chatty sessions for SOAK_SECONDS (600); fails where memory or the echo latency grows.
verify-soak:
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder -p wxcode-bench -p wxcode-testbed
	"$${CARGO_TARGET_DIR:-target}/release/wxcode-bench" soak --sessions "$${SOAK_SESSIONS:-200}" --seconds "$${SOAK_SECONDS:-600}"

verify-%:
	@echo "make verify: unknown run '$*' in VERIFY: choose among $(RUNS)" >&2
	exit 2

# A short name, used by docs and messages.
conformance: verify-conformance

lint: ## Check format, lints and types
	@scripts/lint

cross: ## Lint for arm64 and musl, and run the holder's tests there; CROSS selects targets
	@scripts/cross

bench: ## Measure wxcode against a PTY; BENCH=--quick is faster, BENCH='echo load' selects rows
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder -p wxcode-bench
	"$${CARGO_TARGET_DIR:-target}/release/wxcode-bench" $(BENCH)

fuzz: ## Fuzz each target for FUZZ_SECONDS, 60 by default
	@scripts/fuzz

schemathesis: ## Check the API's answers against its OpenAPI document, with generated requests
	@scripts/schemathesis

hostile: ## Try hostile connections and files, and print the server's worst answer meanwhile
	@scripts/hostile

clean: ## Remove all build output
	$(CARGO) clean
	rm -rf web/dist web/node_modules judge/node_modules

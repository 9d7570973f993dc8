# Two commands do everything: `make run` and `make test`. Each installs what it needs, or says what is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

CARGO ?= cargo
BENCH ?=
.PHONY: help run build test survival chaos conformance lint bench soak fuzz page clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: page ## Build wxcode and start it on 127.0.0.1 with the embedded store
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder
	exec "$${CARGO_TARGET_DIR:-target}/release/wxcode" serve

build: page ## Build the programs and the page
	@scripts/need cargo
	$(CARGO) build -p wxcode -p wxcode-holder

page: ## Build the web page, if Node is there
	@if scripts/need --quiet node npm; then
	  scripts/packages web
	  npm --prefix web run --silent build
	else
	  echo "wxcode is built without its page:" >&2
	  scripts/need node npm || true
	fi

test: ## Install what the tests need, and run them all; WXCODE_TEST_STORE=mongodb on the shared store alone
	@scripts/test

survival: ## Run the tests of what is promised when something breaks, and print the table of it
	@scripts/survival

chaos: ## Kill, stop and cut at random for CHAOS_SECONDS, 60 by default; CHAOS_SEED or CHAOS_REPLAY goes through the same steps
	@scripts/chaos

conformance: ## Print whether Claude Code does what wxcode relies on; CLAUDE=/path judges another version
	@scripts/conformance

lint: ## Check format, lints and types
	@scripts/lint

bench: ## Measure wxcode, as ratios to a PTY read in a tight loop; BENCH=--quick takes a minute, BENCH='echo load' some rows
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder -p wxcode-bench
	"$${CARGO_TARGET_DIR:-target}/release/wxcode-bench" $(BENCH)

soak: ## Run SOAK_SESSIONS chatty sessions, 200 by default, for SOAK_SECONDS, 600 by default; fails where memory grows or the echo gets slower
	@scripts/need cargo
	$(CARGO) build --release -p wxcode -p wxcode-holder -p wxcode-bench -p wxcode-testbed
	"$${CARGO_TARGET_DIR:-target}/release/wxcode-bench" soak --sessions "$${SOAK_SESSIONS:-200}" --seconds "$${SOAK_SECONDS:-600}"

fuzz: ## Fuzz each target for FUZZ_SECONDS, 60 by default
	@scripts/fuzz

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf web/dist web/node_modules judge/node_modules

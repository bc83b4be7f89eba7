# Does this endpoint really speak OpenAI?  `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# PROXY: empty judges the kit's own fake, offline; `real` is http://localhost:1337/v1; else a URL.
# UPSTREAM: `fake` puts the fake behind the proxy and judges what passes between both.
PROXY ?=
UPSTREAM ?=
MODEL ?=
FIXTURE ?=
RUN ?=
OUT ?= fixtures/recordings
FUZZ_SECONDS ?= 600
FUZZ_SEED ?=
FUZZ_ONLY ?=
CORE_TESTS = $(addprefix fake_server/tests/test_,$(addsuffix .py,sse jsontext fixture exchange capture coding playback files bounded_yaml field_values memory work_of_one_request)) \
  $(addprefix contract_tests/tests/test_,$(addsuffix .py,rules relations precision openapi refused one_cause other_forms legal_forms endpoints \
    responses responses_tools responses_resumed responses_asked relations_of_responses replies_of_another_kind evil_schemas))
ALL_CORES = -n auto --dist worksteal
TARGET = $(if $(filter real,$(PROXY)),http://localhost:1337/v1,$(PROXY))

# The shell gets them as variables: nothing in a URL is read as shell.
contract record: export TARGET := $(TARGET)
contract record: export MODEL := $(MODEL)
record: export OUT := $(OUT)
record: export RUN := $(RUN)
contract: export FIXTURE := $(FIXTURE)
fuzz: export FUZZ_SECONDS := $(FUZZ_SECONDS)
fuzz: export FUZZ_SEED := $(FUZZ_SEED)
fuzz: export FUZZ_ONLY := $(FUZZ_ONLY)

# Each command that a test starts would otherwise compile the kit anew where the environment forbids bytecode.
test proofs: export PYTHONDONTWRITEBYTECODE :=
test proofs: export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode

.DEFAULT_GOAL := help
.PHONY: help setup contract record test proofs fuzz coverage check mutants fake interop sandwich judges behaviour bench profile bench-fidelity sdks constraints clean compatibility matrix rules pages langchain suites uses clients ready wheel security audit

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make the environment in .venv (the other targets do it when needed)

$(STAMP): pyproject.toml constraints.txt $(wildcard contract_tests/lab/packaging/kit/*.py)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.12 …" >&2; exit 2; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

contract: $(STAMP)  ## judge the fake offline; PROXY=real or <url> [MODEL=…] a live target, [UPSTREAM=fake] both its sides; FIXTURE=… a recording
ifeq ($(UPSTREAM),fake)
	@$(BIN)/contract sandwich --proxy "$$TARGET" $${MODEL:+--model "$$MODEL"}
else ifneq ($(PROXY),)
	@$(BIN)/contract run "$$TARGET" $${MODEL:+--model "$$MODEL"}
else
	@$(BIN)/contract offline $${FIXTURE:+--fixture "$$FIXTURE"} $${MODEL:+--model "$$MODEL"}
endif

record: $(STAMP)  ## record what clients get from PROXY=real or <url>; RUN=main or a case; OUT=fixtures/recordings
	@$(BIN)/contract record --target "$${TARGET:-http://localhost:1337/v1}" --out "$$OUT" \
	  $${RUN:+--run "$$RUN"} $${MODEL:+--model "$$MODEL"}

test: $(STAMP)  ## run the tests on all cores; all but the slow proofs
	$(BIN)/python -m pytest $(ALL_CORES) -m "not slow"

proofs: $(STAMP)  ## run the slow proofs: samples of clients, SDKs, fuzz and large corpora
	$(BIN)/python -m pytest $(ALL_CORES) -m slow

wheel: $(STAMP)  ## install the wheel as others do, on each Python and SDK here (part of the proofs), and weigh it
	$(BIN)/python -m pytest $(ALL_CORES) contract_tests/lab/tests/test_wheel.py contract_tests/lab/tests/test_wheel_projects.py
	@$(BIN)/python -m contract_tests.lab.packaging

security: $(STAMP)  ## try to break each promise of SECURITY.md; SECURITY=--write puts the counts into its table
	@$(BIN)/python -m contract_tests.lab.security $(SECURITY)

fuzz: $(STAMP)  ## fuzz the fake, scripts and recordings for FUZZ_SECONDS=600; FUZZ_SEED=… FUZZ_ONLY=<part> repeat a run
	@$(BIN)/python -m contract_tests.lab.fuzz --seconds "$$FUZZ_SECONDS" $${FUZZ_SEED:+--seed "$$FUZZ_SEED"} \
	  $${FUZZ_ONLY:+--only "$$FUZZ_ONLY"}

coverage: $(STAMP)  ## branch coverage of the core: the wire and the rules
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q $(ALL_CORES) $(CORE_TESTS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

check: $(STAMP)  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

mutants: $(STAMP)  ## score the rules on changed exchanges; MUTANTS=--write puts the scores into README
	@$(BIN)/python -m contract_tests.lab.mutation committed $(MUTANTS)

fake: $(STAMP)  ## serve the fake on http://127.0.0.1:1337
	@$(BIN)/fake-server

interop: $(STAMP)  ## run openai-node against the fake and judge real third-party servers; ALL=1 adds the one with PyTorch
	@$(BIN)/python -m contract_tests.lab.suites node || [ $$? = 3 ]
	@$(BIN)/python -m contract_tests.lab.interop --json .cache/interop/reports $(if $(ALL),--all)

sandwich: $(STAMP)  ## what real proxies change, with the fake behind them; SANDWICH=--write writes INTEROP.md
	@$(BIN)/python -m contract_tests.lab.interop.sandwich $(SANDWICH)

behaviour: $(STAMP)  ## judge targets that behave in one way other than OpenAI; BEHAVIOUR='--judges --write' asks other judges too
	@$(BIN)/python -m contract_tests.lab.behaviour $(BEHAVIOUR)

judges: $(STAMP)  ## have other people's judges of OpenAI compatibility judge the fake
	@$(BIN)/python -m contract_tests.lab.outside

rules: $(STAMP)  ## write the contract in words, RULES.md; CHECK=1 only compares
	@$(BIN)/python -m contract_tests.lab.pages.rules_page $(if $(CHECK),--check,--write)

langchain: $(STAMP)  ## run LangChain's standard test suites against the fake, over chat and responses; each skipped test with its reason
	@$(BIN)/python -m contract_tests.lab.suites langchain

suites: $(STAMP)  ## run openai-python's own tests of responses and conversations against the fake; each refusal with its reason
	@$(BIN)/python -m contract_tests.lab.suites resources

clients: $(STAMP)  ## replay every broken fixture to real clients and compare; CLIENTS=--write saves the results
	@$(BIN)/python -m contract_tests.lab.clients $(CLIENTS)

ready: $(STAMP)  ## record what clients send and survive, for `contract ready`; READY=--write saves it, READY=NAME asks one client
	@$(BIN)/python -m contract_tests.lab.ready $(READY)

uses: $(STAMP)  ## run the tests that TESTING.md shows for LangChain, pydantic-ai and the Agents SDK, in an environment of their own
	@$(BIN)/python -m contract_tests.lab.suites uses

pages: $(STAMP)  ## write the pages made from code: FAULTS.md, SCRIPTS.md, TESTING.md, BUGS.md and its fixtures
	@$(BIN)/python -m contract_tests.lab.bug_fixtures --write
	@$(BIN)/python -m contract_tests.lab.pages --write

compatibility: $(STAMP)  ## judge the recordings of other providers and write COMPATIBILITY.md; CHECK=1 only compares
	@$(BIN)/python -m contract_tests.lab.compatibility "$${OPENAI_CONTRACT_SHARED:-../shared}/recordings" \
	  $(if $(CHECK),--check,--write)

matrix: $(STAMP)  ## compare the recorded providers and the servers of the last `make interop` on a page, .cache/matrix/matrix.html
	@$(BIN)/python -m contract_tests.lab.matrix "$${OPENAI_CONTRACT_SHARED:-../shared}/recordings" .cache/interop/reports .cache/matrix

bench: $(STAMP)  ## measure the fake beside bare uvicorn and other fakes, and how fast streams are judged and relayed, and recordings redacted
	@$(BIN)/python -m contract_tests.lab.speed
	@$(BIN)/python -m contract_tests.lab.speed.judging
	@$(BIN)/python -m contract_tests.lab.speed.relaying
	@$(BIN)/python -m contract_tests.lab.speed.redacting

profile: $(STAMP)  ## how many calls a request passes, and where the time of a reply, of the start, and of judging goes
	@$(BIN)/python -m contract_tests.lab.speed.profiling

bench-fidelity: $(STAMP)  ## compare what recorders preserve: this kit, vcrpy, mitmproxy, aimock; FIDELITY=--write saves the table
	@$(BIN)/python -m contract_tests.lab.fidelity $(FIDELITY)

audit: $(STAMP)  ## look the pinned versions up in a database of advisories; says so where that is out of reach
	@$(BIN)/python -m contract_tests.lab.tools.audit

sdks: $(STAMP)  ## build an environment for each generation of the official SDK
	@$(BIN)/python -m contract_tests.lab.tools.sdks

constraints: $(STAMP)  ## pin the newest versions of everything in constraints.txt
	@$(BIN)/python -m contract_tests.lab.tools.sdks --refresh

clean:  ## remove environments and caches
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage build dist

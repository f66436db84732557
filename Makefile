# The commands that always work. `make run` is the one to try first.
CONFIGURATION ?= Release
FAULT ?= random
FUZZ_SECONDS ?= 60
HISTORIES ?= 2000
RUNS ?= 1000
ARTIFACTS := artifacts
AGENT := $(ARTIFACTS)/agent/incidentfox-agent
WORKBENCH := src/IncidentFox.Workbench/bin/$(CONFIGURATION)/net10.0/incidentfox-workbench
AGENT_SOURCES := $(shell find src/IncidentFox.Agent src/IncidentFox.Contracts -name '*.cs' -o -name '*.csproj' 2>/dev/null | grep -v /obj/) Directory.Build.props Directory.Packages.props
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.PHONY: help run smoke test fuzz canary chaos pod-chaos mutate bench check format build agent setup clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup:
	@eng/setup

build: setup
	@eng/quiet build dotnet build IncidentFox.Bot.sln -c $(CONFIGURATION) -v quiet --nologo

agent: setup $(AGENT)
	@:

$(AGENT): $(AGENT_SOURCES)
	@eng/quiet agent dotnet publish src/IncidentFox.Agent -c Release -r linux-x64 -v quiet --nologo -o $(ARTIFACTS)/agent
	@touch $(AGENT)

run: build agent ## the whole product on this machine, with a page to try it (FAULT=memory-leak|stuck-pool|scaled-to-zero|bad-image|none|random)
	@$(WORKBENCH) run --fault $(FAULT)

smoke: build agent ## the main job, headless, against the real pieces; prints the transcript
	@$(WORKBENCH) smoke

test: ## everything that is tested; the last line counts
	@eng/setup --test
	@$(MAKE) --no-print-directory build agent
	@eng/test $(CONFIGURATION)

fuzz: build ## every fuzzer for FUZZ_SECONDS (60) in all; FUZZ_SEED, FUZZ_ONLY and FUZZ_CASE repeat a finding, whose input is in artifacts/fuzz/
	@FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) FUZZ_ONLY=$(FUZZ_ONLY) FUZZ_CASE=$(FUZZ_CASE) dotnet tests/IncidentFox.Fuzz/bin/$(CONFIGURATION)/net10.0/IncidentFox.Fuzz.dll

canary: build ## the canary proof: 200 investigations with random secrets in every source, and a search for them everywhere
	@eng/setup --test
	@CANARY_INVESTIGATIONS=200 tests/IncidentFox.Canary/bin/$(CONFIGURATION)/net10.0/IncidentFox.Canary --progress off

chaos: build agent ## the fault test: HISTORIES (2,000) random histories of approvals with processes killed and connections cut; SEED repeats them
	@eng/setup --test
	@CHAOS_HISTORIES=$(HISTORIES) CHAOS_SEED=$(SEED) tests/IncidentFox.Chaos/bin/$(CONFIGURATION)/net10.0/IncidentFox.Chaos --progress off

pod-chaos: build ## the fault test of sandbox pods: RUNS (1,000) runs with API errors, broken watches, lost pods and nodes, bots killed; SEED (1) repeats them
	@eng/setup --test
	@POD_CHAOS_RUNS=$(RUNS) POD_CHAOS_SEED=$(SEED) POD_CHAOS_WORLDS=3 tests/IncidentFox.Bot.Tests/bin/$(CONFIGURATION)/net10.0/IncidentFox.Bot.Tests --filter-class '*PodChaosTests' --progress off --output Detailed

mutate: build ## mutation testing of what decides (decision, quorum, digest); ONLY=part of a file's name
	@dotnet tests/IncidentFox.Mutation/bin/$(CONFIGURATION)/net10.0/IncidentFox.Mutation.dll . $(CONFIGURATION) $(ONLY)

bench: ## benchmarks (ONLY=approvals|spine|gateway|kubernetes); also written to artifacts/bench/
	@eng/setup --bench
	@$(MAKE) --no-print-directory build agent
	@dotnet tests/IncidentFox.Benchmarks/bin/$(CONFIGURATION)/net10.0/IncidentFox.Benchmarks.dll $(if $(ONLY),--only $(ONLY)) --out $(ARTIFACTS)/bench

check: ## format, analyzers, architecture rules, golden files, manifests
	@eng/setup --test
	@$(MAKE) --no-print-directory build agent
	@eng/quiet format dotnet format IncidentFox.Bot.sln --verify-no-changes --no-restore
	@eng/check $(CONFIGURATION)

format: ## mends what `make check` says about format
	@dotnet format IncidentFox.Bot.sln

clean: ## removes what was built and the local data
	@dotnet clean IncidentFox.Bot.sln -v quiet --nologo >/dev/null; rm -rf $(ARTIFACTS) .data

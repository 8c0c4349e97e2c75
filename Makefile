# Usher. `make run` and `make test` do all their own set-up; `make help` lists the rest.
SHELL := /bin/bash
export PATH := $(PATH):/usr/local/go/bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
.DEFAULT_GOAL := help
.PHONY: help run test setup build web generate verify lint vuln bench eval test/go test/race test/web test/e2e db/reset clean

help: ## List the targets
	@grep -hE '^[a-z/]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Set everything up, load the demo, serve, and print sign-in links
	@deploy/setup.sh run
	@$(MAKE) --no-print-directory build
	@exec bin/usher run

test: ## Set everything up and run all tests, the browser journeys included
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory build
	@deploy/test.sh

setup: ## Install what is missing
	@deploy/setup.sh test

build: web ## Build bin/usher with the web inside
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/usher ./cmd/usher

web: ## Build the web if its sources changed
	@deploy/web.sh

generate: ## Write generated code anew from the contract
	@go generate ./...

verify: generate ## Fail when generated code differs from the contract
	@git diff --exit-code -- '*.gen.go' '*.gen.ts' || { echo "generated code is out of date: run 'make generate' and commit"; exit 1; }

lint: ## Run golangci-lint where it is installed
	@command -v golangci-lint >/dev/null && golangci-lint run || echo "golangci-lint: not run (not installed); import rules are also tested by cmd/usher"

vuln: ## Check known vulnerabilities (needs the vulnerability database)
	@go run golang.org/x/vuln/cmd/govulncheck@latest ./... || echo "govulncheck: not run or found something; see above"

test/go: ## Run the Go tests only
	@deploy/setup.sh test
	@go build -o bin/testpg ./migrations/localpg/testpg
	@USHER_TEST_DATABASE_URL=$$(bin/testpg start --dir .usher/test) go test ./...

test/race: ## Run the Go tests under the race detector
	@deploy/setup.sh test
	@go build -o bin/testpg ./migrations/localpg/testpg
	@USHER_TEST_DATABASE_URL=$$(bin/testpg start --dir .usher/test) go test -race ./...

test/web: ## Run the web's unit tests
	@deploy/web.sh modules && cd portal/web && npm test --silent

test/e2e: build ## Run the browser journeys only
	@cd portal/e2e && { [ -e node_modules ] || npm ci --silent --no-audit --no-fund; } && npm test --silent

bench: build ## Throughput and latency as ratios to a floor measured in the same run
	@for what in intake triage search stream; do bin/usher bench $$what || exit 1; done

eval: build ## Measure the engine on the public development data (USHER_TESTDATA)
	@deploy/eval.sh

db/reset: ## Throw the private database away
	@bin/usher stop 2>/dev/null || true
	@rm -rf .usher/postgres .usher/postgres.json

clean: ## Remove what was built
	@rm -rf bin portal/web/dist/assets portal/web/dist/*.html portal/web/dist/.stamp

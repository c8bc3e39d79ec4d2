# Yuanjiao. `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help run test check audit bench soak kills year relay-hours zap fuzz api-fuzz screenshots lighthouse web deps install-deps browser-test clean FORCE

TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where scripts/install-deps.sh puts a Node.js of our own if the system's is too old.
export PATH := $(CURDIR)/target/node/node_modules/.bin:$(PATH)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

run: install-deps ## install what is missing, build, run the demo county
	@$(MAKE) --no-print-directory web
	cargo build --release --locked
	exec $(TARGET)/release/yuanjiao demo --data data/demo

test: deps ## install what is missing, then every check and test, browsers included
	@$(MAKE) --no-print-directory check
	scripts/rust-tests.sh
	BUILT=yes scripts/browser-tests.sh

check: web ## formatting, lints, rustdoc, the pages' types and lints
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --locked
	cd web && npm run check

audit: ## licences, advisories and sources of crates (needs cargo-deny)
	@cargo deny --version >/dev/null 2>&1 || { echo 'audit: cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny --locked check

bench: deps ## criterion and whole-process benchmarks
	@$(MAKE) --no-print-directory web
	scripts/npm-run.sh benches/channel-engine installed
	cargo bench --locked --bench delivery --bench viewers --bench beats --bench years --bench channels --bench relays --bench packaging --bench uploads

# Minutes that viewers watch while things go wrong.
SOAK_MINUTES ?= 120

soak: deps ## two hours of viewers, edits, frozen upstreams, killed workers and servers
	@$(MAKE) --no-print-directory web
	cargo build --locked
	SOAK_MINUTES=$(SOAK_MINUTES) YUANJIAO=$(abspath $(TARGET))/debug/yuanjiao scripts/npm-run.sh tests/browser soak

# Of a relay's own time, and how much faster its clock runs.
HOURS ?= 8
SPEED ?= 16

# How often the server is killed while players beat.
KILLS ?= 100

year: web ## every evening of a year of 500 sites, with cheaters, against what is credited
	EVENINGS=365 cargo test --release --locked --lib simulation -- --nocapture

kills: web ## acknowledged beats survive a hundred kill -9
	KILLS=$(KILLS) cargo test --locked --test beats -- --nocapture

relay-hours: web ## eight hours of a relay at sixteen times the speed: memory and files stay
	HOURS=$(HOURS) SPEED=$(SPEED) cargo bench --locked --bench relay_hours

zap: deps ## how long a viewer waits for a channel's first picture, and for a live segment
	@$(MAKE) --no-print-directory web
	scripts/with-demo.sh scripts/npm-run.sh tests/browser zap

# Which parsers, and for how long each.
PARSERS ?=
SECONDS ?= 60

fuzz: web ## every parser of ours under libFuzzer, a minute each
	SECONDS_EACH=$(SECONDS) scripts/fuzz.sh $(PARSERS)

api-fuzz: web ## the API under schemathesis (from PyPI, to be installed by hand)
	scripts/api-fuzz.sh

browser-test: web ## only the browser tests
	scripts/browser-tests.sh

# Media that `make run` has prepared; without them the demo films anew, which takes a minute.
DEMO_MEDIA ?= $(CURDIR)/data/demo/media

screenshots: web ## docs/screenshots anew: every page, four languages, three screens
	DEMO_MEDIA=$(DEMO_MEDIA) scripts/with-demo.sh scripts/npm-run.sh tests/browser screenshots

lighthouse: web ## Lighthouse on home, guide, channel and lesson pages
	DEMO_MEDIA=$(DEMO_MEDIA) scripts/with-demo.sh scripts/npm-run.sh tests/lighthouse test

install-deps: ## what building and running needs (Debian and npm packages)
	@scripts/install-deps.sh run

deps: ## what testing needs besides
	@scripts/install-deps.sh test

# The pages are rebuilt when anything they are made of is newer than the last
# build. Stamps lie in node_modules, since web/dist is embedded whole.
WEB_SOURCES := $(shell find web \( -path web/node_modules -o -path web/dist \) -prune -o -type f -print 2>/dev/null)
WEB_BUILT := web/node_modules/.built
ifeq ($(wildcard web/dist/*),)
$(WEB_BUILT): FORCE
endif

web: $(WEB_BUILT) ## the pages, if their sources changed

$(WEB_BUILT): $(WEB_SOURCES) web/node_modules/.installed
	cd web && npm run build
	@touch $@

# Not `npm ci`: it refuses a lock file made where a registry mirror lacks packages
# that only other platforms need. The versions are the lock file's all the same.
web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm install --no-save --no-audit --no-fund
	@touch $@

clean: ## remove everything made by building
	cargo clean
	rm -rf web/dist web/node_modules tests/browser/node_modules tests/browser/results tests/lighthouse/node_modules tests/lighthouse/results tests/oidc/node_modules benches/channel-engine/node_modules

# Thin targets; Meson does the work. `make` builds, `make demo` shows, `make test` proves.
BUILD ?= build

.PHONY: all build deps demo test lint fuzz bench soak install clean

all: build

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --buildtype=debugoptimized

# Installs what is missing of packaging/debian-packages.txt, as root or with sudo.
deps:
	@tests/tools/deps

# Standard output carries the certificate and nothing before it. ONCE=1 ends after the certificate.
demo:
	@tests/tools/deps
	@$(MAKE) --no-print-directory build >&2
	@packaging/demo.py --reeve $(BUILD)/reeve $(if $(ONCE),--once)

test:
	@tests/tools/deps
	@tests/tools/test.py

lint:
	@tests/tools/test.py --only lint

# Each fuzz target for FUZZ_SECONDS (default 60).
fuzz:
	@tests/tools/fuzz

# Measures; appends a section to docs/benchmarks.md. Never part of the tests.
bench:
	@tests/bench/bench.py

# The long forms: the simulator with every planted bug and two years of many certificates; every crash point, the worker
# alone and the whole process group, several rounds.
soak:
	@tests/tools/test.py --only build
	@meson setup --reconfigure build-release --buildtype=release >/dev/null 2>&1 || meson setup build-release --buildtype=release
	@ninja -C build-release tests/sim/reeve-sim tests/sim/reeve-sim-planted
	@tests/sim/run.py --long --sim build-release/tests/sim/reeve-sim --planted build-release/tests/sim/reeve-sim-planted
	@tests/crash/run.py --long --reeve build-test/reeve

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-test build-clang build-fuzz build-release

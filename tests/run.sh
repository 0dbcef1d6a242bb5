#!/usr/bin/env bash
# make test: runs every test and prints a summary. `run.sh e2e` runs the Pod tests only.
# FAIL_ON_SKIPPED is a regular expression (awk) of SKIPPED lines that are failures, such as `Samba`, or `.` for all.
set -uo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
# Tests often wait for servers, so one more test than there are cores runs at a time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) + 1))}
log=$(mktemp)
trap 'rm -f "$log" "$log.testenv"' EXIT
failed=()

suite() { # suite NAME COMMAND..: runs the command and records its output for the summary
  local name=$1; shift
  printf '\n== %s\n' "$name"
  if ! "$@" 2>&1 | tee -a "$log"; then failed+=("$name"); fi
}

# Builds the servers that the tests start, in parallel with cargo: Go compiles while cargo links, and the reverse.
testenv() { tests/testenv/build.sh node && tests/testenv/build.sh helm && tests/testenv/build.sh stores && tests/testenv/build.sh directories && tests/testenv/build.sh previous; }

build() {
  testenv >"$log.testenv" 2>&1 &
  local servers=$! built=0
  cargo test --locked --workspace --no-run --quiet || built=1
  wait "$servers" || built=1
  cat "$log.testenv"
  return $built
}

if [ "${1:-all}" = e2e ] && [ -n "${E2E_KUBECONFIG:-}" ]; then
  : "${E2E_IMAGE:?E2E_KUBECONFIG needs E2E_IMAGE=NAME:TAG, an image of this tree that the cluster can pull (make image)}"
  tests/testenv/build.sh client || exit 1
  exec cargo test --locked --workspace --test cluster e2e:: -- --nocapture
fi

printf '\n== build\n'
build || exit 1
# The binary has the features of the tests, like every other build here, so that nothing is compiled twice.
export LANYARD_BINARY=$PWD/target/debug/lanyard
if [ "${1:-all}" = e2e ]; then
  suite "end to end with real Pods" cargo test --locked --workspace --test cluster e2e:: -- --nocapture
else
  suite "chart" tests/chart.sh
  suite "relying parties" tests/relying_parties/run.sh
  suite "unit, HTTP, golden, property, architecture, API server, Pods, browser" \
    cargo test --locked --workspace --no-fail-fast -- --show-output
fi

awk '
  /^(SKIPPED|.* SKIPPED):?/ || /SKIPPED:/ { skipped[++skips] = $0 }
  /^ *Running |^ *Doc-tests / { name = $2 == "unittests" ? $3 : $2 }
  /^test result:/ { for (i = 1; i <= NF; i++) { if ($i == "passed;") p = $(i-1); if ($i == "failed;") f = $(i-1); if ($i == "ignored;") g = $(i-1) }
    printf "  %-34s %4d passed %3d failed %3d ignored\n", name, p, f, g; passed += p; fail += f; ignored += g }
  END {
    for (i = 1; i <= skips; i++) printf "  %s\n", skipped[i]
    printf "%d passed, %d failed, %d skipped\n", passed, fail, ignored + skips
  }' "$log" >"$log.summary"
printf '\n== what ran\n'
cat "$log.summary"
rm -f "$log.summary"
if [ -n "${FAIL_ON_SKIPPED:-}" ] && awk -v wanted="$FAIL_ON_SKIPPED" '/SKIPPED/ && $0 ~ wanted { found = 1 } END { exit !found }' "$log"; then
  failed+=("tests that were skipped although FAIL_ON_SKIPPED=$FAIL_ON_SKIPPED")
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf '\n== what failed\n'
  # Repeats the output of failed tests without backtraces, because the log above may be long or truncated.
  awk '
    /^(failures|successes):$/ || /^test result:/ { told = 0; failures = /^failures:$/; next }
    failures && /^---- / { told = 40 }
    /^ +[0-9]+: / || /^ +at / { next }
    told > 0 { print substr($0, 1, 1000); told-- }' "$log"
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi

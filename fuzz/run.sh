#!/usr/bin/env bash
# make fuzz: runs each target for FUZZ_SECONDS (60), two at a time. Prints SKIPPED if no nightly toolchain is installed,
# and fails then if the line matches FAIL_ON_SKIPPED, as tests/run.sh does.
# The property tests in the crate check the same properties on every machine.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-60}
toolchain=$(rustup toolchain list 2>/dev/null | grep -o '^nightly[^ ]*' | head -1 || true)
if [ -z "$toolchain" ]; then
  skipped="SKIPPED: fuzzing needs a nightly toolchain, and none is installed"
  echo "$skipped"
  if [ -n "${FAIL_ON_SKIPPED:-}" ] && [[ $skipped =~ $FAIL_ON_SKIPPED ]]; then
    echo "FAILED: fuzzing was skipped although FAIL_ON_SKIPPED=$FAIL_ON_SKIPPED" >&2
    exit 1
  fi
  exit 0
fi
host=$(rustc "+$toolchain" -vV | sed -n 's/^host: //p')
fuzz=${PWD%/fuzz}/target/fuzz
# Dependencies are compiled once for all checkouts of this machine, as the testenv's binaries are. The crate's own
# artifacts are of one checkout each, and are deleted a day later.
export CARGO_BUILD_BUILD_DIR=${LANYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}/fuzz
export CARGO_TARGET_DIR=$fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
mkdir -p "$CARGO_BUILD_BUILD_DIR"
cargo "+$toolchain" build --locked --release --quiet --target "$host"
find "$CARGO_BUILD_BUILD_DIR/$host/release" -name '*lanyard*' -mmin +1440 -prune -exec rm -rf {} + || true

fuzz() { # fuzz TARGET: prints the number of inputs, or the log of a crash
  local target=$1 found=$fuzz/corpus/$1 log=$fuzz/$1.log
  mkdir -p "$found" "corpus/$target"
  if "$fuzz/$host/release/$target" "$found" "corpus/$target" -max_total_time="$seconds" \
    -artifact_prefix="$fuzz/$target-" -verbosity=0 >"$log" 2>&1; then
    echo "fuzz: $target for ${seconds} s: $(find "$found" -type f | wc -l) interesting inputs, no crash"
  else
    echo "fuzz: $target crashed:"
    tail -40 "$log"
    return 1
  fi
}

failed=0
for pair in "authorize_params client_assertion" "request_object sealed_value" "manifest expression" "ldap_filter ldap_message" "passkey dpop_proof" "client_document authorization_response" "exchange_request client_certificate" "authorization_details"; do
  pids=()
  for target in $pair; do
    fuzz "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
done
exit $failed

#!/usr/bin/env bash
# make fuzz: each target for FUZZ_SECONDS (60), where a nightly toolchain is installed; elsewhere it says so.
# The property tests beside the code check the same everywhere.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${FUZZ_SECONDS:-60}
toolchain=$(rustup toolchain list 2>/dev/null | grep -o '^nightly[^ ]*' | head -1 || true)
if [ -z "$toolchain" ]; then
  echo "SKIPPED: fuzzing needs a nightly toolchain, and none is installed"
  exit 0
fi
host=$(rustc "+$toolchain" -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${PWD%/fuzz}/target/fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
cargo "+$toolchain" build --locked --release --quiet --target "$host"
for target in authorize_params client_assertion request_object sealed_value; do
  found=$CARGO_TARGET_DIR/corpus/$target
  mkdir -p "$found" "corpus/$target"
  echo "== fuzz: $target for ${seconds} s"
  "$CARGO_TARGET_DIR/$host/release/$target" "$found" "corpus/$target" -max_total_time="$seconds" \
    -artifact_prefix="$CARGO_TARGET_DIR/" -print_final_stats=0 -verbosity=0 2>&1 | tail -5
done

#!/usr/bin/env bash
# make check: formatting, lints, generated files, chart, licences. Fails when any of them does.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf -- '-- %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "lints (clippy, warnings are errors)"
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

step "generated: crds/ and charts/lanyard/definitions/"
cargo build --locked --quiet
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
./target/debug/lanyard crds --dir "$generated"
for copy in crds charts/lanyard/definitions; do
  diff -ru "$generated" "$copy" || { echo "run 'make crds' and commit what it changes"; exit 1; }
done

step "examples are valid"
for folder in examples/*/; do ./target/debug/lanyard check "$folder"; done

step "chart"
tests/cluster/build.sh helm
tests/chart.sh

step "licences and bans"
tests/deny.sh

echo "check: everything passed"

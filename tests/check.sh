#!/usr/bin/env bash
# make check: formatting, lints, dependencies, generated files, chart, docs, licences. Stops at the first failure.
# LANYARD_BINARY is the binary of this tree. If it is not set, the binary is built.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf -- '-- %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "every dependency is used"
tests/dependencies.sh

step "links of the documentation"
tests/doc_links.sh

step "prose"
tests/prose.sh

step "lints (clippy, warnings are errors)"
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

step "generated: crds/ and charts/lanyard/definitions/"
[ -n "${LANYARD_BINARY:-}" ] || cargo build --locked --quiet
lanyard=${LANYARD_BINARY:-target/debug/lanyard}
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
"$lanyard" crds --dir "$generated"
for copy in crds charts/lanyard/definitions; do
  diff -ru "$generated" "$copy" || { echo "run 'make crds' and commit what it changes"; exit 1; }
done

step "generated: docs/reference/"
cargo test --locked --workspace --quiet --bin lanyard-reference

step "examples are valid"
for folder in examples/*/; do "$lanyard" check "$folder"; done

step "chart"
tests/testenv/build.sh helm
tests/chart.sh

step "site of the documentation"
tests/book.sh

step "licences, bans, sources and advisories"
tests/deny.sh

echo "check: everything passed"

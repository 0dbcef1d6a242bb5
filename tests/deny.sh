#!/usr/bin/env bash
# cargo-deny over licences, bans and sources; brings the tool where it is missing. Advisories are
# not asked: their database is not on a package registry.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
tools=target/tools
if [ "$("$tools/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
  echo "building cargo-deny $version into $tools"
  CARGO_TARGET_DIR=$tools/build cargo install --quiet --locked --root "$tools" "cargo-deny@$version"
fi
"$tools/bin/cargo-deny" check licenses bans sources 2>&1 | tail -20

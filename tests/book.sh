#!/usr/bin/env bash
# make docs: checks the links of the documentation and builds docs/ as a site in target/book. Builds mdBook once per machine,
# if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.5.4
tool=${LANYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}/tools/mdbook-$version
tests/doc_links.sh
if [ ! -x "$tool" ]; then
  echo "building mdbook $version"
  # mdBook runs for a second, so an optimised build would take longer than it saves.
  CARGO_TARGET_DIR=$PWD/target/tools/build CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
    cargo install --quiet --locked --root target/tools --no-default-features --features search "mdbook@$version"
  mkdir -p "$(dirname "$tool")"
  cp target/tools/bin/mdbook "$tool.$$" && mv "$tool.$$" "$tool"
  rm -rf target/tools
fi
output=$("$tool" build 2>&1) || { echo "$output"; exit 1; }
# mdBook only warns of what it cannot make a page of, such as an HTML tag that is not closed.
! grep WARN -A1 <<<"$output" || exit 1
echo "open target/book/index.html"

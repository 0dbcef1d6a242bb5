#!/usr/bin/env bash
# cargo-deny: licences, bans and sources, and advisories if their database can be fetched or was fetched
# before (it is a Git repository and not in a package registry). Builds the tool once per machine, if it
# is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
tool=${LANYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}/tools/cargo-deny-$version
if [ ! -x "$tool" ]; then
  echo "building cargo-deny $version"
  # cargo-deny runs for seconds, so an optimised build would take longer than it saves.
  CARGO_TARGET_DIR=$PWD/target/tools/build CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
    cargo install --quiet --locked --root target/tools "cargo-deny@$version"
  mkdir -p "$(dirname "$tool")"
  cp target/tools/bin/cargo-deny "$tool.$$" && mv "$tool.$$" "$tool"
  rm -rf target/tools
fi
"$tool" check licenses bans sources 2>&1 | tail -20
if timeout 120 "$tool" fetch db >/dev/null 2>&1; then
  "$tool" check advisories 2>&1 | tail -40
elif compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then
  echo "advisories: their database cannot be fetched from here; an earlier copy is used"
  "$tool" check --disable-fetch advisories 2>&1 | tail -40
else
  echo "SKIPPED: advisories: their database cannot be fetched from here"
fi

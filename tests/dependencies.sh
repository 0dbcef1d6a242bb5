#!/usr/bin/env bash
# Finds unused dependencies: each crate of a Cargo.toml must appear in the package's sources as a path
# (`name::`, `use name;`, `name!`). Exceptions are listed with their reason.
set -euo pipefail
cd "$(dirname "$0")/.."

# package/crate: why it is needed although no source names it. An entry that a source names is an error.
exceptions=(
)

# The crates of a section, such as [dependencies].
crates() { # crates MANIFEST SECTION
  awk -v section="[$2]" '/^\[/ { inside = $0 == section } inside && match($0, /^[A-Za-z0-9_-]+/) { print substr($0, 1, RLENGTH) }' "$1"
}

named() { # named CRATE FOLDER..: whether code in these folders names it
  local crate=${1//-/_}; shift
  grep -rqE --include='*.rs' "^[^/]*(^|[^A-Za-z0-9_:])($crate)(::|;|!| as )" "$@"
}

unused=()
check() { # check MANIFEST SECTION FOLDER..: adds to `unused`
  local manifest=$1 section=$2 crate entry excused; shift 2
  for crate in $(crates "$manifest" "$section"); do
    excused=no
    for entry in ${exceptions[@]+"${exceptions[@]}"}; do
      if [ "$entry" = "$manifest/$crate" ]; then excused=yes; fi
    done
    if named "$crate" "$@"; then
      [ $excused = no ] || unused+=("$manifest/$crate: code names it; take it out of the exceptions")
    elif [ $excused = no ]; then
      unused+=("$manifest: [$section] $crate")
    fi
  done
}

check Cargo.toml dependencies src
check Cargo.toml dev-dependencies src tests benches
check bench/Cargo.toml dependencies bench/src bench/tests
check bench/growth/Cargo.toml dependencies bench/growth/src tests/support
check tools/reference/Cargo.toml dependencies tools/reference/src
check fuzz/Cargo.toml dependencies fuzz/src fuzz/targets
if [ ${#unused[@]} -gt 0 ]; then
  printf 'unused dependency: %s\n' "${unused[@]}"
  exit 1
fi

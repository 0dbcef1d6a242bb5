#!/usr/bin/env bash
# Every page and heading of docs/ that a comment, script or page names by its path exists. Links between
# pages, which are relative, are checked too.
set -euo pipefail
cd "$(dirname "$0")/.."

# The anchor that GitHub and mdBook make of a heading: lower case, spaces to hyphens, punctuation dropped.
has_heading() { # has_heading FILE ANCHOR
  sed -nE 's/^#+ +//p' "$1" | tr '[:upper:] ' '[:lower:]-' | sed -E 's/[^a-z0-9_-]//g' | grep -qxF -- "$2"
}

broken=0
check() { # check PLACE TARGET: the target is a path from the root, perhaps with an anchor
  local path=${2%%#*} anchor=
  [[ $2 != *#* ]] || anchor=${2#*#}
  if [ ! -e "$path" ]; then
    echo "$1: there is no $path"
    broken=1
  elif [ -n "$anchor" ] && ! has_heading "$path" "$anchor"; then
    echo "$1: $path has no heading #$anchor"
    broken=1
  fi
}

while IFS=: read -r file line target; do
  check "$file:$line" "$target"
done < <(git grep -noIE '\bdocs/[a-zA-Z0-9_/.-]+\.md(#[a-z0-9_-]+)?' -- ':!CHANGELOG.md' ':!*.md')

while IFS=: read -r file line target; do
  target=${target#](}
  target=${target%)}
  case $target in
    *://* | mailto:*) continue ;;
    '#'*) target=$file$target ;;
    *) target=$(dirname "$file")/$target ;;
  esac
  check "$file:$line" "$target"
done < <(git grep -noIE '\]\([^ )]+\)' -- '*.md')

exit "$broken"

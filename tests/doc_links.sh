#!/usr/bin/env bash
# Checks the links of the documentation. Every page and heading of docs/ that a comment or script names by its path must exist,
# and so must the target of every relative link in a page. Pages of docs/ also form a site (make docs), so their relative links
# must lead to other pages of docs/, and SUMMARY.md, the table of contents, must list each page.
set -euo pipefail
cd "$(dirname "$0")/.."

# GitHub and mdBook derive the anchor from the heading: lower case, spaces to hyphens, no punctuation.
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
  if [[ $file == docs/* && $(realpath -m --relative-to=. "${target%%#*}") != docs/* ]]; then
    echo "$file:$line: the site has no page for $target; name the path without a link"
    broken=1
  fi
# The reference pages of the kinds have no links, but CEL expressions that look like links.
done < <(git grep -noIE --untracked '\]\([^ )]+\)' -- '*.md' ':!docs/reference/tenant.md' ':!docs/reference/oidc*.md' ':!docs/reference/identityprovider.md' ':!docs/reference/resourceserver.md')

while read -r page; do
  grep -qF "](${page#docs/})" docs/SUMMARY.md || { echo "docs/SUMMARY.md does not list ${page#docs/}"; broken=1; }
done < <(git ls-files --cached --others --exclude-standard -- 'docs/*.md' ':!docs/SUMMARY.md')

exit "$broken"

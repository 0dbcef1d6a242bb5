#!/usr/bin/env bash
# Finds phrases that make a reader translate before they understand (CONTRIBUTING.md, "Prose"), in comments, strings,
# names of functions, docs, manifests, chart and pages.
#
#   tests/prose.sh                      every hit as file:line with what to write instead; exits with 1 if there are any
#   tests/prose.sh src/store docs       the same for some files or folders
#   tests/prose.sh --folders [PATH...]  the number of hits in each folder
set -euo pipefail
cd "$(dirname "$0")/.."

# One pattern a line: the advice, and after " <= " a Perl regular expression for what to avoid. A sentence opens with a
# capital letter, so lines may break anywhere. Questions ("What is a tenant?") and headings of pages ("## What ...") may stay.
patterns='
begin with the thing: "State shared by handlers", not "What handlers share"  <= (?<!^## )(?<!^### )\bWhat(?=,? [a-z])(?![^.]*\?)
name the actor: "A client that ...", "The user ..."   <= \bWho(ever)?(?=,? [a-z])(?![^.]*\?)
name the thing: "The kernel version", not "Of the kernel"  <= (//[/!]?|#|/\*|^|[.:;]|^- |\|) *\bOf (?=[a-z])
name the actor: client, user, replica, attacker; "no user"  <= (?i)\b(nobody|somebody|everybody|anybody|whoever)\b(?!")
"is not a", "there is no"                      <= (?<![Tt]here )\bis no (?!longer|more|later|earlier)
"there is no ...", "is not one of ..."         <= (?<!there )\b(is|are) none\b|\bnone of (ours|its|theirs)\b
"again", "new"                                 <= \banew\b
"without success", "failed"                    <= \bin vain\b
"is notified", "reports", "is reported"        <= \b(told|tells?|telling) of\b
"says", "shows", "reports", "forwards", "notifies" <= (//[/!]? .*|\bfn .*)\b([Tt]ells?|told)\b(?!.* apart)
"because there is no ..."                      <= \bfor want of\b
"except", "only"                               <= \bsave (that|for)\b|\bbut for\b|\bnothing but\b
"regardless of ..."                            <= \bhowever (many|much|few|long|often)\b
"next to", "in addition to"                    <= \bbeside\b(?!\()
"is no longer accepted", "is expected"         <= \bcounts? no more\b|\b(is|are) no news\b
"is valid", "is used", "is accepted", "is ignored" <= \bcounts? (once more|now\b)|\bcounts (again|here)\b|\bno longer counts?\b|\bnot count (any more|here)\b|\bstill counts?\b
"new password", "password reset link"          <= \bfn [a-z ]+(*SKIP)(*F)|\b[Aa]nother password\b
"a different key", or name the difference      <= \bfn [a-z ]+(*SKIP)(*F)|\b([Aa]n)?other [a-z]+ than\b
"is valid", "is rejected"                      <= \b(is|are|was|were) worth (nothing|something|anything)\b
name a page of docs/, or the reason itself      <= \b[Dd]esign,? ?(§|section|"|$)|\b[Ii]ssue [0-9]+\b|\bshared/|\bstyle guide\b
name what is missing: "a user without an address"  <= \b(?:if|that) there (?:is|are) none\b
a test name states its rule: "code_is_redeemed_once"  <= \bfn (who|whoever|what|nobody|somebody|everybody)_
'

# Lines that may stay: the file and a part of the line.
exceptions='
tests/relying_parties/mod_auth_openidc/httpd.conf User nobody
locales/en.yaml Nobody
src/http/pages/tests.rs contains("Nobody can sign in")
tests/integration/upstream/declared_access.rs contains("Nobody can sign in")
tests/integration/upstream/identifier_first.rs contains("Nobody can sign in")
'

# Generated files and recorded results, and this file, which quotes what it forbids.
skipped=(':!crds' ':!charts/lanyard/definitions' ':!docs/reference' ':!tests/golden' ':!*.lock' ':!LICENSE' ':!fuzz/corpus'
  ':!bench/results' ':!tests/prose.sh')

# Prints "file:line:fn NAME" for each function, with spaces in place of underscores.
function_names() {
  { git grep -nIoP --untracked -e '\bfn \K\w+' -- "$@" "${skipped[@]}" || [ $? = 1 ]; } |
    awk -F: -v OFS=: '{ gsub(/_/, " ", $3); $3 = "fn " $3; print }'
}

# Prints "file:line: text  (write ADVICE)" for each hit.
hits() {
  local line names
  names=$(function_names "$@")
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    # Both end with 1 where nothing matches.
    { git grep -nIP --untracked -e "${line##* <= }" -- "$@" "${skipped[@]}" || [ $? = 1 ]
      grep -P -e "^[^:]*:[0-9]*:.*?(?:${line##* <= })" <<< "$names" || [ $? = 1 ]; } |
      ADVICE=$(sed -E "s, +<= .*,," <<< "$line") awk '{ match($0, /^[^:]*:[0-9]+:[ \t]*/)
        place = substr($0, 1, RLENGTH); sub(/[ \t]*$/, "", place)
        print place " " substr($0, RLENGTH + 1) "  (write: " ENVIRON["ADVICE"] ")" }'
  done <<< "$patterns"
}

without_exceptions() {
  EXCEPTIONS=$exceptions awk '
    BEGIN { n = split(ENVIRON["EXCEPTIONS"], rows, "\n") }
    { for (i = 1; i <= n; i++) {
        cut = index(rows[i], " ")
        if (cut && index($0, substr(rows[i], 1, cut - 1) ":") == 1 && index($0, substr(rows[i], cut + 1))) next }
      print }'
}

if [ "${1-}" = --folders ]; then
  shift
  hits "${@:-.}" | without_exceptions | sed -E 's,:[0-9]+:.*,,; s,(^|/)[^/]*$,,; s,^$,.,' | sort | uniq -c
  exit
fi

found=$(hits "${@:-.}" | without_exceptions | sort -t: -k1,1 -k2,2n)
[ -z "$found" ] && exit
printf '%s\n' "$found"
printf 'prose: %s hits\n' "$(wc -l <<< "$found")" >&2
exit 1

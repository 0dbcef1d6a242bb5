#!/usr/bin/env bash
# Tests of the chart: lint, charts/lanyard/tests (helm-unittest), a test for each value, and the chart inside of another
# one.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=target/testenv/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "chart: $*"; exit 1; }

"$bin/helm" lint --strict charts/lanyard --quiet --set image.repository=registry.test/lanyard
"$bin/helm-unittest" charts/lanyard >"$work/unittest" || { cat "$work/unittest"; exit 1; }

# A stopping Pod is not ready and serves on (tests/integration/commands.rs), until a load balancer that needs three failed
# probes of 2 s sends no more: the first of them begins up to 2 s after the stop, and the last may take 2 s.
for store in postgres valkey; do
  delay=$("$bin/helm" template lanyard charts/lanyard --set image.repository=registry.test/lanyard --set store.type="$store" \
    --set store."$store".urlSecret.name=db --show-only templates/deployment.yaml |
    sed -n 's/.*name: LANYARD_DRAIN_DELAY, value: "\([0-9]*\)s".*/\1/p')
  [ "${delay:-0}" -gt $((3 * 2 + 2)) ] || fail "drainDelay with $store is '${delay}' s: too short for three failed probes of 2 s"
done

# A test sets each value, or something inside of it: "store.type: memory", or the YAML map "{store.type: memory".
values=$(sed -n 's/^| `\([^`]*\)` | [^|]* | ..* |.*/\1/p' docs/reference/chart-values.md)
[ -n "$values" ] || fail "no values in docs/reference/chart-values.md"
for value in $values; do
  grep -qE "(^|[ {])${value//./\\.}(\.[A-Za-z]+)*:( |$)" charts/lanyard/tests/*.yaml || fail "no test in charts/lanyard/tests sets $value"
done

# Queries of alerts and dashboard are PromQL, and use metrics, labels and labels' values that exist. Each alert has a
# section in docs/monitoring.md and a test of its expression.
metrics=docs/reference/metrics.md
"$bin/helm" template lanyard charts/lanyard --set image.repository=registry.test/lanyard --set prometheusRule.enabled=true --show-only templates/prometheusrule.yaml \
  --set grafanaDashboard.enabled=true --show-only templates/grafana-dashboard.yaml >"$work/monitoring"
"$bin/promql" <"$work/monitoring" >"$work/labels" || fail "a query of an alert or the dashboard is not PromQL"
while IFS=$'\t' read -r series label value; do
  metric=$series
  grep -qF "\`$series\`" "$metrics" || fail "no metric $series in $metrics"
  case $series in *_bucket) metric=${series%_bucket} ;; esac
  case $label in
    # Prometheus adds the labels of targets.
    "" | namespace | pod | job) continue ;;
    le) [ "$metric" != "$series" ] || fail "$series has no label le"; continue ;;
  esac
  row=$(awk -F ' [|] ' -v label="| \`$label\`" -v metric="\`$metric\`" '$1 == label && index($2, metric)' "$metrics")
  [ -n "$row" ] || fail "$series has no label $label in $metrics"
  IFS='|' read -ra values <<<"$value"
  for value in "${values[@]}"; do
    # A variable of the dashboard begins with a dollar sign.
    [[ $value == \$* ]] || grep -qF "\`$value\`" <<<"$row" || fail "no value $value of the label $label of $series in $metrics"
  done
done < <(sort -u "$work/labels")
rule=0
for alert in $(sed -n 's/^ *- alert: //p' "$work/monitoring"); do
  grep -qxF "### $alert" docs/monitoring.md || fail "no section $alert in docs/monitoring.md"
  grep -qE "\"spec\.groups\[0\]\.rules\[$rule\](\.expr)?\"" charts/lanyard/tests/alerts_test.yaml || fail "no test of the expression of $alert"
  rule=$((rule + 1))
done
[ "$(grep -c '^### Lanyard' docs/monitoring.md)" = "$(grep -c -- '- alert: ' "$work/monitoring")" ] ||
  fail "docs/monitoring.md has a section on an alert that does not exist"

# The chart as a part of another chart, which turns it on and off, and shares values.
parent=$work/parent
mkdir -p "$parent/charts"
cp -r charts/lanyard "$parent/charts/"
cat >"$parent/Chart.yaml" <<'YAML'
apiVersion: v2
name: parent
version: 1.0.0
dependencies: [{name: lanyard, version: "*", condition: lanyard.enabled}]
YAML
cat >"$parent/values.yaml" <<'YAML'
global:
  imageRegistry: mirror.test
  unknown: {to: lanyard}
lanyard:
  enabled: true
  image: {repository: team/lanyard}
  podSecurityContext: {runAsUser: "", runAsGroup: "", fsGroup: ""}
YAML
out=$("$bin/helm" template release "$parent" --namespace sso)
for line in 'image: "mirror.test/team/lanyard:' 'name: release-lanyard$' 'namespace: sso$' 'runAsNonRoot: true$'; do
  grep -qE -- "$line" <<<"$out" || fail "in a parent chart: no line matches $line"
done
for line in 'runAsUser' 'fsGroup: '; do
  ! grep -qE -- "$line" <<<"$out" || fail "in a parent chart: a line matches $line"
done
[ -z "$("$bin/helm" template release "$parent" --set lanyard.enabled=false)" ] || fail "in a parent chart: cannot be turned off"

# Tests are not a part of the packaged chart.
"$bin/helm" package charts/lanyard --destination "$work" >"$work/package"
! tar tzf "$work"/lanyard-*.tgz | grep '/tests/' || fail "the package contains its tests"

awk '/^Tests:/ { print "chart: " $2 " passed, 0 failed" }' "$work/unittest"

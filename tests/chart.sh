#!/usr/bin/env bash
# Tests of the chart: lint, schema, and the rendered manifests for common values.
set -euo pipefail
cd "$(dirname "$0")/.."
helm=target/testenv/bin/helm
passed=0

renders() { # renders NAME PATTERN ARGS..: the output has a line that matches
  local name=$1 pattern=$2 out; shift 2
  out=$("$helm" template lanyard charts/lanyard --namespace lanyard "$@") || { echo "chart: $name: does not render"; exit 1; }
  grep -qE -- "$pattern" <<<"$out" || { echo "chart: $name: no line matches $pattern"; exit 1; }
  passed=$((passed + 1))
}
lacks() { # lacks NAME PATTERN ARGS..: no line matches
  local name=$1 pattern=$2 out; shift 2
  out=$("$helm" template lanyard charts/lanyard --namespace lanyard "$@") || { echo "chart: $name: does not render"; exit 1; }
  ! grep -qE -- "$pattern" <<<"$out" || { echo "chart: $name: a line matches $pattern"; exit 1; }
  passed=$((passed + 1))
}
refuses() { # refuses NAME PATTERN ARGS..: the values are rejected, with a line that matches
  local name=$1 pattern=$2 out; shift 2
  if out=$("$helm" template lanyard charts/lanyard "$@" 2>&1); then echo "chart: $name: accepted"; exit 1; fi
  grep -qE -- "$pattern" <<<"$out" || { echo "chart: $name: no line matches $pattern in: $out"; exit 1; }
  passed=$((passed + 1))
}

"$helm" lint --strict charts/lanyard --quiet
renders "a public base URL" 'value: "https://id.example.com"' --set baseUrl=https://id.example.com
renders "CRDs stay by default" 'helm.sh/resource-policy: keep'
lacks   "CRDs can be left out" 'kind: CustomResourceDefinition' --set crds.install=false
lacks   "CRDs can be deleted with the release" 'resource-policy' --set crds.keep=false
renders "a store for one replica excludes rolling updates" 'type: Recreate'
lacks   "one replica has no disruption budget" 'kind: PodDisruptionBudget'
renders "all namespaces by default" 'kind: ClusterRoleBinding'
lacks   "watched namespaces need no cluster role" 'kind: ClusterRoleBinding' --set 'watchNamespaces={team-a,team-b}'
renders "watched namespaces get a Role" 'namespace: team-b' --set 'watchNamespaces={team-a,team-b}'
renders "issuer hosts" 'value: "\*.example.com=team-a,team-b"' --set 'issuerHosts[0].host=*.example.com' --set 'issuerHosts[0].namespaces={team-a,team-b}'
renders "TLS" 'path: /healthz|mountPath: /tls' --set tls.secretName=tls
renders "an Ingress for the base URL's host" 'host: "id.example.com"' --set ingress.enabled=true --set baseUrl=https://id.example.com
renders "an HTTPRoute" 'kind: HTTPRoute' --set httpRoute.enabled=true --set 'httpRoute.parentRefs[0].name=gw'
renders "a ServiceMonitor" 'kind: ServiceMonitor' --set serviceMonitor.enabled=true
renders "an egress limit with CIDRs" 'cidr: "10.0.0.0/8"' --set 'networkPolicy.egressCidrs={10.0.0.0/8}'
lacks   "no egress limit without CIDRs" '- Egress'
lacks   "no role may write clients by default" 'name: .*-registration$'
renders "registration everywhere" 'name: lanyard-lanyard-registration' --set registration.enabled=true
renders "registration may write clients" 'verbs: \[create, update, delete\]' --set registration.enabled=true
lacks   "registration in some namespaces needs no cluster role" 'lanyard-lanyard-registration' --set registration.enabled=true --set 'registration.namespaces={team-a}'
renders "registration in some namespaces" 'namespace: team-a' --set registration.enabled=true --set 'registration.namespaces={team-a}'
renders "registration in the watched namespaces" 'namespace: team-b' --set registration.enabled=true --set 'watchNamespaces={team-b}'
refuses "two replicas with a store for one replica" 'replicas: 2 .*store "embedded"; set store.type=postgres or valkey' --set replicas=2
refuses "plain http except on loopback" 'baseUrl' --set baseUrl=http://id.example.com
refuses "a value that does not exist" 'replica|additional' --set replica=1
refuses "an HTTPRoute without a Gateway" 'name the Gateway' --set httpRoute.enabled=true
refuses "an unknown store" 'store' --set store.type=etcd
renders "the store's file on a volume that is deleted with the Pod" 'emptyDir: \{\}'
lacks   "no claim by default" 'kind: PersistentVolumeClaim'
renders "a claim for the store" 'accessModes: \[ReadWriteOncePod\]' --set store.embedded.persistence.enabled=true
renders "a claim outlives the release" 'helm.sh/resource-policy: keep' --set store.embedded.persistence.enabled=true --set crds.install=false
renders "the claim is mounted" 'claimName: "lanyard"' --set store.embedded.persistence.enabled=true
renders "an existing claim" 'claimName: "mine"' --set store.embedded.persistence.enabled=true --set store.embedded.persistence.existingClaim=mine
lacks   "an existing claim is not created" 'kind: PersistentVolumeClaim' --set store.embedded.persistence.enabled=true --set store.embedded.persistence.existingClaim=mine
renders "the file belongs to the process" 'fsGroup: 65532'
lacks   "the memory store has no volume" 'mountPath: /var/lib/lanyard' --set store.type=memory
refuses "two replicas with the memory store" 'replicas' --set replicas=2 --set store.type=memory
renders "the header that trusted proxies set" 'LANYARD_FORWARDED_HEADERS, value: "forwarded"' --set trustedProxies={10.0.0.0/8} --set forwardedHeaders=forwarded
refuses "a claim that many Pods mount" 'accessMode' --set store.embedded.persistence.accessMode=ReadWriteMany
postgres=(--set store.type=postgres --set store.postgres.urlSecret.name=db)
renders "the database's URL from a Secret" 'secretKeyRef: \{name: "db", key: "url"\}' "${postgres[@]}"
renders "replicas that share a database" 'replicas: 3' "${postgres[@]}" --set replicas=3
renders "replicas that share a database are updated one after the other" 'type: RollingUpdate' "${postgres[@]}" --set replicas=3
renders "replicas that share a database have a disruption budget" 'kind: PodDisruptionBudget' "${postgres[@]}" --set replicas=3
renders "the database's certificates" 'mountPath: /store-ca' "${postgres[@]}" --set store.postgres.caConfigMap=ca
lacks   "a database needs no volume" 'name: store' "${postgres[@]}"
valkey=(--set store.type=valkey --set store.valkey.urlSecret.name=cache)
renders "Valkey's URL from a Secret" 'LANYARD_VALKEY_URL, valueFrom: \{secretKeyRef: \{name: "cache", key: "url"\}' "${valkey[@]}"
renders "replicas that share Valkey are updated one after the other" 'type: RollingUpdate' "${valkey[@]}" --set replicas=3
renders "Valkey's certificates" 'LANYARD_VALKEY_CA, value: /store-ca/ca.crt' "${valkey[@]}" --set store.valkey.caConfigMap=ca
renders "Valkey must not lose acknowledged writes by default" 'LANYARD_VALKEY_ALLOW_LOSS, value: "false"' "${valkey[@]}"
renders "loss of acknowledged writes can be allowed" 'LANYARD_VALKEY_ALLOW_LOSS, value: "true"' "${valkey[@]}" --set store.valkey.allowLoss=true
lacks   "Valkey gets no settings of PostgreSQL" 'POSTGRES' "${valkey[@]}"
refuses "Valkey without a URL" 'urlSecret|minLength' --set store.type=valkey
refuses "a database without a URL" 'urlSecret|minLength' --set store.type=postgres
echo "chart: $passed passed, 0 failed"

# kubectl, kubelogin and two kube-apiservers, set up as docs/kubectl.md says, for run.sh. Lanyard is the operator of a Tenant in the
# cluster `home`. The cluster `elsewhere` accepts the tokens of a client of its own, of the same tenant.

# A certificate of an authority of this run, for https://localhost.
certificate() {
  local folder=$work/run/tls
  mkdir -p "$folder"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=relying parties" -keyout "$folder/ca.key" -out "$folder/ca.crt" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$folder/tls.key" -out "$folder/tls.csr" 2>/dev/null
  openssl x509 -req -in "$folder/tls.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=DNS:localhost") -out "$folder/tls.crt" 2>/dev/null
}


# The functions below share these: the folder, ports and issuer of the run.
kubernetes() {
  local folder=$work/run/kubernetes tls=$work/run/tls login_port issuer
  local -A api
  login_port=$(free_port) api=([home]=$(free_port) [elsewhere]=$(free_port))
  mkdir -p "$folder/plugins"
  certificate
  export SSL_CERT_FILE=$tls/ca.crt CURL_CA_BUNDLE=$tls/ca.crt
  starts_clusters
  # `kubectl krew install oidc-login` installs kubelogin under this name.
  cp target/testenv/bin/kubelogin "$folder/plugins/kubectl-oidc_login"
  credentials lanyard kubectl
  signs_in_by_code home lanyard
  credentials lanyard-device kubectl $(documented_device_grant)
  signs_in_by_device home lanyard-device
  keys_rotate lanyard
  decides_by_group
  # Each cluster accepts the tokens of its own client only.
  credentials lanyard-elsewhere kubectl-elsewhere $(documented_device_grant)
  signs_in_by_device elsewhere lanyard-elsewhere
  refuses_token elsewhere lanyard
  refuses_token elsewhere lanyard-device
  refuses_token home lanyard-elsewhere
  # A cluster that changes its client accepts both for a while. Its API server reads the file again.
  kube_auth elsewhere --client-id=kubectl-elsewhere --client-id=kubectl
  await_works knows_ada elsewhere lanyard
  knows_ada elsewhere lanyard-elsewhere
  unset SSL_CERT_FILE CURL_CA_BUNDLE
  echo "kubectl with kubelogin: signed in by code and by device grant, known by e-mail and groups, before and after a rotation of keys; rights by group; two clusters of one tenant, each with a client of its own"
}

# Starts both API servers, and Lanyard in the first one. Each gets the file that `lanyard kube-auth` prints for the Tenant.
starts_clusters() {
  local etcd_port peer_port
  etcd_port=$(free_port) peer_port=$(free_port)
  openssl req -newkey rsa:2048 -nodes -subj "/O=system:masters/CN=admin" -keyout "$folder/admin.key" -out "$folder/admin.csr" 2>/dev/null
  openssl x509 -req -in "$folder/admin.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "extendedKeyUsage=clientAuth") -out "$folder/admin.crt" 2>/dev/null
  openssl genrsa -out "$folder/sa.key" 2048 2>/dev/null
  start etcd "http://127.0.0.1:$etcd_port/health" target/testenv/bin/etcd --data-dir "$folder/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port"
  kubectl_with config set-credentials admin --client-certificate="$folder/admin.crt" --client-key="$folder/admin.key" >/dev/null
  # The first API server has no issuer until Lanyard runs in its cluster.
  printf '%s\n' "apiVersion: apiserver.config.k8s.io/v1" "kind: AuthenticationConfiguration" >"$folder/home.yaml"
  starts_api_server home
  kubectl_with config use-context home >/dev/null
  starts_operator
  kube_auth home
  await_works has_reloaded home
  kube_auth elsewhere --client-id=kubectl-elsewhere
  starts_api_server elsewhere
}

# starts_api_server CLUSTER: an API server whose objects have a prefix of their own in etcd, and a context of kubectl for it.
starts_api_server() {
  local url=https://127.0.0.1:${api[$1]} certificates=$folder/$1-certificates
  target/testenv/bin/kube-apiserver --etcd-servers "http://127.0.0.1:$etcd_port" --etcd-prefix "/$1" --cert-dir "$certificates" \
    --secure-port "${api[$1]}" --bind-address 127.0.0.1 --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$folder/sa.key" --service-account-signing-key-file "$folder/sa.key" --authorization-mode RBAC \
    --service-cluster-ip-range 10.0.0.0/24 --client-ca-file "$tls/ca.crt" \
    --authentication-config "$folder/$1.yaml" >"$work/run/apiserver-$1.log" 2>&1 &
  processes+=($!)
  CURL_CA_BUNDLE=$certificates/apiserver.crt await "$url/readyz" || { tail -n 30 "$work/run/apiserver-$1.log"; return 1; }
  kubectl_with config set-cluster "$1" --server="$url" --certificate-authority="$certificates/apiserver.crt" >/dev/null
  kubectl_with config set-context "$1" --cluster="$1" --user=admin >/dev/null
}

# Lanyard serves the manifests of the relying parties from the first cluster.
starts_operator() {
  local port binary=${LANYARD_BINARY:-target/debug/lanyard}
  port=$(free_port) issuer=https://localhost:$port/default/shop
  rotating_keys "$work/run/manifests/all.yaml" >"$folder/manifests.yaml"
  grep --quiet publishAhead "$folder/manifests.yaml" || { echo "the manifests do not have the expected algorithms"; return 1; }
  "$binary" crds | kubectl_with apply --server-side --filename=- >"$folder/crds.log" 2>&1 || { cat "$folder/crds.log"; return 1; }
  kubectl_with wait --for=condition=Established customresourcedefinitions --all --timeout=60s >/dev/null
  kubectl_with apply --filename="$folder/manifests.yaml" >/dev/null
  start lanyard-tls "$issuer/.well-known/openid-configuration" env KUBECONFIG="$folder/kubeconfig" "$binary" run \
    --identity lanyard --namespace default --store memory --base-url "https://localhost:$port" --listen "127.0.0.1:$port" \
    --admin-listen "127.0.0.1:$(free_port)" --tls-cert "$tls/tls.crt" --tls-key "$tls/tls.key"
  kubectl_with wait --for=condition=Ready tenant/shop oidcclient/kubectl oidcclient/kubectl-elsewhere oidcuser/ada --timeout=60s >/dev/null
}

# kube_auth CLUSTER FLAG..: writes the file of an API server, by the Tenant in the first cluster.
kube_auth() {
  KUBECONFIG=$folder/kubeconfig "${LANYARD_BINARY:-target/debug/lanyard}" kube-auth default/shop --context=home --ca-file="$tls/ca.crt" \
    "${@:2}" >"$folder/$1.new"
  grep --quiet --fixed-strings "url: $issuer" "$folder/$1.new" || { cat "$folder/$1.new"; return 1; }
  mv "$folder/$1.new" "$folder/$1.yaml"
}

# has_reloaded CLUSTER: whether the API server has read its file again, and uses it.
has_reloaded() {
  kubectl_with --context="$1" get --raw /metrics |
    grep '^apiserver_authentication_config_controller_automatic_reloads_total{.*status="success"} [1-9]' >/dev/null
}

# kubectl_with ARG..: kubectl with the kubeconfig and the plugin of the run.
kubectl_with() {
  PATH=$folder/plugins:$PWD/target/testenv/bin:$PATH KUBECONFIG=$folder/kubeconfig kubectl "$@"
}

# credentials USER CLIENT_ID FLAG..: runs the command of docs/kubectl.md for a user of kubectl. This machine has no browser, and the
# ports of kubelogin may be in use.
credentials() {
  local command folders=$folder/plugins:$PWD/target/testenv/bin
  command=$(sed -n '/^kubectl config set-credentials lanyard /,/[^\\]$/p' docs/kubectl.md)
  [[ $command == *"https://login.example.com/identity/main"*"--oidc-client-id=kubectl "* ]] ||
    { echo "docs/kubectl.md does not have the expected command"; return 1; }
  command=${command//https:\/\/login.example.com\/identity\/main/$issuer}
  command=${command/--oidc-client-id=kubectl /--oidc-client-id=$2 }
  command=${command/set-credentials lanyard /set-credentials $1 }
  PATH=$folders:$PATH KUBECONFIG=$folder/kubeconfig bash -euc "$command ${*:3} --exec-arg=--skip-open-browser \
    --exec-arg=--listen-address=127.0.0.1:$login_port --exec-arg=--token-cache-dir='$folder/$1-cache'" >/dev/null
}

# The flags of docs/kubectl.md for a machine without a browser.
documented_device_grant() {
  grep '^--exec-arg=--grant-type=device-code' docs/kubectl.md
}

# signs_in_by_code CLUSTER USER: kubectl's plugin waits for the person at a port of this machine.
signs_in_by_code() {
  knows_ada "$1" "$2" 2>"$folder/$2.log" &
  local kubectl=$!
  await_text "$folder/$2.log" "localhost:$login_port"
  python3 "$BROWSER" "$JAR" "http://localhost:$login_port" >"$folder/$2.html"
  wait "$kubectl" || { cat "$folder/$2.log" "$folder/$2.html"; return 1; }
}

# signs_in_by_device CLUSTER USER: kubectl's plugin prints the page for its code, and polls (RFC 8628).
signs_in_by_device() {
  knows_ada "$1" "$2" 2>"$folder/$2.log" &
  local kubectl=$!
  await_text "$folder/$2.log" "$issuer/device?user_code="
  python3 "$BROWSER" "$JAR" "$(grep -o 'https://[^ ]*user_code=[A-Z-]*' "$folder/$2.log")" >"$folder/$2.html"
  wait "$kubectl" || { cat "$folder/$2.log" "$folder/$2.html"; return 1; }
}

# knows_ada CLUSTER USER: the API server knows the person of the plugin's token.
knows_ada() {
  kubectl_with --context="$1" --user="$2" auth whoami -o json | is_ada || { tail -n 30 "$work/run/apiserver-$1.log"; return 1; }
}

is_ada() {
  jq -e '.status.userInfo | .username == "ada@example.com" and (.groups | contains(["oidc:developers"]))' >/dev/null
}

# refuses_token CLUSTER USER: the API server refuses the token of a user whom the other API server knows.
refuses_token() {
  if kubectl_with --context="$1" --user="$2" auth whoami >"$folder/refused" 2>&1; then
    echo "$1 accepts the token of $2"
    return 1
  fi
  shows Unauthorized <"$folder/refused"
}

# RBAC decides by the group. The role has rules of its own: no controller fills aggregated ones like `view` here.
decides_by_group() {
  kubectl_with create clusterrole pod-reader --verb=get,list --resource=pods >/dev/null
  kubectl_with create clusterrolebinding developers --clusterrole=pod-reader --group=oidc:developers >/dev/null
  await_works kubectl_with --user=lanyard auth can-i list pods --quiet
  ! kubectl_with --user=lanyard auth can-i delete pods --quiet || { echo "a reader may delete pods"; return 1; }
}

# rotating_keys MANIFESTS: the manifests with keys that change every 40 s. The API server gets the keys again once their
# `max-age` is over, half the time for which a key is published ahead, so it is short from the start.
rotating_keys() {
  sed 's/signing: {algorithms: \[RS256, ES256\]}/signing: {algorithms: [RS256, ES256], rotation: {interval: 40s, publishAhead: 10s}}/' "$1"
}

# keys_rotate USER: the first API server accepts a token of a new key, and still one of the key before it.
keys_rotate() {
  local token
  plugin "$1" >"$folder/before.json"
  await_works has_new_key "$1"
  knows_ada home "$1"
  token=$(jq -r .status.token "$folder/before.json")
  kubectl_with config set-credentials before --token="$token" >/dev/null
  knows_ada home before
}

# has_new_key USER: the token of a refresh has a different key than that of the sign-in.
has_new_key() {
  plugin "$1" --force-refresh >"$folder/rotated.json" || return 1
  [ "$(key_of "$folder/rotated.json")" != "$(key_of "$folder/before.json")" ]
}

# plugin USER FLAG..: the credential that kubectl's plugin gives for a user, without a sign-in.
plugin() {
  local arguments
  mapfile -t arguments < <(kubectl_with config view -o json | jq -r --arg name "$1" '.users[] | select(.name == $name) | .user.exec.args[]')
  PATH=$folder/plugins:$PWD/target/testenv/bin:$PATH timeout 60 kubectl "${arguments[@]}" "${@:2}"
}

# key_of CREDENTIAL: the ID of the key that signed a token.
key_of() { jq -r '.status.token | split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' "$1"; }

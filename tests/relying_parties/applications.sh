# Applications that sign in at Lanyard, for run.sh: oauth2-proxy, Auth.js, django-allauth, Spring, kubelogin with kube-apiserver.

maven_version=3.9.16
secret=a-secret+that/Authlib=sends-as%it-is # of manifests/all.yaml

# The application on Spring Boot, compiled once for all checkouts of this machine.
build_spring() {
  local hash jar
  hash=$(find $here/spring -type f | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-32)
  jar=$cache/spring-$hash.jar
  need java default-jre-headless
  [ -e "$work/spring.jar" ] && [ "$(cat "$work/spring.hash" 2>/dev/null)" = "$hash" ] && return
  if [ ! -e "$jar" ]; then
    need javac default-jdk-headless
    local maven=$work/apache-maven-$maven_version
    if [ ! -x "$maven/bin/mvn" ]; then
      curl --silent --show-error --fail --location \
        "https://repo.maven.apache.org/maven2/org/apache/maven/apache-maven/$maven_version/apache-maven-$maven_version-bin.tar.gz" |
        tar -xz -C "$work"
    fi
    rm -rf "$work/spring" && cp -r $here/spring "$work/spring"
    (cd "$work/spring" && "$maven/bin/mvn" --quiet --batch-mode -Dmaven.repo.local="$work/maven" package)
    mkdir -p "$cache"
    cp "$work/spring/target/relying-party.jar" "$cache/.spring.$$" && mv "$cache/.spring.$$" "$jar"
  fi
  cp "$jar" "$work/spring.jar"
  echo "$hash" >"$work/spring.hash"
}

prepare_applications() {
  tests/testenv/build.sh api
  tests/testenv/build.sh applications
  build_spring
}

# start NAME URL COMMAND..: starts a server that ends with the run, and waits until it answers.
start() {
  "${@:3}" >"$work/run/$1.log" 2>&1 &
  processes+=($!)
  await "$2" || { tail -n 50 "$work/run/$1.log"; return 1; }
}

# signs_in NAME URL TEXT: the page at the URL shows the text after a sign-in.
signs_in() {
  python3 "$BROWSER" "$JAR" "$2" | tee "$work/run/$1.html" | shows "$3" || { tail -n 30 "$work/run/$1.log" "$work/run/$1.html"; return 1; }
}

oauth2_proxy() {
  local url=http://localhost:$PROXY_PORT
  start proxy "$url/ping" env OAUTH2_PROXY_CLIENT_SECRET="$secret" target/testenv/bin/oauth2-proxy --provider=oidc \
    --oidc-issuer-url="$ISSUER" --client-id=default.proxy --redirect-url="$url/oauth2/callback" \
    --cookie-secret=0123456789abcdef0123456789abcdef --cookie-secure=false --email-domain='*' --allowed-group=developers \
    --scope="openid profile email groups offline_access" --code-challenge-method=S256 \
    --http-address="127.0.0.1:$PROXY_PORT" --upstream=static://202
  python3 "$BROWSER" "$JAR" "$url/" >/dev/null
  signs_in proxy "$url/oauth2/userinfo" '"email":"ada@example.com","groups":["developers"]'
  echo "oauth2-proxy: signed in, admitted by group"
}

authjs() {
  local url=http://localhost:$AUTHJS_PORT
  start authjs "$url/" env SECRET="$secret" node "$work/javascript/authjs.js" "$AUTHJS_PORT"
  python3 "$BROWSER" "$JAR" "$url/auth/signin" >"$work/run/authjs.signin.html"
  signs_in authjs "$url/" '"name":"Ada Lovelace","email":"ada@example.com"'
  echo "auth.js: signed in, knows name and e-mail"
}

allauth() {
  local url=http://localhost:$ALLAUTH_PORT
  start allauth "$url/" env SECRET="$secret" DATABASE="$work/run/allauth.db" "$work/python/bin/python" \
    $here/python/allauth_site.py "$ALLAUTH_PORT"
  signs_in allauth "$url/accounts/oidc/lanyard/login/" "signed in: True ada@example.com"
  echo "django-allauth: signed in, knows the e-mail"
}

spring() {
  local url=http://localhost:$SPRING_PORT token
  start spring "$url/up" env PORT="$SPRING_PORT" SECRET="$secret" java -Xmx256m -XX:TieredStopAtLevel=1 -jar "$work/spring.jar"
  signs_in spring "$url/" "signed in: ada@example.com [developers]"
  token=$(sed -n 's/^token: //p' "$work/run/spring.html")
  curl --silent --fail --header "Authorization: Bearer $token" "$url/api" | shows "called by "
  [ "$(curl --silent --output /dev/null --write-out '%{http_code}' --header "Authorization: Bearer ${token}x" "$url/api")" = 401 ]
  echo "spring: signed in; the resource server took the access token"
}

# A certificate of an authority of this run, for https://localhost.
certificate() {
  local folder=$work/run/tls
  mkdir -p "$folder"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=relying parties" -keyout "$folder/ca.key" -out "$folder/ca.crt" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$folder/tls.key" -out "$folder/tls.csr" 2>/dev/null
  openssl x509 -req -in "$folder/tls.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=DNS:localhost") -out "$folder/tls.crt" 2>/dev/null
}

# kube-apiserver verifies ID tokens by its AuthenticationConfiguration, and kubelogin gets them.
kubernetes() {
  local folder=$work/run/kubernetes bin=target/testenv/bin tls=$work/run/tls
  local port api etcd_port peer_port login_port issuer kube_auth login
  port=$(free_port) api=$(free_port) etcd_port=$(free_port) peer_port=$(free_port) login_port=$(free_port)
  issuer=https://localhost:$port/default/shop
  mkdir -p "$folder/manifests"
  rotating_keys "$work/run/manifests/all.yaml" >"$folder/manifests/all.yaml"
  grep --quiet publishAhead "$folder/manifests/all.yaml" || { echo "the manifests do not have the expected algorithms"; return 1; }
  certificate
  export SSL_CERT_FILE=$tls/ca.crt CURL_CA_BUNDLE=$tls/ca.crt
  start lanyard-tls "$issuer/.well-known/openid-configuration" "${LANYARD_BINARY:-target/debug/lanyard}" dev "$folder/manifests" \
    --state "$work/run/state-tls" --listen "127.0.0.1:$port" --base-url "https://localhost:$port" \
    --tls-cert "$tls/tls.crt" --tls-key "$tls/tls.key"
  kube_auth=("${LANYARD_BINARY:-target/debug/lanyard}" kube-auth "$issuer" --ca-file "$tls/ca.crt")
  "${kube_auth[@]}" >"$folder/authentication.yaml"
  openssl req -newkey rsa:2048 -nodes -subj "/O=system:masters/CN=admin" -keyout "$folder/admin.key" -out "$folder/admin.csr" 2>/dev/null
  openssl x509 -req -in "$folder/admin.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 2 -out "$folder/admin.crt" 2>/dev/null
  openssl genrsa -out "$folder/sa.key" 2048 2>/dev/null
  start etcd "http://127.0.0.1:$etcd_port/health" "$bin/etcd" --data-dir "$folder/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port"
  "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --cert-dir "$folder/certs" --secure-port "$api" \
    --bind-address 127.0.0.1 --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$folder/sa.key" \
    --service-account-signing-key-file "$folder/sa.key" --authorization-mode RBAC --service-cluster-ip-range 10.0.0.0/24 \
    --client-ca-file "$tls/ca.crt" --authentication-config "$folder/authentication.yaml" >"$work/run/apiserver.log" 2>&1 &
  processes+=($!)
  CURL_CA_BUNDLE=$folder/certs/apiserver.crt await "https://127.0.0.1:$api/readyz" || { tail -n 30 "$work/run/apiserver.log"; return 1; }
  login=("$bin/kubelogin" get-token --oidc-issuer-url="$issuer" --oidc-client-id=kubectl --certificate-authority="$tls/ca.crt"
    --oidc-extra-scope=profile --oidc-extra-scope=email --oidc-extra-scope=groups --oidc-extra-scope=offline_access
    --listen-address="127.0.0.1:$login_port" --skip-open-browser --token-cache-dir="$folder/cache")
  "${login[@]}" >"$folder/credential.json" 2>"$folder/kubelogin.log" &
  local kubelogin=$!
  await_text "$folder/kubelogin.log" "localhost:$login_port"
  python3 "$BROWSER" "$JAR" "http://localhost:$login_port" >"$folder/page.html"
  wait "$kubelogin" || { cat "$folder/kubelogin.log" "$folder/page.html"; return 1; }
  knows_ada "$folder" "$api" credential.json
  # The same without a browser: kubelogin prints the page for its code, and polls (RFC 8628).
  "$bin/kubelogin" get-token --oidc-issuer-url="$issuer" --oidc-client-id=kubectl --certificate-authority="$tls/ca.crt" \
    --oidc-extra-scope=email --oidc-extra-scope=groups --grant-type=device-code --skip-open-browser \
    --token-cache-dir="$folder/device-cache" >"$folder/device.json" 2>"$folder/device.log" &
  kubelogin=$!
  await_text "$folder/device.log" "$issuer/device?user_code="
  python3 "$BROWSER" "$JAR" "$(grep -o 'https://[^ ]*user_code=[A-Z-]*' "$folder/device.log")" >"$folder/device.html"
  wait "$kubelogin" || { cat "$folder/device.log" "$folder/device.html"; return 1; }
  knows_ada "$folder" "$api" device.json
  keys_rotate "$folder" "$api" "${login[@]}"
  # RBAC decides by the group. The role has rules of its own: no controller fills aggregated ones like `view` here.
  local admin=(kubectl_at "$folder" "$api" --client-certificate="$folder/admin.crt" --client-key="$folder/admin.key")
  "${admin[@]}" create clusterrole pod-reader --verb=get,list --resource=pods >/dev/null
  "${admin[@]}" create clusterrolebinding developers --clusterrole=pod-reader --group=oidc:developers >/dev/null
  await_works as_ada "$folder" "$api" device.json auth can-i list pods --quiet
  ! as_ada "$folder" "$api" device.json auth can-i delete pods --quiet || { echo "a reader may delete pods"; return 1; }
  # Another cluster accepts the tokens of its own client only. This one reads the file again.
  "${kube_auth[@]}" --client-id=kubectl-elsewhere >"$folder/authentication.yaml"
  await_fails as_ada "$folder" "$api" device.json auth whoami
  "${kube_auth[@]}" --client-id=kubectl-elsewhere --client-id=kubectl >"$folder/authentication.yaml"
  await_works as_ada "$folder" "$api" device.json auth whoami
  unset SSL_CERT_FILE CURL_CA_BUNDLE
  echo "kubelogin and kube-apiserver: signed in by code and by device grant, known by e-mail and groups, before and after a rotation of keys; rights by group, one client for each cluster"
}

# rotating_keys MANIFESTS: the manifests with keys that change every 40 s. The API server gets the keys again once their
# `max-age` is over, half the time for which a key is published ahead, so it is short from the start.
rotating_keys() {
  sed 's/signing: {algorithms: \[RS256, ES256\]}/signing: {algorithms: [RS256, ES256], rotation: {interval: 40s, publishAhead: 10s}}/' "$1"
}

# keys_rotate FOLDER PORT KUBELOGIN..: the API server accepts a token of a new key, and still one of the key before it.
keys_rotate() {
  await_works has_new_key "$1" "${@:3}"
  knows_ada "$1" "$2" rotated.json
  knows_ada "$1" "$2" credential.json
}

# has_new_key FOLDER KUBELOGIN..: the token of a refresh has another key than that of the sign-in.
has_new_key() {
  timeout 60 "${@:2}" --force-refresh >"$1/rotated.json" || return 1
  [ "$(key_of "$1/rotated.json")" != "$(key_of "$1/credential.json")" ]
}

# key_of CREDENTIAL: the ID of the key that signed a token.
key_of() { jq -r '.status.token | split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' "$1"; }

# knows_ada FOLDER PORT CREDENTIAL: the API server knows the person of kubelogin's credential.
knows_ada() {
  as_ada "$1" "$2" "$3" auth whoami -o json |
    jq -e '.status.userInfo | .username == "ada@example.com" and (.groups | contains(["oidc:developers"]))' >/dev/null ||
    { tail -n 30 "$work/run/apiserver.log"; return 1; }
}

# kubectl_at FOLDER PORT ARG..: kubectl at the API server.
kubectl_at() {
  target/testenv/bin/kubectl --kubeconfig=/dev/null --server="https://127.0.0.1:$2" --certificate-authority="$1/certs/apiserver.crt" "${@:3}"
}

# as_ada FOLDER PORT CREDENTIAL ARG..: kubectl with kubelogin's credential.
as_ada() {
  kubectl_at "$1" "$2" --token="$(jq -r .status.token "$1/$3")" "${@:4}"
}

# await_works COMMAND..: waits until a command succeeds, for at most two minutes.
await_works() {
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "still fails: $*"; "$@"; return 1; }
    sleep 0.5
  done
}

# await_fails COMMAND..: waits until a command fails, for at most two minutes.
await_fails() {
  local end=$((SECONDS + 120))
  while "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "still succeeds: $*"; return 1; }
    sleep 0.5
  done
}

# await_text FILE TEXT: waits until a file contains the text, for at most a minute.
await_text() {
  local end=$((SECONDS + 60))
  until grep --quiet --fixed-strings -- "$2" "$1" 2>/dev/null; do
    [ $SECONDS -lt $end ] || { echo "no $2 in:"; cat "$1"; return 1; }
    sleep 0.1
  done
}

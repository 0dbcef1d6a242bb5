# curl with certificates at `lanyard dev`, directly and through nginx as the proxy that ends TLS; for run.sh.

# pair NAME CA SUBJECT NAMES: a key and a certificate of an authority, or of itself without one.
pair() {
  local by=()
  [ -z "$2" ] || by=(-CA "$tls/$2.crt" -CAkey "$tls/$2.key")
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "$3" "${by[@]}" \
    -addext "subjectAltName=$4" -addext "basicConstraints=critical,CA:${5:-FALSE}" -keyout "$tls/$1.key" -out "$tls/$1.crt" 2>/dev/null
}

prepare_mutual_tls() {
  [ -e "$work/nginx/usr/sbin/nginx" ] || debian "$work/nginx" nginx || { apt-get update -qq && debian "$work/nginx" nginx; }
}

# grant URL CURL-ARGUMENT..: the response to a request of the client itself.
grant() { curl --silent --cacert "$tls/servers.crt" --data client_id=default.ledger --data grant_type=client_credentials "${@:2}" "$1"; }

# refused URL CURL-ARGUMENT..: fails unless the client is refused.
refused() { [ "$(grant "$@" | jq -r .error)" = invalid_client ] || { echo "not refused: ${*:2}"; return 1; }; }

mutual_tls() {
  local tls=$work/run/tls port mtls_port proxy_port nginx_port issuer url token hash
  port=$(free_port) mtls_port=$(free_port) proxy_port=$(free_port) nginx_port=$(free_port)
  issuer=http://localhost:$port/default/shop
  mkdir -p "$tls" "$work/run/mutual-tls"
  for authority in clients servers proxies strangers; do pair $authority "" "/CN=$authority" DNS:$authority TRUE; done
  pair server servers /CN=localhost DNS:localhost
  pair ledger clients /O=Acme/CN=ledger DNS:ledger.acme.test
  pair other clients /O=Acme/CN=other DNS:other.acme.test
  pair stranger strangers /O=Acme/CN=ledger DNS:ledger.acme.test
  pair proxy proxies /CN=proxy DNS:proxy.internal
  mutual_tls_manifests "$tls" >"$work/run/mutual-tls/all.yaml"
  "${LANYARD_BINARY:-target/debug/lanyard}" dev "$work/run/mutual-tls" --state "$work/run/mutual-tls-state" --listen "127.0.0.1:$port" \
    --base-url "http://localhost:$port" --mtls-listen "127.0.0.1:$mtls_port" --mtls-url "https://{host}:$mtls_port" \
    --mtls-cert "$tls/server.crt" --mtls-key "$tls/server.key" --mtls-proxy-listen "127.0.0.1:$proxy_port" \
    --mtls-proxy-ca "$tls/proxies.crt" --mtls-proxy-names proxy.internal --mtls-proxy-header ssl-client-cert \
    --mtls-proxy-format EscapedPem >"$work/run/mutual-tls.log" 2>&1 &
  processes+=($!)
  await "$issuer/.well-known/openid-configuration" || { cat "$work/run/mutual-tls.log"; return 1; }
  url=$(curl --silent "$issuer/.well-known/openid-configuration" | jq -r .mtls_endpoint_aliases.token_endpoint)

  hash=$(openssl x509 -in "$tls/ledger.crt" -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =)
  bound_to() { cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null | grep --fixed-strings "\"x5t#S256\":\"$hash\"" >/dev/null; }
  token=$(grant "$url" --cert "$tls/ledger.crt" --key "$tls/ledger.key" | jq -r .access_token)
  bound_to <<<"$token" || { echo "the token is not bound to the certificate: $token"; return 1; }
  refused "$url"
  for wrong in other stranger; do refused "$url" --cert "$tls/$wrong.crt" --key "$tls/$wrong.key"; done
  echo "curl: a token bound to its certificate, and none for others"

  sed "s|WORK|$work/run|g; s|TLS|$tls|g; s|LISTEN|$nginx_port|; s|UPSTREAM|$proxy_port|; s|HOST|localhost:$mtls_port|" \
    $here/nginx/nginx.conf >"$work/run/nginx.conf"
  "$work/nginx/usr/sbin/nginx" -p "$work/run" -e "$work/run/nginx.log" -c "$work/run/nginx.conf" >"$work/run/nginx.out" 2>&1 &
  processes+=($!)
  local through=${url/:$mtls_port/:$nginx_port} end=$((SECONDS + 60))
  until curl --silent --cacert "$tls/servers.crt" --output /dev/null "$through"; do
    [ $SECONDS -lt $end ] || { cat "$work/run/nginx.log" "$work/run/nginx.out"; return 1; }
    sleep 0.1
  done
  token=$(grant "$through" --cert "$tls/ledger.crt" --key "$tls/ledger.key" | jq -r .access_token)
  bound_to <<<"$token" || { echo "through nginx the token is not bound to the certificate: $token"; return 1; }
  refused "$through"
  # nginx replaces the header of a client, and the ports for clients ignore it.
  local header="ssl-client-cert: $(jq -sRr @uri "$tls/ledger.crt")"
  for at in "$through" "$url"; do refused "$at" --header "$header"; done
  if grant "https://localhost:$proxy_port/default/shop/oauth/token" --header "$header" --header "Host: localhost:$mtls_port" >/dev/null; then
    echo "the port for proxies takes connections without a certificate"
    return 1
  fi
  echo "nginx: forwards the certificate of curl, and no other client can"
}

# The manifests of the client, whose certificate is of an authority in a folder.
mutual_tls_manifests() {
  cat <<YAML
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: ledger}
spec:
  tenantRef: {name: shop}
  grantTypes: [client_credentials]
  tokenEndpointAuthMethod: tls_client_auth
  tlsClientAuth:
    caRef: {name: authorities}
    subjectDn: CN=ledger,O=Acme
  tlsClientCertificateBoundAccessTokens: true
---
apiVersion: v1
kind: Secret
metadata: {name: authorities}
stringData: {ca.crt: $(jq -sR . "$1/clients.crt")}
YAML
}

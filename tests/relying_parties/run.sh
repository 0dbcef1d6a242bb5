#!/usr/bin/env bash
# make relying-parties: well-known libraries and applications sign in at `lanyard dev`, each as its own documentation sets it
# up. Each prints the steps that succeeded; the first failure stops the run. `run.sh NAME..` runs only the named ones. Missing
# packages are installed from package registries, in pinned versions, in target/relying-parties. LANYARD_BINARY is the binary
# of this tree. If it is not set, the binary is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/relying_parties
work=$PWD/target/relying-parties
rm -rf "$work/run" && mkdir -p "$work/run/htdocs/app" "$work/python"
cache=${LANYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}/relying-parties
. $here/applications.sh
. $here/kubernetes.sh
. $here/mutual_tls.sh
. $here/oidc_agent.sh

say() { printf '== relying parties: %s\n' "$*"; }

# A free port below the range of outgoing connections.
free_port() {
  python3 -c '
import random, socket
while True:
    port = random.randrange(10000, 30000)
    with socket.socket() as it:
        try:
            it.bind(("0.0.0.0", port))
        except OSError:
            continue
    print(port)
    break'
}

# Unpacks Debian packages into a folder without installing them.
debian() { # debian FOLDER PACKAGE..
  local folder=$1; shift
  [ -e "$folder/.ready" ] && return
  rm -rf "$folder" && mkdir -p "$folder"
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$@" && for package in *.deb; do dpkg-deb -x "$package" .; done)
  touch "$folder/.ready"
}

# need COMMAND PACKAGE..: installs Debian packages if the command is missing.
need() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "relying parties: needs $1; install ${*:2} and run again" >&2
    return 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}" >/dev/null
}

prepare() {
  say "getting their packages"
  need python3 python3 python3-venv
  need npm nodejs npm
  need curl curl
  need jq jq
  need openssl openssl
  if ! cmp --silent $here/python/requirements.txt "$work/python/.ready"; then
    python3 -m venv "$work/python"
    "$work/python/bin/pip" install --quiet --disable-pip-version-check -r $here/python/requirements.txt
    cp $here/python/requirements.txt "$work/python/.ready"
  fi
  mkdir -p "$work/javascript"
  cp -r $here/javascript/* examples/resource-server "$work/javascript/"
  (cd "$work/javascript" && npm ci --silent --no-audit --no-fund)
  PATH=$PWD/target/testenv/go/go/bin:$PATH
  (cd $here/go && GOFLAGS=-mod=readonly go build -o "$work/go-party" .)
  [ -r /var/lib/apt/lists/lock ] || apt-get update -qq
  debian "$work/apache" apache2-bin libapache2-mod-auth-openidc libcjose0 libjansson4 libhiredis0.14 \
    libapr1 libaprutil1 liblua5.3-0 || { apt-get update -qq && debian "$work/apache" apache2-bin \
    libapache2-mod-auth-openidc libcjose0 libjansson4 libhiredis0.14 libapr1 libaprutil1 liblua5.3-0; }
}

serve() {
  port=$(free_port)
  APACHE_PORT=$(free_port) PROXY_PORT=$(free_port) AUTHJS_PORT=$(free_port) ALLAUTH_PORT=$(free_port) SPRING_PORT=$(free_port)
  RESOURCE_PORT=$(free_port) DOCUMENT_PORT=$(free_port)
  export RESOURCE=http://localhost:$RESOURCE_PORT/tickets DOCUMENTS=https://localhost:$DOCUMENT_PORT
  export ISSUER=http://localhost:$port/default/shop BROWSER=$PWD/$here/browser.py
  mkdir -p "$work/run/manifests"
  sed "s/APACHE_PORT/$APACHE_PORT/; s/PROXY_PORT/$PROXY_PORT/; s/AUTHJS_PORT/$AUTHJS_PORT/; s/ALLAUTH_PORT/$ALLAUTH_PORT/; s/SPRING_PORT/$SPRING_PORT/; s/RESOURCE_PORT/$RESOURCE_PORT/" \
    $here/manifests/all.yaml >"$work/run/manifests/all.yaml"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE -keyout "$work/run/documents.key" -out "$work/run/documents.crt" 2>/dev/null
  python3 $here/documents.py "$DOCUMENT_PORT" "$work/run/documents.crt" "$work/run/documents.key" >"$work/run/documents.log" 2>&1 &
  processes+=($!)
  [ -n "${LANYARD_BINARY:-}" ] || cargo build --locked --quiet
  "${LANYARD_BINARY:-target/debug/lanyard}" dev "$work/run/manifests" --state "$work/run/state" --listen "127.0.0.1:$port" \
    --base-url "http://localhost:$port" --fetch-ca "$work/run/documents.crt" >"$work/run/lanyard.log" 2>&1 &
  processes+=($!)
  await "$ISSUER/.well-known/openid-configuration" || { cat "$work/run/lanyard.log"; return 1; }
  node "$work/javascript/mcp_server.js" >"$work/run/mcp-server.log" 2>&1 &
  processes+=($!)
  await "http://localhost:$RESOURCE_PORT/.well-known/oauth-protected-resource/tickets"
}

await() { # await URL: waits until it answers with 200, for at most two minutes
  local end=$((SECONDS + 120))
  until curl --silent --fail --output /dev/null "$1"; do
    [ $SECONDS -lt $end ] || { echo "nothing answers at $1"; return 1; }
    sleep 0.1
  done
}

processes=()
# Ends the servers, the last first: kube-apiserver does not end while its etcd is gone. Whatever is left after ten seconds is killed.
stop() {
  local i process end=$((SECONDS + 10))
  for ((i = ${#processes[@]} - 1; i >= 0; i--)); do
    process=${processes[i]}
    kill "$process" 2>/dev/null || continue
    while kill -0 "$process" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.1; done
    kill -KILL "$process" 2>/dev/null || true
  done
}
trap stop EXIT

wanted=" $* "
party() { # party NAME COMMAND..: runs a relying party with its own browser cookies
  [ "$wanted" = "  " ] || [[ $wanted == *" $1 "* ]] || return 0
  export JAR=$work/run/$1.cookies
  "${@:2}"
}

# shows TEXT: fails unless the input contains the text. Reads to the end, or the writer would get SIGPIPE and fail.
shows() { grep --fixed-strings -- "$1" >/dev/null || { echo "no $1 in the page"; return 1; }; }

# An application behind Apache's module: signs in, signs out, and is asked for a password again.
apache() {
  local root=$work/apache libraries
  libraries=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
  echo "the application" >"$work/run/htdocs/app/index.html"
  echo "goodbye" >"$work/run/htdocs/bye.html"
  chmod -R a+rX "$work/run/htdocs"
  sed "s|WORK|$work/run|; s|PORT|$APACHE_PORT|; s|MODULES|$root/usr/lib/apache2/modules|; s|ISSUER|$ISSUER|" \
    $here/mod_auth_openidc/httpd.conf >"$work/run/httpd.conf"
  LD_LIBRARY_PATH=$libraries "$root/usr/sbin/apache2" -f "$work/run/httpd.conf" -DFOREGROUND >"$work/run/httpd.log" 2>&1 &
  processes+=($!)
  local app=http://localhost:$APACHE_PORT
  await "$app/bye.html" || { cat "$work/run/httpd.log" "$work/run/error.log"; return 1; }
  python3 "$BROWSER" "$JAR" "$app/app/index.html" | tee "$work/run/app.html" | shows "the application"
  python3 "$BROWSER" "$JAR" "$app/app/redirect_uri?logout=$app/bye.html" | shows goodbye
  # Without the session cookies, the application leads to the sign-in page.
  curl --silent --location --header "Accept: text/html" --cookie "$work/run/none" "$app/app/index.html" | shows 'name="password"'
  echo "mod_auth_openidc: signed in, signed out"
}

prepare
prepare_applications
prepare_mutual_tls
prepare_oidc_agent
serve
say "$ISSUER"
party go "$work/go-party"
party javascript node "$work/javascript/main.js"
party python "$work/python/bin/python" $here/python/main.py
party apache apache
party mutual-tls mutual_tls
party oidc-agent oidc_agent
party oauth2-proxy oauth2_proxy
party authjs authjs
party allauth allauth
party mcp-typescript node "$work/javascript/mcp.js"
party mcp-python "$work/python/bin/python" $here/python/mcp_client.py
party spring spring
party kubernetes kubernetes

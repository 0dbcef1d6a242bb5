# Applications that sign in at Lanyard, for run.sh: oauth2-proxy, Auth.js, django-allauth, Spring.

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

# await_works COMMAND..: waits until a command succeeds, for at most two minutes.
await_works() {
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "still fails: $*"; "$@"; return 1; }
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

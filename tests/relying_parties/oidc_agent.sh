# oidc-agent signs in at `lanyard dev` with the device grant (RFC 8628); for run.sh.

prepare_oidc_agent() { need oidc-agent oidc-agent-cli; }

oidc_agent() {
  local folder=$work/run/oidc-agent userinfo address token next process
  mkdir -p "$folder/accounts"
  echo only-for-this-run >"$folder/password"
  userinfo=$(curl --silent --fail "$ISSUER/.well-known/openid-configuration" | jq -r .userinfo_endpoint)
  start_agent "$folder"
  # --client-secret= is empty: oidc-agent refuses to do without one, and sends it empty (RFC 6749 §2.3.1).
  at_agent "$folder" timeout 120 oidc-gen ada --manual --flow=device --issuer="$ISSUER" --client-id=default.agent --client-secret= \
    --scope="openid profile email offline_access" --pw-file="$folder/password" --prompt=none >"$folder/gen.log" 2>&1 &
  process=$!
  await_text "$folder/gen.log" "enter the code: "
  address=$(grep --text --only-matching "$ISSUER/device" "$folder/gen.log" | head -n 1)
  python3 "$BROWSER" "$JAR" "$address?user_code=$(sed -n 's/^.*enter the code: \([A-Z-]*\).*$/\1/p' "$folder/gen.log")" >"$folder/page.html"
  wait "$process" || { cat "$folder/gen.log" "$folder/page.html"; return 1; }
  token=$(at_agent "$folder" oidc-token ada)
  knows_email "$token"
  # A new agent has only the refresh token that the first one stored last.
  next=$(at_agent "$folder" oidc-token --force-new ada)
  [ "$next" != "$token" ] || { echo "oidc-agent refreshed nothing"; return 1; }
  start_agent "$folder"
  at_agent "$folder" oidc-add --pw-file="$folder/password" ada >"$folder/add.log"
  token=$(at_agent "$folder" oidc-token --force-new ada)
  knows_email "$token"
  at_agent "$folder" oidc-gen --delete ada --pw-file="$folder/password" --confirm-yes --prompt=none >"$folder/delete.log" 2>&1
  [ "$(curl --silent --output /dev/null --write-out '%{http_code}' --header "Authorization: Bearer $token" "$userinfo")" = 401 ] ||
    { echo "the token is valid after its account was deleted"; cat "$folder/delete.log"; return 1; }
  stop_agent
  echo "oidc-agent: signed in by device grant, refreshed, refreshed after a restart, revoked"
}

# start_agent FOLDER: an agent, in place of the one that runs.
start_agent() {
  local end=$((SECONDS + 60))
  stop_agent
  rm -f "$1/agent.sock"
  # The path of a socket is short, so it is relative to the folder.
  (cd "$1" && OIDC_CONFIG_DIR=$1/accounts exec oidc-agent --console --socket-path=./agent.sock) >"$1/agent.log" 2>&1 &
  agent=$!
  processes+=("$agent")
  until [ -S "$1/agent.sock" ]; do
    { kill -0 "$agent" 2>/dev/null && [ $SECONDS -lt $end ]; } || { cat "$1/agent.log"; return 1; }
    sleep 0.1
  done
}

# Ends the agent, if one runs.
stop_agent() {
  [ -n "${agent:-}" ] || return 0
  kill "$agent"
  wait "$agent" 2>/dev/null || true
  agent=
  unset 'processes[-1]'
}

# at_agent FOLDER COMMAND..: a command of oidc-agent.
at_agent() { (cd "$1" && OIDC_CONFIG_DIR=$1/accounts OIDC_SOCK=./agent.sock exec "${@:2}" </dev/null); }

# knows_email TOKEN: the userinfo endpoint knows the person of a token.
knows_email() {
  curl --silent --fail --header "Authorization: Bearer $1" "$userinfo" | jq -e '.email == "ada@example.com"' >/dev/null ||
    { echo "the token does not name the person: $1"; return 1; }
}

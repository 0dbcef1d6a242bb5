#!/usr/bin/env bash
# samba.sh FOLDER LDAPS_PORT LDAP_PORT: runs a domain controller of Samba with corp.ldif until standard input ends, then
# removes the folder. The folder has ca.pem, server.pem and server.key, and gets the file `ready` when people can be found.
#
# Samba's ports are fixed, so it has a network of its own, which sockets in the folder lead to. All its processes end with the
# first one.
set -euo pipefail
# Nothing is held that the test process has open, such as locks.
for descriptor in /proc/self/fd/*; do
  number=${descriptor##*/}
  case $number in 0 | 1 | 2 | 255) ;; *) eval "exec $number>&-" ;; esac
done
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
password=Passw0rd!

server() {
  ip link set lo up
  samba-tool domain provision --targetdir="$folder/dc" --realm=CORP.TEST --domain=CORP --adminpass="$password" \
    --server-role=dc --dns-backend=NONE --host-name=dc --host-ip=127.0.0.1 \
    --option="server services=ldap" --option="interfaces=127.0.0.1" --option="bind interfaces only=yes" \
    --option="ncalrpc dir=$folder/ncalrpc" --option="pid directory=$folder" \
    --option="winbindd socket directory=$folder/winbindd" --option="log file=$folder/log" \
    --option="posix:eadb=$folder/eadb.tdb" --option="tls keyfile=$folder/server.key" \
    --option="tls certfile=$folder/server.pem" --option="tls cafile=$folder/ca.pem" >"$folder/provision.log" 2>&1
  chmod 600 "$folder/server.key"
  socat "UNIX-LISTEN:$folder/636,fork" TCP:127.0.0.1:636 &
  socat "UNIX-LISTEN:$folder/389,fork" TCP:127.0.0.1:389 &
  exec samba -i -M single -s "$folder/dc/etc/smb.conf"
}

if [ "${2:-}" = server ]; then
  server
fi
unshare --net --pid --fork --kill-child=KILL "$0" "$folder" server </dev/null >"$folder/samba.log" 2>&1 &
server=$!
socat "TCP-LISTEN:$2,bind=127.0.0.1,reuseaddr,fork" "UNIX-CONNECT:$folder/636" </dev/null 2>/dev/null &
secure=$!
socat "TCP-LISTEN:$3,bind=127.0.0.1,reuseaddr,fork" "UNIX-CONNECT:$folder/389" </dev/null 2>/dev/null &
plain=$!
end() {
  kill $secure $plain || true
  kill -KILL $server || true
  wait || true
  rm -rf "$folder"
}
trap end EXIT
# The client compares certificates with the canonical name of this machine.
export LDAPTLS_REQCERT=never
until ldapadd -x -H "ldaps://localhost:$2" -D Administrator@corp.test -w "$password" -f "$here/corp.ldif" >"$folder/add.log" 2>&1; do
  kill -0 $server
  # Anything but a missing server is a mistake in corp.ldif.
  grep -q "Can't contact" "$folder/add.log" || { cat "$folder/add.log"; exit 1; }
  sleep 0.2
done
touch "$folder/ready"
cat >/dev/null

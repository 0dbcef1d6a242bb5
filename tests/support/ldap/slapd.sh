#!/usr/bin/env bash
# slapd.sh FOLDER LDAPS_PORT LDAP_PORT: runs slapd with acme.ldif until standard input ends, then removes the folder.
# The folder has ca.pem, server.pem and server.key, and gets the file `ready` when people can be found.
set -euo pipefail
# Nothing is held that the test process has open, such as locks.
for descriptor in /proc/self/fd/*; do
  number=${descriptor##*/}
  case $number in 0 | 1 | 2 | 255) ;; *) eval "exec $number>&-" ;; esac
done
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 secure=$2 plain=$3
mkdir "$folder/db"
cat >"$folder/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCACertificateFile $folder/ca.pem
TLSCertificateFile $folder/server.pem
TLSCertificateKeyFile $folder/server.key
pidfile $folder/slapd.pid
argsfile $folder/slapd.args
database mdb
maxsize 67108864
suffix dc=acme,dc=test
rootdn cn=admin,dc=acme,dc=test
rootpw admin
directory $folder/db
index uid,member,uniqueMember,memberUid,entryUUID eq
limits dn.exact="cn=search,dc=acme,dc=test" size=5000
limits dn.exact="cn=small,dc=acme,dc=test" size=2
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=hidden,dc=acme,dc=test" by * none
access to * by dn.exact="cn=search,dc=acme,dc=test" read by dn.exact="cn=small,dc=acme,dc=test" read by * none
overlay memberof
overlay ppolicy
ppolicy_use_lockout
CONF
/usr/sbin/slapadd -q -f "$folder/slapd.conf" -l "$here/acme.ldif"
# A server that ends is started again.
(
  exec </dev/null
  until [ -e "$folder/stop" ]; do
    /usr/sbin/slapd -d 0 -f "$folder/slapd.conf" -h "ldaps://127.0.0.1:$secure/ ldap://127.0.0.1:$plain/" || [ -e "$folder/ready" ]
    sleep 0.05
  done
) &
servers=$!
until ldapsearch -x -H "ldap://127.0.0.1:$plain" -b '' -s base >/dev/null 2>&1; do
  kill -0 $servers
  sleep 0.05
done
touch "$folder/ready"
cat >/dev/null
touch "$folder/stop"
server=$(cat "$folder/slapd.pid")
kill -CONT "$server" || true
kill "$server" || true
wait $servers || true
rm -rf "$folder"

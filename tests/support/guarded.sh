#!/usr/bin/env bash
# guarded.sh FOLDER COMMAND..: runs a server with its output in FOLDER/log until standard input ends, then ends the server with
# its children and removes the folder.
set -euo pipefail
# Nothing is held that the test process has open, such as locks.
for descriptor in /proc/self/fd/*; do
  number=${descriptor##*/}
  case $number in 0 | 1 | 2 | 255) ;; *) eval "exec $number>&-" ;; esac
done
folder=$1; shift
# The server has a process group of its own.
set -m
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -- -$server 2>/dev/null || true
wait $server 2>/dev/null || true
rm -rf "$folder"

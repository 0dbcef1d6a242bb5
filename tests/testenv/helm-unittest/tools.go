//go:build tools

// Package tools names the commands that the tests build.
package tools

import _ "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"

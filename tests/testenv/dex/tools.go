//go:build tools

// Package tools names the commands that build.sh compiles from this module.
package tools

import _ "github.com/dexidp/dex/cmd/dex"

//go:build tools

// Package tools names the relying parties that the tests build.
package tools

import (
	_ "github.com/int128/kubelogin"
	_ "github.com/oauth2-proxy/oauth2-proxy/v7"
)

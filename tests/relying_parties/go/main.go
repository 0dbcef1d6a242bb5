// A relying party on coreos/go-oidc and x/oauth2: sign-in with PKCE, verification of the ID token,
// userinfo, refresh, and tokens that are bound to a key (DPoP).
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	callback = "http://localhost:9999/go/callback"
	secret   = "a secret: with + and % in thirty-two characters"
)

func main() {
	log.SetFlags(0)
	ctx, issuer := context.Background(), os.Getenv("ISSUER")
	provider, err := oidc.NewProvider(ctx, issuer)
	check(err)
	config := oauth2.Config{
		ClientID: "default.go", ClientSecret: secret, RedirectURL: callback,
		Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}
	verifier := oauth2.GenerateVerifier()
	address := config.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(verifier))
	answer, err := url.Parse(browse(address, callback))
	check(err)
	same("state", answer.Query().Get("state"), "a-state")
	same("iss (RFC 9207)", answer.Query().Get("iss"), issuer)
	token, err := config.Exchange(ctx, answer.Query().Get("code"), oauth2.VerifierOption(verifier))
	check(err)
	idToken := verify(ctx, provider, token)
	same("nonce", idToken.Nonce, "a-nonce")
	check(idToken.VerifyAccessToken(token.AccessToken))
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	check(err)
	same("userinfo's subject", info.Subject, idToken.Subject)
	same("userinfo's email", info.Email, "ada@example.com")
	old := *token
	old.AccessToken = ""
	refreshed, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	check(err)
	same("refreshed subject", verify(ctx, provider, refreshed).Subject, idToken.Subject)
	if refreshed.AccessToken == token.AccessToken {
		log.Fatal("refreshing gave the same access token")
	}
	var metadata struct {
		End string `json:"end_session_endpoint"`
	}
	check(provider.Claims(&metadata))
	hint := token.Extra("id_token").(string)
	page := browse(metadata.End + "?id_token_hint=" + url.QueryEscape(hint), strings.TrimSuffix(issuer, "/")+"/logged-out")
	fmt.Println("go: signed in, verified, refreshed, signed out at", page)
	bound(ctx, provider)
}

func verify(ctx context.Context, provider *oidc.Provider, token *oauth2.Token) *oidc.IDToken {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		log.Fatal("no ID token")
	}
	idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: "default.go"}).Verify(ctx, raw)
	check(err)
	return idToken
}

func browse(address, stopAt string) string {
	command := exec.Command("python3", os.Getenv("BROWSER"), os.Getenv("JAR"), address, stopAt)
	command.Stderr = os.Stderr
	out, err := command.Output()
	check(err)
	return strings.TrimSpace(string(out))
}

func same(what, got, want string) {
	if got != want {
		log.Fatalf("%s is %q, not %q", what, got, want)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

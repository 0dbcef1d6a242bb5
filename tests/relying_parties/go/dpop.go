package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const dpopCallback = "http://localhost:9999/go-dpop/callback"

// prover adds a DPoP proof to each request (RFC 9449 §4.2).
type prover struct {
	signer jose.Signer
}

func newProver() *prover {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	check(err)
	return &prover{signer}
}

func (p *prover) RoundTrip(request *http.Request) (*http.Response, error) {
	address := *request.URL
	address.RawQuery, address.Fragment = "", ""
	claims := map[string]any{
		"htm": request.Method, "htu": address.String(), "iat": time.Now().Unix(), "jti": oauth2.GenerateVerifier(),
	}
	if token, ok := strings.CutPrefix(request.Header.Get("Authorization"), "DPoP "); ok {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	signed, err := p.signer.Sign(payload)
	if err != nil {
		return nil, err
	}
	proof, err := signed.CompactSerialize()
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Header.Set("DPoP", proof)
	return http.DefaultTransport.RoundTrip(request)
}

// proving returns a context whose requests have proofs of a new key.
func proving(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: newProver()})
}

// bound signs in at a client whose tokens are bound to a key. Codes and tokens are refused without the key.
func bound(ctx context.Context, provider *oidc.Provider) {
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	config := oauth2.Config{
		ClientID: "default.go-dpop", ClientSecret: secret, RedirectURL: dpopCallback,
		Endpoint: endpoint, Scopes: []string{oidc.ScopeOpenID, "email"},
	}
	verifier := oauth2.GenerateVerifier()
	address := config.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(verifier))
	answer, err := url.Parse(browse(address, dpopCallback))
	check(err)
	same("state", answer.Query().Get("state"), "a-state")
	code := answer.Query().Get("code")

	_, err = config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		log.Fatalf("a code was redeemed without a proof: %v", err)
	}
	same("error without a proof", refused.ErrorCode, "invalid_dpop_proof")

	own := proving(ctx)
	token, err := config.Exchange(own, code, oauth2.VerifierOption(verifier))
	check(err)
	same("token type", token.Type(), "DPoP")
	info, err := provider.UserInfo(own, oauth2.StaticTokenSource(token))
	check(err)
	same("userinfo's email", info.Email, "ada@example.com")

	bearer := *token
	bearer.TokenType = "Bearer"
	refusedUserinfo("without a proof", ctx, provider, token)
	refusedUserinfo("with a proof of another key", proving(ctx), provider, token)
	refusedUserinfo("as a bearer token", ctx, provider, &bearer)
	fmt.Println("go: tokens bound to a key by DPoP, refused without it")
}

func refusedUserinfo(how string, ctx context.Context, provider *oidc.Provider, token *oauth2.Token) {
	_, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err == nil || !strings.HasPrefix(err.Error(), "401 ") {
		log.Fatalf("userinfo %s: %v, not 401", how, err)
	}
}

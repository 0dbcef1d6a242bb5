// A relying party on openid-client: sign-in with PKCE, userinfo, refresh, revocation, RP-initiated
// logout, pushed requests with tokens bound to a key and responses that are JWTs
// (oauth4webapi, which it is made of), and dynamic registration if the tenant allows it: with a secret, and with a key and a signed
// request object.
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import * as oidc from "openid-client";

const { ISSUER, BROWSER, JAR } = process.env;
const SECRET = "a secret: with + and % in thirty-two characters";
const CALLBACK = "http://localhost:9999/javascript/callback";
const local = { execute: [oidc.allowInsecureRequests] };

function browse(url, stopAt) {
  const answer = execFileSync("python3", [BROWSER, JAR, url, stopAt], { encoding: "utf8" });
  return new URL(answer.trim());
}

async function signIn(config, build = oidc.buildAuthorizationUrl, options = undefined) {
  const verifier = oidc.randomPKCECodeVerifier();
  const [nonce, state] = [oidc.randomNonce(), oidc.randomState()];
  const url = await build(config, {
    redirect_uri: CALLBACK,
    scope: "openid profile email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce,
    state,
  });
  const answer = browse(url.href, CALLBACK);
  return oidc.authorizationCodeGrant(config, answer, {
    pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true,
  }, undefined, options);
}

async function use(config, build, options) {
  const tokens = await signIn(config, build, options);
  const { sub } = tokens.claims();
  const person = await oidc.fetchUserInfo(config, tokens.access_token, sub, options);
  assert.equal(person.email, "ada@example.com");
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options);
  assert.equal(refreshed.claims().sub, sub);
  const about = await oidc.tokenIntrospection(config, refreshed.access_token);
  assert.equal(about.active, true);
  await oidc.tokenRevocation(config, refreshed.refresh_token);
  await assert.rejects(oidc.refreshTokenGrant(config, refreshed.refresh_token));
  return tokens;
}

const config = await oidc.discovery(
  new URL(ISSUER), "default.javascript", SECRET, oidc.ClientSecretPost(SECRET), local,
);
const tokens = await use(config);
const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
const push = (config, request) => oidc.buildAuthorizationUrlWithPAR(config, request, { DPoP });
const bound = await use(config, push, { DPoP });
assert.equal(bound.token_type, "dpop");
const jarm = await oidc.discovery(
  new URL(ISSUER), "default.javascript", SECRET, oidc.ClientSecretPost(SECRET), local,
);
oidc.useJwtResponseMode(jarm);
await use(jarm, (config, request) => oidc.buildAuthorizationUrlWithPAR(config, request, { DPoP }), { DPoP });
const end = oidc.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: "http://localhost:9999/javascript/bye", state: "s",
});
assert.equal(browse(end.href, "http://localhost:9999/javascript/bye").searchParams.get("state"), "s");
function register(metadata, authentication) {
  const asked = { redirect_uris: [CALLBACK], grant_types: ["authorization_code", "refresh_token"], ...metadata };
  return oidc.dynamicClientRegistration(new URL(ISSUER), asked, authentication, local);
}

let registered = "";
if (config.serverMetadata().registration_endpoint) {
  await use(await register({ token_endpoint_auth_method: "client_secret_post" }));
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const jwk = { ...(await crypto.subtle.exportKey("jwk", pair.publicKey)), kid: "one" };
  const key = { key: pair.privateKey, kid: "one" };
  const own = await register(
    { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } },
    oidc.PrivateKeyJwt(key),
  );
  await use(own, (config, request) => oidc.buildAuthorizationUrlWithJAR(config, request, key));
  registered = ", registered";
}
console.log(`javascript: signed in, refreshed, introspected, revoked, by PAR, DPoP and JARM too, signed out${registered}`);

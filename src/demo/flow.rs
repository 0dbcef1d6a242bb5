//! The authorization code flow with PKCE as an application implements it (RFC 6749 §4.1, RFC 7636,
//! OIDC Core §3.1), step by step.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    model::{AuthMethod, Entropy, Secret, Timestamp, sha256_base64url},
    protocol::params::RequestParams,
};

use super::{
    client::DemoClient,
    id_token::{self, ExpectedIdToken, VerifiedIdToken},
    problem::{DemoError, UserinfoError},
    provider_http_client::{ClientAuthorization, ProviderHttpClient, ProviderMetadata},
    sessions::{DemoTokens, PendingSignIn},
};

/// A token response (RFC 6749 §5.1).
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    token_type: String,
    id_token: Option<String>,
    refresh_token: Option<String>,
    scope: Option<String>,
    expires_in: Option<u64>,
}

/// The flow's steps and their configuration.
pub(super) struct DemoFlow {
    pub provider_client: ProviderHttpClient,
    /// The redirect URI of the demo, the same for all clients.
    pub callback: String,
    /// The URL of the demo's index.
    pub home: String,
}

impl DemoFlow {
    /// Starts a sign-in: returns the authorization URL, and the state to remember for the callback.
    pub(super) async fn begin(
        &self,
        client: DemoClient,
        entropy: &dyn Entropy,
    ) -> Result<(String, PendingSignIn), DemoError> {
        let metadata = self.provider_client.discover(&client.issuer).await?;
        let verifier = Secret::new(entropy.token());
        let (state, nonce) = (entropy.token(), entropy.token());
        let mut url = Url::parse(&metadata.authorization_endpoint)
            .map_err(|_| DemoError::failed("authorization_endpoint is not a URL"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &self.callback)
            .append_pair("scope", &client.scope())
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &sha256_base64url(verifier.expose()))
            .append_pair("code_challenge_method", "S256");
        Ok((url.into(), PendingSignIn { client, metadata, state, nonce, verifier }))
    }

    /// Handles the callback: checks the response and exchanges the code for tokens.
    pub(super) async fn finish(
        &self,
        waiting: PendingSignIn,
        answer: &RequestParams,
        now: Timestamp,
    ) -> Result<DemoTokens, DemoError> {
        let code = check_answer(&waiting, answer)?;
        let PendingSignIn { client, metadata, nonce, verifier, .. } = waiting;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback),
            ("code_verifier", verifier.expose()),
        ];
        let tokens = self.token_request(&metadata, &client, &form).await?;
        let id_token = tokens.id_token.clone().ok_or_else(|| DemoError::failed("no id_token"))?;
        let verified =
            self.verify(&metadata, &client, (&id_token, &tokens), Some(&nonce), now).await?;
        let mut checks = vec!["state and iss of the response match the request".to_owned()];
        checks.extend(verified.checks);
        let userinfo = self.userinfo(&metadata, &tokens, &verified.claims).await;
        Ok(DemoTokens {
            scope: tokens.scope.unwrap_or_else(|| client.scope()),
            expires_at: expiry(tokens.expires_in, now),
            access_token: Secret::new(tokens.access_token),
            refresh_token: tokens.refresh_token.map(Secret::new),
            id_token: Secret::new(id_token),
            claims: verified.claims,
            refreshes: 0,
            client,
            metadata,
            userinfo,
            checks,
        })
    }

    /// Refreshes the tokens (RFC 6749 §6, OIDC Core §12).
    pub(super) async fn refresh(
        &self,
        old: &DemoTokens,
        now: Timestamp,
    ) -> Result<DemoTokens, DemoError> {
        let refresh_token = old.refresh_token.as_ref().ok_or_else(|| {
            DemoError::refused("There is no refresh token; request the scope offline_access.")
        })?;
        let (client, metadata) = (&old.client, &old.metadata);
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose().as_str())];
        let tokens = self.token_request(metadata, client, &form).await?;
        let (id_token, claims, checks) = match &tokens.id_token {
            None => (old.id_token.clone(), old.claims.clone(), old.checks.clone()),
            Some(new) => {
                let verified = self.verify(metadata, client, (new, &tokens), None, now).await?;
                // OIDC Core §12.2: `sub` must not change.
                if verified.claims.get("sub") != old.claims.get("sub") {
                    return Err(DemoError::failed("the new ID token has a different sub"));
                }
                let mut checks = verified.checks;
                checks.push("sub is unchanged".to_owned());
                (Secret::new(new.clone()), verified.claims, checks)
            }
        };
        let userinfo = self.userinfo(metadata, &tokens, &claims).await;
        Ok(DemoTokens {
            client: client.clone(),
            metadata: metadata.clone(),
            scope: tokens.scope.unwrap_or_else(|| old.scope.clone()),
            expires_at: expiry(tokens.expires_in, now),
            access_token: Secret::new(tokens.access_token),
            refresh_token: tokens
                .refresh_token
                .map_or_else(|| old.refresh_token.clone(), |new| Some(Secret::new(new))),
            refreshes: old.refreshes + 1,
            id_token,
            claims,
            userinfo,
            checks,
        })
    }

    /// The end-session URL (OIDC RP-Initiated Logout §2).
    pub(super) fn end_session_url(&self, signed_in: &DemoTokens) -> Option<String> {
        let mut url = Url::parse(signed_in.metadata.end_session_endpoint.as_ref()?).ok()?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", signed_in.id_token.expose())
            .append_pair("client_id", &signed_in.client.id);
        if signed_in.client.returns_after_logout {
            url.query_pairs_mut().append_pair("post_logout_redirect_uri", &self.home);
        }
        Some(url.into())
    }

    async fn token_request(
        &self,
        metadata: &ProviderMetadata,
        client: &DemoClient,
        form: &[(&str, &str)],
    ) -> Result<Tokens, DemoError> {
        let secret = client.secret.as_ref().map_or("", |secret| secret.expose().as_str());
        let mut form = form.to_vec();
        let authorization = match client.auth_method {
            AuthMethod::ClientSecretBasic => basic(&client.id, secret),
            AuthMethod::ClientSecretPost => {
                form.extend([("client_id", &*client.id), ("client_secret", secret)]);
                ClientAuthorization::None
            }
            AuthMethod::None => {
                form.push(("client_id", &client.id));
                ClientAuthorization::None
            }
            AuthMethod::ClientSecretJwt
            | AuthMethod::PrivateKeyJwt
            | AuthMethod::TlsClientAuth
            | AuthMethod::SelfSignedTlsClientAuth => {
                let text = "the demo supports neither client assertions nor certificates";
                return Err(DemoError::failed(text));
            }
        };
        let tokens: Tokens =
            self.provider_client.post(&metadata.token_endpoint, authorization, &form).await?;
        if tokens.token_type.eq_ignore_ascii_case("Bearer") {
            Ok(tokens)
        } else {
            Err(DemoError::failed("token_type is not Bearer"))
        }
    }

    async fn verify(
        &self,
        metadata: &ProviderMetadata,
        client: &DemoClient,
        (id_token, tokens): (&str, &Tokens),
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdToken, DemoError> {
        let keys: JwkSet =
            self.provider_client.get(&metadata.jwks_uri, ClientAuthorization::None).await?;
        let expected = ExpectedIdToken {
            issuer: client.issuer.as_str(),
            client_id: &client.id,
            nonce,
            access_token: &tokens.access_token,
            now,
        };
        id_token::verify_id_token(id_token, &keys, &expected)
            .map_err(|rule| DemoError::failed(format!("The ID token is invalid: {rule}.")))
    }

    async fn userinfo(
        &self,
        metadata: &ProviderMetadata,
        tokens: &Tokens,
        claims: &Map<String, Value>,
    ) -> Result<Map<String, Value>, UserinfoError> {
        let endpoint = metadata.userinfo_endpoint.as_ref().ok_or(UserinfoError::NoEndpoint)?;
        let bearer = ClientAuthorization::Bearer(&tokens.access_token);
        let userinfo: Map<String, Value> = self.provider_client.get(endpoint, bearer).await?;
        // OIDC Core §5.3.2: without this check, another user's claims could be substituted.
        if userinfo.get("sub") == claims.get("sub") {
            Ok(userinfo)
        } else {
            Err(UserinfoError::OtherSubject)
        }
    }
}

/// Returns the code if the response belongs to the request.
fn check_answer<'a>(
    waiting: &PendingSignIn,
    answer: &'a RequestParams,
) -> Result<&'a str, DemoError> {
    // RFC 6749 §10.12: a response without the request's state is an attack.
    if answer.get("state") != Some(&waiting.state) || !answer.duplicates().is_empty() {
        return Err(DemoError::refused("The response does not contain the state of the request."));
    }
    // RFC 9207 §2.4: the response must come from the issuer of the request.
    let promised = waiting.metadata.authorization_response_iss_parameter_supported;
    match answer.get("iss") {
        Some(iss) if iss == waiting.client.issuer.as_str() => {}
        None if !promised => {}
        _ => return Err(DemoError::refused("The response does not contain the issuer's iss.")),
    }
    if let Some(error) = answer.get("error") {
        let description = answer.get("error_description").unwrap_or("no description");
        return Err(DemoError::refused(format!("The provider returned {error}: {description}")));
    }
    answer.get("code").ok_or_else(|| DemoError::refused("The response does not contain a code."))
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic(id: &str, secret: &str) -> ClientAuthorization<'static> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    ClientAuthorization::Basic(STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

fn expiry(expires_in: Option<u64>, now: Timestamp) -> Timestamp {
    now.plus(Duration::from_secs(expires_in.unwrap_or_default()))
}

//! OpenID providers: discovery, the code exchange, the ID token, userinfo, refresh.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    UpstreamAnswer, UpstreamError,
    provider_keys::{ProviderKeys, SignedToken},
    userinfo::{UserinfoSource, check_groups},
};
use crate::{
    fetch::{CallBody, ClientCall, SharedFetch},
    model::{Secret, SecretTransport, Timestamp},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream, UpstreamClaims, UpstreamCredentials},
        upstream::{
            CLIENT_ASSERTION_TYPE, IdTokenError, UpstreamIdToken, UpstreamIdTokenRequirements,
            UpstreamLogoutToken, UpstreamMetadata, UpstreamTokens, check_id_token,
            check_logout_token, parse_token_response,
        },
    },
    remote::UpstreamMetadataCache,
};

/// Largest token response, in bytes.
const MAX_TOKEN_RESPONSE: usize = 256 * 1024;
/// Asks OpenID providers. Discovery documents and keys are fetched when they are needed.
#[derive(Debug, Default)]
pub struct UpstreamClient {
    metadata: UpstreamMetadataCache,
    keys: ProviderKeys,
}

/// The parameters of a token request that redeems an authorization code (OIDC Core §3.1.3.1).
#[derive(Clone, Copy, Debug)]
pub struct CodeExchange<'a> {
    /// The authorization code of the callback.
    pub code: &'a str,
    /// `code_verifier`, whose hash the authorization request had (RFC 7636 §4.5).
    pub code_verifier: &'a str,
    /// `nonce` of the authorization request, which the ID token has to repeat.
    pub nonce: &'a str,
    /// `redirect_uri` of the authorization request.
    pub redirect_uri: &'a str,
    /// `client_assertion`, of a tenant that authenticates by one (RFC 7523 §2.2); `None` for other methods.
    pub client_assertion: Option<&'a Secret<String>>,
}

impl UpstreamClient {
    /// The metadata of a provider.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Document`].
    pub async fn metadata(
        &self,
        fetch: &SharedFetch,
        (provider, oidc): (&IdentityProvider, &OidcUpstream),
        now: Timestamp,
    ) -> Result<std::sync::Arc<UpstreamMetadata>, UpstreamError> {
        let base = oidc.discovery_base();
        Ok(self.metadata.of(fetch, (&provider.tenant, &base, &oidc.issuer), now).await?)
    }

    /// Redeems a code (OIDC Core §3.1.3), and returns the verified claims.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the provider does not answer, or its answer cannot be trusted.
    pub async fn redeem_code(
        &self,
        fetch: &SharedFetch,
        (provider, oidc): (&IdentityProvider, &OidcUpstream),
        exchange: CodeExchange<'_>,
        now: Timestamp,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let metadata = self.metadata(fetch, (provider, oidc), now).await?;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", exchange.code),
            ("redirect_uri", exchange.redirect_uri),
            ("code_verifier", exchange.code_verifier),
        ];
        let credentials = (oidc, exchange.client_assertion);
        let tokens = request_tokens(fetch, &metadata, credentials, &parameters).await?;
        let id_token = tokens.id_token.as_deref().ok_or(UpstreamError::NoIdToken)?;
        let verified = self.verify(
            fetch,
            (&metadata, (provider, oidc)),
            (id_token, Some(exchange.nonce)),
            &tokens,
            now,
        );
        let verified = verified.await?;
        let source = self.userinfo(fetch, (&metadata, (provider, oidc)), &tokens);
        let claims = source.claims_with_userinfo(&verified, now).await?;
        Ok(answer(&verified.claims, claims, tokens))
    }

    /// Uses a refresh token (OIDC Core §12). It may be spent then, so the new one has to be stored
    /// before anything else is asked. `client_assertion`: that of a tenant that authenticates by one.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the provider does not answer, or refuses.
    pub async fn refresh_tokens(
        fetch: &SharedFetch,
        (oidc, metadata): (&OidcUpstream, &UpstreamMetadata),
        (refresh_token, client_assertion): (&str, Option<&Secret<String>>),
    ) -> Result<UpstreamTokens, UpstreamError> {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        request_tokens(fetch, metadata, (oidc, client_assertion), &parameters).await
    }

    /// Returns the person's present claims, with the tokens of a refresh. `subject`: `sub` of the ID token of the
    /// sign-in. `old`: the claims so far.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the provider does not answer, or its answer cannot be trusted.
    pub async fn refreshed_claims(
        &self,
        fetch: &SharedFetch,
        (provider, oidc): (&IdentityProvider, &OidcUpstream),
        (tokens, subject, old): (&UpstreamTokens, &str, &UpstreamClaims),
        now: Timestamp,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let metadata = self.metadata(fetch, (provider, oidc), now).await?;
        let source = self.userinfo(fetch, (&metadata, (provider, oidc)), tokens);
        let Some(id_token) = tokens.id_token.as_deref() else {
            return source.claims_without_id_token((subject, old), now).await;
        };
        let of = (&*metadata, (provider, oidc));
        let verified = self.verify(fetch, of, (id_token, None), tokens, now).await?;
        if verified.claims.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(UpstreamError::IdToken(IdTokenError::Subject));
        }
        let claims = source.claims_with_userinfo(&verified, now).await?;
        check_groups(provider, old, &claims)?;
        Ok(claims)
    }

    /// The userinfo endpoint of a provider, with the tokens of a person.
    const fn userinfo<'a>(
        &'a self,
        fetch: &'a SharedFetch,
        (metadata, (provider, oidc)): (
            &'a UpstreamMetadata,
            (&'a IdentityProvider, &'a OidcUpstream),
        ),
        tokens: &'a UpstreamTokens,
    ) -> UserinfoSource<'a> {
        UserinfoSource { keys: &self.keys, fetch, provider, oidc, metadata, tokens }
    }

    /// Verifies an ID token: its claims first, so that a forged one costs no fetch of keys.
    async fn verify(
        &self,
        fetch: &SharedFetch,
        (metadata, (provider, oidc)): (&UpstreamMetadata, (&IdentityProvider, &OidcUpstream)),
        (id_token, nonce): (&str, Option<&str>),
        tokens: &UpstreamTokens,
        now: Timestamp,
    ) -> Result<UpstreamIdToken, UpstreamError> {
        let access_token = tokens.access_token.as_ref().map(|token| token.expose().as_str());
        let expected = UpstreamIdTokenRequirements { metadata, oidc, nonce, access_token };
        let checked = check_id_token(id_token, expected, now)?;
        let issuer = checked.claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let (algorithm, kid) = (checked.algorithm, checked.kid.as_deref());
        let signed = SignedToken { jwt: id_token, issuer, algorithm, kid };
        self.keys.check_signature(fetch, (metadata, (provider, oidc)), signed, now).await?;
        Ok(checked)
    }

    /// Checks a logout token (OIDC Back-Channel Logout §2.6).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if it cannot be trusted, or the provider's keys cannot be had.
    pub async fn check_logout_token(
        &self,
        fetch: &SharedFetch,
        (provider, oidc): (&IdentityProvider, &OidcUpstream),
        logout_token: &str,
        now: Timestamp,
    ) -> Result<UpstreamLogoutToken, UpstreamError> {
        let metadata = self.metadata(fetch, (provider, oidc), now).await?;
        let checked = check_logout_token(logout_token, (&metadata, oidc), now)?;
        let (algorithm, kid) = (checked.algorithm, checked.kid.as_deref());
        let signed = SignedToken { jwt: logout_token, issuer: &checked.issuer, algorithm, kid };
        self.keys.check_signature(fetch, (&metadata, (provider, oidc)), signed, now).await?;
        Ok(checked)
    }
}

fn answer(
    id_token: &UpstreamClaims,
    claims: UpstreamClaims,
    tokens: UpstreamTokens,
) -> UpstreamAnswer {
    let text = |name: &str| id_token.get(name).and_then(Value::as_str).map(str::to_owned);
    let amr = id_token.get("amr").and_then(Value::as_array).into_iter().flatten();
    UpstreamAnswer {
        auth_time: id_token.get("auth_time").filter(|it| !it.is_null()).map(stated_time),
        acr: text("acr"),
        amr: amr.filter_map(Value::as_str).map(str::to_owned).collect(),
        sid: text("sid"),
        claims,
        tokens,
    }
}

/// A time that a provider states, also as text. A value that is not a time is long ago.
fn stated_time(value: &Value) -> Timestamp {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let seconds = text.split('.').next().and_then(|whole| whole.parse().ok());
    Timestamp::from_secs(seconds.unwrap_or_default())
}

/// Sends a token request with the client's credentials.
async fn request_tokens(
    fetch: &SharedFetch,
    metadata: &UpstreamMetadata,
    credentials: (&OidcUpstream, Option<&Secret<String>>),
    parameters: &[(&str, &str)],
) -> Result<UpstreamTokens, UpstreamError> {
    let (form, authorization) = authenticated_form(metadata, credentials, parameters);
    let call = ClientCall {
        url: &metadata.token_endpoint,
        authorization: authorization.as_ref(),
        accept: "application/json",
        body: Some(CallBody::form(&form)),
    };
    let response = fetch.call(call, MAX_TOKEN_RESPONSE).await?;
    Ok(parse_token_response(response.status, &response.body)?)
}

/// The form of a token request, and the value of `Authorization` (RFC 6749 §2.3.1, RFC 7523 §2.2).
fn authenticated_form(
    metadata: &UpstreamMetadata,
    (oidc, client_assertion): (&OidcUpstream, Option<&Secret<String>>),
    parameters: &[(&str, &str)],
) -> (Secret<String>, Option<Secret<String>>) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    let mut authorization = None;
    let takes_header = |transport: &Option<SecretTransport>| match transport {
        Some(transport) => *transport == SecretTransport::Header,
        None => metadata.takes_basic(),
    };
    match &oidc.credentials {
        UpstreamCredentials::Secret { secret, transport } if takes_header(transport) => {
            // Both parts are form-encoded first.
            let encode =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encode(&oidc.client_id), encode(secret.expose()));
            authorization = Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))));
        }
        UpstreamCredentials::Secret { secret, .. } => {
            form.append_pair("client_id", &oidc.client_id);
            form.append_pair("client_secret", secret.expose());
        }
        UpstreamCredentials::PrivateKeyJwt { .. } => {
            form.append_pair("client_id", &oidc.client_id);
            form.append_pair("client_assertion_type", CLIENT_ASSERTION_TYPE);
            form.append_pair("client_assertion", client_assertion.map_or("", |jwt| jwt.expose()));
        }
        UpstreamCredentials::None => {
            form.append_pair("client_id", &oidc.client_id);
        }
    }
    (Secret::new(form.finish()), authorization)
}

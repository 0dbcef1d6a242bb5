//! Parses the credentials that a request contains: a secret, an assertion, or only a client ID.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    ASSERTION_TYPE, ClientAuthError, SPIFFE_ASSERTION_TYPE,
    federated::{AssertionForm, FederatedAssertion, check_federated_assertion, is_federated},
    invalid_client_error,
};
use crate::{
    model::{AuthMethod, GrantType, JwsAlgorithm, Secret, SecretTransport},
    protocol::{
        error::{ErrorCode, OAuthError},
        jwt::UnverifiedJwt,
        params::RequestParams,
    },
};

/// The most `:` of a client ID that is not encoded.
const MAX_COLONS: usize = 8;

/// The client credentials of a request, not yet verified.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client ID that the request names. For an assertion that the client signed itself, this is `sub` (RFC 7523
    /// §3, 2). `None` if only an assertion of another issuer identifies the client.
    pub client_id: Option<String>,
    pub(super) proof: ClientProof,
    /// Whether they were in the `Authorization` header.
    pub(super) challenge: bool,
}

/// The part of a request that proves that its client sent it.
#[derive(Clone, Debug)]
pub(super) enum ClientProof {
    /// The client sent no proof.
    None,
    /// The certificate of the connection, and nothing else.
    Certificate,
    /// A secret, in each way that it can be decoded.
    Secret { transport: SecretTransport, secrets: Vec<Secret<String>> },
    /// A client assertion and its parsed contents.
    Assertion { jws: Secret<String>, jwt: UnverifiedJwt },
    /// A client assertion of another issuer, and its parsed contents.
    Federated { form: AssertionForm, jws: Secret<String>, jwt: UnverifiedJwt },
}

impl Credentials {
    /// Returns true if they depend on a secret that an attacker could guess.
    pub fn can_be_guessed(&self) -> bool {
        match &self.proof {
            ClientProof::None | ClientProof::Certificate | ClientProof::Federated { .. } => false,
            ClientProof::Secret { .. } => true,
            ClientProof::Assertion { jwt, .. } => jwt.algorithm.is_symmetric(),
        }
    }

    /// Returns true if the response to a failure needs a challenge (RFC 6749 §5.2).
    pub const fn challenge(&self) -> bool {
        self.challenge
    }

    /// The assertion of another issuer; `None` for other credentials.
    pub fn federated(&self) -> Option<FederatedAssertion<'_>> {
        match &self.proof {
            ClientProof::Federated { form, jwt, .. } => {
                Some(FederatedAssertion { form: *form, jwt })
            }
            _ => None,
        }
    }

    /// The credentials of a request whose connection has a certificate. Other credentials go before it.
    #[must_use]
    pub fn with_certificate(self) -> Self {
        match self.proof {
            ClientProof::None => Self { proof: ClientProof::Certificate, ..self },
            _ => self,
        }
    }
}

impl ClientProof {
    /// The method that the request used.
    pub(super) fn method(&self) -> AuthMethod {
        match self {
            Self::None => AuthMethod::None,
            Self::Certificate => AuthMethod::TlsClientAuth,
            Self::Secret { transport, .. } => transport.method(),
            Self::Assertion { jwt, .. } if jwt.algorithm.is_symmetric() => {
                AuthMethod::ClientSecretJwt
            }
            Self::Assertion { .. } | Self::Federated { .. } => AuthMethod::PrivateKeyJwt,
        }
    }

    /// The algorithm of the assertion; `None` for other credentials.
    pub(super) fn algorithm(&self) -> Option<JwsAlgorithm> {
        match self {
            Self::Assertion { jwt, .. } | Self::Federated { jwt, .. } => Some(jwt.algorithm),
            Self::None | Self::Certificate | Self::Secret { .. } => None,
        }
    }
}

/// Parses the credentials of a request. `is_client` returns true for the ID of a client.
pub fn parse_credentials(
    authorization: Option<&str>,
    params: &RequestParams,
    is_client: impl Fn(&str) -> bool,
) -> Result<Credentials, ClientAuthError> {
    let refused = |code, text: &str| {
        ClientAuthError::refused(OAuthError::new(code, text), authorization.is_some())
    };
    let client_id = params.get("client_id");
    let secret = params.get("client_secret");
    if params.get("client_assertion").or(params.get("client_assertion_type")).is_some() {
        if authorization.is_some() || secret.is_some() {
            let text = "Send the client's credentials in one way only.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        return assertion_credentials(params, client_id)
            .map_err(|error| ClientAuthError::refused(error, false));
    }
    if let Some(header) = authorization {
        if secret.is_some() {
            let text = "Send the client's credentials in one way only.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        let (id, secrets) = basic(header, is_client).ok_or_else(|| {
            let text = "The Authorization header is not valid HTTP Basic authentication.";
            refused(ErrorCode::InvalidClient, text)
        })?;
        if client_id.is_some_and(|other| other != id) {
            let text = "client_id differs from the client in the Authorization header.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        // A public client without a secret (RFC 6749 §2.3.1: it may be omitted if it is empty).
        let is_empty = secrets.iter().all(|secret| secret.expose().is_empty());
        let proof = if is_empty {
            ClientProof::None
        } else {
            ClientProof::Secret { transport: SecretTransport::Header, secrets }
        };
        return Ok(Credentials { client_id: Some(id), proof, challenge: true });
    }
    let Some(client_id) = client_id else {
        let text = "The request has no client_id.";
        return Err(refused(ErrorCode::InvalidClient, text));
    };
    let proof = secret.map_or(ClientProof::None, |secret| ClientProof::Secret {
        transport: SecretTransport::Body,
        secrets: vec![Secret::new(secret.to_owned())],
    });
    let client_id = Some(client_id.to_owned());
    Ok(Credentials { client_id, proof, challenge: false })
}

/// Returns true if the assertion of a token request is its grant (RFC 7523 §2.1).
pub fn has_grant_assertion(params: &RequestParams) -> bool {
    let grant_type = params.get("grant_type").and_then(|name| name.parse::<GrantType>().ok());
    grant_type.is_some_and(GrantType::is_client_assertion)
}

/// Parses the assertion that is the grant of a token request (RFC 7523 §2.1). It is of another issuer, and
/// authenticates the client too, so the request has no other credentials.
pub fn parse_grant_assertion(
    authorization: Option<&str>,
    params: &RequestParams,
) -> Result<Credentials, ClientAuthError> {
    let refused = |error| ClientAuthError::refused(error, false);
    let others = ["client_assertion", "client_assertion_type", "client_secret"];
    if authorization.is_some() || others.iter().any(|name| params.get(name).is_some()) {
        let text = "The assertion authenticates the client; send no other credentials.";
        return Err(refused(OAuthError::new(ErrorCode::InvalidRequest, text)));
    }
    let invalid = |text: &str| refused(OAuthError::new(ErrorCode::InvalidGrant, text));
    let assertion = params.require("assertion").map_err(refused)?;
    let form = AssertionForm::JwtBearer;
    let jwt = UnverifiedJwt::read(assertion);
    let jwt = jwt.filter(|jwt| is_federated(form, jwt) && jwt.text("sub").is_some());
    let jwt = jwt.ok_or_else(|| invalid("The assertion is not a signed JWT of another issuer."))?;
    check_federated_assertion(form, &jwt).map_err(refused)?;
    let jws = Secret::new(assertion.to_owned());
    let client_id = params.get("client_id").map(str::to_owned);
    let proof = ClientProof::Federated { form, jws, jwt };
    Ok(Credentials { client_id, proof, challenge: false })
}

/// The client ID that a request names, whether its credentials are right or not.
pub fn sent_client_id(
    authorization: Option<&str>,
    params: &RequestParams,
    is_client: impl Fn(&str) -> bool,
) -> Option<String> {
    let in_header = || authorization.and_then(|header| basic(header, &is_client));
    let in_assertion = || {
        let jwt = UnverifiedJwt::read(params.get("client_assertion")?)?;
        // `sub` of a token of another issuer is the ID of a workload.
        let is_own = |subject: &&str| jwt.text("iss") == Some(*subject) || is_client(subject);
        jwt.text("sub").filter(is_own).map(str::to_owned)
    };
    let named = params.get("client_id").map(str::to_owned);
    named.or_else(|| in_header().map(|(id, _)| id)).or_else(in_assertion)
}

/// Parses an assertion (RFC 7523 §2.2). `sub` of one that the client signed itself is the client ID,
/// so `client_id` is optional.
fn assertion_credentials(
    params: &RequestParams,
    client_id: Option<&str>,
) -> Result<Credentials, OAuthError> {
    let form = match params.get("client_assertion_type") {
        Some(ASSERTION_TYPE) => AssertionForm::JwtBearer,
        Some(SPIFFE_ASSERTION_TYPE) => AssertionForm::JwtSpiffe,
        _ => {
            let text =
                format!("Send client_assertion with client_assertion_type '{ASSERTION_TYPE}'.");
            return Err(OAuthError::new(ErrorCode::InvalidClient, text));
        }
    };
    let jwt = params.get("client_assertion").unwrap_or_default();
    let read = UnverifiedJwt::read(jwt)
        .ok_or_else(|| invalid_client_error("client_assertion is not a signed JWT."))?;
    let subject =
        read.text("sub").ok_or_else(|| invalid_client_error("client_assertion has no 'sub'."))?;
    let jws = Secret::new(jwt.to_owned());
    if is_federated(form, &read) {
        check_federated_assertion(form, &read)?;
        let client_id = client_id.map(str::to_owned);
        let proof = ClientProof::Federated { form, jws, jwt: read };
        return Ok(Credentials { client_id, proof, challenge: false });
    }
    if client_id.is_some_and(|other| other != subject) {
        let text = "client_id is not the 'sub' of client_assertion.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    let client_id = Some(subject.to_owned());
    let proof = ClientProof::Assertion { jws, jwt: read };
    Ok(Credentials { client_id, proof, challenge: false })
}

/// Decodes client ID and secret, which are form-urlencoded before they are joined (RFC 6749 §2.3.1). Many clients
/// omit that step (Authlib, `curl --user`), which matters if the secret contains `+` or `%`. The secret is
/// therefore also accepted as sent. A client ID may contain `:`. If the text before the first `:` is not the ID of
/// a client, the ID as sent may end at a later one.
fn basic(header: &str, is_client: impl Fn(&str) -> bool) -> Option<(String, Vec<Secret<String>>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (encoded_id, mut secret) = decoded.split_once(':')?;
    let form = |text: &str| -> Option<String> {
        let spaced = text.replace('+', " ");
        Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
    };
    let mut id = form(encoded_id)?;
    if !is_client(&id) {
        let ends = decoded.match_indices(':').skip(1).take(MAX_COLONS);
        let mut splits = ends.map(|(at, _)| (&decoded[..at], &decoded[at + 1..]));
        if let Some((known, rest)) = splits.find(|(id, _)| is_client(id)) {
            (id, secret) = (known.to_owned(), rest);
        }
    }
    let read = form(secret).filter(|read| read != secret);
    let secrets = read.into_iter().chain([secret.to_owned()]);
    Some((id, secrets.map(Secret::new).collect()))
}

//! Client authentication (RFC 6749 §2.3, OIDC Core §9). A request uses one method, which must be
//! the one registered for the client. The registration decides how credentials are judged, never
//! their own header.

mod assertion;

pub use assertion::{ASSERTION_TYPE, AcceptedAudiences, ReplayKey, check_claims, used_before};

use std::sync::Arc;

use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
    params::RequestParams,
};
use crate::model::{AssertionPolicy, Client, ClientAuthentication, Secret, SecretTransport};

/// The description for every failed authentication, so that it does not reveal whether the client
/// exists.
const AUTHENTICATION_FAILED: &str = "Client authentication failed.";

/// The client credentials of a request, not yet verified.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client that the request names.
    pub client: ClientReference,
    proof: ClientProof,
}

/// The way in which a request names its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientReference {
    /// By its client ID.
    Id(String),
    /// By issuer and subject of its assertion. An assertion that the client signs itself has the
    /// client ID as both (RFC 7523 §3, 2).
    Assertion {
        /// `iss`.
        issuer: Option<String>,
        /// `sub`.
        subject: String,
    },
}

/// The part of a request that proves that its client sent it.
#[derive(Clone, Debug)]
enum ClientProof {
    /// Nothing.
    None,
    /// A secret, in each way that it can be decoded.
    Secret { transport: SecretTransport, secrets: Vec<Secret<String>> },
    /// A client assertion and its parsed contents.
    Assertion { jws: Secret<String>, jwt: UnverifiedJwt },
}

impl ClientProof {
    fn transport(&self) -> Option<SecretTransport> {
        if let Self::Secret { transport, .. } = self { Some(*transport) } else { None }
    }
}

/// The result of checking credentials.
#[derive(Clone, Copy, Debug)]
pub enum CredentialsCheck<'a> {
    /// The client is authenticated.
    Authenticated(&'a Arc<Client>),
    /// Signature and claims of the client's assertion are still to be verified.
    Assertion(PendingAssertion<'a>),
}

/// A client assertion that the registered method allows, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct PendingAssertion<'a> {
    /// The client.
    pub client: &'a Arc<Client>,
    /// The key that must have signed it.
    pub key: ClientVerificationKey<'a>,
    /// The policy that the client registered.
    pub policy: AssertionPolicy,
    /// The assertion.
    pub jws: &'a Secret<String>,
    /// Its parsed contents.
    pub jwt: &'a UnverifiedJwt,
}

/// The key that verifies what a client signs.
#[derive(Clone, Copy, Debug)]
pub enum ClientVerificationKey<'a> {
    /// One of the client secrets.
    Secrets(&'a [Secret<String>]),
    /// One of the public keys that the client registered.
    PublicKeys(&'a Client),
}

/// A failed client authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthError {
    /// The OAuth error.
    pub error: OAuthError,
    /// Whether the client used the `Authorization` header, so that the response needs a challenge
    /// (§5.2).
    pub challenge: bool,
}

/// Parses the credentials of a request.
pub fn credentials(
    authorization: Option<&str>,
    params: &RequestParams,
) -> Result<Credentials, ClientAuthError> {
    let refused = |code, text: &str| ClientAuthError {
        error: OAuthError::new(code, text),
        challenge: authorization.is_some(),
    };
    let client_id = params.get("client_id");
    let secret = params.get("client_secret");
    if params.get("client_assertion").or(params.get("client_assertion_type")).is_some() {
        if authorization.is_some() || secret.is_some() {
            let text = "Send the client's credentials in one way only.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        return assertion_credentials(params, client_id)
            .map_err(|error| ClientAuthError { error, challenge: false });
    }
    if let Some(header) = authorization {
        if secret.is_some() {
            let text = "Send the client's credentials in one way only.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        let (id, secrets) = basic(header).ok_or_else(|| {
            let text = "The Authorization header is not valid HTTP Basic authentication.";
            refused(ErrorCode::InvalidClient, text)
        })?;
        if client_id.is_some_and(|other| other != id) {
            let text = "client_id differs from the client in the Authorization header.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        let proof = ClientProof::Secret { transport: SecretTransport::Header, secrets };
        return Ok(Credentials { client: ClientReference::Id(id), proof });
    }
    let Some(client_id) = client_id else {
        let text = "The request has no client_id.";
        return Err(refused(ErrorCode::InvalidClient, text));
    };
    let proof = secret.map_or(ClientProof::None, |secret| ClientProof::Secret {
        transport: SecretTransport::Body,
        secrets: vec![Secret::new(secret.to_owned())],
    });
    Ok(Credentials { client: ClientReference::Id(client_id.to_owned()), proof })
}

/// Parses an assertion (RFC 7523 §2.2). Its `sub` is the client ID, so `client_id` is optional.
fn assertion_credentials(
    params: &RequestParams,
    client_id: Option<&str>,
) -> Result<Credentials, OAuthError> {
    if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        let text = format!("Send client_assertion with client_assertion_type '{ASSERTION_TYPE}'.");
        return Err(OAuthError::new(ErrorCode::InvalidClient, text));
    }
    let jwt = params.get("client_assertion").unwrap_or_default();
    let read =
        UnverifiedJwt::read(jwt).ok_or_else(|| refused("client_assertion is not a signed JWT."))?;
    let subject = read.text("sub").ok_or_else(|| refused("client_assertion has no 'sub'."))?;
    if client_id.is_some_and(|other| other != subject) {
        let text = "client_id is not the 'sub' of client_assertion.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(Credentials {
        client: ClientReference::Assertion {
            issuer: read.text("iss").map(str::to_owned),
            subject: subject.to_owned(),
        },
        proof: ClientProof::Assertion { jws: Secret::new(jwt.to_owned()), jwt: read },
    })
}

/// Returns an error whose description the client may see.
fn refused(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, text)
}

/// Returns the error for an assertion whose signature could not be verified. The response is the
/// same as for an unknown client.
pub fn not_signed(why: &str) -> OAuthError {
    refused(AUTHENTICATION_FAILED).because(why)
}

/// Decodes client ID and secret, which are form-urlencoded before they are joined (RFC 6749
/// §2.3.1). Many clients omit that step (Authlib, `curl --user`), which matters if the secret
/// contains `+` or `%`. The secret is therefore also accepted as sent.
fn basic(header: &str) -> Option<(String, Vec<Secret<String>>)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let form = |text: &str| -> Option<String> {
        let spaced = text.replace('+', " ");
        Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
    };
    let read = form(secret).filter(|read| read != secret);
    let secrets = read.into_iter().chain([secret.to_owned()]);
    Some((form(id)?, secrets.map(Secret::new).collect()))
}

/// Rule: the client is known, uses its registered method, and its secret is right or its assertion
/// has an allowed algorithm. The exact reason of a failure is only logged; the response is always
/// the same.
pub fn check<'a>(
    client: Option<&'a Arc<Client>>,
    credentials: &'a Credentials,
) -> Result<CredentialsCheck<'a>, ClientAuthError> {
    let why = match client {
        None => "unknown client",
        Some(client) => match judge(client, &credentials.proof) {
            Ok(checked) => return Ok(checked),
            Err(why) => why,
        },
    };
    Err(ClientAuthError {
        error: not_signed(why),
        challenge: credentials.proof.transport() == Some(SecretTransport::Header),
    })
}

fn judge<'a>(
    client: &'a Arc<Client>,
    proof: &'a ClientProof,
) -> Result<CredentialsCheck<'a>, &'static str> {
    use ClientAuthentication as Registered;
    match (&client.authentication, proof) {
        (Registered::None, ClientProof::None) => Ok(CredentialsCheck::Authenticated(client)),
        (
            Registered::Secret { transport, secrets },
            ClientProof::Secret { transport: used, secrets: given },
        ) if transport == used => {
            let authenticated = CredentialsCheck::Authenticated(client);
            matches(secrets, given).then_some(authenticated).ok_or("wrong secret")
        }
        (Registered::SecretJwt { secrets, policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::Secrets(secrets);
            pending(PendingAssertion { client, key, policy: *policy, jws, jwt })
        }
        (Registered::PrivateKeyJwt { policy }, ClientProof::Assertion { jws, jwt }) => {
            let key = ClientVerificationKey::PublicKeys(client);
            pending(PendingAssertion { client, key, policy: *policy, jws, jwt })
        }
        _ => Err("not its registered method"),
    }
}

/// Checks the algorithm of an assertion.
fn pending(assertion: PendingAssertion<'_>) -> Result<CredentialsCheck<'_>, &'static str> {
    let method = &assertion.client.authentication;
    let allowed = assertion::check_algorithm(method, assertion.jwt.algorithm);
    allowed.then_some(CredentialsCheck::Assertion(assertion)).ok_or("not its registered algorithm")
}

/// Compares the given secrets with every secret of the client, each in constant time.
fn matches(registered: &[Secret<String>], given: &[Secret<String>]) -> bool {
    let pairs = registered
        .iter()
        .flat_map(|own| given.iter().map(move |given| (own.expose(), given.expose())));
    pairs.fold(false, |found, (own, given)| {
        let same = constant_time::verify_slices_are_equal(own.as_bytes(), given.as_bytes());
        found | same.is_ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{AuthMethod, fixtures};

    /// The client with another method and secrets.
    fn with(method: AuthMethod, secrets: &[&str]) -> Client {
        let secrets = secrets.iter().map(|it| Secret::new((*it).to_owned())).collect();
        let authentication = ClientAuthentication::new(method, AssertionPolicy::default(), secrets);
        Client { authentication, ..fixtures::client() }
    }

    fn check(client: Option<&Client>, credentials: &Credentials) -> Result<(), ClientAuthError> {
        super::check(client.cloned().map(Arc::new).as_ref(), credentials).map(drop)
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        // RFC 6749 §2.3.1
        let found = credentials(Some(&header("a%3Ab+c:s%25%C3%A9")), &RequestParams::default());
        let found = found.expect("credentials");
        assert_eq!(found.client, ClientReference::Id("a:b c".into()));
        let ClientProof::Secret { secrets, .. } = found.proof else { panic!("no secret") };
        assert_eq!(secrets[0].expose(), "s%é");
    }

    #[test]
    fn accepts_a_basic_secret_that_was_not_encoded() {
        // Authlib and curl do not encode. Every other secret of `openssl rand -base64` contains a
        // `+`.
        for (secret, sent) in [
            ("a+b/c==", "a+b/c=="),
            ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
            ("100%", "100%"),
            ("%FF%25", "%FF%25"),
            ("a b", "a+b"),
        ] {
            let client = with(AuthMethod::ClientSecretBasic, &[secret]);
            let given =
                credentials(Some(&header(&format!("team.wiki:{sent}"))), &RequestParams::default());
            let given = given.expect("credentials");
            assert_eq!(check(Some(&client), &given), Ok(()), "{secret} as {sent}");
        }
        let client = with(AuthMethod::ClientSecretBasic, &["a%2Bb"]);
        let given = credentials(Some(&header("team.wiki:a+b")), &RequestParams::default());
        assert!(
            check(Some(&client), &given.expect("credentials")).is_err(),
            "the stored secret is not decoded"
        );
    }

    #[test]
    fn rejects_two_methods_in_one_request() {
        // RFC 6749 §2.3
        let params = RequestParams::parse(b"client_id=a&client_secret=s");
        let refused = credentials(Some(&header("a:s")), &params).expect_err("refused");
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn challenges_only_clients_that_used_the_header() {
        // RFC 6749 §5.2
        assert!(
            credentials(Some("Bearer x"), &RequestParams::default())
                .expect_err("refused")
                .challenge
        );
        assert!(!credentials(None, &RequestParams::default()).expect_err("refused").challenge);
    }

    fn post(body: &str) -> Result<Credentials, ClientAuthError> {
        credentials(None, &RequestParams::parse(body.as_bytes()))
    }

    #[test]
    fn accepts_the_registered_method_with_any_current_secret() {
        // Several secrets are valid while one is being replaced.
        let client = with(AuthMethod::ClientSecretBasic, &["s3cret", "the next"]);
        for text in ["team.wiki:s3cret", "team.wiki:the+next"] {
            let given =
                credentials(Some(&header(text)), &RequestParams::default()).expect("credentials");
            assert_eq!(check(Some(&client), &given), Ok(()), "{text}");
        }
    }

    #[test]
    fn every_failure_has_the_same_response() {
        // RFC 6749 §5.2: the response does not reveal whether the client exists.
        let client = fixtures::client();
        let basic = |text: &str| credentials(Some(&header(text)), &RequestParams::default());
        let wrong = basic("team.wiki:wrong").expect("credentials");
        let refusals = [
            check(Some(&client), &wrong),
            check(None, &wrong),
            check(Some(&with(AuthMethod::None, &["s3cret"])), &wrong),
            check(Some(&with(AuthMethod::ClientSecretBasic, &[])), &wrong),
        ];
        for refusal in refusals {
            let refused = refusal.expect_err("refused");
            assert_eq!(refused.error.code, ErrorCode::InvalidClient);
            assert_eq!(refused.error.public, "Client authentication failed.");
            assert!(refused.challenge);
        }
    }

    #[test]
    fn the_right_secret_with_another_method_is_rejected() {
        // RFC 7591 §2: token_endpoint_auth_method
        let client = fixtures::client();
        let given = post("client_id=team.wiki&client_secret=s3cret").expect("credentials");
        assert!(check(Some(&client), &given).is_err());
        let client = with(AuthMethod::ClientSecretPost, &["s3cret"]);
        assert_eq!(check(Some(&client), &given), Ok(()));
    }

    #[test]
    fn a_public_client_sends_only_its_client_id() {
        // RFC 6749 §3.2.1
        let (client, given) = (fixtures::client(), post("client_id=team.wiki"));
        let given = given.expect("credentials");
        assert!(check(Some(&client), &given).is_err(), "a confidential client must authenticate");
        let client = with(AuthMethod::None, &[]);
        assert_eq!(check(Some(&client), &given), Ok(()));
        assert_eq!(post("x=1").expect_err("refused").error.code, ErrorCode::InvalidClient);
    }

    #[test]
    fn rejects_a_client_id_that_differs_from_the_header() {
        let params = RequestParams::parse(b"client_id=b");
        let refused = credentials(Some(&header("a:s")), &params).expect_err("refused");
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
    }

    proptest! {
        #[test]
        fn parsing_any_credentials_never_panics(text in ".{0,200}") {
            let _ = credentials(Some(&text), &RequestParams::default());
            let _ = credentials(Some(&header(&text)), &RequestParams::default());
        }
    }
}

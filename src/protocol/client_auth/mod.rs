//! Client authentication (RFC 6749 §2.3, OIDC Core §9): one way a request, and each client only by
//! the way that it registered.

mod assertion;

pub use assertion::{ASSERTION_TYPE, AcceptedAudiences, ReplayKey, check_claims, used_before};

use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
    params::RequestParams,
};
use crate::model::{AuthMethod, Client, Secret};

/// What is said of every client that is not authenticated.
const AUTHENTICATION_FAILED: &str = "The client is unknown, or its authentication is not right.";

/// What a request says of the client that sends it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// How it authenticates.
    pub method: AuthMethod,
    /// Which client it says it is.
    pub client_id: String,
    /// The secret, in each way that it may be meant.
    secrets: Vec<Secret<String>>,
    /// A client assertion, with what it says of itself: nothing of it is proven yet.
    pub assertion: Option<(Secret<String>, UnverifiedJwt)>,
}

/// Why a client is not authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthError {
    /// The error.
    pub error: OAuthError,
    /// Whether the client used the `Authorization` header, and so gets a challenge (§5.2).
    pub challenge: bool,
}

/// Reads the credentials of a request.
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
            let text = "The Authorization header is no HTTP Basic authentication of a client.";
            refused(ErrorCode::InvalidClient, text)
        })?;
        if client_id.is_some_and(|other| other != id) {
            let text = "client_id names another client than the Authorization header.";
            return Err(refused(ErrorCode::InvalidRequest, text));
        }
        let method = AuthMethod::ClientSecretBasic;
        return Ok(Credentials { method, client_id: id, secrets, assertion: None });
    }
    let Some(client_id) = client_id else {
        let text = "The request does not say which client sends it.";
        return Err(refused(ErrorCode::InvalidClient, text));
    };
    Ok(Credentials {
        method: if secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None },
        client_id: client_id.to_owned(),
        secrets: secret.map(|secret| Secret::new(secret.to_owned())).into_iter().collect(),
        assertion: None,
    })
}

/// Credentials by assertion (RFC 7523 §2.2): `client_id` is its `sub` and need not be sent.
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
        UnverifiedJwt::read(jwt).ok_or_else(|| refused("client_assertion is no signed JWT."))?;
    let subject = read.text("sub").ok_or_else(|| refused("client_assertion has no 'sub'."))?;
    if client_id.is_some_and(|other| other != subject) {
        let text = "client_id is not the 'sub' of client_assertion.";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(Credentials {
        method: assertion::method_of(read.algorithm),
        client_id: subject.to_owned(),
        secrets: Vec::new(),
        assertion: Some((Secret::new(jwt.to_owned()), read)),
    })
}

/// An authentication that failed, to a client that may know why.
fn refused(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, text)
}

/// The refusal of an assertion whose signature was not the client's. The answer is that of an
/// unknown client.
pub fn not_signed(why: &str) -> OAuthError {
    refused(AUTHENTICATION_FAILED).because(why)
}

/// Id and secret, each form-urlencoded before they were joined (RFC 6749 §2.3.1). Many leave that out
/// (Authlib, `curl --user`), which shows where a secret has a `+` or `%`: it is taken as it stands, too.
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

/// Rule: the client is known, used its registered method, and its secret is right, or its
/// assertion has an algorithm that may be verified: its signature and claims come next. What
/// exactly failed is for the log: the answer is the same.
pub fn check(client: Option<&Client>, credentials: &Credentials) -> Result<(), ClientAuthError> {
    let why = match client {
        None => "unknown client",
        Some(client) if client.auth_method != credentials.method => "not its registered method",
        Some(client) if client.auth_method == AuthMethod::None => return Ok(()),
        Some(client) if let Some((_, jwt)) = &credentials.assertion => {
            if assertion::check_algorithm(client, jwt.algorithm) {
                return Ok(());
            }
            "not its registered algorithm"
        }
        Some(client) if matches(client, credentials) => return Ok(()),
        Some(_) => "wrong secret",
    };
    Err(ClientAuthError {
        error: not_signed(why),
        challenge: credentials.method == AuthMethod::ClientSecretBasic,
    })
}

/// Compares with every secret of the client, each in constant time.
fn matches(client: &Client, credentials: &Credentials) -> bool {
    let pairs = client.secrets.iter().flat_map(|own| {
        credentials.secrets.iter().map(move |given| (own.expose(), given.expose()))
    });
    pairs.fold(false, |found, (own, given)| {
        let same = constant_time::verify_slices_are_equal(own.as_bytes(), given.as_bytes());
        found | same.is_ok()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::fixtures;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn undoes_the_form_encoding_of_basic_credentials() {
        // RFC 6749 §2.3.1
        let found = credentials(Some(&header("a%3Ab+c:s%25%C3%A9")), &RequestParams::default());
        let found = found.expect("credentials");
        assert_eq!(found.client_id, "a:b c");
        assert_eq!(found.secrets[0].expose(), "s%é");
    }

    #[test]
    fn takes_a_secret_that_was_not_encoded_as_it_stands() {
        // Authlib and curl do not encode; of `openssl rand -base64` every other one has a `+`.
        for (secret, sent) in [
            ("a+b/c==", "a+b/c=="),
            ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
            ("100%", "100%"),
            ("%FF%25", "%FF%25"),
            ("a b", "a+b"),
        ] {
            let client = Client { secrets: vec![Secret::new(secret.into())], ..fixtures::client() };
            let given =
                credentials(Some(&header(&format!("team.wiki:{sent}"))), &RequestParams::default());
            let given = given.expect("credentials");
            assert_eq!(check(Some(&client), &given), Ok(()), "{secret} as {sent}");
        }
        let client = Client { secrets: vec![Secret::new("a%2Bb".into())], ..fixtures::client() };
        let given = credentials(Some(&header("team.wiki:a+b")), &RequestParams::default());
        assert!(check(Some(&client), &given.expect("credentials")).is_err(), "never encoded anew");
    }

    #[test]
    fn refuses_two_ways_at_once() {
        // RFC 6749 §2.3
        let params = RequestParams::parse(b"client_id=a&client_secret=s");
        let refused = credentials(Some(&header("a:s")), &params).expect_err("refused");
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn challenges_only_who_used_the_header() {
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
        // Several secrets are current while one replaces another.
        let mut client = fixtures::client();
        client.secrets.push(Secret::new("the next".into()));
        for text in ["team.wiki:s3cret", "team.wiki:the+next"] {
            let given =
                credentials(Some(&header(text)), &RequestParams::default()).expect("credentials");
            assert_eq!(check(Some(&client), &given), Ok(()), "{text}");
        }
    }

    #[test]
    fn answers_alike_whatever_was_wrong() {
        // RFC 6749 §5.2: nothing tells whether the client exists.
        let client = fixtures::client();
        let basic = |text: &str| credentials(Some(&header(text)), &RequestParams::default());
        let wrong = basic("team.wiki:wrong").expect("credentials");
        let refusals = [
            check(Some(&client), &wrong),
            check(None, &wrong),
            check(Some(&Client { auth_method: AuthMethod::None, ..client.clone() }), &wrong),
            check(Some(&Client { secrets: vec![], ..client.clone() }), &wrong),
        ];
        for refusal in refusals {
            let refused = refusal.expect_err("refused");
            assert_eq!(refused.error.code, ErrorCode::InvalidClient);
            assert_eq!(
                refused.error.public,
                "The client is unknown, or its authentication is not right."
            );
            assert!(refused.challenge);
        }
    }

    #[test]
    fn a_right_secret_by_another_method_is_refused() {
        // RFC 7591 §2: token_endpoint_auth_method
        let mut client = fixtures::client();
        let given = post("client_id=team.wiki&client_secret=s3cret").expect("credentials");
        assert!(check(Some(&client), &given).is_err());
        client.auth_method = AuthMethod::ClientSecretPost;
        assert_eq!(check(Some(&client), &given), Ok(()));
    }

    #[test]
    fn a_public_client_says_who_it_is_and_nothing_else() {
        // RFC 6749 §3.2.1
        let (mut client, given) = (fixtures::client(), post("client_id=team.wiki"));
        let given = given.expect("credentials");
        assert!(check(Some(&client), &given).is_err(), "a confidential client must authenticate");
        client.auth_method = AuthMethod::None;
        assert_eq!(check(Some(&client), &given), Ok(()));
        assert_eq!(post("x=1").expect_err("refused").error.code, ErrorCode::InvalidClient);
    }

    #[test]
    fn refuses_a_client_id_beside_the_header_that_names_another() {
        let params = RequestParams::parse(b"client_id=b");
        let refused = credentials(Some(&header("a:s")), &params).expect_err("refused");
        assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,200}") {
            let _ = credentials(Some(&text), &RequestParams::default());
            let _ = credentials(Some(&header(&text)), &RequestParams::default());
        }
    }
}

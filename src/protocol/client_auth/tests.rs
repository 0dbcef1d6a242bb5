use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::{
    model::{AuthMethod, fixtures},
    protocol::params::RequestParams,
};

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
        credentials(Some("Bearer x"), &RequestParams::default()).expect_err("refused").challenge
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

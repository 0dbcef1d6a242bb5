use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::{
    model::{AuthMethod, fixtures},
    protocol::{error::ErrorCode, params::RequestParams},
};

/// The client with another method and secrets.
fn with(method: impl Into<Option<AuthMethod>>, secrets: &[&str]) -> Client {
    let method = method.into();
    let secrets = secrets.iter().map(|it| Secret::new((*it).to_owned())).collect();
    let authentication = ClientAuthentication::new(method, AssertionPolicy::default(), secrets);
    Client { authentication, ..fixtures::client() }
}

fn check(client: Option<&Client>, credentials: &Credentials) -> Result<(), ClientAuthError> {
    super::check_credentials(client.cloned().map(Arc::new).as_ref(), credentials).map(drop)
}

fn header(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn parse_credentials(
    authorization: Option<&str>,
    params: &RequestParams,
) -> Result<Credentials, ClientAuthError> {
    super::parse_credentials(authorization, params, |id| id == "team.wiki")
}

#[test]
fn basic_credentials_may_have_an_id_with_colons_that_was_not_encoded() {
    let id = "https://rp.test:8443/@app";
    for (sent, expected) in [
        ("https://rp.test:8443/@app:s:1%41+", (id, ["s:1A ", "s:1%41+"])),
        ("https%3A%2F%2Frp.test%3A8443%2F%40app:s:1%41+", (id, ["s:1A ", "s:1%41+"])),
        ("team.wiki:8443/@app:s+", ("team.wiki", ["8443/@app:s ", "8443/@app:s+"])),
        ("stranger:8443/@app:s+", ("stranger", ["8443/@app:s ", "8443/@app:s+"])),
    ] {
        let is_client = |other: &str| [id, "team.wiki"].contains(&other);
        let params = RequestParams::default();
        let found = super::parse_credentials(Some(&header(sent)), &params, is_client);
        let found = found.expect("credentials");
        let ClientProof::Secret { secrets, .. } = &found.proof else { panic!("no secret") };
        let secrets: Vec<&str> = secrets.iter().map(|it| it.expose().as_str()).collect();
        assert_eq!(
            (found.client_id.as_deref(), &*secrets),
            (Some(expected.0), &expected.1[..]),
            "{sent}"
        );
    }
}

#[test]
fn basic_credentials_are_form_decoded() {
    // RFC 6749 §2.3.1
    let found = parse_credentials(Some(&header("a%3Ab+c:s%25%C3%A9")), &RequestParams::default());
    let found = found.expect("credentials");
    assert_eq!(found.client_id.as_deref(), Some("a:b c"));
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
        let given = parse_credentials(
            Some(&header(&format!("team.wiki:{sent}"))),
            &RequestParams::default(),
        );
        let given = given.expect("credentials");
        assert_eq!(check(Some(&client), &given), Ok(()), "{secret} as {sent}");
    }
    let client = with(AuthMethod::ClientSecretBasic, &["a%2Bb"]);
    let given = parse_credentials(Some(&header("team.wiki:a+b")), &RequestParams::default());
    assert!(
        check(Some(&client), &given.expect("credentials")).is_err(),
        "the stored secret is not decoded"
    );
}

#[test]
fn rejects_two_methods_in_one_request() {
    // RFC 6749 §2.3
    let params = RequestParams::parse(b"client_id=a&client_secret=s");
    let refused = parse_credentials(Some(&header("a:s")), &params).expect_err("refused");
    assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
}

#[test]
fn challenges_only_clients_that_used_the_header() {
    // RFC 6749 §5.2
    assert!(
        parse_credentials(Some("Bearer x"), &RequestParams::default())
            .expect_err("refused")
            .challenge
    );
    assert!(!parse_credentials(None, &RequestParams::default()).expect_err("refused").challenge);
}

fn post(body: &str) -> Result<Credentials, ClientAuthError> {
    parse_credentials(None, &RequestParams::parse(body.as_bytes()))
}

#[test]
fn accepts_the_registered_method_with_any_current_secret() {
    // Several secrets are valid while one is being replaced.
    let client = with(AuthMethod::ClientSecretBasic, &["s3cret", "the next"]);
    for text in ["team.wiki:s3cret", "team.wiki:the+next"] {
        let given =
            parse_credentials(Some(&header(text)), &RequestParams::default()).expect("credentials");
        assert_eq!(check(Some(&client), &given), Ok(()), "{text}");
    }
}

#[test]
fn every_failure_has_the_same_response() {
    // RFC 6749 §5.2: the response does not reveal whether the client exists.
    let client = fixtures::client();
    let basic = |text: &str| parse_credentials(Some(&header(text)), &RequestParams::default());
    let wrong = basic("team.wiki:wrong").expect("credentials");
    let refusals = [
        check(Some(&client), &wrong),
        check(None, &wrong),
        check(Some(&with(AuthMethod::ClientSecretPost, &["s3cret"])), &wrong),
        check(Some(&with(AuthMethod::ClientSecretJwt, &["s3cret"])), &wrong),
        check(Some(&with(AuthMethod::PrivateKeyJwt, &[])), &wrong),
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
fn a_client_that_names_no_method_may_send_its_secret_either_way() {
    let client = with(None, &["s3cret"]);
    assert_eq!(client.authentication.method(), AuthMethod::ClientSecretBasic);
    let basic = parse_credentials(Some(&header("team.wiki:s3cret")), &RequestParams::default());
    assert_eq!(check(Some(&client), &basic.expect("credentials")), Ok(()));
    let body = post("client_id=team.wiki&client_secret=s3cret").expect("credentials");
    assert_eq!(check(Some(&client), &body), Ok(()));
    let wrong = post("client_id=team.wiki&client_secret=wrong").expect("credentials");
    assert!(check(Some(&client), &wrong).is_err());
}

#[test]
fn the_right_secret_with_another_method_is_rejected_with_the_method() {
    // RFC 7591 §2: token_endpoint_auth_method
    let (basic, body) = (AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost);
    let in_header =
        || parse_credentials(Some(&header("team.wiki:s3cret")), &RequestParams::default());
    let in_body = || post("client_id=team.wiki&client_secret=s3cret");
    for (method, given, said) in [
        (
            basic,
            in_body(),
            "This client uses client_secret_basic; the request used client_secret_post.",
        ),
        (
            body,
            in_header(),
            "This client uses client_secret_post; the request used client_secret_basic.",
        ),
        (
            AuthMethod::ClientSecretJwt,
            in_body(),
            "This client uses client_secret_jwt; the request used client_secret_post.",
        ),
    ] {
        let refused = check(Some(&with(method, &["s3cret"])), &given.expect("credentials"));
        let error = refused.expect_err("refused").error;
        assert_eq!(error.code, ErrorCode::InvalidClient);
        assert_eq!(error.public, said);
        let logged = error.mismatch.expect("values for the log");
        assert_eq!(logged.client.to_string(), "team/wiki");
        assert_eq!(logged.registered, method.as_str());
    }
    let client = with(body, &["s3cret"]);
    assert_eq!(check(Some(&client), &in_body().expect("credentials")), Ok(()));
}

#[test]
fn the_log_has_the_method_of_a_request_whose_secret_is_wrong() {
    let client = with(None, &["s3cret"]);
    let given = post("client_id=team.wiki&client_secret=wrong").expect("credentials");
    let error = check(Some(&client), &given).expect_err("refused").error;
    assert_eq!(error.public, "Client authentication failed.");
    assert_eq!(error.private.as_deref(), Some("wrong secret"));
    let logged = error.mismatch.expect("values for the log");
    assert_eq!(logged.received, "client_secret_post");
    assert_eq!(logged.registered, "client_secret_basic or client_secret_post");
}

#[test]
fn a_missing_secret_is_named_whether_the_client_exists_or_not() {
    let given = post("client_id=team.wiki").expect("credentials");
    let known = check(Some(&fixtures::client()), &given).expect_err("refused").error;
    let unknown = check(None, &given).expect_err("refused").error;
    assert_eq!(known.public, unknown.public);
    assert!(known.public.contains("no client credentials"), "{}", known.public);
}

#[test]
fn an_empty_secret_is_treated_as_absent() {
    // RFC 6749 §2.3.1. Libraries of public clients send it (Go, AppAuth).
    let public = with(AuthMethod::None, &[]);
    for text in ["team.wiki:", "team%2Ewiki:"] {
        let given = parse_credentials(Some(&header(text)), &RequestParams::default());
        assert_eq!(check(Some(&public), &given.expect("credentials")), Ok(()), "{text}");
    }
    let given = parse_credentials(Some(&header("team.wiki:")), &RequestParams::default());
    let refused = check(Some(&fixtures::client()), &given.expect("credentials"));
    let refused = refused.expect_err("a confidential client must authenticate");
    assert!(refused.challenge, "RFC 6749 §5.2");
}

#[test]
fn the_error_for_a_secret_of_a_public_client_says_that_it_has_none() {
    let given = post("client_id=team.wiki&client_secret=made-up").expect("credentials");
    let refused = check(Some(&with(AuthMethod::None, &[])), &given).expect_err("refused");
    let said = "This client is public and has no client secret (none); the request used \
                client_secret_post. Send only the client_id.";
    assert_eq!(refused.error.public, said);
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
    let refused = parse_credentials(Some(&header("a:s")), &params).expect_err("refused");
    assert_eq!(refused.error.code, ErrorCode::InvalidRequest);
}

proptest! {
    #[test]
    fn parsing_any_credentials_never_panics(text in ".{0,200}") {
        let _ = parse_credentials(Some(&text), &RequestParams::default());
        let _ = parse_credentials(Some(&header(&text)), &RequestParams::default());
    }
}

//! Tests of the encoding of responses.

use super::*;
use ApplicationType::{Native, Web};

fn url_of(changes: &[(&'static str, &str)], response: &[(&str, &str)]) -> String {
    redirected(accepted(changes).return_to.response(response))
}

fn error_url(query: &str) -> String {
    match World::new().ask(query) {
        Err(AuthorizeError::Redirect(to, error)) => redirected(to.error(&error)),
        other => panic!("expected an error for the client, got {other:?}"),
    }
}

#[test]
fn codes_are_in_the_query_with_state_and_issuer() {
    // RFC 6749 §4.1.2, RFC 9207 §2
    assert_eq!(
        url_of(&[], &[("code", "c1")]),
        "https://rp.test/cb?code=c1&state=s1&iss=https%3A%2F%2Fid.test%2Fteam%2Fshop"
    );
}

#[test]
fn tokens_are_in_the_fragment() {
    // OIDC Core §3.2.2.5
    let url = url_of(&[("response_type", "id_token"), ("nonce", "n")], &[("id_token", "t")]);
    assert!(url.starts_with("https://rp.test/cb#id_token=t&state=s1&iss="), "{url}");
}

#[test]
fn codes_are_in_the_fragment_if_requested() {
    let url = url_of(&[("response_mode", "fragment")], &[("code", "c")]);
    assert!(url.starts_with("https://rp.test/cb#code=c&"), "{url}");
}

#[test]
fn keeps_the_query_of_the_redirect_uri() {
    // RFC 6749 §3.1.2
    let url = url_of(&[("redirect_uri", "https://rp.test/other?tab=1")], &[("code", "c")]);
    assert!(url.starts_with("https://rp.test/other?tab=1&code=c&"), "{url}");
}

#[test]
fn omits_a_missing_state() {
    let url = redirected(
        World::new().ask(&without("state")).expect("valid").return_to.response(&[("code", "c")]),
    );
    assert!(!url.contains("state="), "{url}");
}

#[test]
fn errors_have_description_state_and_issuer() {
    // RFC 6749 §4.1.2.1, RFC 9207 §2
    let url = error_url(&with(&[("prompt", "none login")]));
    assert!(
        url.starts_with("https://rp.test/cb?error=invalid_request&error_description="),
        "{url}"
    );
    assert!(url.ends_with("&state=s1&iss=https%3A%2F%2Fid.test%2Fteam%2Fshop"), "{url}");
}

#[test]
fn errors_of_token_requests_are_in_the_fragment() {
    // OAuth 2.0 Multiple Response Types §5
    for changes in [
        [("response_type", "id_token"), ("response_mode", "query")],
        [("response_type", "code id_token"), ("nonce", "")],
        [("response_type", "id_token token"), ("scope", "groups")],
    ] {
        let url = error_url(&with(&changes));
        assert!(url.starts_with("https://rp.test/cb#error="), "{url}");
    }
}

#[test]
fn omits_a_duplicate_state() {
    let url = error_url(&format!("{}&state=s2", with(&[])));
    assert!(!url.contains("state=s"), "{url}");
}

#[test]
fn form_action_allows_the_scheme_of_the_callback() {
    // CSP3 §2.3.1; docs/adr/0014-form-action-names-schemes.md
    let named = |text: &str, kind| {
        let mut world = World::new();
        world.client.redirect_uris = vec![RedirectUri::parse(text, kind).expect("valid")];
        let ask = world.ask(&with(&[("redirect_uri", text)])).expect("valid");
        ask.return_to.form_action().to_owned()
    };
    assert_eq!(named("https://rp.test:8443/cb?x=1", Web), "https:");
    assert_eq!(named("http://127.0.0.1:8000/cb", Web), "http:");
    assert_eq!(named("http://[::1]:8000/cb", Native), "http:");
    assert_eq!(named("com.example.app:/cb", Native), "com.example.app:");
    assert_eq!(named("com.example.app://host/cb", Native), "com.example.app:");
}

#[test]
fn form_action_allows_registered_custom_schemes() {
    // docs/adr/0014-form-action-names-schemes.md
    let mut world = World::new();
    let registered =
        ["https://rp.test/cb", "http://localhost/cb", "org.b:/x", "com.a:/x", "com.a:/y"];
    world.client.redirect_uris =
        registered.map(|uri| RedirectUri::parse(uri, Native).expect("valid")).into();
    let form_action = |uri| {
        let ask = world.ask(&with(&[("redirect_uri", uri)])).expect("valid");
        ask.return_to.form_action().to_owned()
    };
    assert_eq!(form_action("https://rp.test/cb"), "https: com.a: org.b:");
    assert_eq!(form_action("com.a:/x"), "com.a: org.b:", "no web page");
}

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::model::{AssertionPolicy, AuthMethod, fixtures::client};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const AUDIENCE: AcceptedAudiences<'_> = AcceptedAudiences {
    allowed: AssertionAudience::IssuerOrEndpoint,
    issuer: "https://id.test/team/shop",
    token_endpoint: "https://id.test/team/shop/oauth/token",
    endpoint: "https://id.test/team/shop/oauth/introspect",
    internal: &[],
};

/// A way to authenticate with assertions of a registered algorithm.
fn method(method: AuthMethod, signing_alg: Option<JwsAlgorithm>) -> ClientAuthentication {
    let policy = AssertionPolicy { signing_alg, ..AssertionPolicy::default() };
    ClientAuthentication::new(Some(method), policy, Vec::new())
}

fn jwt(claims: Value) -> UnverifiedJwt {
    let Value::Object(claims) = claims else { panic!("an object") };
    UnverifiedJwt { algorithm: JwsAlgorithm::ES256, kid: None, typ: None, claims }
}

/// Returns true if an assertion with one claim changed is accepted.
fn with(name: &str, value: Value) -> bool {
    let mut valid = jwt(json!({
        "iss": "team.wiki", "sub": "team.wiki", "aud": AUDIENCE.token_endpoint,
        "exp": NOW.secs() + 60, "iat": NOW.secs(), "jti": "one",
    }));
    valid.claims.insert(name.to_owned(), value);
    check_assertion_claims(&client(), &valid, AUDIENCE, NOW).is_ok()
}

#[test]
fn issuer_and_subject_must_be_the_client() {
    // RFC 7523 §3, 1 and 2
    assert!(with("x", json!(1)));
    assert!(!with("iss", json!("other")) && !with("sub", json!("other")));
    assert!(!with("iss", Value::Null));
}

#[test]
fn other_types_of_jwt_are_not_client_assertions() {
    // RFC 8725 §3.11, RFC 9101 §10.8
    let typed = |typ: Option<&str>| {
        let mut jwt = jwt(json!({
            "iss": "team.wiki", "sub": "team.wiki", "aud": AUDIENCE.token_endpoint,
            "exp": NOW.secs() + 60, "jti": "one",
        }));
        jwt.typ = typ.map(str::to_owned);
        check_assertion_claims(&client(), &jwt, AUDIENCE, NOW).is_ok()
    };
    assert!(typed(None) && typed(Some("JWT")) && typed(Some("client-authentication+jwt")));
    assert!(!typed(Some("oauth-authz-req+jwt")) && !typed(Some("logout+jwt")));
}

#[test]
fn the_audience_must_be_this_issuer_or_endpoint() {
    // RFC 7523 §3, 3
    for good in [
        json!(AUDIENCE.issuer),
        json!([AUDIENCE.issuer]),
        json!(["https://other.test", AUDIENCE.token_endpoint]),
        json!(AUDIENCE.endpoint),
    ] {
        assert!(with("aud", good.clone()), "{good}");
    }
    let slash = format!("{}/", AUDIENCE.issuer);
    for bad in [Value::Null, json!([]), json!("https://id.test"), json!(slash), json!({})] {
        assert!(!with("aud", bad.clone()), "{bad}");
    }
}

#[test]
fn the_audience_may_be_an_address_inside_the_cluster() {
    let internal = ["http://lanyard.sso.svc/team/shop".to_owned()];
    let audience = AcceptedAudiences { internal: &internal, ..AUDIENCE };
    let good = json!(["https://other.test", internal[0]]);
    assert!(names(audience, Some(&good)) && names(audience, Some(&json!(AUDIENCE.issuer))));
    assert!(!names(AUDIENCE, Some(&good)));
    // FAPI 2.0 Security Profile §5.3.2.1
    let strict = AcceptedAudiences { allowed: AssertionAudience::Issuer, ..audience };
    assert!(!names(strict, Some(&json!(internal[0]))));
}

#[test]
fn the_error_for_a_wrong_audience_names_the_accepted_ones() {
    let mut jwt = jwt(json!({
        "iss": "team.wiki", "sub": "team.wiki", "aud": "https://id.test/team/shop/",
        "exp": NOW.secs() + 60, "jti": "one",
    }));
    let refused = check_assertion_claims(&client(), &jwt, AUDIENCE, NOW).expect_err("refused");
    let said = "'aud' of the client assertion is 'https://id.test/team/shop/'; it must be \
                'https://id.test/team/shop', 'https://id.test/team/shop/oauth/token' or \
                'https://id.test/team/shop/oauth/introspect'.";
    assert_eq!(refused.public, said);
    let logged = refused.mismatch.expect("values for the log");
    assert_eq!(logged.received, "'https://id.test/team/shop/'");
    let audience = AcceptedAudiences { allowed: AssertionAudience::Issuer, ..AUDIENCE };
    jwt.claims.remove("aud");
    let refused = check_assertion_claims(&client(), &jwt, audience, NOW).expect_err("refused");
    let said = "'aud' of the client assertion is missing; it must be the string \
                'https://id.test/team/shop'.";
    assert_eq!(refused.public, said);
}

#[test]
fn it_is_remembered_until_it_expires() {
    // RFC 7523 §3, 7
    let jwt = jwt(json!({
        "iss": "team.wiki", "sub": "team.wiki", "aud": AUDIENCE.issuer,
        "exp": NOW.secs() + 3600, "jti": "one",
    }));
    let key = check_assertion_claims(&client(), &jwt, AUDIENCE, NOW).expect("accepted");
    assert_eq!(key.expires_at, NOW.plus(Duration::from_hours(1)));
}

#[test]
fn only_the_issuer_is_accepted_if_configured() {
    // FAPI 2.0 Security Profile §5.3.2.1
    let audience = AcceptedAudiences { allowed: AssertionAudience::Issuer, ..AUDIENCE };
    for (aud, good) in [
        (json!(AUDIENCE.issuer), true),
        (json!([AUDIENCE.issuer]), false),
        (json!(AUDIENCE.token_endpoint), false),
    ] {
        let jwt = jwt(json!({
            "iss": "team.wiki", "sub": "team.wiki", "aud": aud, "exp": NOW.secs() + 60, "jti": "one",
        }));
        assert_eq!(check_assertion_claims(&client(), &jwt, audience, NOW).is_ok(), good, "{aud}");
    }
}

#[test]
fn it_must_be_valid_now_and_expire_within_an_hour() {
    // RFC 7523 §3, 4 to 6
    assert!(with("exp", json!(NOW.secs() + 3600)));
    for bad in [json!(NOW.secs()), json!(NOW.secs() + 3661), json!("soon"), Value::Null] {
        assert!(!with("exp", bad.clone()), "{bad}");
    }
    for name in ["nbf", "iat"] {
        assert!(with(name, json!(NOW.secs() + 60)), "clocks differ");
        assert!(!with(name, json!(NOW.secs() + 61)) && !with(name, json!("now")));
    }
}

#[test]
fn it_must_have_a_jti() {
    // RFC 7523 §3, 7
    for bad in [Value::Null, json!(""), json!(7), json!("x".repeat(513))] {
        assert!(!with("jti", bad.clone()), "{bad}");
    }
}

#[test]
fn the_algorithm_is_the_registered_one_or_fits_the_method() {
    // OIDC Core §9
    let private = method(AuthMethod::PrivateKeyJwt, None);
    let shared = method(AuthMethod::ClientSecretJwt, None);
    for (algorithm, asymmetric, symmetric) in [
        (JwsAlgorithm::PS256, true, false),
        (JwsAlgorithm::HS256, false, true),
        (JwsAlgorithm::None, false, false),
    ] {
        assert_eq!(check_assertion_algorithm(&private, algorithm), asymmetric, "{algorithm}");
        assert_eq!(check_assertion_algorithm(&shared, algorithm), symmetric, "{algorithm}");
    }
    let registered = method(AuthMethod::PrivateKeyJwt, Some(JwsAlgorithm::ES256));
    assert!(check_assertion_algorithm(&registered, JwsAlgorithm::ES256));
    assert!(!check_assertion_algorithm(&registered, JwsAlgorithm::PS256));
    // RFC 9864 §2.2: the algorithm has two names.
    let registered = method(AuthMethod::PrivateKeyJwt, Some(JwsAlgorithm::EdDSA));
    assert!(check_assertion_algorithm(&registered, JwsAlgorithm::Ed25519));
    assert!(!check_assertion_algorithm(&registered, JwsAlgorithm::ES256));
}

proptest! {
    #[test]
    fn checking_any_claims_never_panics(exp: i64, nbf: f64, aud in ".{0,40}", jti in ".{0,40}") {
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!("team.wiki")), ("sub", json!("team.wiki")), ("aud", json!(aud)),
            ("exp", json!(exp)), ("nbf", json!(nbf)), ("jti", json!(jti)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let _ = check_assertion_claims(&client(), &jwt(Value::Object(claims)), AUDIENCE, NOW);
    }
}

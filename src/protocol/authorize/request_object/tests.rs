use std::sync::Arc;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::model::{ClientDetails, RequestObjectPolicy, fixtures};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn params(text: &str) -> RequestParams {
    RequestParams::parse(text.as_bytes())
}

fn jwt(algorithm: JwsAlgorithm, claims: Value) -> UnverifiedJwt {
    let Value::Object(claims) = claims else { panic!("an object") };
    UnverifiedJwt { algorithm, kid: None, typ: None, claims }
}

/// Returns the parameters of a request whose object has these claims, or the error code.
fn merged(claims: Value) -> Result<RequestParams, ErrorCode> {
    let query = params(
        "client_id=team.wiki&response_type=code&scope=openid&state=q&request=x\
         &resource=https://q.test",
    );
    merged_with(&query, claims)
}

fn merged_with(outside: &RequestParams, claims: Value) -> Result<RequestParams, ErrorCode> {
    let jwt = jwt(JwsAlgorithm::RS256, claims);
    let issuer = fixtures::tenant().issuer;
    merge_request_object(outside, &jwt, &fixtures::client(), &issuer, NOW)
        .map_err(|error| error.code)
}

#[test]
fn values_of_the_object_take_precedence() {
    // OIDC Core §6.1
    let claims =
        json!({ "state": "o", "max_age": 5, "claims": { "userinfo": {} }, "iss": "team.wiki" });
    let merged = merged(claims).expect("valid");
    assert_eq!(merged.get("state"), Some("o"));
    assert_eq!(merged.get("max_age"), Some("5"));
    assert_eq!(merged.get("claims"), Some(r#"{"userinfo":{}}"#));
    assert_eq!(merged.get("scope"), Some("openid"), "from the query");
    assert_eq!((merged.get("request"), merged.get("iss")), (None, None));
    // RFC 9396 §3: it is refused later, with its own error.
    let merged = self::merged(json!({ "authorization_details": [{}] })).expect("valid");
    assert_eq!(merged.get("authorization_details"), Some("[{}]"));
}

#[test]
fn an_empty_value_of_the_object_removes_the_parameter() {
    // OIDC Core §6.1: the parameter outside the object was not signed.
    for none in [json!(null), json!("")] {
        let merged = merged(json!({ "state": none })).expect("valid");
        assert_eq!((merged.get("state"), merged.get("scope")), (None, Some("openid")));
    }
    let refused = Err(ErrorCode::InvalidRequestObject);
    assert_eq!(merged(json!({ "scope": ["openid"] })).map(drop), refused, "an array");
    let many: Map<String, Value> =
        (0..=MAX_PARAMETERS).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(
        merged(Value::Object(many)).map(drop),
        refused,
        "too many claims are not silently dropped"
    );
}

#[test]
fn an_object_usable_as_client_assertion_is_rejected() {
    // RFC 9101 §4, §10.8: the object is visible in the browser.
    let refused = Err(ErrorCode::InvalidRequestObject);
    assert_eq!(merged(json!({ "sub": "team.wiki" })).map(drop), refused);
    assert!(merged(json!({ "sub": "somebody" })).is_ok());
}

#[test]
fn resources_of_the_object_take_precedence() {
    // RFC 8707 §2
    for (object, expected) in [
        (json!("https://a.test"), vec!["https://a.test"]),
        (json!(["https://a.test", "https://b.test"]), vec!["https://a.test", "https://b.test"]),
        (json!([]), vec![]),
        (json!(null), vec![]),
    ] {
        let merged = merged(json!({ "resource": object })).expect("valid");
        assert_eq!(merged.all("resource").collect::<Vec<_>>(), expected);
    }
    let refused = Err(ErrorCode::InvalidRequestObject);
    assert_eq!(merged(json!({ "resource": [["x"]] })).map(drop), refused);
}

#[test]
fn client_and_response_type_must_equal_those_of_the_request() {
    // OIDC Core §6.1
    let refused = Err(ErrorCode::InvalidRequestObject);
    assert_eq!(merged(json!({ "client_id": "other" })).map(drop), refused);
    assert_eq!(merged(json!({ "response_type": "id_token" })).map(drop), refused);
    assert_eq!(merged(json!({ "request_uri": "https://x.test" })).map(drop), refused);
    assert!(merged(json!({ "client_id": "team.wiki", "response_type": "code" })).is_ok());
}

#[test]
fn a_request_may_have_all_parameters_in_its_object() {
    // RFC 9101 §5
    let object = json!({ "response_type": "code", "scope": "openid", "state": "s" });
    let outside = params("client_id=team.wiki&request=x");
    let merged = merged_with(&outside, object).expect("valid");
    assert_eq!(merged.get("response_type"), Some("code"));
    assert_eq!(merged.get("state"), Some("s"));
}

#[test]
fn the_object_must_be_valid_now_for_this_client_and_issuer() {
    // RFC 7519 §4.1
    for bad in [
        json!({ "iss": "other" }),
        json!({ "aud": "https://other.test" }),
        json!({ "aud": [] }),
        json!({ "exp": NOW.secs() }),
        json!({ "exp": "soon" }),
        json!({ "nbf": NOW.secs() + 61 }),
        json!({ "iat": NOW.secs() + 61 }),
    ] {
        let code = merged(bad.clone()).map(drop);
        assert_eq!(code, Err(ErrorCode::InvalidRequestObject), "{bad}");
    }
    let aud = json!(["https://id.test/team/shop"]);
    let good = json!({ "aud": aud, "exp": NOW.secs() + 1, "nbf": NOW.secs() + 60 });
    assert!(merged(good).is_ok());
}

#[test]
fn a_reference_must_be_registered() {
    // OIDC Core §6.2
    let details = ClientDetails {
        request_uris: vec!["https://rp.test/ro".into(), "https://rp.test/fixed#abc".into()],
        ..ClientDetails::default()
    };
    let client = Client { details: Arc::new(details), ..fixtures::client() };
    let tenant = fixtures::tenant();
    let found = |uri: &str| {
        let encoded: String = form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        let found =
            find_request_object(&params(&format!("request_uri={encoded}")), &tenant, &client);
        found.map_err(|error| error.code)
    };
    for good in ["https://rp.test/ro", "https://rp.test/ro#hash", "https://rp.test/fixed#abc"] {
        assert_eq!(found(good), Ok(Some(RequestObject::At(good.to_owned()))));
    }
    for bad in ["https://rp.test/ro/", "https://rp.test/ro?x", "https://rp.test/fixed", "x"] {
        assert_eq!(found(bad), Err(ErrorCode::InvalidRequestUri), "{bad}");
    }
}

#[test]
fn the_content_must_match_the_hash_in_the_fragment() {
    // OIDC Core §6.2
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, b"content"));
    let uri = format!("https://rp.test/ro#{hash}");
    let mut client = fixtures::client();
    assert!(check_content_hash(&client, &uri, b"content").is_ok());
    assert!(check_content_hash(&client, &uri, b"other").is_err());
    assert!(check_content_hash(&client, "https://rp.test/ro", b"other").is_ok());
    // A registered fragment may be older than the content.
    Arc::make_mut(&mut client.details).request_uris.push(uri.clone());
    assert!(check_content_hash(&client, &uri, b"other").is_ok());
}

#[test]
fn a_tenant_can_disable_either() {
    // OIDC Core §3.1.2.6
    let mut tenant = fixtures::tenant();
    tenant.request_objects = RequestObjectPolicy { by_value: false, by_reference: false };
    let code = |query: &str| {
        find_request_object(&params(query), &tenant, &fixtures::client())
            .map_err(|error| error.code)
    };
    assert_eq!(code("request=x"), Err(ErrorCode::RequestNotSupported));
    assert_eq!(code("request_uri=x"), Err(ErrorCode::RequestUriNotSupported));
    assert_eq!(code("state=x"), Ok(None));
    let both = find_request_object(
        &params("request=x&request_uri=y"),
        &fixtures::tenant(),
        &fixtures::client(),
    );
    assert_eq!(both.map_err(|error| error.code), Err(ErrorCode::InvalidRequest));
}

#[test]
fn a_client_that_must_push_its_requests_has_none_by_reference() {
    // RFC 9126 §5
    let mut client = Client { require_pushed_requests: true, ..fixtures::client() };
    Arc::make_mut(&mut client.details).request_uris.push("https://rp.test/ro".to_owned());
    let find = |query: &str| find_request_object(&params(query), &fixtures::tenant(), &client);
    let refused = find("request_uri=https%3A%2F%2Frp.test%2Fro").map_err(|error| error.code);
    assert_eq!(refused, Err(ErrorCode::InvalidRequest));
    // The object may be pushed.
    assert_eq!(find("request=x").ok(), Some(Some(RequestObject::Given("x".to_owned()))));
}

fn algorithm_of(
    object: &RequestObject,
    registered: Option<JwsAlgorithm>,
    algorithm: JwsAlgorithm,
) -> Result<(), ErrorCode> {
    let client = Client { request_object_signing_alg: registered, ..fixtures::client() };
    check_request_object_algorithm(&client, &jwt(algorithm, json!({})), object)
        .map_err(|error| error.code)
}

#[test]
fn an_unsigned_object_by_value_must_be_registered() {
    // OIDC Registration §2, request_object_signing_alg
    let given = RequestObject::Given(String::new());
    let code = |registered, algorithm| algorithm_of(&given, registered, algorithm);
    assert_eq!(code(None, JwsAlgorithm::PS256), Ok(()));
    assert_eq!(code(None, JwsAlgorithm::None), Err(ErrorCode::RequestNotSupported));
    assert_eq!(code(Some(JwsAlgorithm::None), JwsAlgorithm::None), Ok(()));
    let other = code(Some(JwsAlgorithm::ES256), JwsAlgorithm::RS256);
    assert_eq!(other, Err(ErrorCode::InvalidRequestObject));
    let signed = code(Some(JwsAlgorithm::None), JwsAlgorithm::RS256);
    assert_eq!(signed, Err(ErrorCode::InvalidRequestObject));
}

#[test]
fn an_unsigned_object_by_reference_is_accepted_without_a_registered_algorithm() {
    // OIDC Core §6.2; OIDC Registration §2, request_object_signing_alg
    let at = RequestObject::At("https://rp.test/request".to_owned());
    let code = |registered, algorithm| algorithm_of(&at, registered, algorithm);
    assert_eq!(code(None, JwsAlgorithm::None), Ok(()));
    assert_eq!(code(None, JwsAlgorithm::ES256), Ok(()));
    assert_eq!(code(Some(JwsAlgorithm::None), JwsAlgorithm::None), Ok(()));
    let downgraded = code(Some(JwsAlgorithm::ES256), JwsAlgorithm::None);
    assert_eq!(downgraded, Err(ErrorCode::RequestUriNotSupported));
    let signed = code(Some(JwsAlgorithm::None), JwsAlgorithm::RS256);
    assert_eq!(signed, Err(ErrorCode::InvalidRequestObject));
}

proptest! {
    #[test]
    fn merging_any_claim_never_panics(name in "[a-z_]{0,12}", text in ".{0,40}", number: f64) {
        let _ = merged(json!({ name.clone(): text }));
        let _ = merged(json!({ name: number }));
        let _ = check_content_hash(&fixtures::client(), &text, b"x");
    }
}

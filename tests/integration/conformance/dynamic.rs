//! Plan `oidcc-dynamic-certification-test-plan`: clients with `private_key_jwt`. The module of
//! discovery is the same as in `config` and is not repeated.

use lanyard::model::{Clock, SigningAlgorithm};
use serde_json::{Value, json};

use crate::conformance::{
    browser::verified,
    checks::{self, text},
    keys::{FIRST, SECOND},
    modules::{self, refreshes},
    op::Op,
    person::Person,
    rp::{Auth, CALLBACK, Rp, Variant},
};

const CODE: Variant = Variant::of("code").by(Auth::PrivateKeyJwt);

modules! { CODE =>
    oidcc_idtoken_unsigned,
    oidcc_server,
    oidcc_request_uri_unsigned,
    oidcc_request_uri_signed_rs256,
    oidcc_ensure_request_object_with_redirect_uri,
    oidcc_refresh_token,
}

#[tokio::test]
async fn oidcc_idtoken_rs256() {
    let op = Op::start().await;
    let alg = json!("RS256");
    let rp = op.register_with(CODE, |it| it["id_token_signed_response_alg"] = alg).await;
    let flow = modules::flow(&rp, &Person::default(), &[]).await;
    let header = jsonwebtoken::decode_header(flow.jwt()).expect("a JWT");
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_userinfo_rs256() {
    // OIDC Core §5.3.2
    let op = Op::start().await;
    assert!(op.supports("userinfo_signing_alg_values_supported", "RS256"));
    let alg = json!("RS256");
    let rp = op.register_with(CODE, |it| it["userinfo_signed_response_alg"] = alg).await;
    let flow = modules::flow(&rp, &Person::default(), &[("scope", "openid profile")]).await;
    let answer = rp.userinfo(flow.access_token().expect("one")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/jwt");
    let jwt = answer.text().await.expect("text");
    let header = jsonwebtoken::decode_header(&jwt).expect("a JWT");
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    let set = serde_json::from_value::<jsonwebtoken::jwk::JwkSet>(op.jwks().await).expect("keys");
    let key = set.find(header.kid.as_deref().expect("a kid")).expect("it is published");
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.set_audience(&[rp.client_id()]);
    validation.set_issuer(&[op.issuer()]);
    // The JWT has no `exp` claim, which is optional here.
    validation.set_required_spec_claims(&["iss", "aud"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a usable key");
    let person = jsonwebtoken::decode::<Value>(&jwt, &key, &validation).expect("verifies").claims;
    assert_eq!(person["sub"], flow.id_token()["sub"]);
    assert_eq!(person["name"], "Ada Lovelace");
    assert!(person.get("nonce").is_none(), "{person}");
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_ensure_redirect_uri_in_authorization_request() {
    let op = Op::start().await;
    let two = json!([CALLBACK, "https://rp.test/callback/2"]);
    let rp = op.register_with(CODE, |it| it["redirect_uris"] = two).await;
    let visit = rp.send(&Person::default(), &[("redirect_uri", "")]).await;
    assert!(visit.error_page().contains("redirect_uri"));
    rp.unregister().await;
}

const WITH_QUERY: &str = "https://rp.test/callback?dummy1=lorem&dummy2=ipsum";

#[tokio::test]
async fn oidcc_redirect_uri_query_ok() {
    let op = Op::start().await;
    let rp = op.register_with(CODE, |it| it["redirect_uris"] = json!([WITH_QUERY])).await;
    let visit = rp.send(&Person::default(), &[("redirect_uri", WITH_QUERY)]).await;
    let response = visit.response(&rp);
    assert_eq!((response["dummy1"].as_str(), response["dummy2"].as_str()), ("lorem", "ipsum"));
    let mut form = Rp::code_form(&response["code"]).to_vec();
    form[2].1 = WITH_QUERY;
    checks::tokens(rp.token(&form).await).await;
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_mismatch() {
    let op = Op::start().await;
    let rp = op.register_with(CODE, |it| it["redirect_uris"] = json!([WITH_QUERY])).await;
    let other = "https://rp.test/callback?dummy1=lorem";
    let visit = rp.send(&Person::default(), &[("redirect_uri", other)]).await;
    assert!(visit.error_page().contains("redirect_uri"));
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_redirect_uri_query_added() {
    let op = Op::start().await;
    let rp = op.register(CODE).await;
    let visit = rp.send(&Person::default(), &[("redirect_uri", WITH_QUERY)]).await;
    assert!(visit.error_page().contains("redirect_uri"));
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_redirect_uri_regfrag() {
    let op = Op::start().await;
    let with_fragment = json!([format!("{CALLBACK}#foobar")]);
    let error = op.refuses_to_register(CODE, |it| it["redirect_uris"] = with_fragment).await;
    assert_eq!(error, "invalid_redirect_uri");
}

/// Asserts that the sign-in page contains a registered value.
async fn shown(name: &str, value: &str) {
    let op = Op::start().await;
    let rp = op.register_with(CODE, |it| it[name] = json!(value)).await;
    let page = Person::default().browser.open(&rp.url(&rp.request())).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert!(page.body.contains(&format!("=\"{value}\"")), "{}", page.body);
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_registration_logo_uri() {
    shown("logo_uri", "https://rp.test/logo.png").await;
}

#[tokio::test]
async fn oidcc_registration_policy_uri() {
    shown("policy_uri", "https://rp.test/policy").await;
}

#[tokio::test]
async fn oidcc_registration_tos_uri() {
    shown("tos_uri", "https://rp.test/tos").await;
}

const JWKS_URI: &str = "https://rp.test/jwks";

/// Registers `jwks_uri` instead of `jwks`.
fn publishes(metadata: &mut Value) {
    metadata.as_object_mut().expect("an object").remove("jwks");
    metadata["jwks_uri"] = json!(JWKS_URI);
}

#[tokio::test]
async fn oidcc_registration_jwks_uri() {
    let op = Op::start().await;
    op.app.publish(JWKS_URI, &FIRST.jwks().to_string());
    let rp = op.register_with(CODE, publishes).await;
    modules::flow(&rp, &Person::default(), &[]).await;
    rp.unregister().await;
}

const SECTOR: &str = "https://rp.test/redirect_uris.json";

fn pairwise(metadata: &mut Value) {
    metadata["subject_type"] = json!("pairwise");
    metadata["sector_identifier_uri"] = json!(SECTOR);
}

#[tokio::test]
async fn oidcc_registration_sector_uri() {
    // OIDC Core §8.1, OIDC Registration §5
    let op = Op::start().await;
    assert!(op.supports("subject_types_supported", "pairwise"));
    op.app.publish(SECTOR, &json!([CALLBACK]).to_string());
    let rp = op.register_with(CODE, pairwise).await;
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_registration_sector_bad() {
    let op = Op::start().await;
    op.app.publish(SECTOR, &json!(["https://rp.test/callback/other"]).to_string());
    assert_eq!(op.refuses_to_register(CODE, pairwise).await, "invalid_client_metadata");
}

#[tokio::test]
async fn oidcc_server_rotate_keys() {
    // OIDC Core §10.1.1
    let op = Op::start().await;
    let before = checks::keys(&op.jwks().await);
    op.app.stage.add_key("op", SigningAlgorithm::RS256, op.app.clock.now().plus(HOUR));
    let after = checks::keys(&op.jwks().await);
    let new: Vec<_> = after.iter().filter(|kid| !before.contains(kid)).collect();
    assert_eq!(new.len(), 1, "{after:?}");
    assert!(before.iter().all(|kid| after.contains(kid)), "the old key is still there: {after:?}");
    // The suite ends here. The new key signs once caches of the JWK Set have expired.
    let (rp, ada) = (op.register(CODE).await, Person::default());
    let named = |jwt: &str| jsonwebtoken::decode_header(jwt).expect("a JWT").kid;
    let old = modules::flow(&rp, &ada, &[]).await;
    assert_eq!(named(old.jwt()).as_ref(), before.first());
    op.wait(HOUR.as_secs());
    let flow = modules::flow(&rp, &ada, &[]).await;
    assert_eq!(named(flow.jwt()).as_ref(), new.first().copied());
    verified(old.jwt(), &op.jwks().await, rp.client_id());
    rp.unregister().await;
}

const HOUR: std::time::Duration = std::time::Duration::from_hours(1);

#[tokio::test]
async fn oidcc_refresh_token_rp_key_rotation() {
    // OIDC Core §10.1.1
    let op = Op::start().await;
    op.app.publish(JWKS_URI, &FIRST.jwks().to_string());
    let mut rp = op
        .register_with(CODE, |it| {
            publishes(it);
            refreshes(it);
        })
        .await;
    let flow = modules::offline(&rp, &Person::default()).await;
    op.app.publish(JWKS_URI, &SECOND.jwks().to_string());
    rp.key = &SECOND;
    op.wait(60);
    modules::refresh(&rp, &flow).await;
    rp.unregister().await;
}

#[tokio::test]
async fn oidcc_ensure_client_assertion_with_iss_aud_succeeds() {
    // RFC 7523 §3
    let op = Op::start().await;
    let rp = op.register(CODE).await;
    let response = rp.send(&Person::default(), &[]).await.response(&rp);
    let form = Rp::code_form(&response["code"]);
    let request = rp.authenticated(&form, &rp.assertion(op.issuer()));
    let tokens = checks::tokens(request.send().await.expect("an answer")).await;
    checks::id_token(&rp, text(&tokens, "id_token"), Some("a-nonce")).await;
    rp.unregister().await;
}

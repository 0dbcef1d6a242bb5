use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::model::{
    ApplicationType, AssertionPolicy, Client, ClientAuthentication, ClientKeys,
    DynamicRegistration, GrantType, JwsAlgorithm, RedirectUri, Secret, fixtures,
};

fn sent_with(change: impl FnOnce(&mut Value)) -> Result<RegistrationRequest, OAuthError> {
    let mut body = json!({"redirect_uris": ["https://rp.test/cb"], "client_name": "Shop"});
    change(&mut body);
    RegistrationRequest::parse(body.to_string().as_bytes(), &[SigningAlgorithm::RS256], false)
}

fn spec_with(change: impl FnOnce(&mut Value)) -> Value {
    sent_with(change).expect("valid").spec.into()
}

fn refused(change: impl FnOnce(&mut Value)) -> ErrorCode {
    sent_with(change).expect_err("refused").code
}

#[test]
fn applies_the_defaults_of_the_specification() {
    // OIDC Registration §2
    let spec = spec_with(|_| {});
    assert_eq!(spec["grantTypes"], json!(["authorization_code"]));
    assert_eq!(spec["responseTypes"], json!(["code"]));
    assert_eq!(spec["idTokenSignedResponseAlg"], "RS256");
    assert_eq!(spec["authorizationSignedResponseAlg"], "RS256", "JARM §3");
    assert_eq!(spec["tokenEndpointAuthMethod"], "client_secret_basic");
    assert_eq!(spec["redirectUris"], json!(["https://rp.test/cb"]));
}

#[test]
fn the_default_algorithm_is_one_that_the_tenant_signs_with() {
    let default = |algorithms: &[SigningAlgorithm]| {
        let body = json!({ "redirect_uris": ["https://rp.test/cb"] }).to_string();
        let sent = RegistrationRequest::parse(body.as_bytes(), algorithms, false).expect("valid");
        assert_eq!(
            sent.spec["idTokenSignedResponseAlg"],
            sent.spec["authorizationSignedResponseAlg"]
        );
        sent.spec["idTokenSignedResponseAlg"].clone()
    };
    assert_eq!(default(&[SigningAlgorithm::ES256, SigningAlgorithm::RS256]), "RS256");
    assert_eq!(default(&[SigningAlgorithm::PS256, SigningAlgorithm::ES256]), "PS256");
}

#[test]
fn ignores_lanyards_own_settings() {
    // Only registered metadata is accepted.
    let spec = spec_with(|body| {
        for own in ["tenantRef", "tenant_ref", "clientId", "secret", "secretRef", "secret_ref"] {
            body[own] = json!({"name": "x"});
        }
        body["consent"] = "Implied".into();
        body["lifetimes"] = json!({"accessToken": "1h"});
        body["introspection"] = "Tenant".into();
        body["client_id"] = "mine".into();
        body["client_secret"] = "mine".into();
    });
    let mut names: Vec<&String> = spec.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    let algorithms = ["authorizationSignedResponseAlg", "clientName", "grantTypes"];
    let others = ["responseTypes", "tokenEndpointAuthMethod"];
    let only = [&algorithms[..], &["idTokenSignedResponseAlg", "redirectUris"], &others].concat();
    assert_eq!(names, only);
}

#[test]
fn completes_grant_types_from_response_types() {
    // RFC 7591 §2.1: a server may replace what does not agree
    let grants = |responses: Value, grants: Value| {
        spec_with(|body| {
            body["response_types"] = responses;
            body["grant_types"] = grants;
        })["grantTypes"]
            .clone()
    };
    let (code, implicit) = ("authorization_code", "implicit");
    assert_eq!(grants(json!(["id_token"]), Value::Null), json!([implicit]));
    assert_eq!(grants(json!(["token code id_token"]), Value::Null), json!([code, implicit]));
    assert_eq!(grants(json!(["code id_token"]), json!([code])), json!([code, implicit]));
    assert_eq!(grants(json!(["code"]), json!([code, implicit])), json!([code]));
    let refresh = json!([code, "refresh_token"]);
    assert_eq!(grants(json!(["code"]), refresh.clone()), refresh);
    assert_eq!(grants(Value::Null, json!([implicit])), json!([implicit]));
    assert_eq!(grants(json!([]), json!(["client_credentials"])), json!(["client_credentials"]));
}

#[test]
fn refuses_values_of_another_type() {
    for (name, value) in [
        ("redirect_uris", json!("https://rp.test/cb")),
        ("redirect_uris", json!([1])),
        ("client_name", json!(["Shop"])),
        ("require_auth_time", json!("yes")),
        ("default_max_age", json!(-1)),
        ("jwks", json!("{}")),
        ("scope", json!(["openid"])),
    ] {
        assert_eq!(refused(|body| body[name] = value), ErrorCode::InvalidClientMetadata, "{name}");
    }
    for body in [&b"[]"[..], b"", b"{", b"\xff"] {
        assert_eq!(
            RegistrationRequest::parse(body, &[], false).expect_err("no object").code,
            ErrorCode::InvalidClientMetadata
        );
    }
}

#[test]
fn ignores_unknown_members_and_localized_names() {
    // RFC 7591 §2, §2.2
    let spec = spec_with(|body| {
        body["client_name#ja-Jpan-JP"] = "クライアント".into();
        body["some_extension"] = json!({"a": 1});
        body["logo_uri"] = Value::Null;
        body["tos_uri"] = "".into();
    });
    assert_eq!(spec, spec_with(|_| {}));
}

#[test]
fn splits_the_scope() {
    // RFC 7591 §2
    let spec = spec_with(|body| body["scope"] = "openid  email".into());
    assert_eq!(spec["scopes"], json!(["openid", "email"]));
}

#[test]
fn rejects_encryption_and_software_statements() {
    // OIDC Registration §2, RFC 7591 §3.2.2
    let encrypted = |body: &mut Value| body["id_token_encrypted_response_alg"] = "RSA-OAEP".into();
    assert_eq!(refused(encrypted), ErrorCode::InvalidClientMetadata);
    let statement = |body: &mut Value| body["software_statement"] = "a.b.c".into();
    assert_eq!(refused(statement), ErrorCode::UnapprovedSoftwareStatement);
}

#[test]
fn an_update_must_have_the_clients_own_id_and_secret() {
    // RFC 7592 §2.2
    let client = fixtures::client();
    let check = |id: &str, secret: &str| {
        let sent = sent_with(|body| {
            body["client_id"] = id.into();
            body["client_secret"] = secret.into();
        });
        sent.expect("valid").check_update(&client)
    };
    assert_eq!(check("team.wiki", "s3cret"), Ok(()));
    assert!(check("team.other", "s3cret").is_err());
    assert!(check("team.wiki", "chosen").is_err());
    assert_eq!(sent_with(|_| {}).expect("valid").check_update(&client), Ok(()));
}

#[test]
fn redirect_uris_have_their_own_error_code() {
    // RFC 7591 §3.2.2
    let error = registration_refusal("spec.redirectUris[1]", "must have no fragment (#)");
    assert_eq!(error.code, ErrorCode::InvalidRedirectUri);
    assert_eq!(error.public, "redirect_uris[1]: must have no fragment (#).");
    let error = registration_refusal("spec.postLogoutRedirectUris[0]", "must be an absolute URI");
    assert_eq!(error.code, ErrorCode::InvalidClientMetadata);
}

#[test]
fn web_clients_with_the_implicit_grant_cannot_use_localhost() {
    // OIDC Registration §2, application_type
    let check = |uri: &str, grant: GrantType, application_type| {
        let redirect_uris = vec![RedirectUri::parse(uri, application_type).expect("a URI")];
        let grant_types = Arc::new([grant].into());
        let client = Client { application_type, redirect_uris, grant_types, ..fixtures::client() };
        check_redirects(&client).map_err(|error| error.code)
    };
    let (web, local) = (ApplicationType::Web, "https://localhost:8443/cb");
    let refused = check(local, GrantType::Implicit, web);
    assert_eq!(refused, Err(ErrorCode::InvalidRedirectUri));
    assert_eq!(check("https://localhost.test/cb", GrantType::Implicit, web), Ok(()));
    assert_eq!(check(local, GrantType::AuthorizationCode, web), Ok(()));
    assert_eq!(check(local, GrantType::Implicit, ApplicationType::Native), Ok(()));
}

#[test]
fn errors_use_the_names_of_the_wire() {
    // RFC 7591 §2
    for field in ["spec.scopes", "spec.scopes[2]"] {
        assert_eq!(registration_refusal(field, "is unknown").public, "scope: is unknown.");
    }
}

#[test]
fn a_sector_document_must_list_every_redirect_uri() {
    // OIDC Registration §5
    let uri = |text: &str| RedirectUri::parse(text, ApplicationType::Web).expect("valid");
    let uris = [uri("https://a.test/cb"), uri("https://b.test/cb")];
    let all = br#"["https://b.test/cb","https://a.test/cb","https://c.test/cb"]"#;
    assert_eq!(check_sector_document(all, &uris), Ok(()));
    for wrong in [&br#"["https://a.test/cb"]"#[..], b"{}", b"[1]", b"<html>"] {
        assert!(check_sector_document(wrong, &uris).is_err());
    }
}

#[test]
fn keys_are_required_only_if_something_is_verified_with_them() {
    let published =
        Client { keys: ClientKeys::Url("https://rp.test/jwks".into()), ..fixtures::client() };
    assert_eq!(needed_jwks_uri(&published), None);
    let policy = AssertionPolicy::default();
    let authentication = ClientAuthentication::PrivateKeyJwt { policy };
    let authenticates = Client { authentication, ..published.clone() };
    assert!(needed_jwks_uri(&authenticates).is_some());
    let algorithm = Some(JwsAlgorithm::RS256);
    let signs = Client { request_object_signing_alg: algorithm, ..published };
    assert!(needed_jwks_uri(&signs).is_some());
    assert_eq!(check_jwks_document(br#"{"keys":[]}"#), Ok(()));
    assert!(check_jwks_document(b"[]").is_err() && check_jwks_document(b"<html>").is_err());
}

fn registered() -> Client {
    let registered = DynamicRegistration {
        token_hash: Some(token_hash("the token")),
        at: Some(crate::model::Timestamp::from_secs(1_800_000_000)),
        used: false,
    };
    Client { registered: Some(Box::new(registered)), ..fixtures::client() }
}

#[test]
fn a_registration_access_token_is_valid_for_one_client() {
    // RFC 7592 §3
    let client = registered();
    assert_eq!(check_registration_access_token(Some(&client), "the token"), Ok(()));
    let declared = fixtures::client();
    let refusals = [
        check_registration_access_token(Some(&client), "another"),
        check_registration_access_token(Some(&client), ""),
        check_registration_access_token(None, "the token"),
        check_registration_access_token(Some(&declared), "the token"),
        check_registration_access_token(Some(&declared), ""),
    ];
    for refusal in &refusals {
        assert_eq!(refusal, &refusals[0], "all errors are equal");
        assert!(refusal.is_err());
    }
}

#[test]
fn an_initial_access_token_is_valid_for_one_tenant() {
    // RFC 7591 §3
    let expected = Secret::new("let me in".to_owned());
    assert_eq!(check_initial_access_token(Some(&expected), "let me in"), Ok(()));
    assert!(check_initial_access_token(Some(&expected), "let me").is_err());
    assert!(check_initial_access_token(None, "").is_err(), "a tenant without a token rejects all");
}

#[test]
fn the_response_has_all_registered_metadata() {
    // RFC 7591 §3.2.1, RFC 7592 §3
    let client = registered();
    let access =
        RegistrationAccess { uri: "https://id.test/oauth/register/team.wiki", token: "the token" };
    let answer = client_information_response(&client, access);
    assert_eq!(answer["client_id"], "team.wiki");
    assert_eq!(answer["client_secret"], "s3cret");
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["client_id_issued_at"], 1_800_000_000);
    assert_eq!(answer["registration_client_uri"], access.uri);
    assert_eq!(answer["registration_access_token"], "the token");
    assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(answer["application_type"], "web");
    assert_eq!(answer["subject_type"], "public");
    assert_eq!(answer["require_auth_time"], false);
    let public = Client { authentication: ClientAuthentication::None, ..registered() };
    let answer = super::client_information_response(&public, access);
    assert!(answer.get("client_secret").is_none());
    assert!(answer.get("client_secret_expires_at").is_none());
}

proptest::proptest! {
    #[test]
    fn parsing_any_body_never_panics(body in ".{0,300}") {
        let _ = RegistrationRequest::parse(body.as_bytes(), &[], false);
    }
}

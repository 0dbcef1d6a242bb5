use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{
    Client, ClientAuthentication, ClientDocumentMode, ClientDocumentPolicy, IdTokenAlgorithm,
    JwsAlgorithm, ObjectKey, ResourceServer, ResourceServers, SigningAlgorithm, Tenant, fixtures,
};

const URL: &str = "https://app.test/client.json";

fn document(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = json!({
        "client_id": URL,
        "client_name": "App",
        "redirect_uris": ["https://app.test/cb", "http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    change(&mut document);
    document.to_string().into_bytes()
}

fn parsed(change: impl FnOnce(&mut Value)) -> Result<ClientDocument, ClientDocumentError> {
    ClientDocument::parse(URL, &document(change))
}

fn tenant(policy: ClientDocumentPolicy) -> Tenant {
    Tenant { client_documents: Arc::new(policy), ..fixtures::tenant() }
}

fn any_host() -> ClientDocumentPolicy {
    let scopes = ["openid", "profile", "offline_access"].map(str::to_owned);
    ClientDocumentPolicy {
        mode: ClientDocumentMode::AnyHost,
        scopes: Arc::new(scopes.into()),
        ..ClientDocumentPolicy::default()
    }
}

/// An API for clients with a document, and one for others.
fn servers() -> ResourceServers {
    let server = |name: &str, admits_documents: bool| {
        Arc::new(ResourceServer {
            scopes: [format!("{name}.read")].into(),
            admits_documents,
            ..ResourceServer::new(ObjectKey::new("team", name), &format!("urn:{name}"))
        })
    };
    ResourceServers::new(vec![server("tickets", true), server("payroll", false)])
}

fn client(change: impl FnOnce(&mut Value)) -> Client {
    let (url, document) = (DocumentUrl::parse(URL).expect("one"), parsed(change).expect("usable"));
    client_of_document((&tenant(any_host()), &servers()), &url, &document).expect("admitted")
}

#[test]
fn the_client_is_public_and_asks_for_consent() {
    let client = client(|_| ());
    assert_eq!((client.id.as_str(), client.name.as_str()), (URL, "App"));
    assert!(client.is_public() && client.requires_pkce());
    assert_eq!(client.document_host.as_deref(), Some("app.test"));
    assert!(client.grant_types.contains(&GrantType::RefreshToken));
    // RFC 8252 §7.3
    assert!(client.redirect_uris[1].matches("http://127.0.0.1:51004/cb"));
    assert!(!client.redirect_uris[0].matches("https://app.test:8443/cb"));
}

#[test]
fn a_document_names_its_own_url() {
    for id in [json!("https://app.test/client.json/"), json!("https://evil.test/"), json!(1)] {
        let lies = parsed(|document| document["client_id"] = id.clone());
        assert_eq!(lies, Err(ClientDocumentError::OtherClientId), "{id}");
    }
    let silent = parsed(|document| drop(document.as_object_mut().map(|it| it.remove("client_id"))));
    assert_eq!(silent, Err(ClientDocumentError::OtherClientId));
}

#[test]
fn a_document_is_a_small_json_object() {
    for body in [&b"<html>"[..], b"[]", b"", b"null", &[0xff]] {
        assert_eq!(ClientDocument::parse(URL, body), Err(ClientDocumentError::NotJson));
    }
    let large = document(|document| document["x"] = json!("x".repeat(MAX_DOCUMENT_LEN)));
    assert_eq!(ClientDocument::parse(URL, &large), Err(ClientDocumentError::NotJson));
}

#[test]
fn a_document_has_no_secret() {
    for name in SECRET_MEMBERS {
        let refused = parsed(|document| document[name] = json!(0));
        assert_eq!(refused, Err(ClientDocumentError::Published(name)));
    }
    let key = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c" }] });
    let refused = parsed(|document| document["jwks"] = key);
    assert_eq!(refused, Err(ClientDocumentError::Published("a private key")));
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt", "other"] {
        let refused = parsed(|document| document["token_endpoint_auth_method"] = json!(method));
        assert_eq!(refused, Err(ClientDocumentError::Method), "{method}");
    }
    let silent = parsed(|document| document["token_endpoint_auth_method"] = Value::Null);
    assert_eq!(silent.map(|it| it.method), Ok(AuthMethod::None));
}

#[test]
fn a_key_makes_the_client_confidential() {
    let with = |name: &'static str, value: Value| {
        parsed(|document| {
            document["token_endpoint_auth_method"] = json!("private_key_jwt");
            document[name] = value;
        })
    };
    let uri = with("jwks_uri", json!("https://app.test/jwks")).expect("usable");
    assert_eq!(uri.keys.url(), Some("https://app.test/jwks"));
    let key = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "a", "y": "b" }] });
    let inline = with("jwks", key.clone()).expect("usable");
    assert_eq!(inline.keys.inline(), Some(&key));
    let url = DocumentUrl::parse(URL).expect("one");
    let client =
        client_of_document((&tenant(any_host()), &servers()), &url, &inline).expect("admitted");
    assert!(matches!(client.authentication, ClientAuthentication::PrivateKeyJwt { .. }));
    for (name, value) in [
        ("x", json!(1)),
        ("jwks", json!({ "keys": [] })),
        ("jwks", json!([])),
        ("jwks_uri", json!("http://app.test/jwks")),
        ("jwks_uri", json!("https://me@app.test/jwks")),
        ("jwks_uri", json!(7)),
    ] {
        let refused = with(name, value.clone());
        assert!(matches!(refused, Err(ClientDocumentError::Member(..))), "{name} {value}");
    }
}

#[test]
fn redirect_uris_and_grant_types_are_usable() {
    for (name, value) in [
        ("redirect_uris", json!([])),
        ("redirect_uris", Value::Null),
        ("redirect_uris", json!("https://app.test/cb")),
        ("redirect_uris", json!(["https://app.test/cb", 7])),
        ("redirect_uris", json!(["https://app.test/cb#x"])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!([])),
        ("response_types", json!(["token"])),
    ] {
        let refused = parsed(|document| document[name] = value.clone());
        assert!(matches!(refused, Err(ClientDocumentError::Member(..))), "{name} {value}");
    }
    let other = json!(["authorization_code", "client_credentials"]);
    let document = parsed(|document| document["grant_types"] = other).expect("usable");
    assert!(!document.refreshes, "others are left out");
}

#[test]
fn a_name_that_could_disguise_the_page_is_not_shown() {
    for name in ["", " ", "a\nb", "a\u{202e}b", &"a".repeat(MAX_NAME_LEN + 1)] {
        let client = client(|document| document["client_name"] = json!(name));
        assert_eq!(client.name, "app.test/client.json", "{name:?}");
    }
}

#[test]
fn the_tenant_bounds_redirect_uris_and_scopes() {
    let uris = json!(["https://evil.test/cb", "com.example.app:/cb", "https://app.test/cb"]);
    let bounded = client(|document| document["redirect_uris"] = uris);
    let left: Vec<_> = bounded.redirect_uris.iter().map(RedirectUri::as_str).collect();
    assert_eq!(left, ["https://app.test/cb"]);
    for (scope, granted) in [
        (json!("openid email admin"), vec!["openid"]),
        (json!("tickets.read"), vec!["offline_access", "openid", "profile"]),
        (json!("tickets.read profile"), vec!["profile"]),
        // Names that mean nothing here do not give more than the document asks for.
        (json!("unknown"), vec![]),
        (json!("payroll.read"), vec![]),
        (json!(""), vec!["offline_access", "openid", "profile"]),
        (json!(7), vec!["offline_access", "openid", "profile"]),
    ] {
        let client = client(|document| document["scope"] = scope.clone());
        let scopes: Vec<_> = client.scopes.iter().map(String::as_str).collect();
        assert_eq!(scopes, granted, "{scope}");
    }
}

#[test]
fn restrictions_of_the_client_are_honoured() {
    let plain = client(|_| ());
    assert!(!plain.details.binds_access_tokens() && !plain.require_pushed_requests);
    let restricted = client(|document| {
        document["dpop_bound_access_tokens"] = json!(true);
        document["require_pushed_authorization_requests"] = json!(true);
        document["require_auth_time"] = json!(true);
        document["default_max_age"] = json!(60);
        document["default_acr_values"] = json!(["gold"]);
        document["request_object_signing_alg"] = json!("ES256");
        document["id_token_signed_response_alg"] = json!("RS256");
        document["authorization_signed_response_alg"] = json!("RS256");
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks_uri"] = json!("https://app.test/jwks");
        document["token_endpoint_auth_signing_alg"] = json!("PS256");
    });
    assert!(restricted.details.dpop_bound_access_tokens && restricted.require_pushed_requests);
    assert!(restricted.require_auth_time);
    assert_eq!(restricted.default_max_age.map(|it| it.as_secs()), Some(60));
    assert_eq!(restricted.details.default_acr_values, ["gold"]);
    assert_eq!(restricted.request_object_signing_alg, Some(JwsAlgorithm::ES256));
    let algorithm = SigningAlgorithm::RS256;
    let id_token = Some(IdTokenAlgorithm::Signed(algorithm));
    assert_eq!(restricted.id_token_signed_response_alg, id_token);
    assert_eq!(restricted.authorization_signed_response_alg, Some(algorithm));
    let ClientAuthentication::PrivateKeyJwt { policy } = restricted.authentication else {
        panic!("{:?}", restricted.authentication.method())
    };
    assert_eq!(policy.signing_alg, Some(JwsAlgorithm::PS256));
    let by_certificate =
        client(|document| document["tls_client_certificate_bound_access_tokens"] = json!(true));
    assert!(by_certificate.details.tls_client_certificate_bound_access_tokens);
}

#[test]
fn a_restriction_that_cannot_be_honoured_is_refused() {
    for (name, value) in [
        ("dpop_bound_access_tokens", json!("true")),
        ("require_pushed_authorization_requests", json!(1)),
        ("require_auth_time", json!([])),
        ("default_max_age", json!(-1)),
        ("default_max_age", json!(31_536_001)),
        ("default_acr_values", json!("gold")),
        ("default_acr_values", json!(["two words"])),
        ("request_object_signing_alg", json!("HS256")),
        ("request_object_signing_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("id_token_signed_response_alg", json!("none")),
        ("authorization_signed_response_alg", json!(7)),
        ("subject_type", json!("pairwise")),
    ] {
        let refused = parsed(|document| document[name] = value.clone());
        let is_it = |it: &ClientDocumentError| matches!(it, ClientDocumentError::Member(member, _) if *member == name);
        assert!(refused.as_ref().is_err_and(is_it), "{name} {value}: {refused:?}");
    }
    for (name, value) in [
        ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
        ("introspection_signed_response_alg", json!("RS256")),
        ("userinfo_signed_response_alg", json!("RS256")),
        ("require_signed_request_object", json!(true)),
        ("software_statement", json!("a.b.c")),
    ] {
        let refused = parsed(|document| document[name] = value.clone());
        let is_it = |it: &ClientDocumentError| matches!(it, ClientDocumentError::Unsupported(member, _) if *member == name);
        assert!(refused.as_ref().is_err_and(is_it), "{name} {value}: {refused:?}");
    }
    let name = "token_endpoint_auth_signing_alg";
    assert!(parsed(|document| document[name] = json!("HS256")).is_ok(), "the client is public");
    let assertion = parsed(|document| {
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["jwks_uri"] = json!("https://app.test/jwks");
        document[name] = json!("HS256");
    });
    assert!(matches!(assertion, Err(ClientDocumentError::Member(member, _)) if member == name));
    let both = parsed(|document| {
        document["dpop_bound_access_tokens"] = json!(true);
        document["tls_client_certificate_bound_access_tokens"] = json!(true);
    });
    assert!(both.is_err());
}

#[test]
fn the_tenant_has_what_a_restriction_needs() {
    let tenant = tenant(any_host());
    let check = |name: &str, value: Value| {
        let document = parsed(|document| document[name] = value).expect("usable");
        document.restrictions.check_tenant(&tenant).is_ok()
    };
    assert!(check("id_token_signed_response_alg", json!("RS256")));
    assert!(!check("id_token_signed_response_alg", json!("ES256")));
    assert!(!check("authorization_signed_response_alg", json!("ES256")));
    assert!(!check("tls_client_certificate_bound_access_tokens", json!(true)));
    assert!(check("tls_client_certificate_bound_access_tokens", json!(false)));
}

#[test]
fn without_its_document_a_client_can_do_nothing() {
    let url = DocumentUrl::parse(URL).expect("one");
    let bare = client_without_document(&tenant(any_host()), &url).expect("admitted");
    assert!(bare.redirect_uris.is_empty() && bare.grant_types.is_empty());
    assert!(!bare.is_public() && bare.authentication.secrets().is_empty());
    assert!(client_without_document(&fixtures::tenant(), &url).is_none(), "disabled");
}

proptest! {
    #[test]
    fn reading_any_document_never_panics(
        member in "[a-z_]{1,26}|jwks|jwks_uri|redirect_uris|grant_types|client_name|scope",
        value in ".{0,40}",
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = ClientDocument::parse(URL, &bytes);
        let _ = DocumentUrl::parse(&value);
        let parsed = serde_json::from_str(&value).unwrap_or_else(|_| json!(value));
        for value in [json!([parsed]), json!({ "keys": [parsed] }), parsed] {
            let read = self::parsed(|document| document[member.as_str()] = value);
            if let Ok(document) = read {
                prop_assert!(matches!(document.method, AuthMethod::None | AuthMethod::PrivateKeyJwt));
                prop_assert!(!document.redirect_uris.is_empty());
            }
        }
    }
}

//! Plan `oidcc-config-certification-test-plan`: metadata of a provider with TLS.

use std::sync::Arc;

use lanyard::http::TlsConfig;
use serde_json::Value;
use url::Url;

use crate::conformance::{
    app::{TestApp, write_pair},
    checks,
    op::MANIFESTS,
};

/// A provider with TLS, and an HTTP client that trusts its certificate.
pub struct Secure {
    pub metadata: Value,
    issuer: String,
    http: reqwest::Client,
    _app: TestApp,
}

impl Secure {
    pub async fn discover() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let pem = write_pair(&certificate, &key);
        let tls = TlsConfig::load(&certificate, &key).expect("a pair");
        let app = TestApp::start_tls(MANIFESTS, Arc::new(tls)).await;
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let builder = reqwest::Client::builder().tls_certs_only([root]);
        let http = builder.resolve("id.test", app.address).build().expect("a client");
        let issuer = app.issuer("op");
        let url = format!("{issuer}/.well-known/openid-configuration");
        let answer = http.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        checks::is_json(&answer);
        let metadata = answer.json().await.expect("JSON");
        Self { metadata, issuer, http, _app: app }
    }

    /// The URL of a field: absolute, https, without a fragment.
    pub fn endpoint(&self, name: &str) -> Url {
        let url = Url::parse(checks::text(&self.metadata, name)).expect("an absolute URL");
        assert_eq!((url.scheme(), url.fragment()), ("https", None), "{name}");
        url
    }

    fn list(&self, name: &str) -> Vec<&str> {
        let list = self.metadata[name].as_array().unwrap_or_else(|| panic!("no list {name}"));
        list.iter().map(|value| value.as_str().expect("text")).collect()
    }

    fn has(&self, name: &str, wanted: &[&str]) {
        let list = self.list(name);
        for value in wanted {
            assert!(list.contains(value), "{value} in {name}: {list:?}");
        }
    }
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    // OIDC Discovery §3, §4.3; RFC 8414 §2
    let op = Secure::discover().await;
    assert_eq!(op.metadata["issuer"], op.issuer.as_str());
    op.endpoint("issuer");
    for (name, wanted) in [
        ("response_types_supported", &["code", "id_token", "id_token token"][..]),
        ("subject_types_supported", &["public"]),
        ("id_token_signing_alg_values_supported", &["RS256"]),
        ("userinfo_signing_alg_values_supported", &["RS256"]),
        ("request_object_signing_alg_values_supported", &["RS256", "none"]),
        ("grant_types_supported", &["authorization_code", "implicit"]),
        ("scopes_supported", &["openid"]),
        ("claims_supported", &["sub", "iss", "name", "email"]),
        ("code_challenge_methods_supported", &["S256"]),
    ] {
        op.has(name, wanted);
    }
    for switch in [
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "claims_parameter_supported",
    ] {
        assert_eq!(op.metadata[switch], true, "{switch}");
    }
    for name in op.metadata.as_object().expect("an object").keys() {
        if name.ends_with("_endpoint") || name.ends_with("_uri") {
            op.endpoint(name);
        }
    }
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint"] {
        op.endpoint(name);
    }
    let scope = |word: &&str| word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    assert!(op.list("scopes_supported").iter().all(scope));
    // RFC 5646 §2.1.1: languages are written in lower case.
    let language = |tag: &&str| tag.len() == 2 && tag.bytes().all(|b| b.is_ascii_lowercase());
    assert!(op.list("ui_locales_supported").iter().all(language));
    let jwks = op.http.get(op.endpoint("jwks_uri")).send().await.expect("an answer");
    checks::is_json(&jwks);
    assert!(!checks::keys(&jwks.json().await.expect("JSON")).is_empty());
}

//! Any assertion: no panic, and only assertions of this client, or of the issuer that it trusts, for this
//! issuer are accepted.
#![no_main]

use std::sync::{Arc, LazyLock};

use lanyard::{
    model::{
        AssertionAudience, AssertionPolicy, Client, ClientAuthentication, FederatedCredential,
        FederatedIssuer, FederatedSubject, SubjectPattern, Timestamp,
    },
    protocol::{
        client_auth::{
            self, AcceptedAudiences, ASSERTION_TYPE, AssertionForm, FederatedAssertion,
            SPIFFE_ASSERTION_TYPE,
        },
        jwt::UnverifiedJwt,
        params::RequestParams,
    },
};
use lanyard_fuzz::client;
use libfuzzer_sys::fuzz_target;

const CI: &str = "https://ci.test";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static CLIENT: LazyLock<Arc<Client>> = LazyLock::new(|| {
    let policy = AssertionPolicy::default();
    let credential = FederatedCredential {
        issuer: FederatedIssuer::Named { issuer: CI.into(), jwks: None },
        subject: FederatedSubject::Pattern(SubjectPattern::parse("repo:acme/*").expect("one")),
        audience: "https://id.test/team/shop".into(),
        claims: [("ref".to_owned(), "main".to_owned())].into(),
    };
    Arc::new(Client {
        authentication: ClientAuthentication::PrivateKeyJwt { policy },
        federated_credentials: [credential].into(),
        ..client()
    })
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for form in [ASSERTION_TYPE, SPIFFE_ASSERTION_TYPE] {
        let body = format!(
            "client_assertion_type={}&client_assertion={}",
            urlencoded(form),
            urlencoded(&text)
        );
        let params = RequestParams::parse(body.as_bytes());
        if let Ok(credentials) = client_auth::parse_credentials(None, &params, |_| false) {
            let _ = client_auth::check_credentials(Some(&CLIENT), &credentials);
        }
    }
    // The claims alone, without the signature.
    if let Ok(serde_json::Value::Object(claims)) = serde_json::from_slice(bytes) {
        let jwt = UnverifiedJwt {
            algorithm: lanyard::model::JwsAlgorithm::ES256,
            kid: None,
            typ: None,
            claims,
        };
        let audience = AcceptedAudiences {
            allowed: AssertionAudience::IssuerOrEndpoint,
            issuer: "https://id.test/team/shop",
            token_endpoint: "https://id.test/team/shop/oauth/token",
            endpoint: "https://id.test/team/shop/oauth/token",
            internal: &[],
        };
        if client_auth::check_assertion_claims(&CLIENT, &jwt, audience, NOW).is_ok() {
            assert_eq!(jwt.text("iss"), Some(CLIENT.id.as_str()));
            assert!(jwt.time("exp").is_some_and(|exp| exp > NOW.secs()));
        }
        let assertion = FederatedAssertion { form: AssertionForm::JwtBearer, jwt: &jwt };
        for (_, credential) in client_auth::matching_credentials(&CLIENT, assertion, None) {
            if client_auth::check_federated_claims(credential, assertion, NOW).is_ok() {
                assert_eq!((jwt.text("iss"), jwt.text("ref")), (Some(CI), Some("main")));
                let subject = jwt.text("sub").expect("a subject");
                assert!(subject.strip_prefix("repo:acme/").is_some_and(|it| !it.contains(['/', ':'])));
                assert!(jwt.time("exp").is_some_and(|exp| exp > NOW.secs()));
            }
        }
    }
});

fn urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

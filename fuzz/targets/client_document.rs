//! Any client metadata document: no panic, and a client of it is public or has public keys, asks for consent, and
//! has redirect URIs of the policy only. Any client ID: one that is a URL has one spelling.
#![no_main]

use std::sync::{Arc, LazyLock};

use lanyard::{
    model::{
        AuthMethod, ClientDocumentMode, ClientDocumentPolicy, ConsentPolicy, ResourceServers,
        Tenant,
    },
    protocol::client_document::{ClientDocument, DocumentUrl, client_of_document},
};
use lanyard_fuzz::tenant;
use libfuzzer_sys::fuzz_target;

const URL: &str = "https://app.test/client.json";

static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    let scopes = ["openid", "email"].map(str::to_owned).into();
    let policy = ClientDocumentPolicy {
        mode: ClientDocumentMode::AnyHost,
        scopes: Arc::new(scopes),
        ..ClientDocumentPolicy::default()
    };
    Tenant { client_documents: Arc::new(policy), ..tenant() }
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(id) = std::str::from_utf8(bytes)
        && let Ok(url) = DocumentUrl::parse(id)
    {
        assert_eq!((url.as_str(), url.key().to_string().as_str()), (id, id));
        assert!(!url.host().is_empty() && url.authority().starts_with(url.host()));
        assert!(id.starts_with("https://") && !id.contains(['?', '#', '@', ' ']));
        // The first three parts are the scheme, nothing and the host, which may be "." for a resolver.
        assert!(!id.split('/').skip(3).any(|segment| matches!(segment, "." | "..")));
    }
    let Ok(document) = ClientDocument::parse(URL, bytes) else { return };
    let url = DocumentUrl::parse(URL).expect("a URL");
    let client = client_of_document((&TENANT, ResourceServers::none()), &url, &document)
        .expect("an admitted host");
    assert!(client.is_described_by_document() && client.consent == ConsentPolicy::Required);
    assert!(client.requires_pkce() && client.authentication.secrets().is_empty());
    match client.authentication.method() {
        AuthMethod::None => {}
        AuthMethod::PrivateKeyJwt => {
            assert!(client.keys.url().is_some() || client.keys.inline().is_some());
        }
        other => panic!("{other}"),
    }
    assert!(client.scopes.is_subset(&TENANT.client_documents.scopes));
    for uri in &client.redirect_uris {
        let text = uri.as_str().to_ascii_lowercase();
        assert!(text.starts_with("https://app.test") || text.starts_with("http://"), "{text}");
    }
});

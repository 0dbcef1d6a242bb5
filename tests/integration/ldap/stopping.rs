//! A directory that stops in the middle of a sign-in.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    app::TestApp,
    browser::{Application, Browser},
    tls::TlsServer,
};

const MANIFESTS: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wiki}
spec: {tenantRef: {name: shop}, consent: Implied, redirectUris: ["https://rp.test/cb"], tokenEndpointAuthMethod: none}
---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: acme}
spec:
  tenantRef: {name: shop}
  type: LDAP
  displayName: The Acme directory
  admit: Everyone
  ldap:
    url: ldaps://localhost:PORT
    bindSecretRef: {name: account}
    caRef: {name: ca}
    schema: OpenLDAP
    users: {base: 'dc=acme,dc=test'}
---
apiVersion: v1
kind: Secret
metadata: {name: account}
stringData: {username: "cn=search,dc=acme,dc=test", password: search-password}
---
apiVersion: v1
kind: Secret
metadata: {name: ca}
stringData:
  ca.crt: |
    CERTIFICATE
"#;

/// A server that answers the bind, and closes the connection when the search comes.
async fn stopping() -> TlsServer {
    TlsServer::start(2099, async |mut stream| {
        let mut request = [0; 4096];
        if stream.read(&mut request).await.is_ok_and(|read| read > 5) {
            // RFC 4511 §4.2.2: success, with the message id of the request.
            let bound = [0x30, 0x0c, 0x02, 0x01, request[4], 0x61, 0x07, 0x0a, 1, 0, 4, 0, 4, 0];
            let _ = stream.write_all(&bound).await;
            let _ = stream.read(&mut request).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_directory_that_stops_between_bind_and_search_has_a_page_and_loses_nothing() {
    let server = stopping().await;
    let manifests = MANIFESTS
        .replace("PORT", &server.port.to_string())
        .replace("CERTIFICATE", &server.certificate.replace('\n', "\n    "));
    let app = TestApp::start(&manifests).await;
    let issuer = app.issuer("shop");
    let wiki = Application::discover(&issuer, "default.wiki", None, "https://rp.test/cb").await;
    let browser = Browser::new();
    let page = browser.open(&wiki.authorize_url("openid", &[])).await;
    let fields = [("username", "ada"), ("password", "ada-password")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert_eq!(page.status, 503, "{}", page.body);
    let text = "The Acme directory does not answer at the moment. Please try again in a moment.";
    assert!(page.body.contains(text), "{}", page.body);
    assert!(page.body.contains("value=\"ada\""), "the name is kept: {}", page.body);
    let line = app.audit.last("sign_in");
    assert_eq!(
        (&line["reason"], &line["provider"]),
        (&"provider_unavailable".into(), &"acme".into())
    );
    let cause = line["cause"].as_str().expect("a cause");
    assert!(cause.contains("localhost") && cause.contains("search of people"), "{cause}");
    assert!(!line.to_string().contains("ada-password"), "{line}");
}

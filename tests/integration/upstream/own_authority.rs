//! Providers whose certificates are of an authority that only their objects name.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::{
    app::TestApp,
    browser::{Browser, Page},
    github::{GITHUB, sign_in_with},
    upstream::{Upstream, read_request},
    world::{application, id_token, refresh_at, tokens, with_application},
};
use crate::support::tls::ServerAuthority;

const CORP: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc:
    issuer: UPSTREAM
    clientId: lanyard
    clientSecretRef: {name: secret}
    userinfo: Always
    # CA
  refresh: {mode: Upstream, interval: 15m}
  admit: Everyone
";

/// A Secret with the certificate of an authority.
fn secret(authority: &ServerAuthority) -> String {
    let pem = json!(authority.certificate);
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: ca}}\nstringData: {{ca.crt: {pem}}}\n")
}

fn manifests(upstream: &Upstream, authority: Option<&ServerAuthority>) -> String {
    let provider = CORP.replace("UPSTREAM", &upstream.issuer);
    let provider = match authority {
        Some(authority) => {
            format!("{}---\n{}", provider.replace("# CA", "caRef: {name: ca}"), secret(authority))
        }
        None => provider,
    };
    with_application(&provider)
}

/// The answer to a sign-in at the provider.
async fn sign_in(app: &TestApp, upstream: &Upstream) -> Page {
    let browser = Browser::new();
    let url = application(app).await.authorize_url("openid profile offline_access", &[]);
    let page = browser.open(&url).await;
    let Some(url) = page.left_for.clone() else { return page };
    let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
    let callback = format!("{}/callback/corp", app.issuer("main"));
    let answer = [("code", "a-code"), ("state", request["state"].as_str())];
    let url = url::Url::parse_with_params(&callback, answer).expect("a URL");
    browser.open(url.as_str()).await
}

#[tokio::test]
async fn the_servers_of_a_provider_are_verified_by_its_own_authority() {
    let (authority, stranger) = (ServerAuthority::new(), ServerAuthority::new());
    let upstream = Upstream::start_signed(&authority).await;
    upstream.answers(|script| script.userinfo = json!({"sub": "1", "nickname": "al"}));
    let app = TestApp::start(&manifests(&upstream, Some(&authority))).await;
    let page = sign_in(&app, &upstream).await;
    let first = tokens(&app, &page).await;
    // Discovery, keys, tokens and userinfo came from there.
    assert_eq!(upstream.requests.lock().expect("whole").len(), 1);
    let claims = super::browser::claims(first["id_token"].as_str().expect("one"));
    assert_eq!(claims["nickname"], "al");
    // So does a refresh.
    app.clock.advance(Duration::from_mins(16));
    let refresh_token = first["refresh_token"].as_str().expect("one");
    let (status, refreshed) = refresh_at(&application(&app).await, refresh_token).await;
    assert_eq!(status, 200, "{refreshed}");
    assert_eq!(upstream.requests.lock().expect("whole").len(), 2);

    for wrong in [None, Some(&stranger)] {
        let app = TestApp::start(&manifests(&upstream, wrong)).await;
        let page = sign_in(&app, &upstream).await;
        assert_eq!(page.status, 503, "{}", page.body);
        // A changed Secret counts at the next call.
        app.clock.advance(Duration::from_mins(2));
        app.serve(&manifests(&upstream, Some(&authority)));
        let page = sign_in(&app, &upstream).await;
        assert!(id_token(&app, &page).await["sub"].is_string());
    }
    assert_eq!(upstream.requests.lock().expect("whole").len(), 4);
}

#[tokio::test]
async fn github_enterprise_server_is_verified_by_its_own_authority() {
    let authority = ServerAuthority::new();
    let (acceptor, listener) =
        (authority.acceptor(), TcpListener::bind("127.0.0.1:0").await.expect("a port"));
    let host = format!("localhost:{}", listener.local_addr().expect("bound").port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let Some((path, _)) = read_request(&mut stream).await else { continue };
            let member = json!({"organization": {"login": "acme"}});
            let answer = match path.split('?').next().unwrap_or_default() {
                "/login/oauth/access_token" => json!({"access_token": "x", "token_type": "bearer"}),
                "/api/v3/user" => json!({"id": 7, "login": "octocat"}),
                "/api/v3/user/memberships/orgs" => json!([member]),
                _ => json!([]),
            };
            let text = answer.to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    for (ca, status) in [("caRef: {name: ca}", 303), ("", 503)] {
        let provider = GITHUB.replace("# HOST", &format!("host: {host}\n    {ca}"));
        let objects = format!("{provider}---\n{}", secret(&authority));
        let app = TestApp::start(&with_application(&objects)).await;
        let page = sign_in_with(&Browser::new(), &app, ("localhost", "openid profile")).await;
        assert_eq!(page.status, status, "{}", page.body);
        if status == 303 {
            assert_eq!(id_token(&app, &page).await["preferred_username"], "octocat");
        }
    }
}

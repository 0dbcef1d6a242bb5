//! A tenant whose people come from another tenant of the installation, by `clientRef`.

use super::{
    app::TestApp,
    browser::Browser,
    world::{ADA, application, id_token, sign_in},
};

const MANIFESTS: &str = include_str!("client_ref.yaml");

#[tokio::test]
async fn a_client_gives_issuer_credentials_and_redirect_uri() {
    let app = TestApp::start(MANIFESTS).await;
    // The other tenant cannot be reached over the network.
    let issuer = app.issuer("home");
    for path in ["/.well-known/openid-configuration", "/oauth/jwks", "/oauth/token"] {
        app.publish(&format!("{issuer}{path}"), "not a document");
    }
    let (application, browser) = (application(&app).await, Browser::new());
    let page = browser.open(&application.authorize_url("openid profile email groups", &[])).await;
    assert!(page.url.path().starts_with("/default/home/"), "{}", page.url);
    let page = sign_in(&browser, &page, ADA).await;
    let claims = id_token(&app, &page).await;
    assert_eq!(claims["preferred_username"], "ada");
    assert_eq!(claims["email"], "ada@home.test");
    assert_eq!(claims["groups"], serde_json::json!(["home:staff"]));
}

#[tokio::test]
async fn the_tenant_of_the_provider_signs_for_a_client_without_a_secret() {
    const SECRET: &str = "  tokenEndpointAuthMethod: client_secret_post\n  consent: Implied\n  secretRef: {name: secret}";
    assert!(MANIFESTS.contains(SECRET));
    for more in ["", "  tokenEndpointAuthSigningAlg: RS256\n  clientAssertionAudience: Issuer\n"] {
        let key = format!(
            "  tokenEndpointAuthMethod: private_key_jwt\n  consent: Implied\n{more}  jwksUri: ORIGIN/default/main/oauth/jwks"
        );
        let app = TestApp::start(&MANIFESTS.replace(SECRET, &key)).await;
        // Nothing is fetched over the network, not even the keys of a tenant.
        for tenant in ["home", "main"] {
            for path in ["/.well-known/openid-configuration", "/oauth/jwks", "/oauth/token"] {
                app.publish(&format!("{}{path}", app.issuer(tenant)), "not a document");
            }
        }
        let (application, browser) = (application(&app).await, Browser::new());
        let page = browser.open(&application.authorize_url("openid profile email", &[])).await;
        let page = sign_in(&browser, &page, ADA).await;
        assert_eq!(id_token(&app, &page).await["preferred_username"], "ada", "{more}");
    }
}

#[tokio::test]
async fn only_the_callback_of_a_provider_is_registered() {
    let app = TestApp::start(MANIFESTS).await;
    let (home, main) = (app.issuer("home"), app.issuer("main"));
    for (callback, status) in [("callback/home", 200), ("callback/other", 400), ("login", 400)] {
        let url = format!(
            "{home}/oauth/authorize?response_type=code&client_id=default.lanyard&scope=openid&redirect_uri={main}/{callback}"
        );
        let page = Browser::new().open(&url).await;
        assert_eq!(page.status, status, "{callback}");
    }
}

/// Nothing is registered at the other tenant but the client, and nothing is called over the network.
#[tokio::test]
async fn a_sign_out_at_the_other_tenant_ends_the_session_here() {
    let app = TestApp::start(MANIFESTS).await;
    let (application, browser) = (application(&app).await, Browser::new());
    let url = application.authorize_url("openid", &[]);
    let page = sign_in(&browser, &browser.open(&url).await, ADA).await;
    id_token(&app, &page).await;
    let silent = application.authorize_url("openid", &[("prompt", "none")]);
    assert!(browser.open(&silent).await.answer().contains_key("code"));
    let page = browser.open(&format!("{}/oauth/logout", app.issuer("home"))).await;
    browser.submit(&page.form("/logout"), &[("action", "logout")]).await;
    for _ in 0..100 {
        if browser.open(&silent).await.answer().contains_key("error") {
            assert!(app.audit.of("logout").iter().any(|line| line["kind"] == "upstream"));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the session goes on");
}

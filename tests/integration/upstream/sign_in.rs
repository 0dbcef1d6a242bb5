//! Sign-in at an OpenID provider.

use serde_json::json;

use super::{
    browser::Browser,
    world::{ADA, application, id_token, sign_in, with_home},
};

const SCOPES: &str = "openid profile email groups offline_access";

#[tokio::test]
async fn a_person_of_another_provider_signs_in() {
    let app = with_home().await;
    let (application, browser) = (application(&app).await, Browser::new());
    // The provider is the only source of people, so no page of `main` comes first.
    let page = browser.open(&application.authorize_url(SCOPES, &[])).await;
    assert!(page.url.path().starts_with("/default/home/"), "{}", page.url);
    let page = sign_in(&browser, &page, ADA).await;
    let claims = id_token(&app, &page).await;
    let expected = json!({
        "name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@home.test",
        "email_verified": true, "groups": ["home:staff"], "amr": ["fed"],
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(claims[name], *value, "{name}");
    }
    assert_ne!(claims["sub"], app.subject("home", "ada"), "not the provider's subject");
    let again = browser.open(&application.authorize_url(SCOPES, &[("prompt", "none")])).await;
    assert_eq!(id_token(&app, &again).await["sub"], claims["sub"]);
}

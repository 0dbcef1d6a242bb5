//! The language of pages: by `ui_locales`, by the browser, by the tenant, and through all pages of a sign-in.

use std::time::Duration;

use serde_json::json;

use super::{
    browser::{Browser, Page},
    world::{ALICE, World, is_consent, sign_in},
};

/// A browser whose person reads these languages.
fn browser_of(languages: &str) -> Browser {
    let mut browser = Browser::new();
    browser.send("accept-language", languages);
    browser
}

fn assert_language(page: &Page, language: &str) {
    assert!(page.body.contains(&format!("<html lang=\"{language}\" ")), "{}", page.body);
    assert_eq!(page.headers["content-language"], language);
    assert!(page.headers.get_all("vary").iter().any(|it| it == "accept-language"));
}

#[tokio::test]
async fn a_page_has_the_language_of_the_parameter_the_browser_or_the_tenant() {
    // OIDC Core §3.1.2.1, RFC 9110 §12.5.4
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    for (ui_locales, accept_language, expected) in [
        (None, None, "en"),
        (None, Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
        (None, Some("fr;q=0.9,de;q=0.1"), "de"),
        (None, Some("fr"), "en"),
        (Some("en"), Some("de"), "en"),
        (Some("fr de-CH en"), Some("en"), "de"),
        (Some("fr"), Some("de"), "de"),
        (Some("\" onload=\"x"), Some("\"><script>"), "en"),
    ] {
        let url = match ui_locales {
            Some(text) => trusted.authorize_url("openid", &[("ui_locales", text)]),
            None => trusted.authorize_url("openid", &[]),
        };
        let browser = accept_language.map_or_else(Browser::new, browser_of);
        assert_language(&browser.open(&url).await, expected);
    }
    let branding = "  branding: {primaryColor";
    world.change(branding, "  branding: {defaultLocale: de, primaryColor");
    let url = trusted.authorize_url("openid", &[]);
    assert_language(&Browser::new().open(&url).await, "de");
    assert_language(&browser_of("fr").open(&url).await, "de");
    assert_language(&browser_of("en").open(&url).await, "en");
}

#[tokio::test]
async fn the_language_of_the_application_survives_all_pages_of_a_sign_in() {
    let world = World::new().await;
    let wiki = world.application("wiki").await;
    let url = wiki.authorize_url("openid profile", &[("ui_locales", "de"), ("prompt", "consent")]);
    let browser = browser_of("en");
    let page = browser.open(&url).await;
    assert_language(&page, "de");
    assert!(page.body.contains(">Anmelden</button>"), "{}", page.body);
    let wrong = sign_in(&browser, &page, ("alice", "wrong")).await;
    assert_language(&wrong, "de");
    assert!(
        wrong.body.contains("Der Benutzername oder das Passwort ist falsch."),
        "{}",
        wrong.body
    );
    let consent = sign_in(&browser, &wrong, ALICE).await;
    assert!(is_consent(&consent), "{}", consent.body);
    assert_language(&consent, "de");
    assert!(consent.body.contains("Erfahren, wer Sie sind"), "{}", consent.body);
    // The page that is stored in the meantime, and the error of a form that is too old.
    let switched = browser.submit(&consent.form("/consent"), &[("action", "switch")]).await;
    assert_language(&switched, "de");
    world.app.clock.advance(Duration::from_secs(3600));
    let expired = browser.submit(&consent.form("/consent"), &[("action", "allow")]).await;
    assert_eq!(expired.status, 400);
    assert_language(&expired, "de");
    assert!(expired.body.contains("Diese Seite ist abgelaufen"), "{}", expired.body);
}

#[tokio::test]
async fn the_language_survives_a_sign_out_and_the_way_to_the_account_page() {
    let world = World::new().await;
    let browser = world.alice().await;
    let issuer = world.app.issuer("shop");
    let question = browser.open(&format!("{issuer}/oauth/logout?ui_locales=de")).await;
    assert_language(&question, "de");
    let done = browser.submit(&question.form("/oauth/logout"), &[("action", "logout")]).await;
    assert!(done.url.path().ends_with("/logged-out"), "{}", done.url);
    assert_language(&done, "de");
    let page = browser.open(&format!("{issuer}/account?ui_locales=de")).await;
    assert_language(&page, "de");
    assert!(page.body.contains("weiter zu <strong>Ihrem Konto</strong>"), "{}", page.body);
    let account = sign_in(&browser, &page, ALICE).await;
    assert_language(&account, "de");
    assert!(account.body.contains("<h1>Ihr Konto</h1>"), "{}", account.body);
    // Its forms and the pages after them keep the language of the link.
    let form = account.form("/account");
    let confirmed = browser.submit(&form, &[("action", "sign-out-everywhere")]).await;
    assert_language(&confirmed, "de");
    world.change(
        "displayName: Harbour Works",
        "displayName: Harbour Works\n  authenticators: {totp: Optional}",
    );
    let browser = world.alice().await;
    let account = browser.open(&format!("{issuer}/account?ui_locales=de")).await;
    assert!(
        account.body.contains("?setup=authenticator-app&#38;ui_locales=de"),
        "{}",
        account.body
    );
    let setup = format!("{issuer}/account?setup=authenticator-app&ui_locales=de");
    let setup = browser.open(&setup).await;
    assert_language(&setup, "de");
    assert!(setup.body.contains("href=\"/default/shop/account?ui_locales=de\""), "{}", setup.body);
}

#[tokio::test]
async fn errors_have_the_language_of_the_browser_and_details_that_of_developers() {
    let world = World::new().await;
    let issuer = world.app.issuer("shop");
    let browser = browser_of("de");
    let page = browser.open(&format!("{issuer}/oauth/authorize?client_id=nobody")).await;
    assert_eq!(page.status, 400);
    assert_language(&page, "de");
    assert!(page.body.contains("<h1>Unbekannte Anwendung</h1>"), "{}", page.body);
    assert!(page.body.contains("<p lang=\"en\" dir=\"ltr\">"), "{}", page.body);
    let mut nowhere = browser_of("de");
    nowhere.send("accept", "text/html");
    let page = nowhere.open(&format!("{issuer}/nothing")).await;
    assert_eq!(page.status, 404);
    assert_language(&page, "de");
    assert!(page.body.contains("<h1>Seite nicht gefunden</h1>"), "{}", page.body);
    // A document for programs has no language.
    let json = browser.open(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert!(!json.headers.contains_key("content-language"));
    let metadata: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    assert_eq!(metadata["ui_locales_supported"], json!(["en", "de"]));
}

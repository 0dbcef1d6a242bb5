//! Texts of a provider on every page that shows a person.

use serde_json::json;

use super::{
    attacks::{WITH_PASSWORD, World},
    browser::{Browser, Page},
};

const MARKUP: &str = "<img src=x onerror=alert(1)>\"'";
const CLIENT: &str = "  consent: Implied\n";
/// The grant types of the application, and those with which it can be used on a device too.
const GRANT_TYPES: (&str, &str) = (
    "grantTypes: [authorization_code, refresh_token]",
    "grantTypes: [authorization_code, refresh_token, \"urn:ietf:params:oauth:grant-type:device_code\"]",
);

/// The page has the text of the provider as text, or not at all.
fn assert_plain(page: &Page, place: &str, shown: bool) {
    let body = &page.body;
    assert!(page.left_for.is_none(), "{place}: {:?}", page.left_for);
    for markup in ["<img src=x", "onerror=alert(1)>\"", "javascript:"] {
        assert!(!body.contains(markup), "{place}: {body}");
    }
    assert_eq!(body.contains("&#60;img src=x onerror=alert(1)&#62;"), shown, "{place}: {body}");
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(!policy.contains("unsafe-inline") && policy.contains("default-src 'none'"), "{policy}");
}

async fn signed_in(world: &World) -> (Browser, Page) {
    world.upstream.answers(|script| {
        script.id_token = json!({
            "name": MARKUP, "preferred_username": MARKUP, "given_name": MARKUP, "nickname": MARKUP,
            "email": "ada@acme.test", "groups": [MARKUP],
            "picture": "javascript:alert(1)", "website": "JavaScript:alert(1)",
            "locale": MARKUP, "acr": MARKUP, "amr": [MARKUP], "sub": MARKUP,
        });
    });
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    (away.browser, page)
}

#[tokio::test]
async fn texts_of_a_provider_are_never_markup() {
    let world = World::new().await;
    world.serve(&WITH_PASSWORD);
    let (browser, page) = signed_in(&world).await;
    let claims = world.id_token(&page).await;
    assert_eq!(claims["name"], MARKUP, "a token has it as it is");
    assert!(claims.get("picture").is_none() && claims.get("website").is_none(), "{claims}");

    let application = world.application().await;
    for prompt in ["select_account", "login"] {
        let page = browser.open(&application.authorize_url("openid", &[("prompt", prompt)])).await;
        assert_plain(&page, prompt, true);
    }
    let page = browser.open(application.endpoint("end_session_endpoint")).await;
    assert_plain(&page, "logout", true);

    world.serve(&[WITH_PASSWORD[0], WITH_PASSWORD[1], (CLIENT, "  consent: Required\n")]);
    let (_, page) = signed_in(&world).await;
    assert_plain(&page, "consent", true);
    let refusing =
        "  consent: Implied\n  access: {rules: [{expression: \"'staff' in user.groups\"}]}\n";
    world.serve(&[WITH_PASSWORD[0], WITH_PASSWORD[1], (CLIENT, refusing)]);
    let (_, page) = signed_in(&world).await;
    assert_eq!(page.status, 403);
    assert_plain(&page, "refused entry", true);

    world.serve(&[]);
    let away = world.go("corp", &[]).await;
    for (name, shown) in [("error", false), ("error_description", false), ("iss", false)] {
        let answer = [("code", ""), ("error", "access_denied"), (name, MARKUP)];
        let page = world.back(&away, "corp", &answer).await;
        assert_plain(&page, name, shown);
    }
    let refused = json!({"error": MARKUP, "error_description": MARKUP}).to_string();
    for answer in [refused, MARKUP.to_owned(), json!({"id_token": MARKUP}).to_string()] {
        let page = world.sign_in("corp", |script| script.token_response = Some((200, answer)));
        assert_plain(&page.await, "token response", false);
    }
}

#[tokio::test]
async fn texts_of_a_provider_are_escaped_on_the_account_page() {
    let world = World::new().await;
    let (browser, page) = signed_in(&world).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    let account = format!("{}/account", world.app.issuer("main"));
    let page = browser.open(&account).await;
    assert_eq!((page.status, page.url.as_str()), (200, account.as_str()));
    assert_plain(&page, "account", true);
    assert!(page.body.contains("Acme &#60;b&#62;staff&#60;/b&#62;"), "{}", page.body);
    // The answers to its forms show the person too.
    let withdraw = [("application", "default.app")];
    let page = browser.submit(&page.form("/account"), &withdraw).await;
    assert!(page.body.contains("The access was withdrawn."), "{} {}", page.status, page.body);
    assert_plain(&page, "account after a form", true);
}

#[tokio::test]
async fn texts_of_a_provider_are_escaped_where_a_device_is_approved() {
    let world = World::with(&[GRANT_TYPES]).await;
    let (browser, page) = signed_in(&world).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    let application = world.application().await;
    let scope = [("scope", "openid profile")];
    let codes = application.post("device_authorization_endpoint", &scope).await;
    let codes: serde_json::Value = codes.json().await.expect("JSON");
    let user_code = codes["user_code"].as_str().unwrap_or_else(|| panic!("{codes}"));
    let page = browser.open(&format!("{}/device", world.app.issuer("main"))).await;
    assert_plain(&page, "device", false);
    let page = browser.submit(&page.form("/device"), &[("user_code", user_code)]).await;
    assert!(page.body.contains("value=\"allow\""), "{} {}", page.status, page.body);
    assert_plain(&page, "question of a device", true);
    let page = browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
    assert!(page.body.contains("The device has access"), "{} {}", page.status, page.body);
    assert_plain(&page, "answer about a device", false);
}

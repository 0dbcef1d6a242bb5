//! Authorization responses as self-submitting forms (OAuth 2.0 Form Post Response Mode).

use std::collections::BTreeMap;

use super::{
    browser::{Browser, Page},
    world::{ALICE, CALLBACK, World, is_sign_in, sign_in},
};

/// The hidden fields of a page that posts a response.
fn posted(page: &Page) -> BTreeMap<String, String> {
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains(&format!("method=\"post\" action=\"{CALLBACK}\"")), "{}", page.body);
    let value = |field: &str, name: &str| {
        let rest = field.split(&format!("{name}=\"")).nth(1).expect("the attribute");
        rest.split('"').next().expect("its end").replace("&#38;", "&").replace("&#58;", ":")
    };
    let fields = page.body.split("<input type=\"hidden\" ").skip(1);
    fields.map(|field| (value(field, "name"), value(field, "value"))).collect()
}

#[tokio::test]
async fn every_response_type_can_be_posted() {
    // Form Post Response Mode §2
    let world = World::new().await;
    let (hybrid, browser) = (world.application("hybrid").await, world.alice().await);
    for response_type in ["code", "id_token", "id_token token", "code id_token token"] {
        let changes = [("response_type", response_type), ("response_mode", "form_post")];
        let page = browser.open(&hybrid.authorize_url("openid", &changes)).await;
        let fields = posted(&page);
        assert_eq!(fields["state"], "a-state", "{response_type}");
        assert_eq!(fields["iss"], world.app.issuer("shop"), "RFC 9207");
        for word in response_type.split(' ') {
            let name = if word == "token" { "access_token" } else { word };
            assert!(fields.contains_key(name), "{response_type}: {name}");
        }
    }
}

#[tokio::test]
async fn posted_code_can_be_redeemed() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, Browser::new());
    let url = trusted.authorize_url("openid", &[("response_mode", "form_post")]);
    let page = browser.open(&url).await;
    assert!(is_sign_in(&page));
    let page = sign_in(&browser, &page, ALICE).await;
    let (status, tokens) = trusted.redeem(&posted(&page)["code"]).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn errors_are_posted_too() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let changes = [("response_mode", "form_post"), ("prompt", "none")];
    let page = Browser::new().open(&trusted.authorize_url("openid", &changes)).await;
    let fields = posted(&page);
    assert_eq!((fields["error"].as_str(), fields["state"].as_str()), ("login_required", "a-state"));
}

#[tokio::test]
async fn the_page_has_a_strict_policy_and_works_without_scripts() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let url = trusted.authorize_url("openid", &[("response_mode", "form_post")]);
    let page = browser.open(&url).await;
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    for part in ["default-src 'none'", "script-src 'self'", "form-action 'self' https:;"] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    // Clients load the page in a frame for `prompt=none`, as they do a redirect.
    assert!(!policy.contains("frame-ancestors") && !page.headers.contains_key("x-frame-options"));
    assert_eq!(page.headers["referrer-policy"], "strict-origin");
    assert_eq!(page.headers["cache-control"], "no-store");
    let script = page.body.split("<script src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let origin = page.url.origin().ascii_serialization();
    let script = browser.open(&format!("{origin}{}", script.expect("a script"))).await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(page.body.contains("<button"), "a button works without scripts");
}

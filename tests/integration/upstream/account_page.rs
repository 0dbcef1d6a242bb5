//! The account page of people of identity providers.

use std::{collections::BTreeMap, time::Duration};

use lanyard::model::Clock as _;
use serde_json::json;
use url::Url;

use super::{
    browser::{Browser, Page},
    world::{ADA, World, sign_in, with_home},
};

/// Answers the request that a browser was sent to the provider `corp` with.
async fn answered(world: &World, browser: &Browser, away: &Page) -> Page {
    let url = away.left_for.as_ref().expect("a redirect to the provider");
    let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    world.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    let answer = [("code", "a-code"), ("state", &request["state"])];
    let url = Url::parse_with_params(&callback, answer).expect("a URL");
    browser.open(url.as_str()).await
}

#[tokio::test]
async fn a_person_of_the_only_provider_is_led_there_and_back() {
    let app = with_home().await;
    let browser = Browser::new();
    let page = browser.open(&app.issuer("main")).await;
    assert!(page.url.path().starts_with("/default/home/"), "{}", page.url);
    let page = sign_in(&browser, &page, ADA).await;
    assert!(page.url.path().ends_with("/default/main/account"), "{} {}", page.url, page.body);
    for expected in ["Ada Lovelace", "Your account comes from Home.", "with Home from 127.0.0.1"] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
}

#[tokio::test]
async fn the_provider_proves_a_fresh_sign_in() {
    let world = World::with("").await;
    let person = world.sign_in("openid offline_access").await;
    let url = format!("{}/account", world.app.issuer("main"));
    let page = person.browser.open(&url).await;
    assert!(page.body.contains("Your account comes from Acme &#60;b&#62;staff"), "{}", page.body);
    world.app.clock.advance(Duration::from_mins(7));
    let page = person.browser.open(&url).await;
    let withdraw = [("application", "default.app")];
    let away = person.browser.submit(&page.form("/account"), &withdraw).await;
    let asked = away.left_for.as_ref().expect("the provider of the session").query_pairs();
    let asked: BTreeMap<_, _> = asked.into_owned().collect();
    assert_eq!(asked["max_age"], "300");
    // An old sign-in does not count.
    let now = world.app.clock.now().secs();
    world.upstream.answers(|script| script.id_token = json!({"auth_time": now - 3600}));
    let page = answered(&world, &person.browser, &away).await;
    assert!(page.body.contains("Please sign in again"), "{}", page.body);
    assert!(page.body.contains("href=\"/default/main/account\""), "{}", page.body);
    assert_eq!(world.refresh(&person).await.0, 200, "nothing was changed");
    // Nor does one whose time is a text.
    let stated = json!({"auth_time": (now - 3600).to_string()});
    world.upstream.answers(|script| script.id_token = stated);
    let away = person.browser.open(&format!("{url}?confirm=1")).await;
    let page = answered(&world, &person.browser, &away).await;
    assert!(page.body.contains("Please sign in again"), "{}", page.body);
    // An answer without `auth_time` counts: the person has just come from the provider.
    world.upstream.answers(|script| script.id_token = json!({}));
    let away = person.browser.open(&format!("{url}?confirm=1")).await;
    let page = answered(&world, &person.browser, &away).await;
    assert!(page.url.path().ends_with("/account"), "{} {}", page.url, page.body);
    let page = person.browser.submit(&page.form("/account"), &withdraw).await;
    assert!(page.body.contains("The access was withdrawn."), "{}", page.body);
}

//! Whose authenticator app it is, where objects have UIDs (docs/design/state.md#marks).

use lanyard::model::Clock as _;
use serde_json::json;

use super::{
    account_page::{account_page, account_url},
    app::{Stage, TestApp},
    authenticator::{App, OFFERED, asks_for_code, enter, recover, set_up},
    browser::{Browser, Page},
    world::{ALICE, MANIFESTS, World, is_sign_in, sign_in},
};
use crate::support::passkeys::set_up_passkey;

const ALICE_1: &str = "kind: OidcUser\nmetadata: {name: alice, uid: u1, generation: 1}";
const ALICE_2: &str = "kind: OidcUser\nmetadata: {name: alice, uid: u2, generation: 1}";
const ALICE_3: &str = "kind: OidcUser\nmetadata: {name: alice, uid: u3, generation: 1}";
const SHOP_1: &str = "kind: Tenant\nmetadata: {name: shop, uid: t1}";
const SHOP_2: &str = "kind: Tenant\nmetadata: {name: shop, uid: t2}";

/// The objects of a cluster. `change` replaces text in them.
fn manifests(change: &[(&str, &str)]) -> String {
    let uids = [
        ("kind: Tenant\nmetadata: {name: shop}", SHOP_1),
        ("kind: OidcUser\nmetadata: {name: alice}", ALICE_1),
        OFFERED,
    ];
    let text = uids.iter().chain(change).fold(MANIFESTS.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the manifests");
        text.replacen(from, to, 1)
    });
    format!("{}{text}", Stage::CLUSTER)
}

/// A cluster in which Alice has set up an app.
async fn cluster() -> (World, App) {
    let world = World { app: TestApp::start(&manifests(&[])).await };
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    (world, app)
}

/// The page after the password, in a new browser.
async fn after_password(world: &World) -> (Browser, Page) {
    let (browser, trusted) = (Browser::new(), world.application("trusted").await);
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    assert!(is_sign_in(&page), "{}", page.body);
    let page = sign_in(&browser, &page, ALICE).await;
    (browser, page)
}

#[tokio::test]
async fn a_restored_person_keeps_the_app_and_the_next_person_does_not_get_it() {
    let (world, app) = cluster().await;
    world.app.serve(&manifests(&[(ALICE_1, ALICE_2), (SHOP_1, SHOP_2)]));
    let (browser, page) = after_password(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    assert_eq!(world.app.audit.last("authenticator_adopted")["authenticator"], "totp");
    let (browser, page) = after_password(&world).await;
    assert!(recover(&browser, &page, &app.codes[0]).await.answer().contains_key("code"));
    let lines = world.app.audit.of("authenticator_adopted");
    let adopted: Vec<_> = lines.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(adopted, ["totp", "recovery_codes"], "each once");

    // Another person with the username. It was adopted by the one who was restored.
    world.app.serve(&manifests(&[(ALICE_1, ALICE_3), (SHOP_1, SHOP_2)]));
    let (_, page) = after_password(&world).await;
    assert_eq!((page.status, page.left_for), (403, None), "{}", page.body);
}

#[tokio::test]
async fn a_restored_person_keeps_the_passkey_and_the_next_person_does_not_get_it() {
    const PASSKEYS: (&str, &str) = ("{totp: Optional}", "{totp: Optional, passkeys: Optional}");
    const BADGE: &str = "<span class=\"badge\">Passkey</span>";
    let world = World { app: TestApp::start_at_localhost(&manifests(&[PASSKEYS])).await };
    set_up_passkey(&world.alice().await, &account_url(&world)).await;
    world.app.serve(&manifests(&[PASSKEYS, (ALICE_1, ALICE_2), (SHOP_1, SHOP_2)]));
    // The page loads the passkey without using it.
    let page = account_page(&world, &world.alice().await).await;
    assert!(page.body.contains(BADGE), "{}", page.body);
    let lines = world.app.audit.of("authenticator_adopted");
    let adopted: Vec<_> = lines.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(adopted.iter().filter(|it| **it == "passkey").count(), 1, "{adopted:?}");
    world.app.serve(&manifests(&[PASSKEYS, (ALICE_1, ALICE_3), (SHOP_1, SHOP_2)]));
    let page = account_page(&world, &world.alice().await).await;
    assert!(!page.body.contains(BADGE), "{}", page.body);
}

#[tokio::test]
async fn a_user_who_is_made_again_does_not_get_in_with_the_password_alone() {
    let (world, app) = cluster().await;
    world.app.serve(&manifests(&[(ALICE_1, ALICE_2)]));
    let (_, page) = after_password(&world).await;
    assert_eq!((page.status, &page.left_for), (403, &None), "{}", page.body);
    assert!(page.body.contains("Your sign-in has to be confirmed"), "{}", page.body);
    let line = world.app.audit.last("sign_in");
    let said = (&line["reason"], &line["username"], &line["outcome"]);
    let expected = (&json!("other_persons_authenticator"), &json!("alice"), &json!("failure"));
    assert_eq!(said, expected);
    // The first object comes back: nothing was lost.
    world.app.serve(&manifests(&[]));
    let (browser, page) = after_password(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    // An administrator has confirmed the identity of the person (`resetAuthenticatorsBefore`).
    world.app.clock.advance(std::time::Duration::from_secs(10));
    let reset = format!(
        "username: alice\n  name: Alice Rivera\n  resetAuthenticatorsBefore: \"{}\"",
        world.app.clock.now()
    );
    let name = "username: alice\n  name: Alice Rivera";
    world.app.serve(&manifests(&[(ALICE_1, ALICE_2), (name, &reset)]));
    let (browser, page) = after_password(&world).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
    let (_, page) = set_up(&world, &browser).await;
    assert!(page.body.contains("10 codes are left."), "{}", page.body);
}

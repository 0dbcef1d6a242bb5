//! Attacks on authenticator apps.

use std::{sync::Arc, time::Duration};

use lanyard::{
    accounts::VaultResealer,
    model::{Clock, SeededEntropy, TenantId},
    store::{IndexEntry, IndexKind, Record, RecordKind, VersionedRecord},
};

use super::{
    account_page::{account_page, account_url},
    authenticator::{App, asks_for_code, confirm, enter, set_up, with_password, world},
    browser::Browser,
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};

async fn trusted_url(world: &World) -> String {
    world.application("trusted").await.authorize_url("openid", &[])
}

/// The record of a person's app.
async fn stored(world: &World, username: &str) -> VersionedRecord {
    let tenant = TenantId::new("default", "shop");
    let owner = IndexEntry::new(IndexKind::User, world.app.subject("shop", username));
    let now = world.app.clock.now();
    let found = world.app.store.list(RecordKind::Totp, &tenant, &owner, now).await;
    found.expect("the store").pop().expect("an app")
}

#[tokio::test]
async fn guesses_at_two_replicas_count_together() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let replica = world.app.start_replica();
    let url = trusted_url(&world).await;
    let (mut browser, page) = with_password(&url, ALICE).await;
    let ports = [world.app.address.port(), replica.address.port()];
    let right = app.next_code(&world.app.clock);
    let wrong = app.wrong_code(&world.app.clock);
    for attempt in 0..20 {
        browser.reach(ports[attempt % 2]);
        assert_eq!(enter(&browser, &page, &wrong).await.status, 422, "{attempt}");
    }
    for port in ports {
        browser.reach(port);
        let refused = enter(&browser, &page, &right).await;
        assert_eq!(refused.status, 429, "a right code is not judged either");
        assert_eq!(refused.headers["retry-after"], "10800");
    }
    assert_eq!(world.app.audit.last("attempt_throttled")["attempt"], "second_factor");
}

#[tokio::test]
async fn a_flood_of_guesses_at_once_is_stopped() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world).await;
    let (browser, page) = with_password(&url, ALICE).await;
    let wrong = app.wrong_code(&world.app.clock);
    let mut judged = 0;
    for _ in 0..4 {
        let guesses = (0..20).map(|_| enter(&browser, &page, &wrong));
        let answers = futures::future::join_all(guesses).await;
        judged += answers.iter().filter(|answer| answer.status == 422).count();
    }
    assert!(judged <= 20, "{judged} guesses were judged");
}

#[tokio::test]
async fn two_replicas_accept_one_of_two_uses_of_a_code() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let replica = world.app.start_replica();
    let url = trusted_url(&world).await;
    let (first, first_page) = with_password(&url, ALICE).await;
    let (mut second, second_page) = with_password(&url, ALICE).await;
    second.reach(replica.address.port());
    let code = app.next_code(&world.app.clock);
    let (one, other) =
        tokio::join!(enter(&first, &first_page, &code), enter(&second, &second_page, &code));
    let signed_in = [&one, &other].iter().filter(|page| page.left_for.is_some()).count();
    assert_eq!(signed_in, 1, "{} {}", one.status, other.status);
}

#[tokio::test]
async fn a_writer_of_the_database_cannot_give_an_app_to_another_person() {
    let world = world().await;
    let (alice, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world).await;
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&account_url(&world)).await, BOB).await;
    assert_eq!(page.status, 200);
    let (_, _) = set_up(&world, &bob).await;
    let (of_alice, of_bob) = (stored(&world, "alice").await, stored(&world, "bob").await);
    let moved = Record { value: of_alice.record.value, ..of_bob.record };
    let now = world.app.clock.now();
    let written = world.app.store.compare_and_swap(of_bob.version, moved, now).await;
    assert_eq!(written, Ok(true));
    let thief = Browser::new();
    let page = sign_in(&thief, &thief.open(&url).await, BOB).await;
    assert_eq!(page.status, 500, "{}", page.body);
    assert!(!asks_for_code(&page) && page.left_for.is_none(), "{}", page.body);
    let _ = alice;
}

#[tokio::test]
async fn a_sign_in_waiting_for_its_code_is_bound_to_browser_password_and_time() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world).await;
    let (browser, page) = with_password(&url, ALICE).await;
    // In another browser, with its own interaction.
    let thief = Browser::new();
    let own = thief.open(&url).await;
    let waiting = page.form("/login").fields.into_iter().find(|(name, _)| name == "sign_in");
    let waiting = waiting.expect("it waits").1;
    let code = app.next_code(&world.app.clock);
    let fields = [("sign_in", waiting.as_str()), ("code", &code), ("action", "code")];
    let stolen = thief.submit(&own.form("/login"), &fields).await;
    assert_eq!(stolen.status, 400, "{}", stolen.body);
    world.change_all(&[
        super::authenticator::OFFERED,
        ("alice: correct horse", "alice: another horse"),
    ]);
    let late = enter(&browser, &page, &code).await;
    assert_eq!(late.status, 400, "{}", late.body);
    world.change(super::authenticator::OFFERED.0, super::authenticator::OFFERED.1);
    world.app.clock.advance(Duration::from_mins(17));
    let old = enter(&browser, &page, &app.code(&world.app.clock)).await;
    assert_eq!(old.status, 400, "{}", old.body);
}

#[tokio::test]
async fn a_sign_in_that_waits_serves_its_own_request_only() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let (browser, early) = with_password(&trusted_url(&world).await, ALICE).await;
    world.app.clock.advance(Duration::from_mins(5));
    // OIDC Core §3.1.2.1: the second request requires a new sign-in.
    let trusted = world.application("trusted").await;
    let late = browser.open(&trusted.authorize_url("openid", &[("prompt", "login")])).await;
    let waiting = early.form("/login").fields.into_iter().find(|(name, _)| name == "sign_in");
    let (waiting, code) = (waiting.expect("it waits").1, app.code(&world.app.clock));
    let fields = [("sign_in", waiting.as_str()), ("code", &code), ("action", "code")];
    let page = browser.submit(&late.form("/login"), &fields).await;
    assert_eq!((page.status, &page.left_for), (400, &None), "{}", page.body);
    // The code was not used up, and the sign-in goes on where it began.
    assert!(enter(&browser, &early, &code).await.answer().contains_key("code"));
}

#[tokio::test]
async fn a_code_does_not_replace_a_sign_in() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let trusted = world.application("trusted").await;
    let url = trusted.authorize_url("openid", &[("prompt", "login")]);
    let page = browser.open(&url).await;
    assert!(is_sign_in(&page), "{}", page.body);
    let code = app.next_code(&world.app.clock);
    let page = enter(&browser, &page, &code).await;
    assert_eq!((page.status, page.left_for), (400, None), "{}", page.body);
}

#[tokio::test]
async fn other_sites_cannot_set_up_or_remove_an_app() {
    let world = world().await;
    let browser = world.alice().await;
    let setup = format!("{}?setup=authenticator-app", account_url(&world));
    let page = browser.open(&setup).await;
    let code = App::with_key(&page).code(&world.app.clock);
    let mut fields = page.form("/account").fields;
    fields.retain(|(name, _)| name != "code" && name != "action");
    fields.push(("code".to_owned(), code.clone()));
    fields.push(("action".to_owned(), "confirm-authenticator-app".to_owned()));
    let refused = browser.post(&account_url(&world), "https://evil.test", &fields).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let page = confirm(&browser, &page, &code).await;
    assert!(page.body.contains("is set up."), "nothing was set up before: {}", page.body);
    let page = account_page(&world, &browser).await;
    let form = page.form("/account");
    let mut fields = form.fields.clone();
    fields.push(("action".to_owned(), "remove-authenticator-app".to_owned()));
    let refused = browser.post(&account_url(&world), "https://evil.test", &fields).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("Set up on"), "{}", page.body);
}

#[tokio::test]
async fn a_thief_with_a_stale_session_cannot_set_up_or_remove_an_app() {
    let world = world().await;
    let browser = world.alice().await;
    let setup = format!("{}?setup=authenticator-app", account_url(&world));
    let open = browser.open(&setup).await;
    let app = App::with_key(&open);
    world.app.clock.advance(Duration::from_mins(11));
    let page = browser.open(&setup).await;
    assert!(is_sign_in(&page), "it wants the password: {}", page.body);
    let page = confirm(&browser, &open, &app.code(&world.app.clock)).await;
    assert_eq!(page.status, 400, "a page that was open for long: {}", page.body);
    // The person sets one up, which ends the stale session. With the password alone a thief changes nothing.
    let person = world.alice().await;
    let (_, _) = set_up(&world, &person).await;
    let page = browser.open(&account_url(&world)).await;
    assert!(is_sign_in(&page), "the session has ended: {}", page.body);
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert_eq!(world.app.audit.of("authenticator_removed"), Vec::<serde_json::Value>::new());
    assert_eq!(world.app.audit.of("authenticator_enrolled").len(), 2, "the person's own");
}

#[tokio::test]
async fn a_lost_vault_key_refuses_sign_ins_and_a_replaced_one_can_be_removed() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world).await;
    world.app.clock.advance(Duration::from_mins(1));
    let first = world.app.stage.add_vault_key(&SeededEntropy::new(77));
    let clock: Arc<dyn Clock> = world.app.clock.clone();
    let registry = world.app.app.registry.clone();
    let (resealer, found) = VaultResealer::new(&world.app.app.accounts, registry, &clock);
    let before = stored(&world, "alice").await.record;
    let in_use = resealer.reseal_records().await.expect("the store").expect("a vault key");
    assert!(in_use.left.is_empty() && found.borrow().as_ref() == Some(&in_use), "{in_use:?}");
    let after = stored(&world, "alice").await.record;
    assert!(after.value != before.value && after.due_at > before.due_at);
    world.app.stage.remove_vault_key(&first);
    let (browser, page) = with_password(&url, ALICE).await;
    assert!(
        enter(&browser, &page, &app.code(&world.app.clock)).await.answer().contains_key("code")
    );

    // Until the resealer has run, the loss of a vault key makes the sign-in fail.
    world.app.clock.advance(Duration::from_mins(1));
    let current = world.app.stage.add_vault_key(&SeededEntropy::new(78));
    world.app.stage.remove_vault_key(&current);
    let thief = Browser::new();
    let page = sign_in(&thief, &thief.open(&url).await, ALICE).await;
    assert_eq!(page.status, 503, "{}", page.body);
    let in_use = resealer.reseal_records().await.expect("the store").expect("a vault key");
    assert_eq!(in_use.left.len(), 1, "it is not forgotten");
}

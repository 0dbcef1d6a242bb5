//! The ends that a person causes on the account page.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    account_page::{account_page, account_url, is_account_page, press},
    browser::{Application, Browser, agree, claims},
    world::{ALICE, BOB, World, is_consent, is_sign_in, sign_in},
};
use crate::support::mail::{MailServerMood, MailSink};

const BACKCHANNEL: &str = "https://rp.invalid/backchannel";

/// Alice's tokens for a client.
async fn tokens(client: &Application, browser: &Browser, scope: &str) -> Value {
    let page = agree(browser, browser.open(&client.authorize_url(scope, &[])).await).await;
    let (status, tokens) = client.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

async fn refresh(client: &Application, tokens: &Value) -> u16 {
    let refresh_token = tokens["refresh_token"].as_str().expect("a token");
    client.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await.0
}

/// Whether a browser has a session.
async fn has_session(world: &World, browser: &Browser) -> bool {
    let trusted = world.application("trusted").await;
    let url = trusted.authorize_url("openid", &[("prompt", "none")]);
    browser.open(&url).await.answer().contains_key("code")
}

fn sid(tokens: &Value) -> String {
    let id_token = claims(tokens["id_token"].as_str().expect("a token"));
    id_token["sid"].as_str().expect("a sid").to_owned()
}

/// The sessions and grants that logout tokens name.
fn named(form: &str) -> (String, String) {
    let token = claims(form.strip_prefix("logout_token=").expect("a form"));
    let text = |name: &str| token[name].as_str().expect(name).to_owned();
    (text("sub"), text("sid"))
}

#[tokio::test]
async fn signing_out_here_ends_this_session_alone() {
    let world = World::new().await;
    let (browser, second) = (world.alice().await, world.alice().await);
    let page = account_page(&world, &browser).await;
    // Even after a long time: it is the safe direction, in the person's own browser.
    world.app.clock.advance(Duration::from_mins(14));
    let page = press(&browser, &page, ("action", "sign-out-everywhere")).await;
    assert!(is_sign_in(&page), "that one wants a fresh sign-in: {}", page.body);
    let page = account_page(&world, &browser).await;
    let session = page.body.split("This browser").nth(1).expect("it is listed");
    let session = session.split("name=\"session\" value=\"").nth(1).expect("a button");
    let sid = session.split('"').next().expect("a value").to_owned();
    let page = press(&browser, &page, ("session", &sid)).await;
    assert!(page.body.contains("You are signed out"), "{}", page.body);
    assert!(!has_session(&world, &browser).await && has_session(&world, &second).await);
    let line = world.app.audit.last("logout");
    assert_eq!((&line["kind"], &line["sid"]), (&json!("account_page"), &json!(sid)));
}

#[tokio::test]
async fn another_session_ends_with_its_applications() {
    let world = World::new().await;
    let mut told = world.app.receive(BACKCHANNEL);
    let (leaver, lost, browser) =
        (world.application("leaver").await, world.alice().await, world.alice().await);
    let there = tokens(&leaver, &lost, "openid").await;
    let here = tokens(&leaver, &browser, "openid").await;
    let page = account_page(&world, &browser).await;
    assert_eq!(page.body.matches("name=\"session\"").count(), 2, "{}", page.body);
    let page = press(&browser, &page, ("session", &sid(&there))).await;
    assert!(
        is_account_page(&page) && page.body.contains("The session has ended."),
        "{}",
        page.body
    );
    assert_eq!(page.body.matches("name=\"session\"").count(), 1, "{}", page.body);
    assert!(!has_session(&world, &lost).await && has_session(&world, &browser).await);
    assert_eq!((refresh(&leaver, &there).await, refresh(&leaver, &here).await), (400, 200));
    let subject = world.app.subject("shop", "alice");
    assert_eq!(named(&told.recv().await.expect("a token")), (subject, sid(&there)));
    assert!(told.try_recv().is_err(), "only that session's application was told");
    // The page is still open in another tab.
    let page = browser.submit(&page.form("/account"), &[("session", &sid(&there))]).await;
    assert!(is_account_page(&page), "it has ended already");
}

#[tokio::test]
async fn another_person_s_session_does_not_end() {
    let world = World::new().await;
    let (leaver, alice, bob) =
        (world.application("leaver").await, world.alice().await, Browser::new());
    let alices = tokens(&leaver, &alice, "openid offline_access").await;
    let page = bob.open(&account_url(&world)).await;
    let page = sign_in(&bob, &page, BOB).await;
    let form = page.form("/account");
    for change in [
        ("session", sid(&alices)),
        ("application", "default.leaver".to_owned()),
        ("application", "default.elsewhere".to_owned()),
        ("application", "no such client".to_owned()),
    ] {
        let page = bob.submit(&form, &[(change.0, &change.1)]).await;
        assert!(is_account_page(&page), "{change:?}: {}", page.body);
    }
    assert!(has_session(&world, &alice).await);
    assert_eq!(refresh(&leaver, &alices).await, 200);
    assert!(world.app.audit.of("access_withdrawn").is_empty());
    assert!(world.app.audit.of("logout").is_empty());
}

#[tokio::test]
async fn withdrawing_takes_consent_and_grants_of_one_application() {
    let world = World::new().await;
    let (wiki, leaver, browser) =
        (world.application("wiki").await, world.application("leaver").await, world.alice().await);
    let first = tokens(&wiki, &browser, "openid offline_access").await;
    let second = tokens(&wiki, &browser, "openid").await;
    let other = tokens(&leaver, &browser, "openid offline_access").await;
    let page = account_page(&world, &browser).await;
    let page = press(&browser, &page, ("application", "default.wiki")).await;
    assert!(page.body.contains("The access was withdrawn."), "{}", page.body);
    assert!(!page.body.contains("value=\"default.wiki\""), "{}", page.body);
    assert!(page.body.contains("value=\"default.leaver\""), "{}", page.body);
    for (client, tokens, status) in
        [(&wiki, first, 400), (&wiki, second, 400), (&leaver, other, 200)]
    {
        assert_eq!(refresh(client, &tokens).await, status);
    }
    assert!(is_consent(&browser.open(&wiki.authorize_url("openid", &[])).await));
    let line = world.app.audit.last("access_withdrawn");
    let members = (&line["client"], &line["consent"], &line["grants"], &line["subject"]);
    let subject = json!(world.app.subject("shop", "alice"));
    assert_eq!(members, (&json!("default/wiki"), &json!(true), &json!(2), &subject));
    crate::audit::check_members(&line);
}

#[tokio::test]
async fn signing_out_everywhere_ends_sessions_and_grants_and_notifies_applications() {
    let world = World::new().await;
    let mut told = world.app.receive(BACKCHANNEL);
    let (leaver, wiki, lost) =
        (world.application("leaver").await, world.application("wiki").await, world.alice().await);
    // A grant that has outlived its session, whose end has notified the application already.
    let old = tokens(&leaver, &lost, "openid offline_access").await;
    world.app.clock.advance(Duration::from_hours(13));
    assert!(!has_session(&world, &lost).await, "it was not used for half a day");
    assert_eq!(refresh(&leaver, &old).await, 200);
    let (browser, second) = (world.alice().await, world.alice().await);
    let here = tokens(&leaver, &browser, "openid offline_access").await;
    let there = tokens(&wiki, &second, "openid offline_access").await;
    // Bob stays.
    let bob = Browser::new();
    let page = bob.open(&account_url(&world)).await;
    assert!(is_account_page(&sign_in(&bob, &page, BOB).await));
    let page = account_page(&world, &browser).await;
    let page = press(&browser, &page, ("action", "sign-out-everywhere")).await;
    assert!(page.body.contains("You are signed out"), "{}", page.body);
    assert!(page.body.contains("<iframe src=\"https://rp.test/front?a=b"), "{}", page.body);
    assert!(!has_session(&world, &browser).await && !has_session(&world, &second).await);
    for (client, tokens) in [(&leaver, &old), (&leaver, &here), (&wiki, &there)] {
        assert_eq!(refresh(client, tokens).await, 400);
    }
    assert!(has_session(&world, &bob).await);
    let subject = world.app.subject("shop", "alice");
    let mut sids = Vec::new();
    for _ in 0..2 {
        let (named, sid) = named(&told.recv().await.expect("a token"));
        assert_eq!(named, subject);
        sids.push(sid);
    }
    let mut expected = vec![sid(&old), sid(&here)];
    sids.sort();
    expected.sort();
    assert_eq!(sids, expected);
    let ended = world.app.audit.of("logout");
    assert_eq!(ended.iter().filter(|line| line["kind"] == "everywhere").count(), 2, "{ended:#?}");
    let withdrawn = world.app.audit.of("access_withdrawn");
    let grants = |client: &str| {
        withdrawn.iter().find(|line| line["client"] == client).map(|line| line["grants"].clone())
    };
    assert_eq!(grants("default/leaver"), Some(json!(2)));
    assert_eq!(grants("default/wiki"), Some(json!(1)));
    // The consents stay: the person trusts the application as before.
    let page = browser.open(&wiki.authorize_url("openid offline_access", &[])).await;
    assert!(sign_in(&browser, &page, ALICE).await.answer().contains_key("code"));
}

#[tokio::test]
async fn a_code_gives_no_grant_after_its_session_has_ended() {
    let world = World::new().await;
    let (leaver, browser) = (world.application("leaver").await, world.alice().await);
    let url = leaver.authorize_url("openid offline_access", &[]);
    let code = browser.open(&url).await.answer()["code"].clone();
    let page = account_page(&world, &browser).await;
    press(&browser, &page, ("action", "sign-out-everywhere")).await;
    let (status, error) = leaver.redeem(&code).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn changes_want_a_fresh_sign_in_in_the_same_session() {
    let world = World::new().await;
    let (leaver, browser, second) =
        (world.application("leaver").await, world.alice().await, world.alice().await);
    let there = tokens(&leaver, &second, "openid").await;
    let here = tokens(&leaver, &browser, "openid").await;
    world.app.clock.advance(Duration::from_mins(7));
    let page = account_page(&world, &browser).await;
    let asked = press(&browser, &page, ("session", &sid(&there))).await;
    assert!(is_sign_in(&asked), "{}", asked.body);
    assert!(asked.body.contains("Please sign in again"), "{}", asked.body);
    assert!(has_session(&world, &second).await, "nothing was changed");
    let page = sign_in(&browser, &asked, ALICE).await;
    assert!(is_account_page(&page), "{}", page.body);
    assert_eq!(sid(&tokens(&leaver, &browser, "openid").await), sid(&here), "the same session");
    press(&browser, &page, ("session", &sid(&there))).await;
    assert!(!has_session(&world, &second).await);
    // A fresh session is not asked again.
    let page = browser.open(&format!("{}?confirm=1", account_url(&world))).await;
    assert!(is_account_page(&page), "{}", page.body);
}

#[tokio::test]
async fn withdrawal_and_sign_out_are_announced_by_mail() {
    let world = World::at_localhost().await;
    let mut sink = MailSink::start(MailServerMood::Takes).await;
    let (mail, secret) = sink.manifests();
    let name = "  displayName: Harbour Works\n";
    let passwords = "stringData: {alice: correct horse, bob: battery staple}\n";
    world.change_all(&[
        (name, &format!("{name}{mail}")),
        (passwords, &format!("{passwords}{secret}")),
    ]);
    let browser = world.alice().await;
    let wiki = world.application("wiki").await;
    tokens(&wiki, &browser, "openid offline_access").await;
    let page = account_page(&world, &browser).await;
    press(&browser, &page, ("application", "default.wiki")).await;
    let notice = sink.next().await;
    assert!(
        notice.text().contains("the access of an application was withdrawn"),
        "{}",
        notice.text()
    );
    let page = account_page(&world, &browser).await;
    press(&browser, &page, ("action", "sign-out-everywhere")).await;
    let notice = sink.next().await;
    assert!(notice.text().contains("all sessions were ended"), "{}", notice.text());
}

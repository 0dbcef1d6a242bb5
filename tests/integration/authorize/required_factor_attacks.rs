//! Attacks on tenants that require a factor: a password thief, and links that are used again.

use lanyard::{model::Clock as _, store::RecordKind};

use super::{
    authenticator::{App, recovery_codes},
    browser::Browser,
    required_factors::{
        BOB, Harbour, INVITES_BOB, OPTIONAL, PASSKEYS, asks_for_invitation, choose, confirm_app,
    },
};
use crate::support::{
    invitation::invitation_link,
    passkeys::{confirm_passkey, new_passkey, script_bytes},
};

#[tokio::test]
async fn a_password_thief_cannot_enrol_a_factor() {
    let harbour = Harbour::new().await;
    for changes in [&[][..], &[PASSKEYS]] {
        harbour.change(changes);
        let (thief, page) = harbour.enter(BOB).await;
        assert_eq!(page.status, 403, "{}", page.body);
        let account = harbour.account_url();
        for step in ["", "?setup=authenticator-app", "?setup=passkey", "?confirm=1"] {
            let page = thief.open(&format!("{account}{step}")).await;
            assert!(page.body.contains("name=\"password\""), "no session: {}", page.body);
            let page = super::world::sign_in(&thief, &page, BOB).await;
            assert_eq!(page.status, 403, "{step}: {}", page.body);
        }
        assert!(harbour.has_nothing("bob").await);
    }
}

#[tokio::test]
async fn a_thief_of_an_earlier_session_cannot_enrol_after_the_policy() {
    let harbour = Harbour::with(&[OPTIONAL]).await;
    let (thief, _) = harbour.enter(BOB).await;
    harbour.change(&[]);
    let page = thief.open(&format!("{}?setup=passkey", harbour.account_url())).await;
    assert!(asks_for_invitation(&page, "You need an authenticator app"), "{}", page.body);
    assert!(harbour.stored(RecordKind::Passkey, "bob").await.is_empty());
}

#[tokio::test]
async fn a_password_thief_cannot_enrol_a_factor_after_the_store_was_lost() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "bob")).await;
    let app = App::with_key(&page);
    let page = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(recovery_codes(&page).len(), 10);
    for kind in [RecordKind::Totp, RecordKind::RecoveryCodes, RecordKind::Invitation] {
        for stored in harbour.stored(kind, "bob").await {
            let now = harbour.app.clock.now();
            harbour.app.store.take(&stored.record.key, now).await.expect("the store");
        }
    }
    // The manifest has no invitation any more.
    harbour.change(&[]);
    let (thief, page) = harbour.enter(BOB).await;
    assert!(asks_for_invitation(&page, "You need an authenticator app"), "{}", page.body);
    let page = thief.open(&format!("{}?setup=authenticator-app", harbour.account_url())).await;
    assert!(page.body.contains("name=\"password\""), "no session: {}", page.body);
    assert!(harbour.has_nothing("bob").await);
}

#[tokio::test]
async fn an_invitation_sets_up_one_factor_even_if_its_pages_are_sent_again() {
    let harbour = Harbour::new().await;
    let link = invitation_link(&harbour.app, "ada");
    let (first, second) = (Browser::new(), Browser::new());
    let one = choose(&first, &first.open(&link).await).await;
    let other = choose(&second, &second.open(&link).await).await;
    let (app, thief) = (App::with_key(&one), App::with_key(&other));
    let (app_code, thief_code) = (app.code(&harbour.app.clock), thief.code(&harbour.app.clock));
    let (done, late) = tokio::join!(
        confirm_app(&first, &one, &app_code),
        confirm_app(&second, &other, &thief_code)
    );
    let has_codes = |page: &super::browser::Page| page.body.contains("Your recovery codes");
    assert!(has_codes(&done) != has_codes(&late), "{} {}", done.status, late.status);
    for (browser, page, code) in [(&first, &one, &app_code), (&second, &other, &thief_code)] {
        let again = confirm_app(browser, page, code).await;
        assert!(again.body.contains("This invitation was used"), "{}", again.body);
    }
    assert_eq!(harbour.stored(RecordKind::Totp, "ada").await.len(), 1);
    assert_eq!(harbour.stored(RecordKind::Invitation, "ada").await.len(), 1);
}

#[tokio::test]
async fn the_page_for_the_factor_is_for_one_browser_and_one_person() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    let browser = Browser::new();
    let page = choose(&browser, &browser.open(&invitation_link(&harbour.app, "ada")).await).await;
    let app = App::with_key(&page);
    let stranger = Browser::new();
    stranger.open(&invitation_link(&harbour.app, "bob")).await;
    let stolen = confirm_app(&stranger, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(stolen.status, 400, "{}", stolen.body);
    // A later policy wants another factor.
    harbour.change(&[PASSKEYS]);
    let late = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(late.status, 400, "{}", late.body);
    assert!(harbour.has_nothing("ada").await && harbour.has_nothing("bob").await);
}

#[tokio::test]
async fn a_passkey_answer_to_another_page_is_refused() {
    let harbour = Harbour::with(&[PASSKEYS]).await;
    let browser = Browser::new();
    let link = invitation_link(&harbour.app, "ada");
    let page = choose(&browser, &browser.open(&link).await).await;
    let earlier = choose(&browser, &browser.open(&link).await).await;
    let passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&earlier, "challenge"));
    let refused = confirm_passkey(&browser, &page, &created).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(harbour.has_nothing("ada").await);
    let created = passkey.create(&script_bytes(&refused, "challenge"));
    let page = confirm_passkey(&browser, &refused, &created).await;
    assert_eq!(recovery_codes(&page).len(), 10, "the page has a new challenge");
}

//! A factor that is removed after it was used, and before the session of that use begins.

use std::sync::Arc;

use lanyard::store::RecordKind;

use super::{
    account_page::{is_account_page, press},
    authenticator::{asks_for_code, enter, recover},
    browser::{Browser, Page},
    held_store::WriteHold,
    passkeys::passkey_link,
    required_factors::{BOB, Harbour, OPTIONAL},
};
use crate::support::{
    authenticator::set_up_app,
    passkeys::{set_up_passkey, use_passkey},
};

/// A server that holds up a session, and a browser in which Bob is signed in.
async fn harbour() -> (Harbour, Arc<WriteHold>, Browser) {
    let (hold, wrap) = WriteHold::over(RecordKind::Session);
    let harbour = Harbour::over(wrap).await;
    harbour.change(&[OPTIONAL]);
    let (owner, page) = harbour.enter(BOB).await;
    assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
    (harbour, hold, owner)
}

/// The page on which Bob proves his strongest factor before a change.
async fn open_confirmation(harbour: &Harbour, owner: &Browser) -> Page {
    owner.open(&format!("{}?confirm=1", harbour.account_url())).await
}

/// Asserts that the thief has no session.
async fn assert_refused(harbour: &Harbour, stolen: &Page) {
    assert_eq!(stolen.left_for, None, "{} {}", stolen.status, stolen.body);
    let sessions = harbour.stored(RecordKind::Session, "bob").await;
    assert_eq!(sessions.len(), 1, "that of the owner");
}

#[tokio::test]
async fn no_session_begins_by_a_passkey_that_was_removed_meanwhile() {
    let (harbour, hold, owner) = harbour().await;
    let (mut passkey, _) = set_up_passkey(&owner, &harbour.account_url()).await;
    let page = open_confirmation(&harbour, &owner).await;
    let account = use_passkey(&owner, &page, &mut passkey).await;
    assert!(is_account_page(&account), "{} {}", account.status, account.body);
    let form = owner.open(&passkey_link(&account)).await.form("/account");

    let thief = Browser::new();
    let page = thief.open(&harbour.wiki().await.authorize_url("openid", &[])).await;
    let removing = owner.submit(&form, &[("action", "remove-passkey")]);
    let stealing = use_passkey(&thief, &page, &mut passkey);
    let (stolen, removed) = hold.race(stealing, removing).await;
    assert!(removed.body.contains("The passkey was removed"), "{}", removed.body);
    assert_refused(&harbour, &stolen).await;
}

/// A thief of the password has also a code of the app, or a recovery code.
async fn steal_with_app(by_recovery_code: bool) {
    let (harbour, hold, owner) = harbour().await;
    let clock = &harbour.app.clock;
    let app = set_up_app(&owner, &harbour.account_url(), clock).await;
    let page = open_confirmation(&harbour, &owner).await;
    let account = enter(&owner, &page, &app.next_code(clock)).await;
    assert!(is_account_page(&account), "{} {}", account.status, account.body);

    let (thief, page) = harbour.enter(BOB).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let code = app.next_code(clock);
    let stealing = async {
        if by_recovery_code {
            recover(&thief, &page, &app.codes[0]).await
        } else {
            enter(&thief, &page, &code).await
        }
    };
    let removing = press(&owner, &account, ("action", "remove-authenticator-app"));
    let (stolen, removed) = hold.race(stealing, removing).await;
    assert!(is_account_page(&removed), "{} {}", removed.status, removed.body);
    assert!(harbour.stored(RecordKind::Totp, "bob").await.is_empty());
    assert_refused(&harbour, &stolen).await;
}

#[tokio::test]
async fn no_session_begins_by_an_app_that_was_removed_meanwhile() {
    steal_with_app(false).await;
}

#[tokio::test]
async fn no_session_begins_by_a_recovery_code_that_was_removed_meanwhile() {
    steal_with_app(true).await;
}

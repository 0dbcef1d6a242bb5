//! Two pages on which a person sets up a first authenticator at the same time: the recovery codes that one of them shows
//! count.

use lanyard::store::RecordKind;

use super::{
    account_page::is_account_page,
    authenticator::{recover, recovery_codes},
    browser::{Browser, Page},
    held_store::WriteHold,
    required_factors::{BOB, Harbour, OPTIONAL},
    world::sign_in,
};
use crate::support::passkeys::{confirm_passkey, new_passkey, open_setup, script_bytes};

/// Sets up a passkey on its page.
async fn add_passkey(browser: &Browser, page: &Page) -> Page {
    let created = new_passkey(page).create(&script_bytes(page, "challenge"));
    confirm_passkey(browser, page, &created).await
}

/// Asserts that a recovery code of Bob is right.
async fn assert_counts(harbour: &Harbour, code: &str) {
    let browser = Browser::new();
    sign_in(&browser, &browser.open(&harbour.account_url()).await, BOB).await;
    let asked = browser.open(&format!("{}?confirm=1", harbour.account_url())).await;
    let page = recover(&browser, &asked, code).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn two_concurrent_setup_pages_show_recovery_codes_once_and_the_codes_work() {
    // The slow page waits before it writes its codes, or after that, before it stores its passkey.
    for kind in [RecordKind::RecoveryCodes, RecordKind::Passkey] {
        let (hold, wrap) = WriteHold::over(kind);
        let harbour = Harbour::over(wrap).await;
        harbour.change(&[OPTIONAL]);
        let (browser, page) = harbour.enter(BOB).await;
        assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
        let url = harbour.account_url();
        let (slow_page, page) =
            (open_setup(&browser, &url).await, open_setup(&browser, &url).await);
        let slow = add_passkey(&browser, &slow_page);
        let (slow, shown) = hold.race(slow, add_passkey(&browser, &page)).await;
        let codes = recovery_codes(&shown);
        assert!(is_account_page(&slow), "{kind}: {} {}", slow.status, slow.body);
        let notice = "Another page has made your recovery codes at the same time.";
        assert!(slow.body.contains(notice), "{kind}: {}", slow.body);
        assert_eq!(harbour.stored(RecordKind::Passkey, "bob").await.len(), 2, "{kind}");
        assert_counts(&harbour, &codes[0]).await;
    }
}

//! Two pages on which a person sets up a first authenticator at the same time: the recovery codes that one of them shows
//! count.

use lanyard::{
    keys::VaultPlace,
    model::{Clock as _, SeededEntropy},
    store::{Record, RecordKind, SharedStore, VersionedRecord},
};

use super::{
    account_page::is_account_page,
    authenticator::{App, confirm, recover, recovery_codes},
    browser::{Browser, Page},
    held_store::WriteHold,
    required_factors::{BOB, Harbour, INVITES_BOB, OPTIONAL, PASSKEYS},
    world::sign_in,
};
use crate::support::{
    invitation::invitation_link,
    passkeys::{confirm_passkey, new_passkey, open_setup, script_bytes, set_up_passkey},
};

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

/// Asserts that a page is the account page and says that another page has shown the codes.
fn assert_names_other_page(page: &Page, case: &str) {
    assert!(is_account_page(page), "{case}: {} {}", page.status, page.body);
    let notice = "Another page has made your recovery codes at the same time.";
    assert!(page.body.contains(notice), "{case}: {}", page.body);
    assert!(!page.body.contains("<li><code>"), "{case}: {}", page.body);
}

/// A browser in which Bob has signed in with his password.
async fn enter(harbour: &Harbour) -> Browser {
    let (browser, page) = harbour.enter(BOB).await;
    assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
    browser
}

#[tokio::test]
async fn two_concurrent_setup_pages_show_recovery_codes_once_and_the_codes_work() {
    // The slow page waits before it writes its codes, or after that, before it stores its passkey.
    for kind in [RecordKind::RecoveryCodes, RecordKind::Passkey] {
        let (hold, wrap) = WriteHold::over(kind);
        let harbour = Harbour::over(wrap).await;
        harbour.change(&[OPTIONAL]);
        let browser = enter(&harbour).await;
        let url = harbour.account_url();
        let (slow_page, page) =
            (open_setup(&browser, &url).await, open_setup(&browser, &url).await);
        let slow = add_passkey(&browser, &slow_page);
        let (slow, shown) = hold.race(slow, add_passkey(&browser, &page)).await;
        let codes = recovery_codes(&shown);
        assert_names_other_page(&slow, kind.as_str());
        assert_eq!(harbour.stored(RecordKind::Passkey, "bob").await.len(), 2, "{kind}");
        assert_counts(&harbour, &codes[0]).await;
    }
}

#[tokio::test]
async fn one_of_two_pages_replaces_codes_that_were_left_over() {
    let (hold, wrap) = WriteHold::over_swaps(RecordKind::RecoveryCodes);
    let harbour = Harbour::over(wrap).await;
    harbour.change(&[OPTIONAL]);
    let url = harbour.account_url();
    // Codes without an authenticator, as they are left over if the authenticator cannot be stored.
    let (_, shown) = set_up_passkey(&enter(&harbour).await, &url).await;
    let left_over = recovery_codes(&shown);
    let lost = harbour.stored(RecordKind::Passkey, "bob").await.remove(0).record.key;
    harbour.app.store.take(&lost, harbour.app.clock.now()).await.expect("the store");
    assert_eq!(harbour.stored(RecordKind::RecoveryCodes, "bob").await.len(), 1);

    // The slow page has read that record, and waits before it replaces it.
    let browser = enter(&harbour).await;
    let (slow_page, page) = (open_setup(&browser, &url).await, open_setup(&browser, &url).await);
    let slow = add_passkey(&browser, &slow_page);
    let (slow, shown) = hold.race(slow, add_passkey(&browser, &page)).await;
    let codes = recovery_codes(&shown);
    assert_ne!(codes, left_over);
    assert_names_other_page(&slow, "the slow page");
    assert_eq!(harbour.stored(RecordKind::Passkey, "bob").await.len(), 2);
    assert_counts(&harbour, &codes[0]).await;
}

#[tokio::test]
async fn a_slow_page_for_an_app_shows_no_codes_either() {
    let (hold, wrap) = WriteHold::over(RecordKind::RecoveryCodes);
    let harbour = Harbour::over(wrap).await;
    harbour.change(&[OPTIONAL]);
    let (browser, url) = (enter(&harbour).await, harbour.account_url());
    let app_page = browser.open(&format!("{url}?setup=authenticator-app")).await;
    let page = open_setup(&browser, &url).await;
    let code = App::with_key(&app_page).code(&harbour.app.clock);
    let slow = confirm(&browser, &app_page, &code);
    let (slow, shown) = hold.race(slow, add_passkey(&browser, &page)).await;
    let codes = recovery_codes(&shown);
    assert_names_other_page(&slow, "the app");
    assert_eq!(harbour.stored(RecordKind::Totp, "bob").await.len(), 1);
    let other = Browser::new();
    let asked = sign_in(&other, &other.open(&url).await, BOB).await;
    let page = recover(&other, &asked, &codes[0]).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_slow_invitation_shows_no_codes_either() {
    let (hold, wrap) = WriteHold::over(RecordKind::RecoveryCodes);
    let harbour = Harbour::over(wrap).await;
    harbour.change(&[OPTIONAL]);
    let browser = enter(&harbour).await;
    let page = open_setup(&browser, &harbour.account_url()).await;
    // The tenant requires a passkey for a while, and Bob is invited to set one up.
    harbour.change(&[PASSKEYS, INVITES_BOB]);
    let invited = Browser::new();
    let invitation_page = invited.open(&invitation_link(&harbour.app, "bob")).await;
    let meanwhile = async {
        harbour.change(&[OPTIONAL, INVITES_BOB]);
        add_passkey(&browser, &page).await
    };
    let slow = add_passkey(&invited, &invitation_page);
    let (slow, shown) = hold.race(slow, meanwhile).await;
    let codes = recovery_codes(&shown);
    assert_names_other_page(&slow, "the invitation");
    assert_eq!(harbour.stored(RecordKind::Passkey, "bob").await.len(), 2);
    assert_counts(&harbour, &codes[0]).await;
}

/// A server that holds up a write, and a browser in which Bob is signed in.
async fn held(wrap: impl FnOnce(SharedStore) -> SharedStore) -> (Harbour, Browser) {
    let harbour = Harbour::over(wrap).await;
    harbour.change(&[OPTIONAL]);
    let (browser, page) = harbour.enter(BOB).await;
    assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
    (harbour, browser)
}

/// Seals Bob's recovery codes again, as after a new vault key has begun to seal.
async fn reseal_codes(harbour: &Harbour) {
    let stored = harbour.stored(RecordKind::RecoveryCodes, "bob").await.remove(0);
    let VersionedRecord { record, version } = stored;
    let vault = harbour.app.app.registry.snapshot().vault.clone().expect("there are vault keys");
    let key = &record.key;
    let place = || VaultPlace { tenant: &key.tenant, kind: key.kind.as_str(), id: &key.id };
    let text = std::str::from_utf8(&record.value).expect("text");
    let plain = vault.open(place(), text).expect("it opens");
    let now = harbour.app.clock.now();
    let sealed = vault.seal(place(), &plain, &SeededEntropy::new(78), now);
    let resealed = Record { value: sealed.text.into_bytes().into(), ..record.clone() };
    assert_eq!(harbour.app.store.compare_and_swap(version, resealed, now).await, Ok(true));
}

#[tokio::test]
async fn recovery_codes_that_are_sealed_again_meanwhile_are_shown() {
    let (hold, wrap) = WriteHold::over(RecordKind::Passkey);
    let (harbour, browser) = held(wrap).await;
    let url = harbour.account_url();
    let page = open_setup(&browser, &url).await;
    let resealing = async {
        reseal_codes(&harbour).await;
        browser.open(&url).await
    };
    let (shown, _) = hold.race(add_passkey(&browser, &page), resealing).await;
    assert_counts(&harbour, &recovery_codes(&shown)[0]).await;
}

#[tokio::test]
async fn codes_without_an_authenticator_that_are_gone_or_sealed_again_meanwhile_are_replaced() {
    for is_gone in [false, true] {
        let (hold, wrap) = WriteHold::over_swaps(RecordKind::RecoveryCodes);
        let (harbour, browser) = held(wrap).await;
        let url = harbour.account_url();
        let (page, next_page) =
            (open_setup(&browser, &url).await, open_setup(&browser, &url).await);
        recovery_codes(&add_passkey(&browser, &page).await);
        let remove = async |kind: RecordKind| {
            let (store, now) = (&harbour.app.store, harbour.app.clock.now());
            let record = harbour.stored(kind, "bob").await.remove(0).record;
            assert!(store.take(&record.key, now).await.expect("the store").is_some());
        };
        remove(RecordKind::Passkey).await;
        let meanwhile = async {
            if is_gone {
                remove(RecordKind::RecoveryCodes).await;
            } else {
                reseal_codes(&harbour).await;
            }
            browser.open(&url).await
        };
        let (shown, _) = hold.race(add_passkey(&browser, &next_page), meanwhile).await;
        assert_counts(&harbour, &recovery_codes(&shown)[0]).await;
    }
}

//! Two pages on which a person sets up a first authenticator at the same time: the recovery codes that one of them shows
//! count.

use lanyard::{
    keys::VaultPlace,
    model::{Clock as _, SeededEntropy},
    store::{Record, RecordKind, SharedStore, VersionedRecord},
};

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
async fn of_two_pages_at_the_same_time_one_shows_recovery_codes_and_they_count() {
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
        let (hold, wrap) = WriteHold::over_replacements(RecordKind::RecoveryCodes);
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

//! A store that becomes read-only in the middle of a setup: nothing half-enrolled stays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use lanyard::{
    model::ErrorCause,
    store::{RecordKind, SharedStore, Store, StoreError, StoreLayer, StoreOperation},
};

use super::{
    authenticator::{App, asks_for_code, confirm},
    browser::{Browser, Page},
    required_factors::{BOB, CHOSEN, Harbour, OPTIONAL, PASSKEYS, choose, confirm_app},
};
use crate::support::{
    invitation::invitation_link,
    passkeys::{confirm_passkey, new_passkey, script_bytes},
};

/// A store that writes a number of records and none after that.
#[derive(Debug)]
struct ReadOnlyAfter {
    inner: SharedStore,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl StoreLayer for ReadOnlyAfter {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn before(&self, operation: StoreOperation<'_>) -> Result<(), StoreError> {
        let writes = matches!(
            operation,
            StoreOperation::Insert(_) | StoreOperation::Take(_) | StoreOperation::CompareAndSwap(_)
        );
        let spend = |left: usize| left.checked_sub(1);
        if writes && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_err() {
            return Err(StoreError::Unavailable(ErrorCause::new("the store is read-only")));
        }
        Ok(())
    }
}

/// A server over such a store, which writes everything at first.
async fn harbour() -> (Harbour, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let of_store = Arc::clone(&left);
    let wrap = move |inner| Arc::new(ReadOnlyAfter { inner, left: of_store }) as SharedStore;
    (Harbour::over(wrap).await, left)
}

/// More writes than a setup makes.
const MANY: usize = 30;

fn has_codes(page: &Page) -> bool {
    page.status == 200 && page.body.contains("Your recovery codes")
}

async fn has_no_factor(harbour: &Harbour, user: &str) -> bool {
    harbour.stored(RecordKind::Totp, user).await.is_empty()
        && harbour.stored(RecordKind::Passkey, user).await.is_empty()
}

#[tokio::test]
async fn an_invitation_sets_up_password_and_app_or_neither_counts() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        let link = invitation_link(&harbour.app, "ada");
        let browser = Browser::new();
        let page = choose(&browser, &browser.open(&link).await).await;
        let app = App::with_key(&page);
        left.store(writes, Ordering::SeqCst);
        let page = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
        if has_codes(&page) {
            assert!(writes >= 4, "{writes} writes before the last one");
            return;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        left.store(usize::MAX, Ordering::SeqCst);
        harbour.app.clock.advance(Duration::from_secs(150));
        let again = Browser::new();
        let page = again.open(&link).await;
        if has_no_factor(&harbour, "ada").await {
            let page = choose(&again, &page).await;
            let second = App::with_key(&page);
            let page = confirm_app(&again, &page, &second.code(&harbour.app.clock)).await;
            assert!(has_codes(&page), "{writes}: {} {}", page.status, page.body);
        } else {
            // The app was stored, and what failed is the session: the person has it, and is asked for it.
            let (_, page) = harbour.enter(("ada", CHOSEN)).await;
            assert!(asks_for_code(&page), "{writes}: {}", page.body);
        }
    }
    panic!("it never succeeded");
}

#[tokio::test]
async fn an_invitation_to_choose_a_password_is_not_used_up_by_a_failure() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        harbour.change(&[OPTIONAL]);
        let link = invitation_link(&harbour.app, "ada");
        let browser = Browser::new();
        let page = browser.open(&link).await;
        left.store(writes, Ordering::SeqCst);
        let page = choose(&browser, &page).await;
        if page.status == 200 {
            assert!(writes >= 3, "{writes} writes before the last one");
            return;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        left.store(usize::MAX, Ordering::SeqCst);
        harbour.app.clock.advance(Duration::from_secs(150));
        let is_stored = !harbour.stored(RecordKind::Password, "ada").await.is_empty();
        let (_, page) = harbour.enter(("ada", CHOSEN)).await;
        assert_eq!(page.left_for.is_some(), is_stored, "{writes}: {}", page.status);
        let again = Browser::new();
        let page = again.open(&link).await;
        if is_stored {
            assert!(page.body.contains("This invitation was used"), "{writes}: {}", page.body);
        } else {
            assert_eq!(choose(&again, &page).await.status, 200, "{writes}: {}", page.body);
        }
    }
    panic!("it never succeeded");
}

#[tokio::test]
async fn an_app_is_set_up_on_the_account_page_with_codes_or_not_at_all() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        harbour.change(&[OPTIONAL]);
        let (browser, _) = harbour.enter(BOB).await;
        let setup = format!("{}?setup=authenticator-app", harbour.account_url());
        let page = browser.open(&setup).await;
        let app = App::with_key(&page);
        left.store(writes, Ordering::SeqCst);
        let page = confirm(&browser, &page, &app.code(&harbour.app.clock)).await;
        if has_codes(&page) {
            assert!(writes >= 2, "{writes} writes before the last one");
            return;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        assert!(has_no_factor(&harbour, "bob").await, "{writes}: half of it stayed");
        left.store(usize::MAX, Ordering::SeqCst);
        let (_, page) = harbour.enter(BOB).await;
        assert!(page.left_for.is_some(), "the password still suffices: {}", page.body);
    }
    panic!("it never succeeded");
}

#[tokio::test]
async fn a_passkey_is_set_up_with_codes_or_not_at_all() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        harbour.change(&[PASSKEYS]);
        let link = invitation_link(&harbour.app, "ada");
        let browser = Browser::new();
        let page = choose(&browser, &browser.open(&link).await).await;
        let passkey = new_passkey(&page);
        let created = passkey.create(&script_bytes(&page, "challenge"));
        left.store(writes, Ordering::SeqCst);
        let page = confirm_passkey(&browser, &page, &created).await;
        if has_codes(&page) {
            assert!(writes >= 4, "{writes} writes before the last one");
            return;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        left.store(usize::MAX, Ordering::SeqCst);
        let has_passkey = !harbour.stored(RecordKind::Passkey, "ada").await.is_empty();
        let has_codes = !harbour.stored(RecordKind::RecoveryCodes, "ada").await.is_empty();
        let has_password = !harbour.stored(RecordKind::Password, "ada").await.is_empty();
        assert!(!has_passkey || (has_codes && has_password), "{writes}: the passkey is the last");
        if !has_passkey {
            let (_, page) = harbour.enter(("ada", CHOSEN)).await;
            assert!(page.left_for.is_none(), "{writes}: a password does not suffice");
        }
    }
    panic!("it never succeeded");
}

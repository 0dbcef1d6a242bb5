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
    account_page::{is_account_page, press},
    authenticator::{App, asks_for_code, confirm, enter, recover, recovery_codes},
    browser::{Browser, Page},
    required_factors::{BOB, CHOSEN, Harbour, OPTIONAL, PASSKEYS, choose, confirm_app},
};
use crate::support::{
    authenticator::set_up_app,
    invitation::invitation_link,
    passkeys::{confirm_passkey, new_passkey, open_setup, script_bytes},
};

/// A store that writes a number of records, and then refuses a number of writes.
#[derive(Debug)]
struct ReadOnlyAfter {
    inner: SharedStore,
    left: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
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
        let take = |from: &AtomicUsize| {
            from.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_ok()
        };
        if writes && !take(&self.left) && take(&self.refusals) {
            return Err(StoreError::Unavailable(ErrorCause::new("the store is read-only")));
        }
        Ok(())
    }
}

/// A server over such a store, which writes everything at first, and nothing after the last write.
async fn harbour() -> (Harbour, Arc<AtomicUsize>) {
    harbour_refusing(usize::MAX).await
}

/// A server over a store that refuses this many writes.
async fn harbour_refusing(refusals: usize) -> (Harbour, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let (of_store, refusals) = (Arc::clone(&left), Arc::new(AtomicUsize::new(refusals)));
    let wrap =
        move |inner| Arc::new(ReadOnlyAfter { inner, left: of_store, refusals }) as SharedStore;
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
        left.store(usize::MAX, Ordering::SeqCst);
        if has_codes(&page) {
            assert!(writes > WRITES_BEFORE_APP, "{writes} writes before that of the app");
            // The claim may be left, and ends within two minutes.
            harbour.app.clock.advance(Duration::from_secs(150));
            assert!(harbour.is_redeemed("ada").await, "{writes}: its Secret is deleted");
            let (other, asking) = harbour.enter(("ada", CHOSEN)).await;
            assert!(asks_for_code(&asking), "{writes}: {}", asking.body);
            let entered = recover(&other, &asking, &recovery_codes(&page)[0]).await;
            assert!(entered.left_for.is_some(), "{writes}: {}", entered.body);
            // The session is the last write.
            if is_account_page(&browser.open(&harbour.account_url()).await) {
                assert!(writes > WRITES_BEFORE_APP + 1, "writes after that of the app have failed");
                return;
            }
            continue;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        assert!(has_no_factor(&harbour, "ada").await, "{writes}: its codes were not shown");
        assert!(!harbour.is_redeemed("ada").await, "{writes}: while it is claimed");
        harbour.app.clock.advance(Duration::from_secs(150));
        let again = Browser::new();
        let page = choose(&again, &again.open(&link).await).await;
        let second = App::with_key(&page);
        let page = confirm_app(&again, &page, &second.code(&harbour.app.clock)).await;
        assert!(has_codes(&page), "{writes}: {} {}", page.status, page.body);
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
        assert_eq!(harbour.is_redeemed("ada").await, is_stored, "{writes}: its Secret goes");
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
        assert!(!has_passkey, "{writes}: its codes were not shown");
        assert!(!harbour.is_redeemed("ada").await, "{writes}: it is not used");
        let (_, page) = harbour.enter(("ada", CHOSEN)).await;
        assert!(page.left_for.is_none(), "{writes}: a password does not suffice");
    }
    panic!("it never succeeded");
}

/// Ada's second invitation, with which she chooses a new password and the app that is required by then.
const INVITED_AGAIN: (&str, &str) = ("id: welcome-1", "id: welcome-2");
const OTHER: &str = "seventeen mossy anvils";

/// Ada has a password, and is on the page for the app of her second invitation.
async fn invite_again(harbour: &Harbour) -> (Browser, Page, String) {
    harbour.change(&[OPTIONAL]);
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "ada")).await;
    assert_eq!(choose(&browser, &page).await.status, 200);
    harbour.app.clock.advance(Duration::from_secs(1));
    harbour.change(&[INVITED_AGAIN]);
    let (link, browser) = (invitation_link(&harbour.app, "ada"), Browser::new());
    let page = browser.open(&link).await;
    let fields = [("new_password", OTHER), ("new_password_again", OTHER)];
    let page = browser.submit(&page.form("/invitation"), &fields).await;
    (browser, page, link)
}

/// Claim, recovery codes and password are written, the app is not.
const WRITES_BEFORE_APP: usize = 3;

#[tokio::test]
async fn a_failed_setup_puts_the_earlier_password_back() {
    let (harbour, left) = harbour_refusing(1).await;
    let (browser, page, link) = invite_again(&harbour).await;
    let app = App::with_key(&page);
    left.store(WRITES_BEFORE_APP, Ordering::SeqCst);
    let failed = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(failed.status, 503, "{}", failed.body);
    assert!(!failed.body.contains("may be valid already"), "{}", failed.body);
    assert!(has_no_factor(&harbour, "ada").await);
    harbour.change(&[INVITED_AGAIN, OPTIONAL]);
    assert_eq!(harbour.enter(("ada", OTHER)).await.1.status, 422, "it was taken back");
    let (_, page) = harbour.enter(("ada", CHOSEN)).await;
    assert!(page.left_for.is_some(), "the earlier one counts: {}", page.body);
    assert_eq!(Browser::new().open(&link).await.status, 200, "the invitation was given back");
}

#[tokio::test]
async fn a_failed_setup_that_cannot_put_the_password_back_says_so() {
    let (harbour, left) = harbour().await;
    let (browser, page, link) = invite_again(&harbour).await;
    let app = App::with_key(&page);
    left.store(WRITES_BEFORE_APP, Ordering::SeqCst);
    let failed = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(failed.status, 503, "{}", failed.body);
    assert!(failed.body.contains("Setting up was interrupted"), "{}", failed.body);
    assert!(failed.body.contains("may be valid already"), "{}", failed.body);
    let changed = harbour.app.audit.of("password_changed");
    assert_eq!(changed.len(), 2, "the audit lines say that it has changed");
    left.store(usize::MAX, Ordering::SeqCst);
    harbour.app.clock.advance(Duration::from_secs(150));
    assert!(has_no_factor(&harbour, "ada").await);
    assert_eq!(Browser::new().open(&link).await.status, 200);
}

#[tokio::test]
async fn a_passkey_is_set_up_on_the_account_page_with_codes_or_not_at_all() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        harbour.change(&[OPTIONAL]);
        let (browser, _) = harbour.enter(BOB).await;
        let page = open_setup(&browser, &harbour.account_url()).await;
        let passkey = new_passkey(&page);
        let created = passkey.create(&script_bytes(&page, "challenge"));
        left.store(writes, Ordering::SeqCst);
        let page = confirm_passkey(&browser, &page, &created).await;
        if has_codes(&page) {
            assert!(writes >= 3, "{writes} writes before the last one");
            return;
        }
        assert_eq!(page.status, 503, "{writes}: {}", page.body);
        assert!(has_no_factor(&harbour, "bob").await, "{writes}: half of it stayed");
    }
    panic!("it never succeeded");
}

/// Ada with a password, and her account page.
async fn ada_with_password(harbour: &Harbour) -> (Browser, Page) {
    harbour.change(&[OPTIONAL]);
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "ada")).await;
    let page = choose(&browser, &page).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    (browser, page)
}

#[tokio::test]
async fn a_password_is_changed_or_stays() {
    let mut is_changed = false;
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        let (browser, _) = ada_with_password(&harbour).await;
        harbour.app.clock.advance(Duration::from_secs(1));
        let page = browser.open(&format!("{}?setup=password", harbour.account_url())).await;
        left.store(writes, Ordering::SeqCst);
        let fields =
            [("new_password", OTHER), ("new_password_again", OTHER), ("action", "change-password")];
        let page = browser.submit(&page.form("/account"), &fields).await;
        let has_failed = page.status == 503;
        assert!(has_failed || is_account_page(&page), "{writes}: {} {}", page.status, page.body);
        left.store(usize::MAX, Ordering::SeqCst);
        let counts = harbour.enter(("ada", OTHER)).await.1.left_for.is_some();
        let earlier_counts = harbour.enter(("ada", CHOSEN)).await.1.left_for.is_some();
        assert!(counts != earlier_counts, "{writes}: exactly one of them counts");
        assert_eq!(counts, writes > 0, "{writes}: the password is the first write");
        is_changed |= counts && !has_failed;
        if is_changed {
            return;
        }
    }
    panic!("it never succeeded");
}

#[tokio::test]
async fn a_removal_that_fails_leaves_the_app_with_its_codes() {
    for writes in 0..MANY {
        let (harbour, left) = harbour().await;
        harbour.change(&[OPTIONAL]);
        let (browser, _) = harbour.enter(BOB).await;
        let app = set_up_app(&browser, &harbour.account_url(), &harbour.app.clock).await;
        let page = browser.open(&format!("{}?confirm=1", harbour.account_url())).await;
        let page = enter(&browser, &page, &app.next_code(&harbour.app.clock)).await;
        left.store(writes, Ordering::SeqCst);
        let page = press(&browser, &page, ("action", "remove-authenticator-app")).await;
        let has_failed = page.status == 503;
        assert!(has_failed || is_account_page(&page), "{writes}: {} {}", page.status, page.body);
        left.store(usize::MAX, Ordering::SeqCst);
        let has_app = !harbour.stored(RecordKind::Totp, "bob").await.is_empty();
        let has_recovery = !harbour.stored(RecordKind::RecoveryCodes, "bob").await.is_empty();
        assert!(has_recovery || !has_app, "{writes}: an app without codes");
        let (_, page) = harbour.enter(BOB).await;
        assert_eq!(asks_for_code(&page), has_app, "{writes}: {}", page.body);
        if !has_failed {
            assert!(!has_app && writes > 0, "{writes}");
            return;
        }
    }
    panic!("it never succeeded");
}

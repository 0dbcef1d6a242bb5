//! Changes on the account page require the strongest authenticator that the person has.

use std::time::Duration;

use super::{
    account_page::{is_account_page, press},
    authenticator::{App, asks_for_code, enter, recover, recovery_codes},
    browser::{Browser, Page},
    passkeys::passkey_link,
    required_factors::{BOB, CHOSEN, Harbour, OPTIONAL},
    world::sign_in,
};
use crate::support::{
    authenticator::set_up_app,
    passkeys::{confirm_passkey, new_passkey, open_setup, script_bytes, use_passkey},
    soft_authenticator::SoftPasskey,
};

/// Everyone needs a passkey, and can have an app.
const PASSKEYS: (&str, &str) = (
    "{passwords: Optional, totp: Required, passkeys: Optional}",
    "{passwords: Optional, totp: Optional, passkeys: Required}",
);
const ADA: (&str, &str) = ("ada", CHOSEN);
const NOT_ENOUGH: &str = "A code of the authenticator app is not enough.";

/// Ada with a passkey and an app, her browser and her account page.
struct Ada {
    harbour: Harbour,
    browser: Browser,
    passkey: SoftPasskey,
    app: App,
}

impl Ada {
    async fn new() -> Self {
        let harbour = Harbour::with(&[PASSKEYS]).await;
        let (browser, passkey) = harbour.accept_with_passkey("ada", true).await;
        let app = set_up_app(&browser, &harbour.account_url(), &harbour.app.clock).await;
        Self { harbour, browser, passkey, app }
    }

    /// A phisher with her password and a code of her app, on her account page.
    async fn phisher(&self) -> (Browser, Page) {
        let (browser, page) = self.after_password("").await;
        let page = enter(&browser, &page, &self.app.next_code(&self.harbour.app.clock)).await;
        assert!(is_account_page(&page), "two factors suffice to look: {}", page.body);
        (browser, page)
    }

    /// The page after the password, on the way to the account page.
    async fn after_password(&self, query: &str) -> (Browser, Page) {
        let browser = Browser::new();
        let page = browser.open(&format!("{}{query}", self.harbour.account_url())).await;
        let page = sign_in(&browser, &page, ADA).await;
        (browser, page)
    }

    /// A passkey with a counter, set up on her account page.
    async fn add_counting_passkey(&self) -> SoftPasskey {
        // The page lists the oldest first.
        self.harbour.app.clock.advance(Duration::from_secs(1));
        let page = open_setup(&self.browser, &self.harbour.account_url()).await;
        let mut passkey = new_passkey(&page);
        (passkey.sign_count, passkey.step) = (40, 1);
        let created = passkey.create(&script_bytes(&page, "challenge"));
        let page = confirm_passkey(&self.browser, &page, &created).await;
        assert!(page.body.contains("The passkey is set up."), "{} {}", page.status, page.body);
        passkey
    }

    async fn remove(&self, page: &Page) -> Page {
        let changed = self.browser.open(&passkey_link(page)).await;
        let fields = [("action", "remove-passkey")];
        self.browser.submit(&changed.form("/account"), &fields).await
    }
}

/// Whether a page asks for a passkey or a recovery code, and says so.
fn wants_passkey(page: &Page) -> bool {
    page.body.contains("Use a passkey")
        && page.body.contains(NOT_ENOUGH)
        && page.body.contains("name=\"recovery_code\"")
        && !asks_for_code(page)
}

#[tokio::test]
async fn a_phisher_with_password_and_code_cannot_change_the_account() {
    let mut ada = Ada::new().await;
    let (phisher, page) = ada.phisher().await;
    let account = ada.harbour.account_url();
    let steps = ["setup=passkey", "setup=authenticator-app", "setup=password", "confirm=1"];
    let links = steps.map(|step| format!("{account}?{step}"));
    for link in links.into_iter().chain([passkey_link(&page)]) {
        let asked = phisher.open(&link).await;
        assert!(wants_passkey(&asked), "{link}: {} {}", asked.status, asked.body);
        // A code is not taken, and not used up.
        let code = ada.app.next_code(&ada.harbour.app.clock);
        let refused = enter(&phisher, &asked, &code).await;
        assert_eq!(refused.status, 422, "{link}: {}", refused.body);
        assert!(refused.body.contains(NOT_ENOUGH), "{link}: {}", refused.body);
    }
    for action in
        ["new-recovery-codes", "remove-authenticator-app", "change-password", "sign-out-everywhere"]
    {
        let page = phisher.open(&account).await;
        let refused = phisher.submit(&page.form("/account"), &[("action", action)]).await;
        assert!(wants_passkey(&refused), "{action}: {} {}", refused.status, refused.body);
    }
    let id = passkey_link(&page);
    let id = id.split("passkey=").nth(1).expect("an id");
    let fields = [("passkey", id), ("action", "remove-passkey")];
    let refused = phisher.submit(&page.form("/account"), &fields).await;
    assert!(wants_passkey(&refused), "{} {}", refused.status, refused.body);
    assert!(ada.harbour.app.audit.of("authenticator_removed").is_empty());
    assert!(ada.harbour.app.audit.of("password_changed").len() == 1, "by the invitation");

    // The passkey that the phisher lacks.
    let asked = phisher.open(&format!("{account}?setup=passkey")).await;
    let page = use_passkey(&phisher, &asked, &mut ada.passkey).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    open_setup(&phisher, &account).await;
}

#[tokio::test]
async fn a_stale_session_proves_a_passkey_after_the_password() {
    let ada = Ada::new().await;
    let (phisher, _) = ada.phisher().await;
    ada.harbour.app.clock.advance(Duration::from_mins(7));
    let account = ada.harbour.account_url();
    let page = phisher.open(&format!("{account}?setup=passkey")).await;
    let asked = sign_in(&phisher, &page, ADA).await;
    assert!(wants_passkey(&asked), "{} {}", asked.status, asked.body);
    let code = ada.app.next_code(&ada.harbour.app.clock);
    let refused = enter(&phisher, &asked, &code).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let page = phisher.open(&format!("{account}?setup=passkey")).await;
    assert!(!page.body.contains("Create the passkey"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_recovery_code_proves_a_change_and_an_earlier_code_does_not() {
    let ada = Ada::new().await;
    let account = ada.browser.open(&ada.harbour.account_url()).await;
    let made = press(&ada.browser, &account, ("action", "new-recovery-codes")).await;
    let codes = recovery_codes(&made);
    let (browser, _) = ada.phisher().await;
    let asked = browser.open(&format!("{}?setup=passkey", ada.harbour.account_url())).await;
    let page = recover(&browser, &asked, &codes[0]).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    open_setup(&browser, &ada.harbour.account_url()).await;
    // The recovery code counts for five minutes, and a code of the app does not extend that time.
    ada.harbour.app.clock.advance(Duration::from_mins(7));
    let (again, page) = ada.phisher().await;
    let asked = again.open(&passkey_link(&page)).await;
    assert!(wants_passkey(&asked), "{} {}", asked.status, asked.body);
}

#[tokio::test]
async fn a_person_with_an_app_alone_proves_a_change_with_its_code() {
    let harbour = Harbour::with(&[OPTIONAL]).await;
    let (browser, _) = harbour.enter(BOB).await;
    let app = set_up_app(&browser, &harbour.account_url(), &harbour.app.clock).await;
    let page = browser.open(&format!("{}?setup=passkey", harbour.account_url())).await;
    assert!(asks_for_code(&page) && !page.body.contains(NOT_ENOUGH), "{}", page.body);
    let page = enter(&browser, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    open_setup(&browser, &harbour.account_url()).await;
}

#[tokio::test]
async fn a_copied_passkey_is_not_the_required_one() {
    let ada = Ada::new().await;
    let mut copied = ada.add_counting_passkey().await;
    copied.sign_count = 10;
    let (other, page) = ada.harbour.enter(ADA).await;
    let refused = use_passkey(&other, &page, &mut copied).await;
    assert!(refused.body.contains("a copy of it may exist"), "{}", refused.body);
    let page = ada.browser.open(&ada.harbour.account_url()).await;
    let kept = ada.remove(&page).await;
    assert!(kept.body.contains("Everyone needs this to sign in here"), "{}", kept.body);
    // The copied passkey is the second one on the page.
    let after_first = page.body.split_once("href=\"?passkey=").expect("a passkey").1;
    let second = Page { body: after_first.to_owned(), left_for: None, ..page };
    let removed = ada.remove(&second).await;
    assert!(removed.body.contains("The passkey was removed"), "{}", removed.body);
}

#[tokio::test]
async fn where_every_passkey_was_copied_the_app_proves_a_change() {
    let ada = Ada::new().await;
    let mut copied = ada.add_counting_passkey().await;
    let page = ada.browser.open(&ada.harbour.account_url()).await;
    let removed = ada.remove(&page).await;
    assert!(removed.body.contains("The passkey was removed"), "{}", removed.body);
    copied.sign_count = 10;
    let (other, page) = ada.harbour.enter(ADA).await;
    let refused = use_passkey(&other, &page, &mut copied).await;
    assert!(refused.body.contains("a copy of it may exist"), "{}", refused.body);
    let (browser, _) = ada.phisher().await;
    open_setup(&browser, &ada.harbour.account_url()).await;
    let (browser, page) = ada.after_password("").await;
    assert!(asks_for_code(&page), "the password alone does not suffice: {}", page.body);
    assert!(!is_account_page(&browser.open(&ada.harbour.account_url()).await));
}

//! An authenticator app for the tests: its secret, the codes that it shows, and the pages about it.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, FixedClock},
    protocol::totp::{totp_code, totp_step},
};

use super::browser::{Browser, Page};

/// An app with one account.
pub struct AuthenticatorApp {
    secret: Vec<u8>,
    /// The recovery codes that were shown with it.
    pub codes: Vec<String>,
}

impl AuthenticatorApp {
    /// An app in which the key of a page was typed.
    pub fn with_key(page: &Page) -> Self {
        Self::with_key_of(&page.body)
    }

    /// An app in which the key was typed that this HTML shows.
    pub fn with_key_of(html: &str) -> Self {
        let key = html.split("<code>").nth(1).unwrap_or_else(|| panic!("{html}"));
        let key = key.split("</code>").next().expect("its end");
        let mut secret = Vec::new();
        let (mut bits, mut count) = (0_u32, 0);
        for letter in key.chars().filter(|letter| *letter != ' ') {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base32");
            bits = bits << 5 | u32::try_from(value).expect("small");
            count += 5;
            if count >= 8 {
                count -= 8;
                secret.push(u8::try_from(bits >> count & 0xff).expect("a byte"));
            }
        }
        assert_eq!(secret.len(), 20);
        Self { secret, codes: Vec::new() }
    }

    /// The code that it shows.
    pub fn code(&self, clock: &FixedClock) -> String {
        self.code_off(clock, 0)
    }

    /// The code that the app shows if its clock is some steps of 30 s ahead.
    pub fn code_off(&self, clock: &FixedClock, steps: i64) -> String {
        let step = totp_step(clock.now()).checked_add_signed(steps).expect("a step");
        format!("{:06}", totp_code(&self.secret, step))
    }

    /// Waits until it shows another code, and returns that.
    pub fn next_code(&self, clock: &FixedClock) -> String {
        clock.advance(Duration::from_secs(30));
        self.code(clock)
    }

    /// A code that the app does not show at this time or around it.
    pub fn wrong_code(&self, clock: &FixedClock) -> String {
        let near: Vec<_> = (-5..=5).map(|steps| self.code_off(clock, steps)).collect();
        let mut codes = (0..1_000_000).map(|number| format!("{number:06}"));
        codes.find(|code| !near.contains(code)).expect("there are a million")
    }
}

/// Sets up an app on the account page with this URL.
pub async fn set_up_app(
    browser: &Browser,
    account_url: &str,
    clock: &FixedClock,
) -> AuthenticatorApp {
    let page = browser.open(&format!("{account_url}?setup=authenticator-app")).await;
    assert!(page.body.contains("Set up an authenticator app"), "{}", page.body);
    let app = AuthenticatorApp::with_key(&page);
    let page = confirm(browser, &page, &app.code(clock)).await;
    assert!(page.body.contains("The authenticator app is set up."), "{}", page.body);
    // A person who has a passkey has codes already.
    let codes = if page.body.contains("<li><code>") { recovery_codes(&page) } else { Vec::new() };
    AuthenticatorApp { codes, ..app }
}

/// The recovery codes of a page.
pub fn recovery_codes(page: &Page) -> Vec<String> {
    recovery_codes_of(&page.body)
}

/// The recovery codes of the HTML of a page.
pub fn recovery_codes_of(html: &str) -> Vec<String> {
    let codes = html.split("<li><code>").skip(1);
    let codes = codes.map(|rest| rest.split("</code>").next().expect("its end").to_owned());
    let codes: Vec<_> = codes.collect();
    assert_eq!(codes.len(), 10, "{html}");
    codes
}

/// Sends the code of the page for setting up.
pub async fn confirm(browser: &Browser, page: &Page, code: &str) -> Page {
    let fields = [("code", code), ("action", "confirm-authenticator-app")];
    browser.submit(&page.form("/account"), &fields).await
}

/// Whether a page asks for the code of an app.
pub fn asks_for_code(page: &Page) -> bool {
    page.left_for.is_none() && page.body.contains("value=\"code\"")
}

/// Sends a TOTP code with the form of a page that asks for one; returns the next page.
pub async fn enter(browser: &Browser, page: &Page, code: &str) -> Page {
    browser.submit(&page.form("/login"), &[("code", code), ("action", "code")]).await
}

/// Sends a recovery code with the form of a page that asks for one; returns the next page.
pub async fn recover(browser: &Browser, page: &Page, code: &str) -> Page {
    let fields = [("recovery_code", code), ("action", "recovery-code")];
    browser.submit(&page.form("/login"), &fields).await
}

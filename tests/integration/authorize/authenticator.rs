//! The fixture of the tests of authenticator apps.

pub use crate::support::authenticator::{
    AuthenticatorApp as App, asks_for_code, confirm, enter, recover, recovery_codes,
};

use super::{
    account_page::{account_page, account_url},
    browser::{Browser, Page},
    world::{World, sign_in},
};
use crate::support::authenticator::set_up_app;

/// The manifests with the second factor.
pub const OFFERED: (&str, &str) = (
    "displayName: Harbour Works",
    "displayName: Harbour Works\n  authenticators: {totp: Optional}",
);

/// A world whose tenant offers authenticator apps.
pub async fn world() -> World {
    let world = World::new().await;
    world.change(OFFERED.0, OFFERED.1);
    world
}

/// Sets up an app, and returns it with the account page.
pub async fn set_up(world: &World, browser: &Browser) -> (App, Page) {
    let app = set_up_app(browser, &account_url(world), &world.app.clock).await;
    let page = account_page(world, browser).await;
    assert!(page.body.contains("Set up on"), "{}", page.body);
    (app, page)
}

/// A new browser in which a person has typed the password, with the page that asks for a code.
pub async fn with_password(url: &str, who: (&str, &str)) -> (Browser, Page) {
    let browser = Browser::new();
    let page = sign_in(&browser, &browser.open(url).await, who).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    (browser, page)
}

//! Rotation of the vault key: authenticators are sealed again, the old key retires and is removed, and the
//! authenticator of a person remains valid.

use std::time::Duration;

use lanyard::model::{Clock as _, FixedClock, SystemClock};
use serde_json::Value;

use super::{
    Browser, NAMESPACE, SCOPE, SOON, World, eventually, keys,
    sealing::{LONG_AGO, change, replace},
    text,
};
use crate::support::{
    authenticator::{AuthenticatorApp, asks_for_code, enter, recover, set_up_app},
    browser::Page,
};

const SECRET: &str = "lanyard-vault-keys";

/// A person with an app, whom no load signs in.
const CAROL: &str = "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: carol, namespace: team}
spec: {tenantRef: {name: main}, username: carol, passwordSecretRef: {name: alice}}
";

/// The objects with a tenant that offers apps, and a person who can have one.
pub fn with_authenticators(objects: &str) -> String {
    let offers = "spec: {authenticators: {totp: Optional}, signing:";
    assert!(objects.contains("spec: {signing:"), "{objects}");
    format!("{}{CAROL}", objects.replace("spec: {signing:", offers))
}

/// The app of Carol, and the keys before and after the one that sealed it was replaced.
pub struct EnrolledPerson {
    authenticator: AuthenticatorApp,
    old: Value,
    new: Value,
}

/// Replaces the key under which a person has set an app up.
pub async fn rotates(world: &World) -> EnrolledPerson {
    let made = tokio::task::block_in_place(|| keys(&world.api, NAMESPACE, SECRET));
    let [old] = &made[..] else { panic!("one key") };
    let new = tokio::task::block_in_place(|| replace(world, SECRET, old));
    let app = world.application("team.app", None).await;
    let account = format!("{}/account", text(&app.metadata, "issuer"));
    let (browser, page) = after_password(&account).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let authenticator = set_up_app(&browser, &account, &now()).await;
    tokio::task::block_in_place(|| seals_since_yesterday(world, &new));
    EnrolledPerson { authenticator, old: old.clone(), new }
}

/// Asserts that the old key is removed, and that the app that it had sealed remains the second factor.
pub async fn old_key_retires(world: &World, person: &EnrolledPerson) {
    let id = &person.old["id"];
    let find_old = || {
        // The keys are planned when the Secret changes, and otherwise once an hour.
        seals_since_yesterday(world, &person.new);
        keys(&world.api, NAMESPACE, SECRET).into_iter().find(|key| key["id"] == *id)
    };
    tokio::task::block_in_place(|| {
        let retiring = eventually(2 * SOON, || {
            let old = find_old().expect("it stays for backups of the store");
            if old["retireAt"].is_string() { Ok(old) } else { Err(format!("{id} is in use")) }
        });
        change(world, SECRET, &retiring, ("retireAt", LONG_AGO));
        eventually(SOON, || {
            let Some(old) = find_old() else { return Ok(()) };
            // A replica that has not read this time yet takes the removed key for a lost one, and writes it back.
            if old["retireAt"] != LONG_AGO {
                change(world, SECRET, &old, ("retireAt", LONG_AGO));
            }
            Err(format!("{id} is still there"))
        });
    });
    let app = world.application("team.app", None).await;
    let url = app.authorize_url(SCOPE, &[]);
    let (browser, page) = after_password(&url).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &person.authenticator.code(&now())).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let (browser, page) = after_password(&url).await;
    let page = recover(&browser, &page, &person.authenticator.codes[0]).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

/// Lets the new key seal since more than a day ago: an old one may seal for a day after that.
fn seals_since_yesterday(world: &World, key: &Value) {
    let since = SystemClock.now().minus(Duration::from_hours(25)).to_string();
    change(world, SECRET, key, ("sealsFrom", &since));
}

/// A clock that shows the present time, for the codes of an app.
fn now() -> FixedClock {
    FixedClock::at(SystemClock.now())
}

/// The page after Carol's password, in a new browser.
async fn after_password(url: &str) -> (Browser, Page) {
    let browser = Browser::new();
    let page = browser.open(url).await;
    let fields = [("username", "carol"), ("password", "a nanosecond is 30 cm")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    (browser, page)
}

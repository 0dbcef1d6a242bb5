//! The pages for devices as people use them: with and without scripts, by keyboard, by a link, and in every state.

use std::time::Duration;

use serde_json::Value;

use super::{
    axe,
    pictures::{Gallery, judge},
    support::browser::Application,
    tab::Tab,
    world::{ALICE, World, fill_in},
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device that has asked for access, and its codes (RFC 8628 §3.2).
struct Television {
    application: Application,
    codes: Value,
}

impl Television {
    async fn asking(world: &World) -> Self {
        let (issuer, unused) = (world.app.issuer("shop"), "https://rp.test/cb");
        let application = Application::discover(&issuer, "default.tv", None, unused).await;
        let scope = [("scope", "openid profile")];
        let response = application.post("device_authorization_endpoint", &scope).await;
        assert_eq!(response.status().as_u16(), 200);
        Self { application, codes: response.json().await.expect("JSON") }
    }

    fn code(&self, name: &str) -> &str {
        self.codes[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.codes))
    }

    /// Polls after the interval; returns the status and the error.
    async fn poll(&self, world: &World) -> (u16, Option<String>) {
        world.app.clock.advance(Duration::from_secs(5));
        let code = self.code("device_code");
        let (status, answer) =
            self.application.token(&[("grant_type", GRANT_TYPE), ("device_code", code)]).await;
        (status, answer["error"].as_str().map(str::to_owned))
    }
}

/// Opens the page, and types and sends the code of a device.
async fn type_code(tab: &Tab, television: &Television, code: &str) {
    tab.goto(television.code("verification_uri")).await;
    tab.sees("Connect a device").await;
    tab.click("#user_code").await;
    tab.types(code).await;
    tab.presses("Enter").await;
}

/// Signs in on the page that the code leads to.
async fn sign_in(tab: &Tab) {
    tab.sees("Sign in").await;
    fill_in(tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.sees("Allow Living Room TV?").await;
}

fn pending() -> (u16, Option<String>) {
    (400, Some("authorization_pending".to_owned()))
}

fn denied() -> (u16, Option<String>) {
    (400, Some("access_denied".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_lets_a_device_in_with_and_without_scripts() {
    // RFC 8628 §3.3
    let Some(world) = World::new().await else { return };
    for scripts in [true, false] {
        let (tab, television) = (world.person().await, Television::asking(&world).await);
        if !scripts {
            tab.without_scripts().await;
        }
        let user_code = television.code("user_code");
        type_code(&tab, &television, &user_code.to_lowercase().replace('-', "")).await;
        tab.sees("Sign in").await;
        assert!(tab.shown().await.contains("to continue to Living Room TV"));
        sign_in(&tab).await;
        let shown = tab.shown().await;
        for expected in [user_code, "from the address 127.0.0.1", "Alice Rivera"] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        assert_eq!(television.poll(&world).await, pending(), "before the answer");
        tab.click("button[value=allow]").await;
        tab.sees("The device has access").await;
        assert_eq!(television.poll(&world).await, (200, None));
        assert_eq!(tab.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_by_keyboard() {
    let Some(world) = World::new().await else { return };
    let (tab, television) = (world.person().await, Television::asking(&world).await);
    tab.goto(television.code("verification_uri")).await;
    tab.until("document.activeElement.id === 'user_code'").await;
    tab.types(television.code("user_code")).await;
    tab.presses("Enter").await;
    tab.until("document.activeElement.id === 'username'").await;
    tab.types(ALICE.0).await;
    tab.presses("Tab").await;
    tab.types(ALICE.1).await;
    tab.presses("Enter").await;
    tab.sees("Allow Living Room TV?").await;
    tab.presses("Tab").await;
    assert_eq!(tab.eval("document.activeElement.value").await, "allow", "the first control");
    tab.presses(" ").await;
    tab.sees("The device has access").await;
    assert_eq!(television.poll(&world).await, (200, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_a_code_does_not_answer_and_the_device_can_be_refused() {
    // RFC 8628 §3.3.1, §5.4
    let Some(world) = World::new().await else { return };
    for scripts in [true, false] {
        let (tab, television) = (world.person().await, Television::asking(&world).await);
        world.signs_in(&tab, "plain").await;
        if !scripts {
            tab.without_scripts().await;
        }
        tab.goto(television.code("verification_uri_complete")).await;
        tab.sees("Connect a device").await;
        let typed = tab.eval("document.getElementById('user_code').value").await;
        assert_eq!(typed, television.code("user_code"));
        assert_eq!(television.poll(&world).await, pending(), "the link was opened");
        tab.click("button.primary").await;
        tab.sees("Allow Living Room TV?").await;
        assert_eq!(television.poll(&world).await, pending(), "the code was sent");
        tab.click("button[value=deny]").await;
        tab.sees("The device has no access").await;
        assert!(tab.shown().await.contains("You refused it."));
        assert_eq!(television.poll(&world).await, denied());
        assert_eq!(tab.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_for_devices_are_accessible_in_every_state() {
    let Some(world) = World::new().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.person().await;
    let television = Television::asking(&world).await;
    tab.goto(television.code("verification_uri")).await;
    tab.sees("Connect a device").await;
    judge(&tab, &gallery, "device-live").await;
    type_code(&tab, &television, "BBBB-BBBB").await;
    tab.until("document.querySelector('[role=alert]')").await;
    judge(&tab, &gallery, "device-live-wrong").await;
    type_code(&tab, &television, television.code("user_code")).await;
    tab.sees("Sign in").await;
    judge(&tab, &gallery, "device-live-sign-in").await;
    sign_in(&tab).await;
    judge(&tab, &gallery, "device-live-question").await;
    tab.click("button[value=allow]").await;
    tab.sees("The device has access").await;
    judge(&tab, &gallery, "device-live-allowed").await;

    let refused = Television::asking(&world).await;
    type_code(&tab, &refused, refused.code("user_code")).await;
    tab.sees("Allow Living Room TV?").await;
    tab.click("button[value=deny]").await;
    tab.sees("The device has no access").await;
    judge(&tab, &gallery, "device-live-refused").await;

    let late = Television::asking(&world).await;
    type_code(&tab, &late, late.code("user_code")).await;
    tab.sees("Allow Living Room TV?").await;
    world.app.clock.advance(Duration::from_mins(10));
    tab.click("button[value=allow]").await;
    tab.sees("This code is no longer valid").await;
    judge(&tab, &gallery, "device-live-over").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

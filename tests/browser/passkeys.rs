//! Passkeys with Chromium's virtual authenticator: setting up, signing in by button and by autofill, losing one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    app::TestApp,
    axe,
    pictures::{Gallery, judge},
    support::invitation::invitation_link,
    tab::Tab,
    world::{ALICE, World, fill_in, param},
};

/// The button that asks the authenticator, once the script has shown it.
const BUTTON: &str = "#passkey:not([hidden]) #use-passkey";

/// A virtual authenticator of a tab, which verifies its person.
struct Authenticator<'a> {
    tab: &'a Tab,
    id: Value,
}

impl<'a> Authenticator<'a> {
    async fn plug_in(tab: &'a Tab) -> Self {
        tab.ask("WebAuthn.enable", json!({"enableUI": false})).await;
        let options = json!({"options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true,
        }});
        let added = tab.ask("WebAuthn.addVirtualAuthenticator", options).await;
        Self { tab, id: added["authenticatorId"].clone() }
    }

    async fn ask(&self, method: &str, more: Value) -> Value {
        let mut params = json!({"authenticatorId": self.id});
        params
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().cloned().unwrap_or_default());
        self.tab.ask(&format!("WebAuthn.{method}"), params).await
    }

    /// The credentials that it keeps.
    async fn credentials(&self) -> Vec<Value> {
        let found = self.ask("getCredentials", json!({})).await;
        found["credentials"].as_array().cloned().unwrap_or_default()
    }

    /// Whether the person is there, and touches it.
    async fn is_touched(&self, touched: bool) {
        self.ask("setAutomaticPresenceSimulation", json!({"enabled": touched})).await;
    }

    /// Removes all credentials from the virtual authenticator.
    async fn loses_everything(&self) {
        self.ask("clearCredentials", json!({})).await;
    }
}

async fn shows(tab: &Tab, text: &str) {
    tab.until(&format!("document.body?.innerText.includes({})", json!(text))).await;
}

/// Signs in with the password, to the account page.
async fn visit_account(world: &World, tab: &Tab) {
    tab.goto(&format!("{}/account", world.app.issuer("shop"))).await;
    fill_in(tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.sees("Your account").await;
}

/// Sets up a passkey from the account page; returns the recovery codes.
async fn set_up(tab: &Tab) -> Vec<String> {
    tab.click("a[href='?setup=passkey']").await;
    tab.sees("Set up a passkey").await;
    tab.click(BUTTON).await;
    tab.sees("Your recovery codes").await;
    let codes = "[...document.querySelectorAll('.codes code')].map(it => it.innerText)";
    let codes = tab.eval(codes).await;
    serde_json::from_value(codes).expect("texts")
}

async fn forget_cookies(tab: &Tab) {
    tab.ask("Network.clearBrowserCookies", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_a_passkey_by_button_and_by_autofill() {
    let Some(world) = World::with_passkeys().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    visit_account(&world, &tab).await;
    tab.click("a[href='?setup=passkey']").await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    judge(&tab, &gallery, "passkey-setup-live").await;
    tab.goto(&format!("{}/account", world.app.issuer("shop"))).await;
    assert_eq!(set_up(&tab).await.len(), 10);
    let kept = authenticator.credentials().await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["rpId"], "localhost");
    assert_eq!(kept[0]["isResidentCredential"], true);
    tab.goto(&format!("{}/account", world.app.issuer("shop"))).await;
    shows(&tab, "Chrome on Linux").await;
    judge(&tab, &gallery, "account-passkey").await;

    // By the button, while the person does not react to the autofill.
    forget_cookies(&tab).await;
    authenticator.is_touched(false).await;
    tab.goto(&world.authorize("plain", &[("state", "button")])).await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    judge(&tab, &gallery, "sign-in-passkey").await;
    authenticator.is_touched(true).await;
    tab.click(BUTTON).await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert_eq!(param(&arrived, "state"), "button");
    assert!(!param(&arrived, "code").is_empty());

    // By the autofill, which needs no button.
    forget_cookies(&tab).await;
    tab.goto(&world.authorize("plain", &[("state", "autofill")])).await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert_eq!(param(&arrived, "state"), "autofill");
    let lines = world.app.audit.of("sign_in");
    let methods: Vec<_> = lines.iter().rev().take(2).map(|line| line["amr"].clone()).collect();
    assert_eq!(methods, vec![json!(["pop", "user", "mfa"]); 2]);
    assert_eq!(tab.violations(), Vec::<String>::new());
}

/// Moves the focus by the tabulator to the element that an expression about `it` describes.
async fn focus(tab: &Tab, expression: &str) {
    let is_there = format!("(it => {expression})(document.activeElement)");
    for _ in 0..30 {
        if tab.eval(&is_there).await == true {
            let outline = "getComputedStyle(document.activeElement).outlineStyle";
            assert_eq!(tab.eval(outline).await, "solid", "the focus is visible (WCAG 2.4.7)");
            return;
        }
        tab.presses("Tab").await;
    }
    panic!("{expression}: {}", tab.shown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_set_up_and_changed_by_keyboard() {
    let Some(world) = World::with_passkeys().await else { return };
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    visit_account(&world, &tab).await;
    focus(&tab, "it.getAttribute('href') === '?setup=passkey'").await;
    tab.presses("Enter").await;
    tab.sees("Set up a passkey").await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    // In the field too, where a form without a script would be sent as it is.
    focus(&tab, "it.id === 'name'").await;
    tab.presses("Enter").await;
    tab.sees("Your recovery codes").await;
    assert_eq!(authenticator.credentials().await.len(), 1);
    focus(&tab, "it.matches('a.primary')").await;
    tab.presses("Enter").await;
    tab.sees("Your account").await;
    focus(&tab, "(it.getAttribute('href') || '').startsWith('?passkey=')").await;
    tab.presses("Enter").await;
    tab.sees("Use a passkey").await;
    shows(&tab, "A code of the authenticator app is not enough.").await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    focus(&tab, "it.id === 'use-passkey'").await;
    tab.presses("Enter").await;
    tab.sees("Your account").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

/// Stops the replica that browsers reach. Another one has its address then, as behind a load balancer.
async fn fail_over(world: &World) -> TestApp {
    let replica = world.app.start_replica();
    world.app.stop();
    let bind = async {
        loop {
            match TcpListener::bind(world.app.address).await {
                Ok(front) => return front,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let front = timeout(Duration::from_secs(20), bind).await.expect("the address is free");
    let to = replica.address;
    tokio::spawn(async move {
        while let Ok((mut browser, _)) = front.accept().await {
            tokio::spawn(async move {
                let mut replica = TcpStream::connect(to).await?;
                copy_bidirectional(&mut browser, &mut replica).await
            });
        }
    });
    replica
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_one_replica_is_answered_at_another() {
    let Some(world) = World::with_passkeys().await else { return };
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    visit_account(&world, &tab).await;
    set_up(&tab).await;
    forget_cookies(&tab).await;
    authenticator.is_touched(false).await;
    tab.goto(&world.authorize("plain", &[("state", "elsewhere")])).await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    let replica = fail_over(&world).await;
    authenticator.is_touched(true).await;
    tab.click(BUTTON).await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert_eq!(param(&arrived, "state"), "elsewhere");
    assert!(!param(&arrived, "code").is_empty());
    assert_eq!(replica.audit.last("sign_in")["amr"], json!(["pop", "user", "mfa"]));
    tab.goto(&format!("{}/account", world.app.issuer("shop"))).await;
    shows(&tab, "Chrome on Linux").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_passkey_is_replaced_by_password_and_recovery_code() {
    let Some(world) = World::with_passkeys().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    visit_account(&world, &tab).await;
    let codes = set_up(&tab).await;
    authenticator.loses_everything().await;
    forget_cookies(&tab).await;
    tab.goto(&world.authorize("plain", &[])).await;
    tab.click(BUTTON).await;
    shows(&tab, "No passkey was used.").await;
    judge(&tab, &gallery, "sign-in-no-passkey").await;
    visit_account(&world, &tab).await;
    tab.click("a[href^='?passkey=']").await;
    tab.sees("Use a passkey").await;
    tab.click("summary").await;
    judge(&tab, &gallery, "second-factor-passkey").await;
    tab.click("#recovery-code").await;
    tab.types(&codes[0]).await;
    tab.click("button[value=recovery-code]").await;
    tab.sees("Your account").await;
    tab.click("a[href^='?passkey=']").await;
    tab.sees("Change a passkey").await;
    judge(&tab, &gallery, "passkey-change").await;
    tab.click("button[value=remove-passkey]").await;
    shows(&tab, "The passkey was removed").await;
    assert_ne!(set_up(&tab).await, codes, "a new one, with new codes");
    assert_eq!(authenticator.credentials().await.len(), 1);
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_sets_up_the_required_passkey_and_signs_in_with_it() {
    let Some(world) = World::requiring_passkeys().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    // The password alone leads nowhere.
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.sees("You need a passkey").await;
    judge(&tab, &gallery, "passkey-missing-live").await;
    tab.goto(&invitation_link(&world.app, "alice")).await;
    tab.sees("Set up a passkey").await;
    tab.until(&format!("document.querySelector('{BUTTON}')")).await;
    judge(&tab, &gallery, "invited-passkey-live").await;
    tab.click(BUTTON).await;
    tab.sees("Your recovery codes").await;
    assert_eq!(authenticator.credentials().await.len(), 1);
    tab.click("a.primary").await;
    tab.sees("Your account").await;
    forget_cookies(&tab).await;
    tab.goto(&world.authorize("plain", &[("state", "passkey")])).await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert!(!param(&arrived, "code").is_empty());
    // The password asks for it.
    forget_cookies(&tab).await;
    authenticator.is_touched(false).await;
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.sees("Use a passkey").await;
    tab.click("summary").await;
    judge(&tab, &gallery, "second-factor-required-passkey").await;
    authenticator.is_touched(true).await;
    tab.click(BUTTON).await;
    assert!(!param(&tab.arrives(&world.at("/cb")).await, "code").is_empty());
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_cloned_passkeys_are_refused() {
    let Some(world) = World::with_passkeys().await else { return };
    let tab = world.person().await;
    let authenticator = Authenticator::plug_in(&tab).await;
    visit_account(&world, &tab).await;
    set_up(&tab).await;
    forget_cookies(&tab).await;
    tab.goto(&world.authorize("plain", &[])).await;
    tab.arrives(&world.at("/cb")).await;
    let used = authenticator.credentials().await.pop().expect("a credential");
    let mut foreign = used.clone();
    foreign["credentialId"] = json!("Zm9yZWlnbi1mb3JlaWduLWZvcmVpZ24tMDAwMDAwMDA=");
    let mut cloned = used.clone();
    // The copy is a few uses behind. The autofill of each page that refuses it uses it again, and does not catch up.
    let count = used["signCount"].as_u64().expect("a number");
    cloned["signCount"] = json!(count.saturating_sub(2));
    let other_passkeys =
        [(foreign, "This passkey cannot be used here."), (cloned, "a copy of it may exist")];
    for (credential, words) in other_passkeys {
        authenticator.is_touched(false).await;
        authenticator.loses_everything().await;
        authenticator.ask("addCredential", json!({"credential": credential})).await;
        forget_cookies(&tab).await;
        tab.goto(&world.authorize("plain", &[])).await;
        authenticator.is_touched(true).await;
        tab.click(BUTTON).await;
        shows(&tab, words).await;
    }
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_password_still_signs_in() {
    let Some(world) = World::with_passkeys().await else { return };
    let tab = world.person().await;
    tab.without_scripts().await;
    tab.goto(&world.authorize("plain", &[])).await;
    assert!(!tab.shown().await.contains("passkey"), "{}", tab.shown().await);
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert!(!param(&arrived, "code").is_empty());
    assert_eq!(tab.violations(), Vec::<String>::new());
}

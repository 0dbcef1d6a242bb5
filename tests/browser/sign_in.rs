//! Signing in by mouse, by keyboard, with a double click, in two tabs, and with the Back button.

use std::time::Duration;

use super::world::{ALICE, World, fill_in, param};

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_needs_only_the_keyboard() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("asks", &[])).await;
    tab.until("document.activeElement.id === 'username'").await;
    tab.types(ALICE.0).await;
    tab.presses("Tab").await;
    tab.types(ALICE.1).await;
    tab.presses("Enter").await;
    tab.sees("Allow Asks?").await;
    tab.presses("Tab").await;
    assert_eq!(
        tab.eval("document.activeElement.value").await,
        "allow",
        "the first control in tab order"
    );
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(tab.eval(outline).await, "solid", "the focus is visible (WCAG 2.4.7)");
    tab.presses(" ").await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert_eq!(param(&arrived, "state"), "a-state");
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn password_managers_recognise_the_fields_and_the_page_names_the_client() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("wiki", &[("login_hint", "alice")])).await;
    let fields = "[...document.querySelectorAll('form.fields input:not([type=hidden])')]\
                  .map(it => [it.type, it.name, it.autocomplete, it.value].join(' ')).join(', ')";
    let expected = "text username username alice, password password current-password ";
    assert_eq!(tab.eval(fields).await, expected);
    // The user name is filled in already.
    tab.until("document.activeElement.id === 'password'").await;
    let links = "[...document.querySelectorAll('nav.links a')].map(it => it.href).join(' ')";
    assert_eq!(tab.eval(links).await, "https://rp.test/privacy https://rp.test/terms");
    assert!(tab.shown().await.contains("to continue to Team Wiki"));
    let asked = tab.events("Network.requestWillBeSent").into_iter();
    let mut pictures = asked.filter(|it| it["request"]["url"] == "https://rp.test/logo.svg");
    assert!(pictures.next().is_some(), "the CSP allows the logo");
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ins_in_two_tabs_both_succeed() {
    let Some(world) = World::new().await else { return };
    let first = world.person().await;
    let second = first.another().await;
    first.goto(&world.authorize("plain", &[("state", "first")])).await;
    second.goto(&world.authorize("plain", &[("state", "second")])).await;
    for (tab, state) in [(&first, "first"), (&second, "second")] {
        fill_in(tab, ALICE).await;
        tab.click("button[value=sign-in]").await;
        let arrived = tab.arrives(&world.at("/cb")).await;
        assert_eq!(param(&arrived, "state"), state);
        assert!(!param(&arrived, "code").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_signs_in_once() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(&tab, ALICE).await;
    tab.click_times("button[value=sign-in]", 2).await;
    let arrived = tab.arrives(&world.at("/cb")).await;
    assert!(!param(&arrived, "code").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_after_signing_in_uses_the_session() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    let first = world.signs_in(&tab, "plain").await;
    // The sign-in page is not cached: the browser requests it again, and the session answers.
    tab.back().await;
    let second = tab.arrives(&world.at("/cb")).await;
    assert_ne!(param(&first, "code"), param(&second, "code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_page_lets_the_user_start_again() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(&tab, ALICE).await;
    world.app.clock.advance(Duration::from_mins(16));
    tab.click("button[value=sign-in]").await;
    tab.sees("This page has expired").await;
    assert!(tab.shown().await.contains("Start again to continue."));
    tab.click("a.primary").await;
    tab.sees("Sign in").await;
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    assert_eq!(param(&tab.arrives(&world.at("/cb")).await, "state"), "a-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_reported_and_the_user_name_is_preserved() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(&tab, (ALICE.0, "not it")).await;
    tab.click("button[value=sign-in]").await;
    tab.until("document.querySelector('[role=alert]')").await;
    tab.until("document.activeElement.id === 'password'").await;
    assert_eq!(tab.eval("document.getElementById('username').value").await, ALICE.0);
    tab.types(ALICE.1).await;
    tab.presses("Enter").await;
    tab.arrives(&world.at("/cb")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_post_response_is_submitted_by_script_or_by_its_button() {
    // Form Post Response Mode §2, under the CSP of the pages
    let Some(world) = World::new().await else { return };
    for scripts in [true, false] {
        let tab = world.person().await;
        if !scripts {
            tab.without_scripts().await;
        }
        tab.goto(&world.authorize("plain", &[("response_mode", "form_post")])).await;
        fill_in(&tab, ALICE).await;
        tab.click("button[value=sign-in]").await;
        if !scripts {
            tab.sees("One moment").await;
            tab.click("button").await;
        }
        tab.arrives(&world.at("/cb")).await;
        assert_eq!(tab.violations(), Vec::<String>::new());
    }
    let posted = world.elsewhere.asked("POST /cb");
    assert_eq!(posted.len(), 2);
    assert!(posted.iter().all(|it| it.contains("code=") && it.contains("state=a-state")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_may_redirect_to_a_scheme_that_its_client_registered() {
    // docs/adr/0014-form-action-names-schemes.md
    let Some(world) = World::new().await else { return };
    for (client, registered) in [("plain", false), ("phone", true)] {
        let tab = world.person().await;
        let onward = world.at("/onward");
        tab.goto(&world.authorize(client, &[("redirect_uri", &onward)])).await;
        fill_in(&tab, ALICE).await;
        tab.click("button[value=sign-in]").await;
        // No application handles the scheme, which the browser reports; or the CSP forbids the
        // redirect, which it reports as well.
        tab.event("Network.loadingFailed").await;
        if registered {
            assert_eq!(tab.violations(), Vec::<String>::new());
        } else {
            tab.complains("form-action").await;
        }
    }
}

//! The account page as people use it: without scripts, by keyboard, and in every state.

use super::{
    axe,
    pictures::{Gallery, judge},
    tab::Tab,
    world::{ALICE, World, fill_in},
};

/// Waits until the page shows a text.
async fn shows(tab: &Tab, text: &str) {
    tab.until(&format!("document.body?.innerText.includes('{text}')")).await;
}

/// Allows the access of the application `asks`, which the account page lists.
async fn allow_access(world: &World, tab: &Tab) {
    tab.goto(&world.authorize("asks", &[])).await;
    tab.until("document.querySelector('button[value=allow]')").await;
    tab.click("button[value=allow]").await;
    tab.arrives(&world.at("/cb")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_page_works_without_scripts() {
    let Some(world) = World::secure().await else { return };
    let (lost, tab) = (world.person().await, world.person().await);
    world.signs_in(&lost, "wiki").await;
    world.signs_in(&tab, "plain").await;
    allow_access(&world, &tab).await;
    tab.without_scripts().await;
    tab.goto(&world.app.issuer("shop")).await;
    tab.sees("Your account").await;
    let shown = tab.shown().await;
    for expected in ["Alice", "Chrome on Linux", "This browser", "Sign out everywhere"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    // The other session is listed second: this one was used last.
    tab.click("#sessions ~ ul li:not(:has(.badge)) button").await;
    shows(&tab, "The session has ended.").await;
    lost.goto(&world.authorize("plain", &[("prompt", "none")])).await;
    assert!(lost.url().await.contains("error=login_required"));
    tab.click("button[name=application][value='default.asks']").await;
    shows(&tab, "The access was withdrawn.").await;
    // After a while a change asks for the password, and leads back.
    world.app.clock.advance(std::time::Duration::from_mins(7));
    tab.goto(&world.app.issuer("shop")).await;
    tab.click("summary").await;
    tab.click("button[value=sign-out-everywhere]").await;
    shows(&tab, "Please sign in again").await;
    fill_in(&tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    shows(&tab, "My applications").await;
    tab.click("summary").await;
    tab.click("button[value=sign-out-everywhere]").await;
    tab.sees("You are signed out").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_page_is_accessible_in_every_state() {
    let Some(world) = World::secure().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.person().await;
    let account = world.app.issuer("shop");
    tab.goto(&account).await;
    shows(&tab, "to continue to your account").await;
    judge(&tab, &gallery, "account-sign-in").await;
    world.signs_in(&tab, "plain").await;
    allow_access(&world, &tab).await;
    tab.goto(&account).await;
    tab.sees("Your account").await;
    tab.click("summary").await;
    tab.until("document.querySelector('details').open").await;
    judge(&tab, &gallery, "account-live").await;
    tab.click("button[name=application][value='default.asks']").await;
    shows(&tab, "The access was withdrawn.").await;
    judge(&tab, &gallery, "account-withdrawn").await;
    world.app.clock.advance(std::time::Duration::from_mins(7));
    tab.goto(&format!("{account}/account?confirm=1")).await;
    shows(&tab, "Please sign in again").await;
    judge(&tab, &gallery, "account-confirm").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_page_is_used_by_keyboard() {
    let Some(world) = World::new().await else { return };
    let tab = world.person().await;
    tab.goto(&world.app.issuer("shop")).await;
    tab.until("document.activeElement.id === 'username'").await;
    fill_in(&tab, ALICE).await;
    tab.presses("Enter").await;
    tab.sees("Your account").await;
    for expected in ["Sign out of this browser", "Sign out everywhere"] {
        tab.presses("Tab").await;
        let focused =
            tab.eval("document.activeElement.ariaLabel || document.activeElement.innerText").await;
        let focused = focused.as_str().expect("text").split_whitespace().collect::<Vec<_>>();
        assert_eq!(focused.join(" "), expected);
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(tab.eval(outline).await, "solid", "the focus is visible (WCAG 2.4.7)");
    }
    tab.presses("Enter").await;
    tab.until("document.querySelector('details').open").await;
    tab.presses("Tab").await;
    tab.presses("Enter").await;
    tab.sees("You are signed out").await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

//! An authenticator app as people set it up and use it, with and without scripts.

use super::{
    axe,
    pictures::{Gallery, judge},
    support::authenticator::{AuthenticatorApp, recovery_codes_of},
    tab::Tab,
    world::{ALICE, World, fill_in},
};

/// The HTML of the page as the browser has it now.
async fn html(tab: &Tab) -> String {
    let html = tab.eval("document.documentElement.outerHTML").await;
    html.as_str().expect("text").to_owned()
}

/// Types into a field by clicking into it.
async fn types_into(tab: &Tab, field: &str, text: &str) {
    tab.click(field).await;
    tab.eval("document.activeElement.select()").await;
    tab.types(text).await;
}

/// Judges the page, if it has a gallery.
async fn judge_in(gallery: Option<&Gallery>, tab: &Tab, page: &str) {
    if let Some(gallery) = gallery {
        judge(tab, gallery, page).await;
    }
}

/// Signs in with the password, up to the page that asks for a code.
async fn types_password(world: &World, tab: &Tab) {
    tab.goto(&world.authorize("plain", &[])).await;
    fill_in(tab, ALICE).await;
    tab.click("button[value=sign-in]").await;
    tab.sees("Enter a code").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_set_up_and_used_with_and_without_scripts() {
    for has_scripts in [true, false] {
        let Some(world) = World::offering_authenticators().await else { return };
        // The rules of accessibility are themselves a script.
        let gallery = has_scripts.then(|| Gallery::new(axe::find_or_install()));
        let clock = &world.app.clock;
        let tab = world.person().await;
        world.signs_in(&tab, "plain").await;
        if !has_scripts {
            tab.without_scripts().await;
        }
        tab.goto(&world.app.issuer("shop")).await;
        tab.sees("Your account").await;
        tab.click("a[href='?setup=authenticator-app']").await;
        tab.sees("Set up an authenticator app").await;
        let app = AuthenticatorApp::with_key_of(&html(&tab).await);
        types_into(&tab, "#code", &app.wrong_code(clock)).await;
        tab.click("button[value=confirm-authenticator-app]").await;
        tab.until("document.querySelector('[role=alert]')").await;
        judge_in(gallery.as_ref(), &tab, "live-authenticator-app-wrong").await;
        types_into(&tab, "#code", &app.code(clock)).await;
        tab.click("button[value=confirm-authenticator-app]").await;
        tab.sees("Your recovery codes").await;
        let codes = recovery_codes_of(&html(&tab).await);
        judge_in(gallery.as_ref(), &tab, "live-recovery-codes").await;
        tab.click("a.primary").await;
        tab.sees("Your account").await;
        tab.until("document.body.innerText.includes('10 codes are left.')").await;
        judge_in(gallery.as_ref(), &tab, "live-account-with-app").await;
        tab.click("button[name=session]").await;
        tab.sees("You are signed out").await;

        types_password(&world, &tab).await;
        types_into(&tab, "#code", &app.wrong_code(clock)).await;
        tab.click("button[value=code]").await;
        tab.until("document.querySelector('[role=alert]')").await;
        judge_in(gallery.as_ref(), &tab, "live-second-factor-wrong").await;
        // The code as the app displays it: in two groups.
        let code = app.next_code(clock);
        types_into(&tab, "#code", &format!("{} {}", &code[..3], &code[3..])).await;
        tab.click("button[value=code]").await;
        assert!(tab.arrives(&world.at("/cb")).await.contains("code="));

        // Without the phone, in another browser.
        let other = world.person().await;
        if !has_scripts {
            other.without_scripts().await;
        }
        types_password(&world, &other).await;
        other.click("summary").await;
        other.until("document.querySelector('details').open").await;
        types_into(&other, "#recovery-code", &codes[0]).await;
        other.click("button[value=recovery-code]").await;
        assert!(other.arrives(&world.at("/cb")).await.contains("code="));
        for tab in [&tab, &other] {
            assert_eq!(tab.violations(), Vec::<String>::new());
        }
    }
}

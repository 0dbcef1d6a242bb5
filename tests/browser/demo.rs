//! The first steps of a new user after `make dev`: the link, "Sign in", the tokens.

use std::path::Path;

use super::{chromium::Chromium, dev::Dev, world::fill_in};

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_make_dev_leads_to_decoded_tokens_and_out_again() {
    let Some(browser) = Chromium::shared() else { return };
    let dev = Dev::start(Path::new("examples/quickstart"));
    dev.awaits("Open  ").await;
    let tab = browser.person().await;
    let home = format!("{}/_lanyard/demo", dev.base_url);
    tab.goto(&home).await;
    tab.click("a[href*='client_id=default.demo']").await;
    tab.sees("Sign in").await;
    fill_in(&tab, ("ada", "correct horse battery staple")).await;
    tab.click("button[value=sign-in]").await;
    tab.until("document.querySelector('button[value=allow]')").await;
    tab.click("button[value=allow]").await;
    tab.sees("Signed in as Ada Lovelace").await;
    let shown = tab.shown().await;
    for word in ["ID token", "Access token", "ada@example.com", "org-0001", "at_hash", "jti"] {
        assert!(shown.contains(word), "no {word} in {shown}");
    }
    for (width, dark) in [(320, false), (1280, true)] {
        tab.looks(width, dark).await;
        let wide = tab.eval("document.documentElement.scrollWidth").await;
        assert!(wide.as_u64().expect("a number") <= width.into(), "{wide} of {width} pixels");
    }
    tab.click("form button").await;
    tab.until("document.querySelector('[role=status]')?.innerText === 'Refreshed 1 time.'").await;
    tab.click("a[href$='/sign-out']").await;
    tab.sees("Applications").await;
    assert_eq!(tab.url().await, home);
    assert_eq!(tab.violations(), Vec::<String>::new());
}

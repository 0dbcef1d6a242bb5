//! Guesses at codes: who waits for whom (docs/security.md#guesses-at-codes).

use std::time::Duration;

use super::{
    authenticator::{App, asks_for_code, enter, recover, set_up, with_password, world},
    browser::{Browser, Page},
    world::{ALICE, World, sign_in},
};

async fn trusted_url(world: &World, more: &[(&str, &str)]) -> String {
    world.application("trusted").await.authorize_url("openid", more)
}

/// A new sign-in with the password, in a browser that may have a session, up to the page for the code.
async fn sign_in_again(world: &World, browser: &Browser) -> Page {
    let url = trusted_url(world, &[("prompt", "login")]).await;
    let page = sign_in(browser, &browser.open(&url).await, ALICE).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    page
}

/// Types wrong codes as long as they are judged, at most a hundred; returns their number and the last page.
async fn guess(world: &World, app: &App, browser: &Browser, page: &Page) -> (u32, Page) {
    let wrong = app.wrong_code(&world.app.clock);
    for count in 0..100 {
        let answer = enter(browser, page, &wrong).await;
        if answer.status != 422 {
            assert_eq!(answer.status, 429, "{}", answer.body);
            return (count, answer);
        }
    }
    panic!("a hundred guesses were judged");
}

fn remembers_browser(page: &Page) -> bool {
    let cookies = page.headers.get_all("set-cookie").iter();
    cookies.filter_map(|it| it.to_str().ok()).any(|it| it.contains("known-browser"))
}

#[tokio::test]
async fn a_stranger_with_the_password_does_not_hold_the_person() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let url = trusted_url(&world, &[]).await;
    let (thief, page) = with_password(&url, ALICE).await;
    let (count, held) = guess(&world, &app, &thief, &page).await;
    assert_eq!(count, 20);
    assert_eq!(held.headers["retry-after"], "10800");
    assert!(held.body.contains("Please wait 3 hours"), "{}", held.body);

    // The browser that set the app up.
    let asked = sign_in_again(&world, &browser).await;
    let code = app.next_code(&world.app.clock);
    assert!(enter(&browser, &asked, &code).await.answer().contains_key("code"));
    // The success of the person gives the thief nothing, not even the judgement of a right code.
    let right = enter(&thief, &page, &app.next_code(&world.app.clock)).await;
    assert_eq!(right.status, 429, "{}", right.body);

    // A new browser of the person waits with the thief, but not for a recovery code, and is known then.
    let (phone, asked) = with_password(&url, ALICE).await;
    let held = enter(&phone, &asked, &app.next_code(&world.app.clock)).await;
    assert_eq!(held.status, 429, "{}", held.body);
    assert!(held.body.contains("a recovery code"), "{}", held.body);
    let page = recover(&phone, &asked, &app.codes[0]).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let asked = sign_in_again(&world, &phone).await;
    let code = app.next_code(&world.app.clock);
    assert!(enter(&phone, &asked, &code).await.answer().contains_key("code"));
}

#[tokio::test]
async fn strangers_get_one_guess_each_three_hours() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world, &[]).await;
    let (thief, page) = with_password(&url, ALICE).await;
    assert_eq!(guess(&world, &app, &thief, &page).await.0, 20);
    for _ in 0..2 {
        world.app.clock.advance(Duration::from_hours(3));
        let (thief, page) = with_password(&url, ALICE).await;
        assert_eq!(guess(&world, &app, &thief, &page).await.0, 1);
    }
    // A right code from an unknown browser (the person with a new phone) uses up no attempt.
    world.app.clock.advance(Duration::from_hours(3));
    let (phone, page) = with_password(&url, ALICE).await;
    let page = enter(&phone, &page, &app.code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let (thief, page) = with_password(&url, ALICE).await;
    assert_eq!(guess(&world, &app, &thief, &page).await.0, 1);
}

#[tokio::test]
async fn a_known_browser_waits_for_its_own_wrong_codes_only() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let asked = sign_in_again(&world, &browser).await;
    let (count, held) = guess(&world, &app, &browser, &asked).await;
    assert_eq!((count, &held.headers["retry-after"]), (5, &"30".parse().expect("a value")));
    let url = trusted_url(&world, &[]).await;
    let (other, page) = with_password(&url, ALICE).await;
    let code = app.next_code(&world.app.clock);
    assert!(enter(&other, &page, &code).await.answer().contains_key("code"));
    // Its own right code forgets them.
    let code = app.next_code(&world.app.clock);
    assert!(enter(&browser, &asked, &code).await.answer().contains_key("code"));
    let asked = sign_in_again(&world, &browser).await;
    assert_eq!(guess(&world, &app, &browser, &asked).await.0, 5);
}

#[tokio::test]
async fn a_known_browser_counts_like_any_other_after_fifty_wrong_codes() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, _) = set_up(&world, &browser).await;
    let (thief, page) = with_password(&trusted_url(&world, &[]).await, ALICE).await;
    assert_eq!(guess(&world, &app, &thief, &page).await.0, 20);
    let mut judged = 0;
    for _ in 0..46 {
        let asked = sign_in_again(&world, &browser).await;
        judged += guess(&world, &app, &browser, &asked).await.0;
        world.app.clock.advance(Duration::from_hours(1));
    }
    // The budget of all others had refilled; it is spent with the fiftieth.
    let asked = sign_in_again(&world, &browser).await;
    judged += guess(&world, &app, &browser, &asked).await.0;
    assert!((50..=50 + 16).contains(&judged), "{judged}");
    let held = enter(&browser, &asked, &app.next_code(&world.app.clock)).await;
    assert_eq!(held.status, 429, "{}", held.body);
}

#[tokio::test]
async fn a_browser_is_known_when_all_factors_are_proved() {
    let world = world().await;
    let url = trusted_url(&world, &[]).await;
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&url).await, super::world::BOB).await;
    assert!(remembers_browser(&page), "the password is all that Bob has");
    let (app, _) = set_up(&world, &world.alice().await).await;
    let (thief, page) = with_password(&url, ALICE).await;
    assert!(!remembers_browser(&page), "{:?}", page.headers);
    let page = enter(&thief, &page, &app.wrong_code(&world.app.clock)).await;
    assert!(!remembers_browser(&page), "{:?}", page.headers);
    let page = enter(&thief, &page, &app.next_code(&world.app.clock)).await;
    assert!(page.answer().contains_key("code") && remembers_browser(&page), "{:?}", page.headers);
}

#[tokio::test]
async fn a_browser_that_was_known_by_the_password_is_not_known_by_the_app() {
    let world = world().await;
    let thief = world.alice().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let asked = sign_in_again(&world, &thief).await;
    assert_eq!(guess(&world, &app, &thief, &asked).await.0, 20, "it is a stranger");
}

#[tokio::test]
async fn recovery_codes_are_slowed_down_and_not_held_by_wrong_codes_of_the_app() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let url = trusted_url(&world, &[]).await;
    let (browser, page) = with_password(&url, ALICE).await;
    assert_eq!(guess(&world, &app, &browser, &page).await.0, 20);
    for attempt in 0..5 {
        let page = recover(&browser, &page, "aaaa-aaaa-aaaa").await;
        assert_eq!(page.status, 422, "{attempt}: {}", page.body);
    }
    let held = recover(&browser, &page, &app.codes[0]).await;
    assert_eq!((held.status, &held.headers["retry-after"]), (429, &"4".parse().expect("a value")));
    world.app.clock.advance(Duration::from_secs(4));
    assert!(recover(&browser, &page, &app.codes[0]).await.answer().contains_key("code"));
}

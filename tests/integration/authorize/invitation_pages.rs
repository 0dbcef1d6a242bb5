//! Two pages of one invitation, of which the first takes so long to store its password that its claim ends.

use std::{sync::Arc, time::Duration};

use lanyard::store::RecordKind;

use super::{
    account_page::is_account_page,
    authenticator::{App, asks_for_code, enter, recovery_codes},
    browser::{Browser, Page},
    held_store::WriteHold,
    required_factors::{CHOSEN, Harbour, OPTIONAL, choose, confirm_app},
};
use crate::support::invitation::invitation_link;

/// The password of the first page.
const LATE: &str = "seventeen mossy anvils";

/// Longer than a page claims an invitation.
const CLAIM_ENDS: Duration = Duration::from_secs(150);

/// A server that holds up the first password that is stored.
async fn harbour() -> (Harbour, Arc<WriteHold>) {
    let (hold, wrap) = WriteHold::over(RecordKind::Password);
    (Harbour::over(wrap).await, hold)
}

async fn choose_late(browser: &Browser, page: &Page) -> Page {
    let fields = [("new_password", LATE), ("new_password_again", LATE)];
    browser.submit(&page.form("/invitation"), &fields).await
}

fn was_used(page: &Page) -> bool {
    page.status == 400 && page.body.contains("This invitation was used")
}

#[tokio::test]
async fn an_expired_invitation_claim_does_not_leave_its_password_next_to_another_pages_app() {
    let (harbour, hold) = harbour().await;
    let (link, clock) = (invitation_link(&harbour.app, "ada"), &harbour.app.clock);
    let (first, second) = (Browser::new(), Browser::new());
    let late_page = choose_late(&first, &first.open(&link).await).await;
    let page = choose(&second, &second.open(&link).await).await;
    let (late_app, app) = (App::with_key(&late_page), App::with_key(&page));
    let late_code = late_app.code(clock);
    let meanwhile = async {
        clock.advance(CLAIM_ENDS);
        confirm_app(&second, &page, &app.code(clock)).await
    };
    let late = confirm_app(&first, &late_page, &late_code);
    let (late, done) = hold.race(late, meanwhile).await;
    assert_eq!(recovery_codes(&done).len(), 10, "{} {}", done.status, done.body);
    assert!(was_used(&late), "{} {}", late.status, late.body);

    assert_eq!(harbour.enter(("ada", LATE)).await.1.status, 422, "it was taken back");
    let (browser, asked) = harbour.enter(("ada", CHOSEN)).await;
    assert!(asks_for_code(&asked), "{} {}", asked.status, asked.body);
    clock.advance(Duration::from_secs(30));
    let page = enter(&browser, &asked, &app.code(clock)).await;
    assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
    assert!(harbour.is_redeemed("ada").await);
}

#[tokio::test]
async fn an_expired_invitation_claim_does_not_replace_the_password_of_another_page() {
    let (harbour, hold) = harbour().await;
    harbour.change(&[OPTIONAL]);
    let link = invitation_link(&harbour.app, "ada");
    let (first, second) = (Browser::new(), Browser::new());
    let (late_page, page) = (first.open(&link).await, second.open(&link).await);
    let meanwhile = async {
        harbour.app.clock.advance(CLAIM_ENDS);
        choose(&second, &page).await
    };
    let (late, done) = hold.race(choose_late(&first, &late_page), meanwhile).await;
    assert!(is_account_page(&done), "{} {}", done.status, done.body);
    assert!(was_used(&late), "{} {}", late.status, late.body);
    assert_eq!(harbour.enter(("ada", LATE)).await.1.status, 422, "it was taken back");
    let (_, page) = harbour.enter(("ada", CHOSEN)).await;
    assert!(page.left_for.is_some(), "{} {}", page.status, page.body);
}

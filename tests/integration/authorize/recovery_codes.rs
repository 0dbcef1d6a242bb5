//! Recovery codes: shown once, used once, made again.

use serde_json::json;

use super::{
    account_page::{account_page, press},
    authenticator::{recover, recovery_codes, set_up, with_password, world},
    world::ALICE,
};

#[tokio::test]
async fn a_code_signs_in_once_in_place_of_the_phone() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, page) = set_up(&world, &browser).await;
    assert!(page.body.contains("10 codes are left."), "{}", page.body);
    for code in &app.codes {
        assert!(!page.body.contains(code), "they are shown once");
    }
    let url = world.application("trusted").await.authorize_url("openid", &[]);
    let (browser, page) = with_password(&url, ALICE).await;
    let typed = format!(" {} ", app.codes[3].to_uppercase().replace('-', " "));
    let page = recover(&browser, &page, &typed).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    assert_eq!(world.app.audit.last("recovery_code_used")["left"], 9);
    assert_eq!(world.app.audit.last("sign_in")["amr"], json!(["pwd", "otp", "mfa"]));
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("9 codes are left."), "{}", page.body);
    let (browser, page) = with_password(&url, ALICE).await;
    for wrong in [&*app.codes[3], "aaaa-aaaa-aaaa", "aaaa", ""] {
        let page = recover(&browser, &page, wrong).await;
        assert_eq!(page.status, 422, "{wrong}");
        assert!(page.body.contains("The code is wrong."), "{}", page.body);
    }
}

#[tokio::test]
async fn one_of_two_simultaneous_uses_is_accepted() {
    let world = world().await;
    let (app, _) = set_up(&world, &world.alice().await).await;
    let replica = world.app.start_replica();
    let url = world.application("trusted").await.authorize_url("openid", &[]);
    let (first, one) = with_password(&url, ALICE).await;
    let (mut second, other) = with_password(&url, ALICE).await;
    second.reach(replica.address.port());
    let code = &app.codes[0];
    let (one, other) = tokio::join!(recover(&first, &one, code), recover(&second, &other, code));
    let signed_in = [&one, &other].iter().filter(|page| page.left_for.is_some()).count();
    assert_eq!(signed_in, 1, "{} {}", one.status, other.status);
}

#[tokio::test]
async fn new_codes_replace_the_earlier_ones_and_go_with_the_app() {
    let world = world().await;
    let browser = world.alice().await;
    let (app, page) = set_up(&world, &browser).await;
    // A change wants the factor. A recovery code proves it.
    let make = ("action", "new-recovery-codes");
    let asked = press(&browser, &page, make).await;
    let page = recover(&browser, &asked, &app.codes[0]).await;
    assert!(page.body.contains("9 codes are left."), "{}", page.body);
    let page = press(&browser, &page, make).await;
    assert!(page.body.contains("no longer work"), "{}", page.body);
    let new = recovery_codes(&page);
    let url = world.application("trusted").await.authorize_url("openid", &[]);
    let (other, asked) = with_password(&url, ALICE).await;
    assert_eq!(recover(&other, &asked, &app.codes[1]).await.status, 422);
    assert!(recover(&other, &asked, &new[0]).await.answer().contains_key("code"));
    let page = account_page(&world, &browser).await;
    let page = press(&browser, &page, ("action", "remove-authenticator-app")).await;
    assert!(page.body.contains("The authenticator app was removed"), "{}", page.body);
    let (_, page) = set_up(&world, &browser).await;
    assert!(page.body.contains("10 codes are left."), "{}", page.body);
}

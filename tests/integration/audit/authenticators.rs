//! Authenticators: set up, used, removed.

use serde_json::json;

use super::{
    browser::Browser,
    world::{ADA, World},
};
use crate::support::authenticator::{asks_for_code, enter, recover, set_up_app};

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("authenticator_enrolled", "success"),
    ("authenticator_adopted", "success"),
    ("authenticator_removed", "success"),
    ("recovery_code_used", "success"),
];

#[tokio::test]
async fn authenticators_are_reported_without_their_secrets() {
    let world = World::new().await;
    world.change("  acrLevels:", "  authenticators: {totp: Optional}\n  acrLevels:");
    let (browser, clock) = (Browser::new(), &world.app.clock);
    let account = format!("{}/account", world.app.issuer("main"));
    assert_eq!(world.sign_in(&browser, &account, ADA).await.status, 200);
    let app = set_up_app(&browser, &account, clock).await;
    for code in &app.codes {
        world.hide(code);
    }
    let subject = world.app.subject("main", "ada");
    let lines = world.app.audit.of("authenticator_enrolled");
    let said: Vec<_> =
        lines.iter().map(|line| (&line["authenticator"], &line["subject"])).collect();
    let subject = json!(subject);
    assert_eq!(said, [(&json!("totp"), &subject), (&json!("recovery_codes"), &subject)]);

    let url = world.application("app").await.authorize_url("openid", &[]);
    let other = Browser::new();
    let page = world.sign_in(&other, &url, ADA).await;
    let page = enter(&other, &page, &app.wrong_code(clock)).await;
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["reason"], &line["username"]), (&json!("wrong_code"), &json!("ada")));
    let page = recover(&other, &page, &app.codes[0]).await;
    world.code(&page);
    let line = world.app.audit.last("recovery_code_used");
    assert_eq!((&line["left"], &line["subject"]), (&json!(9), &subject));

    let page = browser.open(&account).await;
    let remove = [("action", "remove-authenticator-app")];
    let page = browser.submit(&page.form("/account"), &remove).await;
    let page = enter(&browser, &page, &app.next_code(clock)).await;
    let page = browser.submit(&page.form("/account"), &remove).await;
    assert!(page.body.contains("was removed"), "{}", page.body);
    assert_eq!(world.app.audit.last("authenticator_removed")["authenticator"], "totp");
    assert_eq!(world.app.audit.last("logout")["kind"], "authenticator_removed");
    world.check(&[REPORTED[0], REPORTED[2], REPORTED[3]]);
}

#[tokio::test]
async fn an_app_that_moves_to_the_user_who_declares_the_person_is_reported() {
    let world = World::new().await;
    let offered = "  authenticators: {totp: Optional}\n  acrLevels:";
    world.change("  acrLevels:", offered);
    let browser = Browser::new();
    world.code(&world.sign_in_with(&browser, |_| {}).await);
    let account = format!("{}/account", world.app.issuer("main"));
    set_up_app(&browser, &account, &world.app.clock).await;
    let spec = "username: ada, passwordSecretRef";
    let declared =
        "username: ada, identities: [{provider: corp, subject: \"1\"}], passwordSecretRef";
    world.change_all(&[("  acrLevels:", offered), (spec, declared)]);
    let page = world.sign_in_with(&Browser::new(), |_| {}).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let line = world.app.audit.last("authenticator_adopted");
    let subject = json!(world.app.subject("main", "ada"));
    assert_eq!((&line["authenticator"], &line["subject"]), (&json!("totp"), &subject));
    world.check(&REPORTED[1..2]);
}

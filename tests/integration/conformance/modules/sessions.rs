//! `prompt`, `max_age` and hints: when the user must sign in again.

use super::happy::{complete, flow};
use crate::conformance::{
    checks,
    op::Op,
    person::Person,
    rp::{Rp, Variant},
};

/// Asserts that a second request of the client reuses the sign-in without a page.
async fn same_twice(
    op: &Op,
    variant: Variant,
    first: &[(&'static str, &str)],
    second: &[(&'static str, &str)],
) {
    let (rp, ada) = (op.register(variant).await, Person::default());
    let before = flow(&rp, &ada, first).await;
    let hint = before.jwt().to_owned();
    let mut changes = second.to_vec();
    changes.iter_mut().filter(|(name, _)| *name == "id_token_hint").for_each(|it| it.1 = &hint);
    op.wait(10);
    let visit = rp.send(&ada, &changes).await;
    assert!(!visit.signed_in, "no sign-in page is shown");
    let after = complete(&rp, visit.response(&rp), Some("a-nonce")).await;
    assert_eq!(before.id_token()["sub"], after.id_token()["sub"]);
    assert_eq!(before.id_token().get("auth_time"), after.id_token().get("auth_time"));
    let asked = [first, second].iter().all(|it| it.iter().any(|(name, _)| *name == "max_age"));
    assert!(!asked || after.id_token()["auth_time"].is_i64(), "{}", after.id_token());
    rp.unregister().await;
}

/// Asserts that a second request of the client shows the sign-in page.
async fn asks_again(op: &Op, variant: Variant, second: (&'static str, &str)) {
    let (rp, ada) = (op.register(variant).await, Person::default());
    let before = flow(&rp, &ada, &[]).await;
    op.wait(2);
    let visit = rp.send(&ada, &[second]).await;
    assert!(visit.signed_in, "the sign-in page is shown");
    let after = complete(&rp, visit.response(&rp), Some("a-nonce")).await;
    assert_eq!(before.id_token()["sub"], after.id_token()["sub"]);
    let (first, later) = (&before.id_token()["auth_time"], &after.id_token()["auth_time"]);
    if second.0 == "max_age" {
        // OIDC Core §2: auth_time is required with max_age.
        assert_eq!(later.as_i64(), Some(op.now()));
    }
    assert!(first.is_null() || later.as_i64() > first.as_i64(), "{first}, then {later}");
    rp.unregister().await;
}

/// Asserts that `prompt=none` fails because no user is signed in.
pub async fn no_user_signed_in(rp: &Rp<'_>, person: &Person) {
    // OIDC Core §3.1.2.6; a state of 128 characters
    let state = "0123456789abcdef".repeat(8);
    let changes = [("prompt", "none"), ("state", state.as_str())];
    let response = rp.send(person, &changes).await.response(rp);
    let error = checks::error(&response, &state);
    let expected = [
        "login_required",
        "interaction_required",
        "account_selection_required",
        "consent_required",
    ];
    assert!(expected.contains(&error.as_str()), "{error}");
}

pub async fn oidcc_prompt_login(op: &Op, variant: Variant) {
    asks_again(op, variant, ("prompt", "login")).await;
}

pub async fn oidcc_max_age_1(op: &Op, variant: Variant) {
    asks_again(op, variant, ("max_age", "1")).await;
}

pub async fn oidcc_max_age_10000(op: &Op, variant: Variant) {
    same_twice(op, variant, &[("max_age", "15000")], &[("max_age", "10000")]).await;
}

pub async fn oidcc_prompt_none_logged_in(op: &Op, variant: Variant) {
    same_twice(op, variant, &[], &[("prompt", "none")]).await;
}

pub async fn oidcc_id_token_hint(op: &Op, variant: Variant) {
    let hinted = [("prompt", "none"), ("id_token_hint", "of the first")];
    same_twice(op, variant, &[], &hinted).await;
}

pub async fn oidcc_prompt_none_not_logged_in(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    no_user_signed_in(&rp, &Person::default()).await;
    rp.unregister().await;
}

pub async fn oidcc_login_hint(op: &Op, variant: Variant) {
    let (rp, hinted) = (op.register(variant).await, Person::default());
    let changes = [("login_hint", "buffy@id.test")];
    let page = hinted.browser.open(&rp.url(&rp.request_with(&changes))).await;
    assert!(page.body.contains("value=\"buffy@id.test\""), "{}", page.body);
    let response = hinted.goes_on(page).await.response(&rp);
    complete(&rp, response, Some("a-nonce")).await;
    rp.unregister().await;
}

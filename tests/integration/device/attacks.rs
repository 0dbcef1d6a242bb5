//! Attacks on devices, their codes, and the people who let them in (RFC 8628 §5).

use std::sync::{Arc, atomic::Ordering};

use futures::future::join;

use super::{
    app::TestApp,
    browser::Browser,
    world::{
        ALICE, BOB, MANIFESTS, World, allow, answer, assert_error, codes, is_question, poll,
        sign_in, text, type_code,
    },
};
use crate::token::store::{Interleaving, Plan};

#[tokio::test]
async fn a_second_use_revokes_the_tokens_of_the_first() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let codes = codes(&tv, "openid offline_access").await;
    allow(&world, &browser, &codes).await;
    let (status, tokens) = poll(&tv, &codes).await;
    assert_eq!(status, 200, "{tokens}");
    world.wait();
    assert_error(&poll(&tv, &codes).await, "invalid_grant");
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_error(&tv.token(&refresh).await, "invalid_grant");
    assert_eq!(tv.userinfo(text(&tokens, "access_token")).await.0, 401);
    assert_eq!(world.app.audit.of("code_replayed").len(), 1);
    let page = type_code(&browser, &world.page(), text(&codes, "user_code")).await;
    assert_eq!(page.status, 422, "nor is it answered again");
}

#[tokio::test]
async fn a_device_code_belongs_to_its_client_and_tenant() {
    // RFC 8628 §3.4
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid").await;
    allow(&world, &browser, &asked).await;
    for other in ["radio", "tv-elsewhere"] {
        let other = world.application(other).await;
        assert_error(&poll(&other, &asked).await, "invalid_grant");
    }
    let forged = serde_json::json!({ "device_code": "forged" });
    assert_error(&poll(&tv, &forged).await, "invalid_grant");
    // The object that gets the client's id does not inherit the device.
    world.change(
        "metadata: {name: tv}\nspec:",
        "metadata: {name: heir}\nspec:\n  clientId: default.tv",
    );
    assert_error(&poll(&tv, &asked).await, "invalid_grant");
    world.app.serve(MANIFESTS);
    world.wait();
    assert_eq!(poll(&tv, &asked).await.0, 200, "none of it has used the code up");
}

#[tokio::test]
async fn a_user_code_is_unknown_at_another_tenant() {
    let world = World::new().await;
    let tv = world.application("tv").await;
    let asked = codes(&tv, "openid").await;
    let url = format!("{}/device", world.app.issuer("other"));
    let page = type_code(&Browser::new(), &url, text(&asked, "user_code")).await;
    assert!(page.status == 422 && page.body.contains("No device is waiting"), "{}", page.body);
}

#[tokio::test]
async fn a_link_with_a_code_does_not_answer_the_request() {
    // RFC 8628 §5.4: an attacker sends the link of a device of their own.
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid").await;
    let page = browser.open(text(&asked, "verification_uri_complete")).await;
    assert!(page.body.contains("Continue only if you started this yourself"), "{}", page.body);
    let form = page.form("/device");
    assert_eq!(form.fields, [("user_code".to_owned(), text(&asked, "user_code").to_owned())]);
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
    let page = browser.submit(&form, &[]).await;
    assert!(is_question(&page), "a person who is signed in is asked too: {}", page.body);
    world.wait();
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
    // The link of a code that does not exist looks the same.
    let unknown = browser.open(&format!("{}?user_code=BBBB-BBBB", world.page())).await;
    assert_eq!(unknown.status, 200);
    let markup = browser.open(&format!("{}?user_code=%22%3E%3Cscript%3E", world.page())).await;
    assert!(!markup.body.contains("script>"), "{}", markup.body);
}

#[tokio::test]
async fn forms_of_other_sites_and_browsers_are_refused() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid").await;
    let code = [("user_code", text(&asked, "user_code"))];
    let page = browser.post(&world.page(), "https://evil.test", &code).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("sent from another site"), "{}", page.body);
    let own = world.app.origin.clone();
    let page = Browser::new().post(&world.page(), &own, &code).await;
    assert!(page.status == 400 && page.body.contains("blocks cookies"), "{}", page.body);

    let question = type_code(&browser, &world.page(), code[0].1).await;
    let form = question.form("/consent");
    let mut fields = form.fields.clone();
    fields.push(("action".to_owned(), "allow".to_owned()));
    let page = browser.post(form.action.as_str(), "https://evil.test", &fields).await;
    assert_eq!(page.status, 400, "{}", page.body);
    let page = world.signed_in(BOB).await.submit(&form, &[("action", "allow")]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
}

#[tokio::test]
async fn the_question_is_answered_by_the_person_whom_it_names() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid").await;
    let question = type_code(&browser, &world.page(), text(&asked, "user_code")).await;
    let page = answer(&browser, &question, "switch").await;
    let page = sign_in(&browser, &page, BOB).await;
    assert!(is_question(&page) && page.body.contains("bob"), "{}", page.body);
    let stale = answer(&browser, &question, "allow").await;
    assert!(stale.status == 400 && stale.body.contains("Start again"), "{}", stale.body);
    assert!(stale.body.contains("/device?user_code="), "{}", stale.body);
    assert_error(&poll(&tv, &asked).await, "authorization_pending");
    answer(&browser, &page, "allow").await;
    world.wait();
    assert_eq!(poll(&tv, &asked).await.0, 200);
}

#[tokio::test]
async fn one_of_two_answers_is_accepted() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await };
    let tv = world.application("tv").await;
    let (alice, bob) = (world.signed_in(ALICE).await, world.signed_in(BOB).await);
    for round in 0..5_u8 {
        let asked = codes(&tv, "openid").await;
        let code = text(&asked, "user_code");
        let first = type_code(&alice, &world.page(), code).await;
        let second = type_code(&bob, &world.page(), code).await;
        *plan.pauses.lock().expect("no panic") = (0..40).map(|at| (at % 3 + round) % 4).collect();
        plan.active.store(true, Ordering::SeqCst);
        let answers = join(answer(&alice, &first, "allow"), answer(&bob, &second, "allow")).await;
        plan.active.store(false, Ordering::SeqCst);
        let mut statuses = [answers.0.status, answers.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{}\n{}", answers.0.body, answers.1.body);
        let (status, tokens) = poll(&tv, &asked).await;
        assert_eq!(status, 200, "{tokens}");
        let winner = if answers.0.status == 200 { "alice" } else { "bob" };
        let subject = super::browser::claims(text(&tokens, "id_token"))["sub"].clone();
        assert_eq!(subject, world.app.subject("shop", winner).as_str());
    }
}

#[tokio::test]
async fn a_sign_out_before_the_poll_leaves_the_device_without_tokens() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid offline_access").await;
    allow(&world, &browser, &asked).await;
    let page = browser.open(tv.endpoint("end_session_endpoint")).await;
    browser.submit(&page.form("/logout"), &[("action", "logout")]).await;
    assert_error(&poll(&tv, &asked).await, "invalid_grant");
}

#[tokio::test]
async fn access_that_is_withdrawn_before_the_poll_gives_no_tokens() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid offline_access").await;
    allow(&world, &browser, &asked).await;
    let account = browser.open(&format!("{}/account", world.app.issuer("shop"))).await;
    let withdraw = [("application", "default.tv")];
    let page = browser.submit(&account.form("/account"), &withdraw).await;
    assert!(page.body.contains("The access was withdrawn."), "{}", page.body);
    assert_error(&poll(&tv, &asked).await, "invalid_grant");
    world.wait();
    assert_error(&poll(&tv, &asked).await, "invalid_grant");
    assert_eq!(world.app.audit.of("code_replayed").len(), 0, "nothing was replayed");
}

#[tokio::test]
async fn answers_that_do_not_count_leave_neither_consent_nor_audit_line() {
    let world = World::new().await;
    let (tv, browser) = (world.application("tv").await, world.signed_in(ALICE).await);
    let asked = codes(&tv, "openid").await;
    let code = text(&asked, "user_code");
    let first = type_code(&browser, &world.page(), code).await;
    let second = type_code(&browser, &world.page(), code).await;
    answer(&browser, &first, "deny").await;
    for action in ["allow", "deny"] {
        assert_eq!(answer(&browser, &second, action).await.status, 400);
    }
    assert_eq!(world.app.audit.of("consent_given").len(), 0);
    assert_eq!(world.app.audit.of("consent_refused").len(), 1);
    assert_error(&poll(&tv, &asked).await, "access_denied");
}

//! Attacks on requests over the backchannel, their ids, and the people who answer (CIBA Core §15).

use std::sync::{Arc, atomic::Ordering};

use futures::future::join;
use lanyard::store::RecordKind;

use super::{
    app::TestApp,
    browser::claims,
    world::{
        ALICE, BOB, MANIFESTS, World, allow, answer, ask, ask_alice, assert_error, is_question,
        open_question, poll, sign_in, text, waiting,
    },
};
use crate::token::store::{Interleaving, Plan};

#[tokio::test]
async fn a_second_use_revokes_the_tokens_of_the_first() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[("scope", "openid offline_access")]).await;
    allow(&world, &browser).await;
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    world.wait();
    assert_error(&poll(&bank, &asked).await, "invalid_grant");
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_error(&bank.token(&refresh).await, "invalid_grant");
    assert_eq!(bank.userinfo(text(&tokens, "access_token")).await.0, 401);
    assert_eq!(world.app.audit.of("code_replayed").len(), 1);
}

#[tokio::test]
async fn an_id_belongs_to_its_client_and_tenant() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    allow(&world, &browser).await;
    for other in ["branch", "bank-elsewhere"] {
        let other = world.application(other).await;
        assert_error(&poll(&other, &asked).await, "invalid_grant");
    }
    // The object that gets the client's id does not inherit the request.
    world.change(
        "metadata: {name: bank}\nspec:",
        "metadata: {name: heir}\nspec:\n  clientId: default.bank",
    );
    assert_error(&poll(&bank, &asked).await, "invalid_grant");
    world.app.serve(MANIFESTS);
    world.wait();
    assert_eq!(poll(&bank, &asked).await.0, 200, "none of it has used the id up");
}

#[tokio::test]
async fn only_the_person_who_is_asked_sees_and_answers_a_request() {
    let world = World::new().await;
    let (bank, alice) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    let account = alice.open(&world.account()).await;
    let id = waiting(&account).remove(0);
    let bob = world.signed_in(BOB).await;
    let page = bob.open(&world.account()).await;
    assert_eq!(waiting(&page), [""; 0]);
    // Bob knows the id.
    let page = bob.submit(&page.form("/account"), &[("request", &id)]).await;
    assert!(
        page.body.contains("The request has expired, or was answered already."),
        "{}",
        page.body
    );

    // Alice's browser changes the account in the middle.
    let question = open_question(&world, &alice).await;
    let page = answer(&alice, &question, "switch").await;
    let page = sign_in(&alice, &page, BOB).await;
    assert!(!is_question(&page), "{}", page.body);
    assert!(page.body.contains("The request is not answered."), "{}", page.body);
    let stale = answer(&alice, &question, "allow").await;
    assert!(stale.status == 400 && stale.body.contains("/account"), "{}", stale.body);
    for action in ["allow", "deny"] {
        let page = answer(&bob, &question, action).await;
        assert_eq!(page.status, 400, "{action}: {}", page.body);
    }
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    assert_eq!(world.app.audit.of("consent_given").len(), 0);
    assert_eq!(world.app.audit.of("consent_refused").len(), 0);
}

#[tokio::test]
async fn forms_of_other_sites_and_browsers_are_refused() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    let account = browser.open(&world.account()).await;
    let form = account.form("/account");
    let mut fields = form.fields.clone();
    fields.push(("request".to_owned(), waiting(&account).remove(0)));
    let page = browser.post(form.action.as_str(), "https://evil.test", &fields).await;
    assert_eq!(page.status, 400, "{}", page.body);
    let question = open_question(&world, &browser).await;
    let form = question.form("/consent");
    let mut fields = form.fields.clone();
    fields.push(("action".to_owned(), "allow".to_owned()));
    let page = browser.post(form.action.as_str(), "https://evil.test", &fields).await;
    assert_eq!(page.status, 400, "{}", page.body);
    let other = world.signed_in(ALICE).await;
    let page = other.submit(&form, &[("action", "allow")]).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
}

#[tokio::test]
async fn a_message_is_text_wherever_it_is_shown() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    for refused in ["<script>x</script>", "a\nb", "a\u{202e}b", "\u{200b}", "\u{7}", " "] {
        let sent = [("scope", "openid"), ("login_hint", "alice"), ("binding_message", refused)];
        assert_error(&ask(&bank, &sent).await, "invalid_binding_message");
    }
    ask_alice(&bank, &[("binding_message", "\"onload=x&amp;'{{7*7}}")]).await;
    let account = browser.open(&world.account()).await;
    let question = open_question(&world, &browser).await;
    for page in [&account, &question] {
        assert!(!page.body.contains("\"onload"), "{}", page.body);
        assert!(page.body.contains("onload=x&") && !page.body.contains("x&amp;'"), "{}", page.body);
        assert!(page.body.contains("{{7*7}}"), "{}", page.body);
    }
}

#[tokio::test]
async fn one_of_two_answers_is_accepted() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await };
    let (first, second) = (world.signed_in(ALICE).await, world.signed_in(ALICE).await);
    // A client that was refused twice has to wait.
    for (round, client) in (0_u8..).zip(["bank", "branch", "bank", "branch"]) {
        let client = world.application(client).await;
        let asked = ask_alice(&client, &[]).await;
        let allows = open_question(&world, &first).await;
        let refuses = open_question(&world, &second).await;
        *plan.pauses.lock().expect("no panic") = (0..40).map(|at| (at % 3 + round) % 4).collect();
        plan.active.store(true, Ordering::SeqCst);
        let answers =
            join(answer(&first, &allows, "allow"), answer(&second, &refuses, "deny")).await;
        plan.active.store(false, Ordering::SeqCst);
        let allowed = answers.0.body.contains("You allowed the request.");
        let refused = answers.1.body.contains("You refused the request.");
        assert!(allowed != refused, "{}\n{}", answers.0.body, answers.1.body);
        let polled = poll(&client, &asked).await;
        if allowed {
            assert_eq!(polled.0, 200, "{}", polled.1);
            let subject = claims(text(&polled.1, "id_token"))["sub"].clone();
            assert_eq!(subject, world.app.subject("shop", "alice").as_str());
        } else {
            assert_error(&polled, "access_denied");
        }
    }
}

#[tokio::test]
async fn an_answer_that_broke_off_can_be_given_again() {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let app =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = World { app: app.await };
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    let question = open_question(&world, &browser).await;
    let refuse = |kind| *plan.refused_swaps.lock().expect("no panic") = kind;
    refuse(Some(RecordKind::BackchannelAuthentication));
    let page = answer(&browser, &question, "allow").await;
    assert!(page.status >= 500, "the grant is stored, and the answer is not: {}", page.body);
    refuse(None);
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    allow(&world, &browser).await;
    let page = answer(&browser, &question, "allow").await;
    assert!(page.body.contains("was answered already"), "{}", page.body);
    world.wait();
    assert_eq!(poll(&bank, &asked).await.0, 200, "a second press revokes nothing");
}

#[tokio::test]
async fn access_that_is_withdrawn_before_the_poll_gives_no_tokens() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[("scope", "openid offline_access")]).await;
    allow(&world, &browser).await;
    let account = browser.open(&world.account()).await;
    let withdraw = [("application", "default.bank")];
    let page = browser.submit(&account.form("/account"), &withdraw).await;
    assert!(page.body.contains("The access was withdrawn."), "{}", page.body);
    assert_error(&poll(&bank, &asked).await, "invalid_grant");
    assert_eq!(world.app.audit.of("code_replayed").len(), 0, "nothing was replayed");
}

#[tokio::test]
async fn a_sign_out_before_the_poll_leaves_the_client_without_tokens() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    allow(&world, &browser).await;
    let page = browser.open(bank.endpoint("end_session_endpoint")).await;
    browser.submit(&page.form("/logout"), &[("action", "logout")]).await;
    assert_error(&poll(&bank, &asked).await, "invalid_grant");
}

#[tokio::test]
async fn a_client_that_loses_the_grant_is_asked_about_no_more() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    let question = open_question(&world, &browser).await;
    world.change(
        "  grantTypes: [\"urn:openid:params:grant-type:ciba\", refresh_token]",
        "  redirectUris: [\"https://bank.test/cb\"]\n  grantTypes: [authorization_code, refresh_token]",
    );
    assert_eq!(waiting(&browser.open(&world.account()).await), [""; 0]);
    assert_eq!(answer(&browser, &question, "allow").await.status, 400);
    assert_error(&poll(&bank, &asked).await, "unauthorized_client");
}

//! Requests that people allow or refuse on the account page.

use std::time::Duration;

use serde_json::json;

use super::{
    authenticator::{asks_for_code, enter, set_up_app},
    browser::{Browser, claims},
    world::{
        ALICE, BOB, GRANT_TYPE, MANIFESTS, World, allow, answer, ask, ask_alice, assert_error,
        is_question, open_question, poll, sign_in, text, waiting,
    },
};
use crate::support::dpop::DpopKey;

#[tokio::test]
async fn a_person_allows_a_request_on_the_account_page() {
    // CIBA Core §7.3, §8, §10.1
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, Browser::new());
    let message = [("binding_message", "W4SCT"), ("scope", "openid profile offline_access")];
    let asked = ask_alice(&bank, &message).await;
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(600), &json!(5)));
    let id = text(&asked, "auth_req_id");
    let plain = |it: char| it.is_ascii_alphanumeric() || ".-_".contains(it);
    assert!(id.len() > 100 && id.chars().all(plain), "{id}");
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    let line = world.app.audit.last("consent_requested");
    let alice = json!(world.app.subject("shop", "alice"));
    assert_eq!((&line["client"], &line["subject"]), (&json!("default/bank"), &alice));
    assert_eq!((&line["device_address"], line.get("sid")), (&json!("127.0.0.1"), None));

    let page = browser.open(&world.account()).await;
    let account = sign_in(&browser, &page, ALICE).await;
    for words in ["Waiting for your answer", "Harbour Bank", "W4SCT", "from the address 127.0.0.1"]
    {
        assert!(account.body.contains(words), "{words}: {}", account.body);
    }
    let question = open_question(&world, &browser).await;
    assert!(is_question(&question), "whatever the consent of the client: {}", question.body);
    for words in ["Allow Harbour Bank?", "W4SCT", "from the address 127.0.0.1", "Alice Rivera"] {
        assert!(question.body.contains(words), "{words}: {}", question.body);
    }
    let question = browser.open(question.url.as_str()).await;
    world.wait();
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    let account = answer(&browser, &question, "allow").await;
    assert!(account.body.contains("You allowed the request."), "{}", account.body);
    assert_eq!(waiting(&account), [""; 0]);
    assert!(account.body.contains("value=\"default.bank\""), "it can be withdrawn at once");

    world.wait();
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["scope"], "offline_access openid profile");
    let id_token = claims(text(&tokens, "id_token"));
    assert_eq!((&id_token["aud"], &id_token["amr"]), (&json!("default.bank"), &json!(["pwd"])));
    assert_eq!((&id_token["sub"], &id_token["acr"]), (&alice, &json!("urn:shop:one")));
    for claim in ["auth_time", "at_hash", "exp", "iat"] {
        assert!(!id_token[claim].is_null(), "{claim}: {id_token}");
    }
    assert_eq!(bank.userinfo(text(&tokens, "access_token")).await.0, 200);
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_eq!(bank.token(&refresh).await.0, 200);
    let line = world.app.audit.last("consent_given");
    assert_eq!((&line["subject"], &line["device_address"]), (&alice, &json!("127.0.0.1")));
}

#[tokio::test]
async fn a_person_reads_the_authorization_details_of_a_request() {
    // RFC 9396 §3
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let sent = [("authorization_details", r#"[{"type":"payment","amount":"12 EUR"}]"#)];
    let asked = ask_alice(&bank, &sent).await;
    let question = open_question(&world, &browser).await;
    for words in ["Payments", ">Pay<", ">amount: <bdi>12 EUR<"] {
        assert!(question.body.contains(words), "{words}: {}", question.body);
    }
    answer(&browser, &question, "allow").await;
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    let token = claims(text(&tokens, "access_token"));
    assert_eq!(token["authorization_details"], json!([{ "type": "payment", "amount": "12 EUR" }]));
    assert_eq!(token["authorization_details"], tokens["authorization_details"]);
}

#[tokio::test]
async fn a_person_refuses_a_request() {
    // CIBA Core §11, access_denied
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    let question = open_question(&world, &browser).await;
    assert!(
        question.body.contains("Harbour Bank asks for your confirmation."),
        "without a message"
    );
    let account = answer(&browser, &question, "deny").await;
    assert!(account.body.contains("You refused the request."), "{}", account.body);
    assert_eq!(waiting(&account), [""; 0]);
    for _ in 0..2 {
        assert_error(&poll(&bank, &asked).await, "access_denied");
        world.wait();
    }
    assert_eq!(world.app.audit.last("consent_refused")["device_address"], "127.0.0.1");
    let page = answer(&browser, &question, "allow").await;
    assert!(page.body.contains("was answered already"), "{}", page.body);
    assert_error(&poll(&bank, &asked).await, "access_denied");
}

#[tokio::test]
async fn a_request_expires() {
    // CIBA Core §7.1 requested_expiry, §11 expired_token
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[("requested_expiry", "60")]).await;
    assert_eq!(asked["expires_in"], 60);
    let question = open_question(&world, &browser).await;
    world.app.clock.advance(Duration::from_secs(60));
    assert_error(&poll(&bank, &asked).await, "expired_token");
    let page = answer(&browser, &question, "allow").await;
    assert!(page.body.contains("The request has expired"), "{}", page.body);
    assert_eq!(waiting(&browser.open(&world.account()).await), [""; 0]);
    assert_error(&poll(&bank, &asked).await, "expired_token");
    assert_eq!(world.app.audit.of("consent_given").len(), 0);
}

#[tokio::test]
async fn a_person_is_named_by_username_address_subject_or_id_token() {
    // CIBA Core §7.1
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let subject = world.app.subject("shop", "alice");
    for hint in [" Alice ", "ALICE@harbour.test", subject.as_str()] {
        let (status, asked) = ask(&bank, &[("scope", "openid"), ("login_hint", hint)]).await;
        assert_eq!(status, 200, "{hint}: {asked}");
        allow(&world, &browser).await;
    }
    let (status, tokens) = {
        let asked = ask_alice(&bank, &[]).await;
        allow(&world, &browser).await;
        poll(&bank, &asked).await
    };
    assert_eq!(status, 200, "{tokens}");
    let of_token = [("scope", "openid"), ("id_token_hint", text(&tokens, "id_token"))];
    world.app.clock.advance(Duration::from_hours(2));
    let (status, asked) = ask(&bank, &of_token).await;
    assert_eq!(status, 200, "an expired one names the person too: {asked}");
    for unknown in ["carol", "dave", "alice@elsewhere.test", "@harbour.test", "default.bank"] {
        let answer = ask(&bank, &[("scope", "openid"), ("login_hint", unknown)]).await;
        assert_error(&answer, "unknown_user_id");
    }
}

#[tokio::test]
async fn a_hint_that_fits_two_people_is_refused() {
    let world = World::new().await;
    let subject = world.app.subject("shop", "alice");
    world.change("  username: bob\n", &format!("  username: {subject}\n"));
    let bank = world.application("bank").await;
    let answer = ask(&bank, &[("scope", "openid"), ("login_hint", &subject)]).await;
    assert_error(&answer, "unknown_user_id");
    ask_alice(&bank, &[]).await;
}

#[tokio::test]
async fn a_pairwise_client_names_people_as_it_knows_them() {
    // OIDC Core §8.1
    let world = World::new().await;
    let (sealed, browser) = (world.application("sealed").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&sealed, &[]).await;
    allow(&world, &browser).await;
    let (status, tokens) = poll(&sealed, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    let subject = claims(text(&tokens, "id_token"))["sub"].clone();
    assert_ne!(subject, world.app.subject("shop", "alice").as_str());
    let known = subject.as_str().expect("a subject");
    // Anyone can make up a `sub`; an ID token proves that the client knows it.
    let answer = ask(&sealed, &[("scope", "openid"), ("login_hint", known)]).await;
    assert_error(&answer, "unknown_user_id");
    let of_own_token = [("scope", "openid"), ("id_token_hint", text(&tokens, "id_token"))];
    let answer = ask(&sealed, &of_own_token).await;
    assert_eq!(answer.0, 200, "{}", answer.1);
    let own = world.app.subject("shop", "alice");
    let answer = ask(&sealed, &[("scope", "openid"), ("login_hint", &own)]).await;
    assert_error(&answer, "unknown_user_id");
    let bank = world.application("bank").await;
    let of_token = [("scope", "openid"), ("id_token_hint", text(&tokens, "id_token"))];
    assert_error(&ask(&bank, &of_token).await, "invalid_request");
}

#[tokio::test]
async fn resources_are_shown_and_the_token_is_for_one() {
    // RFC 8707 §2
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let of_payments = [("resource", "https://payments.test/api"), ("scope", "openid pay")];
    let asked = ask_alice(&bank, &of_payments).await;
    let account = browser.open(&world.account()).await;
    assert!(account.body.contains("Payments"), "{}", account.body);
    let question = open_question(&world, &browser).await;
    assert!(question.body.contains("Make a payment"), "{}", question.body);
    answer(&browser, &question, "allow").await;
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "access_token"))["aud"], "https://payments.test/api");
}

#[tokio::test]
async fn access_rules_decide_at_the_answer_and_at_the_poll() {
    let world = World::new().await;
    let (payroll, browser) = (world.application("payroll").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&payroll, &[]).await;
    let page = open_question(&world, &browser).await;
    assert!(page.status == 403 && page.body.contains("You may not use payroll"), "{}", page.body);
    assert_error(&poll(&payroll, &asked).await, "authorization_pending");
    let bank = world.application("bank").await;
    let (status, allowed) = ask(&bank, &[("scope", "openid"), ("login_hint", "bob")]).await;
    assert_eq!(status, 200, "{allowed}");
    allow(&world, &world.signed_in(BOB).await).await;
    world.change("clientName: Harbour Bank", "access: {groups: [finance]}");
    assert_error(&poll(&bank, &allowed).await, "invalid_grant");
    world.app.serve(MANIFESTS);
    world.wait();
    assert_eq!(poll(&bank, &allowed).await.0, 200, "the refusal has not used the id up");
}

#[tokio::test]
async fn a_required_level_is_reached_by_a_step_up_in_the_session() {
    // CIBA Core §7.1, acr_values
    let world = World::new().await;
    world.change(
        "displayName: Harbour Works",
        "displayName: Harbour Works\n  authenticators: {totp: Optional}",
    );
    let (vault, browser) = (world.application("vault").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&vault, &[]).await;
    let page = open_question(&world, &browser).await;
    assert!(page.body.contains("It needs another sign-in"), "{}", page.body);
    assert_error(&poll(&vault, &asked).await, "authorization_pending");

    // The session that sets up a second factor goes on without it.
    let app = set_up_app(&browser, &world.account(), &world.app.clock).await;
    let page = open_question(&world, &browser).await;
    assert!(asks_for_code(&page), "{}", page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(is_question(&page), "{}", page.body);
    let account = answer(&browser, &page, "allow").await;
    assert!(account.body.contains("You allowed the request."), "{}", account.body);
    let (status, tokens) = poll(&vault, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "id_token"))["acr"], "urn:shop:two");
}

#[tokio::test]
async fn a_level_that_the_client_asks_for_is_not_left_out() {
    // CIBA Core §7.1, acr_values, without a rule of access
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let two = [("acr_values", "urn:shop:two")];
    let asked = ask_alice(&bank, &two).await;
    let page = open_question(&world, &browser).await;
    assert!(page.body.contains("The request is not answered."), "{}", page.body);
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    world.change(
        "displayName: Harbour Works",
        "displayName: Harbour Works\n  authenticators: {totp: Optional}",
    );
    let app = set_up_app(&browser, &world.account(), &world.app.clock).await;
    let page = open_question(&world, &browser).await;
    assert!(asks_for_code(&page), "{}", page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert!(is_question(&page), "{}", page.body);
    answer(&browser, &page, "allow").await;
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(text(&tokens, "id_token"))["acr"], "urn:shop:two");
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_of_a_dpop_proof() {
    // RFC 9449 §5
    use lanyard::model::Clock as _;
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let asked = ask_alice(&bank, &[]).await;
    allow(&world, &browser).await;
    let (key, endpoint) = (DpopKey::new(), bank.endpoint("token_endpoint").to_owned());
    let proof = key.proof("POST", &endpoint, world.app.clock.now());
    let form = [("grant_type", GRANT_TYPE), ("auth_req_id", text(&asked, "auth_req_id"))];
    let request = reqwest::Client::new().post(endpoint).header("dpop", proof).form(&form);
    let request = request.basic_auth(&bank.client_id, bank.client_secret.as_deref());
    let tokens: serde_json::Value =
        request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    let access_token = claims(text(&tokens, "access_token"));
    assert_eq!(access_token["cnf"]["jkt"], key.thumbprint());
}

#[tokio::test]
async fn a_request_is_answered_at_another_replica_than_it_came_to() {
    let world = World::new().await;
    let (bank, mut browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    let replica = world.app.start_replica();
    replica.serve(MANIFESTS);
    let asked = ask_alice(&bank, &[]).await;
    browser.reach(replica.address.port());
    allow(&world, &browser).await;
    let (status, tokens) = poll(&bank, &asked).await;
    assert_eq!(status, 200, "{tokens}");
    world.wait();
    assert_error(&poll(&bank, &asked).await, "invalid_grant");
    assert_eq!(bank.userinfo(text(&tokens, "access_token")).await.0, 401, "revoked");
}

#[tokio::test]
async fn the_pages_are_in_the_language_of_the_browser() {
    let world = World::new().await;
    let (bank, browser) = (world.application("bank").await, world.signed_in(ALICE).await);
    ask_alice(&bank, &[("binding_message", "W4SCT")]).await;
    let page = browser.open(&format!("{}?ui_locales=de", world.account())).await;
    for words in ["Wartet auf Ihre Antwort", "Nachricht: <strong>W4SCT</strong>"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
}

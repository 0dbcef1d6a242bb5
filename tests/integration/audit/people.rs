//! People of an identity provider.

use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{publisher::signed, world::World};

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("sign_in", "success"),
    ("sign_in", "failure"),
    ("person_admitted", "success"),
    ("person_refused", "failure"),
    ("logout_token_refused", "failure"),
    ("logout", "success"),
];

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[tokio::test]
async fn a_person_is_admitted_once_and_signs_in_by_the_provider() {
    let world = World::new().await;
    for _ in 0..2 {
        world.code(&world.sign_in_at_provider(|_| {}).await);
        let line = world.app.audit.last("sign_in");
        let members = (&line["provider"], &line["username"], &line["amr"], &line["outcome"]);
        assert_eq!(
            members,
            (&json!("corp"), &json!("corp:ada"), &json!(["fed"]), &json!("success"))
        );
        assert_eq!(world.app.audit.last("token_issued")["provider"], "corp");
    }
    let admitted = world.app.audit.of("person_admitted");
    assert_eq!(admitted.len(), 1, "{admitted:#?}");
    assert_eq!(admitted[0]["subject"], world.app.audit.last("sign_in")["subject"]);
    world.check(&REPORTED[2..3]);
}

#[tokio::test]
async fn a_person_who_is_not_admitted_and_a_wrong_answer_are_reported_with_the_cause() {
    let world = World::new().await;
    let page =
        world.sign_in_at_provider(|script| script.id_token = json!({"groups": ["guests"]})).await;
    assert_eq!(page.status, 403, "{}", page.body);
    let refused = world.app.audit.last("person_refused");
    assert_eq!((&refused["reason"], &refused["provider"]), (&json!("rule"), &json!("corp")));
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["reason"], &line["outcome"]), (&json!("not_admitted"), &json!("failure")));
    assert_eq!(line["request_id"], refused["request_id"]);

    for (claims, reason, cause) in [
        (json!({"nonce": "another"}), "provider_answer", "nonce"),
        (json!({"preferred_username": null}), "claims", "preferred_username"),
    ] {
        let page = world.sign_in_at_provider(|script| script.id_token = claims).await;
        assert_eq!(page.status, 502, "{}", page.body);
        let line = world.app.audit.last("sign_in");
        assert_eq!(line["reason"], reason, "{line}");
        assert!(line["cause"].as_str().is_some_and(|text| text.contains(cause)), "{line}");
    }
    for hidden in ["upstream-token", "upstream-refresh", "an-upstream-code"] {
        world.hide(hidden);
    }
    world.check(&REPORTED[1..2]);
}

/// Sends a logout token of the provider to Lanyard; returns the status.
async fn log_out(world: &World, token: &str) -> u16 {
    let url = format!("{}/callback/corp/logout", world.app.issuer("main"));
    let form = [("logout_token", token)];
    let response = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
    world.hide(token);
    response.status().as_u16()
}

#[tokio::test]
async fn logout_tokens_of_a_provider_are_reported_whether_they_end_a_session_or_not() {
    let world = World::new().await;
    let page = world.sign_in_at_provider(|script| script.id_token = json!({"sid": "there"})).await;
    world.code(&page);
    let signed_in = world.app.audit.last("sign_in");
    let now = world.app.clock.now().secs();
    let token = |sid: &str, audience: &str| -> Value {
        json!({
            "iss": world.upstream.issuer, "aud": audience, "iat": now, "exp": now + 120,
            "jti": "one", "events": {EVENT: {}}, "sid": sid,
        })
    };
    assert_eq!(log_out(&world, &signed(&token("there", "another"))).await, 400);
    let good = signed(&token("there", "lanyard"));
    let (head, _) = good.rsplit_once('.').expect("a signature");
    assert_eq!(log_out(&world, &format!("{head}.c2ln")).await, 400);
    let refused = world.app.audit.of("logout_token_refused");
    let reasons: Vec<_> = refused.iter().map(|line| &line["reason"]).collect();
    assert_eq!(reasons, ["claims", "signature"]);
    assert!(refused.iter().all(|line| line["provider"] == "corp"), "{refused:#?}");
    let cause = refused[0]["cause"].as_str().expect("one");
    assert!(cause.contains("another client"), "{cause}");
    let ended = || {
        let lines = world.app.audit.of("logout").into_iter();
        lines.filter(|line| line["kind"] == "upstream").collect::<Vec<_>>()
    };
    assert!(ended().is_empty());

    assert_eq!(log_out(&world, &good).await, 200);
    let [ended] = &ended()[..] else { panic!("{:#?}", ended()) };
    assert_eq!((&ended["sid"], &ended["subject"]), (&signed_in["sid"], &signed_in["subject"]));
    assert_eq!(ended["endpoint"], "provider_logout");
    world.check(&REPORTED[4..6]);
}

//! People of an identity provider.

use serde_json::json;

use super::world::World;

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("sign_in", "success"),
    ("sign_in", "failure"),
    ("person_admitted", "success"),
    ("person_refused", "failure"),
];

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

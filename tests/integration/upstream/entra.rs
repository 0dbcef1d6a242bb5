//! Microsoft Entra: one application for the people of several directories.

use lanyard::model::Clock;
use serde_json::{Value, json};

use super::{
    attacks::{Away, World},
    browser::{Page, claims},
    upstream::Script,
};
use crate::support::publisher::signed;

const ONE: &str = "b9419818-09af-49c2-b0c3-653adc1f376e";
const TWO: &str = "0f1e2d3c-0000-4000-8000-00000000000a";
const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The lines of the provider `corp` with its own identity key, which the tests replace.
const PLAIN: &str = "issuer: UPSTREAM\n    clientId: lanyard\n    clientSecretRef: {name: secret}\n  identityKey: https://corp.test";

/// The lines of the provider `corp` as one of Microsoft Entra, with this issuer and these directories.
fn at_entra(issuer: &str, ids: &[&str]) -> String {
    let ids = if ids.is_empty() {
        String::new()
    } else {
        format!("    tenantIds: [{}]\n", ids.join(", "))
    };
    format!(
        "issuer: UPSTREAM/{issuer}/v2.0\n{ids}    clientId: lanyard\n    clientSecretRef: {{name: secret}}"
    )
}

fn template(ids: &[&str]) -> String {
    at_entra("{tenantid}", ids)
}

impl World {
    fn issuer_of(&self, directory: &str) -> String {
        format!("{}/{directory}/v2.0", self.upstream.issuer)
    }

    /// Answers with an ID token of a directory, and changes to it.
    fn answers_as(&self, directory: &str, changes: Value) {
        let mut token = json!({"iss": self.issuer_of(directory), "tid": directory});
        let Value::Object(changes) = changes else { panic!("no object: {changes}") };
        token.as_object_mut().expect("an object").extend(changes);
        let template = self.issuer_of("{tenantid}");
        self.upstream.answers(|script: &mut Script| {
            script.metadata = json!({"issuer": template});
            script.id_token = token;
        });
    }

    async fn sign_in_from(&self, directory: &str, changes: Value) -> Page {
        self.answers_as(directory, changes);
        let away = self.go("corp", &[]).await;
        self.back(&away, "corp", &[]).await
    }
}

#[tokio::test]
async fn people_of_the_listed_directories_sign_in() {
    let world = World::with(&[(PLAIN, &template(&[ONE, TWO]))]).await;
    let of = async |directory: &str| {
        let page = world.sign_in_from(directory, json!({})).await;
        world.id_token(&page).await["sub"].clone()
    };
    let (one, two) = (of(ONE).await, of(TWO).await);
    assert_ne!(one, two, "the same sub in two directories is of two people");
    assert_eq!(of(ONE).await, one);
    let asked = world.upstream.directories.lock().expect("whole").clone();
    assert_eq!(asked, ["/organizations"], "one document for all");
    // The subject is that of a provider for this directory alone.
    world.serve(&[(PLAIN, &at_entra(ONE, &[]))]);
    world.answers_as(ONE, json!({}));
    world.upstream.script.lock().expect("whole").metadata = json!({"issuer": world.issuer_of(ONE)});
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(world.id_token(&page).await["sub"], one);
}

#[tokio::test]
async fn other_directories_and_lies_about_them_are_refused() {
    let world = World::with(&[(PLAIN, &template(&[ONE, TWO]))]).await;
    for (directory, changes, status) in [
        (OTHER, json!({}), 403),
        (ONE, json!({"tid": OTHER}), 403),
        (ONE, json!({"tid": TWO}), 502),
        (ONE, json!({"tid": null}), 502),
        (ONE, json!({"tid": [ONE]}), 502),
        (ONE, json!({"tid": "{tenantid}"}), 403),
        (ONE, json!({"iss": world.issuer_of("{tenantid}")}), 502),
        (ONE, json!({"iss": world.issuer_of(OTHER)}), 502),
        (ONE, json!({"iss": world.upstream.issuer}), 502),
    ] {
        let page = world.sign_in_from(directory, changes.clone()).await;
        assert_eq!(page.status, status, "{directory} {changes}: {}", page.body);
        assert!(page.left_for.is_none());
    }
    let away = world.go("corp", &[]).await;
    for issuer in [world.issuer_of(OTHER), world.issuer_of("{tenantid}")] {
        let page = world.back(&away, "corp", &[("iss", &issuer)]).await;
        assert_eq!(page.status, 502, "{issuer}");
    }
    world.answers_as(TWO, json!({}));
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[("iss", &world.issuer_of(TWO))]).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn refused_people_and_left_out_groups_are_reported() {
    let world = World::with(&[(PLAIN, &template(&[ONE]))]).await;
    assert_eq!(world.sign_in_from(OTHER, json!({})).await.status, 403);
    let refused = world.app.audit.last("person_refused");
    assert_eq!(refused["reason"], "rule");
    assert!(refused["cause"].as_str().is_some_and(|it| it.contains("tenantIds")), "{refused}");
    for overage in [json!({"_claim_names": {"groups": "src1"}}), json!({"hasgroups": true})] {
        let mut token = overage.clone();
        token["groups"] = json!(null);
        assert_eq!(world.sign_in_from(ONE, token).await.status, 502, "{overage}");
        let refused = world.app.audit.last("person_refused");
        assert!(refused["cause"].as_str().is_some_and(|it| it.contains("overage")), "{refused}");
    }
}

#[tokio::test]
async fn a_key_signs_for_the_directories_of_its_issuer() {
    for (of_key, status) in [
        (Some("{tenantid}"), 303),
        (Some(ONE), 303),
        (None, 303),
        (Some(TWO), 502),
        (Some(OTHER), 502),
    ] {
        let world = World::with(&[(PLAIN, &template(&[ONE, TWO]))]).await;
        world.answers_as(ONE, json!({}));
        let of_key = of_key.map(|directory| world.issuer_of(directory));
        if let Some(issuer) = &of_key {
            world.upstream.script.lock().expect("whole").key = json!({"issuer": issuer});
        }
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[]).await;
        if status == 303 {
            assert!(world.id_token(&page).await["sub"].is_string(), "{of_key:?}");
        } else {
            assert_eq!(page.status, status, "{of_key:?} {}", page.body);
        }
    }
}

#[tokio::test]
async fn logout_tokens_are_of_a_listed_directory() {
    let world = World::with(&[(PLAIN, &template(&[ONE, TWO]))]).await;
    world.answers_as(ONE, json!({}));
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    assert!(page.left_for.is_some(), "{}", page.body);
    let application = world.application().await;
    let has_session = async |away: &Away| {
        let url = application.authorize_url("openid", &[("prompt", "none")]);
        away.browser.open(&url).await.answer().contains_key("code")
    };
    let log_out = async |issuer: String, tid: Option<&str>| {
        let now = world.app.clock.now().secs();
        let mut token = json!({
            "iss": issuer, "aud": "lanyard", "iat": now, "exp": now + 120, "jti": "one", "sub": "1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        if let Some(tid) = tid {
            token["tid"] = json!(tid);
        }
        let url = format!("{}/callback/corp/logout", world.app.issuer("main"));
        let form = [("logout_token", signed(&token))];
        let response = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
        response.status().as_u16()
    };
    for (issuer, tid) in [
        (world.issuer_of("{tenantid}"), None),
        (world.issuer_of(OTHER), None),
        (world.issuer_of(OTHER), Some(OTHER)),
        (world.issuer_of(ONE), Some(TWO)),
        (world.issuer_of(ONE), Some(OTHER)),
    ] {
        assert_eq!(log_out(issuer.clone(), tid).await, 400, "{issuer} {tid:?}");
    }
    // The same `sub` in another directory is another person.
    assert_eq!(log_out(world.issuer_of(TWO), Some(TWO)).await, 200);
    assert!(has_session(&away).await);
    assert_eq!(log_out(world.issuer_of(ONE), None).await, 200);
    assert!(!has_session(&away).await);
}

#[tokio::test]
async fn people_of_a_directory_that_is_no_longer_listed_are_refused() {
    let world = World::with(&[(PLAIN, &template(&[ONE, TWO]))]).await;
    let application = world.application().await;
    let mut refresh = Vec::new();
    for directory in [ONE, TWO] {
        let page = world.sign_in_from(directory, json!({})).await;
        refresh.push(world.tokens(&page).await["refresh_token"].as_str().expect("one").to_owned());
    }
    let use_of = async |token: &str| {
        application.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    };
    world.serve(&[(PLAIN, &template(&[ONE]))]);
    let (status, tokens) = use_of(&refresh[0]).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(tokens["id_token"].as_str().expect("one"))["preferred_username"], "corp:ada");
    let (status, refused) = use_of(&refresh[1]).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    world.serve(&[(PLAIN, &template(&[ONE, TWO]))]);
    assert_eq!(use_of(&refresh[1]).await.0, 200, "it lasts while the list lacks it");
}

//! Microsoft Entra: one application for the people of several directories.

use serde_json::{Value, json};

use super::{
    attacks::World,
    browser::{Page, claims},
    upstream::Script,
};

const ONE: &str = "b9419818-09af-49c2-b0c3-653adc1f376e";
const TWO: &str = "0f1e2d3c-0000-4000-8000-00000000000a";
const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The place of the provider `corp` with its own identity key.
const PLAIN: &str = "issuer: UPSTREAM\n    clientId: lanyard\n    clientSecretRef: {name: secret}\n  identityKey: https://corp.test";

/// The same with other lines.
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
        token
            .as_object_mut()
            .expect("an object")
            .extend(changes.as_object().expect("an object").clone());
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
        (ONE, json!({"_claim_names": {"groups": "src1"}, "groups": null}), 502),
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
async fn a_directory_that_is_no_longer_listed_counts_no_more() {
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

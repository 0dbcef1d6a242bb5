//! A provider is asked again about people who are signed in, with the refresh token of their session
//! there, which may be used once only.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    attacks,
    browser::claims,
    upstream::{Script, Upstream},
    world::{
        LOGOUT, SignedIn, World, answered_with, application, refresh_at, tokens, with_application,
    },
};

const SCOPES: &str = "openid profile email groups offline_access";
const REFRESH: &str = "refresh: {mode: Upstream, interval: 15m, keepFor: 1h}";
/// Claims older than the interval are not used until the provider has answered.
const STRICT: &str = "refresh: {mode: Upstream, interval: 15m, unavailable: Refuse}";
const QUARTER: Duration = Duration::from_mins(16);

impl World {
    fn answers(&self, change: impl FnOnce(&mut Script)) {
        self.upstream.answers(|script| {
            script.rotates = true;
            change(script);
        });
    }

    async fn sign_in_rotating(&self, scopes: &str) -> SignedIn {
        self.answers(|_| {});
        self.sign_in(scopes).await
    }

    /// A refresh that succeeds; returns the claims of the ID token.
    async fn refreshed(&self, person: &mut SignedIn) -> Value {
        let (status, tokens) = self.refresh(person).await;
        assert_eq!(status, 200, "{tokens}");
        person.tokens = tokens;
        claims(person.tokens["id_token"].as_str().expect("one"))
    }

    async fn assert_refused(&self, person: &SignedIn) {
        let (status, refused) = self.refresh(person).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    }

    /// The provider cannot be asked: nothing is given, and the client keeps its refresh token.
    async fn assert_unavailable(&self, person: &SignedIn) {
        let (status, told) = self.refresh(person).await;
        assert_eq!((status, &told["error"]), (503, &json!("temporarily_unavailable")), "{told}");
    }

    /// The refresh tokens that the provider has received.
    fn used(&self) -> Vec<String> {
        let requests = self.upstream.requests.lock().expect("whole");
        requests.iter().filter_map(|form| form.get("refresh_token").cloned()).collect()
    }
}

#[tokio::test]
async fn groups_at_the_provider_count_at_the_next_refresh_of_tokens() {
    let world = World::with(REFRESH).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    world.answers(|script| script.id_token = json!({"groups": ["ops"]}));
    // The last answer is not old yet.
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:staff"]));
    assert!(world.used().is_empty());
    world.app.clock.advance(QUARTER);
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:ops"]));
    world.app.clock.advance(QUARTER);
    world.answers(|script| script.id_token = json!({"groups": []}));
    assert!(world.has_session(&ada, SCOPES).await, "an authorization asks too");
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!([]));
    assert_eq!(world.used(), ["upstream-refresh", "upstream-refresh+"], "each one once");
}

/// The scopes that are requested by default give a refresh token where the provider offers
/// `offline_access`; without `mode: Upstream` the provider is not asked.
#[tokio::test]
async fn without_the_mode_claims_stay_as_they_were() {
    let world = World::with("refresh: {mode: Disabled}").await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    world.answers(|script| script.token_response = Some((400, "{}".to_owned())));
    world.app.clock.advance(QUARTER);
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:staff"]));
    assert!(world.used().is_empty());
}

#[tokio::test]
async fn a_session_ends_for_good_when_the_provider_refuses_its_refresh_token() {
    let world = World::with(REFRESH).await;
    let mut notifications = world.app.receive(LOGOUT);
    let ada = world.sign_in_rotating(SCOPES).await;
    let mut elsewhere = world.sign_in_rotating(SCOPES).await;
    world.app.clock.advance(QUARTER);
    world.answers(|script| {
        script.token_response = Some((400, json!({"error": "invalid_grant"}).to_string()));
    });
    world.assert_refused(&ada).await;
    notifications.recv().await.expect("the application is told");
    world.answers(|_| {});
    assert!(!world.has_session(&ada, SCOPES).await);
    world.assert_refused(&ada).await;
    // Another session at the provider is refreshed independently.
    assert_eq!(world.refreshed(&mut elsewhere).await["groups"], json!(["corp:staff"]));
    assert!(world.has_session(&elsewhere, SCOPES).await);
}

#[tokio::test]
async fn claims_count_for_a_while_where_the_provider_does_not_answer() {
    let world = World::with(REFRESH).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    for error in [(503, "x"), (500, "{}"), (400, r#"{"error": "invalid_client"}"#)] {
        world.answers(|script| script.token_response = Some((error.0, error.1.to_owned())));
        world.app.clock.advance(QUARTER);
        assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:staff"]), "{error:?}");
    }
    assert_eq!(world.used().len(), 3);
    world.app.clock.advance(QUARTER);
    world.assert_unavailable(&ada).await;
    assert!(!world.has_session(&ada, SCOPES).await);
    let count = |outcome| answered_with(&world.app, outcome);
    assert_eq!((count("provider_failed"), count("failed")), (1, 0), "not a fault of Lanyard");
    // The provider is not asked again at once.
    assert_eq!(world.used().len(), 4);
    world.answers(|_| {});
    world.app.clock.advance(Duration::from_secs(31));
    world.refreshed(&mut ada).await;
    assert!(world.has_session(&ada, SCOPES).await, "nothing has ended");
}

#[tokio::test]
async fn another_person_or_missing_claims_at_a_refresh_are_refused_and_cost_no_refresh_token() {
    let world = World::with(REFRESH).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    let lies: [fn(&mut Script); 3] = [
        |script| script.id_token = json!({"sub": "2"}),
        |script| script.id_token = json!({"preferred_username": null}),
        |script| {
            script.id_token = json!({"groups": null});
            (script.userinfo, script.userinfo_status) = (json!({}), 403);
        },
    ];
    for (index, lie) in lies.into_iter().enumerate() {
        world.app.clock.advance(QUARTER);
        world.answers(lie);
        let (status, refused) = world.refresh(&ada).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
        let text = refused["error_description"].as_str().expect("one");
        assert!(text.contains("no longer gives the required claims"), "{text}");
        let reported = world.app.audit.last("person_refused");
        assert_eq!(
            (&reported["provider"], &reported["reason"]),
            (&json!("corp"), &json!("claims")),
            "{reported}"
        );
        assert!(!world.has_session(&ada, SCOPES).await, "{index}");
        world.answers(|_| {});
        world.app.clock.advance(Duration::from_secs(31));
        let claims = world.refreshed(&mut ada).await;
        assert_eq!(
            (&claims["preferred_username"], &claims["groups"]),
            (&json!("corp:ada"), &json!(["corp:staff"]))
        );
    }
    let used = world.used();
    assert_eq!(used.len(), 6);
    assert!(used.windows(2).all(|pair| pair[0] != pair[1]), "{used:?}");
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_costs_applications_no_token() {
    let world = World::with(STRICT).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    world.app.clock.advance(Duration::from_mins(14));
    world.refreshed(&mut ada).await;
    world.answers(|script| script.token_response = Some((503, String::new())));
    world.app.clock.advance(Duration::from_mins(2));
    let access_token = ada.tokens["access_token"].as_str().expect("one").to_owned();
    let application = application(&world.app).await;
    for _ in 0..2 {
        let (status, told) = application.userinfo(&access_token).await;
        assert_eq!((status, &told["error"]), (503, &json!("temporarily_unavailable")), "{told}");
        world.assert_unavailable(&ada).await;
    }
    world.answers(|_| {});
    world.app.clock.advance(Duration::from_secs(31));
    assert_eq!(application.userinfo(&access_token).await.0, 200);
    world.refreshed(&mut ada).await;
}

/// A token response without an ID token, as many providers answer a refresh.
fn without_id_token(script: &mut Script) {
    let tokens =
        json!({"token_type": "Bearer", "access_token": "a", "refresh_token": "upstream-refresh"});
    script.token_response = Some((200, tokens.to_string()));
}

#[tokio::test]
async fn a_refresh_without_id_token_is_refused_where_userinfo_is_never_asked() {
    let never = ("clientId: lanyard", "clientId: lanyard\n    userinfo: Never");
    let world = attacks::World::with(&[("# RULES", REFRESH), never]).await;
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    let refresh_token = tokens(&world.app, &page).await["refresh_token"].clone();
    world.app.clock.advance(QUARTER);
    world.upstream.answers(|script| {
        without_id_token(script);
        script.userinfo = json!({"sub": "1", "preferred_username": "ada", "groups": ["staff"]});
    });
    let refresh_token = refresh_token.as_str().expect("one");
    let (status, refused) = refresh_at(&application(&world.app).await, refresh_token).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn groups_that_came_by_the_id_token_are_missing_where_a_refresh_has_none() {
    let world = World::with(REFRESH).await;
    let mut ada = world.sign_in(SCOPES).await;
    let person = json!({
        "sub": "1", "preferred_username": "ada", "name": "Ada Lovelace", "email": "ada@acme.test",
        "email_verified": true,
    });
    world.app.clock.advance(QUARTER);
    world.upstream.answers(|script| {
        without_id_token(script);
        script.userinfo = person.clone();
    });
    world.assert_refused(&ada).await;
    world.app.clock.advance(Duration::from_secs(31));
    world.upstream.answers(|script| {
        without_id_token(script);
        script.userinfo = person.clone();
        script.userinfo["groups"] = json!(["ops"]);
    });
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:ops"]));
    world.upstream.answers(|script| {
        without_id_token(script);
        script.userinfo = person.clone();
        script.userinfo["groups"] = json!([]);
    });
    world.app.clock.advance(QUARTER);
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!([]));
}

/// The claims of userinfo count as those of an ID token, so the mapping decides whether it is asked.
#[tokio::test]
async fn userinfo_is_asked_where_a_claim_that_is_read_is_not_in_the_id_token() {
    for (mapping, expected) in [
        ("    groups: {prefix: \"corp:\"}", json!(["corp:ops"])),
        ("    groups: {expression: \"claims.groups\", prefix: \"corp:\"}", json!(["corp:ops"])),
        ("    groups: {expression: \"claims['roles']\", prefix: \"corp:\"}", json!(["corp:admin"])),
    ] {
        let upstream =
            attacks::World::with(&[("    groups: {claim: groups, prefix: \"corp:\"}", mapping)])
                .await;
        let away = upstream.go("corp", &[]).await;
        upstream.upstream.answers(|script| {
            script.id_token = json!({"groups": null});
            script.userinfo = json!({"sub": "1", "groups": ["ops"], "roles": ["admin"]});
        });
        let page = upstream.back(&away, "corp", &[]).await;
        assert_eq!(upstream.id_token(&page).await["groups"], expected, "{mapping}");
    }
}

/// A mapping other than `claim: groups` lets the claim be absent at a sign-in.
#[tokio::test]
async fn groups_that_a_refreshed_id_token_leaves_out_are_missing() {
    const EXPLICIT: &str = "    groups: {claim: groups, prefix: \"corp:\"}";
    for mapping in [
        "    groups: {prefix: \"corp:\"}",
        "    groups: {expression: \"has(claims.groups) ? claims.groups : []\", prefix: \"corp:\"}",
    ] {
        let world = attacks::World::with(&[("# RULES", REFRESH), (EXPLICIT, mapping)]).await;
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[]).await;
        let first = tokens(&world.app, &page).await;
        let refresh_token = first["refresh_token"].as_str().expect("one");
        world.app.clock.advance(QUARTER);
        world.upstream.answers(|script| {
            script.id_token = json!({"groups": null});
            script.userinfo = json!({"sub": "1", "preferred_username": "ada"});
        });
        let application = application(&world.app).await;
        let (status, refused) = refresh_at(&application, refresh_token).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{mapping}");
        assert_eq!(world.app.audit.last("person_refused")["reason"], "claims");
        world.app.clock.advance(Duration::from_secs(31));
        world.upstream.answers(|script| script.id_token = json!({"groups": []}));
        let (status, tokens) = refresh_at(&application, refresh_token).await;
        assert_eq!(status, 200, "an empty list is an answer: {tokens}");
    }
}

/// A provider that was moved, or another one with its name, gets no token of the old one (RFC 9700 §4.4).
#[tokio::test]
async fn a_provider_with_another_issuer_by_now_gets_no_refresh_token() {
    let world = World::with(REFRESH).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    let new = Upstream::start_as("localhost").await;
    let at = |upstream: &Upstream| {
        let providers = attacks::PROVIDERS.replace("UPSTREAM", &upstream.issuer);
        with_application(&providers.replacen("# RULES", REFRESH, 1))
    };
    world.app.serve(&at(&new));
    world.app.clock.advance(QUARTER);
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:staff"]), "for keepFor");
    world.app.clock.advance(Duration::from_mins(60));
    world.assert_refused(&ada).await;
    assert!(!world.has_session(&ada, SCOPES).await);
    assert!(new.requests.lock().expect("whole").is_empty());
    world.app.serve(&at(&world.upstream));
    assert_eq!(world.refreshed(&mut ada).await["groups"], json!(["corp:staff"]), "nothing ended");
    assert_eq!(world.used(), ["upstream-refresh"]);
}

/// Another replica may ask after half a minute. A refresh token that may be used once only is not sent so
/// late that both could use it.
#[tokio::test]
async fn a_refresh_token_is_not_used_after_a_slow_start() {
    let world = World::with(STRICT).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    let second = world.app.start_replica();
    world.app.clock.advance(QUARTER);
    world.answers(|script| script.delay = Duration::from_secs(6));
    // The second replica has no discovery document yet.
    let mut application = application(&world.app).await;
    application.reach(second.address.port());
    let (status, told) = refresh_at(&application, ada.refresh_token()).await;
    assert_eq!((status, &told["error"]), (503, &json!("temporarily_unavailable")), "{told}");
    assert!(world.used().is_empty());
    world.answers(|_| {});
    world.app.clock.advance(Duration::from_secs(31));
    world.refreshed(&mut ada).await;
}

#[tokio::test]
async fn one_of_two_replicas_asks_the_provider() {
    for (refresh, is_new_for_both) in [(REFRESH, false), (STRICT, true)] {
        let world = World::with(refresh).await;
        let second = world.app.start_replica();
        let ada = world.sign_in_rotating(SCOPES).await;
        world.app.clock.advance(QUARTER);
        world.answers(|script| {
            script.id_token = json!({"groups": ["ops"]});
            script.delay = Duration::from_millis(300);
        });
        let (one, mut other) = (application(&world.app).await, application(&world.app).await);
        other.reach(second.address.port());
        let answers = tokio::join!(
            refresh_at(&one, ada.refresh_token()),
            refresh_at(&other, ada.refresh_token()),
            refresh_at(&one, ada.refresh_token()),
            refresh_at(&other, ada.refresh_token()),
        );
        let answers = [answers.0, answers.1, answers.2, answers.3];
        let mut new = 0;
        for (status, tokens) in &answers {
            assert_eq!(*status, 200, "{refresh}: {tokens}");
            let claims = claims(tokens["id_token"].as_str().expect("one"));
            new += usize::from(claims["groups"] == json!(["corp:ops"]));
        }
        assert_eq!(world.used(), ["upstream-refresh"], "{refresh}");
        assert!(if is_new_for_both { new == 4 } else { new >= 1 }, "{refresh}: {new}");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_costs_no_refresh_token() {
    let world = World::with(STRICT).await;
    let mut ada = world.sign_in_rotating(SCOPES).await;
    world.app.clock.advance(QUARTER);
    world.answers(|script| script.delay = Duration::from_millis(400));
    let application = application(&world.app).await;
    let hung_up = refresh_at(&application, ada.refresh_token());
    let hung_up = tokio::time::timeout(Duration::from_millis(200), hung_up).await;
    assert!(hung_up.is_err(), "the client hung up first");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    world.answers(|_| {});
    world.app.clock.advance(QUARTER);
    world.refreshed(&mut ada).await;
    assert_eq!(world.used(), ["upstream-refresh", "upstream-refresh+"]);
}

#[tokio::test]
async fn a_grant_that_outlives_its_session_here_still_asks_the_provider() {
    let world = World::with(REFRESH).await;
    let (mut offline, online) =
        (world.sign_in_rotating(SCOPES).await, world.sign_in_rotating("openid profile").await);
    for person in [&offline, &online] {
        let application = application(&world.app).await;
        let url = Url::parse_with_params(
            application.endpoint("end_session_endpoint"),
            [("id_token_hint", person.tokens["id_token"].as_str().expect("one"))],
        );
        let page = person.browser.open(url.expect("a URL").as_str()).await;
        let page = if page.body.contains("<form") {
            person.browser.submit(&page.form("/logout"), &[]).await
        } else {
            page
        };
        assert!(page.status < 400, "{}", page.body);
        assert!(!world.has_session(person, SCOPES).await);
    }
    world.app.clock.advance(QUARTER);
    world.answers(|script| script.id_token = json!({"groups": ["ops"]}));
    assert_eq!(world.refreshed(&mut offline).await["groups"], json!(["corp:ops"]));
    world.app.clock.advance(QUARTER);
    world.answers(|script| {
        script.token_response = Some((400, json!({"error": "invalid_grant"}).to_string()));
    });
    let mut notifications = world.app.receive(LOGOUT);
    world.assert_refused(&offline).await;
    notifications.recv().await.expect("the application is told, though the session ended before");
}

//! Users who are not accepted keep their names, and bans by declaration last.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    attacks::{Away, PASSWORD, WITH_PASSWORD, World},
    browser::{Browser, Page},
};

/// The line of the declared user of [`World`], with a place for more.
const GRACE: &str = "  username: grace\n";
/// Every user of the provider `other` may sign in.
const OPEN: (&str, &str) = ("admit: Declared", "admit: Everyone");
/// A mistake in the manifest of the user.
const MISTAKE: &str = "  email: no address\n";

/// A sign-in at a provider whose ID token has these claims.
async fn sign_in(world: &World, provider: &str, claims: Value) -> Page {
    world.sign_in(provider, |script| script.id_token = claims).await
}

/// The reason and the cause of the last refusal of a person.
fn refusal(world: &World) -> (String, String) {
    let line = world.app.audit.last("person_refused");
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("cause"))
}

#[tokio::test]
async fn a_mistake_in_a_manifest_does_not_lift_a_ban() {
    let world = World::new().await;
    let banned = format!("{GRACE}  disabled: true\n");
    let mistaken = format!("{GRACE}  disabled: true\n{MISTAKE}");
    world.serve(&[OPEN, (GRACE, &banned)]);
    assert_eq!(sign_in(&world, "other", json!({"sub": "7"})).await.status, 403);
    assert_eq!(refusal(&world).0, "disabled");
    world.serve_with_problems(&[OPEN, (GRACE, &mistaken)]);
    let page = sign_in(&world, "other", json!({"sub": "7"})).await;
    assert_eq!(page.status, 403, "{}", page.body);
    let (reason, cause) = refusal(&world);
    assert_eq!(reason, "user_not_accepted");
    assert!(cause.contains("the OidcUser \"default/grace\""), "{cause}");
    assert!(cause.contains("is not accepted; see its conditions"), "{cause}");
    // Other people of the provider sign in.
    let page = sign_in(&world, "other", json!({"sub": "8"})).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}

#[tokio::test]
async fn the_sessions_of_a_declared_person_wait_until_the_manifest_is_mended() {
    let world = World::new().await;
    world.upstream.answers(|script| script.id_token = json!({"sub": "7"}));
    let away = world.go("other", &[]).await;
    let page = world.back(&away, "other", &[]).await;
    assert_eq!(world.id_token(&page).await["sub"], world.app.subject("main", "grace"));
    world.serve_with_problems(&[(GRACE, &format!("{GRACE}{MISTAKE}"))]);
    assert!(!has_session(&world, &away).await);
    world.serve(&[]);
    assert!(has_session(&world, &away).await, "a mistake ends no session for good");
}

#[tokio::test]
async fn names_of_objects_that_are_not_served_stay_reserved() {
    let world = World::new().await;
    let free = (
        "    username: {claim: preferred_username, prefix: \"corp:\"}",
        "    username: {expression: claims.preferred_username}",
    );
    let verbatim = ("  # RULES", "  subject: {strategy: Upstream}\n  # RULES");
    let refused = format!("{GRACE}  preferredUsername: The Admiral\n  subject: grace-1\n{MISTAKE}");
    let client = (
        "kind: Secret\nmetadata: {name: secret}",
        "kind: Secret\nmetadata: {name: unused}\n---\n\
         apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: broken}\n\
         spec: {tenantRef: {name: main}, clientId: client-1, redirectUris: [nonsense]}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {name: secret}",
    );
    world.serve_with_problems(&[free, verbatim, (GRACE, &refused), client]);
    for (sub, name, holder) in [
        ("a", "grace", "OidcUser default/grace"),
        ("a", "GRACE", "OidcUser default/grace"),
        ("a", "the admiral", "OidcUser default/grace"),
        ("grace-1", "ada", "OidcUser default/grace"),
        ("client-1", "ada", "OidcClient default/broken"),
    ] {
        let page = sign_in(&world, "corp", json!({"sub": sub, "preferred_username": name})).await;
        assert_eq!(page.status, 502, "{sub} {name}: {}", page.body);
        let (reason, cause) = refusal(&world);
        assert_eq!(reason, "subject_taken", "{sub} {name}");
        assert!(cause.contains(&format!("is that of the {holder}, which is not")), "{cause}");
    }
    let page = sign_in(&world, "corp", json!({"sub": "a", "preferred_username": "ada"})).await;
    assert_eq!(world.id_token(&page).await["sub"], "a");
    // The subjects of a provider that is not served cannot be taken either.
    world.serve(&[OPEN, verbatim]);
    let page = sign_in(&world, "other", json!({"sub": "8"})).await;
    let victim = world.id_token(&page).await["sub"].clone();
    world.serve_with_problems(&[("admit: Declared", "admit: ByRules"), verbatim]);
    let page = sign_in(&world, "corp", json!({"sub": victim})).await;
    assert_eq!(page.status, 502, "{}", page.body);
    let (_, cause) = refusal(&world);
    assert!(cause.contains("IdentityProvider default/other, which is not served"), "{cause}");
}

/// While a provider is not accepted because of a mistake, names of its domains and their passwords are sent nowhere
/// else.
#[tokio::test]
async fn the_domains_of_a_provider_that_is_not_served_lead_nowhere() {
    let world = World::new().await;
    let domains = ("  # RULES", "  signIn: {domains: [acme.test]}\n  # RULES");
    let mistake = (
        "    clientId: lanyard\n    clientSecretRef: {name: secret}\n  identityKey: https://corp.test",
        "    clientId: lanyard\n    clientSecretRef: {name: absent}\n  identityKey: https://corp.test",
    );
    world.serve_with_problems(&[WITH_PASSWORD[0], WITH_PASSWORD[1], domains, mistake]);
    let browser = Browser::new();
    let page = browser.open(&world.application().await.authorize_url("openid", &[])).await;
    assert!(!page.body.contains("id=\"password\""), "the name comes first: {}", page.body);
    for fields in [
        &[("username", "Ada@Acme.test"), ("action", "identify")][..],
        &[("username", "ada@acme.test"), ("password", "a password"), ("action", "")],
    ] {
        let page = browser.submit(&page.form("/login"), fields).await;
        assert_eq!(page.status, 503, "{}", page.body);
        assert!(page.body.contains("names of this domain cannot sign in"), "{}", page.body);
        assert!(!page.body.contains("id=\"password\""), "{}", page.body);
        let line = world.app.audit.last("sign_in");
        assert_eq!(line["reason"], "provider_unavailable", "{line}");
        let cause = line["cause"].as_str().expect("text");
        assert!(cause.contains("IdentityProvider default/corp"), "{cause}");
    }
    let fields = [("username", "grace"), ("action", "identify")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    let fields = [("username", "grace"), ("password", PASSWORD)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

/// Whether the browser of a person has a session here.
async fn has_session(world: &World, person: &Away) -> bool {
    let url = world.application().await.authorize_url("openid", &[("prompt", "none")]);
    person.browser.open(&url).await.answer().contains_key("code")
}

#[tokio::test]
async fn a_ban_ends_for_good_what_a_person_had_before() {
    let world = World::new().await;
    let signed_in = async || {
        world.upstream.answers(|script| script.id_token = json!({"sub": "8"}));
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[]).await;
        (away, world.tokens(&page).await)
    };
    let refreshed = async |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().expect("one");
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        world.application().await.token(&parameters).await.0
    };
    let (before, tokens) = signed_in().await;
    let claims =
        |tokens: &Value| super::browser::claims(tokens["id_token"].as_str().expect("an ID token"));
    let subject = claims(&tokens)["sub"].as_str().expect("one").to_owned();
    let identities = "identities: [{provider: other, subject: \"7\"}]";
    let declared = "identities: [{provider: corp, subject: \"8\"}]\n  disabled: true";
    world.serve(&[(identities, declared)]);
    assert!(!has_session(&world, &before).await);
    assert_eq!(refreshed(&tokens).await, 400);
    world.app.wait_until_void("main", &subject).await;
    let ended = world.app.audit.of("logout");
    let is_reported = |line: &Value| line["kind"] == "person_ended" && line["subject"] == *subject;
    assert!(ended.iter().any(is_reported), "{ended:#?}");
    // The ban is lifted, and the person is one of the provider again.
    world.app.clock.advance(Duration::from_secs(2));
    world.serve(&[]);
    assert!(!has_session(&world, &before).await, "it has ended for good");
    assert_eq!(refreshed(&tokens).await, 400);
    let (after, tokens) = signed_in().await;
    assert_eq!(claims(&tokens)["sub"], subject);
    assert!(has_session(&world, &after).await);
    assert_eq!(refreshed(&tokens).await, 200);
}

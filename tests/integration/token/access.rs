//! Access rules at every use of a token: a person who may not enter is refused while it lasts, and
//! nothing is revoked.

use lanyard::model::{Clock, TenantId};

use super::world::{MANIFESTS, World, assert_error, text};

const CLIENT: &str = "metadata: {name: web}\nspec:\n";
const TENANT: &str = "  displayName: Harbour Works\n";

/// The manifests with a policy of the client `web` or of the tenant `shop`.
fn with_policy(place: &str, policy: &str) -> String {
    assert!(MANIFESTS.contains(place));
    MANIFESTS.replacen(place, &format!("{place}  access: {policy}\n"), 1)
}

const REFUSING: [(&str, &str); 7] = [
    (CLIENT, "{groups: [board]}"),
    (CLIENT, "{providers: [corp]}"),
    (CLIENT, "{rules: [{expression: \"client.namespace == 'other'\"}]}"),
    (CLIENT, "{rules: [{expression: \"user.extra.absent == 'x'\"}]}"),
    (TENANT, "{acr: 'urn:x:high'}\n  acrLevels: [{value: 'urn:x:high', amr: [mfa]}]"),
    (TENANT, "{groups: [board]}"),
    (TENANT, "{rules: [{expression: \"user.username != 'alice'\", message: Ask.}]}"),
];

#[tokio::test]
async fn a_person_who_may_not_enter_is_refused_at_every_use_and_let_in_again() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut tokens = alice.tokens(&alice.web, "openid offline_access").await;
    for (place, policy) in REFUSING {
        // A policy may name a provider that does not exist.
        world.app.serve_with_problems(&with_policy(place, policy));
        let (refresh, access) = (text(&tokens, "refresh_token"), text(&tokens, "access_token"));
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let answer = alice.web.token(&form).await;
        assert_error(&answer, 400, "invalid_grant");
        let expected = match policy {
            _ if policy.contains("acr:") => "The user must sign in at a higher level of assurance.",
            _ if policy.contains("message: Ask.") => "The user may not use this application. Ask.",
            _ => "The user may not use this application.",
        };
        assert_eq!(answer.1["error_description"], expected, "{policy}");
        for token in [refresh, access] {
            let (_, answer) = world.introspect(&alice.web, token).await;
            assert_eq!(answer["active"], false, "{policy}");
        }
        assert_eq!(alice.web.userinfo(access).await.0, 401, "{policy}");
        world.app.serve(MANIFESTS);
        assert_eq!(alice.web.userinfo(access).await.0, 200, "nothing was revoked");
        let (status, answer) = alice.web.token(&form).await;
        assert_eq!(status, 200, "{answer}");
        tokens = answer;
    }
}

#[tokio::test]
async fn refused_uses_are_counted_by_client_and_reason() {
    let world = World::new().await;
    let (metrics, now) = (&world.app.app.accounts.metrics, world.app.clock.now());
    metrics.snapshot(1, now, [TenantId::new("default", "shop")], &[]);
    let alice = world.alice().await;
    let tokens = alice.tokens(&alice.web, "openid offline_access").await;
    world.app.serve_with_problems(&with_policy(CLIENT, "{providers: [corp]}"));
    let access = text(&tokens, "access_token");
    assert_eq!(alice.web.userinfo(access).await.0, 401);
    world.introspect(&alice.web, access).await;
    let refresh = text(&tokens, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_error(&alice.web.token(&form).await, 400, "invalid_grant");
    let url = alice.web.authorize_url("openid", &[("prompt", "none")]);
    assert_eq!(alice.browser.open(&url).await.answer()["error"], "access_denied");
    let text = metrics.render(now);
    let series = "lanyard_access_denials_total{tenant=\"default/shop\",client=\"default/web\",reason=\"provider\"} 4";
    assert!(text.lines().any(|line| line == series), "{text}");
}

#[tokio::test]
async fn a_code_is_not_redeemed_for_a_person_who_may_not_enter() {
    let world = World::new().await;
    let alice = world.alice().await;
    let url = alice.web.authorize_url("openid", &[("prompt", "none")]);
    let code = alice.browser.open(&url).await.answer().remove("code").expect("a code");
    world.app.serve(&with_policy(CLIENT, "{groups: [board]}"));
    assert_error(&alice.web.redeem(&code).await, 400, "invalid_grant");
    world.app.serve(&with_policy(CLIENT, "{groups: [board, staff], providers: [Local]}"));
    let (status, answer) = alice.web.redeem(&code).await;
    assert_eq!(status, 200, "the code was not used up: {answer}");
}

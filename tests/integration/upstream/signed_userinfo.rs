//! Providers that sign their userinfo responses (OIDC Core §5.3.2).

use serde_json::{Value, json};

use super::{
    app::TestApp,
    attacks::World,
    browser::{Browser, Page},
    upstream::Script,
    world::{ADA, application, id_token, sign_in},
};
use crate::support::publisher::signed;

/// An ID token without the claims that the response has.
fn short() -> Value {
    json!({"preferred_username": null, "name": null, "email": null, "groups": null})
}

impl World {
    async fn sign_in_with(&self, change: impl FnOnce(&mut Script)) -> Page {
        self.sign_in("corp", |script| {
            script.id_token = short();
            script.signs_userinfo = true;
            change(script);
        })
        .await
    }
}

#[tokio::test]
async fn the_claims_of_a_signed_response_count() {
    let world = World::new().await;
    let issuer = world.upstream.issuer.clone();
    for of_token in [
        json!({}),
        json!({"iss": issuer, "aud": "lanyard"}),
        json!({"iss": issuer, "aud": ["other", "lanyard"], "exp": 4_000_000_000_u64}),
    ] {
        let mut userinfo = json!({
            "sub": "1", "preferred_username": "ada", "email": "ada@acme.test",
            "email_verified": true, "groups": ["ops"],
        });
        let Value::Object(more) = of_token else { panic!("an object") };
        userinfo.as_object_mut().expect("an object").extend(more);
        let page = world.sign_in_with(|script| script.userinfo = userinfo.clone()).await;
        let claims = world.id_token(&page).await;
        assert_eq!(claims["preferred_username"], "corp:ada", "{userinfo}");
        assert_eq!(claims["groups"], json!(["corp:ops"]), "{userinfo}");
        assert_eq!(claims["email_verified"], true, "{userinfo}");
    }
}

#[tokio::test]
async fn an_invalid_userinfo_response_is_refused() {
    let world = World::new().await;
    let good = json!({"sub": "1", "preferred_username": "ada", "groups": ["ops"]});
    let with = |name: &str, value: Value| {
        let mut userinfo = good.clone();
        userinfo[name] = value;
        userinfo
    };
    for (userinfo, cause) in [
        (with("sub", json!("2")), "another person"),
        (with("sub", Value::Null), "another person"),
        (with("iss", json!("https://evil.test")), "another issuer"),
        (with("aud", json!("another")), "another client"),
        (with("exp", json!(1_700_000_001)), "has expired"),
    ] {
        let page = world.sign_in_with(|script| script.userinfo = userinfo.clone()).await;
        assert_refused(&world, &page, cause);
    }
    // The signature is that of a published key, and of no text that only looks like one.
    let valid = signed(&good);
    let (head, signature) = valid.rsplit_once('.').expect("a signature");
    let unsecured = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwicHJlZmVycmVkX3VzZXJuYW1lIjoiYWRhIn0.";
    for (text, cause) in [
        (format!("{head}.{}", signature.to_lowercase()), "signature"),
        (format!("{head}.c2ln"), "signature"),
        (unsecured.to_owned(), "algorithm"),
        (good.to_string(), "not a signed JWT"),
        (format!("{valid}.e30.e30"), "not a signed JWT"),
        (String::new(), "not a signed JWT"),
        ("x".repeat(300 * 1024), "larger than"),
    ] {
        let page = world.sign_in_with(|script| {
            script.userinfo_text = Some(("application/jwt; charset=utf-8", text.clone()));
        });
        assert_refused(&world, &page.await, cause);
    }
    let announced = json!({"userinfo_signing_alg_values_supported": ["RS256"]});
    let world = World::new().await;
    let page = world.sign_in_with(|script| {
        script.userinfo = good.clone();
        script.metadata = announced;
    });
    assert_refused(&world, &page.await, "does not announce");
}

fn assert_refused(world: &World, page: &Page, cause: &str) {
    assert_eq!(page.status, 502, "{cause}: {:?} {}", page.left_for, page.body);
    let line = world.app.audit.last("sign_in");
    assert!(line["cause"].as_str().is_some_and(|it| it.contains(cause)), "{cause}: {line}");
}

/// The userinfo responses of a tenant of the same server are signed where its client wants that.
#[tokio::test]
async fn another_tenant_may_sign_its_responses() {
    let manifests = include_str!("client_ref.yaml");
    let client = "  consent: Implied\n  secretRef: {name: secret}\n---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser";
    assert!(manifests.contains(client));
    for algorithm in ["RS256", "ES256"] {
        let signing = format!("  userinfoSignedResponseAlg: {algorithm}\n{client}");
        let manifests = manifests.replace(client, &signing).replace(
            "metadata: {name: home}\nspec: {}",
            "metadata: {name: home}\nspec: {signing: {algorithms: [RS256, ES256]}}",
        );
        let app = TestApp::start(&manifests).await;
        let (application, browser) = (application(&app).await, Browser::new());
        let url = application.authorize_url("openid profile email groups", &[]);
        let page = sign_in(&browser, &browser.open(&url).await, ADA).await;
        let claims = id_token(&app, &page).await;
        assert_eq!(claims["email"], "ada@home.test", "{algorithm}");
        assert_eq!(claims["groups"], json!(["home:staff"]), "{algorithm}");
    }
}

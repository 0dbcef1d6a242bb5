//! Attempts of people of one provider to become people of another source, and the ways in which a disabled person could
//! sign in.

use serde_json::{Value, json};

use super::{
    attacks::{PASSWORD, WITH_PASSWORD, World},
    browser::{Browser, Page},
};

/// The line of the declared user of [`World`], with a place for more.
const GRACE: &str = "  username: grace\n";

/// Signs in at a provider with these claims; returns the claims of the application's ID token.
async fn claims_of(world: &World, provider: &str, claims: Value) -> Value {
    let page = world.sign_in(provider, |script| {
        script.userinfo = json!({"sub": claims.get("sub").unwrap_or(&json!("1"))});
        script.id_token = claims;
    });
    let page = page.await;
    world.id_token(&page).await
}

#[tokio::test]
async fn an_address_or_a_name_links_no_accounts() {
    let world = World::new().await;
    let with_address = format!("{GRACE}  email: grace@acme.test\n  emailVerified: true\n");
    world.serve(&[(GRACE, &with_address)]);
    let grace = world.app.subject("main", "grace");
    for verified in [json!(true), json!(false), json!(null)] {
        let said = json!({
            "sub": "9", "email": "grace@acme.test", "email_verified": verified,
            "preferred_username": "grace", "groups": ["admins"],
        });
        let claims = claims_of(&world, "corp", said).await;
        assert_ne!(claims["sub"], grace, "{verified}");
        assert_eq!(claims["email_verified"], verified);
        assert_eq!(claims["preferred_username"], "corp:grace");
        assert_eq!(claims["groups"], json!(["corp:admins"]));
    }
    // The subject itself is an identifier like any other.
    let claims = claims_of(&world, "corp", json!({"sub": grace})).await;
    assert_ne!(claims["sub"], grace);
}

#[tokio::test]
async fn a_second_provider_speaks_for_its_own_people_only() {
    let world = World::new().await;
    world.serve(&[("admit: Declared", "admit: Everyone")]);
    let ada = claims_of(&world, "corp", json!({})).await;
    assert_eq!(ada["email_verified"], true);
    for sub in [json!("1"), ada["sub"].clone()] {
        let said = json!({
            "sub": sub, "preferred_username": "corp:ada", "groups": ["corp:staff", "admins"],
        });
        let claims = claims_of(&world, "other", said).await;
        assert_ne!(claims["sub"], ada["sub"], "{sub}");
        assert_eq!(claims["preferred_username"], "other:corp:ada");
        assert_eq!(claims["groups"], json!(["other:corp:staff", "other:admins"]));
        assert_eq!(claims["email"], "ada@acme.test");
        assert_eq!(claims["email_verified"], false, "the domain is that of the other provider");
    }
}

/// An address that a manifest declares is not verified because the provider has verified another one.
#[tokio::test]
async fn a_provider_verifies_its_own_address_only() {
    let world = World::new().await;
    let said = || json!({"sub": "7", "email": "eve@other.test", "email_verified": true});
    let claims = claims_of(&world, "other", said()).await;
    assert_eq!(
        (&claims["email"], &claims["email_verified"]),
        (&json!("eve@other.test"), &json!(true))
    );
    for (declared, verified) in [
        ("", json!(null)),
        ("  emailVerified: false\n", json!(false)),
        ("  emailVerified: true\n", json!(true)),
    ] {
        world.serve(&[(GRACE, &format!("{GRACE}  email: grace@acme.test\n{declared}"))]);
        let claims = claims_of(&world, "other", said()).await;
        assert_eq!(claims["email"], "grace@acme.test");
        assert_eq!(claims["email_verified"], verified, "{declared}");
    }
}

#[tokio::test]
async fn a_verbatim_subject_of_a_user_or_client_is_refused() {
    let world = World::new().await;
    let verbatim = "  subject: {strategy: Upstream}\n  # RULES";
    world.serve(&[("  # RULES", verbatim)]);
    assert_eq!(claims_of(&world, "corp", json!({"sub": "ada-1"})).await["sub"], "ada-1");
    for taken in [world.app.subject("main", "grace"), "default.app".to_owned()] {
        let page = world.sign_in("corp", |script| script.id_token = json!({"sub": taken})).await;
        assert_eq!(page.status, 502, "{taken}: {}", page.body);
        assert!(page.body.contains("subject_taken"), "{}", page.body);
    }
    // The subject of a person of another provider, which computes its subjects, cannot be taken either.
    world.serve(&[("  # RULES", verbatim), ("admit: Declared", "admit: Everyone")]);
    let victim = claims_of(&world, "other", json!({"sub": "8"})).await["sub"].clone();
    let page = world.sign_in("corp", |script| script.id_token = json!({"sub": victim})).await;
    assert_eq!(page.status, 502, "{}", page.body);
    assert!(page.body.contains("subject_taken"), "{}", page.body);
    // A user who gets the subject later is not the person of the provider.
    world.serve(&[("  # RULES", verbatim), (GRACE, &format!("{GRACE}  subject: ada-1\n"))]);
    let page = world.sign_in("corp", |script| script.id_token = json!({"sub": "ada-1"})).await;
    assert_eq!(page.status, 502, "{}", page.body);
}

/// A provider without a prefix cannot give a person the name of a declared user, whom applications know.
#[tokio::test]
async fn the_username_of_a_declared_user_is_refused() {
    let world = World::new().await;
    let prefixed = "    username: {claim: preferred_username, prefix: \"corp:\"}";
    let free = "    username: {expression: claims.preferred_username}";
    world.serve(&[(prefixed, free)]);
    let ada = claims_of(&world, "corp", json!({"preferred_username": "ada"})).await;
    assert_eq!(ada["preferred_username"], "ada");
    for taken in ["grace", "GRACE"] {
        let said = json!({"sub": "9", "preferred_username": taken});
        let page = world.sign_in("corp", |script| script.id_token = said).await;
        assert_eq!(page.status, 502, "{taken}: {}", page.body);
        assert!(page.body.contains("subject_taken"), "{}", page.body);
    }
    // The name that applications know differs from that of the form.
    let known_as = format!("{GRACE}  preferredUsername: The Admiral\n");
    world.serve(&[(prefixed, free), (GRACE, &known_as)]);
    for taken in ["The Admiral", "the admiral", "grace"] {
        let said = json!({"sub": "9", "preferred_username": taken});
        let page = world.sign_in("corp", |script| script.id_token = said).await;
        assert_eq!(page.status, 502, "{taken}: {}", page.body);
        let line = world.app.audit.last("person_refused");
        assert_eq!(line["reason"], "subject_taken", "{line}");
    }
}

/// A page of the application's tenant for a person with a session.
async fn silent(world: &World, browser: &Browser) -> Page {
    let url = world.application().await.authorize_url("openid", &[("prompt", "none")]);
    browser.open(&url).await
}

#[tokio::test]
async fn a_disabled_person_is_refused_at_every_way_to_sign_in() {
    let world = World::new().await;
    let doors = [
        WITH_PASSWORD[0],
        WITH_PASSWORD[1],
        (
            "identities: [{provider: other, subject: \"7\"}]",
            "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"8\"}]",
        ),
    ];
    world.serve(&doors);
    let grace = world.app.subject("main", "grace");
    world.upstream.answers(|script| script.id_token = json!({"sub": "7"}));
    let away = world.go("other", &[]).await;
    let page = world.back(&away, "other", &[]).await;
    let tokens = world.tokens(&page).await;
    assert_eq!(claims_of(&world, "corp", json!({"sub": "8"})).await["sub"], grace);
    let application = world.application().await;
    let with_password = async || {
        let browser = Browser::new();
        let page = browser.open(&application.authorize_url("openid", &[])).await;
        let fields = [("username", "grace"), ("password", PASSWORD)];
        browser.submit(&page.form("/login"), &fields).await
    };
    assert!(with_password().await.answer().contains_key("code"));
    assert!(silent(&world, &away.browser).await.answer().contains_key("code"));

    let disabled = format!("{GRACE}  disabled: true\n");
    world.serve(&[doors[0], doors[1], doors[2], (GRACE, &disabled)]);
    for (provider, sub) in [("other", "7"), ("corp", "8")] {
        let page = world.sign_in(provider, |script| script.id_token = json!({"sub": sub})).await;
        assert_eq!(page.status, 403, "{provider}: {}", page.body);
        assert!(page.left_for.is_none(), "{provider}");
    }
    let page = with_password().await;
    assert_eq!(page.status, 422, "{}", page.body);
    assert_eq!(silent(&world, &away.browser).await.answer()["error"], "login_required");
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &text("refresh_token"))];
    let (status, refused) = application.token(&refresh).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(application.userinfo(&text("access_token")).await.0, 401);
    // Sessions have ended for good, and the person can sign in again.
    world.app.wait_until_void("main", &grace).await;
    world.serve(&doors);
    assert_eq!(silent(&world, &away.browser).await.answer()["error"], "login_required");
    assert!(with_password().await.answer().contains_key("code"));
}

/// Two people with one subject, which a provider gives verbatim: one is of the provider before its
/// `identityKey` was another one.
#[tokio::test]
async fn the_account_page_does_not_end_sessions_of_another_person_with_the_subject() {
    let world = World::new().await;
    let verbatim = ("  # RULES", "  subject: {strategy: Upstream}\n  # RULES");
    let moved = ("identityKey: https://corp.test", "identityKey: https://new.test");
    let signed_in = async || {
        world.upstream.answers(|script| script.id_token = json!({"sub": "ada-1"}));
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[]).await;
        (away.browser, world.tokens(&page).await)
    };
    let refresh = async |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().expect("one");
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        world.application().await.token(&parameters).await.0
    };
    world.serve(&[verbatim]);
    let (victim, held) = signed_in().await;
    world.serve(&[verbatim, moved]);
    let (impostor, own) = signed_in().await;
    let url = format!("{}/account", world.app.issuer("main"));
    let page = impostor.open(&url).await;
    assert_eq!(page.body.matches("name=\"session\"").count(), 1, "{}", page.body);
    let withdraw = [("application", "default.app")];
    let page = impostor.submit(&page.form("/account"), &withdraw).await;
    assert!(page.body.contains("The access was withdrawn."), "{}", page.body);
    assert_eq!(refresh(&own).await, 400);
    let everywhere = [("action", "sign-out-everywhere")];
    let page = impostor.submit(&page.form("/account"), &everywhere).await;
    assert!(page.body.contains("signed out"), "{}", page.body);
    assert!(silent(&world, &impostor).await.answer().contains_key("error"));
    world.serve(&[verbatim]);
    assert!(silent(&world, &victim).await.answer().contains_key("code"), "the session goes on");
    assert_eq!(refresh(&held).await, 200, "and so do the tokens");
}

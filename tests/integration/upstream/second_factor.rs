//! Authenticator apps of people of identity providers.

use std::{collections::BTreeMap, time::Duration};

use lanyard::{
    model::{Clock, TenantId, sha256_base64url},
    store::{Record, RecordKey, RecordKind},
};
use serde_json::json;
use url::Url;

use super::{
    attacks::{self, PROVIDERS},
    browser::{Browser, Page},
    world::{World, application, id_token, with_application},
};
use crate::support::{
    authenticator::{asks_for_code, enter, recover, set_up_app},
    invitation::invitation_link,
    passkeys::{
        confirm_passkey, new_passkey, passkey_form, script_bytes, set_up_passkey, use_passkey,
    },
    publisher::signed,
};

const OFFERED: &str = "{authenticators: {totp: Optional}}";

/// The page after a sign-in at the provider, in a new browser.
async fn after_provider(world: &World) -> (Browser, Page) {
    let browser = Browser::new();
    let corp = [("identity_provider", "corp")];
    let url = application(&world.app).await.authorize_url("openid offline_access", &corp);
    let away = browser.open(&url).await.left_for.expect("a redirect to the provider");
    let request: BTreeMap<_, _> = away.query_pairs().into_owned().collect();
    world.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    let answer = [("code", "a-code"), ("state", &request["state"])];
    let url = Url::parse_with_params(&callback, answer).expect("a URL");
    let page = browser.open(url.as_str()).await;
    (browser, page)
}

#[tokio::test]
async fn a_person_of_a_provider_is_asked_for_the_app_after_the_provider() {
    let world = World::with_tenant(OFFERED, "").await;
    let person = world.sign_in("openid").await;
    let account = format!("{}/account", world.app.issuer("main"));
    let app = set_up_app(&person.browser, &account, &world.app.clock).await;
    let (browser, page) = after_provider(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    let tokens = super::world::tokens(&world.app, &page).await;
    let id_token = super::browser::claims(tokens["id_token"].as_str().expect("a token"));
    assert_eq!(id_token["amr"], json!(["fed", "otp", "mfa"]));
    // The session at the provider was kept through the page.
    let refresh_token = tokens["refresh_token"].as_str().expect("one");
    let (status, _) = super::world::refresh_at(&application(&world.app).await, refresh_token).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_provider_that_vouches_for_more_factors_suffices() {
    let world = World::with_tenant(OFFERED, "assurance: [{acr: phr, amr: [mfa]}]").await;
    let person = world.sign_in("openid").await;
    let account = format!("{}/account", world.app.issuer("main"));
    set_up_app(&person.browser, &account, &world.app.clock).await;
    world.upstream.answers(|script| script.id_token = json!({"acr": "phr"}));
    let (_, page) = after_provider(&world).await;
    assert_eq!(id_token(&world.app, &page).await["amr"], json!(["fed", "mfa"]));
    world.upstream.answers(|script| script.id_token = json!({"acr": "other"}));
    let (_, page) = after_provider(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_required_factor_is_met_by_the_provider_with_assurance_of_mfa() {
    let world = World::with_tenant(
        "{authenticators: {totp: Required}}",
        "assurance: [{acr: phr, amr: [mfa]}]",
    )
    .await;
    world.upstream.answers(|script| script.id_token = json!({"acr": "other"}));
    let (browser, page) = after_provider(&world).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("You need an authenticator app"), "{}", page.body);
    assert!(page.body.contains("can ask you for more than a password"), "{}", page.body);
    let account = format!("{}/account", world.app.issuer("main"));
    let setup = browser.open(&format!("{account}?setup=authenticator-app")).await;
    assert!(!setup.body.contains("confirm-authenticator-app"), "no session: {}", setup.body);
    assert_eq!(world.app.audit.last("sign_in")["reason"], "factor_required");

    world.upstream.answers(|script| script.id_token = json!({"acr": "phr"}));
    let (browser, page) = after_provider(&world).await;
    assert_eq!(id_token(&world.app, &page).await["amr"], json!(["fed", "mfa"]));
    // A second factor at the provider suffices to set up an app here. From then on, the app suffices without the
    // provider's factor.
    let app = set_up_app(&browser, &account, &world.app.clock).await;
    world.upstream.answers(|script| script.id_token = json!({"acr": "other"}));
    let (browser, page) = after_provider(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    assert_eq!(id_token(&world.app, &page).await["amr"], json!(["fed", "otp", "mfa"]));
}

#[tokio::test]
async fn a_person_who_becomes_declared_keeps_the_app() {
    let offered = (
        "metadata: {name: main}\nspec: {}",
        "metadata: {name: main}\nspec: {authenticators: {totp: Optional}}",
    );
    let world = attacks::World::with(&[offered]).await;
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    let before = world.id_token(&page).await;
    let account = format!("{}/account", world.app.issuer("main"));
    let app = set_up_app(&away.browser, &account, &world.app.clock).await;
    let other = "identities: [{provider: other, subject: \"7\"}]";
    let both = "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"1\"}]";
    let [reference, secret] = attacks::WITH_PASSWORD;
    world.serve(&[offered, reference, secret, (other, both)]);

    // By the password too, before the next sign-in at the provider.
    let browser = Browser::new();
    let page = browser.open(&world.application().await.authorize_url("openid", &[])).await;
    let fields = [("username", "grace"), ("password", attacks::PASSWORD)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    let after = world.id_token(&page).await;
    assert_eq!(after["sub"], world.app.subject("main", "grace"));
    assert_ne!(after["sub"], before["sub"]);
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = recover(&away.browser, &page, &app.codes[0]).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    let lines = world.app.audit.of("authenticator_adopted");
    let adopted: Vec<_> = lines.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(adopted, ["totp", "recovery_codes"], "each once");

    // Once it is removed it does not come back.
    let page = away.browser.open(&account).await;
    let remove = [("action", "remove-authenticator-app")];
    let page = away.browser.submit(&page.form("/account"), &remove).await;
    assert!(page.body.contains("was removed"), "{} {}", page.status, page.body);
    let away = world.go("corp", &[]).await;
    assert!(world.back(&away, "corp", &[]).await.answer().contains_key("code"));
}

#[tokio::test]
async fn a_person_who_becomes_declared_keeps_the_passkeys() {
    let offered = (
        "metadata: {name: main}\nspec: {}",
        "metadata: {name: main}\nspec: {authenticators: {passkeys: Optional}}",
    );
    let world = attacks::World::at_localhost_with(&[offered]).await;
    let away = world.go("corp", &[]).await;
    world.back(&away, "corp", &[]).await;
    let account = format!("{}/account", world.app.issuer("main"));
    set_up_passkey(&away.browser, &account).await;
    let other = "identities: [{provider: other, subject: \"7\"}]";
    let both = "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"1\"}]";
    world.serve(&[offered, (other, both)]);
    let away = world.go("corp", &[]).await;
    world.back(&away, "corp", &[]).await;
    for _ in 0..2 {
        let page = away.browser.open(&account).await;
        assert!(page.body.contains("?passkey="), "{} {}", page.status, page.body);
    }
    let lines = world.app.audit.of("authenticator_adopted");
    let adopted: Vec<_> = lines.iter().map(|line| &line["authenticator"]).collect();
    assert!(adopted.contains(&&json!("passkey")), "{adopted:?}");
    assert_eq!(adopted.iter().filter(|it| **it == "passkey").count(), 1, "once");
}

/// Changes after which the tenant has this policy, `other` knows the invited Grace, and Zoe is of the tenant itself, so that the
/// sign-in page offers passkeys.
fn invited(policy: &str) -> [(&'static str, String); 3] {
    let grace = "  identities: [{provider: other, subject: \"7\"}]\n";
    let zoe = "---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: zoe}\nspec:\n  tenantRef: {name: main}\n  username: zoe\n";
    let invitation = "  invitation: {id: g-1, notAfter: \"2999-01-01T00:00:00Z\"}\n";
    let spec = format!("metadata: {{name: main}}\nspec: {{authenticators: {{{policy}}}}}");
    [
        ("metadata: {name: main}\nspec: {}", spec),
        ("  groups: [admins]\n", format!("  groups: [admins]\n{invitation}")),
        (grace, format!("{grace}{zoe}")),
    ]
}

#[tokio::test]
async fn an_invited_passkey_of_a_provider_s_person_is_a_second_factor() {
    let changes = invited("passkeys: Required");
    let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
    let world = attacks::World::at_localhost_with(&changes).await;
    let (browser, account) = (Browser::new(), format!("{}/account", world.app.issuer("main")));
    let page = browser.open(&invitation_link(&world.app, "grace")).await;
    let mut passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(&browser, &page, &created).await;
    assert!(page.body.contains("Your recovery codes"), "{} {}", page.status, page.body);
    let page = browser.open(&account).await;
    assert!(passkey_form(&page).is_some(), "she is not signed in: {}", page.body);
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!((refused.status, &refused.left_for), (422, &None), "{}", refused.body);
    assert_eq!(world.app.audit.last("sign_in")["reason"], "not_admitted");

    world.upstream.answers(|script| script.id_token = json!({"sub": "7"}));
    let away = world.go("other", &[]).await;
    let page = world.back(&away, "other", &[]).await;
    let page = use_passkey(&away.browser, &page, &mut passkey).await;
    let id_token = world.id_token(&page).await;
    assert_eq!(id_token["amr"], json!(["fed", "pop", "user", "mfa"]));
    assert_eq!(id_token["sub"], world.app.subject("main", "grace"));
}

#[tokio::test]
async fn a_session_of_a_passkey_alone_is_refused_once_a_provider_vouches_for_the_person() {
    let offered = (
        "metadata: {name: main}\nspec: {}",
        "metadata: {name: main}\nspec: {authenticators: {passkeys: Optional}}",
    );
    let invited = (
        "  groups: [admins]\n",
        "  groups: [admins]\n  invitation: {id: g-1, notAfter: \"2999-01-01T00:00:00Z\"}\n",
    );
    let undeclared = ("  identities: [{provider: other, subject: \"7\"}]\n", "");
    let world = attacks::World::at_localhost_with(&[offered, invited, undeclared]).await;
    let (browser, account) = (Browser::new(), format!("{}/account", world.app.issuer("main")));
    let page = browser.open(&invitation_link(&world.app, "grace")).await;
    let passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(&browser, &page, &created).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let page = browser.open(&account).await;
    assert!(page.body.contains("My appl"), "she is signed in: {} {}", page.status, page.body);
    let url = world.application().await.authorize_url("openid offline_access", &[]);
    let tokens = super::world::tokens(&world.app, &browser.open(&url).await).await;
    let refresh_token = tokens["refresh_token"].as_str().expect("one");

    world.serve(&[offered]);
    let application = world.application().await;
    let (status, error) = super::world::refresh_at(&application, refresh_token).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")));
    let page = browser.open(&account).await;
    assert!(!page.body.contains("My appl"), "{} {}", page.status, page.body);

    // A mistake in the manifest ends no grant for good.
    world.serve(&[offered, undeclared]);
    let (status, tokens) = super::world::refresh_at(&application, refresh_token).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn where_passkeys_are_optional_a_provider_s_person_is_not_invited_to_one() {
    let changes = invited("passkeys: Optional");
    let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
    let world = attacks::World::at_localhost_with(&[]).await;
    world.serve_with_problems(&changes);
    let page = Browser::new().open(&invitation_link(&world.app, "grace")).await;
    assert!(page.body.contains("There is nothing to set up"), "{} {}", page.status, page.body);
}

/// A sign-in that waits for its code was proved by the provider before the change of its issuer. The changed object is
/// another provider.
#[tokio::test]
async fn a_sign_in_that_waits_ends_when_its_provider_has_another_issuer() {
    let world = World::with_tenant(OFFERED, "").await;
    let person = world.sign_in("openid").await;
    let account = format!("{}/account", world.app.issuer("main"));
    let app = set_up_app(&person.browser, &account, &world.app.clock).await;
    let (browser, page) = after_provider(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let manifests = with_application(&PROVIDERS.replace("UPSTREAM", "https://new.test"));
    world.app.serve(&manifests.replacen("spec: {}", &format!("spec: {OFFERED}"), 1));
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    let host = page.left_for.as_ref().and_then(Url::host_str);
    assert_ne!(host, Some("rp.test"), "no code is given");
}

/// The provider ends its session while the page asks for the code.
#[tokio::test]
async fn a_logout_token_ends_a_sign_in_that_waits_for_its_code() {
    let world = World::with_tenant(OFFERED, "").await;
    world.upstream.answers(|script| script.id_token = json!({"sid": "first"}));
    let person = world.sign_in("openid").await;
    let account = format!("{}/account", world.app.issuer("main"));
    let app = set_up_app(&person.browser, &account, &world.app.clock).await;
    for (named, ends) in [
        (json!({"sid": "first"}), true),
        (json!({"sub": "1"}), true),
        (json!({"sid": "another"}), false),
        (json!({"sid": "first", "sub": "2"}), false),
    ] {
        let (browser, page) = after_provider(&world).await;
        assert!(asks_for_code(&page), "{} {}", page.status, page.body);
        let token = signed(&world.logout_token(named.clone()));
        assert_eq!(world.log_out("corp", &token).await.0, 200);
        let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
        let signed_in = page.left_for.is_some() && page.answer().contains_key("code");
        assert_eq!(signed_in, !ends, "{named}: {} {}", page.status, page.body);
        world.app.clock.advance(Duration::from_secs(1));
    }
}

/// The record of a logout token is sealed, and valid under its own key only.
#[tokio::test]
async fn a_writer_of_the_database_cannot_move_a_logout_token() {
    let world = World::with_tenant(OFFERED, "").await;
    world.upstream.answers(|script| script.id_token = json!({"sid": "first"}));
    let person = world.sign_in("openid").await;
    let account = format!("{}/account", world.app.issuer("main"));
    let app = set_up_app(&person.browser, &account, &world.app.clock).await;
    // The record of a logout token about a person.
    let remembered = async |subject: &str| {
        let token = signed(&world.logout_token(json!({"sub": subject})));
        assert_eq!(world.log_out("corp", &token).await.0, 200);
        let id = sha256_base64url(["corp", &world.upstream.issuer, "sub", subject].join("\0"));
        let key = RecordKey::new(RecordKind::ProviderLogout, &TenantId::new("default", "main"), id);
        let found = world.app.store.get(&key, world.app.clock.now()).await;
        found.expect("the store").expect("a record")
    };
    let (browser, page) = after_provider(&world).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let own = remembered("1").await;
    let other = remembered("a-person-with-a-long-name").await;
    let text = String::from_utf8_lossy(&other.record.value).into_owned();
    assert!(!text.contains("a-person"), "{text}");
    // The person's own record is replaced by that of the other person, which would end no session of this one.
    let moved = Record { value: other.record.value, ..own.record };
    let now = world.app.clock.now();
    assert_eq!(world.app.store.compare_and_swap(own.version, moved, now).await, Ok(true));
    let page = enter(&browser, &page, &app.next_code(&world.app.clock)).await;
    let signed_in = page.left_for.is_some() && page.answer().contains_key("code");
    assert!(!signed_in, "{} {}", page.status, page.body);
}

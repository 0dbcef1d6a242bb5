//! Levels of assurance that a provider proves, and sessions below the level that is required.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use url::Url;

use super::{
    attacks::{Away, PASSWORD, WITH_PASSWORD, World},
    browser::{Browser, Page},
    upstream::Script,
};

type Change = (&'static str, &'static str);

/// The levels of the tenant.
const LEVELS: Change = (
    "metadata: {name: main}\nspec: {}",
    "metadata: {name: main}\nspec:\n  acrLevels: [{value: gold, amr: [mfa]}, {value: local, amr: [pwd]}, {value: basic, amr: [fed]}]",
);
/// The provider's `phr` counts as a second factor.
const ASSURANCE: Change = ("  # RULES", "  assurance: [{acr: phr, amr: [mfa]}]\n  # RULES");
const ACCESS: Change = ("consent: Implied", "consent: Implied\n  access: {acr: gold}");
const UNMET: &str = "unmet_authentication_requirements";
const SCOPES: &str = "openid profile email groups offline_access";

/// A request whose ID token has to have one of these levels.
fn essential(levels: &[&str]) -> String {
    json!({"id_token": {"acr": {"essential": true, "values": levels}}}).to_string()
}

fn raised(script: &mut Script) {
    script.id_token = json!({"acr": "phr"});
}

impl World {
    /// A request of a browser that may have a session.
    async fn open(&self, browser: &Browser, more: &[(&str, &str)]) -> Page {
        browser.open(&self.application().await.authorize_url(SCOPES, more)).await
    }

    /// The redirect to the provider that a page is.
    fn away(&self, browser: Browser, page: &Page) -> Away {
        let url = page.left_for.as_ref().unwrap_or_else(|| panic!("{} {}", page.status, page.body));
        assert!(url.as_str().starts_with(&self.upstream.issuer), "{url}");
        let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        self.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
        Away { browser, request }
    }

    /// A browser with a session below the level.
    async fn low_session(&self) -> (Browser, Value) {
        self.upstream.answers(|_| {});
        let away = self.go("corp", &[]).await;
        let page = self.back(&away, "corp", &[]).await;
        let claims = self.id_token(&page).await;
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!("basic"), &json!(["fed"])));
        (away.browser, claims)
    }
}

fn acr_values(away: &Away) -> Option<&str> {
    away.request.get("acr_values").map(String::as_str)
}

#[tokio::test]
async fn the_level_of_access_rules_is_requested_of_the_provider() {
    let of_tenant = (
        LEVELS.0,
        "metadata: {name: main}\nspec:\n  access: {acr: gold}\n  acrLevels: [{value: gold, amr: [mfa]}]",
    );
    for changes in [vec![LEVELS, ACCESS, ASSURANCE], vec![of_tenant, ASSURANCE]] {
        let world = World::with(&changes).await;
        world.upstream.answers(raised);
        let away = world.go("corp", &[]).await;
        assert_eq!(acr_values(&away), Some("phr"), "the provider's name of the level");
        let page = world.back(&away, "corp", &[]).await;
        let claims = world.id_token(&page).await;
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!("gold"), &json!(["fed", "mfa"])));
    }
}

#[tokio::test]
async fn a_session_below_the_level_signs_in_again_at_its_provider() {
    let claim = essential(&["gold"]);
    for (change, request) in [(Some(ACCESS), None), (None, Some(("claims", claim.as_str())))] {
        let world = World::with(&[LEVELS, ASSURANCE]).await;
        let (browser, before) = world.low_session().await;
        world.serve(&[&[LEVELS, ASSURANCE][..], change.as_slice()].concat());
        let request: Vec<_> = request.into_iter().collect();
        let page = world.open(&browser, &request).await;
        let away = world.away(browser, &page);
        assert_eq!(acr_values(&away), Some("phr"));
        assert_eq!(away.request.get("prompt"), None, "the same person");
        world.upstream.answers(raised);
        let page = world.back(&away, "corp", &[]).await;
        let after = world.id_token(&page).await;
        assert_eq!((&after["acr"], &after["amr"]), (&json!("gold"), &json!(["fed", "mfa"])));
        assert_eq!((&after["sub"], &after["sid"]), (&before["sub"], &before["sid"]));
        // The level is reached, so nothing is asked again.
        let page = world.open(&away.browser, &[&request[..], &[("prompt", "none")]].concat()).await;
        assert_eq!(world.id_token(&page).await["acr"], "gold");
    }
}

/// OIDC Core §5.5.1.1; the application decides what to do, and no browser goes in circles.
#[tokio::test]
async fn a_provider_that_does_not_raise_the_level_is_asked_once() {
    let world = World::with(&[LEVELS, ACCESS, ASSURANCE]).await;
    for answer in [json!({}), json!({"acr": "other"}), json!({"acr": "gold", "amr": ["mfa"]})] {
        world.upstream.answers(|script| script.id_token = answer.clone());
        let away = world.go("corp", &[]).await;
        let page = world.back(&away, "corp", &[]).await;
        assert_eq!(page.answer().get("error").map(String::as_str), Some(UNMET), "{answer}");
        // A later request tries once more.
        let page = world.open(&away.browser, &[]).await;
        let away = world.away(away.browser, &page);
        let page = world.back(&away, "corp", &[]).await;
        assert_eq!(page.answer()["error"], UNMET, "{answer}");
        // Without a page nothing can be tried.
        let page = world.open(&away.browser, &[("prompt", "none")]).await;
        assert_eq!(page.answer()["error"], UNMET);
    }
}

#[tokio::test]
async fn a_level_that_no_provider_reaches_is_an_error_at_once() {
    let world = World::with(&[LEVELS, ASSURANCE]).await;
    let (browser, _) = world.low_session().await;
    // No user has a password here.
    let local = ("consent: Implied", "consent: Implied\n  access: {acr: local}");
    world.serve(&[
        (LEVELS.0, "metadata: {name: main}\nspec:\n  acrLevels: [{value: local, amr: [pwd]}]"),
        ASSURANCE,
        local,
    ]);
    let page = world.open(&browser, &[]).await;
    assert_eq!(page.answer()["error"], UNMET);
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.answer()["error"], UNMET);
    // People of this provider may not enter, so it does not lead to the level.
    let closed =
        ("consent: Implied", "consent: Implied\n  access: {acr: gold, providers: [other]}");
    world.serve(&[LEVELS, ASSURANCE, closed]);
    let page = world.open(&browser, &[("claims", &essential(&["gold"]))]).await;
    assert_eq!(page.status, 403, "{}", page.body);
}

#[tokio::test]
async fn a_person_with_a_password_continues_at_a_provider_that_reaches_the_level() {
    let identities = "identities: [{provider: other, subject: \"7\"}]";
    let both = "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"1\"}]";
    let world = World::with(&[
        LEVELS,
        ACCESS,
        ASSURANCE,
        WITH_PASSWORD[0],
        WITH_PASSWORD[1],
        (identities, both),
    ])
    .await;
    let browser = Browser::new();
    let page = world.open(&browser, &[]).await;
    let fields = [("username", "grace"), ("password", PASSWORD)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("a stronger way of signing in"), "{} {}", page.status, page.body);
    assert!(!page.body.contains("type=\"password\""), "it would not suffice: {}", page.body);
    assert!(!page.body.contains("/login/other?"), "nor would this one: {}", page.body);
    let link = page.body.split("href=\"").skip(1).find(|link| link.contains("/login/corp?"));
    let link = link.and_then(|link| link.split('"').next()).expect("a button").to_owned();
    let link = super::browser::unescape(&link);
    let page = browser.open(&format!("{}{link}", world.app.origin)).await;
    let away = world.away(browser, &page);
    assert_eq!(acr_values(&away), Some("phr"));
    world.upstream.answers(raised);
    let page = world.back(&away, "corp", &[]).await;
    let claims = world.id_token(&page).await;
    assert_eq!(claims["sub"], world.app.subject("main", "grace"));
    assert_eq!(claims["amr"], json!(["fed", "mfa"]), "one sign-in proves it all");
    // The application of the session is still signed in with one session.
    let page = world.open(&away.browser, &[("prompt", "none")]).await;
    assert_eq!(world.id_token(&page).await["sid"], claims["sid"]);
}

/// The last sign-in of a session determines its claims: nothing of the earlier one is left.
#[tokio::test]
async fn a_password_in_the_session_of_a_provider_replaces_its_assurance() {
    let identities = "identities: [{provider: other, subject: \"7\"}]";
    let both = "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"1\"}]";
    let world =
        World::with(&[LEVELS, ASSURANCE, WITH_PASSWORD[0], WITH_PASSWORD[1], (identities, both)])
            .await;
    world.upstream.answers(raised);
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    let first = world.id_token(&page).await;
    assert_eq!(first["acr"], "gold");
    let page = world.open(&away.browser, &[("prompt", "login")]).await;
    let fields = [("username", "grace"), ("password", PASSWORD)];
    let page = away.browser.submit(&page.form("/login"), &fields).await;
    let second = world.id_token(&page).await;
    assert_eq!((&second["acr"], &second["amr"]), (&json!("local"), &json!(["pwd"])));
    assert_eq!(second["sid"], first["sid"], "it goes on");
}

#[tokio::test]
async fn a_provider_that_says_it_cannot_reach_the_level_has_a_page() {
    let world = World::with(&[LEVELS, ACCESS, ASSURANCE]).await;
    let away = world.go("corp", &[]).await;
    let callback = format!("{}/callback/corp", world.app.issuer("main"));
    let answer = [("error", UNMET), ("state", &away.request["state"])];
    let url = Url::parse_with_params(&callback, answer).expect("a URL");
    let page = away.browser.open(url.as_str()).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(
        page.body.contains("could not sign you in as the application requires"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Start again"), "{}", page.body);
}

/// The page names a hidden provider only to people whose session is from it.
#[tokio::test]
async fn a_hidden_provider_is_not_offered_to_people_of_others() {
    let hidden = "  signIn: {hidden: true}\n  assurance: [{acr: phr, amr: [mfa]}]\n  # RULES";
    let changes = [
        LEVELS,
        ("consent: Implied", "consent: Implied\n  access: {acr: gold}"),
        ("  # RULES", hidden),
        WITH_PASSWORD[0],
        WITH_PASSWORD[1],
    ];
    let world = World::with(&changes).await;
    let signed_in = async |more: &[(&str, &str)]| {
        let browser = Browser::new();
        let page = world.open(&browser, &[more, &[("prompt", "login")][..]].concat()).await;
        let fields = [("username", "grace"), ("password", PASSWORD)];
        let page = browser.submit(&page.form("/login"), &fields).await;
        (browser, page)
    };
    let (_, page) = signed_in(&[]).await;
    assert_eq!(page.answer()["error"], UNMET, "nothing of the page leads to the level");
    // By its domain it can be reached, but the page does not name it.
    let with_domain = hidden.replace("hidden: true", "hidden: true, domains: [acme.test]");
    world.serve(&[changes[0], changes[1], ("  # RULES", &with_domain), changes[3], changes[4]]);
    let browser = Browser::new();
    let page = world.open(&browser, &[("login_hint", "grace")]).await;
    let fields = [("username", "grace"), ("password", PASSWORD)];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("a stronger way of signing in"), "{}", page.body);
    assert!(!page.body.contains("/login/corp") && !page.body.contains("Acme"), "{}", page.body);
    let fields = [("username", "ada@acme.test"), ("action", "identify")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("/login/corp?"), "{}", page.body);
}

/// A step-up at a provider can be a sign-in of another person, who gets a session of their own.
#[tokio::test]
async fn another_person_at_the_provider_does_not_continue_the_session() {
    let world = World::with(&[LEVELS, ASSURANCE]).await;
    let (browser, before) = world.low_session().await;
    let hint = essential(&["gold"]);
    let page = world.open(&browser, &[("claims", &hint)]).await;
    let away = world.away(browser, &page);
    world.upstream.answers(|script| script.id_token = json!({"acr": "phr", "sub": "2"}));
    let page = world.back(&away, "corp", &[]).await;
    let after = world.id_token(&page).await;
    assert_eq!(after["acr"], "gold");
    assert_ne!(after["sub"], before["sub"]);
    assert_ne!(after["sid"], before["sid"]);
}

/// Levels in a request are texts of its sender. They add no parameter to the request to the provider.
#[tokio::test]
async fn a_request_cannot_choose_the_parameters_of_the_provider() {
    let world = World::with(&[LEVELS, ASSURANCE]).await;
    for wish in ["x&prompt=none", "gold&max_age=9", "phr\u{a0}y", "a b c"] {
        let away = world.go("corp", &[("acr_values", wish)]).await;
        assert_eq!(acr_values(&away), Some(wish));
        assert_eq!(away.request.get("prompt"), None);
        assert_eq!(away.request.get("max_age"), None);
    }
    let away = world.go("corp", &[("acr_values", "unknown gold basic")]).await;
    assert_eq!(acr_values(&away), Some("phr"), "names of here mean nothing there");
}

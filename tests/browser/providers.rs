//! The pages of identity providers in every state, as people meet them: pictures and accessibility, without
//! scripts, and by keyboard.

use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    axe,
    chromium::Chromium,
    elsewhere::Elsewhere,
    pictures::{Gallery, judge},
    tab::Tab,
    upstream::Upstream,
    world::{ALICE, fill_in, param},
};

struct Providers {
    app: TestApp,
    upstream: Upstream,
    elsewhere: Elsewhere,
    browser: &'static Chromium,
}

/// A name of a provider that does not fit into a line of a narrow phone.
const LONG_NAME: &str = "Donaudampfschifffahrtsgesellschaft-Stammbelegschaft";

/// Claims with which `corp` lets a person in.
fn admitted() -> Value {
    json!({"hd": "acme.test", "employment": "active"})
}

impl Providers {
    async fn new() -> Option<Self> {
        Self::changed(|manifests| manifests).await
    }

    /// With a change of the manifests.
    async fn changed(change: impl FnOnce(String) -> String) -> Option<Self> {
        let browser = Chromium::shared()?;
        let (upstream, elsewhere) = (Upstream::start().await, Elsewhere::serve().await);
        let manifests = include_str!("providers.yaml")
            .replace("UPSTREAM", &upstream.issuer)
            .replace("ELSEWHERE", &elsewhere.origin)
            .replace("CERTIFICATE", &json!(certificate()).to_string());
        let app = TestApp::start(&change(manifests)).await;
        let providers = Self { app, upstream, elsewhere, browser };
        providers.claims(admitted());
        Some(providers)
    }

    /// The ID token of the provider from now on. Its sign-in page is on another site.
    fn claims(&self, id_token: Value) {
        let endpoint = format!("{}/cb", self.elsewhere.origin);
        self.upstream.answers(|script| {
            script.metadata = json!({
                "authorization_endpoint": endpoint,
                "end_session_endpoint": format!("{}/out", self.elsewhere.origin),
            });
            script.id_token = id_token;
        });
    }

    fn authorize(&self, tenant: &str, client: &str, more: &[(&str, &str)]) -> String {
        let url = format!("{}/oauth/authorize", self.app.issuer(tenant));
        let (client, callback) =
            (format!("default.{client}"), format!("{}/cb", self.elsewhere.origin));
        let mut parameters = vec![
            ("client_id", client.as_str()),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", "a-state"),
        ];
        parameters.extend_from_slice(more);
        Url::parse_with_params(&url, parameters).expect("a URL").into()
    }

    /// Sends a person to a provider, who comes back with an answer.
    async fn visits(
        &self,
        tab: &Tab,
        provider: &str,
        answer: &[(&str, &str)],
        more: &[(&str, &str)],
    ) {
        let more = [&[("identity_provider", provider)], more].concat();
        tab.goto(&self.authorize("shop", "wiki", &more)).await;
        let there = tab.arrives(&format!("{}/cb", self.elsewhere.origin)).await;
        *self.upstream.nonce.lock().expect("whole") = param(&there, "nonce");
        let state = param(&there, "state");
        let callback = format!("{}/callback/{provider}", self.app.issuer("shop"));
        let mut parameters = vec![("state", state.as_str())];
        parameters.extend_from_slice(answer);
        let url = Url::parse_with_params(&callback, parameters).expect("a URL");
        tab.goto(url.as_str()).await;
    }
}

/// A certificate that could have issued a directory's.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut root = rcgen::CertificateParams::new(["root".to_owned()]).expect("a name");
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.self_signed(&key).expect("signed").pem()
}

const CODE: (&str, &str) = ("code", "a-code");

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_sign_in_are_accessible_and_fit_their_windows() {
    let Some(world) = Providers::new().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let tab = world.browser.person().await;
    for (name, tenant, client, more) in [
        ("providers-and-password", "shop", "wiki", &[][..]),
        ("providers-only", "buttons", "buttons", &[]),
        ("providers-none", "empty", "empty", &[]),
    ] {
        tab.goto(&world.authorize(tenant, client, more)).await;
        tab.sees("Sign in").await;
        judge(&tab, &gallery, name).await;
    }
    tab.goto(&world.authorize("shop", "wiki", &[])).await;
    for (name, who, words) in [
        ("providers-wrong-password", ALICE.0, "incorrect"),
        ("directory-unavailable", "zoe", "does not answer"),
    ] {
        fill_in(&tab, (who, "not the password")).await;
        tab.click("button[value=sign-in]").await;
        tab.until(&format!("document.querySelector('.alert')?.innerText.includes('{words}')"))
            .await;
        judge(&tab, &gallery, name).await;
    }
    // A person from a provider has a session.
    world.visits(&tab, "corp", &[CODE], &[]).await;
    tab.arrives(&format!("{}/cb", world.elsewhere.origin)).await;
    tab.goto(&world.authorize("shop", "wiki", &[("prompt", "select_account")])).await;
    tab.sees("Choose an account").await;
    judge(&tab, &gallery, "providers-choose-account").await;
    tab.click("summary").await;
    tab.until("document.querySelector('details').open").await;
    judge(&tab, &gallery, "providers-choose-another").await;
    tab.goto(&world.authorize("shop", "finance", &[])).await;
    tab.sees("You may not use Finance").await;
    assert!(tab.shown().await.contains("Ask the finance desk"));
    judge(&tab, &gallery, "access-refused").await;
}

/// An answer of a provider that signs no person in.
struct Problem {
    name: &'static str,
    provider: &'static str,
    claims: Value,
    answer: (&'static str, &'static str),
    more: &'static [(&'static str, &'static str)],
    heading: &'static str,
    words: &'static str,
}

impl Problem {
    /// The page of a person whom `corp` signs in with these claims.
    fn of(name: &'static str, claims: Value, heading: &'static str, words: &'static str) -> Self {
        Self { name, provider: "corp", claims, answer: CODE, more: &[], heading, words }
    }
}

const REFUSED: &str = "You cannot sign in here";
const UNEXPECTED: &str = "Acme staff did not answer as expected";

fn problems() -> Vec<Problem> {
    let groups: Vec<_> = (0..2000).map(|n| format!("g{n}")).collect();
    let with = |name: &str, value: Value| {
        let mut claims = admitted();
        claims[name] = value;
        claims
    };
    let other_domain = "Use your account of acme.test.";
    let domain = json!({"hd": "acme.test"});
    let early = with("auth_time", json!(1_700_000_000));
    vec![
        Problem::of("provider-refused", json!({}), REFUSED, other_domain),
        Problem::of("provider-refused-plainly", domain, REFUSED, "ask the administrator"),
        Problem::of("provider-claims", with("groups", json!(groups)), UNEXPECTED, "too much"),
        Problem::of("provider-answer", json!({"aud": "another"}), UNEXPECTED, "administrator"),
        Problem {
            provider: "partners",
            ..Problem::of("provider-not-declared", json!({}), REFUSED, "is not known here")
        },
        Problem {
            answer: ("error", "access_denied"),
            ..Problem::of(
                "provider-denied",
                admitted(),
                "Acme staff did not sign you in",
                "cancelled",
            )
        },
        Problem {
            more: &[("prompt", "login")],
            ..Problem::of(
                "provider-earlier",
                early,
                "Please sign in again",
                "Sign out at Acme staff",
            )
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_problems_are_accessible_and_fit_their_windows() {
    let Some(world) = Providers::new().await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    for Problem { name, provider, claims, answer, more, heading, words } in problems() {
        let tab = world.browser.person().await;
        world.claims(claims);
        world.visits(&tab, provider, &[answer], more).await;
        tab.sees(heading).await;
        let shown = tab.shown().await;
        assert!(shown.contains(words), "{name}: {shown}");
        judge(&tab, &gallery, name).await;
        tab.click("main a.primary").await;
        tab.until("location.pathname.endsWith('/authorize') || location.pathname === '/cb'").await;
    }
    let tab = world.browser.person().await;
    tab.goto(&world.authorize("shop", "wiki", &[("identity_provider", "down")])).await;
    tab.sees("Donaudampfschifffahrtsgesellschaft-Mitarbeiterverzeichnis cannot be reached").await;
    judge(&tab, &gallery, "provider-unavailable").await;
    // The provider is removed while the person is on the page.
    tab.goto(&world.authorize("shop", "wiki", &[])).await;
    let link = "document.querySelector('a.provider').href";
    let link = tab.eval(link).await.as_str().expect("a link").replace("/corp", "/gone");
    tab.goto(&link).await;
    tab.sees("This way of signing in is not available").await;
    judge(&tab, &gallery, "provider-gone").await;
}

/// The heading of the page of a problem in German.
fn german_heading(problem: &str) -> String {
    match problem {
        "provider-refused" | "provider-refused-plainly" | "provider-not-declared" => {
            "Sie können sich hier nicht anmelden".to_owned()
        }
        "provider-claims" | "provider-answer" => format!("Unerwartete Antwort von {LONG_NAME}"),
        "provider-denied" => format!("Keine Anmeldung durch {LONG_NAME}"),
        "provider-earlier" => "Bitte melden Sie sich noch einmal an".to_owned(),
        other => panic!("no heading of {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_problems_in_german_and_with_long_names_are_accessible_and_fit_their_windows() {
    let named = |manifests: String| {
        manifests.replace("displayName: Acme staff", &format!("displayName: {LONG_NAME}"))
    };
    let Some(world) = Providers::changed(named).await else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let german = async || {
        let tab = world.browser.person().await;
        tab.ask("Network.enable", json!({})).await;
        let headers = json!({"headers": {"Accept-Language": "de"}});
        tab.ask("Network.setExtraHTTPHeaders", headers).await;
        tab
    };
    for Problem { name, provider, claims, answer, more, .. } in problems() {
        let tab = german().await;
        world.claims(claims);
        world.visits(&tab, provider, &[answer], more).await;
        tab.sees(&german_heading(name)).await;
        assert_eq!(tab.eval("document.documentElement.lang").await, "de", "{name}");
        judge(&tab, &gallery, &format!("{name}-de")).await;
    }
    let tab = german().await;
    tab.goto(&world.authorize("shop", "wiki", &[("identity_provider", "down")])).await;
    let down = "Donaudampfschifffahrtsgesellschaft-Mitarbeiterverzeichnis";
    tab.sees(&format!("{down} ist nicht erreichbar")).await;
    judge(&tab, &gallery, "provider-unavailable-de").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_chosen_without_scripts_and_by_keyboard() {
    let Some(world) = Providers::new().await else { return };
    let there = format!("{}/cb", world.elsewhere.origin);
    let tab = world.browser.person().await;
    tab.without_scripts().await;
    tab.goto(&world.authorize("shop", "wiki", &[])).await;
    tab.click("a.provider").await;
    let url = tab.arrives(&there).await;
    assert_eq!(param(&url, "client_id"), "lanyard");

    let tab = world.browser.person().await;
    tab.goto(&world.authorize("shop", "wiki", &[])).await;
    tab.until("document.activeElement.id === 'username'").await;
    for expected in ["password", "sign-in", "Acme staff"] {
        tab.presses("Tab").await;
        let focused = "(it => it.id || it.value || it.innerText)(document.activeElement)";
        let found = tab.eval(focused).await;
        let found = found.as_str().expect("text");
        assert!(found.ends_with(expected), "{found} instead of {expected}");
    }
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(tab.eval(outline).await, "solid", "the focus is visible (WCAG 2.4.7)");
    tab.presses("Enter").await;
    tab.arrives(&there).await;
    assert_eq!(tab.violations(), Vec::<String>::new());
}

/// CSP `form-action` judges the redirects of a form, so a page leads on.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_continues_at_the_provider_with_and_without_scripts() {
    let Some(world) = Providers::new().await else { return };
    for with_scripts in [true, false] {
        let tab = world.browser.person().await;
        if !with_scripts {
            tab.without_scripts().await;
        }
        world.visits(&tab, "corp", &[CODE], &[]).await;
        tab.arrives(&format!("{}/cb", world.elsewhere.origin)).await;
        tab.goto(&format!("{}/oauth/logout", world.app.issuer("shop"))).await;
        tab.click("button[value=logout]").await;
        let there = tab.arrives(&format!("{}/out", world.elsewhere.origin)).await;
        assert!(!param(&there, "id_token_hint").is_empty());
        tab.goto(&param(&there, "post_logout_redirect_uri")).await;
        tab.sees("You are signed out").await;
        assert_eq!(tab.violations(), Vec::<String>::new());
    }
}

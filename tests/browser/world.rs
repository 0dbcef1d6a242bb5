//! The fixture of the browser tests: a provider, applications on another site, a user.

use url::form_urlencoded;

use super::{app::TestApp, chromium::Chromium, elsewhere::Elsewhere, tab::Tab};

pub const ALICE: (&str, &str) = ("alice", "correct horse");

const MANIFESTS: &str = include_str!("manifests.yaml");

/// The server under test, a site of another origin, and the Chromium that opens their pages.
pub struct World {
    pub app: TestApp,
    pub elsewhere: Elsewhere,
    browser: &'static Chromium,
}

impl World {
    /// `None` if Chromium is not available.
    pub async fn new() -> Option<Self> {
        Some(Self::begin(Chromium::shared()?, false).await)
    }

    /// A world with a provider on https.
    pub async fn secure() -> Option<Self> {
        Some(Self::begin(Chromium::shared()?, true).await)
    }

    /// A world at `localhost`, with passkeys.
    pub async fn with_passkeys() -> Option<Self> {
        let browser = Chromium::shared()?;
        let elsewhere = Elsewhere::serve().await;
        let offers = "displayName: Harbour Works\n  authenticators: {passkeys: Optional}";
        let manifests = MANIFESTS.replace("ELSEWHERE", &elsewhere.origin);
        let manifests = manifests.replace("displayName: Harbour Works", offers);
        Some(Self { app: TestApp::start_at_localhost(&manifests).await, elsewhere, browser })
    }

    /// A world with a tenant that requires passkeys, and an invitation for Alice.
    pub async fn requiring_passkeys() -> Option<Self> {
        let world = Self::with_passkeys().await?;
        let manifests = MANIFESTS.replace("ELSEWHERE", &world.elsewhere.origin);
        let required = "displayName: Harbour Works\n  authenticators: {passkeys: Required}";
        let invited =
            "  username: alice\n  invitation: {id: welcome, notAfter: \"2999-01-01T00:00:00Z\"}\n";
        let manifests = manifests.replace("displayName: Harbour Works", required);
        world.app.serve(&manifests.replace("  username: alice\n", invited));
        Some(world)
    }

    /// A world with a tenant that offers authenticator apps.
    pub async fn offering_authenticators() -> Option<Self> {
        let world = Self::secure().await?;
        let manifests = MANIFESTS.replace("ELSEWHERE", &world.elsewhere.origin);
        let tenant = "metadata: {name: shop}\nspec:\n";
        assert!(manifests.contains(tenant));
        let offering = format!("{tenant}  authenticators: {{totp: Optional}}\n");
        world.app.serve(&manifests.replacen(tenant, &offering, 1));
        Some(world)
    }

    /// A world with a browser that blocks the cookies of frames from other sites.
    pub async fn dropping() -> Option<Self> {
        Some(Self::begin(Chromium::dropping()?, true).await)
    }

    async fn begin(browser: &'static Chromium, secure: bool) -> Self {
        let elsewhere = Elsewhere::serve().await;
        let manifests = MANIFESTS.replace("ELSEWHERE", &elsewhere.origin);
        let app = if secure {
            TestApp::start_secure(&manifests).await
        } else {
            TestApp::start(&manifests).await
        };
        Self { app, elsewhere, browser }
    }

    /// A tab in a browser context of its own.
    pub async fn person(&self) -> Tab {
        self.browser.person().await
    }

    /// An authorization request of a client, with changed parameters.
    pub fn authorize(&self, client: &str, changes: &[(&str, &str)]) -> String {
        let mut params = vec![
            ("client_id", format!("default.{client}")),
            ("redirect_uri", self.at("/cb")),
            ("response_type", "code".to_owned()),
            ("scope", "openid profile".to_owned()),
            ("state", "a-state".to_owned()),
            ("nonce", "a-nonce".to_owned()),
        ];
        for (name, value) in changes {
            params.retain(|(other, _)| other != name);
            params.push((name, (*value).to_owned()));
        }
        self.endpoint("authorize", &params)
    }

    /// A logout request of the client `wiki`.
    pub fn logout(&self, more: &[(&str, &str)]) -> String {
        let params: Vec<_> =
            more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.endpoint("logout", &params)
    }

    fn endpoint(&self, name: &str, params: &[(&str, String)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        format!("{}/oauth/{name}?{query}", self.app.issuer("shop"))
    }

    /// A URL of the application's site.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.elsewhere.origin)
    }

    /// Signs Alice in to a client; returns the URL of the callback.
    pub async fn signs_in(&self, tab: &Tab, client: &str) -> String {
        tab.goto(&self.authorize(client, &[])).await;
        fill_in(tab, ALICE).await;
        tab.click("button[value=sign-in]").await;
        tab.arrives(&self.at("/cb")).await
    }
}

/// Fills in the sign-in page by clicking into its fields.
pub async fn fill_in(tab: &Tab, who: (&str, &str)) {
    for (field, text) in [("#username", who.0), ("#password", who.1)] {
        tab.click(field).await;
        tab.eval("document.activeElement.select()").await;
        tab.types(text).await;
    }
}

/// A parameter of a URL, from its query or fragment.
pub fn param(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).expect("a URL");
    let text =
        format!("{}&{}", url.query().unwrap_or_default(), url.fragment().unwrap_or_default());
    let found = form_urlencoded::parse(text.as_bytes()).find(|(other, _)| other == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

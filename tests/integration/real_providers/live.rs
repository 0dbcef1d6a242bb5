//! A server in this process whose people come from a real provider. Its clock can be moved, so that the
//! provider is asked again.

use std::time::{Duration, Instant};

use lanyard::model::{Clock, Timestamp};
use url::Url;

use super::*;
use crate::support::app::TestApp;

const SCOPES: &str = "openid profile email groups";
const BYE: &str = "https://rp.test/bye";
/// A little more than `refresh.interval`.
const INTERVAL: Duration = Duration::from_secs(61);

/// The server, with the tenant of an example of the documentation.
pub(super) struct Live {
    pub(super) app: TestApp,
    tenant: &'static str,
    form: SignInForm,
    begun: (Instant, Timestamp),
    /// How far its clock is ahead of that of the provider.
    ahead: Duration,
}

/// A person who is signed in.
pub(super) struct LivePerson {
    browser: Browser,
    tokens: Value,
}

impl Live {
    /// Serves an example of the documentation. `form`: that of the provider.
    pub(super) async fn start(tenant: &'static str, manifests: &str, form: SignInForm) -> Self {
        let app = TestApp::start(manifests).await;
        let begun = (Instant::now(), app.clock.now());
        Self { app, tenant, form, begun, ahead: Duration::ZERO }
    }

    pub(super) fn issuer(&self) -> String {
        self.app.issuer(self.tenant)
    }

    /// Lets the clock of the server go on like that of the provider.
    fn keep_time(&self) {
        let (instant, at) = self.begun;
        let wanted = at.plus(instant.elapsed() + self.ahead).secs();
        let behind = u64::try_from(wanted - self.app.clock.now().secs()).unwrap_or_default();
        self.app.clock.advance(Duration::from_secs(behind));
    }

    async fn application(&self) -> Application {
        Application::discover(&self.issuer(), "app", Some(SECRET), CALLBACK).await
    }

    /// A person signs in at the provider, in a new browser.
    pub(super) async fn sign_in(&self, who: (&str, &str)) -> LivePerson {
        self.keep_time();
        let (issuer, browser) = (self.issuer(), Browser::new());
        let sign_in = SignIn { issuer: &issuer, hint: &[], form: self.form, who };
        let tokens = sign_in.tokens(&browser, SCOPES).await;
        LivePerson { browser, tokens }
    }

    /// The claims of the ID token after a refresh, for which the provider is asked, or status and error.
    pub(super) async fn refresh(&mut self, person: &mut LivePerson) -> Result<Value, (u16, Value)> {
        self.ahead += INTERVAL;
        self.keep_time();
        let token = person.tokens["refresh_token"].as_str().expect("a refresh token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let (status, answer) = self.application().await.token(&form).await;
        if status != 200 {
            return Err((status, answer["error"].clone()));
        }
        for (name, value) in answer.as_object().expect("an object") {
            person.tokens[name] = value.clone();
        }
        Ok(claims(person.tokens["id_token"].as_str().expect("an ID token")))
    }

    /// The page of an authorization request, at whichever server it ends.
    pub(super) async fn authorize(&self, person: &LivePerson, more: &[(&str, &str)]) -> Page {
        self.keep_time();
        let url = self.application().await.authorize_url(SCOPES, more);
        follow(&person.browser, person.browser.open(&url).await).await
    }

    /// Whether the browser of a person has a session here.
    pub(super) async fn has_session(&self, person: &LivePerson) -> bool {
        let page = self.authorize(person, &[("prompt", "none")]).await;
        page.answer().contains_key("code")
    }

    /// Waits until the browser of a person has no session here.
    pub(super) async fn awaits_end(&self, person: &LivePerson) {
        for _ in 0..200 {
            if !self.has_session(person).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the session goes on");
    }

    /// The end of a sign-out that the application asks for, also at the provider.
    pub(super) async fn sign_out(&self, person: &LivePerson) -> Page {
        self.keep_time();
        let application = self.application().await;
        let hint = person.tokens["id_token"].as_str().expect("an ID token");
        let url = Url::parse_with_params(
            application.endpoint("end_session_endpoint"),
            [("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "x")],
        );
        let page = person.browser.open(url.expect("a URL").as_str()).await;
        follow(&person.browser, page).await
    }
}

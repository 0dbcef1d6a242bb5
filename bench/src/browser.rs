//! The part of a browser between an application's redirect and its return: cookies, redirects, forms.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail};
use cookie_store::CookieStore;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::{
    form::Form,
    http::{Answer, Http, TargetUrl},
    passkey::{BenchPasskey, asks_for_passkey},
};

/// Redirects and pages that one sign-in may take. More are a loop.
const STEPS: usize = 16;

/// Cookies of one user, over the connections of one worker.
pub struct Browser {
    pub http: Http,
    cookies: CookieStore,
    /// The passkey of the user, which is used in place of the password.
    pub passkey: Option<BenchPasskey>,
    /// The address of the user, if this is a proxy that says so.
    pub forwarded_for: Option<Ipv4Addr>,
}

/// The user who signs in.
#[derive(Clone, Debug)]
pub struct Person {
    pub username: String,
    pub password: String,
}

impl Browser {
    pub fn new(http: Http) -> Self {
        Self { http, cookies: CookieStore::default(), passkey: None, forwarded_for: None }
    }

    /// Drop all cookies, and with them the sign-in.
    pub fn forget(&mut self) {
        self.cookies.clear();
    }

    /// Open `url` and follow it, filling forms for `person`, until it redirects to `redirect_uri`.
    /// Without a person, a page is an error: the session should have answered.
    ///
    /// # Errors
    ///
    /// An error page, a page without a form, a loop.
    pub async fn follow(
        &mut self,
        mut url: Url,
        redirect_uri: &str,
        person: Option<&Person>,
    ) -> Result<Url> {
        let mut answer = self.get(&url).await?;
        for _ in 0..STEPS {
            if answer.status.is_redirection() {
                let location = answer
                    .headers
                    .get(header::LOCATION)
                    .context("a redirect without a Location")?;
                url = url.join(location.to_str()?)?;
                if url.as_str().starts_with(redirect_uri) {
                    return Ok(url);
                }
                answer = self.get(&url).await?;
                continue;
            }
            let page = std::str::from_utf8(&answer.body).unwrap_or_default();
            if !answer.status.is_success() {
                bail!(
                    "{url} answered {}: {}",
                    answer.status,
                    page.chars().take(400).collect::<String>()
                );
            }
            let person = person
                .with_context(|| format!("{url} shows a page, although a user is signed in"))?;
            let form = match &mut self.passkey {
                Some(passkey) if asks_for_passkey(page) => passkey.answer(page, &url)?,
                _ => Form::find(page, &url)?,
            };
            answer = self.submit(&form, person).await?;
            url = form.action;
        }
        bail!("{url} leads nowhere after {STEPS} steps")
    }

    /// Sets up a passkey on the page at `url`.
    ///
    /// # Errors
    ///
    /// The page is another one, or refuses the passkey.
    pub async fn set_up_passkey(&mut self, url: &Url, person: &Person) -> Result<()> {
        let answer = self.get(url).await?;
        let page = std::str::from_utf8(&answer.body).unwrap_or_default();
        let (passkey, form) = BenchPasskey::create(page, url)?;
        let answer = self.submit(&form, person).await?;
        let page = std::str::from_utf8(&answer.body).unwrap_or_default();
        if !page.contains("The passkey is set up.") {
            bail!("{url} answered {}: {page}", answer.status);
        }
        self.passkey = Some(passkey);
        Ok(())
    }

    /// Open `url` and follow its redirects to a page. Returns the URL and text of the page.
    ///
    /// # Errors
    ///
    /// An error page, a loop.
    pub async fn page(&mut self, mut url: Url) -> Result<(Url, String)> {
        for _ in 0..STEPS {
            let answer = self.get(&url).await?;
            if answer.status.is_success() {
                return Ok((url, String::from_utf8_lossy(&answer.body).into_owned()));
            }
            let location = answer.headers.get(header::LOCATION);
            let location = location.with_context(|| format!("{url} answered {}", answer.status))?;
            url = url.join(location.to_str()?)?;
        }
        bail!("{url} leads nowhere after {STEPS} steps")
    }

    /// Send a form that a user has filled in.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn submit(&mut self, form: &Form, person: &Person) -> Result<Answer> {
        let filled = form.filled(&person.username, &person.password);
        if !form.post {
            let mut url = form.action.clone();
            url.set_query(Some(&filled));
            return self.get(&url).await;
        }
        let mut headers = self.headers(&form.action)?;
        let origin = form.action.origin().ascii_serialization();
        headers.insert(header::ORIGIN, origin.parse()?);
        let answer = self.http.post(&TargetUrl::of(&form.action)?, headers, filled).await?;
        self.keep(&answer, &form.action);
        Ok(answer)
    }

    /// Open a page with the cookies.
    ///
    /// # Errors
    ///
    /// The connection failed.
    pub async fn get(&mut self, url: &Url) -> Result<Answer> {
        let headers = self.headers(url)?;
        let answer = self.http.get(&TargetUrl::of(url)?, headers).await?;
        self.keep(&answer, url);
        Ok(answer)
    }

    fn headers(&self, url: &Url) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml"));
        if let Some(address) = self.forwarded_for {
            headers.insert("x-forwarded-for", address.to_string().parse()?);
        }
        let pairs = self.cookies.get_request_values(url);
        let cookies =
            pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.parse()?);
        }
        Ok(headers)
    }

    fn keep(&mut self, answer: &Answer, url: &Url) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            if let Ok(cookie) = cookie.to_str() {
                // A cookie that a browser would refuse is refused here too, so the flow fails as it
                // would there.
                let _ = self.cookies.parse(cookie, url);
            }
        }
    }
}

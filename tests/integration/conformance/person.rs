//! The user of the browser, who signs in and consents on every page.

use std::collections::BTreeMap;

use super::{
    browser::{Browser, Page},
    rp::{RP, Rp},
};

pub const ADA: [(&str, &str); 2] =
    [("username", "ada"), ("password", "correct horse battery staple")];

/// A user with a separate browser.
#[derive(Default)]
pub struct Person {
    pub browser: Browser,
}

/// The result of a visit to the authorization endpoint.
pub struct Visit {
    /// Whether the sign-in page was shown.
    pub signed_in: bool,
    /// The page at which the visit ended.
    pub page: Page,
}

/// The parameters of an authorization response.
pub type Response = BTreeMap<String, String>;

/// The response mode of an authorization response.
#[derive(Debug, PartialEq)]
enum Carrier {
    Query,
    Fragment,
    Form,
}

impl Person {
    /// Opens a URL and follows its pages.
    pub async fn visits(&self, url: &str) -> Visit {
        self.goes_on(self.browser.open(url).await).await
    }

    /// Signs in and consents from a page on.
    pub async fn goes_on(&self, mut page: Page) -> Visit {
        let signed_in = page.left_for.is_none() && page.body.contains("name=\"password\"");
        if signed_in {
            page = self.browser.submit(&page.form("/login"), &ADA).await;
        }
        if page.left_for.is_none() && page.body.contains("value=\"allow\"") {
            page = self.browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
        }
        Visit { signed_in, page }
    }
}

impl Visit {
    /// The response to a request of a client, in the response mode of its variant.
    pub fn response(&self, rp: &Rp<'_>) -> Response {
        let (carrier, response) = self.carried();
        let expected = match (rp.variant.form_post, rp.variant.response_type) {
            (true, _) => Carrier::Form,
            (false, "code") => Carrier::Query,
            (false, _) => Carrier::Fragment,
        };
        assert_eq!(carrier, expected, "{response:?}");
        assert_eq!(response["iss"], rp.op.issuer(), "RFC 9207");
        response
    }

    /// The response to a request without `response_type`.
    pub fn response_to_no_type(&self, rp: &Rp<'_>) -> Response {
        let (carrier, response) = self.carried();
        let expected = if rp.variant.form_post { Carrier::Form } else { Carrier::Query };
        assert_eq!(carrier, expected, "{response:?}");
        response
    }

    fn carried(&self) -> (Carrier, Response) {
        let Some(url) = &self.page.left_for else {
            assert_eq!(self.page.status, 200, "{}", self.page.body);
            assert!(self.page.body.contains("method=\"post\""), "{}", self.page.body);
            let form = self.page.form("/callback");
            assert!(form.action.as_str().starts_with(RP), "{}", form.action);
            return (Carrier::Form, form.fields.into_iter().collect());
        };
        assert!(url.as_str().starts_with(RP), "{url}");
        let words = |text: &str| form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let query: Response = words(url.query().unwrap_or_default());
        match url.fragment() {
            None => (Carrier::Query, query),
            Some(fragment) => {
                let leaked = query.contains_key("code") || query.contains_key("error");
                assert!(!leaked, "in the query: {url}");
                (Carrier::Fragment, words(fragment))
            }
        }
    }

    /// The body of the error page. Panics if the browser was redirected.
    pub fn error_page(&self) -> &str {
        assert!(self.page.left_for.is_none(), "{:?}", self.page.left_for);
        assert!((400..500).contains(&self.page.status), "{}", self.page.body);
        &self.page.body
    }
}

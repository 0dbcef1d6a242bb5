//! Helpers of the logout plans.

use serde_json::{Value, json};
use url::Url;

use crate::conformance::{
    browser::Page,
    checks,
    modules::{Flow, flow, no_user_signed_in},
    op::Op,
    person::Person,
    rp::{Rp, Variant},
};

/// Where the browser goes after signing out.
pub const BYE: &str = "https://rp.test/post_logout_redirect";

/// A user who is signed in at one client.
pub struct Session<'a> {
    pub rp: Rp<'a>,
    pub person: Person,
    pub flow: Flow,
}

impl<'a> Session<'a> {
    pub async fn begin(op: &'a Op, change: impl FnOnce(&mut Value)) -> Self {
        let rp = op
            .register_with(Variant::of("code"), |it| {
                it["post_logout_redirect_uris"] = json!([BYE]);
                change(it);
            })
            .await;
        let person = Person::default();
        let flow = flow(&rp, &person, &[]).await;
        Self { rp, person, flow }
    }

    /// Sends the logout request of the suite with changes. Empty parameters are left out.
    pub async fn leaves(&self, changes: &[(&str, &str)]) -> Page {
        let state = state();
        let mut parameters = vec![
            ("id_token_hint", self.flow.jwt()),
            ("post_logout_redirect_uri", BYE),
            ("state", state.as_str()),
        ];
        for (name, value) in changes {
            parameters.iter_mut().filter(|(other, _)| other == name).for_each(|it| it.1 = value);
        }
        parameters.retain(|(_, value)| !value.is_empty());
        let endpoint = self.rp.op.endpoint("end_session_endpoint");
        let mut url = Url::parse(endpoint).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        self.person.browser.open(url.as_str()).await
    }

    /// Asserts that the session has ended.
    pub async fn ended(self) {
        no_user_signed_in(&self.rp, &self.person).await;
        self.rp.unregister().await;
    }

    /// Asserts that the request was refused and that the session still exists.
    pub async fn survives(self, page: &Page) {
        assert!(page.left_for.is_none(), "{:?}", page.left_for);
        assert_eq!(page.status, 400, "{}", page.body);
        let visit = self.rp.send(&self.person, &[("prompt", "none")]).await;
        assert!(visit.response(&self.rp).contains_key("code"));
        self.rp.unregister().await;
    }
}

/// A long state with characters that are special in URLs.
pub fn state() -> String {
    "aZ09!\"#$%&'()*,-./:<=>?@[\\]^_`{|}~".repeat(4)
}

/// Asserts that the browser is at the post-logout redirect URI, with `state` only.
pub fn is_back(url: &str, state: Option<&str>) {
    let url = Url::parse(url).expect("a URL");
    let parameters: Vec<_> = url.query_pairs().into_owned().collect();
    let expected = state.map(|state| ("state".to_owned(), state.to_owned()));
    assert_eq!(parameters, Vec::from_iter(expected));
    assert_eq!(&url[..url::Position::AfterPath], BYE);
}

/// Asserts that metadata contains an endpoint and that the switches are true.
pub async fn discovery(endpoint: Option<&str>, switches: &[&str]) {
    let op = crate::conformance::config::Secure::discover().await;
    for name in op.metadata.as_object().expect("an object").keys() {
        if name.ends_with("_endpoint") {
            op.endpoint(name);
        }
    }
    if let Some(endpoint) = endpoint {
        op.endpoint(endpoint);
    }
    for switch in switches {
        assert_eq!(op.metadata[switch], true, "{switch}");
    }
}

/// The logout token of a form, which must contain no other parameter.
pub fn logout_token(form: &str) -> String {
    let fields: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!(fields.len(), 1, "only the token: {form}");
    assert_eq!(fields[0].0, "logout_token");
    fields[0].1.clone()
}

/// The session ID (`sid`) of an ID token.
pub fn sid(id_token: &Value) -> &str {
    checks::text(id_token, "sid")
}

//! The pages at the URLs that no application leads to: an issuer, and the installation's base URL.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::model::{Endpoint, Issuer, Tenant};

#[derive(Template)]
#[template(path = "pages/landing.html")]
struct LandingTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    message: &'a str,
    demo: Option<&'a str>,
    /// Name, value, and whether the value is a link.
    details: Vec<(&'a str, String, bool)>,
}

/// Renders the page at the URL of a tenant's issuer.
pub fn issuer_root(tenant: &Tenant) -> String {
    render_page(&LandingTemplate {
        frame: PageFrame::new(Some(tenant)),
        title: &tenant.display_name,
        message: "This is the address of a sign-in service. There is nothing to sign in to here.",
        demo: None,
        details: vec![
            ("Issuer", tenant.issuer.to_string(), false),
            ("Metadata", Endpoint::Discovery.url(&tenant.issuer), true),
        ],
    })
}

/// Renders the page at the installation's base URL, with a link to the sample application if it is
/// served.
pub fn base_root(base_url: &Issuer, demo: Option<&str>) -> String {
    render_page(&LandingTemplate {
        frame: PageFrame::new(None),
        title: "Sign-in service",
        message: "Applications use this service to sign people in. There is nothing to sign in to here.",
        demo,
        details: vec![
            ("Software", "Lanyard, an OpenID Connect provider".to_owned(), false),
            ("Issuers", format!("{base_url}/<namespace>/<tenant>"), false),
            ("List", "kubectl get tenants.lanyard.dev -A".to_owned(), false),
        ],
    })
}

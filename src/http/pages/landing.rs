//! The page at the installation's base URL.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{messages::MessageCatalog, model::Issuer};

#[derive(Template)]
#[template(path = "pages/landing.html")]
struct LandingTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    message: &'a str,
    demo: Option<&'a str>,
    details: Vec<(&'a str, String)>,
}

/// Renders the page at the installation's base URL, with a link to the sample application if it is
/// served.
pub fn base_root(base_url: &Issuer, demo: Option<&str>, text: &MessageCatalog) -> String {
    render_page(&LandingTemplate {
        frame: PageFrame::new(None, text),
        title: text.landing_title(),
        message: text.landing_lead(),
        demo,
        details: vec![
            (text.landing_software(), text.landing_software_value().to_owned()),
            (text.landing_issuers(), format!("{base_url}/<namespace>/<tenant>")),
            (text.landing_list(), "kubectl get tenants.lanyard.dev -A".to_owned()),
        ],
    })
}

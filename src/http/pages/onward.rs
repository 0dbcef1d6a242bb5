//! The page that leads to a provider. A form cannot redirect there, because CSP `form-action` would judge
//! every redirect of the provider.

use askama::Template;

use super::{
    ProviderButton,
    frame::{PageFrame, render_page},
};
use crate::{messages::MessageCatalog, model::Tenant};

#[derive(Template)]
#[template(path = "pages/onward.html")]
struct OnwardTemplate<'a> {
    frame: PageFrame<'a>,
    provider: &'a ProviderButton,
}

/// Renders the page. Browsers go on at once; a link is there for those that do not.
pub fn provider_redirect(
    (tenant, text): (&Tenant, &MessageCatalog),
    provider: &ProviderButton,
) -> String {
    render_page(&OnwardTemplate { frame: PageFrame::new(Some(tenant), text), provider })
}

//! The page for a person without the factor that the tenant requires.

use askama::Template;

use super::frame::{AccountView, ClientView, PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, RequiredFactor, Tenant},
};

/// The content of the page.
#[derive(Clone, Debug)]
pub struct MissingFactorPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The application that the person signs in to. The page shows its name.
    pub client: &'a Client,
    /// The redirect URI of the response; `None` for a device.
    pub redirect_uri: Option<&'a str>,
    /// The person, who lacks the factor.
    pub user: &'a Account,
    /// The factor that the tenant requires.
    pub factor: RequiredFactor,
    /// The display name of the identity provider that the person has signed in at.
    pub provider: Option<&'a str>,
    /// Whether the person can set the factor up on the account page. Otherwise an invitation is needed.
    pub can_set_up: bool,
    /// Whether the page leads back to the application.
    pub offers_return: bool,
    /// The URL for signing in as another person.
    pub other_account: Option<String>,
    /// The encrypted state of the sign-in, for the form's hidden field `interaction`.
    pub interaction: &'a str,
}

#[derive(Template)]
#[template(path = "pages/missing_factor.html")]
struct MissingFactorTemplate<'a> {
    frame: PageFrame<'a>,
    client: ClientView<'a>,
    account: AccountView,
    title: &'a str,
    lead: &'a str,
    advice: &'a str,
    provider_advice: Option<String>,
    /// The page on which the person can set the factor up.
    setup: Option<String>,
    offers_return: bool,
    other_account: Option<&'a str>,
    action: String,
    interaction: &'a str,
}

/// Renders the page. Its form is that of the sign-in page.
pub fn missing_factor_page(page: &MissingFactorPage) -> String {
    let text = page.text;
    let (title, lead) = match page.factor {
        RequiredFactor::SecondFactor => (text.app_missing_title(), text.app_missing_lead()),
        RequiredFactor::Passkey => (text.passkey_missing_title(), text.passkey_missing_lead()),
    };
    let (advice, setup) = if page.can_set_up {
        let setup =
            format!("{}?setup=passkey", Endpoint::Account.absolute_path(&page.tenant.issuer));
        (text.passkey_missing_set_up(), Some(setup))
    } else {
        (text.ask_for_invitation(), None)
    };
    let provider_advice = page.provider.filter(|_| !page.can_set_up);
    render_page(&MissingFactorTemplate {
        frame: PageFrame::new(Some(page.tenant), text),
        client: ClientView::new(page.client, page.redirect_uri, text),
        account: AccountView::from(page.user),
        title,
        lead,
        advice,
        provider_advice: provider_advice
            .map(|name| text.missing_factor_of_provider(name).to_string()),
        setup,
        offers_return: page.offers_return,
        other_account: page.other_account.as_deref(),
        action: Endpoint::Login.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
    })
}

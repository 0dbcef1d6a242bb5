//! The page that asks for the second factor.

use askama::Template;

use super::{
    frame::{AccountView, ClientView, PageFrame, render_page},
    passkeys::PasskeyPrompt,
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactorPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The application that the person signs in to. The page shows its name.
    pub client: &'a Client,
    /// The redirect URI of the response; `None` for a device.
    pub redirect_uri: Option<&'a str>,
    /// The person whose second factor is asked for.
    pub user: &'a Account,
    /// The encrypted state of the sign-in, for the form's hidden field `interaction`.
    pub interaction: &'a str,
    /// The sealed sign-in that waits for the factor; `None` in a session.
    pub sign_in: Option<&'a str>,
    /// Whether the person has an authenticator app.
    pub has_app: bool,
    /// The form for the passkeys of the person, who may have none.
    pub passkey: Option<&'a PasskeyPrompt<'a>>,
    /// Whether a recovery code suffices here. Otherwise the account page takes one.
    pub recovers_here: bool,
    /// Whether the person wants to change something on the account page, where a code does not suffice.
    pub changes_by_passkey: bool,
    /// The heading of the page, in the page's language.
    pub title: &'a str,
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/second_factor.html")]
struct SecondFactorTemplate<'a> {
    frame: PageFrame<'a>,
    client: ClientView<'a>,
    account: AccountView,
    action: String,
    interaction: &'a str,
    sign_in: Option<&'a str>,
    has_app: bool,
    passkey: Option<&'a PasskeyPrompt<'a>>,
    /// The account page, if it takes the recovery codes.
    recovers_at: Option<String>,
    changes_by_passkey: bool,
    title: &'a str,
    problem: Option<&'a str>,
}

/// Renders the page. Its form is that of the sign-in page.
pub fn second_factor_page(page: SecondFactorPage) -> String {
    render_page(&SecondFactorTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: ClientView::new(page.client, page.redirect_uri, page.text),
        account: AccountView::from(page.user),
        action: Endpoint::Login.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        sign_in: page.sign_in,
        has_app: page.has_app,
        passkey: page.passkey,
        recovers_at: (!page.recovers_here)
            .then(|| Endpoint::Account.absolute_path(&page.tenant.issuer)),
        changes_by_passkey: page.changes_by_passkey,
        title: page.title,
        problem: page.problem,
    })
}

//! The sign-in page, which also offers the session's account if the user may continue with it.

use askama::Template;

use super::{
    frame::{AccountView, ClientView, PageFrame, render_page},
    passkeys::PasskeyPrompt,
};
use crate::{
    messages::MessageCatalog,
    model::{Client, Endpoint, Tenant},
    protocol::authorize::SignInReason,
};

/// The content of the sign-in page.
#[derive(Clone, Debug)]
pub struct SignInPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The application that the person signs in to. The page shows its name.
    pub client: &'a Client,
    /// The redirect URI of the response; `None` for a device.
    pub redirect_uri: Option<&'a str>,
    /// The encrypted state of the sign-in, for the form's hidden field `interaction`.
    pub interaction: &'a str,
    /// The initial username: from the login hint, or as typed before.
    pub username: &'a str,
    /// The reason why the user must sign in.
    pub reason: SignInReason,
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
    /// The session's account, if the user may continue with it.
    pub account: Option<AccountView>,
    /// The identity providers, in the order of their buttons.
    pub providers: &'a [ProviderButton],
    /// The fields of the form for a name and a password.
    pub fields: SignInFields,
    /// The form for signing in with a passkey; `None` where passkeys are not offered.
    pub passkey: Option<&'a PasskeyPrompt<'a>>,
    /// Whether the page links to the page for a forgotten password.
    pub offers_reset: bool,
}

/// The fields of the sign-in page's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFields {
    /// No fields: a password is not accepted here, or does not suffice.
    Absent,
    /// The name, whose domain may belong to a provider. The next page has the password.
    Name,
    /// The name and the password.
    NameAndPassword,
}

/// A button that leads to an identity provider.
#[derive(Clone, Debug)]
pub struct ProviderButton {
    /// The `displayName` of the `IdentityProvider`.
    pub name: String,
    /// The path that starts the sign-in there, with the interaction as a parameter.
    pub href: String,
    /// Whether the provider's server did not answer lately.
    pub unreachable: bool,
}

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    /// The tenant's own text above the form (`branding.signInHint`); `None` if it has none.
    words: Option<&'a str>,
    client: ClientView<'a>,
    action: String,
    interaction: &'a str,
    username: &'a str,
    hint: Option<&'a str>,
    problem: Option<&'a str>,
    account: Option<AccountView>,
    providers: &'a [ProviderButton],
    fields: SignInFields,
    passkey: Option<&'a PasskeyPrompt<'a>>,
    /// The page for people who forgot their password.
    reset: Option<String>,
}

/// Renders the sign-in page.
pub fn sign_in_page(page: &SignInPage) -> String {
    let text = page.text;
    render_page(&SignInTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        title: if page.account.is_some() { text.choose_account_title() } else { text.sign_in() },
        words: page.tenant.branding.sign_in_hint.for_language(text.tag()),
        client: ClientView::new(page.client, page.redirect_uri, text),
        action: Endpoint::Login.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        username: page.username,
        hint: match page.reason {
            SignInReason::NoSession => None,
            SignInReason::Again => Some(text.hint_sign_in_again()),
            SignInReason::OtherPerson => Some(text.hint_other_person()),
            SignInReason::HigherLevel => Some(text.hint_higher_level()),
        },
        problem: page.problem,
        account: page.account.clone(),
        providers: page.providers,
        fields: page.fields,
        passkey: page.passkey,
        reset: page
            .offers_reset
            .then(|| Endpoint::PasswordReset.absolute_path(&page.tenant.issuer)),
    })
}

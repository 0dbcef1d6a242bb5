//! The page on which a person chooses a password.

use askama::Template;

use super::frame::{AccountView, PageFrame, render_page};
use crate::{
    identity::MIN_PASSWORD_CHARS,
    messages::MessageCatalog,
    model::{Account, Tenant},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct ChoosePasswordPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The person who chooses the password.
    pub user: &'a Account,
    /// The heading of the page, in the page's language.
    pub title: &'a str,
    /// The sentence below the heading, in the language of the request.
    pub lead: &'a str,
    /// The path that the form is sent to.
    pub action: &'a str,
    /// The names and values of the hidden fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
    /// The path of the page to go back to; `None` shows no such link.
    pub back: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/choose_password.html")]
struct ChoosePasswordTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    title: &'a str,
    lead: &'a str,
    action: &'a str,
    hidden: &'a [(&'a str, &'a str)],
    problem: Option<&'a str>,
    back: Option<&'a str>,
    min_chars: String,
}

/// Renders the page. It states the least length of a password.
pub fn choose_password_page(page: ChoosePasswordPage) -> String {
    render_page(&ChoosePasswordTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        title: page.title,
        lead: page.lead,
        action: page.action,
        hidden: page.hidden,
        problem: page.problem,
        back: page.back,
        min_chars: MIN_PASSWORD_CHARS.to_string(),
    })
}

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
    /// The texts of the page.
    pub text: &'a MessageCatalog,
    /// The person.
    pub user: &'a Account,
    /// The heading.
    pub title: &'a str,
    /// The sentence below the heading.
    pub lead: &'a str,
    /// The path that the form is sent to.
    pub action: &'a str,
    /// The hidden fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
    /// The error of the previous attempt.
    pub problem: Option<&'a str>,
    /// The page to go back to.
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

/// Renders the page.
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

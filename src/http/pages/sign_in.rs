//! The sign-in page, with the choice of the session's account where there is one to choose.

use askama::Template;

use super::frame::{AccountView, ClientView, PageFrame, render};
use crate::{
    model::{Client, Tenant},
    protocol::authorize::SignInReason,
};

/// What the sign-in page shows.
#[derive(Clone, Debug)]
pub struct SignInPage<'a> {
    /// Whose page it is.
    pub tenant: &'a Tenant,
    /// The application that asks.
    pub client: &'a Client,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// The sealed interaction.
    pub interaction: &'a str,
    /// The username to begin with: hinted, or typed before.
    pub username: &'a str,
    /// Why the person must sign in.
    pub reason: SignInReason,
    /// What went wrong with the last attempt.
    pub problem: Option<&'a str>,
    /// The session's account, where the person may continue with it.
    pub account: Option<AccountView>,
}

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    client: ClientView<'a>,
    action: String,
    interaction: &'a str,
    username: &'a str,
    hint: Option<&'a str>,
    problem: Option<&'a str>,
    account: Option<AccountView>,
}

/// Renders the sign-in page.
pub fn sign_in(page: &SignInPage) -> String {
    render(&SignInTemplate {
        frame: PageFrame::new(Some(page.tenant)),
        title: if page.account.is_some() { "Choose an account" } else { "Sign in" },
        client: ClientView::new(page.client, page.redirect_uri),
        action: format!("{}/login", page.tenant.issuer.path()),
        interaction: page.interaction,
        username: page.username,
        hint: match page.reason {
            SignInReason::NoSession => None,
            SignInReason::Again => Some("Please sign in again to confirm that it is you."),
            SignInReason::OtherPerson => {
                Some("You are signed in with another account than this application expects.")
            }
        },
        problem: page.problem,
        account: page.account.clone(),
    })
}

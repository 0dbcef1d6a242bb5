//! The page that asks for the second factor.

use std::time::Duration;

use http::StatusCode;

use super::{AuthorizationContext, forms, page, passkey_prompt::second_factor_prompt};
use crate::{
    accounts::{
        factors::{
            passkeys::load_passkeys,
            suspended_sign_in::suspend_sign_in,
            totp::{CodeVerdict, load_totp},
        },
        sessions::active_session::SignedInUser,
    },
    http::{
        CookiePurpose, EndpointError, Reply,
        pages::{self, SecondFactorPage},
    },
    messages::MessageCatalog,
    model::{Account, RequiredFactor},
};

/// Shows the page that asks for the second factor of a user who has proved the first one.
pub(super) async fn ask_before_session(
    authorization: &AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    let context = authorization.accounts();
    let pre_session = authorization.request.cookie(CookiePurpose::PreSession);
    let pre_session = pre_session.ok_or_else(|| forms::session_changed(authorization))?;
    let account = user.account.clone();
    let place = (pre_session, &authorization.interaction);
    let pending = suspend_sign_in(context, user, place, authorization.typed_name.as_deref());
    let sealed = context.seal(&pending)?;
    let form = FactorForm { account: &account, sign_in: Some(&sealed), title: None, problem: None };
    render_form(authorization, form).await
}

/// The page, for the person of the session.
pub(in crate::http::endpoints) async fn ask_in_session(
    authorization: &AuthorizationContext<'_>,
    account: &Account,
) -> Result<Reply, EndpointError> {
    let form = FactorForm { account, sign_in: None, title: None, problem: None };
    render_form(authorization, form).await
}

/// The variable parts of the page.
#[derive(Clone, Copy)]
struct FactorForm<'a> {
    account: &'a Account,
    sign_in: Option<&'a str>,
    /// The heading, if it is not the usual one.
    title: Option<&'a str>,
    problem: Option<&'a str>,
}

async fn render_form(
    authorization: &AuthorizationContext<'_>,
    form: FactorForm<'_>,
) -> Result<Reply, EndpointError> {
    let context = authorization.accounts();
    let sealed = context.seal(&authorization.interaction)?;
    let passkeys = load_passkeys(context, form.account).await?;
    // A code would not suffice. A lost passkey is replaced on the account page.
    let only_passkey = authorization.required_factor() == Some(RequiredFactor::Passkey)
        && !authorization.interaction.is_for_account_page()
        && !passkeys.is_empty();
    let changes_by_passkey = authorization.wants_passkey_for_change(&passkeys);
    let takes_code = !only_passkey && !changes_by_passkey;
    let has_app = takes_code && load_totp(context, form.account).await?.is_some();
    let passkey = second_factor_prompt(authorization, &passkeys, form.sign_in)?;
    let text = authorization.request.text();
    let usual_title = if has_app { text.enter_code_title() } else { text.use_passkey_title() };
    let html = pages::second_factor_page(SecondFactorPage {
        tenant: &authorization.request.tenant.tenant,
        text,
        client: &authorization.authorization.client,
        redirect_uri: authorization.authorization.return_to.displayed_uri(),
        user: form.account,
        interaction: &sealed,
        sign_in: form.sign_in,
        has_app,
        passkey: passkey.as_ref(),
        recovers_here: !only_passkey,
        changes_by_passkey,
        title: form.title.unwrap_or(usual_title),
        problem: form.problem,
    });
    let page = page::with_form(authorization, html);
    Ok(if passkey.is_some() { page.with_script() } else { page })
}

/// A problem with a factor.
#[derive(Clone, Copy, Debug)]
pub(in crate::http::endpoints) struct FactorProblem<'a> {
    /// The heading, if it is not the usual one.
    pub(in crate::http::endpoints) title: Option<&'a str>,
    /// The problem in words.
    pub(in crate::http::endpoints) text: &'a str,
    /// The time to wait before the next attempt.
    pub(in crate::http::endpoints) wait: Option<Duration>,
}

/// The page with what is wrong with a factor.
pub(in crate::http::endpoints) async fn render_problem(
    authorization: &AuthorizationContext<'_>,
    (account, sign_in): (&Account, Option<&str>),
    problem: FactorProblem<'_>,
) -> Result<Reply, EndpointError> {
    let FactorProblem { title, text, wait } = problem;
    let form = FactorForm { account, sign_in, title, problem: Some(text) };
    let page = render_form(authorization, form).await?;
    Ok(match wait {
        Some(wait) => page
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header("retry-after", &wait.as_secs().max(1).to_string()),
        None => page.status(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

/// The page with what is wrong with a code.
pub(in crate::http::endpoints) async fn render_refused_code(
    authorization: &AuthorizationContext<'_>,
    person: (&Account, Option<&str>),
    verdict: CodeVerdict,
) -> Result<Reply, EndpointError> {
    let text = authorization.request.text();
    let (title, wait) = match verdict {
        CodeVerdict::OtherClock => (Some(text.clock_differs_title()), None),
        CodeVerdict::Wait(wait) => (None, Some(wait)),
        _ => (None, None),
    };
    let problem = FactorProblem { title, text: &code_problem(verdict, text), wait };
    render_problem(authorization, person, problem).await
}

/// A verdict in words, for a code that is not right.
pub(in crate::http::endpoints) fn code_problem(
    verdict: CodeVerdict,
    text: &MessageCatalog,
) -> String {
    match verdict {
        CodeVerdict::Accepted => String::new(),
        CodeVerdict::Wrong => text.code_wrong().to_owned(),
        CodeVerdict::Replayed => text.code_replayed().to_owned(),
        CodeVerdict::OtherClock => text.code_of_other_time().to_owned(),
        CodeVerdict::Wait(wait) => text.too_many_codes(&text.wait_in_words(wait)).to_string(),
    }
}

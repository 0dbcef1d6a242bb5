//! The page that asks for the second factor.

use std::time::Duration;

use http::StatusCode;

use super::{AuthorizationContext, forms, page};
use crate::{
    accounts::{sessions::SignedInUser, suspended_sign_in::suspend_sign_in, totp::CodeVerdict},
    http::{
        CookiePurpose, EndpointError, Reply,
        pages::{self, SecondFactorPage},
    },
    model::Account,
};

const TITLE: &str = "Enter a code";

/// The page, for a person who has proved the first factor.
pub(super) fn ask_before_session(
    authorization: &AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    let context = authorization.accounts();
    let pre_session = authorization.request.cookie(CookiePurpose::PreSession);
    let pre_session = pre_session.ok_or_else(|| forms::session_changed(authorization))?;
    let account = user.account.clone();
    let expires_at = authorization.interaction.expires_at();
    let pending = suspend_sign_in(context, user, pre_session, expires_at);
    let sealed = context.seal(&pending)?;
    let form =
        FactorForm { account: &account, sign_in: Some(&sealed), title: TITLE, problem: None };
    render_form(authorization, form)
}

/// The page, for the person of the session.
pub(in crate::http::endpoints) fn ask_in_session(
    authorization: &AuthorizationContext<'_>,
    account: &Account,
) -> Result<Reply, EndpointError> {
    render_form(authorization, FactorForm { account, sign_in: None, title: TITLE, problem: None })
}

/// The variable parts of the page.
#[derive(Clone, Copy)]
struct FactorForm<'a> {
    account: &'a Account,
    sign_in: Option<&'a str>,
    title: &'a str,
    problem: Option<&'a str>,
}

fn render_form(
    authorization: &AuthorizationContext<'_>,
    form: FactorForm<'_>,
) -> Result<Reply, EndpointError> {
    let sealed = authorization.accounts().seal(&authorization.interaction)?;
    let html = pages::second_factor_page(SecondFactorPage {
        tenant: &authorization.request.tenant.tenant,
        client: &authorization.authorization.client,
        redirect_uri: authorization.authorization.return_to.uri(),
        user: form.account,
        interaction: &sealed,
        sign_in: form.sign_in,
        title: form.title,
        problem: form.problem,
    });
    Ok(page::with_form(authorization, html))
}

/// The page with what is wrong with a code.
pub(in crate::http::endpoints) fn render_refused_code(
    authorization: &AuthorizationContext<'_>,
    (account, sign_in): (&Account, Option<&str>),
    verdict: CodeVerdict,
) -> Result<Reply, EndpointError> {
    let problem = code_problem(verdict);
    let form =
        FactorForm { account, sign_in, title: problem_title(verdict), problem: Some(&problem) };
    let page = render_form(authorization, form)?;
    Ok(match verdict {
        CodeVerdict::Wait(wait) => page
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header("retry-after", &wait.as_secs().max(1).to_string()),
        _ => page.status(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

const fn problem_title(verdict: CodeVerdict) -> &'static str {
    match verdict {
        CodeVerdict::OtherClock => "The clock of your phone differs",
        _ => TITLE,
    }
}

/// A verdict in words, for a code that is not right.
pub(in crate::http::endpoints) fn code_problem(verdict: CodeVerdict) -> String {
    match verdict {
        CodeVerdict::Accepted => String::new(),
        CodeVerdict::Wrong => {
            "The code is wrong. Type the code that the app shows now for this account, or a recovery code that you have not used.".to_owned()
        }
        CodeVerdict::Replayed => {
            "This code was used already. Wait until the app shows the next one.".to_owned()
        }
        CodeVerdict::OtherClock => {
            "The code is that of another time, because the clock of your phone is more than half a minute wrong. Set date and time on the phone to automatic, then type the next code.".to_owned()
        }
        CodeVerdict::Wait(wait) => {
            format!("Too many codes were wrong. Please wait {}, then try again.", in_words(wait))
        }
    }
}

fn in_words(wait: Duration) -> String {
    match wait.as_secs() {
        0..=1 => "a second".to_owned(),
        seconds @ 2..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

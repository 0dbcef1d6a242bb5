//! Rule: `prompt` contains only supported values, and `none` is not combined with others (OIDC Core
//! §3.1.2.1).

use std::collections::BTreeSet;

use super::{
    super::error::{ErrorCode, OAuthError},
    parameters::{AuthorizationParameter, AuthorizationParams},
};
use crate::model::Client;

/// A value of `prompt`: a page that the application demands or forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prompt {
    /// Do not show any page.
    None,
    /// Require a sign-in even if there is a session.
    Login,
    /// Ask for consent even if it was given.
    Consent,
    /// Let the user choose an account.
    SelectAccount,
}

pub(super) fn check_prompt(
    params: AuthorizationParams<'_>,
    client: &Client,
) -> Result<BTreeSet<Prompt>, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let mut prompts = BTreeSet::new();
    let words = params.get(AuthorizationParameter::Prompt).unwrap_or_default().split(' ');
    for word in words.filter(|word| !word.is_empty()) {
        prompts.insert(match word {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => {
                return refused(
                    "'prompt' may contain 'none', 'login', 'consent' and 'select_account'.",
                );
            }
        });
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return refused("The value 'none' of 'prompt' cannot be combined with others.");
    }
    if prompts.contains(&Prompt::None) && client.is_described_by_document() {
        let text = "The application is described by a document, so people are asked each time: 'prompt=none' does not work for it.";
        return Err(OAuthError::new(ErrorCode::InteractionRequired, text));
    }
    Ok(prompts)
}

//! Rule: `prompt` holds known words, and `none` stands alone (OIDC Core §3.1.2.1).

use std::collections::BTreeSet;

use super::super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
};

/// What a person must, or must not, be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prompt {
    /// Show no page at all.
    None,
    /// Sign in, even with a session.
    Login,
    /// Ask for consent, even if it was given.
    Consent,
    /// Let the person choose an account.
    SelectAccount,
}

pub(super) fn check(params: &RequestParams) -> Result<BTreeSet<Prompt>, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    let mut prompts = BTreeSet::new();
    let words = params.get("prompt").unwrap_or_default().split(' ');
    for word in words.filter(|word| !word.is_empty()) {
        prompts.insert(match word {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => {
                return refused(
                    "The values of 'prompt' are 'none', 'login', 'consent' and 'select_account'.",
                );
            }
        });
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return refused("The value 'none' of 'prompt' must stand alone.");
    }
    Ok(prompts)
}

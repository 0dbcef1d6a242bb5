//! Reading Secrets: what an entry holds.

use k8s_openapi::{ByteString, api::core::v1::Secret as CoreSecret};

use super::Problem;
use crate::{
    api::{ConditionType, Reason, SecretState},
    keys::Entries,
    model::ObjectKey,
};

/// A Secret's entries.
pub(super) fn entries(secret: &CoreSecret) -> Entries {
    secret.data.clone().unwrap_or_default()
}

/// A Secret that an object refers to, or the problem with that.
pub(super) fn referenced<'a>(
    state: Option<&'a SecretState>,
    key: &ObjectKey,
    field: &str,
) -> Result<&'a CoreSecret, Problem> {
    let problem =
        |reason, message| Problem::of(ConditionType::ResolvedRefs, reason, field, message);
    match state {
        Some(SecretState::Loaded(secret)) => Ok(secret),
        Some(SecretState::Unreadable(why)) => Err(problem(
            Reason::SecretUnreadable,
            format!("the Secret {key} may not be read: {why}"),
        )),
        None => Err(problem(
            Reason::SecretNotFound,
            format!(
                "there is no Secret {:?} in namespace {:?}; create it",
                key.name, key.namespace
            ),
        )),
    }
}

/// An entry as text, or the problem with it: whose message holds nothing of the entry.
pub(super) fn text_entry<'a>(
    secret: &'a CoreSecret,
    name: &str,
    field: &str,
) -> Result<&'a str, Problem> {
    let problem =
        |message| Problem::of(ConditionType::ResolvedRefs, Reason::SecretInvalid, field, message);
    let bytes = secret.data.as_ref().and_then(|data| data.get(name));
    let Some(ByteString(bytes)) = bytes else {
        return Err(problem(format!("the Secret has no entry {name:?}; add it")));
    };
    match std::str::from_utf8(bytes) {
        Ok("") => Err(problem(format!("the Secret's entry {name:?} is empty; fill it"))),
        Ok(text) => Ok(text),
        Err(_) => Err(problem(format!("the Secret's entry {name:?} is not text (UTF-8)"))),
    }
}

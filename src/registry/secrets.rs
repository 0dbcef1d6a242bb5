//! Reads entries of Secrets.

use super::ValidationProblem;
use crate::{
    api::{CachedSecret, ConditionReason, ConditionType, SecretState},
    model::ObjectKey,
};

/// The Secret that an object refers to, or the problem with the reference.
pub(super) fn referenced<'a>(
    state: Option<&'a SecretState>,
    key: &ObjectKey,
    field: &str,
) -> Result<&'a CachedSecret, ValidationProblem> {
    let problem = |reason, message| {
        ValidationProblem::of(ConditionType::ResolvedRefs, reason, field, message)
    };
    match state {
        Some(SecretState::Loaded(secret)) => Ok(secret),
        Some(SecretState::Unreadable(why)) => Err(problem(
            ConditionReason::SecretUnreadable,
            format!("cannot read Secret \"{key}\": {why}"),
        )),
        None => Err(problem(
            ConditionReason::SecretNotFound,
            format!("Secret {:?} not found in namespace {:?}; create it", key.name, key.namespace),
        )),
    }
}

/// An entry as text, or the problem with it. The problem never contains the entry's value.
pub(super) fn text_entry<'a>(
    secret: &'a CachedSecret,
    name: &str,
    field: &str,
) -> Result<&'a str, ValidationProblem> {
    let problem = |message| {
        ValidationProblem::of(
            ConditionType::ResolvedRefs,
            ConditionReason::SecretInvalid,
            field,
            message,
        )
    };
    let Some(bytes) = secret.entry(name) else {
        return Err(problem(format!("the Secret has no entry {name:?}; add it")));
    };
    match std::str::from_utf8(bytes) {
        Ok("") => Err(problem(format!("the Secret's entry {name:?} is empty; set a value"))),
        Ok(text) => Ok(text),
        Err(_) => Err(problem(format!("the Secret's entry {name:?} is not UTF-8 text"))),
    }
}

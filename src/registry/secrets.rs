//! Reads entries of Secrets, and checks client secrets.

use std::fmt::Display;

use super::{ClientSecretPlan, ValidationProblem, validate::ProblemList};
use crate::{
    api::{CachedSecret, ConditionReason, ConditionType, SecretKeyRef, SecretState},
    model::{ObjectKey, Secret},
};

/// Maximum length of a client secret. Generated ones have 43 characters, or 86 if the client signs
/// with it.
const MAX_SECRET_LEN: usize = 512;
/// Length of a client secret below which its client has a warning.
const STRONG_LEN: usize = 16;

/// A client secret cannot be used. The messages contain nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ClientSecretError {
    #[error("must have 1 to {MAX_SECRET_LEN} characters")]
    Length,
    #[error("must be printable ASCII")]
    NotPrintable,
}

/// Validates a client secret (RFC 6749 appendix A.2). The line break that editors and `echo` append
/// is not part of it.
pub(super) fn usable_secret(text: &str) -> Result<Secret<String>, ClientSecretError> {
    let text = text.trim_end_matches(['\r', '\n']);
    if !(1..=MAX_SECRET_LEN).contains(&text.len()) {
        return Err(ClientSecretError::Length);
    }
    if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(ClientSecretError::NotPrintable);
    }
    Ok(Secret::new(text.to_owned()))
}

/// Warns of a client secret that can be guessed.
pub(super) fn warn_if_weak(
    problems: &mut ProblemList,
    plan: &ClientSecretPlan,
    secret: Option<&Secret<String>>,
) {
    let is_referenced = matches!(plan, ClientSecretPlan::Referenced(_));
    let field = if is_referenced { "spec.secretRef" } else { "spec.secret" };
    if secret.is_some_and(|secret| secret.expose().len() < STRONG_LEN) {
        let message = format!(
            "the client secret has less than {STRONG_LEN} characters and can be guessed; use a longer random one, such as the output of openssl rand -base64 32"
        );
        problems.warn(ConditionReason::WeakSecret, field, message);
    }
}

/// The Secret that an object refers to, or the problem with the reference.
pub(super) fn referenced_secret<'a>(
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

/// A reference of an object to an entry of a Secret in its namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryReference<'a> {
    /// The object with the reference. The Secret is in its namespace.
    pub(super) object: &'a ObjectKey,
    /// The name of the Secret, and the entry if the manifest names one.
    pub(super) reference: &'a SecretKeyRef,
    /// The entry if the reference names none.
    pub(super) default_entry: &'static str,
    /// The field with the reference, such as `spec.caRef`, for problems.
    pub(super) field: &'static str,
}

/// The parsed value of an entry that an object refers to. The error of the parser must not contain
/// the entry's value.
pub(super) fn parse_secret_entry<T, E: Display>(
    secret: Option<&SecretState>,
    EntryReference { object, reference, default_entry, field }: EntryReference<'_>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ValidationProblem> {
    let secret = referenced_secret(secret, &object.in_same_namespace(&reference.name), field)?;
    let entry = reference.key.as_deref().unwrap_or(default_entry);
    parse(text_entry(secret, entry, field)?)
        .map_err(|error| invalid_secret(field, format!("the Secret's entry {entry:?}: {error}")))
}

/// The problem with the content of a Secret.
pub(super) fn invalid_secret(field: &str, message: String) -> ValidationProblem {
    let (condition, reason) = (ConditionType::ResolvedRefs, ConditionReason::SecretInvalid);
    ValidationProblem::of(condition, reason, field, message)
}

/// An entry as text, or the problem with it. The problem never contains the entry's value.
pub(super) fn text_entry<'a>(
    secret: &'a CachedSecret,
    name: &str,
    field: &str,
) -> Result<&'a str, ValidationProblem> {
    let problem = |message| invalid_secret(field, message);
    let Some(bytes) = secret.entry(name) else {
        return Err(problem(format!("the Secret has no entry {name:?}; add it")));
    };
    match std::str::from_utf8(bytes) {
        Ok("") => Err(problem(format!("the Secret's entry {name:?} is empty; set a value"))),
        Ok(text) => Ok(text),
        Err(_) => Err(problem(format!("the Secret's entry {name:?} is not UTF-8 text"))),
    }
}

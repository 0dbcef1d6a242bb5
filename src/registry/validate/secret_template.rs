//! The Secret that Lanyard creates for a client: names, entries, labels and annotations.

use std::{collections::BTreeMap, sync::Arc};

use super::ProblemList;
use crate::{
    api::{self, ClientSecretKeys, ClientSecretTemplate, ConditionReason},
    model::{AuthMethod, Installation, JwsAlgorithm, ObjectKey, sign_with_secret},
    registry::{EntryText, SecretTemplate, SecretVariable},
};

/// Message for an invalid object name (RFC 1123 subdomain).
pub const OBJECT_NAME_MESSAGE: &str =
    "must be an object name: lower-case letters, digits, '-' and '.', at most 253 characters";
/// Message for an invalid key of `Secret.data`.
pub const ENTRY_NAME_MESSAGE: &str = "must be the name of a Secret's entry: letters, digits, '-', '_' and '.', at most 253 characters";

const FIELD: &str = "spec.secret";
/// Maximum size of all values of `extra`, and of `template`, in bytes. A Secret is limited to 1 MiB.
const MAX_EXTRA_BYTES: usize = 64 * 1024;

/// Validates `spec.secret`. A client without it has the default entries.
pub fn check_secret_template(
    problems: &mut ProblemList,
    raw: &api::OidcClient,
    method: AuthMethod,
) -> Arc<SecretTemplate> {
    let template = raw.spec.secret.clone().unwrap_or_default();
    let keys = template.keys.clone().unwrap_or_default();
    let secret_key =
        keys.client_secret.unwrap_or_else(|| ClientSecretKeys::CLIENT_SECRET.to_owned());
    let name = raw.generated_secret_name();
    if !is_object_name(&name) {
        problems.invalid(format!("{FIELD}.name"), OBJECT_NAME_MESSAGE);
    }
    let shape = SecretTemplate {
        client_id_key: keys.client_id.unwrap_or_else(|| ClientSecretKeys::CLIENT_ID.to_owned()),
        client_secret_key: method.has_secret().then_some(secret_key),
        signs: sign_with_secret(method, request_objects(raw)),
        issuer_key: keys.issuer.unwrap_or_else(|| ClientSecretKeys::ISSUER.to_owned()),
        internal_url_key: keys.internal_url,
        texts: texts(problems, &template, method),
        extra: template.extra.clone(),
        labels: template.labels.clone(),
        annotations: template.annotations.clone(),
    };
    entries(problems, &shape);
    metadata(problems, &template);
    shape.shared()
}

/// Checks that the installation permits the name, labels and annotations that other controllers may
/// act on. `dev` permits all.
pub fn check_permissions(
    problems: &mut ProblemList,
    raw: &api::OidcClient,
    key: &ObjectKey,
    installation: &Installation,
) {
    let namespace = &*key.namespace;
    let Some(template) = raw.spec.secret.as_ref().filter(|_| !installation.dev) else { return };
    let permitted = &installation.client_secrets;
    let mut refuse = |field: String, what: &str, value: &str| {
        let message = format!(
            "other controllers may act on this; have the installation list {value:?} for the namespace {namespace:?} in clientSecrets.{what}, or remove it"
        );
        problems.add_refusal(ConditionReason::SecretMetadataNotAllowed, field, message);
    };
    if let Some(name) = template.name.as_ref().filter(|it| !permitted.allow_name(it, namespace)) {
        refuse(format!("{FIELD}.name"), "names", name);
    }
    for (field, map) in [("labels", &template.labels), ("annotations", &template.annotations)] {
        for key in map.keys().filter(|key| !permitted.allow_key(key, namespace)) {
            refuse(format!("{FIELD}.{field}.{key}"), "keys", key);
        }
    }
}

/// The request object algorithm that the client registers. Unsupported values are reported
/// elsewhere.
fn request_objects(raw: &api::OidcClient) -> Option<JwsAlgorithm> {
    raw.spec.request_object_signing_alg.as_ref()?.supported()
}

/// Parses the values of `template`.
fn texts(
    problems: &mut ProblemList,
    template: &ClientSecretTemplate,
    method: AuthMethod,
) -> BTreeMap<String, EntryText> {
    let mut texts = BTreeMap::new();
    for (entry, text) in &template.template {
        let field = format!("{FIELD}.template.{entry}");
        match EntryText::parse(text) {
            Ok(text) if text.contains(SecretVariable::ClientSecret) && !method.has_secret() => {
                let message = format!(
                    "must not contain $(clientSecret) with tokenEndpointAuthMethod: {method}, which uses no client secret; remove it"
                );
                problems.invalid(field, message);
            }
            Ok(text) => {
                texts.insert(entry.clone(), text);
            }
            Err(error) => problems.invalid(field, error.to_string()),
        }
    }
    if template.template.values().map(String::len).sum::<usize>() > MAX_EXTRA_BYTES {
        problems.invalid(format!("{FIELD}.template"), "must not exceed 64 KiB in total");
    }
    texts
}

fn entries(problems: &mut ProblemList, shape: &SecretTemplate) {
    let mut named = vec![("clientId", &shape.client_id_key), ("issuer", &shape.issuer_key)];
    named.extend(shape.client_secret_key.as_ref().map(|entry| ("clientSecret", entry)));
    named.extend(shape.internal_url_key.as_ref().map(|entry| ("internalUrl", entry)));
    for (index, (field, entry)) in named.iter().enumerate() {
        if !is_entry_name(entry) {
            problems.invalid(format!("{FIELD}.keys.{field}"), ENTRY_NAME_MESSAGE);
        }
        if named[..index].iter().any(|(_, other)| other == entry) {
            let message = format!(
                "names the entry {entry:?}, like another key; use a different entry for each"
            );
            problems.invalid(format!("{FIELD}.keys.{field}"), message);
        }
    }
    let extra = shape.extra.keys().map(|entry| ("extra", entry));
    for (field, entry) in extra.chain(shape.texts.keys().map(|entry| ("template", entry))) {
        let at = || format!("{FIELD}.{field}.{entry}");
        if !is_entry_name(entry) {
            problems.invalid(at(), ENTRY_NAME_MESSAGE);
        }
        if named.iter().any(|(_, other)| *other == entry) {
            let message = "is already the entry of a credential; use another name here or in spec.secret.keys";
            problems.invalid(at(), message);
        }
        if field == "template" && shape.extra.contains_key(entry) {
            problems.invalid(at(), "is already an entry of spec.secret.extra; remove one of them");
        }
    }
    if shape.extra.values().map(String::len).sum::<usize>() > MAX_EXTRA_BYTES {
        problems.invalid(format!("{FIELD}.extra"), "must not exceed 64 KiB in total");
    }
}

fn metadata(problems: &mut ProblemList, template: &ClientSecretTemplate) {
    for (field, map) in [("labels", &template.labels), ("annotations", &template.annotations)] {
        for (key, value) in map {
            let at = format!("{FIELD}.{field}.{key}");
            if !is_qualified_name(key) {
                let message = "must be a qualified name, such as example.com/team";
                problems.invalid(&at, message);
            } else if is_reserved(key) {
                // Other controllers act on these prefixes: garbage collection, quotas, Pod
                // Security, and Lanyard.
                let message = "must not have the prefix kubernetes.io, k8s.io or lanyard.dev (app.kubernetes.io is allowed)";
                problems.invalid(&at, message);
            }
            if field == "labels" && !is_label_value(value) {
                let message = "must be a label value: at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit";
                problems.invalid(&at, message);
            }
        }
    }
}

/// Returns true if a label or annotation is reserved for Kubernetes or Lanyard.
fn is_reserved(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    let under = |domain: &str| {
        prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    prefix != "app.kubernetes.io"
        && ["kubernetes.io", "k8s.io", "lanyard.dev"].into_iter().any(under)
}

/// Returns true for names of Secrets (RFC 1123 subdomain).
pub fn is_object_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 253
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            edge(bytes.first()) && edge(bytes.last()) && label.bytes().all(inner)
        })
}

/// Returns true for keys of `Secret.data`.
pub fn is_entry_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(allowed) && text != "." && text != ".."
}

fn is_label_value(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63 && edge(bytes.first()) && edge(bytes.last()) && text.bytes().all(inner)
}

/// Returns true for keys of labels and annotations: `[prefix/]name`.
fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    prefix.is_none_or(is_object_name) && !name.is_empty() && is_label_value(name)
}

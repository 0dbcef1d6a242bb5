//! Suggestions for misspelled kinds and fields, and checks of object names.

use serde_json::Value;

use crate::{api, model::ManagedKind, source::deserialize_errors};

/// Minimum similarity of two names for a suggestion.
const MIN_SIMILARITY: f64 = 0.6;

/// The path of an unknown field in manifest notation, and a message. Only Lanyard's kinds have
/// suggestions.
pub(super) fn unknown_field(kind: &str, ignored: &str) -> (String, String) {
    let steps: Vec<&str> = ignored.split('.').filter(|step| *step != "?").collect();
    let schema = ManagedKind::from_name(kind).and_then(api::kind_schema);
    let meant = steps.split_last().and_then(|(name, parents)| {
        let parent =
            parents.iter().try_fold(schema.as_ref()?, |schema, step| child(schema, step))?;
        nearest(name, parent.get("properties")?.as_object()?.keys().map(String::as_str))
    });
    let message = match meant {
        Some(meant) => format!("unknown field; did you mean {meant}?"),
        None => format!(
            "unknown field; \"kubectl explain {}\" lists the known fields",
            explained(kind, &steps)
        ),
    };
    (deserialize_errors::field_path(ignored), message)
}

/// The parent of a field, without indices, as an argument of `kubectl explain`.
fn explained(kind: &str, steps: &[&str]) -> String {
    let parents = steps.split_last().map_or(&[][..], |(_, parents)| parents);
    let mut path = vec![kind.to_lowercase()];
    path.extend(
        parents.iter().filter(|step| step.parse::<usize>().is_err()).map(ToString::to_string),
    );
    path.join(".")
}

/// A message about an unknown kind of Lanyard's API group.
pub(super) fn unknown_kind(kind: &str) -> String {
    let kinds = ManagedKind::ALL.map(ManagedKind::as_str);
    match nearest(kind, kinds.into_iter()) {
        Some(meant) => format!("unknown kind; did you mean {meant}?"),
        None => format!("unknown kind; use one of {}", kinds.join(", ")),
    }
}

/// The first invalid name of an object's metadata (RFC 1123), as field and message.
pub(super) fn unusable_name(name: &str, namespace: &str) -> Option<(&'static str, &'static str)> {
    let ends = |text: &str| {
        let fine = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        fine(text.as_bytes().first()) && fine(text.as_bytes().last())
    };
    let fits = |text: &str, others: &str, most: usize| {
        text.len() <= most
            && ends(text)
            && text.chars().all(|it| matches!(it, 'a'..='z' | '0'..='9') || others.contains(it))
    };
    if !fits(name, "-.", 253) {
        Some((
            "metadata.name",
            "must have at most 253 lower-case letters, digits, '-' and '.', and start and end with a letter or digit",
        ))
    } else if !fits(namespace, "-", 63) {
        Some((
            "metadata.namespace",
            "must have at most 63 lower-case letters, digits and '-', and start and end with a letter or digit",
        ))
    } else {
        None
    }
}

fn child<'s>(schema: &'s Value, step: &str) -> Option<&'s Value> {
    if step.parse::<usize>().is_ok() {
        return schema.get("items");
    }
    schema
        .get("properties")
        .and_then(|fields| fields.get(step))
        .or_else(|| schema.get("additionalProperties"))
}

fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    among
        .map(|other| (strsim::normalized_damerau_levenshtein(&name, &other.to_lowercase()), other))
        .filter(|(alike, _)| *alike >= MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, other)| other)
}

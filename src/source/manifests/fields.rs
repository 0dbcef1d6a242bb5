//! What to say of a kind or field that does not exist: the one that was probably meant.

use serde_json::Value;

use crate::api;

/// How alike two names have to be for one to be taken for the other.
const ALIKE: f64 = 0.6;

/// The path of an ignored field as people write it, and what to do about it. Only kinds of ours
/// have suggestions.
pub(super) fn unknown(kind: &str, ignored: &str) -> (String, String) {
    // An optional value is a step of its own there.
    let steps: Vec<&str> = ignored.split('.').filter(|step| *step != "?").collect();
    let mut path = String::new();
    for step in &steps {
        match step.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(step),
            Err(_) => path.push_str(&format!(".{step}")),
        }
    }
    let schema = api::schema(kind);
    let meant = steps.split_last().and_then(|(name, parents)| {
        let parent =
            parents.iter().try_fold(schema.as_ref()?, |schema, step| child(schema, step))?;
        nearest(name, parent.get("properties")?.as_object()?.keys().map(String::as_str))
    });
    let message = match meant {
        Some(meant) => format!("there is no such field; did you mean {meant}?"),
        None => format!(
            "there is no such field; \"kubectl explain {}\" lists those there are",
            explained(kind, &steps)
        ),
    };
    (path, message)
}

/// The parent of a field as `kubectl explain` wants it: without indices.
fn explained(kind: &str, steps: &[&str]) -> String {
    let parents = steps.split_last().map_or(&[][..], |(_, parents)| parents);
    let mut path = vec![kind.to_lowercase()];
    path.extend(
        parents.iter().filter(|step| step.parse::<usize>().is_err()).map(ToString::to_string),
    );
    path.join(".")
}

/// What to do about a kind of our group that does not exist.
pub(super) fn unknown_kind(kind: &str) -> String {
    const KINDS: [&str; 3] = ["Tenant", "OidcClient", "OidcUser"];
    match nearest(kind, KINDS.into_iter()) {
        Some(meant) => format!("there is no such kind; did you mean {meant}?"),
        None => format!("there is no such kind; write one of {}", KINDS.join(", ")),
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
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, other)| other)
}

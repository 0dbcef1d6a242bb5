//! Fields of a status that the installed CRD does not declare, because it is of an earlier release.
//! The API server refuses to apply a status with such a field, so they are left out.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use crate::model::ManagedKind;

/// The end of the API server's error about a field.
const UNDECLARED: &str = ": field not declared in schema";

/// The fields that were left out so far. Each of them is logged once.
#[derive(Debug, Default)]
pub(super) struct OmittedFields(Mutex<BTreeSet<(ManagedKind, String)>>);

impl OmittedFields {
    /// Removes the fields that an error of the API server names from a status. Returns false if it
    /// names none of the status.
    pub(super) fn omit(&self, kind: ManagedKind, status: &mut Value, error: &str) -> bool {
        let mut omitted = false;
        for path in undeclared_fields(error) {
            if remove_field(status, path) {
                omitted = true;
                self.warn(kind, path);
            }
        }
        omitted
    }

    fn warn(&self, kind: ManagedKind, path: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = ends(path);
        let field = if first == last { first.to_owned() } else { format!("{first}[].{last}") };
        if known.insert((kind, field.clone())) {
            tracing::warn!(
                kind = kind.as_str(),
                field = format!("status.{field}"),
                "the installed CRD does not have a field of this release, which is left out; \
                 upgrade the CRDs"
            );
        }
    }
}

/// The paths below `status` that an error names, such as `signingKeys[keyId="1"].state`.
fn undeclared_fields(error: &str) -> impl Iterator<Item = &str> {
    error.match_indices(UNDECLARED).filter_map(|(end, _)| {
        let path = error[..end].rsplit(char::is_whitespace).next()?;
        path.strip_prefix(".status.")
    })
}

/// The first and the last name of a path.
fn ends(path: &str) -> (&str, &str) {
    let first = path.split(['.', '[']).next().unwrap_or(path);
    let last = path.rsplit(['.', ']']).next().unwrap_or(path);
    (first, last)
}

/// Removes a field at the top of a status, or from all elements of a list in it.
fn remove_field(status: &mut Value, path: &str) -> bool {
    match ends(path) {
        (first, last) if first == last => {
            status.as_object_mut().is_some_and(|status| status.remove(first).is_some())
        }
        (first, last) => status.get_mut(first).is_some_and(|inner| remove_inside(inner, last)),
    }
}

fn remove_inside(value: &mut Value, name: &str) -> bool {
    match value {
        Value::Array(values) => {
            values.iter_mut().fold(false, |removed, value| remove_inside(value, name) | removed)
        }
        Value::Object(fields) => {
            let removed = fields.remove(name).is_some();
            fields.values_mut().fold(removed, |removed, value| remove_inside(value, name) | removed)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OBJECT: &str = "failed to create typed patch object (team/a.status.b; \
                          lanyard.dev/v1alpha1, Kind=Tenant): ";

    fn without(error: &str) -> Option<Value> {
        let mut status = json!({
            "issuer": "https://id.test",
            "nextRotation": "later",
            "signingKeys": [{"keyId": "1", "state": "Signing"}, {"keyId": "2", "state": "Retired"}],
        });
        let omitted = OmittedFields::default().omit(ManagedKind::Tenant, &mut status, error);
        omitted.then_some(status)
    }

    #[test]
    fn fields_that_an_error_names_are_left_out() {
        let one = format!("{OBJECT}.status.nextRotation: field not declared in schema");
        let status = without(&one).expect("omitted");
        assert_eq!(status.get("nextRotation"), None);
        assert_eq!(status["issuer"], "https://id.test");

        let several = format!(
            "{OBJECT}errors:\n  .status.nextRotation: field not declared in schema\n  \
             .status.signingKeys[keyId=\"1\"].state: field not declared in schema\n  \
             .status.signingKeys[keyId=\"2\"].state: field not declared in schema"
        );
        let status = without(&several).expect("omitted");
        let expected = json!({
            "issuer": "https://id.test",
            "signingKeys": [{"keyId": "1"}, {"keyId": "2"}],
        });
        assert_eq!(status, expected);
    }

    #[test]
    fn other_errors_leave_out_no_field() {
        for error in [
            "the server is currently unable to handle the request",
            ".spec.issuer: field not declared in schema",
            ".status.unknown: field not declared in schema",
            ": field not declared in schema",
        ] {
            assert_eq!(without(error), None, "{error}");
        }
    }
}

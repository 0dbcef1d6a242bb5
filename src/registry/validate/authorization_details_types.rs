//! Validates `spec.authorizationDetailsTypes` of a resource server.

use std::collections::BTreeSet;

use super::{ProblemList, visible_text};
use crate::{
    api::AuthorizationDetailsTypeSpec,
    model::{AuthorizationDetailsType, DetailsSchema},
};

/// Validates the types. One with a schema that cannot be used refuses the object, so no type loses its schema.
pub(super) fn check_details_types(
    problems: &mut ProblemList,
    written: &[AuthorizationDetailsTypeSpec],
) -> Vec<AuthorizationDetailsType> {
    let (mut names, mut types) = (BTreeSet::new(), Vec::new());
    for (index, it) in written.iter().enumerate() {
        let field = format!("spec.authorizationDetailsTypes[{index}]");
        let name = it.details_type.as_str();
        if name.is_empty() || name.bytes().any(|byte| !byte.is_ascii_graphic()) {
            problems.invalid(format!("{field}.type"), "must be printable ASCII without spaces");
        } else if !names.insert(name) {
            problems.invalid(format!("{field}.type"), "is there twice; remove one");
        }
        if let Some(display_name) = &it.display_name {
            visible_text(problems, &format!("{field}.displayName"), display_name);
        }
        match DetailsSchema::parse(&it.schema) {
            Ok(schema) => types.push(AuthorizationDetailsType {
                name: name.into(),
                display_name: it.display_name.clone().unwrap_or_else(|| name.to_owned()),
                schema,
            }),
            Err(error) => problems.invalid(format!("{field}.schema{}", error.path), error.problem),
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(written: serde_json::Value) -> (Vec<AuthorizationDetailsType>, Vec<String>) {
        let written: Vec<_> = serde_json::from_value(written).expect("types");
        let mut problems = ProblemList::default();
        let types = check_details_types(&mut problems, &written);
        let (problems, _) = problems.into_parts();
        (types, problems.iter().map(|it| format!("{}: {}", it.field, it.message)).collect())
    }

    #[test]
    fn a_type_is_named_after_itself_by_default() {
        let (types, problems) = checked(json!([
            { "type": "payment", "displayName": "A payment", "schema": { "required": ["amount"] } },
            { "type": "urn:account", "schema": {} },
        ]));
        assert!(problems.is_empty(), "{problems:?}");
        let names: Vec<_> = types.iter().map(|it| (&*it.name, it.display_name.as_str())).collect();
        assert_eq!(names, [("payment", "A payment"), ("urn:account", "urn:account")]);
    }

    #[test]
    fn wrong_types_refuse_the_object() {
        for (written, expected) in [
            (
                json!([{ "type": "a b", "schema": {} }]),
                "spec.authorizationDetailsTypes[0].type: must be printable ASCII without spaces",
            ),
            (
                json!([{ "type": "a", "schema": {} }, { "type": "a", "schema": {} }]),
                "spec.authorizationDetailsTypes[1].type: is there twice; remove one",
            ),
            (
                json!([{ "type": "a", "displayName": "a\u{200b}", "schema": {} }]),
                "spec.authorizationDetailsTypes[0].displayName: must not contain the invisible character U+200B",
            ),
            (
                json!([{ "type": "a", "schema": { "properties": { "b": { "$ref": "#/c" } } } }]),
                "spec.authorizationDetailsTypes[0].schema.properties.b.$ref: is not a supported keyword; use type, ",
            ),
        ] {
            let (_, problems) = checked(written);
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
        }
    }
}

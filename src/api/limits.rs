//! Checks lengths, counts and ranges from the CRD schemas on manifests that no API server has
//! validated (`lanyard dev` and `lanyard check`). Types are checked by serde; enums and rules by
//! `registry::validate`.

use std::sync::LazyLock;

use serde_json::Value;

use super::{ManagedObject, definitions::kind_schema};
use crate::model::ManagedKind;

/// A field that exceeds a limit of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitViolation {
    /// Path of the field, such as `spec.redirectUris[1]`.
    pub field: String,
    /// The violated limit, such as `must have at most 63 characters`.
    pub message: String,
}

/// The fields of an object's spec that exceed a limit.
pub fn limit_violations<K: ManagedObject>(object: &K) -> Vec<LimitViolation> {
    static SCHEMAS: LazyLock<[Value; ManagedKind::ALL.len()]> =
        LazyLock::new(|| ManagedKind::ALL.map(|kind| kind_schema(kind).unwrap_or_default()));
    let schema = &SCHEMAS[K::KIND as usize]["properties"]["spec"];
    let mut found = Vec::new();
    // A spec that was read from a manifest always serialises.
    let spec = serde_json::to_value(object.spec()).unwrap_or_default();
    walk("spec", schema, &spec, &mut found);
    found
}

fn walk(field: &str, schema: &Value, value: &Value, found: &mut Vec<LimitViolation>) {
    if let Some(message) = excess(schema, value) {
        found.push(LimitViolation { field: field.to_owned(), message });
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{field}[{index}]"), &schema["items"], item, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let known = schema["properties"].get(name);
                let of_any = schema.get("additionalProperties");
                if let Some(schema) = known.or(of_any) {
                    walk(&format!("{field}.{name}"), schema, member, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The limit that a value violates, if any.
fn excess(schema: &Value, value: &Value) -> Option<String> {
    let limit = |name: &str| schema[name].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let most = |name: &str, has: usize| limit(name).filter(|limit| has > *limit);
    let least = |name: &str, has: usize| limit(name).filter(|limit| has < *limit);
    match value {
        Value::String(text) => {
            let characters = text.chars().count();
            let over = most("maxLength", characters);
            over.map(|limit| format!("must have at most {limit} characters")).or_else(|| {
                let under = least("minLength", characters);
                under.map(|limit| format!("must have at least {limit} characters"))
            })
        }
        Value::Array(items) => {
            most("maxItems", items.len()).map(|limit| format!("must hold at most {limit} entries"))
        }
        Value::Object(members) => most("maxProperties", members.len())
            .map(|limit| format!("must hold at most {limit} entries")),
        Value::Number(number) => {
            let bounds = schema["minimum"].as_f64().zip(schema["maximum"].as_f64());
            let outside = bounds
                .zip(number.as_f64())
                .filter(|((least, most), number)| number < least || number > most);
            outside.map(|((least, most), _)| format!("must be between {least} and {most}"))
        }
        Value::Null | Value::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{OidcClient, OidcUser, Tenant};

    fn violations<K: ManagedObject>(spec: &str) -> Vec<String> {
        let object = format!("{{metadata: {{name: it}}, spec: {spec}}}");
        let object: K = serde_yaml::from_str(&object).expect("an object");
        let line = |found: LimitViolation| format!("{}: {}", found.field, found.message);
        limit_violations(&object).into_iter().map(line).collect()
    }

    #[test]
    fn valid_objects_have_no_violations() {
        let spec = "{tenantRef: {name: main}, clientName: Shop, defaultMaxAge: 60, secret: {labels: {a: b}}}";
        assert!(violations::<OidcClient>(spec).is_empty());
        assert!(violations::<Tenant>("{}").is_empty());
        let spec = "{tenantRef: {name: main}, username: ada, claims: {a: {b: [1, null]}}}";
        assert!(violations::<OidcUser>(spec).is_empty());
    }

    #[test]
    fn finds_the_violations_that_an_api_server_would() {
        let long = "x".repeat(513);
        for (spec, field, limit) in [
            (format!("clientName: {long}"), "spec.clientName", "at most 128 characters"),
            ("clientName: ''".to_owned(), "spec.clientName", "at least 1 characters"),
            (format!("redirectUris: [a, {long}]"), "spec.redirectUris[1]", "at most 512"),
            (format!("scopes: [{}]", "a,".repeat(65)), "spec.scopes", "at most 64 entries"),
            ("defaultMaxAge: -1".to_owned(), "spec.defaultMaxAge", "between 0 and 31536000"),
            (format!("secret: {{keys: {{issuer: {long}}}}}"), "spec.secret.keys.issuer", "253"),
        ] {
            let found = violations::<OidcClient>(&format!("{{tenantRef: {{name: main}}, {spec}}}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(field) && found[0].contains(limit), "{found:?}");
        }
        let scopes: Vec<String> = (0..65).map(|n| format!("s{n}: {{}}")).collect();
        let scopes = scopes.join(", ");
        assert_eq!(
            violations::<Tenant>(&format!("{{scopes: {{{scopes}}}}}")),
            ["spec.scopes: must hold at most 64 entries"]
        );
    }
}

//! Compares the schemas that the API server publishes with those of this release. An API server with
//! an older `CustomResourceDefinition` removes fields that it lacks without an error, and a field that
//! restricts something would then be void. See docs/design/cluster.md#published-schemas.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;

use super::{GROUP, VERSION, definitions::kind_schema};
use crate::model::ManagedKind;

/// Fields, with all that is below them, whose loss permits nothing: they describe an object, or grant
/// something. Every other field of a spec is treated as a restriction.
const UNRESTRICTING: &[(ManagedKind, &[&str])] = &[
    (ManagedKind::Tenant, &["displayName", "branding", "organization"]),
    (
        ManagedKind::OidcClient,
        &[
            "allowedOrigins",
            "clientName",
            "clientUri",
            "contacts",
            "initiateLoginUri",
            "logoUri",
            "policyUri",
            "postLogoutRedirectUris",
            "softwareId",
            "softwareVersion",
            "tosUri",
        ],
    ),
    (
        ManagedKind::OidcUser,
        &[
            "address",
            "birthdate",
            "claims",
            "familyName",
            "gender",
            "givenName",
            "locale",
            "middleName",
            "name",
            "nickname",
            "phoneNumber",
            "picture",
            "profile",
            "updatedAt",
            "website",
            "zoneinfo",
        ],
    ),
];

/// The `OpenAPI` schemas of this release, by kind.
static SCHEMAS: LazyLock<Vec<(ManagedKind, Value)>> = LazyLock::new(|| {
    let schemas = ManagedKind::ALL.into_iter();
    schemas.filter_map(|kind| Some((kind, kind_schema(kind)?))).collect()
});

/// Returns the restricting fields, such as `Tenant spec.requirePkce`, that the API server's schemas
/// lack, and the kinds that it does not serve. `document` is its `OpenAPI` v3 document of Lanyard's
/// API version.
pub fn missing_restrictions(document: &Value) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for (kind, own) in SCHEMAS.iter() {
        let Some(published) = published_schema(document, *kind) else {
            missing.insert(kind.to_string());
            continue;
        };
        let path = &["properties", "spec"];
        let [own, published] =
            [own, published].map(|schema| path.iter().fold(schema, |schema, step| &schema[*step]));
        let mut fields = Vec::new();
        collect_missing(own, published, "spec", &mut fields);
        fields.retain(|field| restricts(*kind, field));
        missing.extend(fields.into_iter().map(|field| format!("{kind} {field}")));
    }
    missing
}

/// The schema of a kind in a document.
fn published_schema(document: &Value, kind: ManagedKind) -> Option<&Value> {
    let schemas = document["components"]["schemas"].as_object()?;
    schemas.values().find(|schema| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array();
        kinds.into_iter().flatten().any(|it| {
            it["group"] == GROUP && it["version"] == VERSION && it["kind"] == kind.as_str()
        })
    })
}

/// Collects the paths of fields that only the first schema has.
fn collect_missing(own: &Value, published: &Value, path: &str, missing: &mut Vec<String>) {
    // Below such a field, the API server removes nothing.
    if published["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (name, own) in own["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match published["properties"].get(name) {
            Some(published) => collect_missing(own, published, &path, missing),
            None => missing.push(path),
        }
    }
    for (inner, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
        if own[inner].is_object() {
            collect_missing(&own[inner], &published[inner], &format!("{path}{suffix}"), missing);
        }
    }
}

fn restricts(kind: ManagedKind, path: &str) -> bool {
    let field = path.split(['.', '[']).nth(1).unwrap_or_default();
    !UNRESTRICTING.iter().any(|(of, fields)| *of == kind && fields.contains(&field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The document of an API server with this release's definitions.
    fn document() -> Value {
        let mut document = json!({ "components": { "schemas": { "other": {
            "x-kubernetes-group-version-kind": [{ "group": "", "version": "v1", "kind": "DeleteOptions" }],
        }}}});
        for kind in ManagedKind::ALL {
            let mut schema = kind_schema(kind).expect("a schema");
            schema["x-kubernetes-group-version-kind"] =
                json!([{ "group": GROUP, "version": VERSION, "kind": kind.as_str() }]);
            document["components"]["schemas"][format!("dev.lanyard.{VERSION}.{kind}")] = schema;
        }
        document
    }

    fn spec(document: &mut Value, kind: ManagedKind) -> &mut Value {
        let name = format!("dev.lanyard.{VERSION}.{kind}");
        &mut document["components"]["schemas"][name]["properties"]["spec"]
    }

    fn remove(schema: &mut Value, field: &str) {
        let removed = schema["properties"].as_object_mut().expect("fields").remove(field);
        assert!(removed.is_some(), "{field}");
    }

    #[test]
    fn the_schemas_of_this_release_are_complete() {
        assert_eq!(missing_restrictions(&document()), BTreeSet::new());
        let mut newer = document();
        spec(&mut newer, ManagedKind::Tenant)["properties"]["future"] = json!({ "type": "string" });
        assert_eq!(missing_restrictions(&newer), BTreeSet::new());
    }

    #[test]
    fn names_each_restricting_field_that_an_older_schema_lacks() {
        let mut older = document();
        let tenant = spec(&mut older, ManagedKind::Tenant);
        for field in ["requirePkce", "displayName", "branding"] {
            remove(tenant, field);
        }
        remove(&mut tenant["properties"]["clients"], "redirectHosts");
        remove(&mut tenant["properties"]["acrLevels"]["items"], "amr");
        remove(&mut tenant["properties"]["scopes"]["additionalProperties"], "claims");
        remove(spec(&mut older, ManagedKind::OidcUser), "disabled");
        let missing: Vec<_> = missing_restrictions(&older).into_iter().collect();
        assert_eq!(
            missing,
            [
                "OidcUser spec.disabled",
                "Tenant spec.acrLevels[].amr",
                "Tenant spec.clients.redirectHosts",
                "Tenant spec.requirePkce",
                "Tenant spec.scopes.*.claims",
            ]
        );
    }

    #[test]
    fn fields_are_not_removed_where_unknown_ones_are_kept() {
        let mut open = document();
        let bounds = &mut spec(&mut open, ManagedKind::Tenant)["properties"]["clients"];
        *bounds = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        assert_eq!(missing_restrictions(&open), BTreeSet::new());
    }

    #[test]
    fn names_kinds_that_are_not_served() {
        let all = ManagedKind::ALL.map(|kind| kind.to_string());
        assert_eq!(missing_restrictions(&json!({})), BTreeSet::from(all));
        let mut other = document();
        let name = format!("dev.lanyard.{VERSION}.Tenant");
        let kinds = "x-kubernetes-group-version-kind";
        other["components"]["schemas"][name][kinds][0]["version"] = json!("v1");
        assert_eq!(missing_restrictions(&other), BTreeSet::from(["Tenant".to_owned()]));
    }

    #[test]
    fn listed_fields_exist() {
        for (kind, fields) in UNRESTRICTING {
            let schema = kind_schema(*kind).expect("a schema");
            for field in *fields {
                assert!(schema["properties"]["spec"]["properties"][field].is_object(), "{field}");
            }
        }
    }
}

//! The objects of a dynamically registered client: its `OidcClient`, and the Secret that the
//! controller would create. The controller adopts it.

use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use serde_json::{Map, Value, json};

use crate::{
    api::{
        ClientSecretKeys, OidcClient, OidcClientSpec, REGISTERED_LABEL,
        REGISTRATION_TOKEN_ANNOTATION, USED_ANNOTATION, owner,
    },
    model::{ManagedKind, NewClient, ObjectKey, ObjectRef, RegistrarError},
};

/// Converts a validated spec.
pub(super) fn spec(spec: Map<String, Value>) -> Result<OidcClientSpec, RegistrarError> {
    serde_json::from_value(spec.into()).map_err(|error| RegistrarError::Refused(error.to_string()))
}

/// Fields of a spec that registration does not set. Values set by an administrator are preserved.
const UNREGISTERED_FIELDS: [&str; 7] = [
    "lifetimes",
    "clientAssertionAudience",
    "refreshTokenRotation",
    "refreshTokenReuseWindow",
    "idTokenClaims",
    "accessTokenType",
    "requirePkce",
];

/// The new spec when a client updates its registration. All fields that a client can register are
/// replaced. Other fields are preserved, including those of a newer release.
pub(super) fn replaced(
    before: &Value,
    spec: Map<String, Value>,
) -> Result<Map<String, Value>, RegistrarError> {
    let spec = self::spec(spec)?;
    let known = serde_json::from_value::<OidcClientSpec>(before.clone());
    let known = known.map_or_else(|_| before.clone(), |known| json!(known));
    let Value::Object(mut replaced) = json!(spec) else { return Ok(Map::new()) };
    for (name, value) in before.as_object().into_iter().flatten() {
        if UNREGISTERED_FIELDS.contains(&name.as_str()) || known.get(name).is_none() {
            replaced.entry(name).or_insert_with(|| value.clone());
        }
    }
    Ok(replaced)
}

/// The client's `OidcClient`.
pub(super) fn client(new: &NewClient) -> Result<OidcClient, RegistrarError> {
    let hash = (REGISTRATION_TOKEN_ANNOTATION.to_owned(), new.token_hash.clone());
    Ok(OidcClient {
        metadata: ObjectMeta {
            namespace: Some(new.object.namespace.to_string()),
            name: Some(new.object.name.to_string()),
            labels: Some([(REGISTERED_LABEL.to_owned(), "true".to_owned())].into()),
            annotations: Some([hash].into()),
            // An API server sets this itself; a folder does not.
            creation_timestamp: jiff::Timestamp::from_second(new.at.secs()).ok().map(Time),
            ..ObjectMeta::default()
        },
        spec: spec(new.spec.clone())?,
        status: None,
    })
}

/// The Secret of a client that was created with this UID, if it has a client secret.
pub(super) fn secret(new: &NewClient, client: &OidcClient) -> Option<Secret> {
    let value = new.secret.as_ref()?.expose();
    let entry = |text: &str| ByteString(text.as_bytes().to_vec());
    let key = ObjectKey::new(&new.object.namespace, client.generated_secret_name());
    let object = ObjectRef::new(ManagedKind::OidcClient, new.object.clone());
    let annotation = owner::annotation(object.kind.as_str(), &object.key.name);
    let mut metadata = owner::metadata(&key, &annotation);
    owner::set_owner_reference(&mut metadata, &object, client.metadata.uid.as_deref());
    Some(Secret {
        metadata,
        type_: Some("Opaque".to_owned()),
        data: Some(
            [
                (ClientSecretKeys::CLIENT_ID.to_owned(), entry(new.id.as_str())),
                (ClientSecretKeys::CLIENT_SECRET.to_owned(), entry(value)),
                (ClientSecretKeys::ISSUER.to_owned(), entry(new.issuer.as_str())),
            ]
            .into(),
        ),
        ..Secret::default()
    })
}

/// Checks that a client was registered dynamically. Only those are changed or deleted.
pub(super) fn check(client: &ObjectMeta) -> Result<(), RegistrarError> {
    let label = client.labels.as_ref().and_then(|labels| labels.get(REGISTERED_LABEL));
    let registered = label.is_some_and(|value| value == "true");
    let lives = client.deletion_timestamp.is_none();
    if registered && lives { Ok(()) } else { Err(RegistrarError::NotFound) }
}

/// Marks a client as used. Returns true if it was not marked before.
pub(super) fn mark(client: &mut ObjectMeta) -> bool {
    let annotations = client.annotations.get_or_insert_default();
    annotations.insert(USED_ANNOTATION.to_owned(), "true".to_owned()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api, model::ManagedKind, protocol::registration};

    /// Fields that registration decides itself, whatever the object had before.
    const DECIDED: [&str; 7] =
        ["tenantRef", "clientId", "consent", "scopes", "secret", "secretRef", "introspection"];

    #[test]
    fn an_update_replaces_or_preserves_each_field() {
        let schema = api::schema(ManagedKind::OidcClient).expect("a schema");
        let fields = schema["properties"]["spec"]["properties"].as_object().expect("fields");
        for field in fields.keys() {
            let lists = [
                registration::is_registrable(field),
                UNREGISTERED_FIELDS.contains(&&**field),
                DECIDED.contains(&&**field),
            ];
            let found = lists.iter().filter(|found| **found).count();
            assert_eq!(found, 1, "{field} must be in one list");
        }
    }

    #[test]
    fn an_update_preserves_fields_that_clients_cannot_register() {
        let before = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://a.test/cb"],
            "clientName": "Old",
            "lifetimes": { "accessToken": "1m" },
            "clientAssertionAudience": "Issuer",
            "ofANewerRelease": [1],
        });
        let registered = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://b.test/cb"],
            "scopes": ["openid"],
        });
        let Value::Object(registered) = registered else { panic!("an object") };
        let replaced = replaced(&before, registered).expect("it fits");
        let expected = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://b.test/cb"],
            "scopes": ["openid"],
            "lifetimes": { "accessToken": "1m" },
            "clientAssertionAudience": "Issuer",
            "ofANewerRelease": [1],
        });
        assert_eq!(Value::Object(replaced), expected);
    }
}

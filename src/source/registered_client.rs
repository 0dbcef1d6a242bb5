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

/// Converts a spec that registration has validated. `Refused` if it does not deserialize as that of an `OidcClient`.
pub(super) fn registered_client_spec(
    spec: Map<String, Value>,
) -> Result<OidcClientSpec, RegistrarError> {
    serde_json::from_value(spec.into()).map_err(|error| RegistrarError::Refused(error.to_string()))
}

/// Fields that an update never changes: clients cannot register them, or registration sets them once.
const PRESERVED_FIELDS: [&str; 19] = [
    "tenantRef",
    "clientId",
    "consent",
    "secret",
    "secretRef",
    "introspection",
    "lifetimes",
    "clientAssertionAudience",
    "refreshTokenRotation",
    "refreshTokenReuseWindow",
    "idTokenClaims",
    "accessTokenType",
    "requirePkce",
    "allowedOrigins",
    "access",
    "federatedCredentials",
    "profile",
    "messageSigning",
    "tlsClientAuth",
];

/// The annotation with the spec that the client asked for last. A field of the spec that differs from
/// it was set by an administrator.
const REQUESTED_SPEC_ANNOTATION: &str = "lanyard.dev/requested-spec";

/// A registered client after an update.
#[derive(Debug, PartialEq)]
pub(super) struct UpdatedClient {
    /// The spec to write, with the preserved fields.
    pub(super) spec: Map<String, Value>,
    /// The value of [`REQUESTED_SPEC_ANNOTATION`]: the spec as the client asked for it.
    requested: Map<String, Value>,
}

impl UpdatedClient {
    /// The client after an update with `spec`. The values of an administrator are preserved. These are the fields
    /// that clients cannot register, fields that were changed since the client's last request, and fields of a
    /// newer release. So an update cannot take back what was narrowed.
    pub(super) fn of(
        before: &Value,
        metadata: &ObjectMeta,
        spec: Map<String, Value>,
    ) -> Result<Self, RegistrarError> {
        let wished = normalized(&self::registered_client_spec(spec)?);
        let known = serde_json::from_value::<OidcClientSpec>(before.clone());
        let known = known.map_or_else(|_| object(before.clone()), |known| normalized(&known));
        let last = requested(metadata).unwrap_or_else(|| known.clone());
        let is_preserved = |name: &str| PRESERVED_FIELDS.contains(&name);
        let is_set = |name: &str| !is_preserved(name) && known.get(name) != last.get(name);
        let (mut spec, mut requested) = (wished.clone(), wished);
        for name in last.keys().chain(known.keys()).filter(|name| is_set(name)) {
            put(&mut spec, name, known.get(name));
            put(&mut requested, name, last.get(name));
        }
        for (name, value) in object(before.clone()) {
            if is_preserved(&name) || !known.contains_key(&name) {
                spec.insert(name, value);
            }
        }
        Ok(Self { spec, requested })
    }

    /// Records the request in the object's metadata.
    pub(super) fn annotate(&self, metadata: &mut ObjectMeta) {
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(REQUESTED_SPEC_ANNOTATION.to_owned(), json!(self.requested).to_string());
    }
}

/// The spec that the client asked for last; `None` if it is not recorded.
fn requested(metadata: &ObjectMeta) -> Option<Map<String, Value>> {
    serde_json::from_str(metadata.annotations.as_ref()?.get(REQUESTED_SPEC_ANNOTATION)?).ok()
}

/// A spec as JSON, with the fields in their usual form.
fn normalized(spec: &OidcClientSpec) -> Map<String, Value> {
    object(json!(spec))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value.clone())),
        None => drop(fields.remove(name)),
    }
}

/// The `OidcClient` to create for a client that registered itself, with its label and annotations.
pub(super) fn registered_client(new: &NewClient) -> Result<OidcClient, RegistrarError> {
    let hash = (REGISTRATION_TOKEN_ANNOTATION.to_owned(), new.token_hash.clone());
    let spec = registered_client_spec(new.spec.clone())?;
    let requested = (REQUESTED_SPEC_ANNOTATION.to_owned(), json!(spec).to_string());
    Ok(OidcClient {
        metadata: ObjectMeta {
            namespace: Some(new.object.namespace.to_string()),
            name: Some(new.object.name.to_string()),
            labels: Some([(REGISTERED_LABEL.to_owned(), "true".to_owned())].into()),
            annotations: Some([hash, requested].into()),
            // An API server sets this itself; a folder does not.
            creation_timestamp: jiff::Timestamp::from_second(new.at.secs()).ok().map(Time),
            ..ObjectMeta::default()
        },
        spec,
        status: None,
    })
}

/// The Secret of a client that was created with this UID, if it has a client secret.
pub(super) fn registered_client_secret(new: &NewClient, client: &OidcClient) -> Option<Secret> {
    let value = new.secret.as_ref()?.expose();
    let entry = |text: &str| ByteString(text.as_bytes().to_vec());
    let key = ObjectKey::new(&new.object.namespace, client.generated_secret_name());
    let object = ObjectRef::new(ManagedKind::OidcClient, new.object.clone());
    let annotation = owner::owner_annotation(object.kind.as_str(), &object.key.name);
    let mut metadata = owner::owned_metadata(&key, &annotation);
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
pub(super) fn check_registered_dynamically(client: &ObjectMeta) -> Result<(), RegistrarError> {
    let label = client.labels.as_ref().and_then(|labels| labels.get(REGISTERED_LABEL));
    let registered = label.is_some_and(|value| value == "true");
    let lives = client.deletion_timestamp.is_none();
    if registered && lives { Ok(()) } else { Err(RegistrarError::NotFound) }
}

/// Marks a client as used. Returns true if it was not marked before.
pub(super) fn annotate_as_used(client: &mut ObjectMeta) -> bool {
    let annotations = client.annotations.get_or_insert_default();
    annotations.insert(USED_ANNOTATION.to_owned(), "true".to_owned()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api, model::ManagedKind, protocol::registration};

    #[test]
    fn an_update_replaces_or_preserves_each_field() {
        let schema = api::kind_schema(ManagedKind::OidcClient).expect("a schema");
        let fields = schema["properties"]["spec"]["properties"].as_object().expect("fields");
        for field in fields.keys() {
            // `scopes` has another form in registrations: `scope`.
            let replaced = registration::is_registrable(field) || field == "scopes";
            let preserved = PRESERVED_FIELDS.contains(&&**field);
            assert!(replaced != preserved, "{field} must be replaced or preserved");
        }
    }

    fn fields(value: Value) -> Map<String, Value> {
        object(value)
    }

    fn asked_for(spec: &Value) -> ObjectMeta {
        let mut metadata = ObjectMeta::default();
        let requested = fields(spec.clone());
        UpdatedClient { spec: Map::new(), requested }.annotate(&mut metadata);
        metadata
    }

    #[test]
    fn an_update_preserves_what_an_administrator_set() {
        let first = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://a.test/cb", "https://b.test/cb"],
            "clientName": "Old",
            "consent": "Required",
            "scopes": ["openid", "email"],
            "policyUri": "https://a.test/policy",
        });
        let before = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://a.test/cb"],
            "clientName": "Old",
            "consent": "Required",
            "scopes": ["openid"],
            "secretRef": { "name": "ours" },
            "secret": { "name": "ours" },
            "introspection": "Tenant",
            "lifetimes": { "accessToken": "1m" },
            "clientAssertionAudience": "Issuer",
            "ofANewerRelease": [1],
        });
        let wished = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://a.test/cb", "https://b.test/cb"],
            "clientName": "New",
            "consent": "Required",
            "scopes": ["openid", "email"],
            "policyUri": "https://a.test/policy",
            "clientUri": "https://a.test",
        });
        let mut expected = before.clone();
        expected["clientName"] = json!("New");
        expected["clientUri"] = json!("https://a.test");
        let mut metadata = asked_for(&first);
        // The same update twice does not change that either.
        let mut spec = before;
        for _ in 0..2 {
            let updated = UpdatedClient::of(&spec, &metadata, fields(wished.clone()));
            let updated = updated.expect("it fits");
            updated.annotate(&mut metadata);
            spec = Value::Object(updated.spec);
            assert_eq!(spec, expected);
        }
    }

    #[test]
    fn an_update_replaces_what_the_client_registered() {
        let before = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://a.test/cb"],
            "clientName": "Old",
        });
        let wished = json!({
            "tenantRef": { "name": "main" },
            "redirectUris": ["https://b.test/cb"],
            "scopes": ["openid"],
        });
        for metadata in [asked_for(&before), ObjectMeta::default()] {
            let updated = UpdatedClient::of(&before, &metadata, fields(wished.clone()));
            assert_eq!(Value::Object(updated.expect("it fits").spec), wished);
        }
    }
}

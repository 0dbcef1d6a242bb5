//! Computes a client's Secret from the existing one. Pure. Preserves what others added, except
//! under names that the manifest uses.

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    api::owner,
    keys::KeyEntries,
    model::{ObjectKey, ObjectRef},
    registry::{ClientSecretValues, DesiredSecret},
};

use super::applied::AppliedMetadata;

/// The desired content of a client's Secret.
#[derive(Clone, Copy, Debug)]
pub struct DesiredClientSecret<'a> {
    /// The `OidcClient` that the Secret belongs to.
    pub client: &'a ObjectRef,
    /// The client's UID, if it has one.
    pub uid: Option<&'a str>,
    /// Names, labels, annotations and additional entries.
    pub secret: &'a DesiredSecret,
    /// The values of the Secret's entries.
    pub values: ClientSecretValues<'a>,
}

impl DesiredClientSecret<'_> {
    /// Namespace and name of the Secret.
    pub fn key(&self) -> &ObjectKey {
        &self.secret.key
    }

    fn owner(&self) -> String {
        owner::owner_annotation(self.client.kind.as_str(), &self.client.key.name)
    }

    /// A new Secret, without a client secret.
    pub fn new_secret(&self) -> Secret {
        Secret {
            metadata: owner::owned_metadata(self.key(), &self.owner()),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        }
    }

    /// Updates a Secret; `value` generates the client secret if the Secret has none.
    pub fn shape(&self, before: &Secret, value: impl FnOnce() -> ByteString) -> Secret {
        let desired = &*self.secret.shape;
        let was = AppliedMetadata::read(before);
        let now = AppliedMetadata::of(desired);
        let mut secret = before.clone();
        let secret_value = current_value(before, was.as_ref(), &now);
        let data = secret.data.get_or_insert_default();
        if let Some(was) = &was {
            data.retain(|entry, _| {
                !was.entries.contains(entry) && was.client_secret.as_ref() != Some(entry)
            });
        }
        let client_secret = desired.client_secret_key.as_ref();
        let client_secret =
            client_secret.map(|entry| (entry.clone(), secret_value.unwrap_or_else(value)));
        let text = client_secret.as_ref().map(|(_, value)| &*value.0);
        let entries = desired.entries(self.values, text);
        data.extend(
            entries.map(|(entry, value)| (entry.to_owned(), ByteString(value.into_owned()))),
        );
        data.extend(client_secret);
        self.shape_metadata(&mut secret, was.as_ref());
        now.write(&mut secret);
        secret
    }

    fn shape_metadata(&self, secret: &mut Secret, was: Option<&AppliedMetadata>) {
        let metadata = &mut secret.metadata;
        let labels = metadata.labels.get_or_insert_default();
        let annotations = metadata.annotations.get_or_insert_default();
        if let Some(was) = was {
            labels.retain(|label, _| !was.labels.contains(label));
            annotations.retain(|annotation, _| !was.annotations.contains(annotation));
        }
        labels.extend(self.secret.shape.labels.clone());
        annotations.extend(self.secret.shape.annotations.clone());
        owner::mark_owned(metadata, &self.owner());
        owner::set_owner_reference(metadata, self.client, self.uid);
    }
}

/// The client secret of an existing Secret, from the entry that Lanyard last wrote. Only that entry
/// is known to contain a client secret; an `extra` value must never become one.
fn current_value(
    before: &Secret,
    was: Option<&AppliedMetadata>,
    now: &AppliedMetadata,
) -> Option<ByteString> {
    let entry = match was {
        Some(was) => was.client_secret.as_ref(),
        // Without the annotation, the entry that the manifest names is the best guess.
        None => now.client_secret.as_ref(),
    };
    held(before.data.as_ref(), entry?)
}

/// The client secret that Lanyard wrote to a Secret, if any.
pub fn written_client_secret(secret: &Secret) -> Option<ByteString> {
    held(secret.data.as_ref(), &AppliedMetadata::read(secret)?.client_secret?)
}

fn held(data: Option<&KeyEntries>, entry: &str) -> Option<ByteString> {
    data?.get(entry).filter(|value| !value.0.is_empty()).cloned()
}

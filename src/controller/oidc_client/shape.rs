//! The Secret as a client wants it, made from the one that is there. Pure. What other people put
//! into it stays, save under names that the manifest asks for.

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    api::owner,
    keys::KeyEntries,
    model::{ClientId, Issuer, ObjectKey, ObjectRef},
    registry::DesiredSecret,
};

use super::applied::AppliedMetadata;

/// What a client wants in its Secret.
#[derive(Clone, Copy, Debug)]
pub struct DesiredClientSecret<'a> {
    /// The client.
    pub client: &'a ObjectRef,
    /// Its UID, where it has one.
    pub uid: Option<&'a str>,
    /// Names, labels, annotations, further entries.
    pub desired: &'a DesiredSecret,
    /// `client-id`.
    pub client_id: &'a ClientId,
    /// `issuer`.
    pub issuer: &'a Issuer,
}

impl DesiredClientSecret<'_> {
    /// Namespace and name of the Secret.
    pub fn key(&self) -> &ObjectKey {
        &self.desired.key
    }

    fn owner(&self) -> String {
        owner::annotation(self.client.kind.as_str(), &self.client.key.name)
    }

    /// A Secret that does not exist yet.
    pub fn new_secret(&self) -> Secret {
        Secret {
            metadata: owner::metadata(self.key(), &self.owner()),
            type_: Some("Opaque".to_owned()),
            ..Secret::default()
        }
    }

    /// The Secret in the shape wanted; `value` is the client secret for one that has none.
    pub fn shape(&self, before: &Secret, value: impl FnOnce() -> ByteString) -> Secret {
        let desired = &*self.desired.shape;
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
        data.insert(desired.client_id_key.clone(), bytes(self.client_id.as_str()));
        data.insert(desired.issuer_key.clone(), bytes(self.issuer.as_str()));
        data.extend(desired.extra.iter().map(|(entry, text)| (entry.clone(), bytes(text))));
        if let Some(entry) = &desired.client_secret_key {
            data.insert(entry.clone(), secret_value.unwrap_or_else(value));
        }
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
        labels.extend(self.desired.shape.labels.clone());
        annotations.extend(self.desired.shape.annotations.clone());
        owner::mark(metadata, &self.owner());
        owner::refer(metadata, self.client, self.uid);
    }
}

/// The client secret that a Secret holds: in the entry that was last asked for, which alone is
/// known to have been made for it or edited on purpose. An `extra` value never becomes one.
fn current_value(
    before: &Secret,
    was: Option<&AppliedMetadata>,
    now: &AppliedMetadata,
) -> Option<ByteString> {
    let entry = match was {
        Some(was) => was.client_secret.as_ref(),
        // The annotation was removed: the entry that is asked for is the best guess.
        None => now.client_secret.as_ref(),
    };
    held(before.data.as_ref(), entry?)
}

/// The client secret that was made for a Secret, if it has one.
pub fn made_value(secret: &Secret) -> Option<ByteString> {
    held(secret.data.as_ref(), &AppliedMetadata::read(secret)?.client_secret?)
}

fn held(data: Option<&KeyEntries>, entry: &str) -> Option<ByteString> {
    data?.get(entry).filter(|value| !value.0.is_empty()).cloned()
}

fn bytes(text: &str) -> ByteString {
    ByteString(text.as_bytes().to_vec())
}

//! Metadata of SOPS, which encrypts the values of a manifest and adds a field `sops` to it.

use serde_json::Value;

const FIELD: &str = "sops";
/// Start of an encrypted value.
const ENCRYPTED: &str = "ENC[AES256_GCM,";

/// Metadata that was removed from a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SopsMetadata {
    /// Some values are encrypted, so the manifest cannot be used.
    Encrypted,
    /// No value is encrypted, so the manifest is used without the metadata.
    Plain,
}

impl SopsMetadata {
    /// The warning about a manifest that had this metadata.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Encrypted => {
                "ignored, because it is encrypted with SOPS; pipe the output of \"sops -d\" to \
                 \"lanyard check -\" to include it"
            }
            Self::Plain => "the field sops is ignored",
        }
    }
}

/// Removes the metadata from a manifest, if there is any.
pub(super) fn remove_sops_metadata(manifest: &mut Value) -> Option<SopsMetadata> {
    let fields = manifest.as_object_mut()?;
    fields.get(FIELD)?.get("mac")?;
    fields.remove(FIELD);
    let encrypted = is_encrypted(manifest);
    Some(if encrypted { SopsMetadata::Encrypted } else { SopsMetadata::Plain })
}

fn is_encrypted(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with(ENCRYPTED),
        Value::Array(items) => items.iter().any(is_encrypted),
        Value::Object(fields) => fields.values().any(is_encrypted),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

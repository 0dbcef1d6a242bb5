//! The annotation that records what Lanyard last wrote to a client's Secret. It allows removing
//! what the manifest no longer contains, and moving the client secret when its entry is renamed.
//! The format is stable across releases: unknown members are ignored, missing ones are empty.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use serde::{Deserialize, Serialize};

use crate::registry::SecretTemplate;

/// The annotation of a client's Secret that lists what Lanyard wrote, as JSON.
const ANNOTATION: &str = "lanyard.dev/applied";

/// Names of everything that Lanyard wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppliedMetadata {
    /// The entry with the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The names of the other entries in `data`.
    pub entries: BTreeSet<String>,
    /// The names of the labels.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// The names of the annotations, without this one.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
}

impl AppliedMetadata {
    /// Names of everything that a template contains.
    pub fn of(desired: &SecretTemplate) -> Self {
        Self {
            client_secret: desired.client_secret_key.clone(),
            entries: desired.entry_names().map(str::to_owned).collect(),
            labels: desired.labels.keys().cloned().collect(),
            annotations: desired.annotations.keys().cloned().collect(),
        }
    }

    /// Reads the annotation; `None` if it is missing or malformed.
    pub fn read(secret: &Secret) -> Option<Self> {
        let text = secret.metadata.annotations.as_ref()?.get(ANNOTATION)?;
        serde_json::from_str(text).ok()
    }

    /// Sets the annotation of a Secret that is about to be written.
    pub fn write(&self, secret: &mut Secret) {
        let text = serde_json::to_string(self).expect("names serialise");
        let annotations = secret.metadata.annotations.get_or_insert_default();
        annotations.insert(ANNOTATION.to_owned(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str =
        r#"{"clientSecret":"password","entries":["client-id","issuer"],"labels":["app"]}"#;

    #[test]
    fn the_annotation_has_the_same_form_in_all_releases() {
        let read: AppliedMetadata = serde_json::from_str(GOLDEN).expect("read");
        assert_eq!(read.client_secret.as_deref(), Some("password"));
        let mut secret = Secret::default();
        read.write(&mut secret);
        let annotations = secret.metadata.annotations.clone().expect("annotations");
        assert_eq!(annotations[ANNOTATION], GOLDEN);
        assert_eq!(AppliedMetadata::read(&secret), Some(read));
    }

    #[test]
    fn unknown_members_are_ignored() {
        let text = GOLDEN.replace('{', r#"{"new":1,"#);
        assert!(serde_json::from_str::<AppliedMetadata>(&text).is_ok());
    }
}

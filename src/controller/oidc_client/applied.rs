//! What was last put into a client's Secret, kept in an annotation: so that what the manifest no
//! longer asks for can be taken out again, and a client secret whose entry gets another name moves
//! there. A contract across releases: unknown members are ignored, missing ones are empty.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use serde::{Deserialize, Serialize};

use crate::registry::SecretTemplate;

/// Where it is kept.
const ANNOTATION: &str = "lanyard.dev/applied";

/// Names of what was put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppliedMetadata {
    /// The entry of the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Other entries.
    pub entries: BTreeSet<String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub annotations: BTreeSet<String>,
}

impl AppliedMetadata {
    /// What a manifest asks for.
    pub fn of(desired: &SecretTemplate) -> Self {
        let mut entries: BTreeSet<String> = desired.extra.keys().cloned().collect();
        entries.insert(desired.client_id_key.clone());
        entries.insert(desired.issuer_key.clone());
        Self {
            client_secret: desired.client_secret_key.clone(),
            entries,
            labels: desired.labels.keys().cloned().collect(),
            annotations: desired.annotations.keys().cloned().collect(),
        }
    }

    /// What a Secret says of itself; `None` if it says nothing that can be read.
    pub fn read(secret: &Secret) -> Option<Self> {
        let text = secret.metadata.annotations.as_ref()?.get(ANNOTATION)?;
        serde_json::from_str(text).ok()
    }

    /// Writes it on a Secret.
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
    fn is_read_and_written_for_ever() {
        let read: AppliedMetadata = serde_json::from_str(GOLDEN).expect("read");
        assert_eq!(read.client_secret.as_deref(), Some("password"));
        let mut secret = Secret::default();
        read.write(&mut secret);
        let annotations = secret.metadata.annotations.clone().expect("annotations");
        assert_eq!(annotations[ANNOTATION], GOLDEN);
        assert_eq!(AppliedMetadata::read(&secret), Some(read));
    }

    #[test]
    fn what_a_newer_release_adds_is_ignored() {
        let text = GOLDEN.replace('{', r#"{"new":1,"#);
        assert!(serde_json::from_str::<AppliedMetadata>(&text).is_ok());
    }
}

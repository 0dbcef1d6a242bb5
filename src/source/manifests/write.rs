//! Writes objects as YAML.

use serde::Serialize;

/// Serializes an object as YAML.
pub fn to_yaml(object: &impl Serialize) -> String {
    serde_yaml::to_string(object).expect("Kubernetes objects serialise to YAML")
}

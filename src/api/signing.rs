//! Signing keys of a `Tenant`: algorithms, rotation and origin.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{EnumSpec, SecretKeyRef, rules};
use crate::model::SigningAlgorithm;

/// Algorithms, rotation and origin of the signing keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningSpec {
    /// Algorithms to keep keys for: `RS256`, `ES256`, `EdDSA`, `PS256`. The first is the default. RS256
    /// must be listed because OpenID Connect requires it, but not with `profile`. Default: `[RS256]`; with
    /// `profile`: `[ES256]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(validation = rules::unique())]
    pub algorithms: Vec<EnumSpec<SigningAlgorithm>>,
    /// How generated keys are rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSpec>,
    /// An existing Secret with private keys (PKCS#1, PKCS#8 or SEC1 PEM, a JWK or a JWK set), one
    /// key per entry; with `key` set, only that entry is used. Lanyard then generates and rotates
    /// no keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// Rotation of signing keys. A new key is published, then signs, then is retired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::published_before_signing())]
pub struct RotationSpec {
    /// How long a key signs before the next key replaces it. Default: `2160h` (90 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "87840h"))]
    pub interval: Option<String>,
    /// How long a new key is published before it signs, so that caches can fetch it. Default:
    /// `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "87840h"))]
    pub publish_ahead: Option<String>,
    /// How long a key stays published after the last token that it signed has expired. Default:
    /// `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("0s", "87840h"))]
    pub retain: Option<String>,
}

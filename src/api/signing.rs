//! A `Tenant`'s signing keys: algorithms, rotation, origin.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{SecretKeyRef, api_enum},
    rules,
};

/// Signing keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SigningSpec {
    /// Algorithms to keep keys for: `RS256`, `ES256`, `EdDSA`. The first is the default. RS256
    /// must be listed, since OpenID Connect requires it. Default: `[RS256]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(validation = rules::tenant::rs256_is_listed())]
    #[x_kube(validation = rules::unique())]
    pub algorithms: Vec<SigningAlgorithm>,
    /// How keys rotate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationSpec>,
    /// A Secret with private keys of your own (PKCS#1, PKCS#8 or SEC1 PEM, or a JWK or JWK set),
    /// one entry a key (or only the entry named by `key`). They are used as they are: Lanyard then
    /// makes and rotates none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

api_enum!(
    /// A signing algorithm.
    SigningAlgorithm {
        /// RSA, 2048 bits.
        RS256 = "RS256",
        /// ECDSA on P-256.
        ES256 = "ES256",
        /// Ed25519.
        EdDSA = "EdDSA",
    }
);

/// Publish, sign, retire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::tenant::published_before_signing())]
pub struct RotationSpec {
    /// How long a key signs before the next one does. Default: `2160h` (90 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "87840h"))]
    pub interval: Option<String>,
    /// How long a new key is published before it signs, so that every cache has it. Default: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("1s", "87840h"))]
    pub publish_ahead: Option<String>,
    /// How long a key stays published after the last token that it signed has expired.
    /// Default: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = rules::duration())]
    #[x_kube(validation = rules::between("0s", "87840h"))]
    pub retain: Option<String>,
}

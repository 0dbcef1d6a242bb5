//! Identities of other issuers that authenticate a client.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec,
        rules::{self, client},
    },
    model::TokenValidation,
};

/// An identity of another issuer that authenticates the client, so that it needs no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = client::one_issuer())]
#[x_kube(validation = client::one_subject())]
pub struct FederatedCredentialSpec {
    /// The issuer that signs the tokens, exactly as it is in their `iss`: of a CI service, another
    /// cluster, or a SPIFFE trust domain. It cannot be the cluster that Lanyard runs in, or the
    /// issuer of a tenant of this installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::web_url())]
    pub issuer: Option<String>,
    /// A ServiceAccount of the cluster that Lanyard runs in, instead of `issuer` and `subject`. Its Pods
    /// authenticate by their projected tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountRef>,
    /// The issuer's public keys as a JWK Set. Default: those of its discovery document
    /// (`/.well-known/openid-configuration` below the issuer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub jwks: Option<serde_json::Value>,
    /// The exact `sub` of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = client::federated_subject())]
    pub subject: Option<String>,
    /// A pattern of `sub`, in which `*` stands for any text without `:` and `/`, instead of
    /// `subject`. It begins with text before the first `*`. Requests must have a `client_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = client::subject_pattern())]
    pub subject_pattern: Option<String>,
    /// The only `aud` of the tokens. Default: the tenant's issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = client::federated_subject())]
    pub audience: Option<String>,
    /// Further claims that the tokens must have, with their values. All must be equal; a number or
    /// a boolean is written as text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub claims: BTreeMap<String, String>,
}

/// A ServiceAccount of the client's namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountRef {
    /// Name of the ServiceAccount. It may be created later.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
    /// Whether the API server is asked about each token (`TokenReview`), which then refuses tokens of
    /// deleted Pods at once. The chart permits it with `serviceAccountTokens.review`. Default: `Signature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<EnumSpec<TokenValidation>>,
}

//! How the claims of a provider become an account, with examples.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::rules::{self, provider};

/// Where the parts of an account come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimMappingsSpec {
    /// The username, which is also the claim `preferred_username`. Default: the claim
    /// `preferred_username`, `login` at GitHub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<TextMappingSpec>,
    /// The claim `name`. Default: the claim `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<TextMappingSpec>,
    /// The claim `email`. Default: the claim `email`. `claim: ""` gives no e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailMappingSpec>,
    /// Whether the e-mail address is verified. Default: the claim `email_verified`; absent if the
    /// provider does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<ValueMappingSpec>,
    /// The groups. Default: the claim `groups`, as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsMappingSpec>,
    /// Further claims, for the scopes of the tenant and for rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["key"]))]
    pub extra: Vec<ExtraMappingSpec>,
}

/// A text: the value of a claim, or of an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::claim_or_expression())]
pub struct TextMappingSpec {
    /// Name of the provider's claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub claim: Option<String>,
    /// A CEL expression over `claims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub expression: Option<String>,
    /// Text before the value of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::visible())]
    pub prefix: Option<String>,
}

/// The e-mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::claim_or_expression())]
pub struct EmailMappingSpec {
    /// Name of the provider's claim; empty: the account has no e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub claim: Option<String>,
    /// A CEL expression over `claims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub expression: Option<String>,
}

/// A value: that of a claim, or of an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::claim_or_expression())]
pub struct ValueMappingSpec {
    /// Name of the provider's claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub claim: Option<String>,
    /// A CEL expression over `claims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub expression: Option<String>,
}

/// The groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::claim_or_expression())]
pub struct GroupsMappingSpec {
    /// Name of the provider's claim: a list of texts, or one text. A claim that the provider does not
    /// send makes the sign-in fail; without this field it means that there are no groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub claim: Option<String>,
    /// A CEL expression over `claims`: a list of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub expression: Option<String>,
    /// The groups that are used; `*` stands for any text. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub include: Vec<String>,
    /// Text before each group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = rules::visible())]
    pub prefix: Option<String>,
}

/// A further claim of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtraMappingSpec {
    /// Name of the claim here.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// A CEL expression over `claims`.
    #[schemars(length(min = 1, max = 1024))]
    pub value_expression: String,
}

/// A requirement on the provider's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = provider::claim_rule())]
pub struct ClaimValidationRuleSpec {
    /// Name of a claim that must have the value `requiredValue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub claim: Option<String>,
    /// The text that the claim must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub required_value: Option<String>,
    /// A CEL expression over `claims` that must be true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub expression: Option<String>,
    /// Shown to a person who does not meet the requirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::visible())]
    pub message: Option<String>,
}

/// A requirement on the person that the claims become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserValidationRuleSpec {
    /// A CEL expression over `claims` and `user` that must be true.
    #[schemars(length(min = 1, max = 1024))]
    pub expression: String,
    /// Shown to a person who does not meet the requirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::visible())]
    pub message: Option<String>,
}

/// Claims as the provider would send them, and their result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExampleSpec {
    /// The provider's claims, at most 4 KiB.
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub claims: Map<String, Value>,
    /// The expected account: `username`, `email`, `emailVerified`, `name`, `groups`, `extra` as
    /// far as they are given; or `refused: true`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
    pub expects: Map<String, Value>,
}

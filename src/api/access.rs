//! The people who may enter: `spec.access` of `Tenant` and `OidcClient`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The people who may enter. Every restriction that is set must let a person in. They are asked
/// before each token and at each use of one; nothing is revoked, so a person who may enter again
/// does so with the same session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessSpec {
    /// Identity providers whose people may enter, by name. `Local` stands for users with a password.
    /// Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    pub providers: Vec<String>,
    /// Groups of which a person must have at least one. Default: none is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub groups: Vec<String>,
    /// The level of the tenant's `acrLevels` that a sign-in must have reached. A better one, which
    /// the tenant lists before it, suffices too. A person whose sign-in has not reached it is asked to
    /// sign in again with more methods, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub acr: Option<String>,
    /// Conditions that must all be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub rules: Vec<AccessRuleSpec>,
    /// Text for people who may not enter, such as whom to ask. A rule may have its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub message: Option<String>,
}

/// A condition of entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRuleSpec {
    /// A CEL expression that gives true for people who may enter. Its variables are `user`
    /// (`username`, `uid`, `email`, `emailVerified`, `groups`, `extra`, `provider`, `acr`, `amr`) and
    /// `client` (`id`, `name`, `namespace`). A person for whom it fails may not enter.
    #[schemars(length(min = 1, max = 1024))]
    pub expression: String,
    /// Text for people whom this rule refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub message: Option<String>,
}

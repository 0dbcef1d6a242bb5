//! Message signing of FAPI 2.0, a part of `Tenant` and `OidcClient`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The parts of FAPI 2.0 Message Signing that are required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSigningSpec {
    /// Whether authorization requests must be signed request objects. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<bool>,
    /// Whether authorization responses are JWTs (JARM), which each request asks for by `response_mode`. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<bool>,
    /// Whether responses of introspection are JWTs (RFC 9701). Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<bool>,
}

//! The parameter `claims` (OIDC Core §5.5): individually requested claims, including `sub`,
//! `auth_time` and `acr`. Unknown members are ignored, as the specification requires. Invalid JSON
//! is an error.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        records::RequestedClaims,
    },
    parameters::{AuthorizationParameter, AuthorizationParams},
    requested_acr::RequestedAcr,
};
use crate::model::{Client, Subject, Tenant};

/// Maximum number of claims, more than any application needs.
const MAX_CLAIMS: usize = 64;

/// The parts of the parameter `claims` that have an effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimsRequest {
    /// Claims about the user, by destination.
    pub(super) claims: RequestedClaims,
    /// The users allowed to answer (`sub` with values).
    pub(super) subjects: Option<BTreeSet<Subject>>,
    /// Whether ID tokens must contain `auth_time`.
    pub(super) auth_time: bool,
    /// The requested levels of assurance.
    pub(super) acr: Option<RequestedAcr>,
}

pub(super) fn check_requested_claims(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
    client: &Client,
) -> Result<ClaimsRequest, OAuthError> {
    let Some(text) = params.get(AuthorizationParameter::Claims) else {
        return Ok(ClaimsRequest::default());
    };
    let members: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| invalid("The parameter 'claims' is not a JSON object."))?;
    let member = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(asked)) => Ok(asked.clone()),
        Some(_) => Err(invalid("'userinfo' and 'id_token' in 'claims' must be JSON objects.")),
    };
    let (userinfo, id_token) = (member("userinfo")?, member("id_token")?);
    let names = |asked: &Map<String, Value>| {
        asked
            .keys()
            .filter(|name| may_request(tenant, client, name))
            .take(MAX_CLAIMS)
            .cloned()
            .collect()
    };
    Ok(ClaimsRequest {
        claims: RequestedClaims { userinfo: names(&userinfo), id_token: names(&id_token) },
        subjects: intersect_subjects(subjects(&id_token), subjects(&userinfo)),
        auth_time: id_token.contains_key("auth_time"),
        acr: id_token
            .get("acr")
            .map(|asked| RequestedAcr { values: values(asked), essential: is_essential(asked) }),
    })
}

/// Rule: an application can request only claims that one of its scopes includes.
fn may_request(tenant: &Tenant, client: &Client, name: &str) -> bool {
    client.scopes.iter().any(|scope| super::super::claims::scope_has_claim(tenant, scope, name))
}

/// Returns the values of `sub`: the response must be for one of these users (OIDC Core §5.5.1).
fn subjects(asked: &Map<String, Value>) -> Option<BTreeSet<Subject>> {
    let values = values(asked.get("sub")?);
    (!values.is_empty()).then(|| values.into_iter().map(Subject::new).collect())
}

/// Returns the intersection of two sets of users. `None` means any user.
pub(super) fn intersect_subjects(
    one: Option<BTreeSet<Subject>>,
    other: Option<BTreeSet<Subject>>,
) -> Option<BTreeSet<Subject>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(&one & &other),
        (one, other) => one.or(other),
    }
}

fn is_essential(asked: &Value) -> bool {
    asked.get("essential").and_then(Value::as_bool).unwrap_or_default()
}

/// Returns the strings in `value` and `values`.
fn values(asked: &Value) -> Vec<String> {
    let one = asked.get("value").into_iter();
    let many = asked.get("values").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).filter_map(Value::as_str).map(str::to_owned).take(MAX_CLAIMS).collect()
}

fn invalid(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

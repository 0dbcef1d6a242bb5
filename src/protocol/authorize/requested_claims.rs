//! The parameter `claims` (OIDC Core §5.5): claims asked for by name, `sub` and `auth_time` among
//! them. What is not understood is ignored, as the specification wants; what is no JSON is refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::RequestedClaims,
    },
    acr::RequestedAcr,
};
use crate::model::{Client, Subject, Tenant};

/// More names than any application needs.
const MAX_CLAIMS: usize = 64;

/// What the parameter asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimsRequest {
    /// Claims of the person, by where they go.
    pub(super) claims: RequestedClaims,
    /// The only people who may answer (`sub` with values).
    pub(super) subjects: Option<BTreeSet<Subject>>,
    /// Whether ID tokens must say when the person signed in.
    pub(super) auth_time: bool,
    /// Levels of assurance.
    pub(super) acr: Option<RequestedAcr>,
}

pub(super) fn check(
    params: &RequestParams,
    tenant: &Tenant,
    client: &Client,
) -> Result<ClaimsRequest, OAuthError> {
    let Some(text) = params.get("claims") else { return Ok(ClaimsRequest::default()) };
    let members: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| invalid("The parameter 'claims' is no JSON object."))?;
    let member = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(asked)) => Ok(asked.clone()),
        Some(_) => Err(invalid("'userinfo' and 'id_token' in 'claims' are JSON objects.")),
    };
    let (userinfo, id_token) = (member("userinfo")?, member("id_token")?);
    let names = |asked: &Map<String, Value>| {
        asked
            .keys()
            .filter(|name| may_have(tenant, client, name))
            .take(MAX_CLAIMS)
            .cloned()
            .collect()
    };
    Ok(ClaimsRequest {
        claims: RequestedClaims { userinfo: names(&userinfo), id_token: names(&id_token) },
        subjects: both(subjects(&id_token), subjects(&userinfo)),
        auth_time: id_token.contains_key("auth_time"),
        acr: id_token
            .get("acr")
            .map(|asked| RequestedAcr { values: values(asked), essential: is_essential(asked) }),
    })
}

/// Rule: an application gets by name what one of its scopes could give it, and nothing else.
fn may_have(tenant: &Tenant, client: &Client, name: &str) -> bool {
    client.scopes.iter().any(|scope| super::super::claims::gives(tenant, scope, name))
}

/// `sub` with values: one of those people and nobody else (OIDC Core §5.5.1).
fn subjects(asked: &Map<String, Value>) -> Option<BTreeSet<Subject>> {
    let values = values(asked.get("sub")?);
    (!values.is_empty()).then(|| values.into_iter().map(Subject::new).collect())
}

/// Who meets both of two demands; without any demand, everyone does.
pub(super) fn both(
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

/// `value` or `values`, those that are text.
fn values(asked: &Value) -> Vec<String> {
    let one = asked.get("value").into_iter();
    let many = asked.get("values").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).filter_map(Value::as_str).map(str::to_owned).take(MAX_CLAIMS).collect()
}

fn invalid(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

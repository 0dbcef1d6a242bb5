//! Makes grant types and response types consistent (OIDC Registration §2, RFC 7591 §2.1). The
//! server may replace inconsistent values; the response contains the registered ones.

use serde_json::{Map, Value};

use crate::model::{GrantType, ResponseType};

const GRANT_TYPES_FIELD: &str = "grantTypes";
const RESPONSES: &str = "responseTypes";

/// Fills in missing grant types and response types from each other, or with the defaults of the
/// specification.
pub(super) fn complete_flows(spec: &mut Map<String, Value>) {
    let (written, responses) = (texts(spec, GRANT_TYPES_FIELD), texts(spec, RESPONSES));
    let mut grants = written.clone();
    let mut needed: Vec<&str> = Vec::new();
    for response in &responses {
        let mut words: Vec<&str> = response.split(' ').collect();
        words.sort_unstable();
        // Unknown values stay, and validation rejects them later.
        let known = words.join(" ").parse::<ResponseType>();
        needed.extend(known.iter().flat_map(|it| it.grant_types()).map(|it| it.as_str()));
    }
    if responses.is_empty() {
        needed.extend(match has(&written, GrantType::Implicit) {
            _ if written.is_empty() || has(&written, GrantType::AuthorizationCode) => {
                Some(GrantType::AuthorizationCode.as_str())
            }
            true => Some(GrantType::Implicit.as_str()),
            false => None,
        });
    }
    for grant in needed.iter().filter(|grant| !written.iter().any(|it| it == *grant)) {
        if !grants.iter().any(|it| it == grant) {
            grants.push((*grant).to_owned());
        }
    }
    // Drop grant types for which no response type was requested.
    let is_redirected = |it: &str| it.parse::<GrantType>().is_ok_and(GrantType::has_response_types);
    grants.retain(|it| !is_redirected(it) || needed.contains(&it.as_str()));
    if responses.is_empty() && has(&grants, GrantType::AuthorizationCode) {
        put(spec, RESPONSES, vec![ResponseType::Code.as_str().to_owned()]);
    }
    put(spec, GRANT_TYPES_FIELD, grants);
}

fn has(grants: &[String], grant: GrantType) -> bool {
    grants.iter().any(|it| it == grant.as_str())
}

fn texts(spec: &Map<String, Value>, name: &str) -> Vec<String> {
    let values = spec.get(name).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn put(spec: &mut Map<String, Value>, name: &str, values: Vec<String>) {
    spec.insert(name.to_owned(), values.into());
}

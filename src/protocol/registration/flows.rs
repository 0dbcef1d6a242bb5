//! Grant types and response types that agree (OIDC Registration §2, RFC 7591 §2.1). A server may
//! replace what does not: the answer says what was registered.

use serde_json::{Map, Value};

use crate::model::{GrantType, ResponseType};

const GRANT_TYPES_FIELD: &str = "grantTypes";
const RESPONSES: &str = "responseTypes";

/// Fills in the one from the other, with the specification's defaults where both are missing.
pub(super) fn complete(spec: &mut Map<String, Value>) {
    let (written, responses) = (texts(spec, GRANT_TYPES_FIELD), texts(spec, RESPONSES));
    let mut grants = written.clone();
    let mut needed: Vec<&str> = Vec::new();
    for response in &responses {
        let mut words: Vec<&str> = response.split(' ').collect();
        words.sort_unstable();
        // What is unknown is left to be refused.
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
    // A grant type whose response types were not asked for has nothing to come from.
    let redirected = [GrantType::AuthorizationCode, GrantType::Implicit].map(GrantType::as_str);
    grants.retain(|it| !redirected.contains(&it.as_str()) || needed.contains(&it.as_str()));
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

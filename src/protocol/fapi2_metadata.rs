//! Discovery metadata of a tenant under a profile of FAPI 2.0: what the profile turns off is not advertised.

use serde_json::{Map, Value};

use crate::model::{FAPI2_AUTH_METHODS, FAPI2_JWS_ALGORITHMS, Fapi2Rules, GrantType, JwsAlgorithm};

/// The endpoints at which clients authenticate.
const ENDPOINTS: [&str; 3] = ["token", "introspection", "revocation"];

/// Removes what the profile turns off, and adds what it requires.
pub(super) fn restrict_to_fapi2(document: &mut Map<String, Value>, rules: Fapi2Rules) {
    let algorithms = FAPI2_JWS_ALGORITHMS.map(JwsAlgorithm::as_str);
    for endpoint in ENDPOINTS {
        let methods = format!("{endpoint}_endpoint_auth_methods_supported");
        retain(document, &methods, |method| {
            FAPI2_AUTH_METHODS.iter().any(|allowed| allowed.as_str() == method)
        });
        retain(document, &format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), |it| {
            algorithms.contains(&it)
        });
    }
    for field in
        ["request_object_signing_alg_values_supported", "dpop_signing_alg_values_supported"]
    {
        retain(document, field, |algorithm| algorithms.contains(&algorithm));
    }
    retain(document, "grant_types_supported", |grant| {
        grant.parse::<GrantType>().is_ok_and(GrantType::is_fapi2)
    });
    retain(document, "response_types_supported", |response_type| response_type == "code");
    if rules.signed_responses {
        retain(document, "response_modes_supported", |mode| mode.ends_with("jwt"));
    }
    if rules.signed_requests {
        // RFC 9101 §10.5
        document.insert("require_signed_request_object".to_owned(), true.into());
    }
}

/// Removes values of a list.
fn retain(document: &mut Map<String, Value>, field: &str, keeps: impl Fn(&str) -> bool) {
    if let Some(list) = document.get_mut(field).and_then(Value::as_array_mut) {
        list.retain(|value| value.as_str().is_some_and(&keeps));
    }
}

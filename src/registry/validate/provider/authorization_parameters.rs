//! Further parameters of the authorization request to an OpenID provider.

use super::{ProblemList, visible_text};
use crate::{api::OidcProviderSpec, model::RESERVED_AUTHORIZATION_PARAMETERS};

/// The parameters whose values are checked.
const CHECKED: [&str; 2] = ["prompt", "response_mode"];

/// Validates `spec.oidc.authorizationParameters`, and returns names with values in their order.
pub(super) fn authorization_parameters(
    problems: &mut ProblemList,
    spec: &OidcProviderSpec,
) -> Vec<(String, String)> {
    const FIELD: &str = "spec.oidc.authorizationParameters";
    let mut checked: Vec<(String, String)> = Vec::new();
    for (index, parameter) in spec.authorization_parameters.iter().enumerate() {
        let (name, value) = (&parameter.name, &parameter.value);
        let of = |member: &str| format!("{FIELD}[{index}].{member}");
        if let Some(message) = name_problem(name) {
            problems.invalid(of("name"), message);
        }
        if checked.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            problems.invalid(of("name"), format!("{name:?} is there twice; remove one"));
        }
        visible_text(problems, &of("value"), value);
        if let Some(message) = value_problem(name, value) {
            problems.invalid(of("value"), message);
        }
        checked.push((name.clone(), value.clone()));
    }
    checked
}

/// The reason why a request cannot have a parameter with this name (RFC 6749 Appendix A.1). Some servers
/// ignore the case of names.
fn name_problem(name: &str) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) {
        return Some(
            "must be the name of a parameter: letters, digits, '-', '.' and '_'".to_owned(),
        );
    }
    let is_reserved =
        RESERVED_AUTHORIZATION_PARAMETERS.iter().any(|it| name.eq_ignore_ascii_case(it));
    if let Some(known) = CHECKED.iter().find(|it| name.eq_ignore_ascii_case(it) && name != **it) {
        return Some(format!("must be written {known:?}; names of parameters are case-sensitive"));
    }
    is_reserved.then(|| {
        format!("{name:?} is set by Lanyard or the application for each request; remove it")
    })
}

fn value_problem(name: &str, value: &str) -> Option<&'static str> {
    match name {
        "prompt" if value.split_ascii_whitespace().any(|it| it == "none") => {
            Some("must not be none, with which no user could sign in; remove it")
        }
        "response_mode" if !matches!(value, "query" | "form_post") => {
            Some("must be query or form_post, which the redirect URI takes")
        }
        _ => None,
    }
}

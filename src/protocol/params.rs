//! Parses request parameters and rejects duplicates (RFC 6749 §3.1, §3.2).

use std::collections::BTreeMap;

use super::{
    authorization_parameter::is_repeatable_parameter,
    error::{ErrorCode, OAuthError},
};

/// The parameter of token requests that may repeat (RFC 8693 §2.1).
const AUDIENCE: &str = "audience";
/// The parameter with the languages of a person, in order of preference (OIDC Core §3.1.2.1).
pub const UI_LOCALES: &str = "ui_locales";
/// Maximum number of parameters, more than any request needs.
const MAX_PARAMETERS: usize = 100;
/// Longer names are not repeated in errors.
const MAX_ECHOED_LEN: usize = 64;

/// The parameters of a request. Values are not empty, and names are unique unless they may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestParams {
    values: BTreeMap<String, String>,
    /// The values of parameters that may repeat.
    repeated: BTreeMap<String, Vec<String>>,
    /// Names that occurred more than once. `reject_duplicates` rejects them, but pages need the
    /// other parameters.
    duplicates: Vec<String>,
}

impl RequestParams {
    /// Parses an untrusted query or body. Too many parameters are an error, because a dropped one
    /// could change the meaning of the request.
    pub fn read(bytes: &[u8]) -> Result<Self, OAuthError> {
        // Each non-empty part between `&` is a parameter.
        let mut pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if pairs.nth(MAX_PARAMETERS).is_none() {
            return Ok(Self::parse(bytes));
        }
        let text = format!("The request has more than {MAX_PARAMETERS} parameters.");
        Err(OAuthError::new(ErrorCode::InvalidRequest, text))
    }

    /// Parses `application/x-www-form-urlencoded` bytes with a bounded number of parameters. Empty
    /// values are treated as absent (RFC 6749 §3.1). Never fails; see `reject_duplicates`.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            if value.is_empty() {
                continue;
            }
            if may_repeat(&name) {
                let values = params.repeated.entry(name.into_owned()).or_default();
                values.push(value.into_owned());
            } else if params.values.contains_key(name.as_ref()) {
                params.duplicates.push(name.into_owned());
            } else {
                params.values.insert(name.into_owned(), value.into_owned());
            }
        }
        params
    }

    /// Removes the value of a parameter that occurs once, if it has one.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Replaces the value of a parameter. An empty value removes it.
    pub fn replace(&mut self, name: &str, value: String) {
        if value.is_empty() {
            self.remove(name);
        } else {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// Replaces the values of a parameter that may repeat.
    pub fn replace_all(&mut self, name: &str, values: Vec<String>) {
        self.repeated.insert(name.to_owned(), values);
    }

    /// Returns the parameters, or an error if one occurred twice.
    pub fn reject_duplicates(self) -> Result<Self, OAuthError> {
        self.check_duplicates().map(|()| self)
    }

    /// Rule: no parameter occurs twice (RFC 6749 §3.1), unless it may repeat.
    pub fn check_duplicates(&self) -> Result<(), OAuthError> {
        self.duplicates.first().map_or(Ok(()), |name| Err(sent_twice(name)))
    }

    /// Returns the names that occurred more than once.
    pub fn duplicates(&self) -> &[String] {
        &self.duplicates
    }

    /// Returns the value of a parameter that may not repeat.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns a parameter's value, or `invalid_request` if it is missing.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            OAuthError::new(
                ErrorCode::InvalidRequest,
                format!("The parameter '{name}' is missing."),
            )
        })
    }

    /// Iterates over all values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let repeated = self.repeated.get(name).into_iter().flatten();
        self.values.get(name).into_iter().chain(repeated).map(String::as_str)
    }
}

/// Returns true if a parameter may occur more than once, at any endpoint.
pub fn may_repeat(name: &str) -> bool {
    name == AUDIENCE || is_repeatable_parameter(name)
}

/// Returns the error for a duplicate parameter. Names that no specification would use are not
/// repeated, because attackers could put a message to users into them.
pub(super) fn sent_twice(name: &str) -> OAuthError {
    let plain = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
    let text = if name.len() <= MAX_ECHOED_LEN && name.chars().all(plain) {
        format!("The parameter '{name}' was sent more than once.")
    } else {
        "A parameter was sent more than once.".to_owned()
    };
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_parameters_are_rejected() {
        let padded = |padding: usize| format!("{}client_id=a", "x=1&".repeat(padding));
        let fits = RequestParams::read(padded(MAX_PARAMETERS - 1).as_bytes()).expect("it fits");
        assert_eq!(fits.get("client_id"), Some("a"), "the last one is read");
        let refused =
            RequestParams::read(padded(MAX_PARAMETERS).as_bytes()).expect_err("one too many");
        assert_eq!(refused.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn errors_repeat_only_plausible_names() {
        let twice = |name: &str| {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let checked =
                RequestParams::parse(format!("{name}=1&{name}=2").as_bytes()).reject_duplicates();
            checked.expect_err("twice").public
        };
        assert_eq!(
            twice("code_verifier"),
            "The parameter 'code_verifier' was sent more than once."
        );
        for stranger in ["Your account is locked, call 1-800", &"n".repeat(MAX_ECHOED_LEN + 1)] {
            assert_eq!(twice(stranger), "A parameter was sent more than once.");
        }
    }
}

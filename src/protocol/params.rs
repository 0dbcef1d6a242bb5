//! Request parameters: bytes → names and values, duplicates refused (RFC 6749 §3.1, §3.2).

use std::collections::BTreeMap;

use super::error::{ErrorCode, OAuthError};

/// More parameters than any request needs.
const MAX_PARAMETERS: usize = 100;
/// Longer names are not repeated in errors.
const MAX_ECHOED_LEN: usize = 64;

/// The parameters of one request: each name once, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestParams {
    values: BTreeMap<String, String>,
    /// Values of `resource`, the one parameter that may repeat (RFC 8707 §2).
    resources: Vec<String>,
    /// Names that came more than once: refused by `checked`, but pages need the others.
    duplicates: Vec<String>,
}

impl RequestParams {
    /// Reads what somebody has sent, a query or a body. More parameters than any request needs are
    /// refused: one that was left out could be what changes the request's meaning.
    pub fn read(bytes: &[u8]) -> Result<Self, OAuthError> {
        // What stands between `&` is one, or nothing.
        let mut pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        if pairs.nth(MAX_PARAMETERS).is_none() {
            return Ok(Self::parse(bytes));
        }
        let text = format!("The request has more than {MAX_PARAMETERS} parameters.");
        Err(OAuthError::new(ErrorCode::InvalidRequest, text))
    }

    /// Parses `application/x-www-form-urlencoded` bytes of a bounded number of parameters. Empty
    /// values count as absent (RFC 6749 §3.1). Never fails; see `checked`.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            if value.is_empty() {
                continue;
            }
            if name == "resource" {
                params.resources.push(value.into_owned());
            } else if params.values.contains_key(name.as_ref()) {
                params.duplicates.push(name.into_owned());
            } else {
                params.values.insert(name.into_owned(), value.into_owned());
            }
        }
        params
    }

    /// Removes a parameter.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Puts a value in the place of a parameter's own; an empty one counts as absent.
    pub fn replace(&mut self, name: &str, value: String) {
        if value.is_empty() {
            self.remove(name);
        } else {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// Puts others in the place of the values of `resource`.
    pub fn replace_resources(&mut self, resources: Vec<String>) {
        self.resources = resources;
    }

    /// The same, unless a parameter was sent twice.
    pub fn reject_duplicates(self) -> Result<Self, OAuthError> {
        self.check_duplicates().map(|()| self)
    }

    /// Rule: no parameter comes twice (RFC 6749 §3.1), save `resource` (RFC 8707 §2).
    pub fn check_duplicates(&self) -> Result<(), OAuthError> {
        self.duplicates.first().map_or(Ok(()), |name| Err(sent_twice(name)))
    }

    /// Names that came more than once.
    pub fn duplicates(&self) -> &[String] {
        &self.duplicates
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A parameter's value, or `invalid_request`.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            OAuthError::new(
                ErrorCode::InvalidRequest,
                format!("The parameter '{name}' is missing."),
            )
        })
    }

    /// The values of `resource`.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// Every parameter but `resource`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The error of a parameter sent twice. A name that no specification would give, as long as a
/// stranger likes and with words for people in it, is not repeated.
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
    fn a_request_with_more_parameters_than_any_needs_is_refused() {
        let padded = |padding: usize| format!("{}client_id=a", "x=1&".repeat(padding));
        let fits = RequestParams::read(padded(MAX_PARAMETERS - 1).as_bytes()).expect("it fits");
        assert_eq!(fits.get("client_id"), Some("a"), "the last one counts");
        let refused =
            RequestParams::read(padded(MAX_PARAMETERS).as_bytes()).expect_err("one too many");
        assert_eq!(refused.code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_name_is_repeated_only_if_it_could_be_one() {
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

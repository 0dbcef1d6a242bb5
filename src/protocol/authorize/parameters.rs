//! The parameters of an authorization request. The rules read parameters only by [`AuthorizationParameter`], so a
//! parameter without a row in its table cannot have an effect, and a parameter with a row is preserved while
//! the user signs in.

use form_urlencoded::Serializer;

pub(super) use super::super::authorization_parameter::{AuthorizationParameter, RequestObjectRule};
use super::super::{
    error::OAuthError,
    params::{RequestParams, sent_twice},
};

/// The bytes of a usual query, so that few queries are copied while they grow.
const USUAL_QUERY_LEN: usize = 512;

/// The supported parameters of an authorization request. Others have no effect (RFC 6749 §3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct AuthorizationParams<'a>(&'a RequestParams);

impl<'a> AuthorizationParams<'a> {
    pub(super) const fn new(params: &'a RequestParams) -> Self {
        Self(params)
    }

    /// Returns a parameter's value.
    pub(super) fn get(self, parameter: AuthorizationParameter) -> Option<&'a str> {
        self.0.get(parameter.name())
    }

    /// Iterates over all values of a parameter.
    pub(super) fn all(self, parameter: AuthorizationParameter) -> impl Iterator<Item = &'a str> {
        self.0.all(parameter.name())
    }

    /// Returns a parameter's value, or `invalid_request` if it is missing.
    pub(super) fn require(self, parameter: AuthorizationParameter) -> Result<&'a str, OAuthError> {
        self.0.require(parameter.name())
    }

    /// Checks that a parameter that later checks of other parameters depend on was not sent more than once (RFC 6749
    /// §3.1).
    pub(super) fn check_single(self, parameter: AuthorizationParameter) -> Result<(), OAuthError> {
        if self.is_duplicate(parameter) { Err(sent_twice(parameter.name())) } else { Ok(()) }
    }

    /// Returns true if a parameter was sent more than once.
    pub(super) fn is_duplicate(self, parameter: AuthorizationParameter) -> bool {
        self.0.duplicates().iter().any(|name| name == parameter.name())
    }

    /// Rule: no parameter occurs twice, whether it is supported or not.
    pub(super) fn check_duplicates(self) -> Result<(), OAuthError> {
        self.0.check_duplicates()
    }

    /// Encodes the supported parameters as a query string.
    pub(super) fn to_query(self) -> String {
        let mut query = Serializer::new(String::with_capacity(USUAL_QUERY_LEN));
        for parameter in AuthorizationParameter::ALL {
            for value in self.0.all(parameter.name()) {
                query.append_pair(parameter.name(), value);
            }
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_survives_a_sign_in() {
        // Interactions of the previous release have the same order.
        assert!(AuthorizationParameter::ALL.is_sorted_by_key(|parameter| parameter.name()));
        for parameter in AuthorizationParameter::ALL {
            let name = parameter.name();
            let sent = RequestParams::parse(format!("utm_source=mail&{name}=a%26b").as_bytes());
            let query = AuthorizationParams::new(&sent).to_query();
            assert_eq!(query, format!("{name}=a%26b"));
            let read = RequestParams::parse(query.as_bytes());
            let values: Vec<_> = AuthorizationParams::new(&read).all(*parameter).collect();
            assert_eq!(values, ["a&b"], "{name}");
        }
    }

    #[test]
    fn only_a_parameter_whose_row_says_so_may_repeat() {
        // RFC 6749 §3.1, RFC 8707 §2
        let may_repeat = |parameter: &AuthorizationParameter| {
            let name = parameter.name();
            let sent = RequestParams::parse(format!("{name}=a&{name}=b").as_bytes());
            sent.check_duplicates().is_ok()
        };
        let repeated: Vec<_> =
            AuthorizationParameter::ALL.iter().copied().filter(may_repeat).collect();
        assert_eq!(repeated, [AuthorizationParameter::Resource]);
    }
}

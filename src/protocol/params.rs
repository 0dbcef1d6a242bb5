//! Request parameters: bytes → names and values, duplicates refused (RFC 6749 §3.1, §3.2).

use std::collections::BTreeMap;

use super::error::{ErrorCode, OAuthError};

/// More parameters than any request needs.
const MOST: usize = 100;

/// The parameters of one request: each name once, none empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
    /// Values of `resource`, the one parameter that may repeat (RFC 8707 §2).
    resources: Vec<String>,
    /// Names that came more than once: refused by `checked`, but pages need the others.
    duplicates: Vec<String>,
}

impl Params {
    /// Parses `application/x-www-form-urlencoded` bytes: a query or a body. Empty values count as
    /// absent (RFC 6749 §3.1). Never fails; see `checked`.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(bytes).take(MOST) {
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

    /// Refuses parameters sent twice.
    pub fn checked(self) -> Result<Self, OAuthError> {
        match self.duplicates.first() {
            None => Ok(self),
            Some(name) => Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                format!("The parameter '{name}' was sent more than once."),
            )),
        }
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

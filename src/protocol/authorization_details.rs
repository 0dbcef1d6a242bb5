//! Rich authorization requests (RFC 9396): objects that a client requests at a resource server. The resource server
//! declares their types. They pass unchanged from the request to the consent page, the grant and the token.

mod repeated_members;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use unicode_normalization::char::is_combining_mark;

pub use repeated_members::check_details_claim;

use repeated_members::DetailsJson;

use super::{
    authorization_parameter::AuthorizationParameter,
    error::{ErrorCode, OAuthError},
    records::Grant,
};
use crate::model::{ResourceServer, invisible_characters::find_invisible};

/// The parameter, the claim and the member of responses with the details (RFC 9396 §2, §7, §9).
pub const AUTHORIZATION_DETAILS: &str = AuthorizationParameter::AuthorizationDetails.name();

/// The maximum length of the parameter, so that tokens with the details fit into a header.
pub const MAX_DETAILS_BYTES: usize = 4 * 1024;
/// Most details of a request.
pub const MAX_DETAILS: usize = 8;
/// The maximum number of levels of a detail.
const MAX_DEPTH: usize = 8;
/// The maximum number of values in the details of a request. Each has a line on the consent page.
pub const MAX_VALUES: usize = 64;
/// The maximum length of the name of a member in bytes.
const MAX_NAME_LEN: usize = 64;
/// The maximum number of combining marks in a row, so that no value is drawn over another.
const MAX_COMBINING_MARKS: usize = 6;

/// The member that names the type (RFC 9396 §2).
const TYPE: &str = "type";
/// The member that names resource servers (RFC 9396 §2.2).
const LOCATIONS: &str = "locations";

/// An object that says what a client may do at a resource server (RFC 9396 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AuthorizationDetail(Map<String, Value>);

/// Authorization details by the identifier of their resource server.
pub type DetailsByResource = BTreeMap<String, Vec<AuthorizationDetail>>;

impl AuthorizationDetail {
    /// The value of the member `type`.
    pub fn details_type(&self) -> &str {
        self.0.get(TYPE).and_then(Value::as_str).unwrap_or_default()
    }

    /// The members without `type` and `locations`, which name the resource server.
    pub fn own_members(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members = self.0.iter().map(|(name, value)| (name.as_str(), value));
        members.filter(|(name, _)| ![TYPE, LOCATIONS].contains(name))
    }

    /// The details of a token, from its claims.
    pub fn of_claims(claims: &Map<String, Value>) -> Vec<Self> {
        let all = claims.get(AUTHORIZATION_DETAILS).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_object).cloned().map(Self).collect()
    }

    /// Rule: a detail matches the schema of its type, and `locations` names the resource server if it is there (RFC 9396
    /// §2.2, §5).
    ///
    /// # Errors
    ///
    /// The rest of a sentence that begins with the place of the detail.
    pub fn check(&self, server: &ResourceServer) -> Result<(), String> {
        let Some(declared) = server.details_type(self.details_type()) else {
            return Err(" has a type that its resource server does not declare".to_owned());
        };
        let names_server =
            |location: &Value| location.as_str().is_some_and(|text| server.has_identifier(text));
        match self.0.get(LOCATIONS) {
            None => {}
            Some(Value::Array(all)) if !all.is_empty() && all.iter().all(names_server) => {}
            Some(_) => {
                return Err(format!(
                    ".{LOCATIONS} must be a list of the resource '{}', which declares the type, and of no other",
                    server.identifier
                ));
            }
        }
        declared.schema.check(&self.0).map_err(|mismatch| mismatch.to_string())
    }

    /// Reads one object of a request.
    fn read(value: Value) -> Result<Self, &'static str> {
        check_readable(&value, 1)?;
        let Value::Object(members) = value else { return Err(" must be an object") };
        if !members.get(TYPE).is_some_and(Value::is_string) {
            return Err(" must have the member 'type', which is a string");
        }
        Ok(Self(members))
    }
}

/// Parses the parameter: a JSON array of objects, with bounds of length, number and depth.
pub fn parse_authorization_details(text: &str) -> Result<Vec<AuthorizationDetail>, OAuthError> {
    if text.len() > MAX_DETAILS_BYTES {
        return Err(invalid_details(&format!(" must have at most {MAX_DETAILS_BYTES} bytes")));
    }
    let not_array = || invalid_details(" must be a JSON array of objects");
    let json: DetailsJson = serde_json::from_str(text).map_err(|_| not_array())?;
    json.check_members()?;
    let Value::Array(items) = json.value else { return Err(not_array()) };
    if !(1..=MAX_DETAILS).contains(&items.len()) {
        return Err(invalid_details(&format!(" must have 1 to {MAX_DETAILS} objects")));
    }
    if items.iter().map(count_values).sum::<usize>() > MAX_VALUES {
        return Err(invalid_details(&format!(" must have at most {MAX_VALUES} values")));
    }
    check_stable(&items)?;
    let read = |(index, item)| {
        AuthorizationDetail::read(item).map_err(|problem| invalid_detail(index, problem))
    };
    items.into_iter().enumerate().map(read).collect()
}

/// The values of a detail: members and entries that are not objects or lists of others.
fn count_values(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(count_values).sum::<usize>().max(1),
        Value::Array(items) => items.iter().map(count_values).sum::<usize>().max(1),
        _ => 1,
    }
}

/// Rule: the details stay the same in the grant and in tokens, and within their length. A number that floating-point
/// numbers cannot represent would change.
fn check_stable(items: &[Value]) -> Result<(), OAuthError> {
    let text = serde_json::to_string(items).expect("JSON in memory");
    let is_stable = serde_json::from_str::<Vec<Value>>(&text).is_ok_and(|again| again == items);
    if !is_stable {
        return Err(invalid_details(
            " must not have numbers with more digits than a floating-point number keeps; send them as strings",
        ));
    }
    if text.len() > MAX_DETAILS_BYTES {
        return Err(invalid_details(&format!(" must have at most {MAX_DETAILS_BYTES} bytes")));
    }
    Ok(())
}

/// Rule: people read every member on the consent page, so none has characters that disguise it.
fn check_readable(value: &Value, depth: usize) -> Result<(), &'static str> {
    if depth > MAX_DEPTH {
        return Err(" must be nested at most 8 levels deep");
    }
    match value {
        Value::String(text) => check_text(text),
        Value::Array(items) => items.iter().try_for_each(|item| check_readable(item, depth + 1)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            check_name(name)?;
            check_readable(member, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Rule: a name does not look like a name with a value. The page separates names by dots.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@:".contains(&byte);
    if !(1..=MAX_NAME_LEN).contains(&name.len()) || !name.bytes().all(is_plain) {
        return Err(
            " must have member names of 1 to 64 ASCII letters, digits and the characters _-@:",
        );
    }
    Ok(())
}

/// Rule: a value stays on its line of the page, and does not look like several.
fn check_text(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) || find_invisible(text).is_some() {
        return Err(" must not contain control or invisible characters");
    }
    let is_other_space = |character: char| character.is_whitespace() && character != ' ';
    if text.contains("  ") || text.chars().any(is_other_space) {
        return Err(" must not contain two spaces in a row, or spaces other than U+0020");
    }
    let mut marks = 0;
    for character in text.chars() {
        marks = if is_combining_mark(character) { marks + 1 } else { 0 };
        if marks > MAX_COMBINING_MARKS {
            return Err(" must not contain more than 6 combining marks in a row");
        }
    }
    Ok(())
}

/// Returns the error for the detail at a place of the request.
pub fn invalid_detail(index: usize, problem: &str) -> OAuthError {
    invalid_details(&format!("[{index}]{problem}"))
}

/// Returns the error for a type that no resource server of the client has. The type is not repeated, because attackers
/// could put a message to users into it.
pub fn unknown_details_type(index: usize) -> OAuthError {
    let problem = ".type is unknown; request a type listed in spec.authorizationDetailsTypes of a ResourceServer that this client may use";
    invalid_detail(index, problem)
}

fn invalid_details(problem: &str) -> OAuthError {
    let text = format!("{AUTHORIZATION_DETAILS}{problem}.");
    OAuthError::new(ErrorCode::InvalidAuthorizationDetails, text)
}

/// Returns the error of a token request for details that were not granted (RFC 9396 §6).
pub fn details_not_granted() -> OAuthError {
    invalid_details(" must be among those that were granted, each without a change")
}

/// The details as a grant stores them: as JSON texts.
pub fn encode_details(details: &DetailsByResource) -> BTreeMap<String, Vec<String>> {
    let text = |it: &AuthorizationDetail| serde_json::to_string(it).expect("JSON in memory");
    details.iter().map(|(name, all)| (name.clone(), all.iter().map(text).collect())).collect()
}

fn decode_details(texts: &[String]) -> impl Iterator<Item = AuthorizationDetail> {
    texts.iter().filter_map(|text| serde_json::from_str(text).ok().map(AuthorizationDetail))
}

/// A detail of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedDetail {
    /// The identifier of the resource server, as the grant stores it.
    pub resource: String,
    /// The detail.
    pub detail: AuthorizationDetail,
}

/// All details of a grant, whether the resource servers still have their types or not.
pub fn all_granted_details(grant: &Grant) -> impl Iterator<Item = GrantedDetail> {
    grant.authorization_details.iter().flat_map(|(resource, texts)| {
        let at_resource = move |detail| GrantedDetail { resource: resource.clone(), detail };
        decode_details(texts).map(at_resource)
    })
}

/// The granted details that tokens for a resource server may have: those that still match its schemas.
///
/// # Errors
///
/// `invalid_grant` if none of them is left: the token would be without the limits that the person saw.
pub fn granted_details(
    grant: &Grant,
    server: &ResourceServer,
) -> Result<Vec<AuthorizationDetail>, OAuthError> {
    let stored = server.identifiers().find_map(|name| grant.authorization_details.get(name));
    let Some(stored) = stored.filter(|texts| !texts.is_empty()) else { return Ok(Vec::new()) };
    let left: Vec<_> =
        decode_details(stored).filter(|detail| detail.check(server).is_ok()).collect();
    if left.is_empty() {
        let text = "The resource no longer has any of the granted authorization details.";
        return Err(OAuthError::new(ErrorCode::InvalidGrant, text));
    }
    Ok(left)
}

#[cfg(test)]
mod tests;

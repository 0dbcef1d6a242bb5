//! Federated client authentication (RFC 7523 §2.2): assertions that another issuer signs for the client. In
//! contrast to assertions that the client signs, their `iss` and `sub` are those of a credential in its manifest.
//! Their `jti` is not remembered, because a Pod presents one projected token many times.

use std::time::Duration;

use serde_json::Value;

use super::{assertion::JWT_TYPE, invalid_client_error};
use crate::{
    model::{Client, FederatedCredential, FederatedIssuer, Timestamp, WireEnum},
    protocol::{
        error::{OAuthError, abbreviate_value},
        jwt::{JWT_CLOCK_LEEWAY, UnverifiedJwt},
    },
};

/// The `client_assertion_type` of SPIFFE identity documents
/// (draft-ietf-oauth-spiffe-client-auth §4.1).
pub const SPIFFE_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
/// The start of a SPIFFE ID.
const SPIFFE_ID: &str = "spiffe://";
/// The longest lifetime of an assertion. Kubelets renew projected tokens at least daily.
const MAX_LIFETIME: Duration = Duration::from_hours(24);
/// Claims that only tokens about people have: their sign-in, their session, their request (OIDC Core
/// §2, §3.3.2.11, Front-Channel Logout §3).
const CLAIMS_OF_PEOPLE: [&str; 6] = ["auth_time", "nonce", "sid", "at_hash", "c_hash", "amr"];

/// The two forms of assertions, by `client_assertion_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionForm {
    /// The form of RFC 7523 §2.2: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    JwtBearer,
    /// The form `urn:ietf:params:oauth:client-assertion-type:jwt-spiffe`: a JWT-SVID, which may have no `iss`.
    JwtSpiffe,
}

/// An assertion of another issuer, and the client that it may authenticate. Not verified.
#[derive(Clone, Copy, Debug)]
pub struct FederatedAssertion<'a> {
    /// The form of the assertion.
    pub form: AssertionForm,
    /// The contents of the assertion.
    pub jwt: &'a UnverifiedJwt,
}

impl<'a> FederatedAssertion<'a> {
    /// The claim `sub` of the assertion; empty if it has none.
    pub fn subject(self) -> &'a str {
        self.jwt.text("sub").unwrap_or_default()
    }

    /// Issuer and subject, for the log.
    pub fn identity(self) -> String {
        let issuer = abbreviate_value(self.issuer().unwrap_or_default());
        format!("the issuer '{issuer}' and the subject '{}'", abbreviate_value(self.subject()))
    }

    /// `iss`; a JWT-SVID may have none.
    pub fn issuer(self) -> Option<&'a str> {
        self.jwt.text("iss")
    }
}

/// Returns true if an assertion is from another issuer. In an assertion of the client itself, `iss` is equal to
/// `sub` (RFC 7523 §3, 2). A secret of the client proves nothing about another issuer, so such assertions are
/// always signed with a private key.
pub(super) fn is_federated(form: AssertionForm, jwt: &UnverifiedJwt) -> bool {
    let (issuer, subject) = (jwt.text("iss"), jwt.text("sub"));
    match form {
        AssertionForm::JwtSpiffe => true,
        AssertionForm::JwtBearer => {
            jwt.algorithm.is_asymmetric() && issuer.is_some() && issuer != subject
        }
    }
}

/// Rule: only private keys sign federated assertions; `none` and shared secrets never do (RFC 8725
/// §3.2). A JWT-SVID is about a SPIFFE ID.
pub(super) fn check_federated_assertion(
    form: AssertionForm,
    jwt: &UnverifiedJwt,
) -> Result<(), OAuthError> {
    if form == AssertionForm::JwtSpiffe
        && !jwt.text("sub").is_some_and(|subject| subject.starts_with(SPIFFE_ID))
    {
        let text = "'sub' of a JWT-SVID must be a SPIFFE ID, such as spiffe://example.org/billing.";
        return Err(invalid_client_error(text));
    }
    if !jwt.algorithm.is_asymmetric() {
        let text = format!(
            "The client assertion of another issuer must be signed with a private key, not by '{}'.",
            jwt.algorithm.name()
        );
        return Err(invalid_client_error(&text));
    }
    Ok(())
}

/// The credentials of a client that an assertion may be for, with their index: those with its issuer
/// and subject. `cluster`: the issuer of the cluster's ServiceAccount tokens, if it is known.
pub fn matching_credentials<'a>(
    client: &'a Client,
    assertion: FederatedAssertion<'a>,
    cluster: Option<&'a str>,
) -> impl Iterator<Item = (usize, &'a FederatedCredential)> {
    let (issuer, subject) = (assertion.issuer(), assertion.subject());
    let may_lack_issuer = assertion.form == AssertionForm::JwtSpiffe;
    let fits = move |credential: &FederatedCredential| {
        let is_of_issuer = issuer.map_or(
            may_lack_issuer && matches!(credential.issuer, FederatedIssuer::Named { .. }),
            |issuer| credential.issuer.matches_issuer(issuer, cluster),
        );
        is_of_issuer && credential.subject.matches(subject)
    };
    client.federated_credentials.iter().enumerate().filter(move |(_, credential)| fits(credential))
}

/// Checks the claims of an assertion whose signature was verified by the keys of the credential.
pub fn check_federated_claims(
    credential: &FederatedCredential,
    assertion: FederatedAssertion<'_>,
    now: Timestamp,
) -> Result<(), OAuthError> {
    let jwt = assertion.jwt;
    let is_svid = assertion.form == AssertionForm::JwtSpiffe
        && jwt.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("JOSE"));
    let problem = jwt.wrong_typ(JWT_TYPE, "client assertion").filter(|_| !is_svid);
    if let Some(problem) = problem {
        return Err(invalid_client_error(&problem));
    }
    if let Some(name) = CLAIMS_OF_PEOPLE.iter().find(|name| jwt.claims.contains_key(**name)) {
        return Err(invalid_client_error(&format!(
            "The client assertion has '{name}', so it is the token of a person, who is not a client."
        )));
    }
    check_audience(credential, jwt.claims.get("aud"))?;
    check_lifetime(jwt, now)?;
    check_required_claims(credential, jwt)
}

/// Rule: the assertion is for this audience alone, as a string or as the only element. A token that
/// others receive too could be used here by any of them.
fn check_audience(
    credential: &FederatedCredential,
    written: Option<&Value>,
) -> Result<(), OAuthError> {
    let expected = &*credential.audience;
    let only = match written {
        Some(Value::Array(all)) if all.len() == 1 => all.first(),
        other => other,
    };
    if only.and_then(Value::as_str) == Some(expected) {
        return Ok(());
    }
    let received = match written {
        None => "missing".to_owned(),
        Some(Value::String(one)) => format!("'{}'", abbreviate_value(one)),
        Some(other) => abbreviate_value(&other.to_string().replace('"', "'")),
    };
    let text =
        format!("'aud' of the client assertion is {received}; it must be '{expected}' alone.");
    Err(invalid_client_error(&text))
}

/// Rule: `exp` is required, in the future, and at most 24 hours after `iat`.
fn check_lifetime(jwt: &UnverifiedJwt, now: Timestamp) -> Result<(), OAuthError> {
    let exp = jwt
        .time("exp")
        .ok_or_else(|| invalid_client_error("The client assertion must have an 'exp'."))?;
    if exp <= now.secs() {
        return Err(invalid_client_error("The client assertion has expired."));
    }
    for name in ["nbf", "iat"] {
        let ahead = jwt.time(name).is_some_and(|time| time > now.plus(JWT_CLOCK_LEEWAY).secs());
        if ahead || (jwt.claims.contains_key(name) && jwt.time(name).is_none()) {
            return Err(invalid_client_error(&format!(
                "'{name}' of the client assertion is in the future."
            )));
        }
    }
    // Without `iat`, which JWT-SVIDs may lack, the token was issued now at the latest.
    let issued_at = jwt.time("iat").unwrap_or_else(|| now.secs());
    if exp.saturating_sub(issued_at) > i64::try_from(MAX_LIFETIME.as_secs()).unwrap_or(i64::MAX) {
        return Err(invalid_client_error(
            "The client assertion is valid for more than 24 hours; request a shorter one.",
        ));
    }
    Ok(())
}

fn check_required_claims(
    credential: &FederatedCredential,
    jwt: &UnverifiedJwt,
) -> Result<(), OAuthError> {
    let is_equal = |(name, expected): &(&String, &String)| match jwt.claims.get(*name) {
        Some(Value::String(text)) => text == *expected,
        Some(Value::Bool(value)) => expected.parse() == Ok(*value),
        Some(Value::Number(value)) => value.to_string().eq(*expected),
        _ => false,
    };
    match credential.claims.iter().find(|claim| !is_equal(claim)) {
        None => Ok(()),
        Some((name, _)) => Err(invalid_client_error(&format!(
            "The claim '{}' of the client assertion is not the one that the client requires.",
            abbreviate_value(name)
        ))),
    }
}

#[cfg(test)]
mod tests;

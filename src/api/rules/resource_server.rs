//! CEL rules of `ResourceServer`.

use kube::core::Rule;

use super::rule;

/// RFC 8707 §2: an absolute URI without a fragment.
pub fn identifier() -> Rule {
    rule(
        "self.matches('^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$') && !self.contains('#')",
        "must be an absolute URI of printable ASCII without a fragment (#), such as https://api.example.com",
    )
}

/// The same for each of a list, without duplicates.
pub fn identifiers() -> Rule {
    rule(
        "self.all(one, one.matches('^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$') && !one.contains('#')) && self.all(one, self.exists_one(other, other == one))",
        "must be distinct absolute URIs of printable ASCII without a fragment (#)",
    )
}

/// Types of authorization details, each once.
pub fn details_types() -> Rule {
    rule(
        "self.all(one, self.exists_one(other, other.type == one.type))",
        "must have each type once",
    )
}

/// Audiences and types of authorization details are compared as exact strings.
pub fn audience() -> Rule {
    rule("self.matches('^[!-~]+$')", "must be printable ASCII without spaces")
}

/// A value of `scope` (RFC 6749 §3.3).
pub fn scope() -> Rule {
    rule(
        "self.matches('^[!#-\\\\[\\\\]-~]+$')",
        "must be a scope: printable ASCII without spaces, quotes or backslashes",
    )
}

/// Names of claims without spaces, each once.
pub fn claims() -> Rule {
    rule(
        "self.all(one, one.matches('^[!-~]+$')) && self.all(one, self.exists_one(other, other == one))",
        "must be distinct names of claims in printable ASCII without spaces",
    )
}

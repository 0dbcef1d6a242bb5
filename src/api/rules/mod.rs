//! CEL rules of the CRDs: the API server rejects violations at once, with a message that gives the
//! fix. `registry::validate` checks the same rules again, and those that need more than one object.
//!
//! Every value that a rule reads needs a `maxLength`, `maxItems` or `maxProperties`. Otherwise the
//! rule's cost is unbounded and the API server rejects the CRD.

pub mod client;
pub mod provider;
pub mod resource_server;
pub mod tenant;
pub mod user;

use kube::core::Rule;

use crate::model::invisible_characters;

/// Names become label values and DNS labels, which are at most 63 characters long.
pub fn name() -> Rule {
    rule(
        "self.metadata.name.size() <= 63",
        "metadata.name must have at most 63 characters; rename the object",
    )
}

/// A duration as in the Gateway API (GEP-2257).
pub fn duration() -> Rule {
    rule(
        "self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')",
        "must be a duration in h, m, s and ms, such as 1h30m or 90s",
    )
}

/// A duration within bounds. Values that are not durations are left to [`duration`].
pub fn between(least: &str, most: &str) -> Rule {
    rule(
        &format!(
            "!self.matches('^([0-9]{{1,5}}(h|m|s|ms)){{1,4}}$') || \
             (duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))"
        ),
        &format!("must be between {least} and {most}"),
    )
}

/// The optional duration `idle` is not longer than the optional duration `absolute`.
pub fn not_longer(idle: &str, absolute: &str) -> Rule {
    rule(
        &format!(
            "!has(self.{idle}) || !has(self.{absolute}) || duration(self.{idle}) <= duration(self.{absolute})"
        ),
        &format!("{idle} must not be longer than {absolute}"),
    )
}

/// The name of an object (RFC 1123 subdomain).
pub fn object_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        "must be an object name: lower-case letters, digits, '-' and '.'",
    )
}

/// The name of an entry of a Secret.
pub fn entry_name() -> Rule {
    rule(
        "self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && self != '..'",
        "must be the name of a Secret's entry: letters, digits, '-', '_' and '.'",
    )
}

/// Text without invisible characters. Joiners between letters are left to `registry::validate`.
pub fn visible() -> Rule {
    let one = |c: char| format!("\\\\x{{{:X}}}", u32::from(c));
    let never_needed = invisible_characters::INVISIBLE_RANGES
        .into_iter()
        .filter(|range| *range != invisible_characters::JOINERS);
    let class: String = never_needed
        .map(
            |(first, last)| {
                if first == last { one(first) } else { format!("{}-{}", one(first), one(last)) }
            },
        )
        .collect();
    rule(
        &format!("self.matches('\\\\S') && !self.matches('[\\\\p{{Cc}}{class}]')"),
        "must be visible text on one line, without control or invisible characters",
    )
}

/// An absolute https URL.
pub fn https_url() -> Rule {
    rule(
        "self.matches('^https://[!-.0-~]+(/[!-~]*)?$') && !self.matches('^https://[^/?#]*@')",
        "must be an absolute https URL in plain ASCII",
    )
}

/// An absolute https or http URL.
pub fn web_url() -> Rule {
    rule(
        "self.matches('^https?://[!-.0-~]+(/[!-~]*)?$') && !self.matches('^https?://[^/?#]*@')",
        "must be an absolute https or http URL in plain ASCII",
    )
}

/// A list without duplicates.
pub fn unique() -> Rule {
    rule("self.all(a, self.exists_one(b, a == b))", "must not contain duplicates")
}

/// Scopes (RFC 6749 §3.3).
pub fn scopes() -> Rule {
    rule(
        "self.all(scope, scope.matches('^[!#-\\\\[\\\\]-~]+$'))",
        "must be scopes: printable ASCII without spaces, quotes or backslashes",
    )
}

/// An optional field of a spec cannot be changed, added or removed.
pub fn immutable_optional(field: &str, remedy: &str) -> Rule {
    rule(
        &format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        &format!("{field} cannot be changed; {remedy}"),
    )
}

/// A required field of a spec cannot be changed.
pub fn immutable(field: &str, remedy: &str) -> Rule {
    rule(
        &format!("self.{field} == oldSelf.{field}"),
        &format!("{field} cannot be changed; {remedy}"),
    )
}

/// Builds a rule from a CEL expression and its message.
pub fn rule(expression: &str, message: &str) -> Rule {
    Rule::new(expression).message(message)
}

/// Parts of message signing are chosen with its profile only.
pub fn message_signing_only_with_its_profile() -> Rule {
    rule(
        "!has(self.messageSigning) || (has(self.profile) && self.profile == 'Fapi2MessageSigning')",
        "messageSigning must only be set with profile: Fapi2MessageSigning",
    )
}

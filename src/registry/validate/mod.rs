//! Converts raw objects to validated ones. Each file covers one subject. Rules that need only one
//! object are also CEL rules of its CRD. They are checked again here because `dev` and `check` have
//! no API server, and because objects may be older than a rule. See docs/design/api.md.
//!
//! Must not stop at the first problem, and must not fail: problems are values.

mod access;
mod authorization_details_types;
mod bounds;
mod branding;
mod claim_names;
mod client;
mod client_documents;
mod duration;
mod exchange_rules;
mod issuer;
mod mail;
mod problems;
mod provider;
mod resource_server;
mod secret_template;
mod security_profile;
mod selector;
mod tenant;
mod tenant_protocol;
mod token_policy;
mod user;

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use url::Url;

pub use access::check_access_providers;
pub use bounds::NamespaceAdmission;
pub use client::{
    CheckedCertificate, CheckedClient, ClientFindings, SecretSource, check_federated_issuers,
    dynamic_registration, is_registered, sector_of, validate_client,
};
pub use exchange_rules::CheckedExchangeRule;
pub use issuer::{ClaimedIssuers, IssuerClaimant, IssuerOrphan, claim_issuers};
pub use problems::ProblemList;
pub use provider::{ProviderFindings, ProviderNaming, secret_field, validate_provider};
pub use resource_server::{CheckedResourceServer, validate_resource_server};
pub use secret_template::check_permissions as check_secret_permissions;
pub use tenant::{CheckedTenant, validate_tenant};
pub use user::{UserFindings, names_of_user, validate_user};

use crate::{
    api::{EnumSpec, LimitViolation, ManagedObject, SecretKeyRef, limit_violations},
    model::{GrantType, HostPattern, ObjectKey, ObjectMark, invisible_characters},
};

/// Message for a string that is not a scope.
const SCOPE_MESSAGE: &str =
    "must be a scope: printable ASCII without spaces, quotes or backslashes";

/// Names become labels, Secret names and client IDs, which are limited to 63 characters.
const MAX_NAME_LEN: usize = 63;

/// Reports violations of the CRD schema, once per field, of an object that no API server has validated (`unseen`).
fn limits(problems: &mut ProblemList, raw: &impl ManagedObject, unseen: bool) {
    if !unseen {
        return;
    }
    for LimitViolation { field, message } in limit_violations(raw) {
        if !problems.has_field(&field) {
            problems.invalid(field, message);
        }
    }
}

fn name(problems: &mut ProblemList, key: &ObjectKey) {
    if key.name.len() > MAX_NAME_LEN {
        problems.invalid("metadata.name", "must have at most 63 characters; rename the object");
    }
}

/// Validates a text that is shown to users: one line, without characters that could disguise it.
fn visible_text(problems: &mut ProblemList, field: &str, text: &str) {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let message = "must be visible text on one line, without control characters";
        problems.invalid(field, message);
    } else if let Some(hidden) = invisible_characters::find_invisible(text) {
        let code = u32::from(hidden);
        problems.invalid(field, format!("must not contain the invisible character U+{code:04X}"));
    }
}

/// The validated display name of an object: by default its name.
fn display_name(problems: &mut ProblemList, written: Option<&str>, key: &ObjectKey) -> String {
    let name = written.unwrap_or(&key.name);
    visible_text(problems, "spec.displayName", name);
    name.to_owned()
}

/// Validates an absolute URL with one of the schemes.
fn link(problems: &mut ProblemList, field: &str, written: Option<&str>, schemes: &[&str]) {
    let Some(text) = written else { return };
    let good = Url::parse(text).is_ok_and(|url| {
        schemes.contains(&url.scheme())
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
    });
    if !good || text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        let message = format!("must be an absolute {} URL in plain ASCII", schemes.join(" or "));
        problems.invalid(field, message);
    }
}

/// Validates the name of a tenant, or of its namespace.
fn object_name(problems: &mut ProblemList, field: &str, name: &str) {
    if !secret_template::is_object_name(name) {
        problems.invalid(field, secret_template::OBJECT_NAME_MESSAGE);
    }
}

/// Validates the names of a Secret and of its entry.
fn secret_ref(problems: &mut ProblemList, field: &str, reference: &SecretKeyRef) {
    object_name(problems, &format!("{field}.name"), &reference.name);
    if reference.key.as_ref().is_some_and(|key| !secret_template::is_entry_name(key)) {
        problems.invalid(format!("{field}.key"), secret_template::ENTRY_NAME_MESSAGE);
    }
}

/// The grant types of a client or a bound. Reports and drops unsupported ones.
fn grant_types(
    problems: &mut ProblemList,
    field: &str,
    written: &[EnumSpec<GrantType>],
) -> BTreeSet<GrantType> {
    let written = written.iter().enumerate();
    written
        .filter_map(|(index, grant)| problems.supported(format!("{field}[{index}]"), Some(grant)))
        .collect()
}
/// Reports the values of a list that are there before.
fn refuse_duplicates(problems: &mut ProblemList, field: &str, values: &[String]) {
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        if !seen.insert(value) {
            problems.invalid(format!("{field}[{index}]"), "is a duplicate; remove it");
        }
    }
}

/// Validates patterns of hosts. Reports and drops wrong ones.
fn host_patterns(problems: &mut ProblemList, field: &str, written: &[String]) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match HostPattern::parse(text) {
            Some(pattern) => hosts.push(pattern),
            None => problems.invalid(
                format!("{field}[{index}]"),
                "must be a host name, or *.example.com for all subdomains of a host",
            ),
        }
    }
    hosts
}

/// The mark of an object: of its UID, or of its name where no API server has given it one.
fn object_mark(metadata: &ObjectMeta, key: &ObjectKey, dev: bool) -> ObjectMark {
    match metadata.uid.as_deref().filter(|_| !dev) {
        Some(uid) => ObjectMark::of(uid),
        None => ObjectMark::of(&format!("name {key}")),
    }
}

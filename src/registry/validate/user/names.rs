//! The names of a user, as far as they can be read.

use super::subject::check_subject;
use crate::{
    api,
    model::{ObjectKey, normalize_username},
    registry::{UserNames, validate::ProblemList},
};

/// The names of a user, even if the object is invalid. Its identities depend on the providers.
pub fn names_of_user(raw: &api::OidcUser, key: &ObjectKey) -> UserNames {
    let spec = &raw.spec;
    let written = [Some(&spec.username), spec.preferred_username.as_ref()];
    let names = written.into_iter().flatten().map(|name| normalize_username(name));
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.dedup();
    let is_verified = spec.email_verified == Some(true);
    let tenant = spec.tenant_ref.of(key);
    UserNames {
        names,
        email: spec.email.as_deref().filter(|_| is_verified).map(normalize_username),
        // Its problems are reported with the others of the object.
        subject: check_subject(&mut ProblemList::default(), &tenant, spec),
        identities: Vec::new(),
    }
}

//! The `sub` of a user: chosen, or derived from tenant and username, so that it survives a
//! re-creation of the object. See docs/design/invariants.md#identities-are-stable.

use uuid::Uuid;

use crate::{
    api::OidcUserSpec,
    model::{Subject, TenantId},
    registry::validate::ProblemList,
};

/// UUID namespace of default subjects. Must never change, because every default subject depends on
/// it.
const SUBJECTS: Uuid = Uuid::from_u128(0x6c61_6e79_6172_4d64_8b65_762f_7375_626a);

/// The subject in use, if it is valid.
pub fn check_subject(
    problems: &mut ProblemList,
    tenant: &TenantId,
    spec: &OidcUserSpec,
) -> Option<Subject> {
    let Some(chosen) = &spec.subject else {
        return Some(default(tenant, &spec.username));
    };
    // OIDC Core §2: at most 255 ASCII characters.
    if (1..=255).contains(&chosen.len()) && chosen.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(Subject::new(chosen.clone()));
    }
    problems.invalid("spec.subject", "must have 1 to 255 ASCII characters without spaces");
    None
}

/// UUIDv5 of the tenant ID, NUL, and the username as written. Neither contains NUL, and the result
/// does not depend on how a release normalises usernames.
fn default(tenant: &TenantId, username: &str) -> Subject {
    let name = format!("{tenant}\0{username}");
    Subject::new(Uuid::new_v5(&SUBJECTS, name.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_subjects_are_stable_across_releases() {
        for (namespace, tenant, username, subject) in [
            ("team-a", "main", "grace", "60291771-4d70-521f-803c-0f96bab536b0"),
            ("team-a", "main", "Grace", "95ca7283-ae4c-5f5a-a550-cccff053c872"),
            ("team-b", "main", "grace", "e6425680-3351-51cc-97a9-699f25382ff1"),
            ("default", "quickstart", "ada@example.com", "fdb7fba2-807f-5275-9e39-689799fe6021"),
        ] {
            let tenant = TenantId::new(namespace, tenant);
            assert_eq!(default(&tenant, username).as_str(), subject, "{tenant} {username}");
        }
    }
}

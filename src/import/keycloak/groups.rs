//! Groups of users, named as the realm's applications know them from the claim.

use crate::import::{manifests::ImportCollector, source_field::SourceField};

/// The mapper that gives applications the groups of a user.
pub(super) const GROUP_MAPPER: &str = "oidc-group-membership-mapper";
const CLAIM: &str = "groups";

/// How groups are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupNames {
    /// By their paths: `/staff/ops`. The option "Full group path" of a mapper does so.
    FullPath,
    /// By the last parts of their paths: `ops`.
    LastPart,
    /// By their paths without the first slash, because no application has read them so far.
    Path,
}

/// Reads how the mappers of the realm name groups.
pub(super) fn group_names(import: &mut ImportCollector, realm: &SourceField<'_>) -> GroupNames {
    let owners = realm.items("clientScopes").into_iter().chain(realm.items("clients"));
    let mappers: Vec<_> = owners
        .flat_map(|owner| owner.items("protocolMappers"))
        .filter(|mapper| mapper.text("protocolMapper").as_deref() == Some(GROUP_MAPPER))
        .collect();
    if mappers.is_empty() {
        let groups = realm.get("groups");
        if !groups.is_empty() {
            let message = "no mapper of the realm gives groups to applications; here they are named by their paths without the first slash, such as staff/ops";
            import.notes.add(&groups, message);
        }
        return GroupNames::Path;
    }
    let has_full_path = |mapper: &SourceField<'_>| mapper.get("config").is_set("full.path");
    let any_full_path = mappers.iter().any(has_full_path);
    for mapper in &mappers {
        if any_full_path && !has_full_path(mapper) {
            let message = "groups are named by their full paths here, such as /staff/ops, as another mapper of the realm does; this one names their last parts: change what its applications compare";
            import.notes.add(mapper, message);
        }
        let claim = mapper.get("config").text("claim.name");
        if let Some(claim) = claim.filter(|claim| claim != CLAIM) {
            let message = format!(
                "the claim {claim:?} is not imported: groups are in the claim {CLAIM:?}, with the scope groups"
            );
            import.notes.add(mapper, message);
        }
    }
    if any_full_path { GroupNames::FullPath } else { GroupNames::LastPart }
}

impl GroupNames {
    /// The groups of a user.
    pub(super) fn groups(self, person: &SourceField<'_>) -> Vec<String> {
        let mut groups = Vec::new();
        for path in person.texts("groups") {
            let name = self.name(&path);
            if !name.is_empty() && !groups.contains(&name) {
                groups.push(name);
            }
        }
        groups
    }

    fn name(self, path: &str) -> String {
        match self {
            Self::FullPath => path.to_owned(),
            Self::Path => path.trim_start_matches('/').to_owned(),
            Self::LastPart => last_part(path),
        }
    }
}

/// The last part of a path. Keycloak writes `~/` for a slash in the name of a group.
fn last_part(path: &str) -> String {
    let is_separator = |at: &usize| !path[..*at].ends_with('~');
    let start = path.match_indices('/').map(|(at, _)| at).rev().find(is_separator);
    path[start.map_or(0, |at| at + 1)..].replace("~/", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_as_applications_know_them() {
        for (path, full, last, plain) in [
            ("/staff/ops", "/staff/ops", "ops", "staff/ops"),
            ("/staff", "/staff", "staff", "staff"),
            ("/staff/on~/call", "/staff/on~/call", "on/call", "staff/on~/call"),
            ("staff", "staff", "staff", "staff"),
        ] {
            let names = [GroupNames::FullPath, GroupNames::LastPart, GroupNames::Path];
            assert_eq!(names.map(|names| names.name(path)), [full, last, plain], "{path}");
        }
    }
}

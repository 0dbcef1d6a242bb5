//! The connector `github` of Dex.

use serde_json::json;

use super::{
    drafts::{ConnectorDraft, dex_draft, uses_login},
    environment::is_from_environment,
};
use crate::import::{
    manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField,
};

/// The maximum number of items of `claimMappings.groups.include`.
const MAX_PATTERNS: usize = 64;

pub(super) fn github_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> Option<ConnectorDraft<'v>> {
    if uses_login(import, config, id) {
        return None;
    }
    let mut draft = dex_draft(import, connector, id, ("GitHub", "id"));
    draft.ask_again();
    let secret = config.get("clientSecret");
    let readable = secret.value.as_str().is_some_and(|text| !is_from_environment(text));
    let reference = draft.client_secret(import, &secret, readable);
    // Dex names teams by their display name unless `teamNameField` is set.
    let teams =
        if config.text("teamNameField").as_deref() == Some("slug") { "Slug" } else { "Name" };
    let mut github = json!({
        "clientId": config.text("clientID").unwrap_or_default(),
        "clientSecretRef": reference,
        "groups": { "teams": teams },
    });
    if let Some(host) = config.text("hostName") {
        github["host"] = json!(host);
    }
    let listed = config.items("orgs");
    let mut names: Vec<String> = listed.iter().filter_map(|org| org.text("name")).collect();
    names.extend(config.text("org"));
    if !names.is_empty() {
        github["organizations"] = json!({ "policy": "Listed", "names": names });
        draft.set("admit", json!("ByRules"));
    }
    draft.set("github", github);
    groups(import, &mut draft, config, &names);
    for org in listed.iter().filter(|org| !org.get("teams").is_empty()) {
        draft.restrict(
            import,
            &org.get("teams"),
            "write a rule on the claim groups, and admit: ByRules",
        );
    }
    if config.text("teamNameField").as_deref() == Some("both") {
        let message =
            "both is not imported: groups have the names of teams; teams: Slug gives the others";
        import.notes.add(&config.get("teamNameField"), message);
    }
    let known = &[
        "clientID",
        "clientSecret",
        "redirectURI",
        "orgs",
        "org",
        "hostName",
        "teamNameField",
        "useLoginAsID",
        "loadAllGroups",
    ];
    Some((draft, known))
}

/// Maps only groups that Dex gives. These are teams of the listed organizations, or the listed teams of them.
/// Without organizations there are no groups, or those of all organizations.
fn groups(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
    names: &[String],
) {
    let listed = config.items("orgs");
    if listed.iter().any(|org| !org.get("teams").is_empty()) {
        let include = listed_teams(&listed);
        // Without patterns, all groups would be used.
        if include.is_empty() || include.len() > MAX_PATTERNS {
            draft.map_no_groups();
        } else {
            draft.set_in("claimMappings", "groups", json!({ "include": include }));
        }
    }
    let all = config.get("loadAllGroups");
    if !names.is_empty() {
        if names.iter().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            let message = "names of organizations are in lower case in groups, such as acme:core for Dex's Acme:core; change what applications compare";
            import.notes.add(&config.get(if listed.is_empty() { "org" } else { "orgs" }), message);
        }
        if config.text("org").is_some() {
            let message = "groups begin with the organization, such as acme:core, where Dex gives core; change what applications compare";
            import.notes.add(&config.get("org"), message);
        }
    } else if config.is_set("loadAllGroups") {
        let message = "becomes the teams of all organizations, whose names are in lower case, such as acme:core; the organizations themselves are no groups";
        import.notes.add(&all, message);
    } else {
        draft.map_no_groups();
        let message = "Dex gives no groups without orgs or loadAllGroups, so none are mapped; remove claimMappings.groups.expression for the teams of all organizations";
        import.notes.add(config, message);
    }
}

/// Patterns for the listed teams, and for all teams of organizations that list none. A team whose name has the sign
/// of patterns is left out.
fn listed_teams(listed: &[SourceField<'_>]) -> Vec<String> {
    let mut include = Vec::new();
    for org in listed {
        let name = org.text("name").unwrap_or_default().to_ascii_lowercase();
        let teams = org.texts("teams");
        if teams.is_empty() {
            include.push(format!("{name}:*"));
        }
        let teams = teams.iter().filter(|team| !team.contains('*'));
        include.extend(teams.map(|team| format!("{name}:{team}")));
    }
    include
}

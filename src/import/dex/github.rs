//! The connector `github`.

use serde_json::json;

use super::{
    drafts::{ConnectorDraft, dex_draft, uses_login},
    environment::is_from_environment,
};
use crate::import::{manifests::ImportCollector, source_field::SourceField};

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
    let secret = config.get("clientSecret");
    let readable = secret.value.as_str().is_some_and(|text| !is_from_environment(text));
    let reference = draft.client_secret(import, &secret, readable);
    // Dex names teams by their display name unless told otherwise.
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
    for org in listed.iter().filter(|org| !org.get("teams").is_empty()) {
        draft.restrict(
            import,
            &org.get("teams"),
            "write a rule on the claim groups, and admit: ByRules",
        );
    }
    if config.text("teamNameField").as_deref() == Some("both") {
        let message =
            "both is not carried: groups have the names of teams; teams: Slug gives the others";
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
    ];
    Some((draft, known))
}

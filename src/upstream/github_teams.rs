//! Teams of GitHub as groups, with the teams that they are in.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{UpstreamError, github_api::GitHubApi};
use crate::model::GitHubTeamNames;

/// Most teams that are asked for because other teams are in them.
const MAX_PARENTS: usize = 50;

/// Adds the teams that contain teams, at any depth. A list of the API names only the direct parent of each team.
pub(super) async fn add_parent_teams(
    api: &GitHubApi<'_>,
    teams: &mut Vec<Value>,
) -> Result<(), UpstreamError> {
    let mut known: BTreeSet<(String, String)> = teams.iter().filter_map(name_of).collect();
    let (mut next, mut asked) = (0, 0);
    while let Some(team) = teams.get(next) {
        next += 1;
        let Some((organization, slug)) = parent_of(team)? else { continue };
        if !known.insert((organization.clone(), slug.clone())) {
            continue;
        }
        if asked == MAX_PARENTS {
            let list = format!("the parents of teams, more than {MAX_PARENTS}");
            return Err(UpstreamError::ApiListTooLong(list));
        }
        asked += 1;
        let owner = team.get("organization").cloned();
        let mut parent = api.get(&format!("/orgs/{organization}/teams/{slug}")).await?;
        if let (Some(parent), Some(owner)) = (parent.as_object_mut(), owner) {
            parent.insert("organization".to_owned(), owner);
        }
        teams.push(parent);
    }
    Ok(())
}

/// The login of an organization, in lower case.
pub(super) fn organization_login(organization: Option<&Value>) -> Option<String> {
    Some(organization?.get("login")?.as_str()?.to_ascii_lowercase())
}

/// Organization and slug of a team.
fn name_of(team: &Value) -> Option<(String, String)> {
    Some((organization_login(team.get("organization"))?, team.get("slug")?.as_str()?.to_owned()))
}

/// Organization and slug of the team that a team is in; `None` if it is in none.
fn parent_of(team: &Value) -> Result<Option<(String, String)>, UpstreamError> {
    let parent = team.get("parent").filter(|parent| !parent.is_null());
    let Some((parent, organization)) = parent.zip(organization_login(team.get("organization")))
    else {
        return Ok(None);
    };
    let slug = parent.get("slug").and_then(Value::as_str).unwrap_or_default();
    // They become parts of a URL.
    let is_word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_:".contains(&it))
    };
    if !is_word(slug) || !is_word(&organization) {
        let problem = "has a team whose parent has no name for URLs".to_owned();
        return Err(UpstreamError::Api(problem));
    }
    Ok(Some((organization, slug.to_owned())))
}

/// The groups of teams: `<organization>:<team>`.
pub(super) fn team_groups(names: GitHubTeamNames, teams: &[Value]) -> Vec<String> {
    let field = match names {
        GitHubTeamNames::Slug => "slug",
        GitHubTeamNames::Name => "name",
    };
    let mut groups: Vec<String> = Vec::new();
    for team in teams {
        let name = organization_login(team.get("organization"))
            .zip(team.get(field).and_then(Value::as_str));
        let group = name.map(|(organization, name)| format!("{organization}:{name}"));
        groups.extend(group.filter(|group| !groups.contains(group)));
    }
    groups
}

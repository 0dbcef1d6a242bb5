//! The applications that may do something in the person's name.

use std::collections::BTreeSet;

use super::{AccountPage, words::redirect_places};
use crate::{
    http::pages::{
        authorization_details::{DetailLine, DetailView, detail_view},
        frame::{first_letter, web_url},
        permissions::permission_titles,
    },
    model::{ResourceServers, Timestamp},
    protocol::authorization_details::{GrantedDetail, MAX_DETAILS, MAX_VALUES},
};

/// An application that the person has granted permissions to.
#[derive(Clone, Debug)]
pub struct ApplicationEntry<'a> {
    /// The `client_id` of the application.
    pub client_id: &'a str,
    /// The name of the application.
    pub name: &'a str,
    /// The logo of the application, if the page can display it.
    pub logo: Option<&'a str>,
    /// The redirect URIs of an application that registered itself, whose name is unverified.
    pub unverified: Option<Vec<&'a str>>,
    /// The host of the metadata document that describes it.
    pub document_host: Option<&'a str>,
    /// The permissions of the application.
    pub permissions: &'a BTreeSet<String>,
    /// The authorization details of its grants, the newest first. The page shows a part.
    pub details: &'a [GrantedDetail],
    /// The time at which the person last granted one of them.
    pub granted_at: Timestamp,
}

/// An application as the page shows it.
pub(super) struct ApplicationView<'a> {
    pub(super) client_id: &'a str,
    pub(super) name: &'a str,
    pub(super) logo: Option<&'a str>,
    pub(super) monogram: String,
    /// The places that it leads to, if it registered itself.
    pub(super) leads_to: Option<String>,
    /// The host of the metadata document that describes it.
    pub(super) document_host: Option<&'a str>,
    pub(super) permissions: Vec<String>,
    pub(super) since: String,
    pub(super) details: Vec<GrantedDetailView<'a>>,
    /// The number of details that are not shown, in words.
    pub(super) more_details: Option<String>,
}

/// An authorization detail as the page shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GrantedDetailView<'a> {
    /// The name of its resource server, or the identifier of one that is not served any more.
    pub(super) server: &'a str,
    /// The identifier of its resource server, because two may have the same name.
    pub(super) identifier: &'a str,
    /// The name of its type.
    pub(super) title: String,
    /// The values of its members.
    pub(super) lines: Vec<DetailLine>,
}

/// Puts an entry in words.
pub(super) fn application_view<'a>(
    page: &'a AccountPage,
    entry: &'a ApplicationEntry<'a>,
) -> ApplicationView<'a> {
    let (text, servers) = (page.text, page.resource_servers);
    let details = shown_details(servers, entry.details);
    let hidden = entry.details.len() - details.len();
    ApplicationView {
        client_id: entry.client_id,
        name: entry.name,
        logo: web_url(entry.logo),
        monogram: first_letter(entry.name),
        document_host: entry.document_host,
        leads_to: entry.unverified.as_deref().map(|uris| redirect_places(uris, text)),
        permissions: permission_titles((page.tenant, text), servers, entry.permissions),
        since: text.access_since(&text.day_in_words(entry.granted_at.in_utc())).to_string(),
        details,
        more_details: (hidden > 0).then(|| text.more_details(hidden as u64).to_string()),
    }
}

/// The first details that fit: at most as many details and values as the consent page shows for a request.
fn shown_details<'a>(
    servers: &'a ResourceServers,
    details: &'a [GrantedDetail],
) -> Vec<GrantedDetailView<'a>> {
    let (mut views, mut values_left) = (Vec::new(), MAX_VALUES);
    for GrantedDetail { resource, detail } in details.iter().take(MAX_DETAILS) {
        let server = servers.find(resource).map(|server| &**server);
        let DetailView { title, lines } = detail_view(server, detail);
        if lines.len() > values_left {
            continue;
        }
        values_left -= lines.len();
        let server = server.map_or(resource.as_str(), |server| server.name.as_str());
        views.push(GrantedDetailView { server, identifier: resource, title, lines });
    }
    views
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{AuthorizationDetailsType, DetailsSchema, ObjectKey, ResourceServer},
        protocol::authorization_details::parse_authorization_details,
    };

    fn servers() -> ResourceServers {
        let declared = AuthorizationDetailsType {
            name: "payment".into(),
            display_name: "Pay once".into(),
            schema: DetailsSchema::parse(&serde_json::Map::new()).expect("a schema"),
        };
        let server = ResourceServer {
            name: "Harbour Bank".to_owned(),
            details_types: vec![declared],
            ..ResourceServer::new(ObjectKey::new("team", "bank"), "urn:bank")
        };
        ResourceServers::new(vec![Arc::new(server)])
    }

    fn granted(resource: &str, detail: &str) -> GrantedDetail {
        let mut details = parse_authorization_details(&format!("[{detail}]")).expect("valid");
        GrantedDetail { resource: resource.to_owned(), detail: details.remove(0) }
    }

    #[test]
    fn details_have_the_names_of_their_servers_and_types() {
        let details = [
            granted("urn:bank", r#"{"type":"payment","amount":7}"#),
            granted("urn:gone", r#"{"type":"payment","amount":8}"#),
        ];
        let servers = servers();
        let views = shown_details(&servers, &details);
        let named: Vec<_> =
            views.iter().map(|it| (it.server, it.identifier, it.title.as_str())).collect();
        let bank = ("Harbour Bank", "urn:bank", "Pay once");
        assert_eq!(named, [bank, ("urn:gone", "urn:gone", "payment")]);
        assert_eq!(views[0].lines[0].value, "7");
    }

    #[test]
    fn the_number_of_details_and_values_is_bounded() {
        let servers = servers();
        let small = vec![granted("urn:bank", r#"{"type":"payment","amount":7}"#); MAX_DETAILS + 3];
        assert_eq!(shown_details(&servers, &small).len(), MAX_DETAILS);
        let tags = vec!["1"; MAX_VALUES / 2].join(",");
        let detail = format!(r#"{{"type":"payment","tags":[{tags}]}}"#);
        let large = vec![granted("urn:bank", &detail); 3];
        assert_eq!(shown_details(&servers, &large).len(), 2);
    }
}

//! The connector `ldap` of Dex.

use serde_json::{Value, json};

use super::{
    drafts::{ConnectorDraft, dex_draft},
    environment::is_from_environment,
};
use crate::{
    import::{manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField},
    model::SubjectStrategy,
};

/// Fields of the configuration that are imported, or that have a note of their own.
const KNOWN: &[&str] = &[
    "host",
    "insecureNoSSL",
    "startTLS",
    "insecureSkipVerify",
    "bindDN",
    "bindPW",
    "userSearch",
    "groupSearch",
    "usernamePrompt",
];

/// The draft of a provider for a directory.
pub(super) fn ldap_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> Option<ConnectorDraft<'v>> {
    let users = config.get("userSearch");
    let id_attribute = users.text("idAttr").unwrap_or_else(|| "uid".to_owned());
    if id_attribute.eq_ignore_ascii_case("objectGUID") {
        let message = format!(
            "the connector {id:?} is not imported: Dex makes subjects from the bytes of objectGUID, which are not text; set idAttr to a text attribute, or write an IdentityProvider with which people get new subjects"
        );
        import.notes.add(&users.get("idAttr"), message);
        return None;
    }
    if !accepts_subjects(import, &users, (id, &id_attribute)) {
        return None;
    }
    let names = users.text("username").unwrap_or_else(|| "uid".to_owned());
    let name = names.split(',').next().unwrap_or_default().trim().to_owned();
    if names.contains(',') {
        let message = format!(
            "only {name} is imported; write the other attributes into users.filter, with {{username}}"
        );
        import.notes.add(&users.get("username"), message);
    }
    let is_dn = id_attribute.eq_ignore_ascii_case("dn");
    let claim = if is_dn { "dn" } else { id_attribute.as_str() };
    let mut draft = dex_draft(import, connector, id, ("LDAP", claim));
    draft.ask_again();
    let people = people(&mut draft, &users, (&name, &id_attribute));
    let schema = if is_active_directory(&users) { "ActiveDirectory" } else { "OpenLDAP" };
    let mut ldap = json!({
        "url": server_url(import, config),
        "schema": schema,
        "bindSecretRef": { "name": bind_secret(import, config, &draft.name) },
        "users": people,
    });
    restrict_scopes(import, &mut draft, config);
    if let Some(groups) = groups(import, config, &name) {
        ldap["groups"] = groups;
    }
    draft.set("ldap", ldap);
    import.notes.add_unknown(
        &users,
        &[
            "baseDN",
            "filter",
            "username",
            "idAttr",
            "emailAttr",
            "nameAttr",
            "preferredUsernameAttr",
            "scope",
        ],
    );
    let prompt = config.get("usernamePrompt");
    if !prompt.is_empty() {
        import.notes.add(&prompt, "not imported: the page asks for a username");
    }
    let message = "people keep their subjects by Dex's attribute; a host inside the network needs an entry of upstreamHosts";
    import.notes.add(config, message);
    Some((draft, KNOWN))
}

/// Lets declared people in only if a search was limited to the entries directly below its base. Searches here go
/// on at any depth, so they would find more people, or more groups.
fn restrict_scopes(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    for (search, remedy) in [
        (
            "userSearch",
            "write a filter or a rule that leaves out the people of entries further below, and set admit again",
        ),
        (
            "groupSearch",
            "write a groups.filter that leaves out the groups of entries further below, and set admit again",
        ),
    ] {
        let scope = config.get(search).get("scope");
        if config.get(search).text("scope").is_some_and(|it| !matches!(&*it, "" | "sub")) {
            draft.restrict(import, &scope, remedy);
        }
    }
}

/// Whether subjects may be made of the attribute that identifies people. Adds a note if it can pass to another person.
fn accepts_subjects(
    import: &mut ImportCollector,
    users: &SourceField<'_>,
    (id, attribute): (&str, &str),
) -> bool {
    let is_accepted = SubjectStrategy::Dex.accepts_claim(attribute);
    if !is_accepted {
        let message = format!(
            "the connector {id:?} is not imported: the attribute {attribute:?} can pass to another person, so no subject is made of it"
        );
        import.notes.add(&users.get("idAttr"), message);
    } else if !SubjectStrategy::Computed.accepts_claim(attribute) {
        let message = format!(
            "Dex identifies people by {attribute:?}, so they keep their subjects by it; a person who gets the {attribute} of another one gets the accounts too, so never give one to a second person"
        );
        import.notes.add(users, message);
    }
    is_accepted
}

/// People: where they are, and the attributes that become claims.
fn people(
    draft: &mut ProviderDraft<'_>,
    users: &SourceField<'_>,
    (name, id_attribute): (&str, &str),
) -> Value {
    let mut attributes: Vec<String> = Vec::new();
    if !id_attribute.eq_ignore_ascii_case("dn") && id_attribute != name {
        attributes.push(id_attribute.to_owned());
    }
    for (part, field) in
        [("name", "nameAttr"), ("username", "preferredUsernameAttr"), ("email", "emailAttr")]
    {
        let Some(attribute) = users.text(field) else { continue };
        draft.set_in("claimMappings", part, json!({ "claim": attribute }));
        if !attributes.contains(&attribute) && attribute != name {
            attributes.push(attribute);
        }
    }
    // Dex takes the addresses of directories for verified.
    draft.set_in("claimMappings", "emailVerified", json!({ "expression": "true" }));
    let mut people = json!({ "base": users.text("baseDN").unwrap_or_default(), "name": name });
    if let Some(filter) = users.text("filter") {
        people["filter"] = json!(filter);
    }
    if !attributes.is_empty() {
        people["attributes"] = json!(attributes);
    }
    people
}

fn is_active_directory(users: &SourceField<'_>) -> bool {
    let texts = ["username", "idAttr", "filter"].map(|field| users.text(field).unwrap_or_default());
    let marks = ["sAMAccountName", "userPrincipalName", "objectClass=user"];
    texts.iter().any(|text| marks.iter().any(|mark| text.contains(mark)))
}

fn server_url(import: &mut ImportCollector, config: &SourceField<'_>) -> String {
    let scheme =
        if config.is_set("startTLS") || config.is_set("insecureNoSSL") { "ldap" } else { "ldaps" };
    for (field, message) in [
        (
            "insecureNoSSL",
            "not imported: connections begin with StartTLS; the server needs a certificate",
        ),
        (
            "insecureSkipVerify",
            "not imported: the server's certificate is verified; give its authority in caRef",
        ),
    ] {
        if config.is_set(field) {
            import.notes.add(&config.get(field), message);
        }
    }
    format!("{scheme}://{}", config.text("host").unwrap_or_default())
}

/// The name of the Secret with the account that searches.
fn bind_secret(import: &mut ImportCollector, config: &SourceField<'_>, name: &str) -> String {
    let proposed_name = format!("{name}-bind");
    let password = config.text("bindPW").filter(|text| !is_from_environment(text));
    match config.text("bindDN").zip(password) {
        Some((account, password)) => {
            import.add_secret(&proposed_name, &[("username", &account), ("password", &password)])
        }
        None => {
            let name = import.unique_name("Secret", &proposed_name);
            let message = format!(
                "the account that searches is not in the file; create the Secret {name:?} with the entries username and password"
            );
            import.notes.add(&config.get("bindPW"), message);
            name
        }
    }
}

fn groups(import: &mut ImportCollector, config: &SourceField<'_>, name: &str) -> Option<Value> {
    let search = config.get("groupSearch");
    let base = search.text("baseDN")?;
    let mut matchers = search.items("userMatchers");
    if matchers.is_empty() && !search.get("groupAttr").is_empty() {
        matchers.push(search.clone());
    }
    let mut members = Vec::new();
    let mut is_nested = false;
    for matcher in matchers {
        let group = matcher.text("groupAttr").unwrap_or_else(|| "member".to_owned());
        let user = matcher.text("userAttr").unwrap_or_default();
        let placeholder = if user.eq_ignore_ascii_case("dn") {
            "{dn}"
        } else if user == name {
            "{username}"
        } else {
            let message =
                format!("not imported: groups are found by the distinguished name or by {name}");
            import.notes.add(&matcher.get("userAttr"), message);
            continue;
        };
        is_nested |= !matcher.get("recursionGroupAttr").is_empty() && placeholder == "{dn}";
        members.push(format!("({group}={placeholder})"));
    }
    let members = match members.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("(|{})", several.concat()),
    };
    let filter = match search.text("filter") {
        Some(filter) if members.is_empty() => filter,
        Some(filter) => format!("(&{filter}{members})"),
        None => members,
    };
    let mut groups = json!({ "base": base });
    if is_nested && !filter.contains("{username}") {
        groups["nested"] = json!("Recursive");
    }
    if !filter.is_empty() {
        groups["filter"] = json!(filter);
    }
    if let Some(name) = search.text("nameAttr") {
        groups["name"] = json!(name);
    }
    import.notes.add_unknown(
        &search,
        &["baseDN", "filter", "userMatchers", "userAttr", "groupAttr", "nameAttr", "scope"],
    );
    Some(groups)
}

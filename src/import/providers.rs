//! Providers before they are written: what several of them need at one tenant is known last.

use serde_json::{Map, Value, json};

use super::{
    manifests::{ImportCollector, PROVIDER, SECRET},
    source_field::SourceField,
};

/// The mask of a secret in exports of Keycloak.
pub(super) const MASK: &str = "**********";

/// A provider with the field of the source that it comes from.
#[derive(Debug)]
pub(super) struct ProviderDraft<'v> {
    pub(super) name: String,
    pub(super) source: SourceField<'v>,
    /// The spec, without what several sources need.
    pub(super) spec: Map<String, Value>,
}

impl<'v> ProviderDraft<'v> {
    /// Begins a provider whose people may all sign in.
    pub(super) fn new(
        import: &mut ImportCollector,
        source: &SourceField<'v>,
        proposed_name: &str,
        provider_type: &str,
    ) -> Self {
        let name = import.unique_name(PROVIDER, proposed_name);
        let mut draft = Self { name, source: source.clone(), spec: Map::new() };
        draft.set("tenantRef", json!({ "name": import.tenant }));
        draft.set("type", json!(provider_type));
        draft.set("admit", json!("Everyone"));
        draft
    }

    /// Sets a field of the spec.
    pub(super) fn set(&mut self, field: &str, value: Value) {
        self.spec.insert(field.to_owned(), value);
    }

    /// Sets a field of a member of the spec, which is made if it is absent.
    pub(super) fn set_in(&mut self, member: &str, field: &str, value: Value) {
        let member = self.spec.entry(member).or_insert_with(|| json!({}));
        if let Some(member) = member.as_object_mut() {
            member.insert(field.to_owned(), value);
        }
    }

    /// Lets the provider be asked again about people who are signed in.
    pub(super) fn ask_again(&mut self) {
        self.set_in("refresh", "mode", json!("Upstream"));
    }

    /// Makes no groups of the provider's claims, as the source did.
    pub(super) fn map_no_groups(&mut self) {
        self.set_in("claimMappings", "groups", json!({ "expression": "[]" }));
    }

    /// Takes the username from the first of these claims that a person has. Each is a CEL identifier.
    pub(super) fn set_username(&mut self, claims: &[&str]) {
        let Some((last, others)) = claims.split_last() else { return };
        let expression = others.iter().rev().fold(format!("claims.{last}"), |rest, claim| {
            format!("has(claims.{claim}) ? claims.{claim} : {rest}")
        });
        self.set_in("claimMappings", "username", json!({ "expression": expression }));
    }

    /// Adds a parameter of the authorization request. The member `oidc` must be set before.
    pub(super) fn add_authorization_parameter(&mut self, name: &str, value: &str) {
        let parameters = self.spec.get_mut("oidc").and_then(Value::as_object_mut);
        let parameters = parameters
            .map(|oidc| oidc.entry("authorizationParameters").or_insert_with(|| json!([])));
        if let Some(parameters) = parameters.and_then(Value::as_array_mut) {
            parameters.push(json!({ "name": name, "value": value }));
        }
    }

    /// Carries the values of `prompt` that each request asks for.
    pub(super) fn add_prompt(&mut self, import: &mut ImportCollector, field: &SourceField<'_>) {
        let prompt = field.value.as_str().unwrap_or_default().trim();
        match prompt {
            "" | "unspecified" => {}
            "consent" | "login" | "select_account" => {
                self.add_authorization_parameter("prompt", prompt);
            }
            _ => import.notes.add(
                field,
                "not imported: the request asks for consent, login or select_account, or for nothing",
            ),
        }
    }

    /// Lets only people in whom an `OidcUser` names, because a restriction is not imported.
    pub(super) fn restrict(
        &mut self,
        import: &mut ImportCollector,
        field: &SourceField<'_>,
        remedy: &str,
    ) {
        self.set("admit", json!("Declared"));
        let message = format!(
            "not imported, so only people whom an OidcUser names may sign in (admit: Declared); {remedy}"
        );
        import.notes.add(field, message);
    }

    /// The reference to the client secret. A secret that is not `readable`, because it is masked or in the environment,
    /// gets a note.
    pub(super) fn client_secret(
        &self,
        import: &mut ImportCollector,
        field: &SourceField<'_>,
        readable: bool,
    ) -> Value {
        let proposed_name = format!("{}-provider", self.name);
        let text = field.value.as_str().filter(|_| readable);
        let reference = import.secret_entry(&proposed_name, "client-secret", text);
        if text.is_none() {
            let message = format!(
                "the client secret is not in the file; create the {SECRET} {:?} with the entry client-secret",
                reference.name
            );
            import.notes.add(field, message);
        }
        json!({ "name": reference.name })
    }
}

/// Writes the providers. Where a tenant has several sources of people, none may give usernames,
/// groups or e-mail addresses of another.
pub(super) fn write_providers(
    import: &mut ImportCollector,
    drafts: Vec<ProviderDraft<'_>>,
    issuer: Option<&str>,
    has_local_people: bool,
) {
    let sources = drafts.len() + usize::from(has_local_people);
    for mut draft in drafts {
        if sources > 1 {
            separate_people(import, &mut draft);
        }
        let is_redirecting = draft.spec.get("type").is_some_and(|it| it != "LDAP");
        if is_redirecting {
            let base = issuer.unwrap_or("<issuer>");
            let message = format!(
                "register the redirect URI {base}/callback/{} at the provider, in addition to the one in use",
                draft.name
            );
            import.notes.add(&draft.source, message);
        }
        import.add_provider(&draft.name, &draft.spec);
    }
}

fn separate_people(import: &mut ImportCollector, draft: &mut ProviderDraft<'_>) {
    let prefix = format!("{}:", draft.name);
    let mapping = |draft: &ProviderDraft<'_>, part: &str| {
        let mapping = draft.spec.get("claimMappings").and_then(|it| it.get(part)).cloned();
        mapping.unwrap_or_else(|| json!({}))
    };
    let mut changed = Vec::new();
    for (part, is_separate) in [("username", "prefix"), ("groups", "include")] {
        let mut mapping = mapping(draft, part);
        if mapping.get("prefix").is_none() && mapping.get(is_separate).is_none() {
            mapping["prefix"] = json!(prefix);
            draft.set_in("claimMappings", part, mapping);
            changed.push(part);
        }
    }
    if !changed.is_empty() {
        let message = format!(
            "the tenant has several sources of people, so {} of this one begin with {prefix:?}; change the prefix in claimMappings, or list the groups in include",
            changed.join(" and ")
        );
        import.notes.add(&draft.source, message);
    }
    if draft.spec.get("emailDomains").is_none() {
        draft.set_in("claimMappings", "email", json!({ "claim": "" }));
        let message = "the tenant has several sources of people, so this one gives no e-mail address; list the domains of its addresses in emailDomains and remove claimMappings.email";
        import.notes.add(&draft.source, message);
    }
}

//! Warnings about names that the sign-in page leads to a provider, because their domain belongs to it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::users::ServedAccount;
use crate::{
    api::{ConditionReason, ConditionType},
    model::{Account, AccountSource, ManagedKind, ObjectKey, ObjectRef, PasswordState},
    protocol::identity_provider::IdentityProvider,
    registry::{ValidationProblem, Verdict},
};

/// Warns of users whose password is never asked for, and of providers that do not get the people of their
/// domains. `providers` are in the order of the sign-in page.
pub(super) fn warn_of_names_elsewhere(
    providers: &[Arc<IdentityProvider>],
    users: &[ServedAccount],
    verdicts: &mut [Arc<Verdict>],
) {
    let mut owners: BTreeMap<&str, &IdentityProvider> = BTreeMap::new();
    let mut warnings: HashMap<ObjectRef, ValidationProblem> = HashMap::new();
    // A name goes to a directory, where the password is typed here, only if no other provider has its domain.
    let (directories, others): (Vec<_>, Vec<_>) =
        providers.iter().partition(|provider| provider.directory().is_some());
    take_domains(&others, &mut owners, &mut warnings);
    for (account, _) in users {
        if let Some((key, owner)) = user_of_provider(account, &owners) {
            let object = ObjectRef::new(ManagedKind::OidcUser, key.clone());
            warnings.insert(object, password_is_not_asked(&owner.object));
        }
    }
    take_domains(&directories, &mut owners, &mut warnings);
    if warnings.is_empty() {
        return;
    }
    for verdict in verdicts {
        if let Some(warning) = warnings.remove(&verdict.object) {
            Arc::make_mut(verdict).warnings.push(warning);
        }
    }
}

/// Gives each domain to the first provider that has it, and warns of the others.
fn take_domains<'p>(
    providers: &[&'p Arc<IdentityProvider>],
    owners: &mut BTreeMap<&'p str, &'p IdentityProvider>,
    warnings: &mut HashMap<ObjectRef, ValidationProblem>,
) {
    for provider in providers {
        for (index, domain) in provider.sign_in.domains.iter().enumerate() {
            let owner: &IdentityProvider = owners.entry(domain).or_insert(provider);
            if owner.object != provider.object {
                let field = format!("spec.signIn.domains[{index}]");
                let object = ObjectRef::new(ManagedKind::IdentityProvider, provider.object.clone());
                warnings.entry(object).or_insert_with(|| domain_of_two(field, domain, owner));
            }
        }
    }
}

/// The user and the provider of the user's domain, if the user has a password and no name or verified address of
/// another domain to type.
fn user_of_provider<'a>(
    account: &'a Account,
    owners: &BTreeMap<&str, &'a IdentityProvider>,
) -> Option<(&'a ObjectKey, &'a IdentityProvider)> {
    let AccountSource::Resource(key) = &account.source else { return None };
    let owner_of = |name: &str| {
        let domain = name.rsplit_once('@')?.1.to_ascii_lowercase();
        owners.get(domain.as_str()).copied()
    };
    let owner = owner_of(&account.username)?;
    let is_verified = account.claims.get("email_verified") == Some(&true.into());
    let address = account.claims.get("email").and_then(|email| email.as_str());
    let other_name = address.filter(|_| is_verified).is_some_and(|it| owner_of(it).is_none());
    (account.password != PasswordState::Absent && !other_name).then_some((key, owner))
}

fn domain_of_two(field: String, domain: &str, owner: &IdentityProvider) -> ValidationProblem {
    let message = format!(
        "IdentityProvider \"{}\" also has the domain {domain:?} and comes first (signIn.order; directories come last), so people of the domain sign in there; remove the domain from one of them",
        owner.object
    );
    warning(field, message)
}

fn password_is_not_asked(owner: &ObjectKey) -> ValidationProblem {
    let message = format!(
        "has a domain of IdentityProvider \"{owner}\" (signIn.domains), where the name leads, so the password of this user is never asked for; remove the domain there, remove passwordSecretRef, or delete this object and create it with a username without the domain"
    );
    warning("spec.username".to_owned(), message)
}

fn warning(field: String, message: String) -> ValidationProblem {
    let (condition, reason) = (ConditionType::Warning, ConditionReason::DomainElsewhere);
    ValidationProblem::of(condition, reason, field, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        model::fixtures,
        protocol::identity_provider::fixtures::sample_provider,
        registry::{ObjectOutcome, UserOutcome},
    };

    fn provider(name: &str, domains: &[&str]) -> Arc<IdentityProvider> {
        let object = ObjectKey::new("team", name);
        let mut provider = IdentityProvider { object, ..sample_provider() };
        provider.sign_in.domains = domains.iter().map(|it| (*it).to_owned()).collect();
        Arc::new(provider)
    }

    fn user(username: &str, email: Option<&str>, password: PasswordState) -> ServedAccount {
        let mut claims = serde_json::Map::new();
        if let Some(email) = email {
            claims.insert("email".to_owned(), email.into());
            claims.insert("email_verified".to_owned(), json!(true));
        }
        let source = AccountSource::Resource(ObjectKey::new("team", username));
        let username = username.to_owned();
        (Arc::new(Account { source, username, claims, password, ..fixtures::user() }), None)
    }

    /// The objects with warnings, each with the field.
    fn warned(providers: &[Arc<IdentityProvider>], users: &[ServedAccount]) -> Vec<String> {
        let object = |account: &Account| match &account.source {
            AccountSource::Resource(key) => ObjectRef::new(ManagedKind::OidcUser, key.clone()),
            other => panic!("{other:?}"),
        };
        let of_provider = |it: &Arc<IdentityProvider>| {
            ObjectRef::new(ManagedKind::IdentityProvider, it.object.clone())
        };
        let objects = providers.iter().map(of_provider).chain(users.iter().map(|it| object(&it.0)));
        let mut verdicts: Vec<_> = objects
            .map(|object| {
                let outcome = ObjectOutcome::User(UserOutcome {
                    subject: None,
                    invitation: None,
                    served: true,
                });
                let (problems, warnings) = (Vec::new(), Vec::new());
                Arc::new(Verdict { object, generation: None, problems, warnings, outcome })
            })
            .collect();
        warn_of_names_elsewhere(providers, users, &mut verdicts);
        let texts = verdicts.iter().flat_map(|verdict| {
            let name = &verdict.object.key.name;
            verdict.warnings.iter().map(move |it| format!("{name} {}", it.field))
        });
        texts.collect()
    }

    #[test]
    fn a_user_with_a_password_needs_a_name_that_leads_to_no_provider() {
        let providers = [provider("corp", &["acme.test", "x.test"])];
        let readable = PasswordState::Readable;
        let users = [
            user("ada@acme.test", None, readable),
            user("bob", Some("bob@acme.test"), readable),
            user("carol@acme.test", Some("Carol@Home.test"), readable),
            user("dave@acme.test", Some("dave@X.test"), PasswordState::Unreadable),
            user("eve@acme.test", None, PasswordState::Absent),
            user("frank@sub.acme.test", None, readable),
        ];
        let found = warned(&providers, &users);
        assert_eq!(found, ["ada@acme.test spec.username", "dave@acme.test spec.username"]);
        assert!(warned(&[provider("corp", &[])], &users).is_empty());
    }

    #[test]
    fn a_domain_leads_to_the_first_provider_that_has_it() {
        let providers = [
            provider("first", &["acme.test"]),
            provider("second", &["b.test", "acme.test", "b.test"]),
            provider("third", &["c.test"]),
        ];
        assert_eq!(warned(&providers, &[]), ["second spec.signIn.domains[1]"]);
    }
}

//! Users of a realm: each becomes an `OidcUser`.

use super::{
    credentials::{ImportedCredential, convert_credential},
    groups::GroupNames,
    profile::set_claims,
    scopes::RealmScopes,
};
use crate::{
    api::{IdentitySpec, LocalTenantRef, OidcUserSpec},
    import::{
        manifests::{ImportCollector, USER},
        providers::ProviderDraft,
        source_field::SourceField,
    },
};

/// The longest text of a field, in characters.
const MAX_TEXT: usize = 256;
const MAX_IDENTITIES: usize = 16;
/// The type of a credential that is a password.
const PASSWORD: &str = "password";
/// Actions of Keycloak that leave the credentials as they are.
const OPEN_ACTIONS: [&str; 7] = [
    "VERIFY_EMAIL",
    "UPDATE_PROFILE",
    "VERIFY_PROFILE",
    "UPDATE_EMAIL",
    "TERMS_AND_CONDITIONS",
    "webauthn-register-passwordless",
    "update_user_locale",
];

/// Adds the users of all files. Returns whether one has a password, or had one that is not imported.
pub(super) fn add_keycloak_people(
    import: &mut ImportCollector,
    files: &[SourceField<'_>],
    realm: &SourceField<'_>,
    providers: &[ProviderDraft<'_>],
    (scopes, group_names): (&RealmScopes, GroupNames),
) -> bool {
    let realm_name = realm.text("realm");
    let mut has_password = false;
    let mut count = 0_usize;
    for file in files.iter().filter(|file| file.text("realm") == realm_name) {
        for person in file.items("users") {
            if person.text("serviceAccountClientId").is_some() {
                continue;
            }
            count += 1;
            has_password |= add_person(import, &person, providers, (scopes, group_names));
        }
    }
    if count == 0 {
        let message = "the export has no users; the admin console leaves them out, `kc.sh export --users same_file` does not";
        import.notes.add(&realm.get("users"), message);
    }
    has_password
}

fn add_person(
    import: &mut ImportCollector,
    person: &SourceField<'_>,
    providers: &[ProviderDraft<'_>],
    (scopes, group_names): (&RealmScopes, GroupNames),
) -> bool {
    let Some((id, username)) = person.text("id").zip(person.text("username")) else {
        let message = "the user is not imported: the export lacks id or username, from which subject and username are set";
        import.notes.add(person, message);
        return false;
    };
    let name = import.unique_name(USER, &username);
    let hash = password(import, person);
    let proposed_name = format!("{name}-password");
    let reference =
        hash.as_ref().map(|hash| import.secret_entry(&proposed_name, "password", Some(hash)));
    let is_password =
        |credential: &SourceField<'_>| credential.text("type").as_deref() == Some(PASSWORD);
    let has_password = person.items("credentials").iter().any(is_password);
    let email = person.text("email").filter(|email| is_address(email));
    let mut spec = OidcUserSpec {
        tenant_ref: LocalTenantRef { name: import.tenant.clone() },
        username,
        subject: Some(id),
        password_secret_ref: reference,
        identities: identities(import, person, providers),
        disabled: (person.flag("enabled") == Some(false)).then_some(true),
        groups: group_names.groups(person),
        name: full_name(person),
        given_name: person.text("firstName").filter(|text| text.chars().count() <= MAX_TEXT),
        family_name: person.text("lastName").filter(|text| text.chars().count() <= MAX_TEXT),
        email_verified: person.flag("emailVerified").filter(|_| email.is_some()),
        email,
        ..OidcUserSpec::default()
    };
    set_claims(import, &mut spec, person, scopes);
    add_notes(import, person);
    import.add_user(&name, &spec);
    has_password
}

/// Adds notes on fields of a user that have no counterpart.
fn add_notes(import: &mut ImportCollector, person: &SourceField<'_>) {
    let actions = if demands_action(person) {
        "not imported, and neither is a password: invite the person (invitation of the OidcUser), who sets up what the Tenant requires"
    } else {
        "not imported: the person signs in without them"
    };
    for (field, message) in [
        ("requiredActions", actions),
        (
            "realmRoles",
            "not imported: Lanyard has no roles; write groups for those that applications need",
        ),
        (
            "clientRoles",
            "not imported: Lanyard has no roles; write groups for those that applications need",
        ),
        (
            "federationLink",
            "not imported: the person signs in with the directory once identities names its IdentityProvider and the identifier of the entry there, and the user has no password here",
        ),
    ] {
        let part = person.get(field);
        let is_default = part.value.as_array().is_some_and(|roles| {
            roles
                .iter()
                .all(|role| role.as_str().is_some_and(|it| it.starts_with("default-roles-")))
        });
        if !part.is_empty() && !is_default {
            import.notes.add(&part, message);
        }
    }
}

/// Whether the person has to do something at the next sign-in without which the password is not enough, such as
/// replacing it. Actions of extensions are included.
fn demands_action(person: &SourceField<'_>) -> bool {
    let actions = person.texts("requiredActions");
    actions.iter().any(|action| !OPEN_ACTIONS.contains(&action.as_str()))
}

/// The hash of the password. Other credentials get a note. A password that is not enough to sign in at Keycloak is not
/// imported, because it would be enough here.
fn password(import: &mut ImportCollector, person: &SourceField<'_>) -> Option<String> {
    let mut found = None;
    let mut is_enough = !demands_action(person);
    for credential in person.items("credentials") {
        match convert_credential(&credential) {
            ImportedCredential::Password(text) => {
                found = found.or(Some((credential, text)));
            }
            ImportedCredential::SecondFactor(reason) => {
                is_enough = false;
                import.notes.add(&credential, reason);
            }
            ImportedCredential::NotCarried(reason) => import.notes.add(&credential, reason),
        }
    }
    let (credential, hash) = found?;
    if !is_enough {
        let message = "the password is not imported, because the person could sign in with it alone; invite the person (invitation of the OidcUser), with authenticators of the Tenant: passwords: Optional, and totp or passkeys: Required if a second factor is needed";
        import.notes.add(&credential, message);
    }
    is_enough.then_some(hash)
}

/// The people of providers who are this user.
fn identities(
    import: &mut ImportCollector,
    person: &SourceField<'_>,
    providers: &[ProviderDraft<'_>],
) -> Vec<IdentitySpec> {
    let mut identities = Vec::new();
    for link in person.items("federatedIdentities") {
        let alias = link.text("identityProvider").unwrap_or_default();
        let is_alias =
            |draft: &&ProviderDraft<'_>| draft.source.text("alias").is_some_and(|it| it == alias);
        let found = providers.iter().find(is_alias).zip(link.text("userId"));
        match found {
            Some((draft, subject)) if identities.len() < MAX_IDENTITIES => {
                identities.push(IdentitySpec { provider: draft.name.clone(), subject });
            }
            _ => {
                let message = format!(
                    "the link to {alias:?} is not imported: the provider is not, or the link has no userId"
                );
                import.notes.add(&link, message);
            }
        }
    }
    identities
}

fn full_name(person: &SourceField<'_>) -> Option<String> {
    let parts = [person.text("firstName"), person.text("lastName")];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.is_empty() && name.chars().count() <= MAX_TEXT).then_some(name)
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    (3..=254).contains(&text.len())
        && !text.contains(char::is_whitespace)
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty() && !local.contains('@') && !domain.split('.').any(str::is_empty)
        })
}

//! The banner that `dev` prints once it serves: URLs, clients and users.

use std::fmt::Write;

use crate::{
    api::{ConditionReason, OidcUser, SecretState, SourceView, invitation_secret},
    demo,
    model::{
        AccountSource, AuthMethod, Client, Issuer, ManagedKind, ObjectKey, ObjectRef,
        StoredPassword,
    },
    registry::{
        ClientSecretPlan, InvitationState, ObjectOutcome, Snapshot, UserOutcome, ValidationProblem,
        Verdict,
    },
    source::folder::FolderSource,
};

/// Returns true if no object is still pending: objects not served by now need an edit.
pub(super) fn are_objects_settled(snapshot: &Snapshot, revision: u64) -> bool {
    let pending = |verdict: &Verdict| {
        verdict.problems.iter().any(|problem| problem.reason == ConditionReason::Pending)
    };
    snapshot.revision == revision
        && snapshot.revision > 0
        && snapshot.sealer.is_some()
        && !snapshot.verdicts().iter().any(|verdict| pending(verdict))
}

/// Renders the banner: the tenants with their clients and users, and how to sign in.
pub(super) fn banner_text(
    snapshot: &Snapshot,
    view: &SourceView,
    directory: &FolderSource,
    base_url: &Issuer,
) -> String {
    let mut out = String::new();
    let mut tenants: Vec<_> = snapshot.tenants().collect();
    tenants.sort_by(|a, b| a.tenant.id.cmp(&b.tenant.id));
    for tenant in tenants {
        line(&mut out, &format!("\nIssuer   {}", tenant.tenant.issuer));
        let mut clients: Vec<_> = tenant.clients().collect();
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        for client in clients {
            let secret = secret_of(snapshot, directory, client);
            line(&mut out, &format!("  client {}   {secret}", client.id));
        }
        for account in tenant.accounts() {
            let AccountSource::Resource(object) = &account.source else { continue };
            let password = match tenant.password(&account.subject) {
                Some(StoredPassword::Plain(_)) => plain_password(view, object),
                Some(StoredPassword::Hash(_)) => "(a hash)".to_owned(),
                None => "(none)".to_owned(),
            };
            line(&mut out, &format!("  user   {}   password: {password}", account.username));
            if let Some(link) = invitation_link(view, object) {
                line(&mut out, &format!("         invitation: {link}"));
            }
        }
    }
    let broken = snapshot.verdicts().iter().filter(|verdict| !verdict.served());
    for (index, verdict) in broken.enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        let texts: Vec<String> = verdict.problems.iter().map(ValidationProblem::text).collect();
        line(&mut out, &format!("{gap}Not served: {}: {}", verdict.object, texts.join("; ")));
    }
    for verdict in snapshot.verdicts().iter() {
        for warning in &verdict.warnings {
            line(&mut out, &format!("Warning: {}: {}", verdict.object, warning.text()));
        }
    }
    line(&mut out, &format!("\nOpen     {}\n", base_url.join(demo::PATH)));
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a string does not fail");
}

/// The link of a user's invitation, while it can be used.
fn invitation_link(view: &SourceView, user: &ObjectKey) -> Option<String> {
    let Some(SecretState::Loaded(secret)) = view.objects.secrets.get(&invitation_secret(user))
    else {
        return None;
    };
    String::from_utf8(secret.entry("url")?.to_vec()).ok()
}

/// Returns true if the Secret of each invitation was written, or need not be.
pub(super) fn has_invitations(snapshot: &Snapshot, view: &SourceView) -> bool {
    snapshot.verdicts().iter().all(|verdict| {
        let ObjectOutcome::User(UserOutcome { invitation: Some(found), .. }) = &verdict.outcome
        else {
            return true;
        };
        if !matches!(found.state, InvitationState::Open | InvitationState::Pending) {
            return true;
        }
        let key = &verdict.object.key;
        let user = view.objects.managed.get::<OidcUser>(key);
        match user.and_then(|user| *user.status_facts()) {
            Some(ConditionReason::Available) => invitation_link(view, key).is_some(),
            // Only the controller finds these out.
            Some(
                ConditionReason::Mailed
                | ConditionReason::MailFailing
                | ConditionReason::MailRefused
                | ConditionReason::InvitationUsed
                | ConditionReason::InvitationExpired
                | ConditionReason::NothingToSetUp
                | ConditionReason::NotOwned,
            ) => true,
            _ => false,
        }
    })
}

/// Describes where a client's secret is stored.
fn secret_of(snapshot: &Snapshot, directory: &FolderSource, client: &Client) -> String {
    let reference = ObjectRef::new(ManagedKind::OidcClient, client.object.clone());
    let verdict = snapshot.verdicts().get(&reference);
    let secret = match verdict.map(|verdict| &verdict.outcome) {
        Some(ObjectOutcome::Client(outcome)) => match &outcome.secret {
            ClientSecretPlan::Generated(desired) => Some(&desired.key),
            ClientSecretPlan::Referenced(key) => Some(key),
            ClientSecretPlan::None => None,
        },
        _ => None,
    };
    let Some(secret) = secret else { return without_secret(client.authentication.method()) };
    let file = directory.file_of_secret(secret);
    match file {
        Some(file) => format!("secret in {}", file.display()),
        None => "secret not created yet".to_owned(),
    }
}

/// Describes how a client without a secret authenticates.
fn without_secret(method: AuthMethod) -> String {
    match method {
        AuthMethod::None => "no secret (public)".to_owned(),
        AuthMethod::PrivateKeyJwt => "no secret (private_key_jwt: a key of its own)".to_owned(),
        AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => {
            format!("no secret ({}: a certificate of its own)", method.as_str())
        }
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretJwt => format!("no secret yet ({})", method.as_str()),
    }
}

/// The password of a user whose Secret contains it in plain text: the folder belongs to the
/// developer.
fn plain_password(view: &SourceView, user: &ObjectKey) -> String {
    let found = view.objects.managed.get::<OidcUser>(user).and_then(|kept| {
        let reference = kept.declared(user).spec.password_secret_ref?;
        let key = user.in_same_namespace(&reference.name);
        let Some(SecretState::Loaded(secret)) = view.objects.secrets.get(&key) else { return None };
        let entry = reference.key.as_deref().unwrap_or("password");
        String::from_utf8(secret.entry(entry)?.to_vec()).ok()
    });
    found.unwrap_or_else(|| "(not readable)".to_owned())
}

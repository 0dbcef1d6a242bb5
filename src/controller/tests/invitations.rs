//! The Secret with the link of an invitation.

use std::sync::{Mutex, atomic::AtomicBool};

use super::*;
use crate::model::{InvitationLedger, InvitationLedgerError, InvitationMail, UserInvitation};

const TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {authenticators: {passwords: Optional}}
";

/// An invitation that expires 1,000 s after the clock's start.
const USER: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, namespace: team}
spec:
  tenantRef: {name: main}
  username: ada
  invitation: {id: one, notAfter: "2027-01-15T08:16:40Z"}
"#;

const SECRET: &str = "ada-invitation";

/// A ledger whose links name the invitation.
#[derive(Debug, Default)]
struct Ledger {
    mail: Mutex<Option<InvitationMail>>,
    used: AtomicBool,
    complete: AtomicBool,
    fails: AtomicBool,
}

fn link(invited: &UserInvitation) -> String {
    let UserInvitation { issuer, subject, person, invitation, .. } = invited;
    format!("{issuer}/invitation?{subject} {person} {} {}", invitation.id, invitation.not_after)
}

#[async_trait]
impl InvitationLedger for Ledger {
    async fn is_redeemed(&self, _: &UserInvitation) -> Result<bool, InvitationLedgerError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(InvitationLedgerError("the store is away".to_owned()));
        }
        Ok(self.used.load(Ordering::SeqCst))
    }

    async fn needs_setup(&self, _: &UserInvitation) -> Result<bool, InvitationLedgerError> {
        Ok(!self.complete.load(Ordering::SeqCst))
    }

    async fn mail_link(&self, _: &UserInvitation) -> Result<InvitationMail, InvitationLedgerError> {
        let mail = *self.mail.lock().expect("not poisoned");
        Ok(mail.unwrap_or(InvitationMail::Queued))
    }

    fn new_link(&self, invited: &UserInvitation) -> Option<String> {
        Some(link(invited))
    }

    fn is_link(&self, invited: &UserInvitation, found: &str) -> bool {
        found == link(invited)
    }
}

fn user() -> ObjectRef {
    ObjectRef::new(ManagedKind::OidcUser, ObjectKey::new("team", "ada"))
}

async fn settled(manifests: &[&str]) -> (Cluster, Arc<Ledger>) {
    let (cluster, ledger) = (Cluster::new(manifests), Arc::new(Ledger::default()));
    let context = cluster.context.with_invitations(ledger.clone());
    let mut cluster = Cluster { context, ..cluster };
    cluster.settle().await;
    (cluster, ledger)
}

/// Status and reason of the condition, and the Secret in the status.
fn invitation_status(cluster: &Cluster) -> (String, String, Option<String>) {
    match cluster.source.status(&user()) {
        Some(StatusUpdate::Managed(AnyStatus::OidcUser(status))) => {
            let (held, reason) = find(&status.conditions, "InvitationReady");
            (held, reason, status.invitation.and_then(|it| it.secret_name))
        }
        other => panic!("no status: {other:?}"),
    }
}

fn held(reason: &str) -> (String, String, Option<String>) {
    ("False".to_owned(), reason.to_owned(), None)
}

#[tokio::test]
async fn the_link_is_in_a_secret_of_the_user_until_it_was_used() {
    let (mut cluster, ledger) = settled(&[TENANT, USER]).await;
    let ready = ("True".to_owned(), "Available".to_owned(), Some(SECRET.to_owned()));
    assert_eq!(invitation_status(&cluster), ready);
    let secret = cluster.source.secret(SECRET).expect("it is there");
    assert!(entry(&secret, "url").starts_with("https://id.test/team/main/invitation?"));
    let owners = secret.metadata.owner_references.expect("an owner");
    assert_eq!((&*owners[0].kind, &*owners[0].uid), ("OidcUser", "uid-of-ada"));
    let status = format!("{:?}", cluster.source.status(&user()));
    assert!(!status.contains("/invitation?"), "{status}");

    let writes = cluster.source.writes().len();
    cluster.again(user()).await;
    assert_eq!(cluster.source.writes().len(), writes, "nothing has changed");
    ledger.used.store(true, Ordering::SeqCst);
    cluster.again(user()).await;
    cluster.settle().await;
    assert!(cluster.source.secret(SECRET).is_none());
    assert_eq!(invitation_status(&cluster), held("InvitationUsed"));
}

#[tokio::test]
async fn another_id_or_time_makes_another_link() {
    let (mut cluster, _) = settled(&[TENANT, USER]).await;
    for changed in [USER.replace("id: one", "id: two"), USER.replace("08:16:40Z", "09:00:00Z")] {
        let before = entry(&cluster.source.secret(SECRET).expect("there"), "url");
        cluster.source.apply(&changed);
        cluster.settle().await;
        assert_ne!(entry(&cluster.source.secret(SECRET).expect("there"), "url"), before);
    }
}

#[tokio::test]
async fn an_expired_invitation_has_no_link() {
    let (mut cluster, _) = settled(&[TENANT, USER]).await;
    cluster.clock.advance(Duration::from_secs(1001));
    cluster.again(user()).await;
    cluster.settle().await;
    assert!(cluster.source.secret(SECRET).is_none());
    assert_eq!(invitation_status(&cluster), held("InvitationExpired"));
}

#[tokio::test]
async fn a_person_with_nothing_to_set_up_gets_no_link() {
    let (mut cluster, ledger) = settled(&[TENANT, USER]).await;
    ledger.complete.store(true, Ordering::SeqCst);
    cluster.again(user()).await;
    cluster.settle().await;
    assert!(cluster.source.secret(SECRET).is_none());
    assert_eq!(invitation_status(&cluster), held("NothingToSetUp"));
    // The authenticator was removed or reset.
    ledger.complete.store(false, Ordering::SeqCst);
    cluster.again(user()).await;
    cluster.settle().await;
    assert!(cluster.source.secret(SECRET).is_some());
    assert_eq!(invitation_status(&cluster).1, "Available");
}

#[tokio::test]
async fn an_invitation_that_cannot_be_used_says_why() {
    let secret = "
apiVersion: v1
kind: Secret
metadata: {name: ada-password, namespace: team}
stringData: {password: secret}
";
    let with = |field: &str| USER.replace("  invitation:", &format!("{field}\n  invitation:"));
    for (tenant, user, reason) in [
        (TENANT.replace("Optional", "Disabled"), USER.to_owned(), "PasswordsDisabled"),
        (TENANT.to_owned(), with("  disabled: true"), "UserDisabled"),
        (TENANT.to_owned(), with("  passwordSecretRef: {name: ada-password}"), "PasswordInSecret"),
    ] {
        let (cluster, _) = settled(&[&tenant, &user, secret]).await;
        assert_eq!(invitation_status(&cluster), held(reason));
        assert!(cluster.source.secret(SECRET).is_none(), "{reason}");
    }
}

#[tokio::test]
async fn a_foreign_secret_with_the_name_stays() {
    let foreign = FOREIGN.replace("shop-oidc", SECRET);
    let (cluster, _) = settled(&[TENANT, USER, &foreign]).await;
    assert_eq!(invitation_status(&cluster), held("NotOwned"));
    let kept = cluster.source.secret(SECRET).expect("it is there");
    assert_eq!(entry(&kept, "precious"), "value");
}

#[tokio::test]
async fn the_secret_is_deleted_with_the_invitation() {
    let (mut cluster, _) = settled(&[TENANT, USER]).await;
    let line = USER.lines().find(|line| line.contains("invitation:")).expect("a line");
    cluster.source.apply(&USER.replace(line, ""));
    cluster.settle().await;
    assert!(cluster.source.secret(SECRET).is_none());
}

#[tokio::test]
async fn while_the_store_is_away_the_link_stays() {
    let (mut cluster, ledger) = settled(&[TENANT, USER]).await;
    ledger.fails.store(true, Ordering::SeqCst);
    cluster.again(user()).await;
    assert!(cluster.source.secret(SECRET).is_some());
    assert_eq!(invitation_status(&cluster).0, "True");
    assert!(cluster.again.contains(&user()), "it is repeated");
}

const MAIL: &str = "
  mail: {host: smtp.team.test, from: id@team.test}
";

#[tokio::test]
async fn a_link_is_mailed_instead_where_the_tenant_has_a_mail_server() {
    let tenant = TENANT.replace(
        "spec: {authenticators: {passwords: Optional}}\n",
        &format!("spec:\n  authenticators: {{passwords: Optional}}{MAIL}"),
    );
    let object = user;
    let user = USER.replace("  invitation:", "  email: ada@team.test\n  invitation:");
    let (mut cluster, ledger) = settled(&[&tenant, &user]).await;
    assert_eq!(invitation_status(&cluster), held("Pending"));
    assert!(cluster.source.secret(SECRET).is_none());
    for (mail, reason, is_ready) in [
        (InvitationMail::Failing, "MailFailing", false),
        (InvitationMail::Refused, "MailRefused", false),
        (InvitationMail::Sent, "Mailed", true),
    ] {
        *ledger.mail.lock().expect("not poisoned") = Some(mail);
        cluster.again(object()).await;
        let held = if is_ready { "True" } else { "False" };
        assert_eq!(invitation_status(&cluster), (held.to_owned(), reason.to_owned(), None));
    }
    let by_hand = user.replace("id: one,", "id: one, delivery: Secret,");
    cluster.source.apply(&by_hand);
    cluster.settle().await;
    assert_eq!(invitation_status(&cluster).1, "Available");
    cluster.source.apply(
        &by_hand
            .replace("delivery: Secret", "delivery: Mail")
            .replace("  email: ada@team.test\n", ""),
    );
    cluster.settle().await;
    assert_eq!(invitation_status(&cluster), held("MailUnavailable"));
    assert!(cluster.source.secret(SECRET).is_none());
}

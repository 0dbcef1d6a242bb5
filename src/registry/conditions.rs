//! Converts the verdict on an object to its Kubernetes conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    EnrolmentState, KeySource, ObjectOutcome, ValidationProblem, Verdict,
    invitation::invitation_condition,
};
use crate::{
    api::{ConditionReason, ConditionType, StatusDigest},
    model::{ManagedKind, Timestamp},
};

/// Maximum length of a message in bytes. Kubernetes allows 32 KiB, which is too long to read.
const MAX_MESSAGE_LEN: usize = 2048;

const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// Status, reason and message of one condition.
#[derive(Clone)]
struct DecidedCondition {
    status: &'static str,
    reason: ConditionReason,
    message: String,
}

fn holds(reason: ConditionReason, message: &str) -> DecidedCondition {
    DecidedCondition { status: TRUE, reason, message: message.to_owned() }
}

/// The conditions of a verdict. `lastTransitionTime` is kept from `previous` where the status has
/// not changed.
pub fn verdict_conditions(
    verdict: &Verdict,
    previous: &StatusDigest,
    now: Timestamp,
) -> Vec<Condition> {
    let types = verdict.outcome.condition_types().iter();
    let mut all: Vec<_> = types.map(|&it| (it, condition_status(verdict, it))).collect();
    // The first condition that is not True gives the reason of Ready.
    let ready = match all.iter().find(|(_, decided)| decided.status != TRUE) {
        Some((_, violated)) => DecidedCondition { status: FALSE, ..violated.clone() },
        None => holds(ConditionReason::Ready, "The object is ready."),
    };
    all.push((ConditionType::Ready, ready));
    // By kstatus, the condition is absent unless it is True.
    if let Some(problem) = verdict.problems.iter().find(|it| it.reason.needs_edit()) {
        let stalled = holds(problem.reason, &shortened(problem.text()));
        all.push((ConditionType::Stalled, stalled));
    }
    if let Some(first) = verdict.warnings.first() {
        let message = joined(&verdict.warnings);
        let warned = DecidedCondition { status: TRUE, reason: first.reason, message };
        all.push((ConditionType::Warning, warned));
    }
    all.extend(enrolment(verdict).map(|decided| (ConditionType::EnrolmentAvailable, decided)));
    all.extend(invitation(verdict).map(|decided| (ConditionType::InvitationReady, decided)));
    let entry = |(condition, decided)| condition_of(verdict, condition, decided, (previous, now));
    all.into_iter().map(entry).collect()
}

/// The condition `Reachable` with a reason. `lastTransitionTime` is kept as for the others.
pub fn reachable_condition(
    verdict: &Verdict,
    reason: ConditionReason,
    previous: &StatusDigest,
    now: Timestamp,
) -> Condition {
    let (status, message) = match reason {
        ConditionReason::Reachable if verdict.object.is(ManagedKind::OidcClient) => {
            (TRUE, "The API server gives the keys of ServiceAccount tokens.")
        }
        ConditionReason::Reachable => (TRUE, "The provider's server answers."),
        ConditionReason::HostNotAllowed => (
            FALSE,
            "The provider's server has an address that Lanyard may not call; list its host in upstreamHosts.",
        ),
        ConditionReason::Unencrypted => (
            FALSE,
            "The provider's server has a public address, and spec.oidc.issuer is an http URL; use https.",
        ),
        ConditionReason::CertificateInvalid => (
            FALSE,
            "The certificate of the provider's server is expired, is for another host, or has an issuer that is not trusted. Add a private authority to caRef, or to fetch.caConfigMap of the chart.",
        ),
        ConditionReason::BadMetadata => {
            (FALSE, "The provider's discovery document is missing, wrong or about another issuer.")
        }
        ConditionReason::NotGitHub => {
            (FALSE, "The host in spec.github.host does not answer as GitHub does.")
        }
        ConditionReason::AccountRefused => (FALSE, "The directory refuses the search account."),
        ConditionReason::ClusterKeysForbidden => (
            FALSE,
            "The API server does not permit Lanyard to read the keys of ServiceAccount tokens, so workloads cannot authenticate by serviceAccountRef; set the chart value serviceAccountTokens.keys to true.",
        ),
        ConditionReason::ClusterKeysUnavailable => (
            FALSE,
            "The API server does not return usable keys of ServiceAccount tokens, so workloads cannot authenticate by serviceAccountRef.",
        ),
        ConditionReason::ClusterIssuer => (
            FALSE,
            "An issuer in spec.federatedCredentials is that of this cluster, and its tokens are refused; use serviceAccountRef instead.",
        ),
        _ => (FALSE, "The provider's server does not answer."),
    };
    let decided = DecidedCondition { status, reason, message: message.to_owned() };
    condition_of(verdict, ConditionType::Reachable, decided, (previous, now))
}

/// The condition `MailReachable` with a reason.
pub fn mail_reachable_condition(
    verdict: &Verdict,
    reason: ConditionReason,
    previous: &StatusDigest,
    now: Timestamp,
) -> Condition {
    let (status, message) = match reason {
        ConditionReason::Reachable => (TRUE, "The mail server answers."),
        ConditionReason::HostNotAllowed => (
            FALSE,
            "The mail server has an address that Lanyard may not call; list spec.mail.host in upstreamHosts.",
        ),
        ConditionReason::Unencrypted => (
            FALSE,
            "The mail server does not offer STARTTLS. Or spec.mail.tls is Disabled, which needs the server's address in fetch.allowCidrs of the chart (--fetch-allow).",
        ),
        ConditionReason::CertificateInvalid => (
            FALSE,
            "The certificate of the mail server is expired, is for another host, or has an issuer that is not trusted. Add a private authority to caRef, or to fetch.caConfigMap of the chart.",
        ),
        ConditionReason::AccountRefused => {
            (FALSE, "The mail server refuses the account of spec.mail.credentialsSecretRef.")
        }
        _ => (FALSE, "The mail server does not answer as an SMTP server does."),
    };
    let decided = DecidedCondition { status, reason, message: message.to_owned() };
    condition_of(verdict, ConditionType::MailReachable, decided, (previous, now))
}

fn condition_of(
    verdict: &Verdict,
    condition: ConditionType,
    decided: DecidedCondition,
    (previous, now): (&StatusDigest, Timestamp),
) -> Condition {
    let since = previous.since(condition, decided.status).unwrap_or(now);
    Condition {
        type_: condition.as_str().to_owned(),
        status: decided.status.to_owned(),
        reason: decided.reason.as_str().to_owned(),
        message: decided.message,
        observed_generation: verdict.generation,
        last_transition_time: Time(jiff::Timestamp::from_second(since.secs()).unwrap_or_default()),
    }
}

fn condition_status(verdict: &Verdict, condition: ConditionType) -> DecidedCondition {
    let problems = || verdict.problems.iter().filter(|problem| problem.condition == condition);
    if let Some(first) = problems().next() {
        return DecidedCondition {
            status: FALSE,
            reason: first.reason,
            message: joined(problems()),
        };
    }
    match condition {
        ConditionType::Accepted => {
            holds(ConditionReason::Accepted, "The object is valid and allowed.")
        }
        ConditionType::ResolvedRefs => {
            holds(ConditionReason::ResolvedRefs, "All references are resolved.")
        }
        ConditionType::Programmed if verdict.served() => {
            holds(ConditionReason::Programmed, "The object is served.")
        }
        ConditionType::Programmed => DecidedCondition {
            status: FALSE,
            reason: ConditionReason::NotServed,
            message: "Not served; see the conditions that are not True.".to_owned(),
        },
        ConditionType::KeysReady if keys_are_left_alone(verdict) => DecidedCondition {
            status: UNKNOWN,
            reason: ConditionReason::Pending,
            message: "Signing keys are not managed until the tenant is accepted.".to_owned(),
        },
        ConditionType::KeysReady => {
            holds(ConditionReason::Available, "The signing keys are available.")
        }
        ConditionType::SecretReady => {
            holds(ConditionReason::Available, "The Secret is up to date.")
        }
        ConditionType::Ready
        | ConditionType::Stalled
        | ConditionType::Warning
        | ConditionType::Reachable
        | ConditionType::MailReachable
        | ConditionType::EnrolmentAvailable
        | ConditionType::InvitationReady => {
            holds(ConditionReason::Available, "No problem was found.")
        }
    }
}

/// Whether people can enrol authenticators, if the tenant offers some.
fn enrolment(verdict: &Verdict) -> Option<DecidedCondition> {
    let ObjectOutcome::Tenant(tenant) = &verdict.outcome else { return None };
    Some(match tenant.enrolment? {
        EnrolmentState::Available => {
            holds(ConditionReason::Available, "People can enrol authenticators.")
        }
        EnrolmentState::StoreNotDurable => not_durable(""),
        EnrolmentState::RequiredNotDurable => not_durable(
            " spec.authenticators requires an authenticator that people cannot set up now, so people without one cannot sign in.",
        ),
    })
}

/// The store does not keep what people enrol.
fn not_durable(consequence: &str) -> DecidedCondition {
    let message = format!(
        "The store does not keep what people enrol: it is in memory, in a file without a volume, or on a server that may lose records.{consequence}"
    );
    DecidedCondition { status: FALSE, reason: ConditionReason::StoreNotDurable, message }
}

/// Whether the link of a user's invitation can be used, if the user has one.
fn invitation(verdict: &Verdict) -> Option<DecidedCondition> {
    let ObjectOutcome::User(user) = &verdict.outcome else { return None };
    let (is_true, reason, message) = invitation_condition(user.invitation.as_ref()?.state);
    let status = if is_true { TRUE } else { FALSE };
    Some(DecidedCondition { status, reason, message: message.to_owned() })
}

fn keys_are_left_alone(verdict: &Verdict) -> bool {
    matches!(&verdict.outcome, ObjectOutcome::Tenant(tenant) if tenant.keys == KeySource::None)
}

/// The texts of problems as one message.
fn joined<'a>(problems: impl IntoIterator<Item = &'a ValidationProblem>) -> String {
    let texts: Vec<String> = problems.into_iter().map(ValidationProblem::text).collect();
    shortened(texts.join("; "))
}

fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE_LEN {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_LEN));
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ManagedKind, ObjectKey, ObjectRef, Subject},
        registry::UserOutcome,
    };

    const THEN: Timestamp = Timestamp::from_secs(1_700_000_000);
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn verdict(problems: Vec<ValidationProblem>) -> Verdict {
        Verdict {
            object: ObjectRef::new(ManagedKind::OidcUser, ObjectKey::new("team", "ada")),
            generation: Some(3),
            outcome: ObjectOutcome::User(UserOutcome {
                subject: Some(Subject::new("ada")),
                invitation: None,
                served: problems.is_empty(),
            }),
            problems,
            warnings: Vec::new(),
        }
    }

    fn find<'a>(conditions: &'a [Condition], name: &str) -> &'a Condition {
        conditions.iter().find(|condition| condition.type_ == name).expect(name)
    }

    #[test]
    fn ready_is_true_if_all_conditions_are() {
        let all = verdict_conditions(&verdict(vec![]), &StatusDigest::default(), NOW);
        assert!(all.iter().all(|condition| condition.status == TRUE), "{all:?}");
        assert!(all.iter().all(|condition| condition.observed_generation == Some(3)));
        assert_eq!(all.last().expect("some").type_, "Ready");
    }

    #[test]
    fn stalled_is_there_only_for_reasons_of_the_object_itself() {
        use ConditionReason::{
            Invalid, Malformed, SecretNotFound, TenantNotFound, UnsupportedField, UnsupportedValue,
            UsernameConflict,
        };
        let stalled = |reason: ConditionReason| {
            let problem = ValidationProblem::accepted(reason, "spec.x", "must be x");
            let all = verdict_conditions(&verdict(vec![problem]), &StatusDigest::default(), NOW);
            let found = all.iter().find(|condition| condition.type_ == "Stalled");
            found.map(|it| (it.status.clone(), it.reason.clone(), it.message.clone()))
        };
        for reason in [Invalid, Malformed, UnsupportedField, UnsupportedValue] {
            let (status, told, message) = stalled(reason).expect("an edit is needed");
            assert_eq!((&*status, &*told, &*message), (TRUE, reason.as_str(), "spec.x: must be x"));
        }
        for reason in [TenantNotFound, SecretNotFound, UsernameConflict] {
            assert_eq!(stalled(reason), None, "{reason:?}");
        }
    }

    #[test]
    fn a_warning_is_a_condition_only_while_there_is_one() {
        let mut warned = verdict(vec![]);
        let before = verdict_conditions(&warned, &StatusDigest::default(), NOW);
        assert!(before.iter().all(|condition| condition.type_ != "Warning"));
        for host in ["a.test", "b.test"] {
            let (reason, condition) = (ConditionReason::InsecureHttp, ConditionType::Warning);
            warned.warnings.push(ValidationProblem::of(condition, reason, "spec.x", host));
        }
        let all = verdict_conditions(&warned, &StatusDigest::default(), NOW);
        let warning = find(&all, "Warning");
        assert_eq!((&*warning.status, &*warning.reason), (TRUE, "InsecureHttp"));
        assert_eq!(warning.message, "spec.x: a.test; spec.x: b.test");
        assert_eq!(find(&all, "Ready").status, TRUE);
    }

    #[test]
    fn the_message_joins_all_problems_of_the_first_violated_condition() {
        let problems = vec![
            ValidationProblem::of(
                ConditionType::ResolvedRefs,
                ConditionReason::SecretNotFound,
                "spec.b",
                "is gone",
            ),
            ValidationProblem::invalid("spec.x", "must be x"),
            ValidationProblem::accepted(ConditionReason::UsernameConflict, "", "taken"),
        ];
        let all = verdict_conditions(&verdict(problems), &StatusDigest::default(), NOW);
        let accepted = find(&all, "Accepted");
        assert_eq!(accepted.reason, "Invalid");
        assert_eq!(accepted.message, "spec.x: must be x; taken");
        assert_eq!(find(&all, "ResolvedRefs").reason, "SecretNotFound");
        assert_eq!(find(&all, "Programmed").reason, "NotServed");
        assert_eq!(find(&all, "Ready").reason, "Invalid");
    }

    #[test]
    fn last_transition_time_changes_only_with_the_status() {
        let before = verdict_conditions(&verdict(vec![]), &StatusDigest::default(), THEN);
        let told = StatusDigest::of(&before, &());
        let after = verdict_conditions(&verdict(vec![]), &told, NOW);
        assert_eq!(before, after);
        let broken =
            verdict_conditions(&verdict(vec![ValidationProblem::invalid("", "x")]), &told, NOW);
        let time = |name| Timestamp::from(find(&broken, name).last_transition_time.0);
        assert_eq!(time("ResolvedRefs"), THEN);
        assert_eq!(time("Accepted"), NOW);
    }

    #[test]
    fn long_messages_are_truncated_at_a_character_boundary() {
        let all = verdict_conditions(
            &verdict(vec![ValidationProblem::invalid("", "ü".repeat(5000))]),
            &StatusDigest::default(),
            NOW,
        );
        let message = &find(&all, "Accepted").message;
        assert!(message.len() <= MAX_MESSAGE_LEN + '…'.len_utf8() && message.ends_with('…'));
    }
}

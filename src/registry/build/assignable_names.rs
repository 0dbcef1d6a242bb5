//! The names that a source of people may give, and those that two sources must not share.

use crate::{
    api::ConditionReason,
    model::{ObjectKey, SubjectStrategy},
    protocol::identity_provider::GroupMapping,
    registry::validate::{ProblemList, ProviderNaming},
};

const USERNAME_PREFIX: &str = "spec.claimMappings.username.prefix";
const GROUPS: &str = "spec.claimMappings.groups";
const EMAIL_DOMAINS: &str = "spec.emailDomains";

/// A rule that a provider breaks: the reason of its condition, the field and the message.
pub(super) type SourceProblem = (ConditionReason, &'static str, String);

/// The names that a provider may give.
#[derive(Debug)]
pub(super) struct AssignableNames {
    pub(super) object: ObjectKey,
    /// The fields that let the provider name people of any other source, each with what to set instead. Fields
    /// that cannot be read are left out.
    pub(super) unbounded: Vec<(&'static str, &'static str)>,
    username_prefix: String,
    /// The beginnings of the groups that it may name without listing them.
    groups: Vec<String>,
    gives_addresses: bool,
    email_domains: Vec<String>,
    strategy: SubjectStrategy,
    subject_claim: String,
    /// The namespaces of the provider's subjects, each with the issuer of the identities; `None` for directories.
    subjects: Vec<(String, Option<String>)>,
    /// Whether it is a directory for names of every domain.
    takes_every_name: bool,
}

impl AssignableNames {
    pub(super) fn of(object: &ObjectKey, naming: &ProviderNaming, problems: &ProblemList) -> Self {
        let (subject, mappings) = (&naming.subject, &naming.mappings);
        let groups = open_groups(&mappings.groups);
        let mut unbounded = unbounded_claims(naming, &groups);
        let has_unknown_fields = problems.has_reason(ConditionReason::UnsupportedField);
        unbounded.retain(|(field, _)| {
            // The claim or expression counts too.
            let part = field.strip_suffix(".prefix").unwrap_or(field);
            !has_unknown_fields && !problems.has_below(part)
        });
        Self {
            object: object.clone(),
            unbounded,
            username_prefix: mappings.username.prefix.clone(),
            groups,
            gives_addresses: mappings.email.is_some(),
            email_domains: naming.email_domains.clone(),
            strategy: subject.strategy,
            subject_claim: subject.claim.clone(),
            subjects: subject_names(naming),
            takes_every_name: naming.takes_every_name,
        }
    }

    /// The rules that a younger provider breaks because of this one.
    pub(super) fn conflicts(&self, younger: &Self) -> Vec<SourceProblem> {
        let ambiguous = |(field, message)| (ConditionReason::AmbiguousSource, field, message);
        let mut found: Vec<SourceProblem> =
            self.shared_names(younger).into_iter().map(ambiguous).collect();
        let of = || format!("IdentityProvider \"{}\"", self.object);
        let is_verbatim = |it: &Self| it.strategy == SubjectStrategy::Upstream;
        if is_verbatim(self) && is_verbatim(younger) {
            let remedy = "gives its subjects verbatim already; delete one of the two, and create it with Computed";
            let message = format!("{} {remedy}", of());
            found.push((ConditionReason::SubjectConflict, "spec.subject.strategy", message));
        }
        if self.takes_every_name && younger.takes_every_name {
            let remedy = "is a directory for every name already; list the domains of the names that belong to this one";
            found.push(ambiguous(("spec.signIn.domains", format!("{} {remedy}", of()))));
        }
        found
    }

    /// The fields by which a younger provider could speak for the people of this one.
    fn shared_names(&self, younger: &Self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let of = || format!("IdentityProvider \"{}\", which is older,", self.object);
        let old = self.username_prefix.as_str();
        if overlap(old, &younger.username_prefix) {
            let message = format!(
                "{} has the prefix {old:?}, so usernames of one could be usernames of the other; choose another, and let neither begin with the other",
                of()
            );
            found.push((USERNAME_PREFIX, message));
        }
        let is_shared = |old: &&String| younger.groups.iter().any(|new| overlap(old, new));
        if let Some(shared) = self.groups.iter().find(is_shared) {
            let message = format!(
                "{} can have all groups that begin with {shared:?}, so groups of one could be groups of the other; set another prefix, or list the groups in include",
                of()
            );
            found.push((GROUPS, message));
        }
        let gives_addresses = self.gives_addresses && younger.gives_addresses;
        let domain = younger.email_domains.iter().find(|it| self.email_domains.contains(it));
        if let Some(domain) = domain.filter(|_| gives_addresses) {
            let message = format!(
                "{} has the domain {domain:?}; leave it to one of them, or set claimMappings.email.claim to \"\"",
                of()
            );
            found.push((EMAIL_DOMAINS, message));
        }
        if let Some(name) = self.shared_subjects(younger) {
            let (field, remedy) = match younger.strategy {
                SubjectStrategy::Dex => (
                    "spec.subject.connectorId",
                    "delete this object, and create it with the id of its own connector",
                ),
                SubjectStrategy::Computed | SubjectStrategy::Upstream => (
                    "spec.identityKey",
                    "delete this object, and create it without identityKey or with a different one",
                ),
            };
            let message = format!("{} has the same {name:?} for its subjects; {remedy}", of());
            found.push((field, message));
        }
        found
    }

    /// The name under which both make subjects, though their people are those of different authorities.
    fn shared_subjects<'c>(&self, younger: &'c Self) -> Option<&'c str> {
        let is_dex = self.strategy == SubjectStrategy::Dex;
        if self.strategy != younger.strategy
            || self.strategy == SubjectStrategy::Upstream
            || (!is_dex && self.subject_claim != younger.subject_claim)
        {
            return None;
        }
        let differs = |(name, authority): &&(String, Option<String>)| {
            let mut same = self.subjects.iter().filter(|(other, _)| other == name);
            same.any(|(_, other)| other.is_none() || other != authority)
        };
        younger.subjects.iter().find(differs).map(|(name, _)| name.as_str())
    }
}

/// The fields by which a provider could speak for people of other sources, and what to do.
fn unbounded_claims(
    provider: &ProviderNaming,
    groups: &[String],
) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    if provider.mappings.email.is_some() && provider.email_domains.is_empty() {
        let remedy = "list the domains of this provider's e-mail addresses, or set claimMappings.email.claim to \"\"";
        found.push((EMAIL_DOMAINS, remedy));
    }
    // An expression makes names of its own.
    let username = &provider.mappings.username;
    if username.prefix.is_empty() && username.value.claim().is_some() {
        let remedy = "set a prefix, so that no username of one is a username of another";
        found.push((USERNAME_PREFIX, remedy));
    }
    if groups.iter().any(String::is_empty) {
        let remedy = "set a prefix, or list the groups in include, so that no provider can name the groups of another";
        found.push((GROUPS, remedy));
    }
    found
}

fn open_groups(groups: &GroupMapping) -> Vec<String> {
    if groups.include.is_empty() {
        return vec![groups.prefix.clone()];
    }
    let patterns = groups.include.iter().filter_map(|pattern| pattern.split_once('*'));
    patterns.map(|(beginning, _)| format!("{}{beginning}", groups.prefix)).collect()
}

/// Whether a text can begin with both prefixes. The empty prefix is checked elsewhere.
fn overlap(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && (one.starts_with(other) || other.starts_with(one))
}

fn subject_names(provider: &ProviderNaming) -> Vec<(String, Option<String>)> {
    let key = match provider.subject.strategy {
        SubjectStrategy::Dex => Some(&provider.subject.connector_id),
        SubjectStrategy::Computed | SubjectStrategy::Upstream => provider.identity_key.as_ref(),
    };
    let Some(key) = key else { return Vec::new() };
    provider.keyed_authorities(key).collect()
}

//! Federated client authentication: identities of other issuers that authenticate a client, without
//! any secret or key of the client's own.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::wire_enum;

/// An identity that another issuer vouches for, and that authenticates a client (RFC 7523 §2.2).
#[derive(Clone, Debug, PartialEq)]
pub struct FederatedCredential {
    /// The issuer that signs the assertions.
    pub issuer: FederatedIssuer,
    /// `sub` of the assertions.
    pub subject: FederatedSubject,
    /// The only `aud` of the assertions.
    pub audience: Box<str>,
    /// Further claims that the assertions must have, with their values.
    pub claims: BTreeMap<String, String>,
}

/// The issuer of a federated credential.
#[derive(Clone, Debug, PartialEq)]
pub enum FederatedIssuer {
    /// An issuer that is named by its URL.
    Named {
        /// `iss` of the assertions.
        issuer: Box<str>,
        /// The issuer's public keys as a JWK Set. `None`: those of its discovery document.
        jwks: Option<Arc<Value>>,
    },
    /// The cluster that Lanyard runs in, for tokens of its ServiceAccounts.
    Cluster {
        /// Whether the API server is asked about each token too.
        validation: TokenValidation,
    },
}

impl FederatedIssuer {
    /// Returns true if it signs assertions with this `iss`. `cluster`: the issuer of the cluster, if it is
    /// known, which is only ever [`FederatedIssuer::Cluster`].
    pub fn matches_issuer(&self, issuer: &str, cluster: Option<&str>) -> bool {
        match self {
            Self::Named { issuer: own, .. } => **own == *issuer && cluster != Some(issuer),
            Self::Cluster { .. } => cluster == Some(issuer),
        }
    }
}

wire_enum!(
    /// How tokens of ServiceAccounts are validated.
    #[derive(Default)]
    TokenValidation {
        /// By their signature and claims. A token is valid until it expires, even if its Pod is gone.
        #[default]
        Signature = "Signature",
        /// By the API server too (`TokenReview`), which refuses tokens of deleted Pods and ServiceAccounts.
        TokenReview = "TokenReview",
    }
);

/// The start of `sub` in the tokens of all ServiceAccounts, of every cluster.
pub const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// `sub` of the tokens of a ServiceAccount.
pub fn service_account_subject(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// The subject of a federated credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FederatedSubject {
    /// Exactly this subject, compared as a string.
    Exact(Box<str>),
    /// All subjects that match a pattern.
    Pattern(SubjectPattern),
}

impl FederatedSubject {
    /// Returns true if the credential is for this subject.
    pub fn matches(&self, subject: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *subject,
            Self::Pattern(pattern) => pattern.matches(subject),
        }
    }
}

/// The characters that `*` of a [`SubjectPattern`] never matches.
const SEPARATORS: [char; 2] = [':', '/'];

/// A pattern of subjects, in which `*` stands for any text without `:` and `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPattern(Box<str>);

/// The reason why a text is not a [`SubjectPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectPatternError {
    /// The pattern has no `*`.
    #[error("has no '*'; set subject instead")]
    NoWildcard,
    /// The pattern could match every subject of the issuer.
    #[error("must begin with text before the first '*', such as repo:acme/")]
    NoPrefix,
}

impl SubjectPattern {
    /// Parses a pattern. It must contain a `*`, and begin with another character.
    pub fn parse(text: &str) -> Result<Self, SubjectPatternError> {
        match text.find('*') {
            None => Err(SubjectPatternError::NoWildcard),
            Some(0) => Err(SubjectPatternError::NoPrefix),
            Some(_) => Ok(Self(text.into())),
        }
    }

    /// Returns true if the pattern matches the whole subject.
    pub fn matches(&self, subject: &str) -> bool {
        let mut parts = self.0.split(SEPARATORS).zip(subject.split(SEPARATORS));
        self.0.matches(SEPARATORS).eq(subject.matches(SEPARATORS))
            && parts.all(|(pattern, part)| matches_part(pattern, part))
    }
}

/// Matches a part between two separators.
fn matches_part(pattern: &str, part: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = part.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, subject: &str) -> bool {
        SubjectPattern::parse(pattern).expect("a pattern").matches(subject)
    }

    #[test]
    fn a_wildcard_stays_within_a_part() {
        for (pattern, subject, expected) in [
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main", true),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/a/b:ref:refs/heads/main", false),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/a:x:ref:refs/heads/main", false),
            ("repo:acme/*", "repo:acme/shop", true),
            ("repo:acme/*", "repo:acme/shop:environment:production", false),
            ("repo:acme/*", "repo:acme-evil/shop", false),
            ("repo:acme/shop-*-ci", "repo:acme/shop-a-b-ci", true),
            ("repo:acme/shop-*-ci", "repo:acme/shop-ci", false),
            ("repo:acme/a*b*c", "repo:acme/aXbYbZc", true),
            ("repo:acme/a*b*c", "repo:acme/acb", false),
            ("repo:acme/*/", "repo:acme/shop/", true),
            ("repo:acme/*", "repo:acme/shop/", false),
            ("spiffe://acme.test/ns/*/sa/api", "spiffe://acme.test/ns/shop/sa/api", true),
            ("spiffe://acme.test/ns/*/sa/api", "spiffe://acme.test/ns//sa/api", true),
            ("spiffe://acme.test/ns/*/sa/api", "spiffe://acme.test.evil/ns/shop/sa/api", false),
            ("repo:*", "repo:", true),
            ("repo:*", "repo", false),
            ("a*", "", false),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn a_pattern_names_something() {
        assert_eq!(SubjectPattern::parse("repo:a"), Err(SubjectPatternError::NoWildcard));
        assert_eq!(SubjectPattern::parse("*:a"), Err(SubjectPatternError::NoPrefix));
        assert_eq!(SubjectPattern::parse(""), Err(SubjectPatternError::NoWildcard));
    }

    proptest! {
        #[test]
        fn a_match_has_the_separators_of_the_pattern(
            pattern in "[ab:/][ab*:/]{0,6}[*][ab*:/]{0,6}",
            subject in "[ab:/]{0,12}",
        ) {
            let found = matches(&pattern, &subject);
            let separators = |text: &str| text.matches(SEPARATORS).collect::<String>();
            // The same by a regular expression, which is the definition.
            let expression = format!("^{}$", pattern.replace('*', "[^:/]*"));
            let expected = simple_match(&expression, &subject);
            prop_assert_eq!(found, expected);
            prop_assert!(!found || separators(&pattern) == separators(&subject));
        }
    }

    /// Matches `[^:/]*` and literal characters by trying every way.
    fn simple_match(expression: &str, text: &str) -> bool {
        fn tries(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.strip_prefix(b"[^:/]*") {
                Some(rest) => {
                    tries(rest, text)
                        || text.split_first().is_some_and(|(first, after)| {
                            !b":/".contains(first) && tries(pattern, after)
                        })
                }
                None => match (pattern.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some((a, pattern)), Some((b, text))) => a == b && tries(pattern, text),
                    _ => false,
                },
            }
        }
        tries(expression.trim_start_matches('^').trim_end_matches('$').as_bytes(), text.as_bytes())
    }
}

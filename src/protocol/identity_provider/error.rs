//! The reasons why claims give no account.

use crate::expression::EvaluationError;

/// The reason why claims give no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// The person cannot be identified.
    #[error("the provider's claim {claim:?}, which identifies a person, {problem}")]
    NoIdentifier {
        /// The name of the claim.
        claim: String,
        /// The fault of its value, as the end of a sentence.
        problem: &'static str,
    },
    /// A mapped text is missing.
    #[error("the provider sent no {part}: {source_name} is absent or empty")]
    NoText {
        /// The part of the account that the text is for, such as `username`.
        part: &'static str,
        /// The source of the text: `the claim` and its name, or `the expression`.
        source_name: String,
    },
    /// A mapped value has the wrong type or length.
    #[error("the provider's value for {part} ({source_name}) {problem}")]
    BadText {
        /// The part of the account.
        part: &'static str,
        /// The source of the text: `the claim` and its name, or `the expression`.
        source_name: String,
        /// The fault of the value, as the end of a sentence.
        problem: &'static str,
    },
    /// An expression of the mapping could not be evaluated.
    #[error("an expression failed: {0}")]
    Expression(#[from] EvaluationError),
    /// The claim with the groups is missing.
    #[error("the provider sent no groups: the claim {0:?} is absent")]
    NoGroups(String),
    /// The claim with the groups is not a list of texts.
    #[error("the provider's groups ({0}) are neither a list of texts nor a text")]
    NotGroups(String),
    /// The provider left the groups out, because they are too many.
    #[error(
        "the provider left the groups out because they are too many (overage); let it send only the groups that are assigned to the application"
    )]
    GroupOverage,
    /// The person has too many groups.
    #[error(
        "the person has {count} groups, more than {most}; restrict them by claimMappings.groups.include"
    )]
    TooManyGroups {
        /// The number of the person's groups after the filter `include`.
        count: usize,
        /// The maximum number of groups.
        most: usize,
    },
    /// A group is empty or too long.
    #[error("a group is empty or has more than {0} bytes")]
    GroupLength(usize),
    /// A group has control or invisible characters. Control characters could end a header or an element of a list.
    #[error("a group has control characters, such as a line break, or invisible ones: {0:?}")]
    UnprintableGroup(String),
    /// A rule refuses the person.
    #[error("claimValidationRules[{index}] refuses the person")]
    Refused {
        /// The position of the rule.
        index: usize,
        /// The rule's message for the person.
        message: Option<String>,
    },
    /// A rule about the account refuses the person.
    #[error("userValidationRules[{index}] refuses the person")]
    RefusedUser {
        /// The position of the rule.
        index: usize,
        /// The rule's message for the person.
        message: Option<String>,
    },
}

impl MappingError {
    /// The message for the person, if the operator wrote one.
    pub fn message_for_person(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } | Self::RefusedUser { message, .. } => message.as_deref(),
            _ => None,
        }
    }

    /// Returns true if the person is not admitted; otherwise the provider's answer is unusable.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::RefusedUser { .. })
    }
}

//! The reasons why a YAML document cannot be read.

use super::MAX_DEPTH;

/// A reason why a YAML document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::source::manifests) enum YamlProblem {
    /// The text is not YAML; the message is the parser's.
    #[error("{0}")]
    Syntax(String),
    /// The parser panicked, which it does for some invalid texts.
    #[error("the parser cannot read the document")]
    ParserPanicked,
    #[error("is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("expected a value")]
    ValueExpected,
    #[error("*{0} refers to no anchor before it")]
    UnknownAnchor(String),
    #[error("the document exceeds the size limit after aliases are expanded")]
    TooManyCopies,
    #[error("the merge key << requires a map or a list of maps")]
    MergeOfOther,
    /// The name of a tag of YAML 1.1.
    #[error("the value does not have the type of its tag !!{0}")]
    TagMismatch(String),
    #[error("the value of !!binary is not base64")]
    NotBase64,
    #[error("infinity and NaN are not numbers of JSON")]
    NotFinite,
    #[error("a key is empty; write its name")]
    EmptyKey,
    #[error("a key is too large a number; put it in quotes")]
    LargeKey,
    #[error("a key is a list or a map")]
    CompoundKey,
}

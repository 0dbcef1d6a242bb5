//! The people who may enter an application.

use crate::expression::Expression;

/// The word for people of the tenant itself in a list of providers. No object has such a name.
pub const LOCAL_PROVIDER: &str = "Local";

/// The people who may use an application. A person must meet every restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Identity providers, or [`LOCAL_PROVIDER`]. Empty: all.
    pub providers: Vec<String>,
    /// Groups of which one is needed. Empty: none is needed.
    pub groups: Vec<String>,
    /// The level that a sign-in must have reached.
    pub acr: Option<String>,
    /// Conditions that must all be true.
    pub rules: Vec<AccessRule>,
    /// Text for people who may not enter.
    pub message: Option<String>,
}

/// A condition of entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    /// The condition over `user` and `client`, which must be true.
    pub expression: Expression,
    /// Text for people whom it refuses.
    pub message: Option<String>,
}

//! Whether authenticators can be enrolled at a tenant.

/// Whether people can enrol authenticators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentState {
    /// People can enrol authenticators.
    Available,
    /// The store does not keep what is enrolled.
    StoreNotDurable,
    /// The same, and the tenant requires an authenticator: people without one cannot sign in.
    RequiredNotDurable,
}

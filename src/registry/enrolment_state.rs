//! Whether authenticators can be enrolled at a tenant.

/// Whether people can enrol authenticators at a tenant that offers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolmentState {
    /// People can enrol authenticators.
    Available,
    /// The store does not keep what is enrolled.
    StoreNotDurable,
    /// The store does not keep what is enrolled, and the tenant requires it: people without one cannot sign in.
    RequiredNotDurable,
}

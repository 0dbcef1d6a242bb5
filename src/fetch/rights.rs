//! The rights of a client for outbound HTTP: the addresses that it may call, and the certificates that it
//! trusts.

/// The rights of a client at a URL. A document that was fetched with some rights is served only to those
/// who fetch it with the same: others could not have fetched it, or would have refused its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FetchRights {
    /// The addresses that it may call.
    pub reach: FetchReach,
    /// SHA-256 of the certificates that it trusts besides those of the installation.
    pub certificates: Option<[u8; 32]>,
}

/// The addresses that a client may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FetchReach {
    /// Public addresses, and those that the installation allows.
    #[default]
    Public,
    /// Public addresses, those that the installation allows, and addresses inside the network.
    Internal,
    /// The issuers of this installation, without a connection.
    Local,
}

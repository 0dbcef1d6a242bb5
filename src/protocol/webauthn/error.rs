//! The reasons why a response of an authenticator is refused.

/// The reason why a response of an authenticator is refused. The texts are for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// A part is not what browsers and authenticators send.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The response is that of another ceremony.
    #[error("the response is that of another ceremony")]
    OtherCeremony,
    /// The challenge is another one.
    #[error("the challenge differs")]
    OtherChallenge,
    /// The page was of another origin.
    #[error("the response was made for another origin")]
    OtherOrigin,
    /// The page was in a frame of another origin.
    #[error("the response was made in a frame of another site")]
    CrossOrigin,
    /// The credential is scoped to another relying party.
    #[error("the response was made for another relying party")]
    OtherRelyingParty,
    /// The user was not present.
    #[error("the authenticator did not see a person")]
    NoUserPresence,
    /// The authenticator did not verify the person.
    #[error("the authenticator did not verify the person")]
    NoUserVerification,
    /// The flags about backups contradict each other or the registration.
    #[error("the backup flags contradict the specification or the registration")]
    BackupFlags,
    /// The key has an algorithm that was not asked for, or its parameters are not those of a key.
    #[error("the public key cannot be used")]
    UnusableKey,
    /// The signature is not that of the key.
    #[error("the signature is wrong")]
    WrongSignature,
}

//! Reasons of Events: fixed words with their meaning and remedy, from which
//! `docs/reference/events-and-conditions.md` is made.

use super::ConditionReason;

macro_rules! event_reasons {
    ($($(#[doc = $meaning:literal])+ $name:ident: $event_type:ident $action:ident on $objects:literal, $remedy:literal;)+) => {
        /// The reason of an Event. The doc comment of a reason states its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventReason {
            /// The object's `Ready` condition became False with this reason.
            NotReady(ConditionReason),
            $($(#[doc = $meaning])+ $name,)+
        }

        impl EventReason {
            /// All reasons that are not those of conditions.
            pub const OWN: &'static [Self] = &[$(Self::$name,)+];

            /// The Event's `reason`: a word in `UpperCamelCase`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::NotReady(reason) => reason.as_str(),
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// The Event's `type`: `Normal` or `Warning`.
            pub const fn event_type(self) -> EventType {
                match self {
                    Self::NotReady(_) => EventType::Warning,
                    $(Self::$name => EventType::$event_type,)+
                }
            }

            /// The Event's `action`: a CamelCase verb.
            pub const fn action(self) -> &'static str {
                match self {
                    Self::NotReady(_) => "Reconcile",
                    $(Self::$name => stringify!($action),)+
                }
            }

            /// The meaning, as Markdown for the reference.
            pub const fn meaning(self) -> &'static str {
                match self {
                    Self::NotReady(reason) => reason.meaning(),
                    $(Self::$name => concat!($($meaning),+).trim_ascii(),)+
                }
            }

            /// The objects that have Events with it.
            pub const fn objects(self) -> &'static str {
                match self {
                    Self::NotReady(_) => "all kinds",
                    $(Self::$name => $objects,)+
                }
            }

            /// The remedy, as Markdown; empty if nothing has to be done.
            pub const fn remedy(self) -> &'static str {
                match self {
                    Self::NotReady(reason) => reason.remedy(),
                    $(Self::$name => $remedy,)+
                }
            }
        }
    };
}

/// The type of an Event (`events.k8s.io/v1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// For information. Nothing has to be done.
    Normal,
    /// Something may need attention.
    Warning,
}

impl EventType {
    /// The word in an Event's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

event_reasons! {
    /// A new signing key is in the JWKS. The message has its id, its algorithm and when it begins to
    /// sign.
    KeyPublished: Normal Rotate on "Tenant", "";
    /// Entries of the key Secret cannot be used, and were moved to `<tenant>-signing-keys-backup`.
    /// The keys that are missing are made.
    KeysDamaged: Warning Rotate on "Tenant",
        "Find out what changed the Secret. Nothing else needs to be done.";
    /// On a Tenant: signing keys are no longer in the key Secret. Tokens that they signed are no
    /// longer accepted, and users sign in again. On the Secret of sealing or vault keys: it did
    /// not exist or had no readable key, and no replica had one. Every refresh token and every sign-in
    /// in progress is void, or the authenticators of people cannot be used.
    KeysLost: Warning Rotate on "Tenant; Secret of sealing keys; Secret of vault keys",
        "Find out what deleted or damaged the keys. Restore the Secret from a backup if there is one.";
    /// Sealing or vault keys were missing from their Secret. Replicas that had them went on, and they were
    /// written back, so nothing was lost.
    SealingKeysRestored: Warning Restore on "Secret of sealing keys; Secret of vault keys",
        "Find out what deleted the keys. To void keys for good, name them in the annotation \
         `lanyard.dev/discard` of the Secret.";
    /// Sealing or vault keys that the annotation `lanyard.dev/discard` names were removed. Values that they
    /// sealed are void.
    SealingKeysDiscarded: Normal Rotate on "Secret of sealing keys; Secret of vault keys", "";
    /// An entry of the `ConfigMap` of host settings cannot be read, or the `ConfigMap` does not exist. The
    /// last settings that could be read stay in force.
    HostSettingsUnreadable: Warning Reconcile on "ConfigMap of host settings",
        "Set the chart's values, and upgrade the release.";
    /// The API server refused the status of the object, so its conditions are those of an earlier time. Lanyard tries
    /// again every few minutes.
    StatusRefused: Warning Reconcile on "all kinds",
        "Look at the message: apply the chart's custom resource definitions, or the Role that it lacks.";
    /// The client's Secret was missing or its client secret could not be used, so the client has a new client
    /// secret.
    SecretRecreated: Warning Reconcile on "OidcClient",
        "Restart the applications that do not watch the Secret.";
    /// Notifications about ended sessions could not be delivered to the client. Lanyard tries again
    /// for more than an hour.
    LogoutNotDelivered: Warning Notify on "OidcClient",
        "Check `spec.backchannelLogoutUri`, and that Lanyard can reach it.";
    /// Lanyard gave up notifications about ended sessions. The application may still treat users as
    /// signed in.
    LogoutGivenUp: Warning Notify on "OidcClient",
        "Check `spec.backchannelLogoutUri`, and that Lanyard can reach it.";
    /// A refresh token of the client was used again after it had been replaced, later than
    /// `refreshTokenReuseWindow` allows. Its grant is revoked. One Event covers all grants of an hour.
    RefreshTokenReplayed: Warning Revoke on "OidcClient",
        "Make sure that the application stores the refresh token of each response, and that its instances share it. If it does, an attacker may have copied a token: see the audit lines of the log.";
    /// No notification about an ended session is pending any more.
    LogoutDelivered: Normal Notify on "OidcClient", "";
}

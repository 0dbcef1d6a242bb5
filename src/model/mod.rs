//! The vocabulary of the whole program: identifiers, time, chance, secrets, and the
//! *checked* tenant, client and user. Past this module a wrong value cannot be expressed.
//!
//! Must not: do I/O, know Kubernetes' or HTTP's types, or depend on any other module.

mod algorithm;
mod client;
mod client_details;
mod entropy;
mod flow;
mod ids;
mod installation;
mod issuer;
mod pool;
mod recent;
mod redirect_uri;
mod registrar;
#[cfg(test)]
pub mod samples;
mod secret;
mod tenant;
pub mod text;
mod time;
mod untold;
mod user;

pub use algorithm::{IdTokenAlgorithm, JwsAlgorithm, SigningAlgorithm};
pub use client::{
    ApplicationType, AssertionAudience, Client, ConsentPolicy, Pairwise, Registered, SubjectType,
    sign_with_secret,
};
pub use client_details::ClientDetails;
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use flow::{AuthMethod, GrantType, ResponseType};
pub use ids::{ClientId, KeyParts, Kind, ObjectKey, ObjectRef, Subject, TenantId};
pub use installation::{HostPattern, Installation, IssuerHost};
pub use issuer::{Issuer, IssuerError};
pub use pool::Pool;
pub use recent::Recent;
pub use redirect_uri::{RedirectUri, RedirectUriError};
pub use registrar::{NewClient, REGISTERED_NAME, Registrar, RegistrarError, SharedRegistrar};
pub use secret::Secret;
pub use tenant::{
    AcrLevel, Branding, CustomScope, Lifetimes, Organization, RefreshTokenRotation, Registration,
    RegistrationMode, RequestObjects, RotationPolicy, Tenant,
};
pub use time::{Clock, FixedClock, SystemClock, Timestamp};
pub use untold::{Untold, UntoldClients, WatchUntold};
pub use user::{StoredPassword, User};

//! Clients: their authentication by secrets, assertions and certificates, their metadata documents, dynamic
//! registration, and pushed authorization requests.
//!
//! Must not: know users, sessions or grants.

pub(crate) mod client_authentication;
mod client_certificates;
pub(crate) mod client_documents;
pub(crate) mod client_jws;
mod client_jws_error;
mod federated_authentication;
pub(crate) mod pushed_requests;
pub(crate) mod registrations;

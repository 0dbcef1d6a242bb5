//! The rules of OAuth 2.0 and OpenID Connect. Pure: no async, no hyper, no kube, no clock, no
//! randomness; what they need of those is an argument.

pub mod authorize;
pub mod consent;
pub mod error;
pub mod params;
pub mod records;
pub mod session;

//! The rules of OAuth 2.0 and OpenID Connect. Pure code: no async, hyper, kube, clock or
//! randomness; such inputs are arguments.

pub mod access;
pub mod account_page;
pub mod authentication;
pub mod authorize;
pub mod claims;
pub mod client_auth;
pub mod client_document;
pub mod consent;
mod digest;
pub mod dpop;
pub mod error;
pub mod identity_provider;
pub mod introspection;
pub mod jwt;
pub mod known_browser;
pub mod logout;
pub mod logout_token;
pub mod marks;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod records;
pub mod recovery_codes;
pub mod registration;
pub mod resource;
pub mod scope;
pub mod session;
pub mod sid;
pub mod subject;
pub mod token;
pub mod totp;
mod unregistered_uri;
pub mod upstream;
pub mod user_agent;
pub mod userinfo;
pub mod webauthn;

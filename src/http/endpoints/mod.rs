//! The endpoints, one file each. Handlers are named by HTTP method.

pub mod account;
mod authenticated_form;
pub mod authorize;
pub mod check_session;
mod conditional_get;
pub mod consent;
mod directory_login;
pub mod discovery;
mod failed_login;
mod frontchannel_logout;
mod identify;
pub mod introspect;
pub mod jwks;
mod known_browser;
pub mod login;
pub mod logout;
pub mod pages;
mod passkey;
pub mod provider_callback;
pub mod provider_logout;
mod provider_problem;
pub mod provider_sign_in;
pub mod register;
pub mod revoke;
mod second_factor;
pub mod token;
pub mod userinfo;

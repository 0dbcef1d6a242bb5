//! Servers that people sign in from: directories by LDAP.
//!
//! Must not: decide who may sign in, map claims, or store anything.

pub mod ldap;

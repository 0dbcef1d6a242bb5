//! Invitations of users: their links, the mail with a link, and the setup of the invited person.
//!
//! Must not: send mail, or check authenticators that are set up already.

pub(crate) mod invitation_links;
pub(super) mod invitation_mail;
mod invitation_need;
pub(super) mod invitation_url;
mod invited_credentials;
pub(crate) mod invited_setup;

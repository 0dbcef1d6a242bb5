//! The authorization endpoint, sign-in and consent over real HTTP, as browsers and clients see them.

use crate::support::{app, browser, publisher};

mod access;
mod account_change_attacks;
mod account_page;
mod account_sign_out;
mod authenticator;
mod claims;
mod consent;
mod factor_attacks;
mod factor_guesses;
mod factor_owners;
mod form_post;
mod forms;
mod hybrid;
mod inside;
mod invitation;
mod invitation_mail;
mod languages;
mod logout;
mod lost_store;
mod passkey_attacks;
mod passkeys;
mod password_reset;
mod read_only_store;
mod recovery_codes;
mod redirects;
mod removed_factor;
mod request_objects;
mod requests;
mod required_factor_attacks;
mod required_factors;
mod second_factor;
mod sign_in;
mod vault_resealing;
mod world;
